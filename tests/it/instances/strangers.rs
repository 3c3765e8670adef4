//! Somebody else's instances do not exist.

use reqwest::StatusCode;
use sqlx::PgPool;

use sayoo::web::routes::{Access, TABLE, Verb};

use crate::support::portal::World;

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_stranger_finds_no_instance_of_another_account_on_any_route(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = alice.has_running(&world, "shop").await;
    for (name, role) in [("mallory", "owner"), ("trudy", "member")] {
        let stranger = world.person(name, role).await;
        let mut tried = 0;
        for route in
            TABLE.iter().filter(|route| route.access == Access::Member && route.path.starts_with("/instances/{id}"))
        {
            let path = route.path.replace("{id}", &id.to_string());
            let page = match route.verb {
                Verb::Get => stranger.get(&path).await,
                Verb::Post => stranger.post(&path, &[("typed", "shop"), ("name", "mine"), ("subdomain", "mine")]).await,
            };
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{role}: {:?} {path}", route.verb);
            tried += 1;
        }
        assert!(tried >= 13, "{tried}");
        assert!(!stranger.get("/instances").await.body.contains("shop"));
        assert_eq!(stranger.get("/instances/not-an-id").await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(world.audit().await, ["environment.ordered"], "nothing was done");
}
