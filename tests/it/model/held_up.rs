//! Two workers, one of them held up in the middle of a turn: whatever it does later, it undoes nothing of the other.

use std::collections::{BTreeMap, BTreeSet};

use sayoo::base::faults::{Call, Fault, Kind};
use sqlx::PgPool;

use super::number_from;
use crate::matrix::world::{A_WHILE, Shop, World};
use crate::matrix::{Operation, begin, calls};

/// How many trials the suite makes.
const TRIALS: usize = 24;

/// What is wanted while the first worker is held up: nothing else, or that it was never wanted, or something newer.
fn then(operation: Operation) -> &'static [(&'static [Operation], &'static str)] {
    use Operation as O;
    match operation {
        O::Create => {
            &[(&[], "running"), (&[O::Stop], "stopped"), (&[O::Rename], "running"), (&[O::Delete, O::Purge], "deleted")]
        }
        O::Stop => &[(&[], "stopped"), (&[O::Start], "running")],
        O::Suspend => &[(&[], "suspended"), (&[O::Resume], "running")],
        O::Start | O::Resume => &[(&[], "running"), (&[O::Stop], "stopped")],
        O::Undelete => &[(&[], "running"), (&[O::Stop], "stopped"), (&[O::Delete], "deleting")],
        O::Restart | O::Rename => {
            &[(&[], "running"), (&[O::Rename], "running"), (&[O::Stop], "stopped"), (&[O::Restart], "running")]
        }
        O::Sleep => &[(&[], "asleep"), (&[O::Wake], "running"), (&[O::Stop], "stopped")],
        O::Wake => &[(&[], "running"), (&[O::Stop], "stopped"), (&[O::Sleep], "asleep")],
        O::Update | O::StopWhileUpdating => &[(&[O::Start], "running"), (&[O::Stop], "stopped")],
        O::ScaleUp => &[(&[O::ScaleDown], "running"), (&[O::LoseReplica], "running"), (&[O::Stop], "stopped")],
        O::Delete => &[(&[], "deleting"), (&[O::Undelete], "running"), (&[O::Purge], "deleted")],
        _ => &[],
    }
}

const ALL: [Operation; 13] = [
    Operation::Create,
    Operation::Stop,
    Operation::Suspend,
    Operation::Start,
    Operation::Undelete,
    Operation::Resume,
    Operation::Restart,
    Operation::Rename,
    Operation::Sleep,
    Operation::Wake,
    Operation::Update,
    Operation::StopWhileUpdating,
    Operation::Delete,
];

/// Everything that a worker could have changed: rows, services and containers, databases, logins.
async fn everything(world: &World) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for table in [
        "environments",
        "runtimes",
        "routes",
        "environment_updates",
        "turns",
        "wake_requests",
        "replicas",
        "replica_secrets",
        "replica_troubles",
    ] {
        // When something is looked at next is no change of it.
        let rows = world.texts(&format!("SELECT (to_jsonb({table}) - 'due_at')::text FROM {table} ORDER BY 1")).await;
        all.insert(table.to_owned(), rows.join("\n"));
    }
    for table in ["environment_events", "placements"] {
        all.insert(table.to_owned(), world.texts(&format!("SELECT count(*)::text FROM {table}")).await.join(""));
    }
    let mut containers = Vec::new();
    for seen in world.truth.engine.list().await.unwrap() {
        let mut of = world.truth.engine.containers(&seen.name).await.unwrap();
        of.retain(|container| container.state.is_alive());
        if !of.is_empty() {
            containers.push(format!("{} {} {}: {of:?}", seen.name, seen.generation, seen.replicas));
        }
    }
    all.insert("containers".to_owned(), containers.join("\n"));
    for name in world.truth.tenants.list().await.unwrap().databases {
        all.insert(format!("database {name}"), world.tenants.told(&name).join(";"));
    }
    for (role, login) in world.tenants.logins() {
        all.insert(format!("login {role}"), format!("{login:?}"));
    }
    all
}

/// What a worker that was held up changed and must not have. For what runs nowhere, which is known by these codes, it may have
/// made parts, or told its database something: that is what the next start does anyway, and what is gone is swept.
fn wrongs(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>, at_rest: &[String]) -> Vec<String> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let is_wrong = |name: &&String| {
        let is_its_own = name.split_once(' ').is_some_and(|(_, it)| at_rest.iter().any(|code| it.starts_with(code)));
        let is_harmless = match (before.get(*name), after.get(*name)) {
            (None, Some(_)) => is_its_own,
            // Told nothing, it would be a fresh one in its place.
            (Some(was), Some(is)) => was == is || (is_its_own && name.starts_with("database ") && !is.is_empty()),
            (_, None) => false,
        };
        !is_harmless
    };
    let line = |name: &String| format!("{name}: {:?} became {:?}", before.get(name), after.get(name));
    names.into_iter().filter(is_wrong).map(line).collect()
}

/// One trial. `None` when the call was not made this time.
async fn trial(
    world: &World,
    operation: Operation,
    (call, fault): (Call, Fault),
    (later, status): (&[Operation], &str),
) -> Option<Result<(), String>> {
    let mut shop = begin(world, operation).await;
    operation.ask(world, &mut shop).await;
    world.faults.plan(Some((call, fault)));
    let (mut first, mut is_held) = (Box::pin(world.work()), false);
    for _ in 0..3 {
        tokio::select! {
            () = &mut first => first = Box::pin(world.work()),
            () = world.faults.held() => {
                is_held = true;
                break;
            }
        }
        world.pass(A_WHILE);
    }
    let done = if is_held { beside(world, &mut shop, (later, status), first).await } else { Ok(()) };
    drop(world.faults.end());
    world.mend().await;
    let removed = world.remove(&shop).await;
    is_held.then(|| done.and(removed))
}

/// The second worker ends everything while the first one is held up; then that one goes on.
async fn beside(
    world: &World,
    shop: &mut Shop,
    (later, status): (&[Operation], &str),
    first: impl Future<Output = ()>,
) -> Result<(), String> {
    for operation in later {
        operation.ask(world, shop).await;
    }
    world.converge(shop, status).await.map_err(|wrong| format!("the second worker: {wrong}"))?;
    let at_rest = match status {
        "stopped" | "deleting" | "deleted" => {
            world.texts_of("SELECT code FROM runtimes WHERE environment_id = $1", shop.id).await
        }
        _ => Vec::new(),
    };
    let before = everything(world).await;
    world.faults.let_go();
    first.await;
    let changed = wrongs(&before, &everything(world).await, &at_rest);
    if !changed.is_empty() {
        return Err(format!("the first worker changed {changed:#?}"));
    }
    world.converge(shop, status).await.map_err(|wrong| format!("later: {wrong}"))?;
    if status == "stopped" {
        Operation::Start.ask(world, shop).await;
        world.converge(shop, "running").await.map_err(|wrong| format!("started again: {wrong}"))?;
    }
    Ok(())
}

/// Trials from all over: every so many of what there are, so that the suite's are spread.
#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_worker_that_was_held_up_undoes_nothing(db: PgPool) {
    let world = World::new(db).await;
    let wanted = number_from("SAYOO_MODEL_TRIALS", TRIALS);
    let mut all = Vec::new();
    for operation in ALL {
        for call in calls(&world, operation).await {
            let is_change = call.kind == Kind::Change;
            let faults: &[Fault] = if is_change { &[Fault::HeldBefore, Fault::HeldAfter] } else { &[Fault::HeldAfter] };
            for fault in faults {
                all.extend(then(operation).iter().map(|later| (operation, (call, *fault), *later)));
            }
        }
    }
    let (count, mut tried, mut wrong) = (all.len(), 0, Vec::new());
    let step = (count / wanted).max(1);
    for round in 0..wanted.div_ceil(count).max(1) {
        for (operation, fault, later) in all.iter().skip(round % step).step_by(step) {
            if let Some(done) = trial(&world, *operation, *fault, *later).await {
                tried += 1;
                if let Err(error) = done {
                    wrong.push(format!("{operation:?} {fault:?} then {later:?}: {error}"));
                }
            }
        }
    }
    println!("held-up: {tried} trials of {count} kinds, {} stale writes", wrong.len());
    assert!(wrong.is_empty(), "{} of {tried}: {wrong:#?}", wrong.len());
    assert!(tried * 2 >= wanted, "only {tried} trials: does the simulated world still hold anybody up?");
}

/// A container on a lost machine keeps its password: the role that it came in by must not be opened again.
#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_worker_held_up_while_it_makes_a_replica_lets_nobody_in_later(db: PgPool) {
    let world = World::new(db).await;
    let verbs = ["create_member", "admit_member", "create", "update"];
    let (mut tried, mut wrong) = (BTreeMap::new(), Vec::new());
    for call in calls(&world, Operation::ScaleUp).await {
        if !verbs.contains(&call.verb) || call.number > 0 {
            continue;
        }
        for fault in [Fault::HeldBefore, Fault::HeldAfter] {
            for later in then(Operation::ScaleUp) {
                if let Some(done) = trial(&world, Operation::ScaleUp, (call, fault), *later).await {
                    *tried.entry(call.verb).or_insert(0) += 1;
                    if let Err(error) = done {
                        wrong.push(format!("{call:?} {fault:?} then {later:?}: {error}"));
                    }
                }
            }
        }
    }
    println!("held-up: {tried:?} trials of replicas, {} stale writes", wrong.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(verbs.iter().all(|verb| tried.get(verb).is_some_and(|count| *count >= 6)), "{tried:?}");
}
