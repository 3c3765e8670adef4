//! Placement on a real Postgres.

use chrono::Utc;
use sayoo::base::ids::{AccountId, DatabaseServerId, EnvironmentId, HostId, ImageId, ProjectId, RuntimeId, TemplateId};
use sayoo::base::secret::new_code;
use sayoo::engine::NodeSeen;
use sayoo::hosts::placement::{Need, Siblings, Tenant};
use sayoo::hosts::{self, Cause, HostState, Placement, ReserveError, Wanted, placement};
use sayoo::reconcile;
use sqlx::PgPool;

/// Puts hosts of 10 GiB, of which 2 are kept, into the database.
pub async fn hosts(db: &PgPool, count: usize) -> Vec<HostId> {
    let mut ids = Vec::new();
    for number in 0..count {
        ids.push(HostId::new(Utc::now()));
        sqlx::query(
            "INSERT INTO hosts (id, name, node, docker_endpoint, upstream_address, cpu_millis, memory_mb, state, created_at)
             VALUES ($1, $2, $2, '', '127.0.0.1', 8000, 10240, 'active', now())",
        )
        .bind(ids[number].uuid())
        .bind(format!("host-{number}"))
        .execute(db)
        .await
        .unwrap();
    }
    ids
}

/// Puts a production environment that runs on a host into the database.
pub async fn resident(db: &PgPool, host: HostId, name: &str, memory_mb: i32) -> RuntimeId {
    let id = runtime(db, memory_mb).await;
    let (account, project, environment) =
        (AccountId::new(Utc::now()), ProjectId::new(Utc::now()), EnvironmentId::new(Utc::now()));
    let statements = [
        format!("INSERT INTO accounts VALUES ('{account}', 'Acme', 'EUR', 'FR', 'Europe/Paris', 'active', now())"),
        format!("INSERT INTO projects VALUES ('{project}', '{account}', 'Shop', now())"),
    ];
    for statement in statements {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(db).await.unwrap();
    }
    sayoo::plans::seed(&mut db.acquire().await.unwrap(), Utc::now()).await.unwrap();
    sqlx::query(
        "INSERT INTO environments (id, account_id, project_id, kind, name, plan_version_id, wanted, company, language, country
             , currency, timezone, apps, admin_email, admin_name, order_key, status_since, created_at)
         VALUES ($1, $2, $3, 'production', $4, (SELECT id FROM plan_versions LIMIT 1), 'running'
             , 'Acme', 'fr_FR', 'FR', 'EUR', 'Europe/Paris', '{}', 'zoe@example.com', 'Zoe', gen_random_uuid(), now(), now())",
    )
    .bind(environment.uuid())
    .bind(account.uuid())
    .bind(project.uuid())
    .bind(name)
    .execute(db)
    .await
    .unwrap();
    sqlx::query(
        "UPDATE runtimes SET environment_id = $2, claimed_at = now(), host_id = $3, state = 'ready' WHERE id = $1",
    )
    .bind(id.uuid())
    .bind(environment.uuid())
    .bind(host.uuid())
    .execute(db)
    .await
    .unwrap();
    id
}

/// Puts a runtime without a host into the database.
/// A machine with two cores and this much memory, as the engine shows it.
pub fn machine(memory_mb: i32) -> NodeSeen {
    NodeSeen {
        node: "abc".to_owned(),
        hostname: "one".to_owned(),
        is_ready: true,
        is_lost: false,
        is_active: true,
        cpu_millis: 2000,
        memory_mb,
        engine_version: "20.10".to_owned(),
    }
}

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
    let placement = hosts::reserve(&mut tx, runtime, Cause::Made, Utc::now()).await?;
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
    let mut seen = machine(8192);
    let mut db = db.acquire().await.unwrap();
    hosts::store::record(&mut db, &seen, "unix:///x", "127.0.0.1", Utc::now()).await.unwrap();
    let host = hosts::store::list(&mut db).await.unwrap().remove(0).host;
    assert_eq!((host.state, host.memory_mb), (HostState::Active, 8192));
    hosts::store::set_wanted(&mut db, host.id, Wanted::Closed, "a fan fails").await.unwrap();
    seen.memory_mb = 16384;
    hosts::store::record(&mut db, &seen, "unix:///x", "127.0.0.1", Utc::now()).await.unwrap();
    let host = hosts::store::find(&mut db, host.id).await.unwrap().unwrap();
    assert_eq!((host.state, host.memory_mb, host.wanted_reason.as_str()), (HostState::Cordoned, 16384, "a fan fails"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_hundred_moves_and_placements_at_once_never_promise_memory_twice(db: PgPool) {
    let ids = hosts(&db, 3).await;
    let mut leaving = Vec::new();
    for number in 0..10 {
        leaving.push(resident(&db, ids[0], &format!("shop-{number}"), 512).await);
    }
    let mut wanted = Vec::new();
    for number in 0..90 {
        // Customers' own: the room of spares is there for whoever moves.
        let runtime = resident(&db, ids[0], &format!("new-{number}"), 512).await;
        sqlx::query("UPDATE runtimes SET host_id = NULL, state = 'building' WHERE id = $1")
            .bind(runtime.uuid())
            .execute(&db)
            .await
            .unwrap();
        wanted.push(runtime);
    }
    let moves = futures_util::future::join_all(leaving.iter().map(|runtime| async {
        let mut tx = db.begin().await.unwrap();
        // Until the old container is gone it has its memory at both.
        let placement = hosts::take_room_elsewhere(&mut tx, *runtime).await?;
        reconcile::hosts::store::insert_move(&mut tx, (*runtime, ids[0]), &placement, Utc::now()).await.unwrap();
        tx.commit().await.unwrap();
        Ok::<_, ReserveError>(placement.host)
    }));
    let placements = futures_util::future::join_all(wanted.iter().map(|runtime| reserve(&db, *runtime)));
    let (moved, placed) = tokio::join!(moves, placements);
    assert!(moved.iter().flatten().all(|host| *host != ids[0]), "moved to where it was");
    let (moved, placed) = (moved.iter().flatten().count(), placed.iter().flatten().count());
    // 48 places: ten are taken at the beginning, and each move takes one more.
    assert_eq!(10 + moved + placed, 48, "{moved} moved, {placed} placed");
    let loads = hosts::store::list(&mut db.acquire().await.unwrap()).await.unwrap();
    assert!(loads.iter().all(|load| placement::free_memory_mb(load) == 0));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn each_placement_is_kept_with_its_reason(db: PgPool) {
    let ids = hosts(&db, 2).await;
    let first = runtime(&db, 512).await;
    reserve(&db, first).await.unwrap();
    let mut connection = db.acquire().await.unwrap();
    let kept = hosts::placements_on(&mut connection, ids[0]).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].cause.as_str(), kept[0].took_ms), ("made", None));
    assert_eq!(kept[0].explanation, "host-0 keeps 7680 MiB of memory free, the most of 2 hosts with room");
}

/// Puts an update of a runtime's environment, with room on a host, into the database.
pub async fn update(db: &PgPool, runtime: RuntimeId, host: HostId, state: &str) {
    sqlx::query(
        "INSERT INTO environment_updates (id, environment_id, image_id, host_id, cpu_millis, memory_mb, state, asked_by, created_at)
         SELECT gen_random_uuid(), environment_id, image_id, $2, 100, 1024, $3, 'Zoe', now() FROM runtimes WHERE id = $1",
    )
    .bind(runtime.uuid())
    .bind(host.uuid())
    .bind(state)
    .execute(db)
    .await
    .unwrap();
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_updates_room_is_promised_and_kept_only_where_runtimes_are_taken(db: PgPool) {
    let ids = hosts(&db, 2).await;
    let shop = resident(&db, ids[0], "Shop", 512).await;
    update(&db, shop, ids[1], "waiting").await;
    let mut tx = db.begin().await.unwrap();
    let loads = hosts::store::list(&mut tx).await.unwrap();
    assert_eq!(loads.iter().map(|load| load.memory_promised_mb).collect::<Vec<_>>(), [512, 1024]);
    let need = Need { cpu_millis: 100, memory_mb: 1024, tenant: Tenant::Production, not_on: None, image: None };
    let aside = Placement { host: ids[1], explanation: "it was the emptiest".to_owned() };
    assert_eq!(
        hosts::keep_room(&mut tx, Some(&aside), need, &Siblings::default()).await.unwrap(),
        aside,
        "and its reason"
    );
    hosts::store::set_wanted(&mut tx, ids[1], Wanted::Empty, "a fan fails").await.unwrap();
    assert_eq!(hosts::keep_room(&mut tx, Some(&aside), need, &Siblings::default()).await.unwrap().host, ids[0]);
}

/// Which runtimes on a host could move away now.
async fn movable(db: &mut sqlx::PgConnection, host: HostId) -> Vec<RuntimeId> {
    let rows = reconcile::hosts::store::movable(db, host, Utc::now()).await.unwrap();
    rows.into_iter().map(|(runtime, _)| runtime).collect()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_host_is_not_let_go_and_nothing_moves_off_it_in_the_middle_of_an_update(db: PgPool) {
    use sayoo::reconcile::hosts::store;
    let ids = hosts(&db, 2).await;
    let shop = resident(&db, ids[0], "Shop", 512).await;
    let mut connection = db.acquire().await.unwrap();
    assert_eq!(movable(&mut connection, ids[0]).await, [shop]);
    update(&db, shop, ids[1], "starting").await;
    assert_eq!(movable(&mut connection, ids[0]).await, []);
    assert_eq!(store::runtimes_on(&mut connection, ids[1]).await.unwrap(), 1);
    assert_eq!(store::environments_on(&mut connection, ids[1]).await.unwrap(), [shop], "the loss is its loss");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_move_does_not_wait_for_an_update_that_waits_and_ends_with_the_emptying_unless_it_has_begun(db: PgPool) {
    use sayoo::reconcile::environments::update as updates;
    use sayoo::reconcile::hosts::store;
    let ids = hosts(&db, 2).await;
    let shop = resident(&db, ids[0], "Shop", 512).await;
    let mut tx = db.begin().await.unwrap();
    hosts::store::set_wanted(&mut tx, ids[0], Wanted::Empty, "a fan fails").await.unwrap();
    tx.commit().await.unwrap();
    // Another plan was asked for, and there is no room for it.
    update(&db, shop, ids[1], "waiting").await;
    let mut connection = db.acquire().await.unwrap();
    assert_eq!(movable(&mut connection, ids[0]).await, [shop]);
    let placement = hosts::take_room_elsewhere(&mut connection, shop).await.unwrap();
    assert_eq!(placement.host, ids[1]);
    store::insert_move(&mut connection, (shop, ids[0]), &placement, Utc::now()).await.unwrap();
    assert_eq!(movable(&mut connection, ids[0]).await, []);
    assert_eq!(store::moves(&mut connection).await.unwrap(), 1);
    let environment: EnvironmentId = sqlx::query_scalar::<_, String>("SELECT id::text FROM environments")
        .fetch_one(&db)
        .await
        .unwrap()
        .parse()
        .unwrap();
    let open = updates::store::find_open(&mut connection, environment).await.unwrap().unwrap();
    assert_eq!((open.leaves, open.host), (Some(ids[0]), Some(ids[1])));

    store::cancel_moves(&mut connection, Utc::now()).await.unwrap();
    assert_eq!(store::moves(&mut connection).await.unwrap(), 1, "the host is still to be emptied");
    hosts::store::set_wanted(&mut connection, ids[0], Wanted::Closed, "").await.unwrap();
    store::cancel_moves(&mut connection, Utc::now()).await.unwrap();
    assert_eq!(store::moves(&mut connection).await.unwrap(), 0);
    let open = updates::store::find_open(&mut connection, environment).await.unwrap().unwrap();
    assert_eq!(open.leaves, None, "the other plan is still wanted");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_machine_of_which_nothing_is_known_is_not_lost(db: PgPool) {
    let mut seen = sayoo::engine::NodeSeen {
        node: "abc".to_owned(),
        hostname: "one".to_owned(),
        is_ready: true,
        is_lost: false,
        is_active: true,
        cpu_millis: 2000,
        memory_mb: 8192,
        engine_version: "20.10".to_owned(),
    };
    let mut db = db.acquire().await.unwrap();
    hosts::store::record(&mut db, &seen, "unix:///x", "127.0.0.1", Utc::now()).await.unwrap();
    // After a change of the leading manager, say.
    seen.is_ready = false;
    hosts::store::note(&mut db, &seen, Utc::now()).await.unwrap();
    assert_eq!(hosts::store::list(&mut db).await.unwrap()[0].host.state, HostState::Active);
    seen.is_lost = true;
    hosts::store::note(&mut db, &seen, Utc::now()).await.unwrap();
    let host = hosts::store::list(&mut db).await.unwrap().remove(0).host;
    assert_eq!((host.state, host.lost_at.is_some()), (HostState::Down, true));
    (seen.is_lost, seen.is_ready) = (false, true);
    hosts::store::note(&mut db, &seen, Utc::now()).await.unwrap();
    let host = hosts::store::list(&mut db).await.unwrap().remove(0).host;
    assert_eq!(
        (host.state, host.lost_at, host.lost_times.len()),
        (HostState::Cordoned, None, 1),
        "before it was looked at"
    );
    // Only the last three are of interest.
    for _ in 0..4 {
        (seen.is_lost, seen.is_ready) = (true, false);
        hosts::store::note(&mut db, &seen, Utc::now()).await.unwrap();
        (seen.is_lost, seen.is_ready) = (false, true);
        hosts::store::note(&mut db, &seen, Utc::now()).await.unwrap();
    }
    let host = hosts::store::list(&mut db).await.unwrap().remove(0).host;
    assert_eq!((host.lost_times.len(), host.lost_times.is_sorted()), (3, true));
}
