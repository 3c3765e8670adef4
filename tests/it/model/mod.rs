//! The model test: random histories of an installation, compared with what people must see of it.
//!
//! One number is one history. `SAYOO_MODEL_SEED=7 bin/test rust model::histories` lets that one happen again and says, when
//! something is wrong, with how few events it is wrong too. `bin/bench model` tries many more than the suite.

mod absence;
mod again;
mod held_up;
mod installation;
mod people;
mod real;
mod reference;

use std::fmt::Write;
use std::panic::AssertUnwindSafe;
use std::path::Path;

use futures_util::FutureExt;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use installation::{How, Installation};
use reference::{Event, Model, history};

/// How many histories the suite tries, in this many tests beside each other.
const SEQUENCES: u64 = 500;
const TESTS: u64 = 4;
/// How many events one has in the suite, where only one in so many is a long one; by command all are.
const STEPS: usize = 12;
const LONG: usize = 50;
const LONG_ONES: u64 = 9;
/// By command the worker gives its turns at once in one of so many, as in earnest; the others happen again as they did.
const AT_ONCE_ONES: u64 = 5;

fn how(seed: u64) -> How {
    let is_asked_for = std::env::var("SAYOO_MODEL_AT_ONCE").is_ok();
    if is_asked_for && seed % AT_ONCE_ONES == 1 { How::AtOnce } else { How::InTurn }
}

/// Lets a history happen. Says how many of its events had happened when something was wrong, and what.
async fn run(db: &PgPool, events: &[Event], how: How) -> Result<(), (usize, String)> {
    let mut installation = Installation::new(db.clone(), how).await;
    let mut model = Model::default();
    for (number, event) in events.iter().enumerate() {
        installation.happens(&mut model, *event).await.map_err(|wrong| (number + 1, wrong))?;
    }
    Ok(())
}

/// Leaves events out as long as it stays wrong.
async fn shortest(db: &PgPool, events: &[Event], how: How) -> Vec<Event> {
    let mut shortest = events.to_vec();
    let mut place = shortest.len();
    while place > 0 {
        place -= 1;
        let mut shorter = shortest.clone();
        shorter.remove(place);
        if let Err((length, _)) = run(db, &shorter, how).await {
            shorter.truncate(length);
            place = place.min(shorter.len());
            shortest = shorter;
        }
    }
    shortest
}

/// Lets the history of a number happen; what panics is wrong too.
async fn one(db: &PgPool, seed: u64) -> Result<(), String> {
    let usual = if seed.is_multiple_of(LONG_ONES) { LONG } else { STEPS };
    let events = history(seed, number_from("SAYOO_MODEL_STEPS", usual));
    let happened = AssertUnwindSafe(run(db, &events, how(seed))).catch_unwind().await;
    let (length, wrong) = match happened {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(wrong)) => wrong,
        Err(_panic) => (events.len(), "it panicked, as said above".to_owned()),
    };
    let events = &events[..length];
    let mut said = format!("seed {seed}, after {length} events: {wrong}\n  {events:?}");
    if std::env::var("SAYOO_MODEL_SEED").is_ok() {
        let _ = write!(said, "\n  wrong too: {:?}", shortest(db, events, how(seed)).await);
    }
    Err(said)
}

fn number_from<T: std::str::FromStr>(name: &str, usual: T) -> T {
    std::env::var(name).ok().map_or(usual, |text| text.parse().ok().expect("a number"))
}

/// The same database through few connections, which remember what was asked and are not asked each time whether they are
/// well. They go through the server's socket where that is on this machine and may be entered.
async fn quick(db: &PgPool) -> PgPool {
    let folder: String = sqlx::query_scalar("SHOW unix_socket_directories").fetch_one(db).await.unwrap();
    let mut options = PgConnectOptions::clone(&db.connect_options()).statement_cache_capacity(500);
    if Path::new(&folder).join(format!(".s.PGSQL.{}", options.get_port())).exists() {
        options = options.socket(folder);
    }
    PgPoolOptions::new().max_connections(5).test_before_acquire(false).connect_with(options).await.unwrap()
}

/// One of the tests that share the histories.
async fn some(db: PgPool, part: u64) {
    let db = quick(&db).await;
    if let Ok(seed) = std::env::var("SAYOO_MODEL_SEED") {
        if part == 0 {
            one(&db, seed.parse().unwrap()).await.unwrap_or_else(|said| panic!("{said}"));
        }
        return;
    }
    let (first, count) = (number_from("SAYOO_MODEL_FIRST", 0), number_from("SAYOO_MODEL_SEQUENCES", SEQUENCES));
    let (mut done, mut wrong) = (0, 0);
    for seed in (first..first + count).filter(|seed| seed % TESTS == part) {
        if let Err(said) = one(&db, seed).await {
            println!("{said}");
            wrong += 1;
        }
        done += 1;
        if done % 100 == 0 {
            println!("so far: {done} of part {part}");
        }
    }
    db.close().await;
    println!("model: {done} sequences");
    assert_eq!(wrong, 0, "so many are not as the model says");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn histories_of_the_first_part(db: PgPool) {
    some(db, 0).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn histories_of_the_second_part(db: PgPool) {
    some(db, 1).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn histories_of_the_third_part(db: PgPool) {
    some(db, 2).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn histories_of_the_fourth_part(db: PgPool) {
    some(db, 3).await;
}
