//! The same histories on a real engine and a real server of tenants' databases: people see the same, so that the simulated
//! ones do not drift from them. What takes hours or several machines is left to the simulated ones and to tests of its own.

use std::time::{Duration, Instant};

use sayoo::base::ids::EnvironmentId;
use sayoo::portal::Portal;
use sayoo::reconcile as worker;
use sqlx::PgPool;

use super::installation::How;
use super::people::People;
use super::reference::{Answer, Event, Model, PLANS, history, number_of};
use super::{number_from, run};
use crate::reconcile::support::World;
use crate::support::engine::pause;

/// How many histories the suite lets happen, and how many events each has.
const SEQUENCES: u64 = 3;
const STEPS: usize = 16;
/// The stand-in starts and ends within seconds.
const SETTLES_WITHIN: Duration = Duration::from_secs(45);

fn happens_here(event: &Event) -> bool {
    use Event as E;
    matches!(
        event,
        E::Order
            | E::Start(_)
            | E::Stop(_)
            | E::Restart(_)
            | E::Rename(_)
            | E::Wake(_)
            | E::Delete(_)
            | E::Undo(_)
            | E::Suspend(_)
            | E::Resume(_)
            | E::RemoveByHand(_)
            | E::Settle
    )
}

/// What everybody sees: what each environment's people are told, where names lead, and how much there is of everything.
#[derive(Debug, PartialEq, Eq)]
struct Visible {
    statuses: Vec<String>,
    routes: Vec<(String, String, usize)>,
    counts: (usize, usize, usize),
}

fn expected(model: &Model) -> Visible {
    let mut seen = Visible { statuses: Vec::new(), routes: Vec::new(), counts: (0, 0, 0) };
    for (number, it) in model.environments.iter().enumerate() {
        let status = it.status().unwrap_or("unclear");
        let (there, serves) = (usize::from(it.was_ready && !it.is_gone), usize::from(status == "running"));
        seen.counts = (seen.counts.0 + serves, seen.counts.1 + there, seen.counts.2 + there);
        let state = if status == "running" { "serving" } else { status };
        if !matches!(status, "deleting" | "deleted") {
            let host = format!("shop-{number}-{}.localhost", it.renamings);
            seen.routes.push((host, state.to_owned(), serves));
        }
        seen.statuses.push(status.to_owned());
    }
    seen.routes.sort();
    seen
}

async fn seen(world: &World, shops: &[(EnvironmentId, String)]) -> Visible {
    let mut statuses = Vec::new();
    for (id, _) in shops {
        statuses.push(world.status(*id).await);
    }
    Visible { statuses, routes: world.routes().await, counts: world.counts().await }
}

async fn settles(world: &World, shops: &[(EnvironmentId, String)], model: &mut Model) -> Result<(), String> {
    model.settles();
    let (began, wanted) = (Instant::now(), expected(model));
    loop {
        worker::settle(&world.site).await.unwrap();
        let seen = seen(world, shops).await;
        if seen == wanted {
            return Ok(());
        }
        if began.elapsed() > SETTLES_WITHIN {
            return Err(format!("{seen:?} instead of {wanted:?}, {:?}", world.troubles().await));
        }
        pause().await;
    }
}

/// Lets a history happen to a real engine.
async fn really(db: PgPool, events: &[Event]) -> Result<(), String> {
    let world = World::new(db.clone()).await;
    let portal = Portal { db, clock: world.site.clock.clone(), public: world.site.public.clone() };
    let people = People::new(portal, world.account).await;
    let (mut model, mut shops) = (Model::default(), Vec::<(EnvironmentId, String)>::new());
    let mut done = Ok(());
    for (place, event) in events.iter().enumerate() {
        let before = model.clone();
        let answer = model.happens(*event);
        let number = number_of(*event);
        done = match event {
            _ if answer == Answer::Impossible => Ok(()),
            Event::Settle => settles(&world, &shops, &mut model).await,
            Event::Order => {
                let name = format!("shop-{}-0", shops.len());
                shops.push((people.order(&name).await, name));
                Ok(())
            }
            Event::RemoveByHand(_) => {
                let name = world.service(shops[number].0).await;
                world.site.engine.remove(&name, u64::MAX).await.unwrap();
                world.run("UPDATE turns SET due_at = now() WHERE task = 'environments'", |query| query).await;
                Ok(())
            }
            _ => {
                let was = &before.environments[number];
                let (id, name) = &mut shops[number];
                if matches!(event, Event::Rename(_)) {
                    *name = format!("shop-{number}-{}", was.renamings + 1);
                }
                let granted = people.ask(*event, *id, name, (was.plan + 1) % PLANS.len()).await;
                let is_right = granted == Some(answer == Answer::Done);
                if is_right { Ok(()) } else { Err(format!("was answered {granted:?} instead of {answer:?}")) }
            }
        }
        .map_err(|wrong| format!("after {} events, {event:?}: {wrong}", place + 1));
        if done.is_err() {
            break;
        }
    }
    world.end().await;
    done
}

async fn same_on_both(db: PgPool, number: u64) {
    let all = number_from("SAYOO_MODEL_REAL", SEQUENCES);
    let first = number_from("SAYOO_MODEL_FIRST", 0);
    for seed in (first..first + all).filter(|seed| seed % SEQUENCES == number) {
        let mut events: Vec<Event> = history(seed, STEPS * 4).into_iter().filter(happens_here).take(STEPS).collect();
        events.push(Event::Settle);
        run(&db, &events, How::InTurn)
            .await
            .unwrap_or_else(|wrong| panic!("simulated, seed {seed}: {wrong:?}\n  {events:?}"));
        super::installation::forget_everything(&db).await;
        really(db.clone(), &events).await.unwrap_or_else(|wrong| panic!("real, seed {seed}: {wrong}\n  {events:?}"));
        super::installation::forget_everything(&db).await;
        println!("model-real: seed {seed}, {} events", events.len());
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_real_engine_shows_what_the_simulated_one_does_in_a_first_history(db: PgPool) {
    same_on_both(db, 0).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_real_engine_shows_what_the_simulated_one_does_in_a_second_history(db: PgPool) {
    same_on_both(db, 1).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_real_engine_shows_what_the_simulated_one_does_in_a_third_history(db: PgPool) {
    same_on_both(db, 2).await;
}
