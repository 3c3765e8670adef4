//! The database, worker, web process, sampling and connections are killed while usage comes in, months are billed, papers are made
//! and invoices are paid: whenever a seed says.
//!
//! The database is a server of the test's own, which keeps what it promised to keep (fsync), and is really killed. Nothing may be
//! lost, nothing be there twice, no number be left out. After each kill the self-audit says whether the books are right; at the
//! end everything has to have happened once. `bin/bench money-kills` for many more (`SAYOO_KILLS`, `SAYOO_KILLS_SEED`).

mod town;

use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::task::JoinHandle;

use self::town::{MONTHS, PAPERS_OF, Town};
use super::recompute::Dice;
use super::world::{audit, number, texts};
use crate::support::engine::pause;
use crate::support::postgres::{Death, Server};
use crate::support::process::Process;

/// So many kills hit one town; the next ones another, so that each audit stays small.
const IN_ONE_TOWN: u64 = 50;
/// A worker that was told to die at a place may have nothing to do there.
const NOTHING_TO_DO: Duration = Duration::from_millis(1_500);

/// What is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    /// A worker, at a place where it dies by itself.
    WorkerAt(&'static str),
    /// A worker, whatever it does.
    Worker,
    /// The web process, while events are told to it and customers ask it for pages to pay on.
    Web,
    /// Whoever samples containers and databases: dropped in the middle of what it does, with its connections.
    Sampling,
    /// Connections of everybody, as if the server had ended them.
    Connections,
    /// The database.
    Database(Death),
}

/// One round of kills; the next one is the same, at other instants.
const VICTIMS: [Victim; 14] = [
    Victim::Database(Death::Killed),
    Victim::WorkerAt("billing:rated"),
    Victim::Web,
    Victim::Worker,
    Victim::Database(Death::Immediate),
    Victim::Sampling,
    Victim::WorkerAt("billing:finalised"),
    Victim::Database(Death::OneOfThem),
    Victim::Web,
    Victim::Connections,
    Victim::WorkerAt("hours:middle"),
    Victim::Database(Death::Killed),
    Victim::Worker,
    Victim::WorkerAt("traffic:middle"),
];

fn asked(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().map_or(usual, |text| text.parse().unwrap())
}

fn moment(dice: &mut Dice, most_millis: u64) -> Duration {
    Duration::from_millis(u64::try_from(dice.below(most_millis)).unwrap())
}

/// What runs beside the worker, until it is killed.
#[derive(Default)]
struct Running {
    web: Option<Process>,
    sampling: Option<JoinHandle<()>>,
}

impl Running {
    fn stop_sampling(&mut self) {
        if let Some(sampling) = self.sampling.take() {
            sampling.abort();
        }
    }
}

/// Lets everybody work, and kills the victim at a moment that the dice say. Whoever held something then holds it no more.
async fn kill(town: &Town, server: &mut Server, running: &mut Running, victim: Victim, dice: &mut Dice) -> String {
    let place = if let Victim::WorkerAt(place) = victim { Some(place) } else { None };
    if place.is_some_and(|place| !place.starts_with("billing")) {
        // It would do what the worker is to die of.
        running.stop_sampling();
    } else if running.sampling.is_none() {
        running.sampling = Some(town.sample());
    }
    let mut worker = town.start("worker", place);
    let Running { web, sampling } = &mut *running;
    let web = web.get_or_insert_with(|| town.start("web", None));
    let after = moment(dice, 900);
    let pauses = [(); 3].map(|()| moment(dice, 400));
    let killing = async {
        match victim {
            Victim::WorkerAt(_) => {
                let began = Instant::now();
                while !worker.is_over() && began.elapsed() < NOTHING_TO_DO {
                    pause().await;
                }
            }
            Victim::Worker => {
                tokio::time::sleep(after).await;
                worker.send(Signal::KILL);
            }
            Victim::Web => {
                town.until_web_listens().await;
                tokio::time::sleep(after / 3).await;
                web.send(Signal::KILL);
            }
            Victim::Sampling => {
                tokio::time::sleep(after / 2).await;
                if let Some(sampling) = sampling {
                    sampling.abort();
                }
            }
            Victim::Connections => {
                for pause in pauses {
                    tokio::time::sleep(pause).await;
                    town.end_a_connection().await;
                }
            }
            Victim::Database(death) => {
                tokio::time::sleep(after).await;
                server.dies(death).await;
                // Whoever lives goes on with what it has in its hands.
                tokio::time::sleep(pauses[0]).await;
            }
        }
    };
    tokio::select! {
        () = killing => {}
        () = town.trade() => {}
    }
    drop(worker);
    match victim {
        Victim::Web => running.web = None,
        Victim::Sampling => running.stop_sampling(),
        _ => {}
    }
    town.end_leases().await;
    format!("{victim:?} after {after:?}")
}

/// Lets one worker end what all those before began, while customers pay the rest.
async fn finish(town: &Town, running: &mut Running) {
    running.stop_sampling();
    town.sample_last().await;
    if running.web.is_none() {
        running.web = Some(town.start("web", None));
    }
    let (began, most) = (Instant::now(), Duration::from_secs(120));
    while town.left().await > 0 {
        assert!(began.elapsed() < most, "there are left: {}", town.what_is_left().await);
        town.end_leases().await;
        // Each look is the first one of a worker: nobody waits for the next.
        let worker = town.start("worker", None);
        let looked = Instant::now();
        let looking = async {
            while looked.elapsed() < Duration::from_secs(6) && town.left().await > 0 {
                pause().await;
            }
        };
        tokio::select! {
            () = looking => {}
            () = town.trade() => {}
        }
        drop(worker);
    }
}

/// What there is more or less of than there has to be.
#[derive(Debug, Default, PartialEq, Eq)]
struct Faults {
    lost: i64,
    doubled: i64,
    holes: i64,
}

/// Everything happened once.
async fn count(town: &Town, kills: u64) -> Faults {
    let db = &town.db;
    let mut faults = Faults::default();
    let customers = i64::try_from(town.shops.len()).unwrap();
    // The months that are over: as many as the calendar says, each once, and the same for everybody.
    let months = number(db, "SELECT count(DISTINCT from_at) FROM billing_periods WHERE state = 'closed'").await;
    assert!(months >= MONTHS, "{months}");
    let invoices = number(db, "SELECT count(*) FROM documents WHERE kind = 'invoice' AND state = 'final'").await;
    faults.lost += customers * months - invoices;
    let amounts = "SELECT count(DISTINCT (p.from_at, d.gross_minor)) FROM documents d JOIN billing_periods p ON p.id = d.period_id";
    faults.doubled += number(db, amounts).await - months;

    // Money: what Stripe took is in the books, and is what the invoices say.
    let charged = town.standin.charged().await;
    let mut documents: Vec<_> = charged.iter().map(|intent| intent["metadata"]["document"].to_string()).collect();
    documents.sort_unstable();
    documents.dedup();
    faults.doubled += i64::try_from(charged.len() - documents.len()).unwrap();
    faults.lost += i64::try_from(charged.len()).unwrap() - number(db, "SELECT count(*) FROM payments").await;
    let taken: i64 = charged.iter().map(|intent| intent["amount_received"].as_i64().unwrap()).sum();
    faults.lost +=
        (taken - number(db, "SELECT sum(gross_minor)::bigint FROM documents WHERE kind = 'invoice'").await).abs();
    let by_page = number(db, "SELECT count(*) FROM payment_attempts WHERE kind = 'page' AND state = 'succeeded'").await;
    assert!(by_page > 0 && by_page < invoices, "{by_page} of {invoices} were paid on pages");

    // Usage: what a proxy counted, and what containers used.
    for shop in &town.shops {
        let used = format!(
            "SELECT COALESCE(sum(quantity), 0)::bigint FROM usage_hours WHERE environment_id = '{}' AND meter = 'requests'",
            shop.environment
        );
        faults.lost += (shop.counted - number(db, &used).await).abs();
    }
    let (used, counted) = town.processor_time().await;
    assert!(used > 0, "nothing was sampled");
    faults.lost += (used - counted).max(0);
    faults.doubled += (counted - used).max(0);
    town.sampled.check_invariants().await;

    // Papers: three of each document that was to have some.
    let without = format!(
        "SELECT count(*) FROM documents d WHERE d.state = 'final' AND d.no % {PAPERS_OF} = 0
            AND (SELECT count(*) FROM document_files f WHERE f.document_id = d.id) <> 3"
    );
    faults.lost += number(db, &without).await;
    let papers = number(db, "SELECT count(*) FROM document_files WHERE kind = 'pdf'").await;
    assert!(papers > 0, "no papers were made");

    faults.holes = number(db, "SELECT (max(no) - count(*))::bigint FROM documents WHERE state = 'final'").await;
    println!(
        "money-kills: {kills} kills, {} lost, {} doubled, {} holes, {invoices} invoices, {} payments, {papers} papers",
        faults.lost,
        faults.doubled,
        faults.holes,
        charged.len()
    );
    faults
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_killed_whenever_nothing_is_lost_doubled_or_left_out() {
    let (kills, seed) = (asked("SAYOO_KILLS", 14), asked("SAYOO_KILLS_SEED", 20_261_128));
    let mut server = Server::new().await;
    for (no, first) in (0..kills).step_by(usize::try_from(IN_ONE_TOWN).unwrap()).enumerate() {
        // Each town has a seed of its own: SAYOO_KILLS=50 SAYOO_KILLS_SEED=… kills in it alone again.
        let seed = seed + u64::try_from(no).unwrap();
        let mut dice = Dice::new(seed);
        let name = format!("town{no}");
        let mut town = Town::new(server.database(&name).await).await;
        let mut running = Running::default();
        let some = IN_ONE_TOWN.min(kills - first);
        for kill_no in 0..some {
            town.busy(&mut dice).await;
            let victim = VICTIMS[usize::try_from(kill_no).unwrap() % VICTIMS.len()];
            let killed = kill(&town, &mut server, &mut running, victim, &mut dice).await;
            println!("seed {seed}, kill {kill_no}: {killed}");
            town.assert_sound(&killed).await;
        }
        finish(&town, &mut running).await;
        town.assert_sound("all").await;
        audit(&town.db).await;
        let faults = count(&town, some).await;
        let numbers = texts(&town.db, "SELECT number FROM documents ORDER BY no").await;
        assert_eq!(faults, Faults::default(), "seed {seed}: {numbers:?}");
        drop(running);
        drop(town);
        server.forget(&name).await;
    }
}
