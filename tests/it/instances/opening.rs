//! Open Odoo: a ticket that works once and for a minute.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::StatusCode;
use sqlx::PgPool;

use sayoo::base::ids::EnvironmentId;

use crate::support::portal::World;

/// A runtime as the worker makes it.
async fn has_runtime(world: &World, id: EnvironmentId, code: &str) {
    let now = world.portal.clock.now();
    let any = uuid::Uuid::new_v4();
    sqlx::query!("INSERT INTO images (id, reference, digest, odoo_version, state, created_at) VALUES ($1, 'odoo', 'sha256:1', '19.0', 'current', $2)", any, now).execute(&world.db).await.unwrap();
    sqlx::query!(
        "INSERT INTO database_servers (id, name, state, created_at) VALUES ($1, 'embedded', 'active', $2)",
        any,
        now
    )
    .execute(&world.db)
    .await
    .unwrap();
    sqlx::query!("INSERT INTO templates (id, database_server_id, image_id, language, modules, database_name, state, used_at, created_at) VALUES ($1, $1, $1, 'fr_FR', '{}', 'tpl', 'ready', $2, $2)", any, now).execute(&world.db).await.unwrap();
    sqlx::query!("INSERT INTO runtimes (id, code, environment_id, image_id, template_id, database_server_id, cpu_millis, memory_mb, wanted, state, created_at, claimed_at) VALUES ($1, $2, $3, $1, $1, $1, 500, 512, 'running', 'ready', $4, $4)", any, code, id.uuid(), now).execute(&world.db).await.unwrap();
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn open_odoo_posts_a_ticket_to_the_instance_and_no_address_carries_it(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = alice.has_running(&world, "shop").await;
    has_runtime(&world, id, "abcdefghij0123456789").await;

    let page = alice.post(&format!("/instances/{id}/open"), &[]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert_eq!(page.attribute("form[data-go]", "action"), "http://shop.localhost:8080/sayoo/login");
    assert_eq!(page.attribute("form[data-go]", "method"), "post");
    let token = page.attribute("input[name=token]", "value");
    let said = URL_SAFE_NO_PAD.decode(token.split_once('.').unwrap().0).unwrap();
    let said: serde_json::Value = serde_json::from_slice(&said).unwrap();
    assert_eq!((&said["aud"], &said["login"]), (&"abcdefghij0123456789".into(), &"alice@example.com".into()));
    assert!(page.text("button").contains("Go to Odoo"), "without JavaScript there is a button");
    assert_eq!(world.audit().await, ["environment.ordered", "environment.opened"]);
    let detail = sqlx::query_scalar!("SELECT detail::text FROM audit_log ORDER BY seq DESC LIMIT 1")
        .fetch_one(&world.db)
        .await
        .unwrap();
    assert!(!detail.unwrap().contains(&token), "the ticket is written nowhere");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_does_not_run_is_not_opened(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = alice.has_ordered(&world, "shop").await;
    let page = alice.post(&format!("/instances/{id}/open"), &[]).await;
    assert_eq!(page.location, format!("/instances/{id}"));
    assert_eq!(world.audit().await, ["environment.ordered"]);
}
