//! A whole installation for one test: the stand-in image, a small Odoo-like template, one machine, three plans.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sayoo::base::clock::Clock;
use sayoo::base::ids::{
    AccountId, DatabaseServerId, EnvironmentId, ImageId, ProjectId, StaffId, SuspensionId, TemplateId,
};
use sayoo::base::seal::SealingKey;
use sayoo::base::secret::{Secret, new_code};
use sayoo::config::{Mode, Public};
use sayoo::engine::{self, ServiceName};
use sayoo::odoo::commands::{Front, Server};
use sayoo::proxy::{Running, Settings};
use sayoo::reconcile::sessions::plan::Limits;
use sayoo::reconcile::{self, Site};
use sayoo::tenant_db::{DatabaseName, Postgres, RoleName, TenantDb};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool, Row};
use uuid::Uuid;

use crate::support::engine::TestEngine;
use crate::support::gate::Gate;
use crate::support::tenants::TestTenants;

/// The tables that personalising touches, as small as they can be.
const SMALL_ODOO: &str = include_str!("small_odoo.sql");

/// An installation.
pub struct World {
    pub site: Arc<Site>,
    pub engine: TestEngine,
    pub tenants: TestTenants,
    pub db: PgPool,
    pub account: AccountId,
    pub image: ImageId,
    pub template: TemplateId,
    pub key: [u8; 32],
}

impl World {
    /// Makes an installation without spares.
    pub async fn new(db: PgPool) -> Self {
        Self::with(db, TestEngine::new()).await
    }

    /// Makes an installation with this engine.
    pub async fn with(db: PgPool, engine: TestEngine) -> Self {
        Self::made(db.clone(), db, engine, str::to_owned).await
    }

    /// Makes an installation whose worker reaches the control database and the tenants' server through gates. The gates
    /// are open until all is made.
    pub async fn behind(db: PgPool, control: &Gate, tenants: &Gate) -> Self {
        let options = control.options(db.connect_options().as_ref().clone());
        let pool = PgPoolOptions::new().max_connections(8).acquire_timeout(Duration::from_secs(5));
        Self::made(db, pool.connect_lazy_with(options), TestEngine::new(), |url| tenants.url(url)).await
    }

    async fn made(db: PgPool, of_worker: PgPool, engine: TestEngine, way: impl FnOnce(&str) -> String) -> Self {
        let mut tenants = TestTenants::new().await;
        // One name for both, as a worker process has it: what one makes the other finds.
        let server = Postgres::new(&Secret::new(way(tenants.url())), &engine.installation).unwrap();
        tenants.server = TenantDb::Postgres(server);
        let key = rand::random();
        let site = Arc::new(Site {
            db: of_worker,
            clock: Clock::System,
            engine: engine.engine.clone(),
            tenants: tenants.server.clone(),
            key: SealingKey::new(&key),
            installation: engine.installation.clone(),
            public: Arc::new(public()),
            server: Server { host: "172.17.0.1".to_owned(), port: 5432 },
            front: Front { url: "http://localhost".to_owned(), sso_public_key: "00".repeat(32) },
            pages: "127.0.0.1:8081".to_owned(),
            session_limits: Limits {
                idle: Duration::from_mins(10),
                transaction: Duration::from_mins(60),
                temporary_bytes: 8 << 30,
            },
            spares: 0,
            docker: engine.docker.clone(),
            upstream_address: engine.upstream_address.clone(),
            registry: None,
        });
        let (image, template) = (ImageId::new(site.clock.now()), TemplateId::new(site.clock.now()));
        let world = Self { account: AccountId::new(site.clock.now()), site, engine, tenants, db, image, template, key };
        world.fill().await;
        world
    }

    async fn fill(&self) {
        let now = self.now();
        let nodes = self.site.engine.nodes().await.unwrap();
        let mut db = self.db.acquire().await.unwrap();
        for node in &nodes {
            let (docker, address) = (&self.site.docker, &self.site.upstream_address);
            sayoo::hosts::store::record(&mut db, node, docker, address, now).await.unwrap();
        }
        // A worker that is killed in the middle of a probe leaves its service for a while: that is not what is counted.
        self.run("UPDATE hosts SET probes = jsonb_build_object('tried_at', now())", |query| query).await;
        sayoo::plans::seed(&mut db, now).await.unwrap();
        self.run("INSERT INTO images VALUES ($1, 'standin', $2, '19.0', 'current', now())", |query| {
            query.bind(self.image.uuid()).bind(self.engine.image.clone())
        })
        .await;
        let server = DatabaseServerId::new(now);
        self.run("INSERT INTO database_servers VALUES ($1, 'embedded', 'active', now())", |query| {
            query.bind(server.uuid())
        })
        .await;
        let database = self.small_template().await;
        self.run(
            "INSERT INTO templates (id, database_server_id, image_id, language, modules, database_name, state, used_at, created_at)
             VALUES ($1, $2, $3, 'fr_FR', '{}', $4, 'ready', now(), now())",
            |query| query.bind(self.template.uuid()).bind(server.uuid()).bind(self.image.uuid()).bind(database.to_string()),
        )
        .await;
        // The other default templates are not wanted: the stand-in cannot build one.
        self.run(
            "INSERT INTO templates (id, database_server_id, image_id, language, modules, database_name, state, used_at, created_at)
             SELECT gen_random_uuid(), $1, $2, language, '{}', 'none_' || language, 'retired', now(), now()
               FROM unnest(ARRAY['en_US', 'ar_001']) AS language",
            |query| query.bind(server.uuid()).bind(self.image.uuid()),
        )
        .await;
        self.run("INSERT INTO accounts VALUES ($1, 'Acme', 'EUR', 'FR', 'Europe/Paris', 'active', now())", |query| {
            query.bind(self.account.uuid())
        })
        .await;
    }

    async fn small_template(&self) -> DatabaseName {
        let name = DatabaseName::parse(&new_code(20)).unwrap();
        let password = Secret::new(new_code(20));
        self.tenants.server.create_for_template(&name, &password).await.unwrap();
        let mut builder = self.tenants.connect(name.as_str(), &RoleName::builder(&name), &password).await.unwrap();
        sqlx::raw_sql(SMALL_ODOO).execute(&mut builder).await.unwrap();
        sqlx::Connection::close(builder).await.unwrap();
        self.tenants.server.seal_template(&name).await.unwrap();
        name
    }

    /// The present instant.
    pub fn now(&self) -> DateTime<Utc> {
        self.site.clock.now()
    }

    /// Runs a statement in the control database.
    pub async fn run<'q>(
        &self,
        sql: &'q str,
        bind: impl FnOnce(
            sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>,
        ) -> sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>,
    ) {
        bind(sqlx::query(AssertSqlSafe(sql.to_owned()))).execute(&self.db).await.unwrap();
    }

    /// Places an order, as the web process does.
    pub async fn order(&self, subdomain: &str) -> EnvironmentId {
        let (id, project) = (EnvironmentId::new(self.now()), ProjectId::new(self.now()));
        self.run("INSERT INTO projects VALUES ($1, $2, 'Shop', now())", |query| {
            query.bind(project.uuid()).bind(self.account.uuid())
        })
        .await;
        self.run(
            "INSERT INTO environments (id, account_id, project_id, kind, name, plan_version_id, wanted, company, language, country
                 , currency, timezone, apps, admin_email, admin_name, order_key, status_since, created_at)
             VALUES ($1, $2, $3, 'production', 'Shop', (SELECT id FROM plan_versions ORDER BY memory_mb LIMIT 1), 'running'
                 , 'Acme', 'fr_FR', 'FR', 'EUR', 'Europe/Paris', '{}', 'zoe@example.com', 'Zoe', gen_random_uuid(), now(), now())",
            |query| query.bind(id.uuid()).bind(self.account.uuid()).bind(project.uuid()),
        )
        .await;
        self.run("INSERT INTO subdomains (name, environment_id, account_id) VALUES ($1, $2, $3)", |query| {
            query.bind(subdomain.to_owned()).bind(id.uuid()).bind(self.account.uuid())
        })
        .await;
        id
    }

    /// Wants something else of an environment: `set` is the part of an UPDATE.
    pub async fn want(&self, id: EnvironmentId, set: &str) {
        let sql = format!("UPDATE environments SET {set}, wanted_generation = wanted_generation + 1 WHERE id = $1");
        self.run(&sql, |query| query.bind(id.uuid())).await;
    }

    /// Gives an environment another name.
    pub async fn call_it(&self, id: EnvironmentId, name: &str) {
        let sql = "UPDATE subdomains SET name = $2 WHERE environment_id = $1";
        self.run(sql, |query| query.bind(id.uuid()).bind(name.to_owned())).await;
    }

    /// Suspends an environment, as staff do.
    pub async fn suspend(&self, id: EnvironmentId) -> SuspensionId {
        let (staff, suspension) = (StaffId::new(self.now()), SuspensionId::new(self.now()));
        self.run(
            "INSERT INTO staff (id, email, email_key, name, password_hash, locale, totp_sealed, created_at)
             VALUES ($1, $1::text, $1::text, 'Sam', '', 'en', '', now())",
            |query| query.bind(staff.uuid()),
        )
        .await;
        self.run("INSERT INTO suspensions VALUES ($1, $2, $3, 'unpaid', $4, now())", |query| {
            query.bind(suspension.uuid()).bind(self.account.uuid()).bind(id.uuid()).bind(staff.uuid())
        })
        .await;
        suspension
    }

    /// Gives turns until the environment has this status; fails after a time that is long for the stand-in.
    pub async fn until(&self, id: EnvironmentId, status: &str) {
        for _ in 0..120 {
            reconcile::settle(&self.site).await.unwrap();
            if self.status(id).await == status {
                reconcile::settle(&self.site).await.unwrap();
                return;
            }
            crate::support::engine::pause().await;
        }
        panic!("never {status}: {} {:?}", self.status(id).await, self.troubles().await);
    }

    /// Gives turns until people are told this reason.
    pub async fn until_told(&self, id: EnvironmentId, reason: &str) {
        for _ in 0..=120 {
            reconcile::settle(&self.site).await.unwrap();
            if self.reason(id).await == reason {
                return;
            }
            crate::support::engine::pause().await;
        }
        panic!("{reason} was never said: {:?}", self.troubles().await);
    }

    /// The key of what people are told beside the status; empty when there is nothing to say.
    pub async fn reason(&self, id: EnvironmentId) -> String {
        let sql = "SELECT coalesce(status_reason ->> 'key', status_reason #>> '{}') FROM environments WHERE id = $1";
        self.text(sql, id.uuid()).await
    }

    /// What people are told.
    pub async fn status(&self, id: EnvironmentId) -> String {
        self.text("SELECT status FROM environments WHERE id = $1", id.uuid()).await
    }

    /// One text from the control database; empty when there is none.
    pub async fn text(&self, sql: &str, id: Uuid) -> String {
        let row = sqlx::query(AssertSqlSafe(sql.to_owned())).bind(id).fetch_optional(&self.db).await.unwrap();
        row.and_then(|row| row.try_get::<Option<String>, _>(0).unwrap()).unwrap_or_default()
    }

    /// The kinds of the environment's events, in order.
    pub async fn events(&self, id: EnvironmentId) -> Vec<String> {
        let rows = sqlx::query("SELECT kind FROM environment_events WHERE environment_id = $1 ORDER BY id")
            .bind(id.uuid())
            .fetch_all(&self.db)
            .await
            .unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Where names lead: name, state, number of upstreams.
    pub async fn routes(&self) -> Vec<(String, String, usize)> {
        let rows = sqlx::query("SELECT hostname, state, upstreams FROM routes ORDER BY hostname").fetch_all(&self.db);
        let of = |row: &sqlx::postgres::PgRow| (row.get(0), row.get(1), row.get::<Vec<String>, _>(2).len());
        rows.await.unwrap().iter().map(of).collect()
    }

    /// What went wrong in turns.
    pub async fn troubles(&self) -> Vec<String> {
        let rows = sqlx::query("SELECT task || ': ' || last_error FROM turns WHERE last_error IS NOT NULL");
        rows.fetch_all(&self.db).await.unwrap().iter().map(|row| row.get(0)).collect()
    }

    /// How many services, databases (without templates) and roles there are.
    pub async fn counts(&self) -> (usize, usize, usize) {
        let mut listed = self.site.engine.list().await;
        for _ in 0..20 {
            // A busy engine answers late, which says nothing of what there is.
            if !matches!(listed, Err(engine::Error::Unreachable(_))) {
                break;
            }
            crate::support::engine::pause().await;
            listed = self.site.engine.list().await;
        }
        let services = listed.unwrap().len();
        let inventory = self.tenants.server.list().await.unwrap();
        let codes = sqlx::query("SELECT code FROM runtimes").fetch_all(&self.db).await.unwrap();
        let codes: Vec<String> = codes.iter().map(|row| row.get(0)).collect();
        let databases = inventory.databases.iter().filter(|name| codes.contains(&name.to_string())).count();
        let roles =
            inventory.roles.iter().filter(|role| codes.iter().any(|code| role.as_str().starts_with(code))).count();
        (services, databases, roles)
    }

    /// The name of the environment's service.
    pub async fn service(&self, id: EnvironmentId) -> ServiceName {
        let name = "SELECT code || CASE service_slot WHEN 1 THEN '-b' ELSE '' END FROM runtimes
                     WHERE environment_id = $1 AND wanted <> 'gone'";
        ServiceName::of(&self.engine.installation, &self.text(name, id.uuid()).await).unwrap()
    }

    /// What the environment's database says of a parameter.
    pub async fn parameter(&self, id: EnvironmentId, key: &str) -> String {
        let code =
            self.text("SELECT code FROM runtimes WHERE environment_id = $1 AND wanted <> 'gone'", id.uuid()).await;
        let mut inside = self.tenants.superuser(&code).await;
        let row = sqlx::query("SELECT value FROM ir_config_parameter WHERE key = $1").bind(key.to_owned());
        row.fetch_optional(&mut inside).await.unwrap().map(|row| row.get(0)).unwrap_or_default()
    }

    /// A proxy that leads to the environments.
    pub async fn proxy(&self) -> Running {
        let folder = std::env::temp_dir().join(&self.engine.installation);
        let settings = Settings {
            listen: ([127, 0, 0, 1], 0).into(),
            threads: 1,
            web_upstream: ([127, 0, 0, 1], 1).into(),
            portal_host: "portal.test".to_owned(),
            portal_url: "http://portal.test".to_owned(),
            portal_port: None,
            instances_port: None,
            scheme: "http",
            company: "Sayoo".to_owned(),
            most_connections: 1_000,
            most_connections_of_one: 1_000,
            trusted: vec![],
            table_file: folder.join("routes.json"),
            max_body_bytes: 100_000,
            requests_per_second: 0,
            burst_seconds: 1,
            limits: sayoo::proxy::Limits::default(),
            tls: None,
        };
        Running::start(settings, self.db.clone(), Clock::System).await.unwrap()
    }

    /// Removes everything that was made outside of the control database.
    pub async fn end(self) {
        drop(self.engine);
        self.tenants.forget().await;
    }
}

/// Addresses as in development.
pub fn public() -> Public {
    Public {
        portal_url: "http://localhost:8080".to_owned(),
        instances_url: "http://{name}.localhost:8080".to_owned(),
        mode: Mode::Development,
        company: "Sayoo".to_owned(),
    }
}
