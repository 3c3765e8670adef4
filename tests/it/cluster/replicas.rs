//! An environment in two containers on two machines, each of which is lost while visitors come.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sayoo::audit::Actor;
use sayoo::base::ids::EnvironmentId;
use sayoo::base::secret::Secret;
use sayoo::hosts::{HostState, steering};
use sayoo::tenant_db::RoleName;
use sqlx::{Connection, PgPool};
use tokio_util::sync::CancellationToken;

use super::world::{Cluster, address, machine};
use crate::support::engine::pause;

/// Visitors at a time: no more requests than these can be under way when a machine is lost.
const VISITORS: usize = 6;
/// The Swarm's quarter of a minute, a start, and what a busy machine needs.
const REPLACED_WITHIN: Duration = Duration::from_secs(60);

/// What one visitor met: how many requests, which failed (when each began, and how), and how long the slowest took.
#[derive(Debug)]
struct Visit {
    asked: usize,
    failed: Vec<(Instant, String)>,
    slowest: Duration,
}

/// Asks again and again: every other visitor sends what must not be sent twice.
async fn visit(proxy: SocketAddr, posts: bool, stop: CancellationToken) -> Visit {
    let client = reqwest::Client::new();
    let mut visit = Visit { asked: 0, failed: Vec::new(), slowest: Duration::ZERO };
    while !stop.is_cancelled() {
        visit.asked += 1;
        let began = Instant::now();
        let url = format!("http://{proxy}/web/login");
        let request = if posts { client.post(url).body("body") } else { client.get(url) };
        match request.header("host", "shop.localhost").send().await {
            Ok(answer) if answer.status().as_u16() == 200 => visit.slowest = visit.slowest.max(began.elapsed()),
            Ok(answer) => visit.failed.push((began, answer.status().to_string())),
            Err(error) => visit.failed.push((began, format!("{error:?}"))),
        }
    }
    visit
}

struct Visitors {
    stop: CancellationToken,
    tasks: Vec<tokio::task::JoinHandle<Visit>>,
}

impl Visitors {
    fn come(proxy: SocketAddr) -> Self {
        let stop = CancellationToken::new();
        let tasks = (0..VISITORS).map(|number| tokio::spawn(visit(proxy, number % 2 == 0, stop.clone()))).collect();
        Self { stop, tasks }
    }

    /// Only what was under way at the cut may have failed.
    async fn go(self, cut: Instant, what: &str) {
        self.stop.cancel();
        let (mut asked, mut failed, mut slowest) = (0, Vec::new(), Duration::ZERO);
        for task in self.tasks {
            let visit = task.await.unwrap();
            asked += visit.asked;
            slowest = slowest.max(visit.slowest);
            failed.extend(visit.failed);
        }
        println!("{what}: {asked} requests, {} failed, the slowest good one took {slowest:?}", failed.len());
        let late: Vec<_> = failed.iter().filter(|(began, _)| *began > cut).collect();
        assert!(late.is_empty() && failed.len() <= VISITORS, "{what}: {failed:?}, {late:?} after the cut");
        assert!(asked > 200, "{asked} requests only");
    }
}

impl Cluster {
    /// Where the name leads: a state, and the machines' addresses in order.
    async fn upstreams(&self, id: EnvironmentId) -> String {
        let sql = "SELECT state || ' ' || (SELECT coalesce(string_agg(split_part(it, ':', 1), ' ' ORDER BY it), '') FROM unnest(upstreams) AS it)
                     FROM routes WHERE environment_id = $1";
        self.world.text(sql, id.uuid()).await
    }

    /// Waits until the name leads to these machines; it must never read that it starts.
    async fn until_on(&self, id: EnvironmentId, numbers: &[u8]) {
        let wanted = format!("serving {}", numbers.iter().map(|it| address(*it)).collect::<Vec<_>>().join(" "));
        let began = Instant::now();
        loop {
            let now = self.upstreams(id).await;
            if now == wanted {
                return;
            }
            assert!(now.starts_with("serving "), "the name leads to {now:?}");
            let troubles = self.world.troubles().await;
            assert!(began.elapsed() < REPLACED_WITHIN, "never {wanted:?}: {now:?} {troubles:?}");
            pause().await;
        }
    }

    async fn replica_role(&self, id: EnvironmentId) -> RoleName {
        let sql = "SELECT code || '_' || runtimes.login_generation || '_r' || number
                     FROM replicas JOIN runtimes ON runtimes.id = runtime_id WHERE environment_id = $1 ORDER BY number DESC LIMIT 1";
        RoleName::parse(&self.world.text(sql, id.uuid()).await).unwrap()
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn of_two_containers_the_loss_of_either_machine_costs_what_was_under_way_there(db: PgPool) {
    let cluster = Cluster::new(db).await;
    let (second, third, by) = (cluster.added(2).await, cluster.added(3).await, Actor::system());
    let first = cluster.first().await;
    for host in [first, third] {
        steering::cordon(&cluster.portal, &by, host, "for the test").await.unwrap();
    }
    let shop = cluster.world.order("shop").await;
    cluster.world.want(shop, "plan_version_id = (SELECT id FROM plan_versions WHERE max_replicas > 1 LIMIT 1)").await;
    cluster.until_serving(shop, |upstream| upstream.starts_with(&address(2))).await;
    steering::uncordon(&cluster.portal, &by, third).await.unwrap();
    cluster.world.want(shop, "replicas = 2").await;
    cluster.until_on(shop, &[2, 3]).await;
    steering::uncordon(&cluster.portal, &by, first).await.unwrap();
    let proxy = cluster.world.proxy().await;

    // The machine of the replica is lost.
    let (database, role) = (
        cluster.world.text("SELECT code FROM runtimes WHERE environment_id = $1", shop.uuid()).await,
        cluster.replica_role(shop).await,
    );
    let password = Secret::new("x".to_owned());
    let mut inside = cluster.world.tenants.connect(&database, &role, &password).await.ok();
    let visitors = Visitors::come(proxy.address);
    tokio::time::sleep(Duration::from_secs(2)).await;
    machine(&["cut", "3"]);
    let cut = Instant::now();
    cluster.until_on(shop, &[1, 2]).await;
    println!("the replica was replaced after {:?}", cut.elapsed());
    assert!(cluster.world.tenants.connect(&database, &role, &password).await.is_err(), "it is let in");
    assert!(!cluster.world.tenants.server.list().await.unwrap().roles.contains(&role));
    if let Some(session) = &mut inside {
        assert!(session.ping().await.is_err(), "its session goes on");
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    visitors.go(cut, "a replica's machine").await;
    let events = cluster.world.events(shop).await;
    assert!(events.contains(&"replica.lost".to_owned()) && !events.contains(&"relocated".to_owned()), "{events:?}");

    // The machine of the first container is lost; the other one serves until there is a new first one.
    machine(&["mend", "3"]);
    cluster.until_host(third, "in use again", |host| host.state == HostState::Active).await;
    let role = cluster.replica_role(shop).await;
    let visitors = Visitors::come(proxy.address);
    tokio::time::sleep(Duration::from_secs(2)).await;
    machine(&["cut", "2"]);
    let cut = Instant::now();
    cluster.until_on(shop, &[1, 3]).await;
    println!("the first container was replaced after {:?}", cut.elapsed());
    tokio::time::sleep(Duration::from_secs(2)).await;
    visitors.go(cut, "the first container's machine").await;
    assert!(cluster.world.tenants.server.role_exists(&role).await.unwrap(), "the replica goes on");
    assert!(cluster.world.events(shop).await.contains(&"relocated".to_owned()));

    machine(&["mend", "2"]);
    cluster.until_host(second, "in use again", |host| host.state == HostState::Active).await;
    proxy.finish().await.unwrap();
    cluster.end().await;
}
