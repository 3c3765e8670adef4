//! The month's end of many customers: rated, drafted, numbered in one series, closed, with the file that each is computed again with.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sayoo::base::clock::Clock;
use sayoo::base::money::Money;
use sayoo::billing::sellers::{self, Details, Terms};
use sayoo::billing::{run as months, self_audit};
use sayoo::config::{Mode, Public};
use sayoo::portal::Portal;
use serde_json::json;
use sqlx::{Connection, PgPool};

use super::{as_f64, count, rounded, run, say};

/// Of 10,000 accounts.
const MOST_SECONDS: f64 = 600.0;
const LEAST_FINAL_PER_S: f64 = 200.0;
/// What the process holds at most, and how much more at the end than after the first fifth.
const MOST_MB: f64 = 200.0;
const MOST_GROWTH_MB: f64 = 40.0;
/// Lines of each invoice: the base price, two prices of processors and of requests, and the others.
const LINES: i64 = 7;
/// Documents of the floor, and how many in a transaction.
const BARE: i64 = 5_000;
const AT_ONCE: usize = 50;

pub async fn measure(db: &PgPool, accounts: i64, hours: i64) -> serde_json::Value {
    let clock = Clock::manual("2026-11-01T03:00:00Z".parse().unwrap());
    sell(db, &clock).await;
    say(&format!("writing {accounts} accounts with {hours} hours of four meters"));
    let data = include_str!("../../bench/invoices/data.sql");
    run(db, data.replace(":accounts", &accounts.to_string()).replace(":hours", &hours.to_string())).await;
    let bare = bare(db).await;

    let public = Public {
        portal_url: "http://localhost:8080".to_owned(),
        instances_url: "http://{name}.localhost:8080".to_owned(),
        mode: Mode::Development,
        company: "Sayoo".to_owned(),
    };
    let portal = Portal { db: db.clone(), clock: clock.clone(), public: Arc::new(public) };
    // The month was opened when it began.
    let opening = Portal { clock: Clock::manual("2026-10-15T00:00:00Z".parse().unwrap()), ..portal.clone() };
    assert_eq!(Box::pin(months::look(&opening)).await.unwrap().opened, u64::try_from(accounts).unwrap());
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let watched = tokio::spawn(watch(db.clone(), accounts, Arc::clone(&is_over)));
    let began = Instant::now();
    let done = Box::pin(months::look(&portal)).await.unwrap();
    let seconds = began.elapsed().as_secs_f64();
    is_over.store(true, Ordering::SeqCst);
    let watched = watched.await.unwrap();
    let peak = memory("VmHWM");
    say(&format!("{done:?} in {seconds:.1} s"));

    let now = clock.now();
    let report = self_audit::audit(&mut db.acquire().await.unwrap(), now, now).await.unwrap();
    let lines = count(db, "SELECT count(*) FROM document_lines").await;
    let finals = count(db, "SELECT count(*) FROM documents WHERE state = 'final'").await;
    let proofs = count(db, "SELECT count(*) FROM period_proofs").await;
    let is_whole = finals == accounts && lines == accounts * LINES && proofs == accounts && report.wrong() == 0;
    let per_s = watched.per_s;
    json!({
        "bench": "invoices",
        "accounts": accounts,
        "hours": hours,
        "lines": lines,
        "seconds": rounded(seconds, 1),
        "finalised_per_s": rounded(per_s, 0),
        "bare_per_s": rounded(bare, 0),
        "of_bare": rounded(per_s / bare, 3),
        "peak_mb": rounded(peak, 1),
        "growth_mb": rounded(watched.growth_mb, 1),
        "audit_looked_at": report.looked_at(),
        "audit_wrong": report.wrong(),
        "pass": is_whole && per_s >= LEAST_FINAL_PER_S && seconds <= MOST_SECONDS * as_f64(accounts.max(1_000)) / 10_000.0
            && peak <= MOST_MB && watched.growth_mb <= MOST_GROWTH_MB,
    })
}

async fn sell(db: &PgPool, clock: &Clock) {
    let mut db = db.acquire().await.unwrap();
    sellers::seed(&mut db, clock.now()).await.unwrap();
    let details: Details = serde_json::from_value(json!({
        "seller": {
            "name": "Sayoo Lyon", "legal_form": "SAS", "capital": {"amount": "100000", "currency": "EUR"},
            "address": {"lines": ["12 rue des Ateliers"], "postcode": "69003", "city": "Lyon", "country": "FR"},
            "identifiers": {"country": "FR", "siren": "732829320", "siret": "73282932000074", "rcs_city": "Lyon", "vat_number": "FR44732829320"},
            "email": "billing@example.com", "phone": null, "website": null,
            "bank": {"holder": "Sayoo Lyon", "iban": "FR1420041010050500013M02606", "rib": null, "bic": null, "bank_name": "Banque"}
        },
        "late_penalties": {"kind": "ecb_plus_ten"}, "recovery_fee": "40", "vat_on_debits": false, "remark": null
    }))
    .unwrap();
    for seller in sellers::list(&mut db).await.unwrap().into_iter().filter(|seller| seller.code == "FR") {
        let terms = Terms {
            details: details.clone(),
            payment_days: 15,
            trial_days: 0,
            four_eyes: Money::new(1_000_000, seller.currency),
        };
        sellers::change(&mut db, seller.id, &terms).await.unwrap();
    }
}

/// What was seen while it went on.
struct Watched {
    per_s: f64,
    growth_mb: f64,
}

async fn watch(db: PgPool, accounts: i64, is_over: Arc<AtomicBool>) -> Watched {
    let (mut first, mut last) = (None, None);
    let (mut early, mut late) = (0.0_f64, 0.0_f64);
    while !is_over.load(Ordering::SeqCst) {
        let row: (i64, i64) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM billing_periods WHERE rated_at IS NOT NULL)
                  , COALESCE((SELECT max(last_no) FROM document_series WHERE prefix LIKE 'FR-%'), 0)",
        )
        .fetch_one(&db)
        .await
        .unwrap();
        let (rated, numbered) = row;
        if rated * 5 <= accounts {
            early = early.max(memory("VmRSS"));
        } else {
            late = late.max(memory("VmRSS"));
        }
        if numbered > 0 && last.is_none_or(|(_, before)| numbered > before) {
            first.get_or_insert((Instant::now(), numbered));
            last = Some((Instant::now(), numbered));
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    let per_s = match (first, last) {
        (Some((begun, from)), Some((ended, until))) if until > from => {
            as_f64(until - from) / ended.duration_since(begun).as_secs_f64()
        }
        _ => 0.0,
    };
    Watched { per_s, growth_mb: late - early }
}

/// The floor: a counter that is counted up and a row with its number, for each document alone, as many in a transaction as we take.
async fn bare(db: &PgPool) -> f64 {
    run(
        db,
        "CREATE TABLE bare_series (last_no bigint NOT NULL); INSERT INTO bare_series VALUES (0);
         CREATE TABLE bare_documents (no bigint PRIMARY KEY, canonical text NOT NULL)"
            .to_owned(),
    )
    .await;
    let text = "x".repeat(4_000);
    let began = Instant::now();
    let mut db = db.acquire().await.unwrap();
    let mut left = BARE;
    while left > 0 {
        let mut tx = db.begin().await.unwrap();
        for _ in 0..AT_ONCE {
            let no: i64 = sqlx::query_scalar("UPDATE bare_series SET last_no = last_no + 1 RETURNING last_no")
                .fetch_one(&mut *tx)
                .await
                .unwrap();
            let insert = sqlx::query("INSERT INTO bare_documents VALUES ($1, $2)").bind(no).bind(&text);
            insert.execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
        left -= i64::try_from(AT_ONCE).unwrap();
    }
    as_f64(BARE) / began.elapsed().as_secs_f64()
}

/// A line of what the kernel says of this process, in MB.
fn memory(line: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let found = status.lines().find_map(|it| it.strip_prefix(line)?.strip_prefix(':')).unwrap();
    found.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}
