//! How many numbers a second are judged, stored and committed by the real `ingest`, and how soon a page shows one, beside what
//! PostgreSQL takes of the same rows without being asked to judge anything.
//!
//! Run by `bench/metering`. The address of a superuser's database is in `DATABASE_URL`; everything happens in one of its own.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]
#![expect(clippy::disallowed_methods, reason = "what is measured is asked of the database as it is, not as .sqlx says")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use sayoo::base::ids::{AccountId, EnvironmentId};
use sayoo::base::secret::{Secret, new_code};
use sayoo::metering::{Meter, Observation, store, usage};
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

/// Numbers that come in together: of 100 environments, one of each meter.
const BATCH: usize = 500;
/// Collectors that hand in at once, each with environments of its own.
const WRITERS: usize = 4;
const WARM: Duration = Duration::from_secs(2);
const MEASURED: Duration = Duration::from_secs(10);
/// Looks at a page, while the collectors go on.
const LOOKS: usize = 300;
const LEAST_PER_SECOND: f64 = 20_000.0;
const MOST_VISIBLE_MS: f64 = 500.0;

#[tokio::main]
async fn main() {
    // `cargo test --benches` only wants to know that it links.
    if std::env::args().any(|word| word == "--test") {
        return;
    }
    let address = std::env::var("DATABASE_URL").expect("DATABASE_URL of a scratch server; run bench/metering");
    let (base, _) = address.rsplit_once('/').unwrap();
    let name = format!("bench_{}", new_code(8));
    let server = PgPool::connect(&address).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&server).await.unwrap();
    let db = sayoo::db::pool(&Secret::new(format!("{base}/{name}")), 16).unwrap();
    sayoo::db::MIGRATOR.run(&db).await.unwrap();
    let result = measure(&db).await;
    db.close().await;
    sqlx::raw_sql(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).execute(&server).await.unwrap();
    println!("{result}");
}

async fn measure(db: &PgPool) -> serde_json::Value {
    sqlx::raw_sql(WORLD).execute(db).await.unwrap();
    let floor = floor(db).await;
    eprintln!("plain INSERT of the same rows, one index: {floor:.0} rows/s");
    let stop = Arc::new(AtomicBool::new(false));
    let collectors: Vec<_> =
        (0..WRITERS).map(|writer| tokio::spawn(collect(db.clone(), writer, Arc::clone(&stop)))).collect();
    tokio::time::sleep(WARM).await;
    let (before, began) = (committed(db).await, Instant::now());
    tokio::time::sleep(MEASURED).await;
    let rate = as_float(committed(db).await - before) / began.elapsed().as_secs_f64();
    eprintln!("ingest, {WRITERS} collectors, batches of {BATCH}: {rate:.0} samples/s");
    let mut visible = look(db).await;
    stop.store(true, Ordering::Relaxed);
    let mut handed_in = 0;
    for collector in collectors {
        handed_in += collector.await.unwrap();
    }
    // Nothing was lost on the way, and nothing counted twice.
    assert_eq!(committed(db).await, handed_in + i64::try_from(LOOKS).unwrap());
    visible.sort_by(f64::total_cmp);
    let (p50, p99) = (visible[LOOKS / 2], visible[LOOKS * 99 / 100]);
    eprintln!(
        "a sample is on the page after {p50:.1} ms (median), {p99:.1} ms (99 of 100), beside {WRITERS} busy collectors"
    );
    serde_json::json!({
        "samples_per_s": rate.round(),
        "visible_p99_ms": (p99 * 10.0).round() / 10.0,
        "floor_per_s": floor.round(),
        "of_floor": (rate / floor * 100.0).round() / 100.0,
        "pass": rate >= LEAST_PER_SECOND && p99 <= MOST_VISIBLE_MS,
    })
}

/// The environments of one collector, as `WORLD` numbers them. The page's is the last one of all.
fn environment(number: usize) -> EnvironmentId {
    format!("00000000-0000-7000-9000-{number:012}").parse().unwrap()
}

fn number(environment: EnvironmentId, meter: Meter, at: DateTime<Utc>, minute: i64) -> Observation {
    let (source, is_gauge) = match meter {
        Meter::Cpu | Meter::Memory => ("container:b", meter == Meter::Memory),
        Meter::Database => ("database:b", true),
        Meter::Egress | Meter::Requests => ("proxy:b", false),
    };
    Observation {
        environment,
        meter,
        source: source.to_owned(),
        // A number speaks of the minute before it, the first one too.
        opened_at: at - TimeDelta::minutes(1),
        is_inherited: false,
        observed_at: at,
        value: if is_gauge { 90_000_000 + minute } else { minute * 600_000 },
    }
}

/// Hands in a minute after the other, as fast as they are taken; returns how many numbers it was.
async fn collect(db: PgPool, writer: usize, stop: Arc<AtomicBool>) -> i64 {
    let began = Utc::now() - TimeDelta::days(30);
    let each = BATCH / Meter::ALL.len();
    let mut handed_in = 0;
    for minute in 1.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let at = began + TimeDelta::minutes(minute);
        let batch: Vec<Observation> = (0..each)
            .flat_map(|one| Meter::ALL.map(|meter| number(environment(writer * each + one + 1), meter, at, minute)))
            .collect();
        let mut tx = db.begin().await.unwrap();
        let came = store::ingest(&mut tx, Utc::now(), &batch).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!((came.received, came.accepted), (BATCH, BATCH));
        handed_in += i64::try_from(BATCH).unwrap();
    }
    handed_in
}

/// Hands one number in and reads the page's line until it is there, again and again; returns how long each took.
async fn look(db: &PgPool) -> Vec<f64> {
    let account: AccountId = "00000000-0000-7000-8000-000000000001".parse().unwrap();
    let shown = environment(WRITERS * BATCH / Meter::ALL.len() + 1);
    // Whole minutes, as the page asks for: its points are compared with what the database keeps, which is no finer than a millionth.
    let first = Utc::now().duration_trunc(TimeDelta::minutes(1)).unwrap() - TimeDelta::days(1);
    let mut took = Vec::new();
    for minute in 1..=i64::try_from(LOOKS).unwrap() {
        let at = first + TimeDelta::minutes(minute);
        let span = (at - TimeDelta::hours(1), at + TimeDelta::minutes(1));
        let began = Instant::now();
        let mut tx = db.begin().await.unwrap();
        store::ingest(&mut tx, Utc::now(), &[number(shown, Meter::Cpu, at, minute)]).await.unwrap();
        tx.commit().await.unwrap();
        loop {
            assert!(began.elapsed() < Duration::from_secs(10), "the page never shows minute {minute}");
            let mut page = db.acquire().await.unwrap();
            let line =
                usage::series(&mut page, (account, shown), Meter::Cpu, span, TimeDelta::minutes(1)).await.unwrap();
            if line.last().is_some_and(|point| point.at == at && point.value.is_some()) {
                break;
            }
        }
        took.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    took
}

/// How fast PostgreSQL takes rows like these when nothing is judged: as many writers, the same batches, one index.
async fn floor(db: &PgPool) -> f64 {
    let table = "CREATE TABLE floor (epoch_id uuid, seq bigint, from_at timestamptz, until_at timestamptz, observed_at timestamptz
                                   , value bigint, quantity numeric(38, 0), quality text, PRIMARY KEY (epoch_id, seq))";
    sqlx::raw_sql(table).execute(db).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS).map(|_| tokio::spawn(insert(db.clone(), Arc::clone(&stop)))).collect();
    let began = Instant::now();
    tokio::time::sleep(MEASURED / 2).await;
    stop.store(true, Ordering::Relaxed);
    let mut rows = 0;
    for writer in writers {
        rows += writer.await.unwrap();
    }
    let rate = as_float(rows) / began.elapsed().as_secs_f64();
    sqlx::raw_sql("DROP TABLE floor").execute(db).await.unwrap();
    rate
}

async fn insert(db: PgPool, stop: Arc<AtomicBool>) -> i64 {
    let epochs: Vec<Uuid> = (0..BATCH).map(|_| Uuid::new_v4()).collect();
    let (began, mut rows) = (Utc::now() - TimeDelta::days(30), 0);
    for seq in 1_i64.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let at = began + TimeDelta::minutes(seq);
        sqlx::query(
            "INSERT INTO floor SELECT * FROM UNNEST($1::uuid[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[]
                                                  , $6::bigint[], $7::bigint[], $8::text[])",
        )
        .bind(&epochs)
        .bind(vec![seq; BATCH])
        .bind(vec![at - TimeDelta::minutes(1); BATCH])
        .bind(vec![at; BATCH])
        .bind(vec![at; BATCH])
        .bind(vec![seq * 600_000; BATCH])
        .bind(vec![600_000_i64; BATCH])
        .bind(vec!["measured".to_owned(); BATCH])
        .execute(&db)
        .await
        .unwrap();
        rows += i64::try_from(BATCH).unwrap();
    }
    rows
}

async fn committed(db: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT coalesce(sum(last_seq), 0)::bigint FROM meter_epochs").fetch_one(db).await.unwrap()
}

fn as_float(count: i64) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// One customer with as many environments as all collectors have, and one more.
const WORLD: &str = "
INSERT INTO accounts (id, name, currency, country, timezone, created_at)
VALUES ('00000000-0000-7000-8000-000000000001', 'Bench', 'EUR', 'FR', 'Europe/Paris', now());
INSERT INTO plans (id, code, kind, position, names, summaries, created_at)
VALUES ('00000000-0000-7000-8001-000000000001', 'production', 'production', 1, '{}', '{}', now());
INSERT INTO plan_versions (id, plan_id, version, state, cpu_millis, memory_mb, storage_mb, daily_backups, weekly_backups
                         , monthly_backups, created_at)
VALUES ('00000000-0000-7000-8002-000000000001', '00000000-0000-7000-8001-000000000001', 1, 'draft', 1000, 1024, 10240, 7, 4, 3, now());
INSERT INTO projects (id, account_id, name, created_at)
VALUES ('00000000-0000-7000-8000-000000000004', '00000000-0000-7000-8000-000000000001', 'Bench', now());
INSERT INTO environments (id, account_id, project_id, kind, name, plan_version_id, wanted, company, language, country, currency
                        , timezone, apps, admin_email, admin_name, order_key, status, status_since, first_ready_at, created_at)
SELECT ('00000000-0000-7000-9000-' || lpad(n::text, 12, '0'))::uuid, '00000000-0000-7000-8000-000000000001'
     , '00000000-0000-7000-8000-000000000004', 'production', 'Shop ' || n, '00000000-0000-7000-8002-000000000001', 'running'
     , 'Shop', 'fr_FR', 'FR', 'EUR', 'Europe/Paris', '{}', 'b@example.com', 'Bench', gen_random_uuid()
     , 'running', now(), now(), now()
  FROM generate_series(1, 401) AS n;
";
