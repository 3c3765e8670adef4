//! Numbers of many sources, handed in as collectors do: five hundred in a transaction, by as many workers as the machine has processors.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use sayoo::base::clock::Clock;
use sayoo::base::ids::EnvironmentId;
use sayoo::config::{Mode, Public};
use sayoo::metering::{Meter, Observation, store};
use sayoo::portal::Portal;
use sayoo::web::{self, Ending, Keys};
use serde_json::json;
use sqlx::PgPool;
use sqlx::postgres::PgPoolCopyExt;

use super::{as_f64, count, rounded, run, say};

const LEAST_PER_S: f64 = 20_000.0;
const MOST_VISIBLE_MS: f64 = 500.0;
/// Numbers in one transaction.
const AT_ONCE: usize = 500;
const WORKERS: usize = 2;
/// Samples that are looked for on a page while all others come in.
const LOOKED_FOR: i64 = 200;
const SHOP: &str = "00000000-0000-7000-9000-000000000001";

pub async fn measure(db: &PgPool, instances: i64, seconds: i64) -> serde_json::Value {
    let data = include_str!("../../bench/pages/data.sql").replace(":instances", &instances.to_string());
    // Usage of earlier months is nothing that comes in.
    run(db, data.replace("generate_series(0, 760)", "generate_series(0, 1)")).await;
    let shops: Vec<EnvironmentId> = {
        let ids: Vec<uuid::Uuid> =
            sqlx::query_scalar("SELECT id FROM environments ORDER BY id").fetch_all(db).await.unwrap();
        ids.iter().map(|id| id.to_string().parse().unwrap()).collect()
    };
    let for_long = Duration::from_secs(u64::try_from(seconds).unwrap());

    let alone = counted(db, &shops, for_long).await;
    say(&format!("{} samples committed, {:.0}/s", alone.accepted, alone.per_s));
    let floor = copied(db, alone.accepted.min(500_000)).await;
    let batches = count(db, "SELECT sum(received - accepted - duplicate - refused)::bigint + sum(refused)::bigint + sum(duplicate)::bigint FROM meter_batches").await;
    let kept = count(db, "SELECT count(*) FROM meter_samples WHERE epoch_id IN (SELECT id FROM meter_epochs WHERE source LIKE 'container:%')").await;

    // The same again, and beside it somebody who looks.
    let url = serve(db);
    let is_over = Arc::new(AtomicBool::new(false));
    let busy = tokio::spawn(count_on(db.clone(), shops, Arc::clone(&is_over)));
    let mut visible = seen(db, &url).await;
    is_over.store(true, Ordering::SeqCst);
    let meanwhile = busy.await.unwrap();
    visible.sort_unstable_by(f64::total_cmp);
    let p99 = visible[visible.len() * 99 / 100];
    json!({
        "bench": "metering",
        "sources": instances * 5,
        "samples_per_s": rounded(alone.per_s, 0),
        "copy_per_s": rounded(floor, 0),
        "of_copy": rounded(alone.per_s / floor, 3),
        "visible_p50_ms": rounded(visible[visible.len() / 2], 1),
        "visible_p99_ms": rounded(p99, 1),
        "samples_per_s_meanwhile": rounded(meanwhile, 0),
        "lost_or_refused": batches + alone.accepted - kept,
        "pass": alone.per_s >= LEAST_PER_S && p99 <= MOST_VISIBLE_MS && batches == 0 && kept == alone.accepted,
    })
}

struct Counted {
    accepted: i64,
    per_s: f64,
}

/// Lets workers hand in numbers of all sources, round after round.
async fn counted(db: &PgPool, shops: &[EnvironmentId], for_long: Duration) -> Counted {
    let (until, accepted) = (Instant::now() + for_long, Arc::new(AtomicI64::new(0)));
    let began = Instant::now();
    let workers: Vec<_> = shops
        .chunks(shops.len().div_ceil(WORKERS))
        .map(|own| {
            let (db, own, accepted) = (db.clone(), own.to_vec(), Arc::clone(&accepted));
            tokio::spawn(async move {
                let mut round = 0;
                while Instant::now() < until {
                    round += 1;
                    accepted.fetch_add(hand_in(&db, &own, round, || Instant::now() < until).await, Ordering::SeqCst);
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    let accepted = accepted.load(Ordering::SeqCst);
    Counted { accepted, per_s: as_f64(accepted) / began.elapsed().as_secs_f64() }
}

/// The same until told to stop; returns how many in a second.
async fn count_on(db: PgPool, shops: Vec<EnvironmentId>, is_over: Arc<AtomicBool>) -> f64 {
    let (began, mut accepted, mut round) = (Instant::now(), 0, 100_000);
    while !is_over.load(Ordering::SeqCst) {
        round += 1;
        accepted += hand_in(&db, &shops[1..], round, || !is_over.load(Ordering::SeqCst)).await;
    }
    as_f64(accepted) / began.elapsed().as_secs_f64()
}

/// One number of each source, some in a transaction.
async fn hand_in(db: &PgPool, shops: &[EnvironmentId], round: i64, goes_on: impl Fn() -> bool) -> i64 {
    // A second for each round, up to now: so that there is time for all of them.
    let at = Utc::now() - TimeDelta::days(2) + TimeDelta::seconds(round);
    let numbers: Vec<Observation> = shops
        .iter()
        .flat_map(|shop| Meter::ALL.map(|meter| number(*shop, meter, "container:bench", at, 1_000 * round)))
        .collect();
    let mut accepted = 0;
    for some in numbers.chunks(AT_ONCE) {
        if !goes_on() {
            break;
        }
        let mut tx = db.begin().await.unwrap();
        let batch = store::ingest(&mut tx, Utc::now(), some).await.unwrap();
        tx.commit().await.unwrap();
        accepted += i64::try_from(batch.accepted).unwrap();
    }
    accepted
}

fn number(environment: EnvironmentId, meter: Meter, source: &str, at: DateTime<Utc>, value: i64) -> Observation {
    Observation {
        environment,
        meter,
        source: source.to_owned(),
        opened_at: at,
        is_inherited: false,
        observed_at: at,
        value,
    }
}

/// The floor: the same rows by COPY into a table with the same indexes and no rules.
async fn copied(db: &PgPool, rows: i64) -> f64 {
    run(db, "CREATE TABLE bare_samples (LIKE meter_samples INCLUDING INDEXES)".to_owned()).await;
    let sql = format!(
        "COPY (SELECT epoch_id, seq, from_at, until_at, observed_at, value, quantity, quality FROM meter_samples LIMIT {rows}) TO STDOUT"
    );
    let mut text = Vec::new();
    let mut out = db.copy_out_raw(&sql).await.unwrap();
    while let Some(part) = futures_util::StreamExt::next(&mut out).await {
        text.extend_from_slice(&part.unwrap());
    }
    drop(out);
    let began = Instant::now();
    let mut copy = db.copy_in_raw("COPY bare_samples FROM STDIN").await.unwrap();
    copy.send(text).await.unwrap();
    let copied = copy.finish().await.unwrap();
    as_f64(i64::try_from(copied).unwrap()) / began.elapsed().as_secs_f64()
}

/// Starts the pages, in a runtime of their own as the process has.
fn serve(db: &PgPool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let public = Public {
        portal_url: url.clone(),
        instances_url: "http://{name}.localhost:8080".to_owned(),
        mode: Mode::Development,
        company: "Sayoo".to_owned(),
    };
    let portal = Portal { db: db.clone(), clock: Clock::System, public: Arc::new(public) };
    let keys = Keys::new([1; 32], &[2; 32]).unwrap();
    let options = db.connect_options().as_ref().clone();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let own = sqlx::postgres::PgPoolOptions::new().max_connections(8).connect_lazy_with(options);
            web::serve(Portal { db: own, ..portal }, keys, listener, Ending::default()).await.unwrap();
        });
    });
    url
}

/// Hands a number in and asks for the page that says it until it does; milliseconds from before the transaction until the page is there.
async fn seen(db: &PgPool, url: &str) -> Vec<f64> {
    let client = reqwest::Client::new();
    let page = format!("{url}/instances/{SHOP}/delete");
    let shop: EnvironmentId = SHOP.parse().unwrap();
    let mut found = Vec::new();
    for looked in 0..LOOKED_FOR {
        let terabytes = 100 + looked;
        let value = terabytes * 1_000_000_000_000;
        let began = Instant::now();
        let mut tx = db.begin().await.unwrap();
        store::ingest(&mut tx, Utc::now(), &[number(shop, Meter::Database, "database:seen", Utc::now(), value)])
            .await
            .unwrap();
        tx.commit().await.unwrap();
        loop {
            let answer =
                client.get(&page).header("cookie", "sayoo=bench").header("accept-language", "en").send().await.unwrap();
            assert!(answer.status().is_success(), "{}", answer.status());
            if answer.text().await.unwrap().contains(&format!("{terabytes} TB")) {
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(10), "{terabytes} TB are never shown");
        }
        found.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    found
}
