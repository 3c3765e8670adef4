//! What people see of an instance that sleeps, and the button that wakes it.

use reqwest::StatusCode;
use sayoo::base::ids::EnvironmentId;
use sqlx::PgPool;

use crate::support::portal::World;

async fn asleep(world: &World, id: EnvironmentId) {
    sqlx::query!(
        "UPDATE environments SET status = 'asleep', status_since = $2 WHERE id = $1",
        id.uuid(),
        world.portal.clock.now()
    )
    .execute(&world.db)
    .await
    .unwrap();
}

async fn wishes(world: &World) -> Vec<(uuid::Uuid, String)> {
    let rows = sqlx::query!("SELECT environment_id, source FROM wake_requests").fetch_all(&world.db).await.unwrap();
    rows.into_iter().map(|row| (row.environment_id, row.source)).collect()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_sleeping_instance_says_since_when_and_a_button_wakes_it_once(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = alice.has_running(&world, "shop").await;
    let page = format!("/instances/{id}");
    assert!(!alice.get(&page).await.text("button").contains("Wake"), "it does not sleep");
    alice.post(&format!("{page}/wake"), &[]).await;
    assert_eq!(wishes(&world).await, []);

    asleep(&world, id).await;
    let shown = alice.get(&page).await;
    assert!(shown.text(".badge").contains("Asleep"));
    assert!(shown.text("#instance").contains("wakes up with the first request"), "{}", shown.text("#instance"));
    assert!(shown.text("button").contains("Wake up now") && shown.text("button").contains("Open Odoo"));
    assert!(!shown.text("button").contains("Restart"));
    assert!(alice.get("/instances?state=sleeping").await.text("main").contains("shop"));

    for _ in 0..2 {
        assert_eq!(alice.post(&format!("{page}/wake"), &[]).await.location, page);
    }
    assert_eq!(wishes(&world).await, [(id.uuid(), "person".to_owned())]);
    assert_eq!(world.audit().await, ["environment.ordered", "environment.wake-asked"], "twice is once");
    assert!(alice.get(&page).await.text(".events").contains("Waking asked for"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn who_may_not_steer_does_not_wake_and_a_stranger_finds_nothing(db: PgPool) {
    let world = World::new(db).await;
    let (mia, bob) = (world.person("mia", "member").await, world.customer("bob").await);
    let id = mia.has_running(&world, "shop").await;
    asleep(&world, id).await;
    let path = format!("/instances/{id}/wake");
    assert!(!mia.get(&format!("/instances/{id}")).await.text("button").contains("Wake"));
    assert_eq!(mia.post(&path, &[]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(bob.post(&path, &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(wishes(&world).await, []);
}
