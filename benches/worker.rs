//! What a worker costs while nothing happens: 1,000 running instances on a simulated engine, a real control database, their
//! use counted every minute.
//!
//! Run by `bench/worker`. The address of a superuser's database is in `DATABASE_URL`; everything happens in one of its own.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

#[path = "../tests/it/support/simulated.rs"]
mod simulated;

use std::sync::Arc;
use std::time::{Duration, Instant};

use sayoo::base::clock::Clock;
use sayoo::base::ids::{AccountId, EnvironmentId, ProjectId, RuntimeId};
use sayoo::base::secret::{Secret, new_code};
use sayoo::engine::Simulated;
use sayoo::metering::sampling::{self, Sampler};
use sayoo::reconcile::runtimes::{self, provide};
use sayoo::reconcile::{self, Site};
use sayoo::tenant_db::{DatabaseName, RoleName};
use sqlx::{AssertSqlSafe, PgPool};
use tokio_util::sync::CancellationToken;

const INSTANCES: usize = 1000;
/// Long enough for everything that is done each minute.
const MEASURED_FOR: Duration = Duration::from_secs(65);
/// The share of one core that watching may cost.
const MOST: f64 = 0.05;

#[tokio::main]
async fn main() {
    // `cargo test --benches` only wants to know that it links.
    if std::env::args().any(|word| word == "--test") {
        return;
    }
    let address = std::env::var("DATABASE_URL").expect("DATABASE_URL of a scratch server; run bench/worker");
    let (base, _) = address.rsplit_once('/').unwrap();
    let name = format!("bench_{}", new_code(8));
    let server = PgPool::connect(&address).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&server).await.unwrap();
    let url = Secret::new(format!("{base}/{name}"));
    let db = sayoo::db::pool(&url, 24).unwrap();
    sayoo::db::MIGRATOR.run(&db).await.unwrap();
    let result = measure(&db).await;
    db.close().await;
    sqlx::raw_sql(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).execute(&server).await.unwrap();
    println!("{result}");
}

async fn measure(db: &PgPool) -> serde_json::Value {
    let clock = Clock::System;
    let tenants = sayoo::tenant_db::Simulated::default();
    let engine = Simulated::new(clock.clone());
    let site = simulated::site(db, clock, &engine, &tenants, "bench");
    fill(&site, &tenants).await;
    let stop = CancellationToken::new();
    let worker = tokio::spawn(reconcile::run(Arc::clone(&site), stop.clone()));
    // Counting is a part of the worker too.
    let sampler = Sampler {
        db: site.db.clone(),
        clock: site.clock.clone(),
        engine: site.engine.clone(),
        tenants: site.tenants.clone(),
    };
    let sampling = tokio::spawn(sampling::run(sampler, stop.clone()));

    let began = Instant::now();
    while count(db, "SELECT count(*) FROM turns WHERE task = 'environments' AND turned_at IS NOT NULL").await
        < i64::try_from(INSTANCES).unwrap()
    {
        assert!(began.elapsed() < Duration::from_secs(60), "the first look at all takes too long");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let resync = began.elapsed();
    // The first looks are over; what follows is idling.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (cpu, at) = (cpu_seconds(), Instant::now());
    tokio::time::sleep(MEASURED_FOR).await;
    let share = (cpu_seconds() - cpu) / at.elapsed().as_secs_f64();
    let sampled = count(db, "SELECT count(*) FROM meter_samples").await;
    let changed = count(db, "SELECT count(*) FROM environments WHERE status <> 'running'").await;
    stop.cancel();
    worker.await.unwrap();
    sampling.await.unwrap();
    serde_json::json!({
        "bench": "worker",
        "instances": INSTANCES,
        "core_share": (share * 10_000.0).round() / 10_000.0,
        "resync_s": (resync.as_secs_f64() * 100.0).round() / 100.0,
        "samples": sampled,
        "disturbed": changed,
        "pass": share <= MOST && changed == 0 && sampled >= i64::try_from(INSTANCES).unwrap(),
    })
}

/// Makes 1,000 instances as a worker would have left them.
async fn fill(site: &Site, tenants: &sayoo::tenant_db::Simulated) {
    let (db, now) = (&site.db, site.clock.now());
    let (account, project) = (AccountId::new(now), ProjectId::new(now));
    let (image, template) = simulated::fill(site, account).await;
    let sql = format!("INSERT INTO projects VALUES ('{project}', '{account}', 'Shop', now())");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(db).await.unwrap();
    for number in 0..INSTANCES {
        let (environment, runtime, code) = (EnvironmentId::new(now), RuntimeId::new(now), new_code(20));
        sqlx::raw_sql(AssertSqlSafe(format!(
            "INSERT INTO environments (id, account_id, project_id, kind, name, plan_version_id, wanted, company, language, country, currency
                 , timezone, apps, admin_email, admin_name, order_key, status, status_since, first_ready_at, created_at)
             VALUES ('{environment}', '{account}', '{project}', 'test', 'Shop'
                 , (SELECT id FROM plan_versions LIMIT 1), 'running', 'Acme', 'fr_FR', 'FR', 'EUR', 'Europe/Paris', '{{}}', 'a@example.com'
                 , 'A', gen_random_uuid(), 'running', now(), now(), now());
             INSERT INTO subdomains (name, environment_id, account_id) VALUES ('shop{number}', '{environment}', '{account}');
             INSERT INTO runtimes (id, code, environment_id, image_id, template_id, database_server_id, host_id, cpu_millis, memory_mb, wanted
                 , personalised_at, known_as, state, created_at, claimed_at)
             SELECT '{runtime}', '{code}', '{environment}', '{image}', '{template}', database_servers.id, hosts.id, 500, 512, 'running', now()
                  , 'shop{number}', 'ready', now(), now() FROM database_servers, hosts;"
        )))
        .execute(db)
        .await
        .unwrap();
        tenants.put(DatabaseName::parse(&code).unwrap(), RoleName::of(&code, 1).unwrap());
        let mut connection = db.acquire().await.unwrap();
        let row = runtimes::store::find(&mut connection, runtime).await.unwrap().unwrap();
        drop(connection);
        let spec = provide::service_spec(site, &row, None).unwrap();
        site.engine.apply(&spec).await.unwrap();
        let container = site.engine.containers(&spec.name).await.unwrap().remove(0);
        sqlx::raw_sql(AssertSqlSafe(format!(
            "INSERT INTO routes (hostname, environment_id, state, upstreams, updated_at)
             VALUES ('shop{number}.localhost', '{environment}', 'serving', ARRAY['{}'], now())",
            container.address.unwrap()
        )))
        .execute(db)
        .await
        .unwrap();
    }
}

async fn count(db: &PgPool, sql: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(db).await.unwrap()
}

/// CPU time of this process: user and system, from the kernel's own count of hundredths.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}
