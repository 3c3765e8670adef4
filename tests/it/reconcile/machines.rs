//! The worker and its machines, on a simulated engine: one that was removed by force, one that is lost again and again, one
//! at another address, one that is removed while it joins, and one without walls among several.

use std::net::IpAddr;
use std::sync::Arc;

use chrono::TimeDelta;
use sayoo::audit::Actor;
use sayoo::base::ids::HostId;
use sayoo::config::{Mode, Public};
use sayoo::hosts::checks::Subject;
use sayoo::hosts::placement::{Need, Tenant};
use sayoo::hosts::settings::{self, Settings};
use sayoo::hosts::steering::{self, HostError, NewMachine};
use sayoo::hosts::{self, Host, HostState, probes};
use sayoo::portal::Portal;
use sayoo::reconcile::Site;
use sayoo::reconcile::driver::Driver;
use sayoo::reconcile::hosts::Nodes;
use sayoo::reconcile::hosts::machines::Machines;
use sqlx::PgPool;

use crate::matrix::world::World;

/// An installation of machines that are really looked at.
struct Installation {
    world: World,
    site: Arc<Site>,
    portal: Portal,
}

impl Installation {
    async fn new(db: PgPool, nodes: &[&str], mode: Mode) -> Self {
        let world = World::with(db, nodes, 0).await;
        world.run("UPDATE images SET pinned = '10.0.0.1:5000/odoo@sha256:00'").await;
        let public = Arc::new(Public { mode, ..Public::clone(&world.site.public) });
        let site = Arc::new(Site { public: Arc::clone(&public), ..Site::clone(&world.site) });
        let portal = Portal { db: world.db.clone(), clock: site.clock.clone(), public };
        Self { world, site, portal }
    }

    /// What the manager says of its machines is written down.
    async fn ask(&self) {
        self.world.pass(TimeDelta::seconds(2));
        let nodes = Nodes::new(self.site.clone());
        Driver::new(nodes, self.world.db.clone(), self.site.clock.clone()).settle().await.unwrap();
    }

    /// Every machine that is due is looked at.
    async fn look(&self) {
        let machines = Machines::new(self.site.clone());
        Driver::new(machines, self.world.db.clone(), self.site.clock.clone()).settle().await.unwrap();
    }

    async fn hosts(&self) -> Vec<Host> {
        let all = hosts::overview(&mut self.world.db.acquire().await.unwrap()).await.unwrap();
        all.loads.into_iter().map(|load| load.host).collect()
    }

    async fn host(&self, name: &str) -> Host {
        self.hosts().await.into_iter().find(|host| host.name == name).unwrap()
    }

    /// The machine on which the only environment is.
    async fn home(&self) -> String {
        let sql = "SELECT hosts.name FROM runtimes JOIN hosts ON hosts.id = host_id WHERE environment_id IS NOT NULL";
        self.world.texts(sql).await.remove(0)
    }

    /// Loses a machine, and finds it again.
    async fn loses(&self, name: &str) {
        self.world.engine.set_lost(name, true);
        self.ask().await;
        assert_eq!(self.host(name).await.state, HostState::Down);
        self.world.engine.set_lost(name, false);
        self.ask().await;
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_machine_removed_by_force_is_down_with_the_reason_and_what_ran_there_runs_elsewhere(db: PgPool) {
    let all = Installation::new(db, &["one", "two", "three"], Mode::Production).await;
    let shop = all.world.order().await;
    all.world.converge(&shop, "running").await.unwrap();
    let home = all.home().await;
    all.world.engine.remove_node(&home);
    all.ask().await;
    let host = all.host(&home).await;
    let reason = host.state_reason.clone().unwrap_or_default();
    assert_eq!((host.state, host.lost_at.is_some()), (HostState::Down, true), "{reason}");
    assert!(reason.contains("docker node rm"), "{reason}");

    all.world.converge(&shop, "running").await.unwrap();
    assert_ne!(all.home().await, home);
    // It stays so, is no home for anybody, and can be removed.
    let need = Need { cpu_millis: 100, memory_mb: 256, tenant: Tenant::Other, not_on: None, image: None };
    let placement = hosts::take_room(&mut all.world.db.acquire().await.unwrap(), need).await.unwrap();
    assert_ne!(placement.host, host.id);
    assert!(placement.explanation.contains(&format!("{home} is down")), "{}", placement.explanation);
    all.ask().await;
    all.look().await;
    let host = all.host(&home).await;
    assert_eq!((host.state, host.lost_times.len()), (HostState::Down, 1));
    let there = format!("SELECT count(*)::text FROM runtimes WHERE host_id = '{}'", host.id);
    assert_eq!(all.world.texts(&there).await, ["0"]);
    steering::remove(&all.portal, &Actor::system(), host.id, None).await.unwrap();
    all.look().await;
    assert!(all.hosts().await.iter().all(|host| host.name != home));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_manager_that_knows_none_of_the_machines_is_another_one_and_loses_none(db: PgPool) {
    let all = Installation::new(db, &["one", "two"], Mode::Production).await;
    all.ask().await;
    for names in [&[][..], &["stranger"]] {
        all.world.engine.set_nodes(names);
        all.ask().await;
        let states: Vec<HostState> = all.hosts().await.iter().map(|host| host.state).collect();
        assert_eq!(states, [HostState::Active; 2], "{names:?}");
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_machine_that_is_back_is_looked_at_before_it_is_used(db: PgPool) {
    let all = Installation::new(db, &["one", "two"], Mode::Production).await;
    all.ask().await;
    all.look().await;
    assert_eq!(all.host("two").await.state, HostState::Active);
    all.loses("two").await;
    let host = all.host("two").await;
    assert_eq!(host.state, HostState::Cordoned);
    assert!(host.state_reason.unwrap_or_default().contains("looked at before"));
    // Something is not as it was before.
    let safe = include_str!("../../../src/engine/simulated/safe.json");
    all.world.engine.set_facts(safe.replace("\"user\": 10001", "\"user\": 0"));
    all.look().await;
    let host = all.host("two").await;
    assert_eq!(host.state, HostState::Cordoned);
    assert!(host.state_reason.unwrap_or_default().contains("probe root"));
    all.world.engine.set_facts(safe.to_owned());
    all.world.pass(TimeDelta::minutes(3));
    all.look().await;
    let host = all.host("two").await;
    assert_eq!((host.state, host.state_reason), (HostState::Active, None));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_machine_that_is_lost_again_and_again_is_not_used_for_a_while(db: PgPool) {
    let all = Installation::new(db, &["one", "two"], Mode::Production).await;
    all.ask().await;
    for _ in 0..2 {
        all.loses("two").await;
        all.look().await;
        assert_eq!(all.host("two").await.state, HostState::Active);
        all.world.pass(TimeDelta::minutes(5));
    }
    all.loses("two").await;
    for minutes in [0, 25] {
        all.world.pass(TimeDelta::minutes(minutes));
        all.look().await;
        let host = all.host("two").await;
        let reason = host.state_reason.unwrap_or_default();
        assert_eq!(host.state, HostState::Cordoned, "after {minutes} minutes");
        assert!(reason.starts_with("lost 3 times within an hour"), "{reason}");
    }
    all.world.pass(TimeDelta::minutes(6));
    all.look().await;
    assert_eq!(all.host("two").await.state, HostState::Active);
    assert_eq!(all.host("one").await.state, HostState::Active);
}

/// What a probe writes that reaches something at this subject.
fn reaching(subject: &str) -> String {
    let mut facts: serde_json::Value =
        serde_json::from_str(include_str!("../../../src/engine/simulated/safe.json")).unwrap();
    for reached in facts["reached"].as_array_mut().unwrap() {
        if reached[0] == subject {
            reached[2] = "open".into();
        }
    }
    facts.to_string()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn of_several_machines_one_without_walls_is_closed_within_five_minutes_and_says_why(db: PgPool) {
    let all = Installation::new(db, &["one", "two"], Mode::Production).await;
    all.ask().await;
    all.look().await;
    for subject in ["published", "swarm", "metadata"] {
        assert_eq!(all.host("one").await.state, HostState::Active, "{subject}");
        all.world.engine.set_facts(reaching(subject));
        all.world.pass(TimeDelta::minutes(4));
        all.look().await;
        let host = all.host("one").await;
        let reason = host.state_reason.unwrap_or_default();
        assert_eq!(host.state, HostState::Cordoned, "{subject}");
        assert!(reason.starts_with(&format!("probe {subject}: ")), "{reason}");
        // Mended, it is used again soon.
        all.world.engine.set_facts(reaching("nothing"));
        all.world.pass(TimeDelta::minutes(2));
        all.look().await;
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_lone_machine_without_walls_is_advised_to_have_some(db: PgPool) {
    let all = Installation::new(db, &["one"], Mode::Production).await;
    all.world.engine.set_facts(reaching("published"));
    all.ask().await;
    all.look().await;
    let host = all.host("one").await;
    let proof = host.probes.proofs.iter().find(|proof| proof.subject == probes::Subject::Published).unwrap();
    assert_eq!((host.state, proof.verdict), (HostState::Active, probes::Verdict::Weak));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn another_address_is_taken_over_once_the_same_machine_answers_there(db: PgPool) {
    let all = Installation::new(db, &["one", "two"], Mode::Production).await;
    let [first, second, free]: [IpAddr; 3] = ["127.0.0.1", "127.0.0.2", "10.0.0.9"].map(|it| it.parse().unwrap());
    all.world.engine.set_address("one", first);
    all.world.engine.set_address("two", second);
    all.world
        .run("UPDATE hosts SET docker_endpoint = 'tcp://' || upstream_address || ':2376' WHERE name = 'two'")
        .await;
    all.ask().await;
    all.look().await;
    let by = Actor::system();
    let id = all.host("two").await.id;
    let to = |address: &str| Settings { address: Some(address.to_owned()), ..Settings::default() };
    for address in ["127.0.0.1", "ten", "0.0.0.0"] {
        let refused = settings::set(&all.portal, &by, id, &to(address)).await;
        assert!(matches!(refused, Err(HostError::BadAddress)), "{address}: {refused:?}");
    }
    settings::set(&all.portal, &by, id, &to("10.0.0.9")).await.unwrap();

    // Nobody answers there; then another machine does. It is reached where it was, and goes on.
    for machine in ["", "one"] {
        if !machine.is_empty() {
            all.world.engine.set_address(machine, free);
        }
        all.world.pass(TimeDelta::minutes(1));
        all.look().await;
        let host = all.host("two").await;
        assert_eq!((host.state, host.upstream_address.as_str()), (HostState::Active, "127.0.0.2"), "{machine}");
        let check = host.findings.iter().find(|check| check.subject == Subject::Address).unwrap();
        assert!(
            !check.is_good && check.seen.contains(if machine.is_empty() { "answer" } else { "node one" }),
            "{check:?}"
        );
    }
    all.world.engine.set_address("one", first);
    all.world.engine.set_address("two", free);
    all.world.pass(TimeDelta::minutes(1));
    all.look().await;
    let host = all.host("two").await;
    assert_eq!((host.upstream_address.as_str(), host.address_wanted), ("10.0.0.9", None));
    assert_eq!((host.docker_endpoint.as_str(), host.state), ("tcp://10.0.0.9:2376", HostState::Active));
    assert!(host.findings.iter().all(|check| check.is_good), "{:?}", host.findings);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_machine_that_is_removed_while_it_joins_leaves_the_swarm_and_one_that_is_wanted_again_stays(db: PgPool) {
    let all = Installation::new(db, &["one"], Mode::Production).await;
    // It has no image: there is no registry.
    all.world.run("UPDATE images SET pinned = NULL").await;
    all.world.engine.set_address("three", "10.0.0.3".parse().unwrap());
    let by = Actor::system();
    let add = async || -> HostId {
        let machine = NewMachine {
            address: "10.0.0.3".to_owned(),
            name: "three".to_owned(),
            zone: "rack-3".to_owned(),
            pool: None,
        };
        steering::add(&all.portal, &by, &machine).await.unwrap()
    };
    all.world.engine.set_nodes(&["one", "three"]);
    let id = add().await;
    all.look().await;
    let host = all.host("three").await;
    assert_eq!((host.state, host.node.as_str()), (HostState::Joining, "three"));

    // Removed and wanted again before the worker came to it.
    steering::remove(&all.portal, &by, id, None).await.unwrap();
    steering::uncordon(&all.portal, &by, id).await.unwrap();
    all.look().await;
    assert_eq!(all.host("three").await.state, HostState::Joining);

    steering::remove(&all.portal, &by, id, None).await.unwrap();
    all.look().await;
    assert_eq!(all.world.engine.names(), ["one"], "it has left the Swarm");
    assert_eq!(all.hosts().await.len(), 1);

    // One that joined a moment ago, before anybody could note its node.
    all.world.engine.set_nodes(&["one", "three"]);
    let id = add().await;
    steering::remove(&all.portal, &by, id, None).await.unwrap();
    all.look().await;
    assert_eq!((all.world.engine.names(), all.hosts().await.len()), (vec!["one".to_owned()], 1));

    // And one that is a host already, under another address, leaves nothing.
    all.world.engine.set_address("one", "10.0.0.3".parse().unwrap());
    let id = add().await;
    all.look().await;
    assert!(all.host("three").await.state_reason.unwrap_or_default().contains("it is one already"));
    steering::remove(&all.portal, &by, id, None).await.unwrap();
    all.look().await;
    assert_eq!((all.world.engine.names(), all.hosts().await.len()), (vec!["one".to_owned()], 1));
}
