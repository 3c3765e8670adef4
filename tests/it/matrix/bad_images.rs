//! Images that do not serve, brought to what does not run: the next start shows it, and the image that served last is back.

use sayoo::base::faults::{Call, Fault, Kind};
use sqlx::PgPool;

use super::world::{Shop, World};
use super::{Operation, begin};

const GOOD: &str = "sha256:good";
const BAD: &str = "sha256:bad";

impl World {
    /// Begins a rollout of an image to some of the environments.
    async fn rolls_out(&self, digest: &str, shops: &[&Shop]) {
        self.engine.set_bad_image(BAD);
        let ids: Vec<String> = shops.iter().map(|shop| format!("'{}'", shop.id)).collect();
        self.run(&format!(
            "INSERT INTO images SELECT gen_random_uuid(), 'odoo', '{digest}', '19.0', 'retired', $now
              WHERE NOT EXISTS (SELECT FROM images WHERE digest = '{digest}');
             WITH rollout AS (
                 INSERT INTO rollouts (id, image_id, at_once, state, started_by, started_at)
                 SELECT gen_random_uuid(), id, 1, 'running', 'Sam', $now FROM images WHERE digest = '{digest}'
                 RETURNING id, image_id
             )
             INSERT INTO environment_updates
                  (id, environment_id, rollout_id, image_id, cpu_millis, memory_mb, asked_by, created_at)
             SELECT gen_random_uuid(), environments.id, rollout.id, rollout.image_id, 500, 700, 'Sam', $now
               FROM rollout, environments
              WHERE environments.id IN ({});
             UPDATE turns SET due_at = $now WHERE task = 'environments'",
            ids.join(", ")
        ))
        .await;
    }

    /// The image that an environment has, its last update with the reason, and its rollout.
    async fn stands(&self, shop: &Shop) -> String {
        let sql = format!(
            "SELECT images.digest || ' ' || updates.state || ' ' || coalesce(updates.reason, '-') || ' ' || rollouts.state
               FROM runtimes
               JOIN images ON images.id = runtimes.image_id
               JOIN environment_updates AS updates ON updates.environment_id = runtimes.environment_id
               JOIN rollouts ON rollouts.id = updates.rollout_id
              WHERE runtimes.environment_id = '{}'
              ORDER BY updates.created_at DESC
              LIMIT 1",
            shop.id
        );
        self.texts(&sql).await.remove(0)
    }

    /// Why people were told that an update was taken back.
    async fn told(&self, shop: &Shop) -> Vec<String> {
        self.texts(&format!(
            "SELECT detail ->> 'reason' FROM environment_events WHERE environment_id = '{}' AND kind = 'update.failed'",
            shop.id
        ))
        .await
    }

    /// Works until the update's second service is made, and dies there: the rollout is in the middle.
    async fn dies_in_the_middle(&self) {
        let made = ["create", "apply"].map(|verb| Call { verb, kind: Kind::Change, number: 0 });
        for call in made {
            if self.meet((call, Fault::KilledAfter)).await {
                return;
            }
        }
        panic!("no service was made");
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_is_stopped_in_the_middle_of_a_bad_rollout_starts_with_the_image_that_served(db: PgPool) {
    let world = World::new(db).await;
    let mut shop = begin(&world, Operation::Stop).await;
    world.rolls_out(BAD, &[&shop]).await;
    world.dies_in_the_middle().await;
    Operation::Stop.ask(&world, &mut shop).await;
    world.converge(&shop, "stopped").await.unwrap();
    assert_eq!(world.stands(&shop).await, format!("{BAD} done - done"), "nobody knows yet");

    Operation::Start.ask(&world, &mut shop).await;
    world.converge(&shop, "running").await.unwrap();
    assert_eq!(world.stands(&shop).await, "sha256:00 failed reason-start-crashing done");
    assert_eq!(world.told(&shop).await, ["reason-start-crashing"]);
    assert_eq!(world.texts("SELECT id::text FROM runtimes WHERE served_image_id IS NOT NULL").await, [""; 0]);

    // Again, and again it comes back; a good one stays, and has nothing to go back to.
    Operation::Stop.ask(&world, &mut shop).await;
    world.converge(&shop, "stopped").await.unwrap();
    for (digest, status) in [(BAD, "stopped"), (GOOD, "stopped")] {
        world.rolls_out(digest, &[&shop]).await;
        world.converge(&shop, status).await.unwrap();
    }
    assert_eq!(
        world.texts("SELECT digest FROM images JOIN runtimes ON served_image_id = images.id").await,
        ["sha256:00"],
        "the one between never served"
    );
    Operation::Start.ask(&world, &mut shop).await;
    world.converge(&shop, "running").await.unwrap();
    assert_eq!(world.stands(&shop).await, format!("{GOOD} done - done"));
    assert_eq!(world.texts("SELECT id::text FROM runtimes WHERE served_image_id IS NOT NULL").await, [""; 0]);
    assert_eq!(world.told(&shop).await.len(), 1);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_sleeps_wakes_with_the_image_that_served_when_the_new_one_does_not(db: PgPool) {
    let world = World::new(db).await;
    let mut shop = begin(&world, Operation::Wake).await;
    world.rolls_out(BAD, &[&shop]).await;
    world.converge(&shop, "asleep").await.unwrap();
    assert_eq!(world.stands(&shop).await, format!("{BAD} done - done"));
    Operation::Wake.ask(&world, &mut shop).await;
    world.converge(&shop, "running").await.unwrap();
    assert_eq!(world.stands(&shop).await, "sha256:00 failed reason-start-crashing done");
}
