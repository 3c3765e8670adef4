//! An environment that is to run in several containers where there is one machine only.

use sayoo::base::ids::EnvironmentId;
use sayoo::environments;
use sayoo::reconcile;
use sqlx::PgPool;

use super::support::World;

const REASON: &str = "SELECT coalesce(status_reason ->> 'key', '-') FROM environments WHERE id = $1";
const TRIES: &str =
    "SELECT tries::text FROM replica_troubles JOIN runtimes ON runtimes.id = runtime_id WHERE environment_id = $1";

impl World {
    /// Puts an environment on a plan that allows several containers.
    async fn with_several(&self, id: EnvironmentId) {
        self.want(id, "plan_version_id = (SELECT id FROM plan_versions WHERE max_replicas > 1 LIMIT 1)").await;
    }

    async fn look_again(&self) {
        self.run("UPDATE turns SET due_at = now()", |query| query).await;
        reconcile::settle(&self.site).await.unwrap();
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn without_another_machine_it_runs_in_one_container_and_says_why(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.order("shop").await;
    world.with_several(shop).await;
    world.want(shop, "replicas = 2").await;
    world.until(shop, "running").await;
    for _ in 0..3 {
        world.look_again().await;
    }
    assert_eq!(world.text(REASON, shop.uuid()).await, "reason-replicas-no-room");
    assert_eq!(world.text(TRIES, shop.uuid()).await, "1", "the next try waits");
    let why =
        "SELECT explanation FROM replica_troubles JOIN runtimes ON runtimes.id = runtime_id WHERE environment_id = $1";
    let why = world.text(why, shop.uuid()).await;
    assert!(why.ends_with("has another container of it"), "{why}");
    let told = world.events(shop).await.iter().filter(|kind| *kind == "replicas.short").count();
    assert_eq!((world.status(shop).await.as_str(), told, world.counts().await), ("running", 1, (1, 1, 1)));
    let mut connection = world.db.acquire().await.unwrap();
    assert_eq!(environments::replicas::running(&mut connection, world.account, shop).await.unwrap(), 1);
    drop(connection);

    // Later, and still no room: another try, a longer pause, and no news.
    world.run("UPDATE replica_troubles SET retry_at = now()", |query| query).await;
    world.look_again().await;
    assert_eq!(world.text(TRIES, shop.uuid()).await, "2");
    let told = world.events(shop).await.iter().filter(|kind| *kind == "replicas.short").count();
    assert_eq!(told, 1);

    // One is enough after all.
    world.want(shop, "replicas = 1").await;
    world.look_again().await;
    assert_eq!(world.text(REASON, shop.uuid()).await, "-");
    assert_eq!(world.text(TRIES, shop.uuid()).await, "");
    world.end().await;
}
