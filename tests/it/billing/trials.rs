//! The end of a trial is told beforehand, and when it has come: each once, and only where something is charged then.

use sqlx::PgPool;

use super::dunning::has;
use super::world::{at, number, sell};
use crate::support::portal::World;

async fn mails(world: &World, address: &str) -> Vec<(String, String)> {
    let plain = |text: &str| text.replace(['\u{2068}', '\u{2069}', '\u{202f}', '\u{a0}'], "");
    let mails = world.mails_to(address).await;
    mails.into_iter().map(|mail| (plain(&mail.subject), plain(&mail.text_body))).collect()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_trial_that_ends_is_told_three_days_before_and_what_is_charged_from_then_on(db: PgPool) {
    let world = World::new(db.clone()).await;
    sell(&world, true).await;
    sqlx::query("UPDATE sellers SET trial_days = 14").execute(&db).await.unwrap();
    let (alice, carol) = (world.customer("alice").await, world.customer("carol").await);
    has(&world, &alice, "production", "shop").await;
    has(&world, &alice, "development", "devel").await;
    let gone = has(&world, &carol, "development", "gone").await;
    at(&world, "2026-11-22T13:00:00Z").await;
    assert_eq!(number(&db, "SELECT count(*) FROM trials").await, 2);
    carol.post(&format!("/instances/{gone}/delete"), &[("typed", "gone")]).await;
    assert_eq!(number(&db, "SELECT count(*) FROM environment_segments WHERE until_at IS NULL").await, 2);

    at(&world, "2026-12-03T11:59:00Z").await;
    assert_eq!(mails(&world, &alice.email).await, []);
    at(&world, "2026-12-03T12:00:00Z").await;
    at(&world, "2026-12-04T12:00:00Z").await;
    let told = mails(&world, &alice.email).await;
    assert_eq!(told.len(), 1);
    assert!(told[0].0.starts_with("Your trial ends on 6 Dec 2026"), "{}", told[0].0);
    for words in ["shop (Production) at MAD420.00 a month", "devel (Development) at MAD99.00", "Together MAD519.00"] {
        assert!(told[0].1.contains(words), "{words}: {}", told[0].1);
    }

    at(&world, "2026-12-06T11:59:00Z").await;
    assert_eq!(mails(&world, &alice.email).await.len(), 1);
    at(&world, "2026-12-06T12:00:00Z").await;
    at(&world, "2026-12-07T12:00:00Z").await;
    let told = mails(&world, &alice.email).await;
    assert_eq!(told.len(), 2);
    assert_eq!(told[1].0, "Your trial has ended: what is charged from now on");
    assert!(told[1].1.contains("Since then these are charged") && told[1].1.contains("MAD519.00"), "{}", told[1].1);
    assert_eq!(mails(&world, &carol.email).await, [], "nothing is charged");
    let told = "SELECT count(*) FROM trials WHERE reminded_at IS NOT NULL AND converted_at IS NOT NULL";
    assert_eq!(number(&db, told).await, 2);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn who_looks_again_after_an_interruption_tells_once_and_not_of_what_is_over(db: PgPool) {
    let world = World::new(db.clone()).await;
    sell(&world, true).await;
    sqlx::query("UPDATE sellers SET trial_days = 14").execute(&db).await.unwrap();
    let alice = world.customer("alice").await;
    has(&world, &alice, "production", "shop").await;
    at(&world, "2026-11-22T13:00:00Z").await;
    // The worker was away for all of the last days.
    at(&world, "2026-12-10T12:00:00Z").await;
    let told = mails(&world, &alice.email).await;
    assert_eq!(told.len(), 1, "that it will end is no news: {told:?}");
    assert_eq!(told[0].0, "Your trial has ended: what is charged from now on");
    // Two workers at once: one of them tells.
    sqlx::query("UPDATE trials SET converted_at = NULL").execute(&db).await.unwrap();
    world.wait(chrono::TimeDelta::seconds(30));
    let looks = [sayoo::billing::run::look(&world.portal), sayoo::billing::run::look(&world.portal)];
    for done in futures_util::future::join_all(looks).await {
        done.unwrap();
    }
    assert_eq!(mails(&world, &alice.email).await.len(), 2);
}
