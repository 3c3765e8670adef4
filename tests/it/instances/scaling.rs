//! In how many containers an instance runs: by hand, by rule, by staff and from the command line.

use std::path::Path;

use reqwest::StatusCode;
use sayoo::base::ids::EnvironmentId;
use sqlx::PgPool;

use crate::support::portal::{Page, Person, World};
use crate::support::process;

/// What is wanted, its generation, and the rule: on, minimum, maximum, budget.
async fn wanted(world: &World, id: EnvironmentId) -> (i32, i64) {
    sqlx::query_as("SELECT replicas, wanted_generation FROM environments WHERE id = $1")
        .bind(id.uuid())
        .fetch_one(&world.db)
        .await
        .unwrap()
}

async fn rules(world: &World) -> Vec<(bool, i32, i32, Option<i64>)> {
    sqlx::query_as("SELECT is_on, minimum, maximum, budget_minor FROM scaling_rules")
        .fetch_all(&world.db)
        .await
        .unwrap()
}

/// The details of an environment's events of one kind, oldest first.
pub async fn events(db: &PgPool, id: EnvironmentId, kind: &str) -> Vec<serde_json::Value> {
    sqlx::query_scalar("SELECT detail FROM environment_events WHERE environment_id = $1 AND kind = $2 ORDER BY id")
        .bind(id.uuid())
        .bind(kind)
        .fetch_all(db)
        .await
        .unwrap()
}

async fn scale(person: &Person, id: EnvironmentId, count: &str) -> Page {
    person.post(&format!("/instances/{id}/containers"), &[("count", count)]).await
}

const RULE: [(&str, &str); 8] = [
    ("is_on", "yes"),
    ("minimum", "1"),
    ("maximum", "2"),
    ("target_percent", "60"),
    ("queue_percent", "8"),
    ("pause_more", "10"),
    ("pause_fewer", "45"),
    ("budget", "12,50"),
];
/// What can be typed, in the order of the page.
const FIELDS: [&str; 7] =
    ["minimum", "maximum", "target_percent", "queue_percent", "pause_more", "pause_fewer", "budget"];

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_owner_chooses_a_number_sees_its_price_and_asking_twice_is_asking_once(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = alice.has_running(&world, "shop").await;
    let page = format!("/instances/{id}");
    let card = alice.get(&page).await;
    assert!(card.text("#containers").contains("runs in one container"), "{}", card.text("#containers"));
    assert!(card.text("#containers").contains("0.38") && card.text("#containers").contains("554.80"));
    assert_eq!(card.attribute("#f-count option[selected]", "value"), "1");

    for _ in 0..2 {
        assert_eq!(scale(&alice, id, "2").await.location, page);
    }
    assert_eq!(wanted(&world, id).await, (2, 2), "one more generation");
    assert_eq!(events(&world.db, id, "scaled").await, [serde_json::json!({ "from": 1, "to": 2 })]);
    assert_eq!(world.audit().await, ["environment.ordered", "environment.scaled"]);
    let shown = alice.get(&page).await;
    assert!(shown.text(".events").contains("2 containers instead of 1") && shown.text(".events").contains("alice"));
    assert!(shown.text("#containers").contains("runs in 2 containers"));

    sqlx::query("INSERT INTO routes (hostname, environment_id, state, upstreams, updated_at) VALUES ('shop', $1, 'serving', '{a:1}', now())")
        .bind(id.uuid())
        .execute(&world.db)
        .await
        .unwrap();
    assert!(alice.get(&page).await.text("#containers").contains("1 of 2 answer"));
    scale(&alice, id, "1").await;
    assert_eq!(wanted(&world, id).await, (1, 3));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_a_plan_does_not_allow_is_refused_and_the_page_names_the_plan_that_does(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = alice.has_running(&world, "shop").await;
    for count in ["0", "-1", "3", "9", "17", "99999999999", "two", "1.5", ""] {
        let refused = scale(&alice, id, count).await;
        assert_eq!(refused.location, format!("/instances/{id}"), "{count}");
    }
    let said = alice.get(&format!("/instances/{id}")).await;
    assert!(said.body.contains("Please choose how many."), "the last one was nothing");
    for beyond in ["3", "9", "99999999999"] {
        scale(&alice, id, beyond).await;
        assert!(alice.get(&format!("/instances/{id}")).await.body.contains("Your plan allows at most 2."), "{beyond}");
    }
    assert_eq!(wanted(&world, id).await, (1, 1));
    // Nor does a number come in by a door that nobody thought of.
    let written = sqlx::query("UPDATE environments SET replicas = 3").execute(&world.db).await;
    assert!(written.unwrap_err().to_string().contains("the plan allows at most 2 containers, not 3"));

    let mut order = alice.order(&world, "trial").await;
    order.plan_version = world.plan("test").await;
    let trial = sayoo::environments::orders::place(&world.portal, &alice.by(), order).await.unwrap();
    world.ready(trial).await;
    let page = alice.get(&format!("/instances/{trial}")).await;
    assert!(page.text("#containers").contains("The plan Production allows up to 2."), "{}", page.text("#containers"));
    assert!(!page.body.contains("id=\"f-count\""), "there is nothing to choose");
    scale(&alice, trial, "2").await;
    assert_eq!(wanted(&world, trial).await, (1, 1));
    assert_eq!(world.audit().await, ["environment.ordered"; 2]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_developer_may_and_others_look_and_a_stranger_finds_nothing(db: PgPool) {
    let world = World::new(db).await;
    for (name, role, may) in [("dan", "developer", true), ("bill", "billing", false), ("mia", "member", false)] {
        let person = world.person(name, role).await;
        let id = person.has_running(&world, name).await;
        let (page, rule) = (format!("/instances/{id}"), format!("/instances/{id}/scaling"));
        assert_eq!(person.get(&page).await.body.contains("id=\"f-count\""), may, "{role}");
        let shown = person.get(&rule).await;
        assert_eq!((shown.status, shown.body.contains("id=\"f-minimum\"")), (StatusCode::OK, may), "{role}");
        let expected = if may { StatusCode::SEE_OTHER } else { StatusCode::FORBIDDEN };
        assert_eq!(scale(&person, id, "2").await.status, expected, "{role}");
        assert_eq!(person.post(&rule, &RULE).await.status, expected, "{role}");
        assert_eq!(wanted(&world, id).await.0, if may { 2 } else { 1 }, "{role}");
        let stranger = world.customer(&format!("stranger-{role}")).await;
        assert_eq!(stranger.get(&rule).await.status, StatusCode::NOT_FOUND);
        for count in ["1", "none"] {
            assert_eq!(scale(&stranger, id, count).await.status, StatusCode::NOT_FOUND);
        }
        assert_eq!(stranger.post(&rule, &RULE).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(rules(&world).await.len(), 1);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_is_being_deleted_or_suspended_stays_as_it_is(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let (gone, closed) = (alice.has_running(&world, "gone").await, alice.has_running(&world, "closed").await);
    alice.post(&format!("/instances/{gone}/delete"), &[("typed", "gone")]).await;
    let staff = world.staff().await;
    staff.post(&format!("/staff/instances/{closed}/suspend"), &[("reason", "Unpaid")]).await;
    let generations = (wanted(&world, gone).await, wanted(&world, closed).await);
    for id in [gone, closed] {
        scale(&alice, id, "2").await;
        assert!(!alice.get(&format!("/instances/{id}")).await.body.contains("id=\"f-count\""));
    }
    alice.post(&format!("/instances/{gone}/scaling"), &RULE).await;
    assert_eq!((wanted(&world, gone).await, wanted(&world, closed).await), generations);
    assert_eq!(rules(&world).await, []);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_rule_is_set_on_its_page_and_a_slip_loses_nothing(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = alice.has_running(&world, "shop").await;
    let path = format!("/instances/{id}/scaling");
    let page = alice.get(&path).await;
    let values = |page: &Page| FIELDS.map(|name| page.attribute(&format!("#f-{name}"), "value"));
    assert_eq!(values(&page), ["1", "2", "70", "5", "5", "30", ""]);

    for (name, typed) in [
        ("minimum", "0"),
        ("minimum", "x"),
        ("maximum", "3"),
        ("target_percent", "99"),
        ("queue_percent", "0"),
        ("pause_more", "0"),
        ("pause_fewer", "1441"),
        ("pause_fewer", "soon"),
        ("budget", "-1"),
        ("budget", "1.234"),
        ("budget", "<b>"),
    ] {
        let form = RULE.map(|(field, value)| (field, if field == name { typed } else { value }));
        let slip = alice.post(&path, &form).await;
        assert_eq!(slip.status, StatusCode::UNPROCESSABLE_ENTITY, "{name} {typed}");
        assert_eq!(slip.attribute(&format!("#f-{name}"), "value"), typed);
        assert_eq!(slip.attribute(&format!("#f-{name}"), "aria-invalid"), "true", "{name} {typed}");
    }
    let crossed = RULE.map(|(field, value)| (field, if field == "minimum" { "2" } else { value }));
    let crossed = crossed.map(|(field, value)| (field, if field == "maximum" { "1" } else { value }));
    assert!(alice.post(&path, &crossed).await.text(".summary").contains("less than"));
    assert_eq!(rules(&world).await, []);

    for _ in 0..2 {
        assert_eq!(alice.post(&path, &RULE).await.location, path);
    }
    assert_eq!(rules(&world).await, [(true, 1, 2, Some(1250))]);
    assert_eq!(events(&world.db, id, "scaling.on").await.len(), 1, "twice is once");
    assert_eq!(world.audit().await, ["environment.ordered", "environment.scaling-set"]);
    let shown = alice.get(&path).await;
    assert!(shown.text("main").contains("Added this month: at most") && shown.text(".badge").contains("On"));
    assert_eq!(values(&shown), ["1", "2", "60", "8", "10", "45", "12.5"]);
    assert!(shown.text("main").contains("nothing is added for 10 minutes and nothing removed for 45 minutes"));
    assert!(shown.text(".events").contains("Automatic scaling switched on"));
    assert!(alice.get(&format!("/instances/{id}")).await.text("#containers").contains("from 1 to 2"));

    let off = &RULE[1..];
    alice.post(&path, off).await;
    assert_eq!(rules(&world).await, [(false, 1, 2, Some(1250))]);
    assert!(alice.get(&path).await.text(".events").contains("switched off"));
    assert_eq!(wanted(&world, id).await, (1, 1), "the number stayed as it was");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_number_chosen_by_hand_is_the_least_of_a_rule_that_is_on(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = alice.has_running(&world, "shop").await;
    let path = format!("/instances/{id}/scaling");
    let narrow = RULE.map(|(field, value)| (field, if field == "maximum" { "1" } else { value }));
    alice.post(&path, &narrow).await;
    scale(&alice, id, "2").await;
    assert_eq!(rules(&world).await, [(true, 2, 2, Some(1250))]);
    assert_eq!(wanted(&world, id).await.0, 2);
    // The rule's own number, taken over by a person: the same number, but a promise.
    alice.post(&path, &RULE).await;
    assert_eq!(wanted(&world, id).await.0, 2, "within the bounds nothing moves");
    scale(&alice, id, "2").await;
    assert_eq!(rules(&world).await, [(true, 2, 2, Some(1250))]);
    assert_eq!(events(&world.db, id, "scaled").await.len(), 1);
    // Bounds that leave the number outside bring it inside at once.
    alice.post(&path, &narrow).await;
    assert_eq!(wanted(&world, id).await.0, 1);
    assert_eq!(events(&world.db, id, "scaled").await[1]["why"], "bounds");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_plan_with_fewer_lowers_the_number_with_the_change(db: PgPool) {
    use sayoo::environments::plan_changes::put_on;
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = alice.has_running(&world, "shop").await;
    scale(&alice, id, "2").await;
    let now = world.portal.clock.now();
    let mut db = world.db.acquire().await.unwrap();
    let test = world.plan("test").await;
    assert_eq!(put_on(&mut db, id, test, now, now).await.unwrap(), Some((2, 1)));
    assert_eq!(wanted(&world, id).await.0, 1);
    let production = world.plan("production").await;
    assert_eq!(put_on(&mut db, id, production, now, now).await.unwrap(), None);
    assert_eq!(wanted(&world, id).await.0, 1);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn staff_change_the_number_with_a_reason_that_only_the_audit_log_keeps(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = alice.has_running(&world, "shop").await;
    let staff = world.staff().await;
    let (page, form) = (format!("/staff/instances/{id}"), format!("/staff/instances/{id}/containers"));
    assert!(staff.get(&page).await.text("#containers").contains("Containers at most"));
    for (count, why, field) in [
        ("2", "x", "why"),
        ("9", "Black Friday", "count"),
        ("99999999999", "Black Friday", "count"),
        ("two", "Black Friday", "count"),
    ] {
        let slip = staff.post(&form, &[("count", count), ("why", why)]).await;
        assert_eq!(slip.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(slip.attribute(&format!("#f-{field}"), "aria-invalid"), "true", "{count} {why}");
        assert_eq!(slip.attribute("#f-why", "value"), why);
        assert_eq!(slip.body.contains("allows at most 2"), count.starts_with('9'), "{count}");
    }
    assert_eq!(wanted(&world, id).await, (1, 1));
    assert_eq!(staff.post(&form, &[("count", "2"), ("why", "Black Friday")]).await.location, page);
    assert_eq!(wanted(&world, id).await, (2, 2));
    let log = staff.get("/staff/audit").await;
    assert!(log.text("main").contains("Black Friday") && log.text("main").contains("environment.scaled"));
    let shown = alice.get(&format!("/instances/{id}")).await;
    assert!(shown.text(".events").contains("2 containers instead of 1") && !shown.body.contains("Black Friday"));
    assert_eq!(alice.post(&form, &[("count", "1"), ("why", "Mine")]).await.location, "/staff/login");
    let nobody = format!("/staff/instances/{}/containers", EnvironmentId::new(world.portal.clock.now()));
    assert_eq!(staff.post(&nobody, &[("count", "1"), ("why", "Nobody")]).await.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn staff_see_a_customers_rule_as_the_customer_does_and_set_it_with_a_reason(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = alice.has_running(&world, "shop").await;
    alice.post(&format!("/instances/{id}/scaling"), &RULE).await;
    let staff = world.staff().await;
    let (page, form) = (format!("/staff/instances/{id}"), format!("/staff/instances/{id}/scaling"));
    assert_eq!(staff.get(&page).await.attribute("#containers dl a", "href"), form);
    let shown = staff.get(&form).await;
    let values = FIELDS.map(|name| shown.attribute(&format!("#f-{name}"), "value"));
    assert_eq!(values, ["1", "2", "60", "8", "10", "45", "12.5"]);
    assert!(shown.text("main").contains("Added this month: at most") && shown.text(".badge").contains("On"));

    let other = |name: &str, typed: &'static str| {
        let rule = RULE.map(|(field, value)| (field, if field == name { typed } else { value }));
        [rule.as_slice(), &[("why", if name == "why" { typed } else { "Asked on the telephone" })]].concat()
    };
    for (name, typed) in
        [("why", "x"), ("maximum", "9"), ("minimum", "none"), ("target_percent", "5"), ("budget", "-1")]
    {
        let slip = staff.post(&form, &other(name, typed)).await;
        assert_eq!(slip.status, StatusCode::UNPROCESSABLE_ENTITY, "{name} {typed}");
        assert_eq!(slip.attribute(&format!("#f-{name}"), "aria-invalid"), "true", "{name} {typed}");
        assert_eq!(slip.attribute(&format!("#f-{name}"), "value"), typed);
    }
    assert_eq!(rules(&world).await, [(true, 1, 2, Some(1250))]);

    assert_eq!(staff.post(&form, &other("minimum", "2")).await.location, page);
    assert_eq!((rules(&world).await, wanted(&world, id).await.0), (vec![(true, 2, 2, Some(1250))], 2));
    let log = staff.get("/staff/audit").await.text("main");
    assert!(log.contains("Asked on the telephone") && log.contains("environment.scaling-set"), "{log}");
    let seen = alice.get(&format!("/instances/{id}/scaling")).await;
    assert_eq!(seen.attribute("#f-minimum", "value"), "2");
    assert_eq!(events(&world.db, id, "scaling.set").await.len(), 1);
    assert!(
        !seen.body.contains("telephone") && !alice.get(&format!("/instances/{id}")).await.body.contains("telephone")
    );

    assert_eq!(alice.get(&form).await.location, "/staff/login");
    assert_eq!(alice.post(&form, &other("minimum", "1")).await.location, "/staff/login");
    let nobody = format!("/staff/instances/{}/scaling", EnvironmentId::new(world.portal.clock.now()));
    assert_eq!(staff.get(&nobody).await.status, StatusCode::NOT_FOUND);
    assert_eq!(staff.post(&nobody, &other("minimum", "1")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(wanted(&world, id).await.0, 2);
}

/// What `sayoo scale` prints, and whether it worked.
async fn sayoo(config: &Path, words: &[&str]) -> (bool, String) {
    let output = process::run(config, &[&["scale"], words].concat()).await;
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_command_shows_changes_and_says_clearly_what_it_does_not_do(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = alice.has_running(&world, "shop").await;
    let folder = tempfile::tempdir().unwrap();
    let config = process::configuration(&world.db, folder.path());

    let (is_done, said) = sayoo(&config, &["shop"]).await;
    assert!(is_done && said.contains("1 container wanted, 0 in use, at most 2"), "{said}");
    assert!(said.contains("automatic: off"), "{said}");
    let (is_done, said) = sayoo(&config, &["Shop", "2", "--reason", "a campaign"]).await;
    assert!(is_done && said.contains("2 containers wanted, before 1") && said.contains("other machines"), "{said}");
    let (is_done, said) = sayoo(&config, &["shop", "2"]).await;
    assert!(is_done && said.contains("2 containers wanted already"), "{said}");
    assert_eq!(wanted(&world, id).await, (2, 2));
    let entry: (String, serde_json::Value) =
        sqlx::query_as("SELECT actor_kind, detail FROM audit_log WHERE action = 'environment.scaled'")
            .fetch_one(&world.db)
            .await
            .unwrap();
    assert_eq!(entry, ("system".to_owned(), serde_json::json!({ "from": 1, "to": 2, "reason": "a campaign" })));

    alice.post(&format!("/instances/{id}/scaling"), &RULE).await;
    let (_, said) = sayoo(&config, &["shop"]).await;
    assert!(said.contains("automatic: from 1 to 2") && said.contains("12.50 MAD a month"), "{said}");
    for (words, expected) in [
        (["shop", "3"], "its plan allows at most 2, and no plan on offer allows more"),
        (["shop", "9"], "its plan allows at most 2, and no plan on offer allows more"),
        (["shop", "0"], "from 1 to 16"),
        (["shop", "17"], "from 1 to 16"),
        (["shop", "many"], "from 1 to 16"),
        (
            ["store", "2"],
            "there is no instance called store: give the first part of its address, as acme in acme.localhost",
        ),
    ] {
        let (is_done, said) = sayoo(&config, &words).await;
        assert!(!is_done && said.contains(expected), "{words:?}: {said}");
    }
    assert_eq!(wanted(&world, id).await, (2, 2));
    std::fs::remove_dir_all(config.parent().unwrap()).unwrap();
}
