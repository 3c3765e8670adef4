//! Placement on a real Postgres.

use chrono::Utc;
use sayoo::base::ids::{DatabaseServerId, HostId, ImageId, RuntimeId, TemplateId};
use sayoo::base::secret::new_code;
use sayoo::hosts::{self, HostState, ReserveError, placement};
use sqlx::PgPool;

/// Puts hosts of 10 GiB, of which 2 are kept, into the database.
async fn hosts(db: &PgPool, count: usize) {
    for number in 0..count {
        sqlx::query(
            "INSERT INTO hosts (id, name, node, docker_endpoint, upstream_address, cpu_millis, memory_mb, state, created_at)
             VALUES ($1, $2, $2, '', '127.0.0.1', 8000, 10240, 'active', now())",
        )
        .bind(HostId::new(Utc::now()).uuid())
        .bind(format!("host-{number}"))
        .execute(db)
        .await
        .unwrap();
    }
}

/// Puts a runtime without a host into the database.
async fn runtime(db: &PgPool, memory_mb: i32) -> RuntimeId {
    let id = RuntimeId::new(Utc::now());
    let (image, server, template) =
        (ImageId::new(Utc::now()), DatabaseServerId::new(Utc::now()), TemplateId::new(Utc::now()));
    let mut tx = db.begin().await.unwrap();
    sqlx::query("INSERT INTO images (id, reference, digest, odoo_version, state, created_at) VALUES ($1, 'x', $2, '19.0', 'retired', now())")
        .bind(image.uuid()).bind(new_code(20)).execute(&mut *tx).await.unwrap();
    sqlx::query("INSERT INTO database_servers (id, name, state, created_at) VALUES ($1, $2, 'active', now())")
        .bind(server.uuid())
        .bind(new_code(20))
        .execute(&mut *tx)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO templates (id, database_server_id, image_id, language, modules, database_name, state, used_at, created_at)
         VALUES ($1, $2, $3, 'en_US', '{}', $4, 'ready', now(), now())",
    )
    .bind(template.uuid()).bind(server.uuid()).bind(image.uuid()).bind(new_code(20)).execute(&mut *tx).await.unwrap();
    sqlx::query(
        "INSERT INTO runtimes (id, code, image_id, template_id, database_server_id, cpu_millis, memory_mb, wanted, state, created_at)
         VALUES ($1, $2, $3, $4, $5, 100, $6, 'running', 'building', now())",
    )
    .bind(id.uuid()).bind(new_code(20)).bind(image.uuid()).bind(template.uuid()).bind(server.uuid()).bind(memory_mb)
    .execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn reserve(db: &PgPool, runtime: RuntimeId) -> Result<HostId, ReserveError> {
    let mut tx = db.begin().await.unwrap();
    let placement = hosts::reserve(&mut tx, runtime).await?;
    tx.commit().await.unwrap();
    Ok(placement.host)
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_hundred_placements_at_once_never_promise_memory_twice(db: PgPool) {
    hosts(&db, 3).await;
    let mut wanted = Vec::new();
    for _ in 0..100 {
        wanted.push(runtime(&db, 512).await);
    }
    let placed = futures_util::future::join_all(wanted.iter().map(|runtime| reserve(&db, *runtime))).await;
    // Each host has 8 GiB for runtimes: 16 of them.
    assert_eq!(placed.iter().filter(|placed| placed.is_ok()).count(), 48);
    assert!(
        placed.iter().filter_map(|placed| placed.as_ref().err()).all(|error| matches!(error, ReserveError::NoRoom(_)))
    );
    let loads = hosts::store::list(&mut db.acquire().await.unwrap()).await.unwrap();
    for load in loads {
        assert_eq!((placement::free_memory_mb(&load), load.runtimes), (0, 16), "{}", load.host.name);
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_runtime_keeps_its_host(db: PgPool) {
    hosts(&db, 2).await;
    let runtime = runtime(&db, 512).await;
    let first = reserve(&db, runtime).await.unwrap();
    assert_eq!(reserve(&db, runtime).await.unwrap(), first);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_machine_that_the_engine_shows_becomes_a_host_and_staff_keep_it_closed(db: PgPool) {
    let mut seen = sayoo::engine::NodeSeen {
        node: "abc".to_owned(),
        hostname: "one".to_owned(),
        is_ready: true,
        is_active: true,
        cpu_millis: 2000,
        memory_mb: 8192,
        engine_version: "20.10".to_owned(),
    };
    let mut db = db.acquire().await.unwrap();
    hosts::store::record(&mut db, &seen, "unix:///x", "127.0.0.1", Utc::now()).await.unwrap();
    let host = hosts::store::list(&mut db).await.unwrap().remove(0).host;
    assert_eq!((host.state, host.memory_mb), (HostState::Active, 8192));
    hosts::store::set_state(&mut db, host.id, HostState::Cordoned, Some("a fan fails")).await.unwrap();
    seen.memory_mb = 16384;
    hosts::store::record(&mut db, &seen, "unix:///x", "127.0.0.1", Utc::now()).await.unwrap();
    let host = hosts::store::find(&mut db, host.id).await.unwrap().unwrap();
    assert_eq!(
        (host.state, host.memory_mb, host.state_reason.as_deref()),
        (HostState::Cordoned, 16384, Some("a fan fails"))
    );
}
