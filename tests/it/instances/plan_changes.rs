//! Another plan for an instance that exists: its price before, its room with it, and who may.

use reqwest::StatusCode;
use sayoo::base::ids::EnvironmentId;
use sqlx::PgPool;

use crate::support::portal::World;

/// A machine with this much memory that may be promised, and a runtime of the environment on it.
pub async fn runs_on(world: &World, id: EnvironmentId, code: &str, memory_mb: i32) {
    let (any, now) = (uuid::Uuid::new_v4(), world.portal.clock.now());
    for sql in [
        format!("INSERT INTO hosts (id, name, node, docker_endpoint, upstream_address, cpu_millis, memory_mb, memory_kept_mb, state, created_at)
                 VALUES ('{any}', 'one', 'one', '', '127.0.0.1', 64000, {memory_mb}, 0, 'active', '{now}') ON CONFLICT DO NOTHING"),
        format!("INSERT INTO images VALUES ('{any}', 'odoo', 'sha256:{any}', '19.0', 'retired', '{now}')"),
        format!("INSERT INTO database_servers VALUES ('{any}', '{any}', 'active', '{now}')"),
        format!("INSERT INTO templates (id, database_server_id, image_id, language, modules, database_name, state, used_at, created_at)
                 VALUES ('{any}', '{any}', '{any}', 'fr_FR', '{{}}', 'tpl{code}', 'ready', '{now}', '{now}')"),
        format!("INSERT INTO runtimes (id, code, environment_id, image_id, template_id, database_server_id, host_id, cpu_millis, memory_mb, wanted, state, created_at, claimed_at)
                 VALUES ('{any}', '{code}', '{id}', '{any}', '{any}', '{any}', (SELECT id FROM hosts), 500, 512, 'running', 'ready', '{now}', '{now}')"),
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&world.db).await.unwrap();
    }
}

/// Each update: its state, its memory, whether room is set aside for it.
async fn updates(world: &World) -> Vec<(String, i32, bool)> {
    let rows = sqlx::query!(r#"SELECT state, memory_mb, host_id IS NOT NULL AS "has_room!" FROM environment_updates"#)
        .fetch_all(&world.db)
        .await
        .unwrap();
    rows.into_iter().map(|row| (row.state, row.memory_mb, row.has_room)).collect()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_owner_sees_the_price_and_gets_the_room_with_the_change(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = alice.has_running(&world, "shop").await;
    runs_on(&world, id, "abcdefghij0123456789", 4096).await;
    let path = format!("/instances/{id}/plan");
    assert!(alice.get(&format!("/instances/{id}")).await.text("main").contains("Change the plan"));
    let page = alice.get(&path).await;
    assert!(page.text("main").contains("420") && page.text("main").contains("199"), "{}", page.text("main"));

    let test = world.plan("test").await.to_string();
    let asked = alice.post(&path, &[("plan", &test)]).await;
    assert_eq!(asked.location, format!("/instances/{id}"));
    assert_eq!(updates(&world).await, [("waiting".to_owned(), 1024, true)]);
    assert!(alice.get(&format!("/instances/{id}")).await.text(".events").contains("Another plan asked for"));
    assert_eq!(world.audit().await, ["environment.ordered", "environment.plan-asked"]);
    let unchanged = alice.instance(id).await.plan_version;
    assert_eq!(unchanged, world.plan("production").await, "until the new limits are in force");

    // A second click, the same plan, and one that is not sold change nothing.
    for plan in [test.as_str(), &world.plan("production").await.to_string(), "nonsense"] {
        assert_eq!(alice.post(&path, &[("plan", plan)]).await.location, path);
    }
    assert_eq!(updates(&world).await.len(), 1);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn without_room_nothing_changes_and_at_rest_none_is_needed(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = alice.has_running(&world, "shop").await;
    // 512 are taken; the test plan wants 1,024 beside them.
    runs_on(&world, id, "abcdefghij0123456789", 1500).await;
    let path = format!("/instances/{id}/plan");
    let test = world.plan("test").await.to_string();
    assert_eq!(alice.post(&path, &[("plan", &test)]).await.location, path);
    assert_eq!(updates(&world).await, []);

    sqlx::query!("UPDATE environments SET status = 'asleep' WHERE id = $1", id.uuid())
        .execute(&world.db)
        .await
        .unwrap();
    assert_eq!(alice.post(&path, &[("plan", &test)]).await.location, format!("/instances/{id}"));
    assert_eq!(updates(&world).await, [("waiting".to_owned(), 1024, false)]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn spares_make_room_for_another_plan_and_nobody_else_is_given_one_of_these(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = alice.has_running(&world, "shop").await;
    // Beside 512 that are taken and a spare of 1,024 there are 464: too few for the test plan.
    runs_on(&world, id, "abcdefghij0123456789", 2000).await;
    let spare = "INSERT INTO runtimes (id, code, image_id, template_id, database_server_id, host_id, cpu_millis, memory_mb, wanted, state, created_at)
                 SELECT gen_random_uuid(), 'sparesparesparespare', image_id, template_id, database_server_id, host_id, 500, 1024, 'running', 'ready', created_at FROM runtimes";
    sqlx::raw_sql(spare).execute(&world.db).await.unwrap();
    let test = world.plan("test").await.to_string();
    let asked = alice.post(&format!("/instances/{id}/plan"), &[("plan", &test)]).await;
    assert_eq!(asked.location, format!("/instances/{id}"));
    assert_eq!(updates(&world).await, [("waiting".to_owned(), 1024, true)]);
    let mut db = world.db.acquire().await.unwrap();
    let (host, why): (uuid::Uuid, String) =
        sqlx::query_as("SELECT host_id, explanation FROM environment_updates").fetch_one(&mut *db).await.unwrap();
    assert!(why.starts_with("one keeps 464 MiB") && why.ends_with("once spares there have gone"), "{why}");
    let crowded: Vec<uuid::Uuid> =
        sayoo::hosts::crowded(&mut db).await.unwrap().into_iter().map(sayoo::base::ids::HostId::uuid).collect();
    assert_eq!(crowded, [host], "its spare is promised");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn room_for_another_plan_is_set_aside_apart_from_the_other_containers(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = alice.has_running(&world, "shop").await;
    runs_on(&world, id, "abcdefghij0123456789", 1500).await;
    // The largest machine has another container of the shop.
    for (name, memory_mb) in [("two", 16384), ("three", 4096)] {
        let sql = format!(
            "INSERT INTO hosts (id, name, node, docker_endpoint, upstream_address, cpu_millis, memory_mb, memory_kept_mb, state, created_at)
             VALUES (gen_random_uuid(), '{name}', '{name}', '', '127.0.0.2', 64000, {memory_mb}, 0, 'active', now())"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&world.db).await.unwrap();
    }
    let replica = "INSERT INTO replicas (id, runtime_id, number, host_id, explanation, image_id, cpu_millis, memory_mb, restarts, login_generation, state, began_at)
                   SELECT gen_random_uuid(), runtimes.id, 1, hosts.id, '', image_id, 500, 512, 0, 1, 'serving', now()
                     FROM runtimes, hosts WHERE hosts.name = 'two'";
    sqlx::raw_sql(replica).execute(&world.db).await.unwrap();
    let test = world.plan("test").await.to_string();
    alice.post(&format!("/instances/{id}/plan"), &[("plan", &test)]).await;
    let chosen = "SELECT hosts.name FROM environment_updates JOIN hosts ON hosts.id = host_id";
    let chosen: String = sqlx::query_scalar(chosen).fetch_one(&world.db).await.unwrap();
    assert_eq!(chosen, "three");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn twenty_changes_at_once_promise_no_memory_twice(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let mut all = Vec::new();
    for number in 0..20 {
        let id = alice.has_running(&world, &format!("shop{number}")).await;
        runs_on(&world, id, &format!("{number:020}"), 20 * 512 + 5 * 1024).await;
        all.push(id);
    }
    let test = world.plan("test").await;
    let (by, portal) = (alice.by(), &world.portal);
    // Each holds a connection while it waits for the lock; the pool lets some through at a time.
    let changes = all.iter().map(|id| Box::pin(sayoo::environments::plan_changes::change(portal, &by, *id, test)));
    let done = futures_util::future::join_all(changes).await;
    let placed = done.iter().filter(|result| matches!(result, Ok(Some(())))).count();
    assert_eq!(placed, 5, "{done:?}");
    assert_eq!(updates(&world).await.len(), 5);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn only_an_owner_changes_the_plan_and_a_stranger_finds_nothing(db: PgPool) {
    let world = World::new(db).await;
    let (dan, bob) = (world.person("dan", "developer").await, world.customer("bob").await);
    let id = dan.has_running(&world, "shop").await;
    let path = format!("/instances/{id}/plan");
    let plan = world.plan("test").await.to_string();
    assert_eq!(dan.get(&path).await.status, StatusCode::FORBIDDEN);
    assert_eq!(dan.post(&path, &[("plan", &plan)]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(bob.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(bob.post(&path, &[("plan", &plan)]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(updates(&world).await, []);
}
