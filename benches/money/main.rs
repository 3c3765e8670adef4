//! How fast usage is counted, and how fast the month of many customers is billed: `bin/bench metering`, `bin/bench invoices`.
//!
//! The address of a superuser's database is in `DATABASE_URL`; everything happens in one of its own. Beside each figure stands what
//! the database does alone in the same run. The last line is one JSON object.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark looks behind the scenes, by the real clock and with plain queries"
)]

mod invoices;
mod metering;

use sayoo::base::secret::{Secret, new_code};
use sqlx::{AssertSqlSafe, PgPool};

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    // `cargo test --benches` only wants to know that it links.
    let Some(what) = words.first().filter(|word| !word.starts_with("--")) else { return };
    let number = |at: usize, usual: i64| words.get(at).map_or(usual, |word| word.parse().unwrap());
    let address = std::env::var("DATABASE_URL").expect("DATABASE_URL of a scratch server; run bin/bench");
    let (base, _) = address.rsplit_once('/').unwrap();
    let name = format!("bench_{}", new_code(8));
    let server = PgPool::connect(&address).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&server).await.unwrap();
    let db = sayoo::db::pool(&Secret::new(format!("{base}/{name}")), 16).unwrap();
    sayoo::db::MIGRATOR.run(&db).await.unwrap();
    let result = match what.as_str() {
        "invoices" => Box::pin(invoices::measure(&db, number(1, 10_000), number(2, 745))).await,
        "metering" => Box::pin(metering::measure(&db, number(1, 2_000), number(2, 20))).await,
        _ => panic!("invoices [ACCOUNTS [HOURS]], or metering [INSTANCES [SECONDS]]"),
    };
    db.close().await;
    sqlx::raw_sql(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).execute(&server).await.unwrap();
    println!("{result}");
}

/// Runs statements of a file.
async fn run(db: &PgPool, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(db).await.unwrap();
}

async fn count(db: &PgPool, sql: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(db).await.unwrap()
}

/// With so many decimals.
fn rounded(value: f64, decimals: i32) -> f64 {
    let factor = 10_f64.powi(decimals);
    (value * factor).round() / factor
}

fn as_f64(number: i64) -> f64 {
    f64::from(u32::try_from(number).unwrap())
}

fn say(text: &str) {
    eprintln!("{text}");
}
