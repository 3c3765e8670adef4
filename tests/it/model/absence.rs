//! What is not seen is not gone: an engine or a server that does not answer, or says that it has nothing, loses nobody
//! anything.

use std::collections::BTreeSet;

use sayoo::base::faults::{Call, Fault, Kind};
use sqlx::PgPool;

use super::number_from;
use crate::matrix::Operation;
use crate::matrix::world::{A_WHILE, LONG, World};

/// How many untrue or missing answers there are in the suite; a thousand by command.
const ANSWERS: usize = 100;
/// Everything that a worker looks at, and how many looks of one kind one round has at least.
const LOOKS: [(&str, usize); 7] = [
    ("observe", 4),
    ("containers", 4),
    ("look", 4),
    ("role_exists", 4),
    ("list", 1),
    ("list_databases", 1),
    ("schedule", 1),
];

async fn things(world: &World) -> (BTreeSet<String>, BTreeSet<String>, BTreeSet<String>) {
    let services = world.truth.engine.list().await.unwrap();
    let inventory = world.truth.tenants.list().await.unwrap();
    (
        services.iter().map(|seen| seen.name.to_string()).collect(),
        inventory.databases.iter().map(ToString::to_string).collect(),
        inventory.roles.iter().map(ToString::to_string).collect(),
    )
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn no_answer_and_an_empty_one_delete_nothing(db: PgPool) {
    let world = World::new(db).await;
    let mut shops = Vec::new();
    // One that runs, one that sleeps, one that is stopped, one that may still be taken back.
    for (operations, status) in
        [(&[][..], "running"), (&[Operation::Stop][..], "stopped"), (&[Operation::Delete][..], "deleting")]
    {
        let mut shop = world.order().await;
        let began = world.work_until(&shop, "running").await;
        assert!(began, "it never ran");
        for operation in operations {
            operation.ask(&world, &mut shop).await;
        }
        assert!(world.work_until(&shop, status).await, "never {status}");
        shops.push((shop, status));
    }
    let before = things(&world).await;
    let (mut met, mut round) = (0, 0);
    let wanted = number_from("SAYOO_MODEL_ANSWERS", ANSWERS);
    while met < wanted {
        let (verb, most) = LOOKS[round % LOOKS.len()];
        let fault = if (round / LOOKS.len()).is_multiple_of(2) { Fault::Empty } else { Fault::Failed };
        let number = round / LOOKS.len() / 2 % most;
        world.faults.plan(Some((Call { verb, kind: Kind::Look, number }, fault)));
        world.run("UPDATE turns SET due_at = $now").await;
        world.work().await;
        world.sweep().await;
        met += usize::from(!world.faults.is_armed());
        drop(world.faults.end());
        let after = things(&world).await;
        assert_eq!(after, before, "{verb} {number} {fault:?} removed something");
        // Back-off ends, and what is suspected is looked at again.
        world.pass(if round % 50 == 49 { LONG } else { A_WHILE });
        world.work().await;
        round += 1;
        assert!(round < wanted * 4, "only {met} of {round} answers were asked for");
    }
    let all: Vec<_> = shops.iter().map(|(shop, status)| (shop, *status)).collect();
    for (shop, _) in all.iter().filter(|(_, status)| *status == "running") {
        world
            .run(&format!("INSERT INTO wake_requests VALUES ('{}', 'request', $now) ON CONFLICT DO NOTHING", shop.id))
            .await;
    }
    for _ in 0..6 {
        world.pass(A_WHILE);
        world.work().await;
    }
    world.wrong_of_all(&all).await.unwrap();
    println!("absence: {met} answers, nothing deleted");
}
