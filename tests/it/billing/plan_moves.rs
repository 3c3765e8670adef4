//! Those who are on a version of a plan are moved to the next one: told long before, from a month's first instant on, each once.

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use sayoo::base::ids::{EnvironmentId, PlanVersionId};
use sayoo::environments::{plan_changes, plan_moves};
use sqlx::PgPool;

use super::dunning::has;
use super::world::{at, introduce, number, sell, texts};
use crate::instances::plan_changes::runs_on;
use crate::staff::catalogue::Catalogue;
use crate::staff::records::{Attempt, Somebody};
use crate::support::portal::World;
use crate::support::staff::StaffPerson;

/// January begins in Casablanca.
const JANUARY: &str = "2026-12-31T23:00:00Z";

async fn mails(world: &World, address: &str) -> Vec<(String, String)> {
    world.settle().await;
    let plain = |text: &str| text.replace(['\u{2068}', '\u{2069}', '\u{202f}', '\u{a0}'], "");
    let mails = world.mails_to(address).await;
    mails.into_iter().map(|mail| (plain(&mail.subject), plain(&mail.text_body))).collect()
}

/// Drafts the next version of the production plan and publishes it with a move in January.
async fn publish(world: &World, sam: &StaffPerson, changes: &[(&str, &str)]) -> PlanVersionId {
    let draft = Catalogue::of(world, sam, "production").await.draft(changes).await;
    let form = [("when", "now"), ("moves", "yes"), ("month", "2027-01-01")];
    sam.post(&format!("/staff/plans/versions/{draft}/publish"), &form).await.assert_redirect("/staff/plans");
    draft
}

async fn look(world: &World) -> usize {
    plan_moves::look(&world.portal).await.unwrap()
}

fn wait_until(world: &World, instant: &str) {
    let instant: DateTime<Utc> = instant.parse().unwrap();
    world.wait(instant - world.portal.clock.now());
}

/// What became of each environment, by name.
async fn states(db: &PgPool) -> Vec<String> {
    let sql = "SELECT e.name || ' ' || m.state FROM plan_move_environments m JOIN environments e ON e.id = m.environment_id ORDER BY 1";
    texts(db, sql).await
}

/// Stretches of an environment: the version's number and when it began.
async fn stretches(db: &PgPool, id: EnvironmentId) -> Vec<(i32, DateTime<Utc>)> {
    let sql = "SELECT v.version, s.from_at FROM environment_segments s JOIN plan_versions v ON v.id = s.plan_version_id
                WHERE s.environment_id = $1 ORDER BY s.from_at";
    sqlx::query_as(sql).bind(id.uuid()).fetch_all(db).await.unwrap()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn customers_are_told_at_once_and_each_instance_is_moved_once_at_the_month_s_first_instant(db: PgPool) {
    let web = Somebody::like_web(&db).await;
    let world = World::served_by(db.clone(), web.name()).await;
    sell(&world, true).await;
    let (sam, alice, bob) = (world.staff().await, world.customer("alice").await, world.customer("bob").await);
    let carol = world.customer("carol").await;
    let (shop, mall) =
        (has(&world, &alice, "production", "shop").await, has(&world, &alice, "production", "mall").await);
    let leaver = has(&world, &bob, "production", "leaver").await;
    has(&world, &carol, "test", "trying").await;
    introduce(&world, alice.account, "MA").await;
    let began = world.portal.clock.now();
    let version = publish(&world, &sam, &[("price_mad", "500"), ("unit_cpu_mad", "0.40")]).await;

    // Two workers look at once: one of them tells.
    join_all([plan_moves::look(&world.portal), plan_moves::look(&world.portal)]).await;
    assert_eq!(look(&world).await, 0);
    let told = mails(&world, &alice.email).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, "New prices of the plan Production from 1 January 2027");
    for words in [
        "mall, shop",
        "MAD420.00 a month until then and MAD500.00",
        "until now 500 core-hours, then MAD0.38 a core-hour; then 500 core-hours, then MAD0.40",
    ] {
        assert!(told[0].1.contains(words), "{words}: {}", told[0].1);
    }
    assert!(!told[0].1.contains("Requests"), "what stays is not told: {}", told[0].1);
    assert_eq!((mails(&world, &bob.email).await.len(), mails(&world, &carol.email).await.len()), (1, 0));
    let page = sam.get(&format!("/staff/plans/versions/{version}/publish")).await;
    page.assert_says(200, "Instances to be moved: 3");
    page.assert_says(200, "Told by mail: 3");

    let plan = format!("/instances/{shop}/plan");
    alice
        .get(&plan)
        .await
        .assert_says(200, "From 1 January 2027 on it has the new version of its plan, at MAD 500 a month");

    // Who changes the plan before is left where they went; who orders meanwhile has the new version anyway.
    let test = world.plan("test").await;
    plan_changes::put_on(
        &mut db.acquire().await.unwrap(),
        leaver,
        test,
        world.portal.clock.now(),
        world.portal.clock.now(),
    )
    .await
    .unwrap();
    let young = has(&world, &alice, "production", "young").await;
    wait_until(&world, "2026-12-31T22:59:59Z");
    assert_eq!(look(&world).await, 0);
    assert_eq!(states(&db).await, ["leaver waiting", "mall waiting", "shop waiting"]);

    // The worker was away at midnight; then two of them come.
    wait_until(&world, "2027-01-01T09:00:00Z");
    let moved = join_all([plan_moves::look(&world.portal), plan_moves::look(&world.portal)]).await;
    assert_eq!(moved.into_iter().map(Result::unwrap).sum::<usize>(), 2);
    assert_eq!(look(&world).await, 0);
    assert_eq!(states(&db).await, ["leaver left", "mall moved", "shop moved"]);
    for id in [shop, mall] {
        assert_eq!(stretches(&db, id).await, [(1, began), (2, JANUARY.parse().unwrap())]);
    }
    assert_eq!(stretches(&db, young).await.len(), 1);
    assert_eq!(number(&db, "SELECT count(*) FROM environment_events WHERE kind = 'plan.changed'").await, 2);
    assert_eq!(mails(&world, &alice.email).await.len(), 1);
    let sam = world.staff().await;
    sam.get(&format!("/staff/plans/versions/{version}/publish")).await.assert_says(200, "Moved: 2");

    let alice_again = world.again(&alice).await;
    assert!(!alice_again.get(&plan).await.words().contains("new version of its plan"));
    // January costs what was told: for all of it.
    // A month is rated once the one before is closed: two looks for each.
    for instant in ["2027-01-01T10:00:00Z", "2027-01-01T11:00:00Z", "2027-02-01T03:00:00Z", "2027-02-01T04:00:00Z"] {
        at(&world, instant).await;
    }
    let base = "SELECT net_minor::text FROM charges JOIN environments e ON e.id = environment_id
                  JOIN billing_periods p ON p.id = charges.of_period_id
                 WHERE meter IS NULL AND p.from_at = '2026-12-31T23:00:00Z' AND e.name IN ('shop', 'mall')";
    assert_eq!(texts(&db, base).await, ["50000", "50000"]);
    // Nobody but the worker writes who is moved, and nothing is moved again.
    for change in
        ["UPDATE plan_move_environments SET state = 'waiting', ended_at = NULL", "DELETE FROM plan_move_environments"]
    {
        Attempt::as_owner(&db).is_refused(change, "23000").await;
        Attempt::by(&db, &web).is_refused(change, "42501").await;
    }
    for change in ["UPDATE plan_moves SET month = '2028-01-01'", "DELETE FROM plan_moves"] {
        Attempt::as_owner(&db).is_refused(change, "23000").await;
        Attempt::by(&db, &web).is_refused(change, "42501").await;
    }
    web.gone(&db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_move_that_is_withdrawn_is_told_and_does_not_happen(db: PgPool) {
    let world = World::new(db.clone()).await;
    sell(&world, true).await;
    let (sam, alice, bob) = (world.staff().await, world.customer("alice").await, world.customer("bob").await);
    let shop = has(&world, &alice, "production", "shop").await;
    let version = publish(&world, &sam, &[("price_mad", "500")]).await;
    look(&world).await;
    assert_eq!(mails(&world, &alice.email).await.len(), 1);
    // Who was never told is not told that nothing changes.
    has(&world, &bob, "production", "late").await;
    let sam = {
        wait_until(&world, "2026-12-20T12:00:00Z");
        world.staff().await
    };
    let path = format!("/staff/plans/versions/{version}/withdraw");
    sam.get(&format!("/staff/plans/versions/{version}/publish")).await.assert_says(200, "Withdraw the move");
    sam.post(&path, &[]).await.assert_redirect(&format!("/staff/plans/versions/{version}/publish"));
    join_all([plan_moves::look(&world.portal), plan_moves::look(&world.portal)]).await;
    let told = mails(&world, &alice.email).await;
    let subjects: Vec<&str> = told.iter().map(|mail| mail.0.as_str()).collect();
    assert_eq!(
        subjects,
        ["New prices of the plan Production from 1 January 2027", "The prices of the plan Production stay as they are"]
    );
    assert_eq!(mails(&world, &bob.email).await, []);
    wait_until(&world, "2027-01-02T12:00:00Z");
    assert_eq!(look(&world).await, 0);
    assert_eq!((stretches(&db, shop).await.len(), states(&db).await), (1, vec!["shop withdrawn".to_owned()]));
    Attempt::as_owner(&db).is_refused("UPDATE plan_moves SET withdrawn_at = NULL", "23000").await;
    // Too late for another word: the version is sold, and its month has begun.
    let sam = world.staff().await;
    sam.post(&path, &[]).await;
    assert!(sam.get("/staff/plans").await.text("html").contains("Nothing of it can be withdrawn"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn nobody_is_moved_who_could_not_be_told_in_time(db: PgPool) {
    let world = World::new(db.clone()).await;
    sell(&world, true).await;
    let (sam, alice) = (world.staff().await, world.customer("alice").await);
    let shop = has(&world, &alice, "production", "shop").await;
    publish(&world, &sam, &[("price_mad", "500")]).await;
    // The worker was away for weeks.
    wait_until(&world, "2026-12-04T12:00:00Z");
    look(&world).await;
    assert_eq!(mails(&world, &alice.email).await, [], "what would not come true is not told");
    wait_until(&world, "2027-01-01T09:00:00Z");
    assert_eq!(look(&world).await, 0);
    assert_eq!((stretches(&db, shop).await.len(), states(&db).await), (1, vec!["shop late".to_owned()]));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn other_limits_begin_with_the_prices_when_they_are_in_force(db: PgPool) {
    let world = World::new(db.clone()).await;
    sell(&world, true).await;
    let (sam, alice) = (world.staff().await, world.customer("alice").await);
    let shop = has(&world, &alice, "production", "shop").await;
    let version = publish(&world, &sam, &[("memory_mb", "3072")]).await;
    look(&world).await;
    wait_until(&world, "2027-01-01T09:00:00Z");
    // What has no container yet waits for one.
    assert_eq!(look(&world).await, 0);
    assert_eq!(states(&db).await, ["shop waiting"]);
    runs_on(&world, shop, "abcdefghij0123456789", 8192).await;
    assert_eq!(look(&world).await, 0, "it is looked at again later");
    world.wait(chrono::TimeDelta::minutes(10));
    assert_eq!(look(&world).await, 0);
    let asked = "SELECT plan_version_id::text || ' ' || memory_mb || ' ' || state FROM environment_updates";
    assert_eq!(texts(&db, asked).await, [format!("{version} 3072 waiting")]);
    assert_eq!((states(&db).await, stretches(&db, shop).await.len()), (vec!["shop asked".to_owned()], 1));
    world.wait(chrono::TimeDelta::minutes(10));
    look(&world).await;
    assert_eq!(number(&db, "SELECT count(*) FROM environment_updates").await, 1, "asked once");

    // The new container serves.
    let now = world.portal.clock.now();
    sqlx::query("UPDATE environment_updates SET state = 'done', host_id = NULL, ended_at = $1")
        .bind(now)
        .execute(&db)
        .await
        .unwrap();
    plan_changes::put_on(&mut db.acquire().await.unwrap(), shop, version, now, now).await.unwrap();
    world.wait(chrono::TimeDelta::minutes(10));
    assert_eq!(look(&world).await, 1);
    assert_eq!(states(&db).await, ["shop moved"]);
    let stretches = stretches(&db, shop).await;
    assert_eq!((stretches.len(), stretches[1]), (2, (2, now)));
}
