//! Versions of plans: published once, numbered in the order of publication, changed by nobody.

use futures_util::future::join_all;
use sqlx::PgPool;

use super::catalogue::{Catalogue, typed};
use super::records::{Attempt, Somebody};
use crate::support::portal::World;
use crate::support::waiting::waiters;

/// Numbers of a plan's versions, oldest first, and whether each is published.
async fn versions(db: &PgPool) -> Vec<(i32, bool)> {
    let sql = "SELECT version, state = 'published' FROM plan_versions JOIN plans ON plans.id = plan_id
                WHERE code = 'production' ORDER BY plan_versions.created_at, plan_versions.id";
    sqlx::query_as(sql).fetch_all(db).await.unwrap()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_draft_that_two_people_publish_in_one_instant_is_published_once(db: PgPool) {
    let world = World::new(db.clone()).await;
    let (sam, zoe) = (world.staff().await, world.staff().await);
    Catalogue::of(&world, &sam, "production").await.draft(&[("price_eur", "49")]).await;
    let publish = sam.get("/staff/plans").await.attribute("#production a.button[href$='/publish']", "href");

    let mut held = db.begin().await.unwrap();
    sqlx::query("SELECT FROM plan_versions WHERE state = 'draft' FOR UPDATE").execute(&mut *held).await.unwrap();
    let let_go = async {
        waiters(&db, 2).await;
        held.commit().await.unwrap();
    };
    let (first, second, ()) = tokio::join!(sam.post(&publish, &[]), zoe.post(&publish, &[]), let_go);
    for page in [&first, &second] {
        page.assert_redirect("/staff/plans");
    }
    let said = [sam.get("/staff/plans").await, zoe.get("/staff/plans").await].map(|page| page.text("html"));
    assert_eq!(said.iter().filter(|text| text.contains("Published as version 2")).count(), 1);
    assert_eq!(said.iter().filter(|text| text.contains("published already")).count(), 1);
    assert_eq!(versions(&db).await, [(1, true), (2, true)]);
    assert_eq!(world.audit().await, ["plan.drafted", "plan.published"]);

    // And a third time, later.
    sam.post(&publish, &[]).await.assert_redirect("/staff/plans");
    assert!(sam.get("/staff/plans").await.text("html").contains("published already"));
    assert_eq!(world.audit().await.len(), 2);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn drafts_that_are_saved_in_one_instant_have_a_number_each(db: PgPool) {
    let world = World::new(db.clone()).await;
    let people = [world.staff().await, world.staff().await];
    let path = Catalogue::of(&world, &people[0], "production").await.path;
    let form = typed(&people[0].get(&path).await);

    let mut held = db.begin().await.unwrap();
    sqlx::query("SELECT FROM plans WHERE code = 'production' FOR UPDATE").execute(&mut *held).await.unwrap();
    let let_go = async {
        waiters(&db, 2).await;
        held.commit().await.unwrap();
    };
    let fields: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let saving = join_all(people.iter().map(|person| person.post(&path, &fields)));
    let (saved, ()) = tokio::join!(saving, let_go);
    for page in saved {
        page.assert_redirect("/staff/plans");
    }
    let mut numbers = versions(&db).await;
    numbers.sort_unstable();
    assert_eq!(numbers, [(1, true), (2, false), (3, false)]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_older_draft_that_is_published_later_is_what_is_sold(db: PgPool) {
    let world = World::new(db.clone()).await;
    let sam = world.staff().await;
    let catalogue = Catalogue::of(&world, &sam, "production").await;
    catalogue.draft(&[("price_eur", "22.22")]).await;
    catalogue.draft(&[("price_eur", "33.33")]).await;
    let price = async || world.stranger().get("/pricing?currency=EUR").await.text("main");

    catalogue.publish(3).await;
    assert!(price().await.contains("33.33"));
    catalogue.publish(2).await;
    let now = price().await;
    assert!(now.contains("22.22") && !now.contains("33.33"), "{now}");
    assert_eq!(versions(&db).await, [(1, true), (4, true), (3, true)], "numbers tell the order of publication");
    let page = sam.get("/staff/plans").await;
    assert!(page.text("html").contains("Published as version 4"));

    // In order, a draft keeps its number.
    catalogue.draft(&[("price_eur", "55.55")]).await;
    catalogue.publish(5).await;
    assert!(price().await.contains("55.55"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn nobody_changes_what_is_published_not_even_the_owner_of_the_tables(db: PgPool) {
    let world = World::new(db.clone()).await;
    let sam = world.staff().await;
    let draft = Catalogue::of(&world, &sam, "production").await.draft(&[("price_eur", "1")]).await;
    let published = "(SELECT id FROM plan_versions WHERE state = 'published' LIMIT 1)";
    // A meter that no version has: moved, it would collide with nothing.
    sqlx::query("INSERT INTO plan_meters VALUES ($1, 'memory', 'EUR', 0, 0)").bind(draft).execute(&db).await.unwrap();
    let before = everything(&db).await;
    let changes = [
        format!("UPDATE plan_versions SET cpu_millis = 1 WHERE id = {published}"),
        format!("UPDATE plan_versions SET state = 'draft', published_at = NULL WHERE id = {published}"),
        format!("DELETE FROM plan_versions WHERE id = {published}"),
        format!("UPDATE plan_prices SET monthly_minor = 1 WHERE plan_version_id = {published}"),
        format!("DELETE FROM plan_prices WHERE plan_version_id = {published}"),
        format!("INSERT INTO plan_prices VALUES ({published}, 'EUR', 1)"),
        format!("UPDATE plan_prices SET plan_version_id = '{draft}' WHERE plan_version_id = {published}"),
        format!("UPDATE plan_prices SET plan_version_id = {published} WHERE plan_version_id = '{draft}'"),
        format!("UPDATE plan_meters SET unit_price = 9 WHERE plan_version_id = {published}"),
        format!("DELETE FROM plan_meters WHERE plan_version_id = {published}"),
        format!("INSERT INTO plan_meters VALUES ({published}, 'memory', 'EUR', 0, 0)"),
        format!(
            "UPDATE plan_meters SET plan_version_id = {published} WHERE plan_version_id = '{draft}' AND meter = 'memory'"
        ),
    ];
    let web = Somebody::like_web(&db).await;
    for change in &changes {
        for who in [Attempt::as_owner(&db), Attempt::by(&db, &web)] {
            who.is_refused(change, "23000").await;
        }
    }
    for table in ["plan_versions", "plan_prices", "plan_meters"] {
        let change = format!("TRUNCATE {table} CASCADE");
        Attempt::as_owner(&db).is_refused(&change, "23000").await;
        Attempt::by(&db, &web).is_refused(&change, "42501").await;
    }
    Attempt::as_owner(&db).is_refused("TRUNCATE plans CASCADE", "23000").await;
    web.gone(&db).await;
    assert_eq!(everything(&db).await, before);
}

/// All that the catalogue holds, as one text.
async fn everything(db: &PgPool) -> String {
    let sql = "SELECT concat( (SELECT string_agg(v::text, ';' ORDER BY v.id) FROM plan_versions v)
                            , (SELECT string_agg(p::text, ';' ORDER BY p::text) FROM plan_prices p)
                            , (SELECT string_agg(m::text, ';' ORDER BY m::text) FROM plan_meters m) )";
    sqlx::query_scalar(sql).fetch_one(db).await.unwrap()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn no_price_slips_in_while_its_version_is_being_published(db: PgPool) {
    let world = World::new(db.clone()).await;
    let sam = world.staff().await;
    let draft = Catalogue::of(&world, &sam, "production").await.draft(&[("price_eur", "1")]).await;
    let now = world.portal.clock.now();
    let mut publishing = db.begin().await.unwrap();
    sayoo::plans::catalogue::publish(&mut publishing, draft, now, now).await.unwrap();
    let change = format!("INSERT INTO plan_meters VALUES ('{draft}', 'memory', 'EUR', 0, 0)");
    let slipping = Attempt::as_owner(&db);
    let ended = async {
        waiters(&db, 1).await;
        publishing.commit().await.unwrap();
    };
    tokio::join!(slipping.is_refused(&change, "23000"), ended);
}
