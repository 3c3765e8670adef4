//! What our people see and press, what is refused, and who sees nothing.

use chrono::TimeDelta;
use sayoo::base::ids::SandboxId;
use sayoo::sandboxes::State;
use sqlx::PgPool;

use super::Yard;
use crate::billing::world::number;
use crate::support::portal::World;

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn where_no_server_was_named_the_page_says_how_to_set_it_up(db: PgPool) {
    let world = World::new(db).await;
    let staff = world.staff().await;
    staff.get("/staff/sandboxes").await.assert_says(200, "sandbox_url");
    staff.get("/staff/sandboxes/new").await.assert_says(200, "sandbox_url");
    let plan = world.plan("production").await.to_string();
    let fields = [
        ("name", "Atlas"),
        ("country", "MA"),
        ("plan", plan.as_str()),
        ("usage", "shop"),
        ("pays", "late"),
        ("starts", "2026-01-01"),
    ];
    staff.post("/staff/sandboxes/new", &fields).await.assert_says(422, "Sandboxes are not set up");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_cannot_be_right_is_said_beside_its_field_and_makes_nothing(db: PgPool) {
    let yard = Yard::new(db.clone()).await;
    let nobody = SandboxId::new(yard.world.portal.clock.now()).to_string();
    for (field, value, says) in [
        ("name", " ", "One line of 1 to 100 characters"),
        ("name", "a\nb", "One line of 1 to 100 characters"),
        ("country", "XX", "Choose one of these"),
        ("country", "US", "Choose one of these"),
        ("plan", "x'--", "one to three published plans"),
        ("plan", nobody.as_str(), "one to three published plans"),
        ("usage", "none", "Choose one of these"),
        ("pays", "tomorrow", "Choose one of these"),
        ("starts", "1970-01-01", "within three years of today"),
        ("starts", "2031-01-01", "within three years of today"),
        ("starts", "soon", "within three years of today"),
        ("budget", "-5", "An amount of at least 1"),
        ("budget", "0.5", "An amount of at least 1"),
        ("budget", "NaN", "An amount of at least 1"),
        ("budget", "99999999999999999999", "An amount of at least 1"),
    ] {
        let page = yard.ask(&[(field, value)]).await;
        page.assert_says(422, says);
        assert!(page.body.contains("aria-invalid"), "{field} = {value}");
    }
    // The company has nothing to write on an invoice.
    sqlx::query("UPDATE sellers SET details = '{}' WHERE code = 'MA'").execute(&db).await.unwrap();
    yard.ask(&[]).await.assert_says(422, "has no details yet");
    assert_eq!(number(&db, "SELECT count(*) FROM sandboxes").await, 0);
    // A name is shown as it is, and does nothing.
    let id = yard.asked(&[("name", "=<b>Zoé</b> \u{202e}x"), ("country", "FR")]).await;
    let page = yard.staff.get(&format!("/staff/sandboxes/{id}")).await;
    assert!(!page.body.contains("<b>Zoé"), "it is escaped");
    page.assert_says(200, "Being made");
    yard.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_clock_goes_forward_once_at_a_time_for_ten_years_and_a_removed_one_not_at_all(db: PgPool) {
    let yard = Yard::new(db.clone()).await;
    let id = yard.asked(&[]).await;
    let url = format!("/staff/sandboxes/{id}");
    // While it is made, and while it moves.
    let said = async |by: &str| {
        assert_eq!(yard.press(id, by).await.status, 303);
        yard.staff.get(&url).await.words()
    };
    assert!(said("day").await.contains("still at work"));
    yard.settle().await;
    assert!(said("day").await.contains("The clock moves"));
    assert!(said("day").await.contains("still at work"));
    yard.settle().await;
    assert!(said("century").await.contains("Choose one of these"));
    let sandbox = yard.sandbox(id).await.unwrap();
    assert_eq!(sandbox.clock_at.unwrap() - sandbox.starts_at, TimeDelta::days(1));

    for (sql, says) in [
        ("UPDATE sandboxes SET clock_at = clock_at - interval '1 second'", "never goes back"),
        ("UPDATE sandboxes SET clock_at = NULL", "never goes back"),
        ("UPDATE sandboxes SET wanted_at = wanted_at - interval '1 second'", "never goes back"),
        ("UPDATE sandboxes SET starts_at = starts_at - interval '1 day'", "never changes"),
        ("UPDATE sandboxes SET wanted_at = starts_at + interval '11 years'", "check constraint"),
    ] {
        let error = sqlx::query(sql).execute(&db).await.unwrap_err().to_string();
        assert!(error.contains(says), "{sql}: {error}");
    }
    // Nine years and eleven months later a year is too far, and a month is not.
    let late = "UPDATE sandboxes SET wanted_at = starts_at + interval '3620 days'";
    sqlx::query(late).execute(&db).await.unwrap();
    sqlx::query("UPDATE sandboxes SET clock_at = wanted_at").execute(&db).await.unwrap();
    assert!(said("year").await.contains("ten years at most"));

    assert_eq!(yard.staff.post(&format!("{url}/remove"), &[]).await.status, 303);
    yard.staff.get("/staff/sandboxes").await.assert_says(200, "Being dropped");
    assert_eq!(yard.press(id, "day").await.status, 404, "it leaves");
    assert_eq!(yard.staff.post(&format!("{url}/remove"), &[]).await.status, 404);
    yard.settle().await;
    assert_eq!(yard.there().await, Vec::<String>::new());
    assert_eq!(yard.press(id, "day").await.status, 404, "it is gone");
    assert_eq!(yard.staff.get(&url).await.status, 404);
    assert_eq!(yard.staff.get("/staff/sandboxes/x'--").await.status, 404);
    let done = ["sandbox.made", "sandbox.advanced", "sandbox.removed"];
    assert_eq!(yard.world.audit().await.into_iter().filter(|it| it.starts_with("sandbox.")).collect::<Vec<_>>(), done);
    yard.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn there_are_twenty_at_most_and_one_that_is_left_alone_is_dropped(db: PgPool) {
    let yard = Yard::new(db.clone()).await;
    let id = yard.make(&[]).await;
    // Others that nobody makes in this test.
    let copies =
        "INSERT INTO sandboxes SELECT (jsonb_populate_record(s, jsonb_build_object('id', gen_random_uuid()))).*
                    FROM sandboxes s, generate_series(1, 19)";
    sqlx::query(copies).execute(&db).await.unwrap();
    yard.ask(&[]).await.assert_says(422, "There are 20 sandboxes");
    yard.staff.get("/staff/sandboxes").await.assert_says(200, "There are 20 sandboxes");
    sqlx::query("DELETE FROM sandboxes WHERE id <> $1").bind(id.uuid()).execute(&db).await.unwrap();

    yard.world.wait(TimeDelta::days(29));
    yard.settle().await;
    assert_eq!(yard.sandbox(id).await.unwrap().state(), State::Ready);
    assert_eq!(yard.there().await, [yard.databases.name(id)]);
    yard.world.wait(TimeDelta::days(1) + TimeDelta::hours(1));
    yard.settle().await;
    yard.settle().await;
    assert!(yard.sandbox(id).await.is_none());
    assert_eq!(yard.there().await, Vec::<String>::new());
    yard.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn customers_and_strangers_see_nothing_of_sandboxes(db: PgPool) {
    let yard = Yard::new(db.clone()).await;
    let id = yard.make(&[]).await;
    let alice = yard.world.customer("alice").await;
    for path in ["/staff/sandboxes".to_owned(), "/staff/sandboxes/new".to_owned(), format!("/staff/sandboxes/{id}")] {
        alice.get(&path).await.assert_redirect("/staff/login");
        yard.world.stranger().get(&path).await.assert_redirect("/staff/login");
    }
    for act in ["advance", "remove"] {
        let page = alice.post(&format!("/staff/sandboxes/{id}/{act}"), &[("by", "year")]).await;
        page.assert_redirect("/staff/login");
    }
    let sandbox = yard.sandbox(id).await.unwrap();
    assert_eq!((sandbox.state(), sandbox.wanted_at), (State::Ready, sandbox.starts_at), "nothing was done");
    yard.end().await;
}
