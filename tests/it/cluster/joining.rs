//! Machines that join, and machines that may not.

use std::collections::BTreeSet;
use std::path::Path;

use sayoo::audit::Actor;
use sayoo::engine::{Certificates, Daemon, Engine, Error, Swarm};
use sayoo::hosts::certificates::Folder;
use sayoo::hosts::checks::Subject;
use sayoo::hosts::steering::{self, HostError};
use sayoo::hosts::{self, HostState};
use sqlx::PgPool;

use super::world::{Cluster, address, answers, machine};
use crate::support::engine::pause;

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_host_that_staff_add_joins_and_is_used_at_once(db: PgPool) {
    let cluster = Cluster::new(db).await;
    let second = cluster.added(2).await;
    let mut shops = Vec::new();
    for number in 0..4 {
        shops.push(cluster.world.order(&format!("shop{number}")).await);
    }
    let mut machines = BTreeSet::new();
    for shop in &shops {
        let upstream = cluster.until_serving(*shop, |_| true).await;
        assert!(answers(&upstream).await);
        machines.insert(upstream.split(':').next().unwrap().to_owned());
    }
    assert_eq!(machines, BTreeSet::from([address(1), address(2)]), "work is spread");

    // What containers use and write is known of both machines, as each one's daemon tells it.
    let readings = cluster.world.site.engine.readings().await.unwrap();
    assert_eq!(readings.iter().map(|reading| &reading.node).collect::<BTreeSet<_>>().len(), 2);
    for shop in &shops {
        let name = cluster.world.service(*shop).await;
        assert!(!cluster.world.site.engine.logs(&name, 0, 100).await.unwrap().is_empty());
    }

    // Each placement is kept with its reason.
    let placements = hosts::placements_on(&mut cluster.world.db.acquire().await.unwrap(), second).await.unwrap();
    assert!(!placements.is_empty());
    assert!(placements.iter().all(|row| row.cause == "made" && row.explanation.starts_with("host-2 keeps ")));
    assert!(placements.iter().all(|row| row.took_ms.is_some()));

    // A host with instances cannot be removed, nor the one that gives the orders.
    let by = Actor::system();
    let refused = steering::remove(&cluster.portal, &by, second, None).await;
    assert!(matches!(refused, Err(HostError::NotEmpty(_))), "{refused:?}");
    let refused = steering::remove(&cluster.portal, &by, cluster.first().await, None).await;
    assert!(matches!(refused, Err(HostError::Manager)), "{refused:?}");
    cluster.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_host_that_fails_its_checks_takes_nothing_until_it_is_mended(db: PgPool) {
    let cluster = Cluster::new(db).await;
    machine(&["open", "3"]);
    let third = cluster.add(3).await;
    let host = cluster
        .until_host(third, "refused", |host| {
            host.findings.iter().any(|check| check.subject == Subject::Isolation && !check.is_good)
        })
        .await;
    assert_eq!((host.state, host.state_reason.as_deref()), (HostState::Joining, Some("isolation: icc=true")));
    machine(&["close", "3"]);
    let host = cluster.until_host(third, "in use", |host| host.state == HostState::Active).await;
    assert_eq!((host.state_reason, host.findings.iter().all(|check| check.is_good)), (None, true));

    // One that has joined is closed, with the reason, as soon as a check fails.
    machine(&["open", "3"]);
    cluster.world.run("UPDATE turns SET due_at = now() WHERE task = 'machines'", |query| query).await;
    // While its daemon starts anew it may be closed because nobody answers: that is not what is asked here.
    let is_open = |host: &hosts::Host| host.state_reason.as_deref() == Some("isolation: icc=true");
    let host = cluster.until_host(third, "cordoned", is_open).await;
    assert_eq!(host.state, HostState::Cordoned);
    machine(&["close", "3"]);
    cluster.until_host(third, "in use again", |host| host.state == HostState::Active).await;

    // An empty host leaves the Swarm and is forgotten.
    steering::remove(&cluster.portal, &Actor::system(), third, None).await.unwrap();
    for _ in 0..300 {
        if !cluster.hosts().await.iter().any(|host| host.id == third) {
            break;
        }
        pause().await;
    }
    assert_eq!(cluster.world.site.engine.nodes().await.unwrap().len(), 1);
    assert_eq!(cluster.hosts().await.len(), 1);
    cluster.end().await;
}

#[tokio::test]
async fn a_daemon_answers_nobody_without_a_certificate_of_ours() {
    machine(&["up"]);
    let daemon = Daemon {
        node: String::new(),
        endpoint: format!("tcp://{}:2376", address(2)),
        upstream_address: address(2).parse().unwrap(),
        is_lost: false,
    };
    let root =
        std::env::var("SAYOO_CLUSTER_VAR").unwrap_or_else(|_| format!("{}/var/cluster", env!("CARGO_MANIFEST_DIR")));
    let ours = Path::new(&root).join("certificates");
    let with = |certificates: Certificates| {
        let address = address(1).parse().unwrap();
        Engine::Swarm(Swarm::with_certificates("/nowhere", "test", address, Some(certificates)).unwrap())
    };
    assert!(with(Certificates::in_folder(&ours)).daemon_of(&daemon).await.is_ok());

    // Another authority's certificate, and a machine's own, which is for serving only.
    let strange = tempfile::tempdir().unwrap();
    Folder::new(strange.path()).prepare("strange", chrono::Utc::now()).unwrap();
    let stranger = Certificates { authority: ours.join("ca.pem"), ..Certificates::in_folder(strange.path()) };
    let machine_of_three = ours.join("hosts").join(address(3));
    let neighbour = Certificates {
        authority: ours.join("ca.pem"),
        certificate: machine_of_three.join("server-cert.pem"),
        key: machine_of_three.join("server-key.pem"),
    };
    for certificates in [stranger, neighbour] {
        let refused = with(certificates).daemon_of(&daemon).await;
        assert!(matches!(refused, Err(Error::Unreachable(_))), "{refused:?}");
    }
}
