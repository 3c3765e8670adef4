//! Work in a tenant's database that takes more than one tenant may is ended from outside, and its customer reads why.

use std::sync::Arc;
use std::time::Duration;

use sayoo::base::ids::EnvironmentId;
use sayoo::base::secret::{Secret, new_code};
use sayoo::reconcile::Site;
use sayoo::reconcile::driver::Driver;
use sayoo::reconcile::sessions::Sessions;
use sayoo::reconcile::sessions::plan::Limits;
use sayoo::tenant_db::RoleName;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};

use super::support::World;

/// Nothing is too much.
const PATIENT: Limits = Limits { idle: Duration::ZERO, transaction: Duration::ZERO, temporary_bytes: 0 };
/// Whatever was seen at all has gone on for too long.
const AT_ONCE: Duration = Duration::from_nanos(1);

/// An instance of which only the database is there.
struct Shop {
    id: EnvironmentId,
    code: String,
    role: RoleName,
    password: Secret<String>,
}

impl World {
    async fn shop(&self, name: &str) -> Shop {
        let (id, code, password) = (self.order(name).await, new_code(20), Secret::new(new_code(20)));
        self.run(
            "INSERT INTO runtimes (id, code, environment_id, image_id, template_id, database_server_id, cpu_millis, memory_mb
                 , wanted, state, created_at, claimed_at)
             SELECT gen_random_uuid(), $1, $2, image_id, id, database_server_id, 500, 768, 'running', 'ready', now(), now()
               FROM templates WHERE id = $3",
            |query| query.bind(code.clone()).bind(id.uuid()).bind(self.template.uuid()),
        )
        .await;
        let role = RoleName::of(&code, 1).unwrap();
        let template = self.text("SELECT database_name FROM templates WHERE id = $1", self.template.uuid()).await;
        let server = &self.tenants.server;
        server.create_role(&role, &password, 24, 1).await.unwrap();
        server.clone_template(&template.parse_name(), &code.parse_name(), &role).await.unwrap();
        Shop { id, code, role, password }
    }

    /// A session of the shop in which its tenant has switched off every limit that is its own.
    async fn session(&self, shop: &Shop) -> PgConnection {
        let mut session = self.tenants.connect(&shop.code, &shop.role, &shop.password).await.unwrap();
        say(&mut session, "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0").await;
        session
    }

    /// Looks once, as the worker does every few seconds.
    async fn look(&self, session_limits: Limits) {
        let site = Arc::new(Site { session_limits, ..Site::clone(&self.site) });
        self.run("UPDATE turns SET due_at = now() WHERE task = 'sessions'", |query| query).await;
        let driver = Driver::new(Sessions::new(Arc::clone(&site)), site.db.clone(), site.clock.clone());
        driver.settle().await.unwrap();
        assert_eq!(self.troubles().await, Vec::<String>::new());
    }

    /// Why sessions of the shop were ended, as its customer is told.
    async fn told(&self, shop: &Shop) -> Vec<String> {
        let sql = "SELECT coalesce(string_agg(detail ->> 'by', ' ' ORDER BY id), '') FROM environment_events
                    WHERE environment_id = $1 AND kind = 'database.ended'";
        self.text(sql, shop.id.uuid()).await.split_whitespace().map(str::to_owned).collect()
    }
}

trait ParseName {
    fn parse_name(&self) -> sayoo::tenant_db::DatabaseName;
}

impl ParseName for String {
    fn parse_name(&self) -> sayoo::tenant_db::DatabaseName {
        sayoo::tenant_db::DatabaseName::parse(self).unwrap()
    }
}

async fn say(session: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(session).await.unwrap();
}

async fn goes_on(session: &mut PgConnection) -> bool {
    sqlx::raw_sql("SELECT 1").execute(session).await.is_ok()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_forgotten_transaction_is_ended_though_its_tenant_switched_the_limit_off(db: PgPool) {
    let world = World::new(db).await;
    let (forgetful, other) = (world.shop("forgetful").await, world.shop("other").await);
    let mut forgotten = world.session(&forgetful).await;
    let mut plain = world.session(&forgetful).await;
    let mut of_other = world.session(&other).await;
    say(&mut forgotten, "BEGIN; SELECT txid_current()").await;
    world.look(Limits { idle: Duration::from_mins(10), ..PATIENT }).await;
    assert!(goes_on(&mut forgotten).await, "it was ended before its time");

    world.look(Limits { idle: AT_ONCE, ..PATIENT }).await;

    assert!(!goes_on(&mut forgotten).await, "a forgotten transaction goes on");
    assert!(goes_on(&mut plain).await && goes_on(&mut of_other).await, "somebody else was ended too");
    assert_eq!(world.told(&forgetful).await, ["idle"]);
    assert_eq!(world.told(&other).await, Vec::<String>::new());
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn statements_on_every_connection_end_together_and_the_customer_is_told_once(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.shop("busy").await;
    for _ in 0..2 {
        let mut sleepers = Vec::new();
        for _ in 0..20 {
            let mut session = world.session(&shop).await;
            sleepers
                .push(tokio::spawn(async move { sqlx::raw_sql("SELECT pg_sleep(600)").execute(&mut session).await }));
        }
        let mut behind = world.tenants.superuser("postgres").await;
        let busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND query LIKE '%pg_sleep(600)' AND state = 'active'";
        while sqlx::query_scalar::<_, i64>(busy).bind(&shop.code).fetch_one(&mut behind).await.unwrap() < 20 {
            crate::support::engine::pause().await;
        }
        world.look(Limits { transaction: AT_ONCE, ..PATIENT }).await;
        for sleeper in sleepers {
            assert!(sleeper.await.unwrap().is_err(), "a statement went on");
        }
    }
    assert_eq!(world.told(&shop).await, ["long"], "once in an hour is enough");
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_sort_that_fills_the_disk_is_ended_and_a_small_one_is_not(db: PgPool) {
    let world = World::new(db).await;
    let (large, small) = (world.shop("large").await, world.shop("small").await);
    let (mut of_large, mut of_small) = (world.session(&large).await, world.session(&small).await);
    for (session, rows) in [(&mut of_large, 300_000), (&mut of_small, 10)] {
        // What is sorted stays in files as long as the cursor is open.
        say(session, &format!("BEGIN; DECLARE it CURSOR FOR SELECT i, repeat('x', 100) FROM generate_series(1, {rows}) i ORDER BY i DESC")).await;
        say(session, "FETCH 1 FROM it").await;
    }

    world.look(Limits { temporary_bytes: 10 << 20, ..PATIENT }).await;

    assert!(!goes_on(&mut of_large).await, "a large sort goes on");
    assert!(goes_on(&mut of_small).await);
    assert_eq!(world.told(&large).await, ["temporary"]);
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn whoever_takes_the_locks_of_all_is_ended_and_an_upgrade_beside_it_is_not(db: PgPool) {
    let world = World::new(db).await;
    let (greedy, busy) = (world.shop("greedy").await, world.shop("busy").await);
    let (mut of_greedy, mut of_busy) = (world.session(&greedy).await, world.session(&busy).await);
    say(&mut of_busy, "BEGIN; SELECT pg_advisory_xact_lock(n) FROM generate_series(1, 500) n").await;
    // They stay after the statement, and need no transaction.
    let room = "current_setting('max_locks_per_transaction')::int * current_setting('max_connections')::int";
    say(&mut of_greedy, &format!("SELECT count(pg_advisory_lock(n)) FROM generate_series(1, {room} * 6 / 10) n")).await;

    world.look(PATIENT).await;

    assert!(!goes_on(&mut of_greedy).await, "it keeps the locks of all");
    assert!(goes_on(&mut of_busy).await);
    assert_eq!(world.told(&greedy).await, ["locks"]);
    world.end().await;
}
