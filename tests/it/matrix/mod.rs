//! The crash matrix: every call that an operation makes of the outside world × everything that can happen to that call.
//!
//! Each cell is an environment of its own: it is brought to where the operation begins, the operation is asked for, one call
//! is met by one fault, and then a worker to which nothing happens goes on. Exactly one of everything must be left. The
//! outside world is simulated, so that a cell takes a moment; the control database and the worker's code are the real ones.
//! `bin/bench crash-matrix` runs all of it and adds the cells up.

mod bad_images;
mod replicas;
pub mod world;

use std::collections::BTreeSet;

use sayoo::base::faults::{Call, Fault, Kind};
use sqlx::PgPool;

use world::{LONG, Shop, World};

/// Of the looks with one verb so many are met by faults: those after them are like them.
const LOOKS: usize = 4;

/// What a customer or staff can want of an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Create,
    Stop,
    Start,
    Restart,
    Rename,
    Suspend,
    Resume,
    Sleep,
    Wake,
    Update,
    UpdateAtRest,
    /// To an image whose program ends at once: it is taken back.
    BadUpdate,
    StopWhileUpdating,
    Delete,
    Purge,
    Undelete,
    ScaleUp,
    ScaleDown,
    LoseReplica,
    LoseFirst,
    /// To be made of a spare, which another one then replaces.
    Claim,
    /// To leave a machine that staff empty.
    Move,
    /// To leave a machine that is lost.
    Flee,
}

impl Operation {
    /// Whether it takes more than one machine.
    fn leaves(self) -> bool {
        matches!(self, Self::Move | Self::Flee)
    }

    /// What was done before, each to its end.
    fn before(self) -> &'static [Self] {
        match self {
            Self::Create | Self::Claim => &[],
            Self::Start | Self::UpdateAtRest => &[Self::Create, Self::Stop],
            Self::Resume => &[Self::Create, Self::Suspend],
            Self::Wake => &[Self::Create, Self::Sleep],
            Self::Purge | Self::Undelete => &[Self::Create, Self::Delete],
            Self::ScaleDown | Self::LoseReplica | Self::LoseFirst => &[Self::Create, Self::ScaleUp],
            _ => &[Self::Create],
        }
    }

    /// What people are told once it is done.
    fn status(self) -> &'static str {
        match self {
            Self::Create
            | Self::Start
            | Self::Restart
            | Self::Rename
            | Self::Resume
            | Self::Wake
            | Self::Update
            | Self::BadUpdate
            | Self::Undelete
            | Self::ScaleUp
            | Self::ScaleDown
            | Self::LoseReplica
            | Self::LoseFirst
            | Self::Claim
            | Self::Move
            | Self::Flee => "running",
            Self::Stop | Self::UpdateAtRest | Self::StopWhileUpdating => "stopped",
            Self::Suspend => "suspended",
            Self::Sleep => "asleep",
            Self::Delete => "deleting",
            Self::Purge => "deleted",
        }
    }

    /// Writes down what is wanted, as the web process does.
    pub async fn ask(self, world: &World, shop: &mut Shop) {
        let id = shop.id;
        let want = |set: &str| {
            format!("UPDATE environments SET {set}, wanted_generation = wanted_generation + 1 WHERE id = '{id}';")
        };
        let update = format!(
            "INSERT INTO environment_updates (id, environment_id, image_id, cpu_millis, memory_mb, asked_by, created_at)
             VALUES (gen_random_uuid(), '{id}', '{}', 700, 700, 'Zoe', $now);",
            world.image
        );
        let sql = match self {
            Self::Create | Self::Claim => return,
            Self::Move => format!(
                "UPDATE hosts SET wanted = 'empty', state = 'cordoned'
                  WHERE id IN (SELECT host_id FROM runtimes WHERE environment_id = '{id}');
                 UPDATE turns SET due_at = $now WHERE task = 'hosts'"
            ),
            Self::Flee => {
                let host =
                    format!("SELECT node FROM hosts JOIN runtimes ON host_id = hosts.id WHERE environment_id = '{id}'");
                world.engine.set_lost(&world.texts(&host).await[0], true);
                "UPDATE turns SET due_at = $now WHERE task = 'hosts'".to_owned()
            }
            Self::Stop => want("wanted = 'stopped'"),
            Self::Start | Self::Undelete => want("wanted = 'running', purge_after = NULL"),
            Self::Restart => want("restarts = restarts + 1"),
            Self::Rename => {
                let name = format!("{}-new", shop.name);
                let before = std::mem::replace(&mut shop.name, name);
                format!("UPDATE subdomains SET name = '{}' WHERE name = '{before}';", shop.name)
                    + &want("name = 'Shop'")
            }
            Self::Suspend => format!(
                "INSERT INTO suspensions SELECT gen_random_uuid(), account_id, id, 'unpaid', '{}', $now FROM environments WHERE id = '{id}'",
                world.staff
            ),
            Self::Resume => format!(
                "UPDATE suspensions SET lifted_at = $now, lifted_by = '{}' WHERE lifted_at IS NULL",
                world.staff
            ),
            Self::Sleep => {
                world.pass(LONG);
                "UPDATE turns SET due_at = $now WHERE task = 'environments'".to_owned()
            }
            Self::Wake => format!("INSERT INTO wake_requests VALUES ('{id}', 'request', $now)"),
            Self::Update | Self::UpdateAtRest => update,
            Self::BadUpdate => {
                world.engine.set_bad_image("sha256:bad");
                let bad = update
                    .replace(&format!("'{}'", world.image), "(SELECT id FROM images WHERE digest = 'sha256:bad')");
                format!(
                    "INSERT INTO images SELECT gen_random_uuid(), 'odoo', 'sha256:bad', '19.0', 'retired', $now
                      WHERE NOT EXISTS (SELECT FROM images WHERE digest = 'sha256:bad');
                     {bad}"
                )
            }
            Self::StopWhileUpdating => update + &want("wanted = 'stopped'"),
            Self::Delete => want("wanted = 'deleted', purge_after = $now + interval '7 days'"),
            Self::Purge => want("purge_after = $now"),
            Self::ScaleUp => replicas::SEVERAL_HOSTS.to_owned() + &want("replicas = 3"),
            Self::ScaleDown => want("replicas = 1"),
            Self::LoseReplica => replicas::lose("replicas.host_id", id),
            Self::LoseFirst => replicas::lose("runtimes.host_id", id),
        };
        world.run(&sql).await;
    }
}

/// Brings an environment to where an operation begins.
pub async fn begin(world: &World, operation: Operation) -> Shop {
    let mut shop = world.order().await;
    for before in operation.before() {
        before.ask(world, &mut shop).await;
        world.converge(&shop, before.status()).await.unwrap_or_else(|wrong| panic!("{before:?} itself: {wrong}"));
    }
    shop
}

/// One cell. `None` when the call was not made this time.
async fn cell(world: &World, operation: Operation, fault: (Call, Fault)) -> Option<Result<(), String>> {
    let mut shop = begin(world, operation).await;
    operation.ask(world, &mut shop).await;
    let was_met = world.meet(fault).await;
    let done = world.converge(&shop, operation.status()).await;
    world.mend().await;
    let removed = world.remove(&shop).await;
    was_met.then(|| done.and(removed))
}

/// Returns the calls that an operation makes when nothing happens to it.
pub async fn calls(world: &World, operation: Operation) -> BTreeSet<Call> {
    let mut shop = begin(world, operation).await;
    operation.ask(world, &mut shop).await;
    let mut calls = world.watch().await;
    world.converge(&shop, operation.status()).await.unwrap_or_else(|wrong| panic!("{operation:?} itself: {wrong}"));
    world.mend().await;
    world.remove(&shop).await.unwrap();
    calls.retain(|call| call.kind == Kind::Change || call.number < LOOKS);
    calls
}

async fn matrix(db: PgPool, operation: Operation, at_least: usize) {
    let nodes: &[&str] = if operation.leaves() { &["alpha", "beta"] } else { &["simulated"] };
    let world = World::with(db, nodes, u32::from(operation == Operation::Claim)).await;
    let (mut cells, mut failures) = (0, Vec::new());
    for call in calls(&world, operation).await {
        let faults: &[Fault] = if call.kind == Kind::Change { &Fault::OF_CHANGES } else { &Fault::OF_LOOKS };
        for fault in faults {
            match cell(&world, operation, (call, *fault)).await {
                None => {}
                Some(Ok(())) => cells += 1,
                Some(Err(wrong)) => {
                    cells += 1;
                    failures.push(format!("{} {} {fault:?}: {wrong}", call.verb, call.number));
                    // What went wrong is still there: the next cells would be blamed for it.
                    break;
                }
            }
        }
        if !failures.is_empty() {
            break;
        }
    }
    println!("crash-matrix {operation:?}: {cells} cells, {} passed", cells - failures.len());
    assert!(failures.is_empty(), "{operation:?}: {failures:#?}");
    assert!(cells >= at_least, "only {cells} cells of {operation:?}: does the simulated world still write calls down?");
}

macro_rules! operations {
    ($($name:ident: $operation:ident, $at_least:literal;)*) => {
        $(#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
        async fn $name(db: PgPool) {
            matrix(db, Operation::$operation, $at_least).await;
        })*
    };
}

operations! {
    creating: Create, 84;
    stopping: Stop, 58;
    starting: Start, 67;
    restarting: Restart, 58;
    renaming: Rename, 45;
    suspending: Suspend, 58;
    resuming: Resume, 67;
    falling_asleep: Sleep, 62;
    waking: Wake, 34;
    updating: Update, 34;
    updating_at_rest: UpdateAtRest, 30;
    taking_a_bad_image_back: BadUpdate, 34;
    stopping_while_updating: StopWhileUpdating, 58;
    deleting: Delete, 62;
    purging: Purge, 35;
    undeleting: Undelete, 34;
    claiming_a_spare: Claim, 84;
    moving_off_a_machine: Move, 68;
    fleeing_from_a_lost_machine: Flee, 73;
    scaling_up: ScaleUp, 60;
    scaling_down: ScaleDown, 40;
    losing_the_host_of_a_replica: LoseReplica, 40;
    losing_the_host_of_the_first_container: LoseFirst, 40;
}
