//! Deletion with a typed name, and seven days to take it back.

use reqwest::StatusCode;
use sqlx::PgPool;

use sayoo::environments::Wanted;
use sayoo::environments::removal::UNDO_FOR;

use crate::support::portal::World;

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_deletion_needs_the_name_and_says_what_is_lost(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = alice.has_running(&world, "shop").await;
    let path = format!("/instances/{id}/delete");
    let page = alice.get(&path).await;
    for lost in ["database", "users", "shop.localhost", "29 Nov 2026"] {
        assert!(page.text(".dies").contains(lost), "{lost}: {}", page.text(".dies"));
    }
    for wrong in ["", "shop2", "sho", "s hop", "my shop"] {
        let refused = alice.post(&path, &[("typed", wrong)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
        assert!(refused.text(".error").contains("Nothing was deleted"));
    }
    assert_eq!(alice.instance(id).await.wanted, Wanted::Running);
    let done = alice.post(&path, &[("typed", " Shop ")]).await;
    assert_eq!(done.location, format!("/instances/{id}"), "a phone's capital and space are forgiven");
    let purge_after = world.portal.clock.now() + UNDO_FOR;
    assert_eq!(alice.instance(id).await.wanted, Wanted::Deleted { purge_after });
    alice.post(&path, &[("typed", "shop")]).await;
    assert_eq!(world.audit().await, ["environment.ordered", "environment.deletion-asked"], "twice is once");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_deletion_is_taken_back_until_the_last_minute_of_the_seventh_day(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = alice.has_running(&world, "shop").await;
    alice.post(&format!("/instances/{id}/stop"), &[]).await;
    alice.post(&format!("/instances/{id}/delete"), &[("typed", "shop")]).await;
    let refused = alice.post(&format!("/instances/{id}/start"), &[]).await;
    assert_eq!(refused.location, format!("/instances/{id}"));
    assert!(matches!(alice.instance(id).await.wanted, Wanted::Deleted { .. }), "a start does not undo it");

    world.portal.clock.advance(UNDO_FOR - chrono::TimeDelta::minutes(1));
    // The login is over after seven days: the person logs in anew.
    sqlx::query!("UPDATE sessions SET seen_at = $1", world.portal.clock.now()).execute(&world.db).await.unwrap();
    let page = alice.get(&format!("/instances/{id}")).await;
    assert!(page.text(".notice").contains("Keep this instance"), "{}", page.body);
    alice.post(&format!("/instances/{id}/undo-delete"), &[]).await;
    assert_eq!(alice.instance(id).await.wanted, Wanted::Stopped, "it is as it was before");

    alice.post(&format!("/instances/{id}/delete"), &[("typed", "shop")]).await;
    world.portal.clock.advance(UNDO_FOR);
    sqlx::query!(
        "UPDATE sessions SET seen_at = $1, expires_at = $2",
        world.portal.clock.now(),
        world.portal.clock.now() + UNDO_FOR
    )
    .execute(&world.db)
    .await
    .unwrap();
    let late = alice.post(&format!("/instances/{id}/undo-delete"), &[]).await;
    assert_eq!(late.location, "/instances");
    assert!(matches!(alice.instance(id).await.wanted, Wanted::Deleted { .. }));
}
