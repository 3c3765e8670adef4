//! An environment whose engine, database server and clock are simulated, on a real control database.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sayoo::base::clock::Clock;
use sayoo::base::ids::{
    AccountId, DatabaseServerId, EnvironmentId, ImageId, PlanId, PlanVersionId, ProjectId, RuntimeId, TemplateId,
};
use sayoo::base::secret::new_code;
use sayoo::engine::{Engine, ServiceName, ServiceSpec, Simulated};
use sayoo::metering::sampling::Sampler;
use sayoo::metering::store::{Batch, Holders};
use sayoo::metering::{Meter, Observation};
use sayoo::tenant_db::{self, DatabaseName, RoleName, TenantDb};
use sqlx::PgPool;
use uuid::Uuid;

use super::invariants;

/// The beginning of an hour.
pub fn start() -> DateTime<Utc> {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

/// An environment and what runs it.
pub struct Instance {
    pub account: AccountId,
    pub environment: EnvironmentId,
    pub runtime: RuntimeId,
    pub database: DatabaseName,
    pub service: ServiceName,
}

/// Everything that sampling reaches.
pub struct World {
    pub db: PgPool,
    pub clock: Clock,
    pub engine: Simulated,
    pub tenants: tenant_db::Simulated,
    pub sampler: Sampler,
}

impl World {
    pub fn new(db: PgPool) -> Self {
        Self::at(db, start())
    }

    /// The same at another time.
    pub fn at(db: PgPool, now: DateTime<Utc>) -> Self {
        let clock = Clock::manual(now);
        let (engine, tenants) = (Simulated::new(clock.clone()), tenant_db::Simulated::default());
        let sampler = Sampler {
            db: db.clone(),
            clock: clock.clone(),
            engine: Engine::Simulated(engine.clone()),
            tenants: TenantDb::Simulated(tenants.clone()),
        };
        Self { db, clock, engine, tenants, sampler }
    }

    pub fn advance(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }

    /// Lets minutes pass with everything that is due done in each.
    pub async fn minutes(&self, minutes: i64) {
        for _ in 0..minutes {
            self.advance(60);
            self.sampler.tick().await;
        }
    }

    /// Derives every hour that samples have touched.
    pub async fn derive(&self) {
        self.advance(3600);
        self.sampler.derive_hours().await.unwrap();
    }

    /// Makes an environment of a new account, whose container was started `head_start` seconds before it was claimed.
    pub async fn instance(&self, name: &str, head_start: i64) -> Instance {
        let now = self.clock.now();
        let started = now;
        self.advance(head_start);
        let claimed = self.clock.now();
        let account = AccountId::new(now);
        let (project, environment) = (ProjectId::new(now), EnvironmentId::new(now));
        let (plan, version) = (PlanId::new(now), PlanVersionId::new(now));
        let (image, server, template) = (ImageId::new(now), DatabaseServerId::new(now), TemplateId::new(now));
        let runtime = RuntimeId::new(now);
        let code = new_code(20);
        let statements = [
            format!(
                "INSERT INTO accounts (id, name, currency, country, timezone, created_at) VALUES ('{account}', '{name}', 'EUR', 'FR', 'Europe/Paris', '{now}')"
            ),
            format!(
                "INSERT INTO projects (id, account_id, name, created_at) VALUES ('{project}', '{account}', '{name}', '{now}')"
            ),
            format!(
                "INSERT INTO plans (id, code, kind, position, names, summaries, created_at) VALUES ('{plan}', '{}', 'production', 1, '{{}}', '{{}}', '{now}')",
                new_code(10)
            ),
            format!(
                "INSERT INTO plan_versions (id, plan_id, version, state, cpu_millis, memory_mb, storage_mb, daily_backups, weekly_backups, monthly_backups, created_at) VALUES ('{version}', '{plan}', 1, 'draft', 1000, 512, 1000, 0, 0, 0, '{now}')"
            ),
            format!(
                "INSERT INTO environments (id, account_id, project_id, kind, name, plan_version_id, wanted, company, language, country, currency, timezone, apps, admin_email, admin_name, order_key, status_since, created_at) VALUES ('{environment}', '{account}', '{project}', 'production', '{name}', '{version}', 'running', 'x', 'fr_FR', 'FR', 'EUR', 'Europe/Paris', '{{}}', 'x@example.com', 'x', '{}', '{now}', '{now}')",
                Uuid::new_v4()
            ),
            format!(
                "INSERT INTO images (id, reference, digest, odoo_version, state, created_at) VALUES ('{image}', 'x', '{}', '19.0', 'retired', '{now}')",
                new_code(20)
            ),
            format!(
                "INSERT INTO database_servers (id, name, state, created_at) VALUES ('{server}', '{}', 'active', '{now}')",
                new_code(20)
            ),
            format!(
                "INSERT INTO templates (id, database_server_id, image_id, language, modules, database_name, state, used_at, created_at) VALUES ('{template}', '{server}', '{image}', 'fr_FR', '{{}}', '{}', 'ready', '{now}', '{now}')",
                new_code(20)
            ),
            format!(
                "INSERT INTO runtimes (id, code, environment_id, image_id, template_id, database_server_id, cpu_millis, memory_mb, wanted, state, created_at, claimed_at) VALUES ('{runtime}', '{code}', '{environment}', '{image}', '{template}', '{server}', 1000, 512, 'running', 'ready', '{started}', '{claimed}')"
            ),
        ];
        for statement in statements {
            sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&self.db).await.unwrap();
        }
        let service = ServiceName::of("sayoo", &code).unwrap();
        // The simulated engine takes the clock of the moment; a head start was before.
        self.advance(-head_start);
        Engine::Simulated(self.engine.clone()).apply(&spec(&service, runtime)).await.unwrap();
        self.advance(head_start);
        self.tenants.put(DatabaseName::parse(&code).unwrap(), RoleName::of(&code, 1).unwrap());
        Instance { account, environment, runtime, database: DatabaseName::parse(&code).unwrap(), service }
    }

    /// Hands numbers in, as a collector does. No earlier than they were read, however little the test's clock has moved.
    pub async fn ingest(&self, observations: &[Observation]) -> Batch {
        let read_at = observations.iter().map(|observation| observation.observed_at).max();
        self.ingest_at(read_at.unwrap_or_default().max(self.clock.now()), observations, &Holders::new()).await
    }

    /// Hands in numbers of containers of which the service is known.
    pub async fn ingest_at(&self, now: DateTime<Utc>, observations: &[Observation], holders: &Holders) -> Batch {
        let mut tx = self.db.begin().await.unwrap();
        let batch = sayoo::metering::store::ingest_held(&mut tx, now, observations, holders).await.unwrap();
        tx.commit().await.unwrap();
        batch
    }

    /// Returns why numbers were refused, in the order in which they came.
    pub async fn reasons(&self) -> Vec<String> {
        sqlx::query_scalar("SELECT reason FROM meter_refusals ORDER BY id").fetch_all(&self.db).await.unwrap()
    }

    /// Writes what a proxy process counted since it began.
    pub async fn traffic(&self, epoch: Uuid, instance: &Instance, seq: i64, requests: i64, egress_bytes: i64) {
        sqlx::query(
            "INSERT INTO traffic_samples (proxy_epoch, environment_id, seq, observed_at, requests, egress_bytes, ingress_bytes, errors)
             VALUES ($1, $2, $3, $4, $5, $6, 0, 0)",
        )
        .bind(epoch)
        .bind(instance.environment.uuid())
        .bind(seq)
        .bind(self.clock.now())
        .bind(requests)
        .bind(egress_bytes)
        .execute(&self.db)
        .await
        .unwrap();
    }

    /// Returns every derived hour as text.
    pub async fn hours(&self) -> Vec<String> {
        let statement = "SELECT format('%s %s %s %s %s %s', environment_id, meter, to_char(hour AT TIME ZONE 'UTC', 'HH24'), quantity, covered_seconds, quality)
                           FROM usage_hours ORDER BY environment_id, meter, hour";
        sqlx::query_scalar(statement).fetch_all(&self.db).await.unwrap()
    }

    /// Returns the sum of one meter over all hours.
    pub async fn used(&self, instance: &Instance, meter: Meter) -> i64 {
        self.sum(
            "SELECT coalesce(sum(quantity), 0)::bigint FROM usage_hours WHERE environment_id = $1 AND meter = $2",
            instance,
            meter,
        )
        .await
    }

    /// Returns the sum of one meter over all samples.
    pub async fn sampled(&self, instance: &Instance, meter: Meter) -> i64 {
        self.sum(
            "SELECT coalesce(sum(s.quantity), 0)::bigint FROM meter_samples s JOIN meter_epochs e ON e.id = s.epoch_id
              WHERE e.environment_id = $1 AND e.meter = $2",
            instance,
            meter,
        )
        .await
    }

    async fn sum(&self, statement: &'static str, instance: &Instance, meter: Meter) -> i64 {
        let (environment, meter) = (instance.environment.uuid(), meter.as_str());
        sqlx::query_scalar(statement).bind(environment).bind(meter).fetch_one(&self.db).await.unwrap()
    }

    /// Checks what must hold of an installation whose hours are derived.
    pub async fn check_invariants(&self) {
        invariants::check(&self.db).await;
    }
}

fn spec(name: &ServiceName, runtime: RuntimeId) -> ServiceSpec {
    ServiceSpec {
        installation: "sayoo".to_owned(),
        name: name.clone(),
        runtime,
        generation: 1,
        image: "sha256:00".to_owned(),
        user: None,
        command: None,
        args: None,
        env: BTreeMap::new(),
        secrets: BTreeMap::new(),
        node: None,
        replicas: 1,
        cpu_millis: 1000,
        memory_mb: 512,
        health: None,
        restarts: 0,
        stop_grace: Duration::from_secs(10),
    }
}
