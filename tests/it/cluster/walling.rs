//! What a container reaches on a machine with the rules of `sayoo host firewall`, and who reaches it.

use sayoo::hosts::firewall::{self, Ways};
use sayoo::hosts::probes::{Subject, Verdict};
use sayoo::hosts::{Host, HostState};
use sqlx::PgPool;

use super::world::{Cluster, address, answers, machine};
use crate::hosts::probing::python_image;

fn verdict(host: &Host, subject: Subject) -> Option<Verdict> {
    host.probes.proofs.iter().find(|proof| proof.subject == subject).map(|proof| proof.verdict)
}

impl Cluster {
    /// Lets the worker probe all machines anew.
    async fn probe_anew(&self) {
        self.world.run("UPDATE hosts SET probes = '{}'", |query| query).await;
        self.world.run("UPDATE turns SET due_at = now(), attempts = 0 WHERE task = 'machines'", |query| query).await;
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn behind_the_rules_a_container_reaches_its_database_and_only_proxies_reach_it(db: PgPool) {
    let cluster = Cluster::new(db).await;
    let (second, third) = (cluster.added(2).await, cluster.added(3).await);
    let mut shops = Vec::new();
    for number in 0..6 {
        let shop = cluster.world.order(&format!("shop{number}")).await;
        shops.push(cluster.until_serving(shop, |_| true).await);
    }
    let on_second = shops.iter().find(|upstream| upstream.starts_with(&address(2))).expect("work is spread").clone();
    let port = on_second.rsplit(':').next().unwrap();
    assert_eq!(machine(&["reach", "3", &address(2), port]).trim(), "open", "without rules everybody reaches instances");

    // From now on new containers, and so the probes, have a Python. What runs stays as it is.
    let image = python_image("10001");
    machine(&["load", "sayoo-python:10001"]);
    let pinned = cluster.world.site.engine.publish(&image, "10.77.0.1:5000/python", "test").await.unwrap();
    let sql = "UPDATE images SET pinned = $1";
    cluster.world.run(sql, |query| query.bind(pinned)).await;

    let file = tempfile::NamedTempFile::new().unwrap();
    let ways = Ways {
        tenants: &cluster.world.site.server.host,
        tenants_port: cluster.world.site.server.port,
        proxies: vec!["10.77.0.1".parse().unwrap()],
        ports: [22, 80, 443].into(),
    };
    std::fs::write(file.path(), firewall::script(&ways)).unwrap();
    for host in ["1", "2", "3"] {
        machine(&["wall", host, file.path().to_str().unwrap()]);
        // Again, and nothing changes.
        machine(&["wall", host, file.path().to_str().unwrap()]);
    }
    cluster.probe_anew().await;
    for id in [second, third] {
        let host = cluster.until_host(id, "probed", |host| host.probes.made_at.is_some()).await;
        for subject in [
            Subject::Swarm,
            Subject::Published,
            Subject::Docker,
            Subject::Control,
            Subject::Neighbours,
            Subject::Tenants,
            Subject::Mounts,
            Subject::Bombs,
        ] {
            // Without a control database on an address of its own there is nothing to try.
            let is_good = matches!(verdict(&host, subject), Some(Verdict::Good))
                || (subject == Subject::Control && verdict(&host, subject) == Some(Verdict::Untried));
            assert!(is_good, "{subject:?}: {:#?}", host.probes);
        }
        assert_ne!(verdict(&host, Subject::Database), Some(Verdict::Untried), "{:#?}", host.probes);
        assert_eq!(host.state, HostState::Active, "{host:#?}");
    }
    // From elsewhere nobody reaches an instance past the proxy, which does.
    assert_eq!(machine(&["reach", "3", &address(2), port]).trim(), "closed");
    for upstream in &shops {
        assert!(answers(upstream).await, "{upstream} is not reached any more");
    }
    cluster.end().await;
}

#[test]
fn the_world_reaches_only_what_is_for_it_by_either_protocol() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let ways = Ways { tenants: "10.99.0.1", tenants_port: 5441, proxies: Vec::new(), ports: [22, 80, 443].into() };
    std::fs::write(file.path(), firewall::script(&ways)).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/outside");
    let done = std::process::Command::new(script).arg(file.path()).output().unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));

    let everything = "22 80 443 2375 2376 2377 5441 7946 8081 32768 65535";
    // By IPv4 and by IPv6.
    let twice = |line: String| [line.clone(), line];
    let expected: Vec<String> = [
        twice(format!("before world {everything}")),
        twice(format!("before private {everything}")),
        twice("behind world 22 80 443".to_owned()),
        twice(format!("behind private {everything}")),
        twice(format!("after world {everything}")),
        twice(format!("after private {everything}")),
    ]
    .concat();
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
}
