//! Versions of plans that are sold from a later day on: until then the one before is, and staff may withdraw them.

use sayoo::base::ids::{EnvironmentId, PlanVersionId};
use sqlx::PgPool;

use super::catalogue::Catalogue;
use super::records::{Attempt, Somebody};
use crate::billing::world::sell;
use crate::support::portal::World;

/// The number of the version that an environment is on.
async fn version_of(db: &PgPool, id: EnvironmentId) -> i32 {
    let sql = "SELECT version FROM plan_versions WHERE id = (SELECT plan_version_id FROM environments WHERE id = $1)";
    sqlx::query_scalar(sql).bind(id.uuid()).fetch_one(db).await.unwrap()
}

/// The number of the version that spares are kept for.
async fn sold(world: &World) -> i32 {
    let sql =
        "SELECT version FROM plan_versions_sold($1) AS sold JOIN plan_versions ON plan_versions.id = plan_version_id
                 JOIN plans ON plans.id = plan_versions.plan_id WHERE code = 'production'";
    sqlx::query_scalar(sql).bind(world.portal.clock.now()).fetch_one(&world.db).await.unwrap()
}

fn path(version: PlanVersionId, what: &str) -> String {
    format!("/staff/plans/versions/{version}/{what}")
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_version_is_sold_from_midnight_of_its_day_and_who_ordered_before_stays_where_they_are(db: PgPool) {
    let world = World::new(db.clone()).await;
    sell(&world, true).await;
    let (sam, alice) = (world.staff().await, world.customer("alice").await);
    let draft = Catalogue::of(&world, &sam, "production").await.draft(&[("price_mad", "777")]).await;
    let form = [("when", "day"), ("day", "2026-12-01")];
    sam.post(&path(draft, "publish"), &form).await.assert_redirect("/staff/plans");
    let plans = sam.get("/staff/plans").await;
    assert!(plans.text("html").contains("from the day that you gave") && plans.words().contains("Scheduled"));
    let shown = async || world.stranger().get("/pricing?currency=MAD").await.text("main").contains("777");

    let until: chrono::DateTime<chrono::Utc> = "2026-11-30T22:59:59Z".parse().unwrap();
    world.wait(until - world.portal.clock.now());
    assert!(!shown().await);
    assert_eq!(sold(&world).await, 1);
    let early = alice.has_running(&world, "early").await;
    world.wait(chrono::TimeDelta::seconds(1));
    assert!(shown().await, "it is midnight in Casablanca and in Paris");
    assert_eq!(sold(&world).await, 2);
    let late = alice.has_running(&world, "late").await;
    assert_eq!((version_of(&db, early).await, version_of(&db, late).await), (1, 2));

    // It cannot be ordered by its id before either, nor withdrawn any more.
    let sam = world.staff().await;
    sam.post(&path(draft, "withdraw"), &[]).await;
    assert!(sam.get(&path(draft, "publish")).await.text("html").contains("Nothing of it can be withdrawn"));
    assert!(shown().await);
    assert_eq!(world.audit().await.iter().filter(|action| action.starts_with("plan.")).count(), 2);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_was_withdrawn_is_never_sold_and_stays_as_it_was(db: PgPool) {
    let web = Somebody::like_web(&db).await;
    let world = World::served_by(db.clone(), web.name()).await;
    sell(&world, true).await;
    let (sam, alice) = (world.staff().await, world.customer("alice").await);
    let catalogue = Catalogue::of(&world, &sam, "production").await;
    let draft = catalogue.draft(&[("price_mad", "777")]).await;
    sam.post(&path(draft, "publish"), &[("when", "day"), ("day", "2026-12-01")]).await.assert_redirect("/staff/plans");
    let mut order = alice.order(&world, "shop").await;
    order.plan_version = draft;
    let refused = sayoo::environments::orders::place(&world.portal, &alice.by(), order).await;
    assert!(format!("{:?}", refused.unwrap_err()).contains("PlanNotOffered"), "before its day");

    let published = |id| format!("UPDATE plan_versions SET valid_from = published_at WHERE id = '{id}'");
    Attempt::as_owner(&db).is_refused(&published(draft), "23000").await;
    sam.post(&path(draft, "withdraw"), &[]).await.assert_redirect(&path(draft, "publish"));
    sam.get(&path(draft, "publish")).await.assert_says(200, "Withdrawn");
    let withdrawn = world.audit().await.iter().filter(|action| *action == "plan.withdrawn").count();
    sam.post(&path(draft, "withdraw"), &[]).await;
    assert_eq!((withdrawn, world.audit().await.iter().filter(|it| *it == "plan.withdrawn").count()), (1, 1));
    for change in
        ["DELETE FROM plan_withdrawals".to_owned(), "UPDATE plan_withdrawals SET withdrawn_by = ''".to_owned()]
    {
        Attempt::as_owner(&db).is_refused(&change, "23000").await;
        Attempt::by(&db, &web).is_refused(&change, "42501").await;
    }
    let is_sold = "(SELECT id FROM plan_versions WHERE version = 1 LIMIT 1)";
    let withdraw = format!("INSERT INTO plan_withdrawals VALUES ({is_sold}, '2026-11-22T12:00:00Z', 'sam')");
    for who in [Attempt::as_owner(&db), Attempt::by(&db, &web)] {
        who.is_refused(&withdraw, "23000").await;
    }
    world.wait(chrono::TimeDelta::days(30));
    assert!(!world.stranger().get("/pricing?currency=MAD").await.text("main").contains("777"));
    assert_eq!(sold(&world).await, 1);
    // A customer cannot do any of it.
    let sam = world.staff().await;
    let next = Catalogue::of(&world, &sam, "production").await.draft(&[("price_mad", "778")]).await;
    let mallory = world.customer("mallory").await;
    for what in ["publish", "preview", "withdraw"] {
        let page = mallory.post(&path(next, what), &[]).await;
        assert!(page.status != 200 && !page.location.starts_with("/staff/plans"), "{what}: {}", page.status);
    }
    assert_eq!(
        mallory.get(&path(next, "publish")).await.status,
        world.stranger().get(&path(next, "publish")).await.status
    );
    let states: Vec<String> =
        sqlx::query_scalar("SELECT state FROM plan_versions WHERE id = $1").bind(next).fetch_all(&db).await.unwrap();
    assert_eq!(states, ["draft"]);
    web.gone(&db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn days_and_months_that_cannot_be_are_refused_and_nothing_is_published(db: PgPool) {
    let world = World::new(db.clone()).await;
    sell(&world, true).await;
    let sam = world.staff().await;
    let draft = Catalogue::of(&world, &sam, "production").await.draft(&[("price_mad", "777")]).await;
    let day = |day| vec![("when", "day"), ("day", day)];
    let month = |month| vec![("when", "now"), ("moves", "yes"), ("month", month)];
    for (form, field, said) in [
        (day(""), "day", "a day from tomorrow on"),
        (day("soon"), "day", "a day from tomorrow on"),
        (day("2026-11-22"), "day", "a day from tomorrow on"),
        (day("2025-01-01"), "day", "a day from tomorrow on"),
        (day("2036-01-01"), "day", "a day from tomorrow on"),
        (month(""), "month", "at least 30 days from now"),
        (month("2026-12-01"), "month", "at least 30 days from now"),
        (month("2027-01-15"), "month", "at least 30 days from now"),
        (
            vec![("when", "day"), ("day", "2027-02-02"), ("moves", "yes"), ("month", "2027-02-01")],
            "month",
            "not before the version is sold",
        ),
    ] {
        let page = sam.post(&path(draft, "publish"), &form).await;
        page.assert_says(422, said);
        assert_eq!(page.attribute(&format!("#f-{field}"), "aria-invalid"), "true", "{form:?}");
    }
    let drafts: i64 =
        sqlx::query_scalar("SELECT count(*) FROM plan_versions WHERE state = 'draft'").fetch_one(&db).await.unwrap();
    assert_eq!(drafts, 1);
    assert_eq!(world.audit().await, ["plan.drafted"]);
    assert_eq!(sam.post(&path(draft, "publish"), &[("when", "never")]).await.status, 400);
}
