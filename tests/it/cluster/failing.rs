//! Managers and daemons that hang, die or answer nobody, and machines that come and go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sayoo::audit::Actor;
use sayoo::base::ids::EnvironmentId;
use sayoo::hosts::steering::{self, Consent, HostError};
use sayoo::hosts::{self, Host, HostState};
use sayoo::reconcile::runtimes::{self, provide};
use sqlx::PgPool;

use super::world::{Cluster, address, answers, machine};
use crate::support::engine::pause;

/// Somebody who asks one container again and again, on a thread of its own: the test's own one stands still while it
/// commands machines, and a request that was answered meanwhile would count as late.
struct Visitor {
    stop: Arc<AtomicBool>,
    asked: Arc<AtomicU32>,
    failed: Arc<AtomicU32>,
    thread: std::thread::JoinHandle<()>,
}

impl Visitor {
    fn of(upstream: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (asked, failed) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let (upstream, counts) = (upstream.to_owned(), (Arc::clone(&stop), Arc::clone(&asked), Arc::clone(&failed)));
        let thread = std::thread::spawn(move || {
            let (stop, asked, failed) = counts;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                while !stop.load(Ordering::Relaxed) {
                    asked.fetch_add(1, Ordering::Relaxed);
                    if !answers(&upstream).await {
                        failed.fetch_add(1, Ordering::Relaxed);
                    }
                    pause().await;
                }
            });
        });
        Self { stop, asked, failed, thread }
    }

    /// Returns how often it asked and how often it was not answered well.
    fn end(self) -> (u32, u32) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
        (self.asked.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed))
    }
}

impl Cluster {
    /// A shop on the second host; the first one, the manager's, is closed.
    async fn shop_on_second(&self) -> (EnvironmentId, String) {
        self.added(2).await;
        steering::cordon(&self.portal, &Actor::system(), self.first().await, "for the test").await.unwrap();
        let shop = self.world.order("shop").await;
        let upstream = self.until_serving(shop, |upstream| upstream.starts_with(&address(2))).await;
        (shop, upstream)
    }

    async fn is_silent(&self) -> bool {
        hosts::silent_since(&mut self.world.db.acquire().await.unwrap()).await.unwrap().is_some()
    }

    async fn until_silence(&self, is_wanted: bool) {
        for _ in 0..900 {
            if self.is_silent().await == is_wanted {
                return;
            }
            pause().await;
        }
        panic!("the manager's silence is never {is_wanted}: {:?}", self.world.troubles().await);
    }

    async fn relocations(&self, id: EnvironmentId) -> usize {
        self.world.events(id).await.iter().filter(|kind| *kind == "relocated").count()
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn while_the_manager_is_lost_what_runs_serves_and_orders_wait_until_it_is_back(db: PgPool) {
    let cluster = Cluster::new(db).await;
    let (shop, upstream) = cluster.shop_on_second().await;
    let visitor = Visitor::of(&upstream);

    machine(&["kill", "1"]);
    let late = cluster.world.order("late").await;
    // Staff and customers are told that changes are queued.
    cluster.until_silence(true).await;
    assert_eq!(cluster.upstream(shop).await, upstream);
    assert_eq!(cluster.upstream(late).await, "");

    machine(&["start", "1"]);
    cluster.until_serving(late, |upstream| upstream.starts_with(&address(2))).await;
    cluster.until_silence(false).await;
    let (asked, failed) = visitor.end();
    assert!(asked > 0 && failed == 0, "{failed} of {asked} failed");
    assert_eq!(cluster.upstream(shop).await, upstream, "it was moved for nothing");
    assert_eq!(cluster.relocations(shop).await, 0);
    cluster.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_daemon_that_answers_nobody_keeps_nobody_waiting_and_takes_nothing_new(db: PgPool) {
    let cluster = Cluster::new(db).await;
    let (shop, upstream) = cluster.shop_on_second().await;
    let second = cluster.hosts().await.into_iter().find(|host| host.upstream_address == address(2)).unwrap().id;
    steering::uncordon(&cluster.portal, &Actor::system(), cluster.first().await).await.unwrap();
    let visitor = Visitor::of(&upstream);

    machine(&["deafen", "2"]);
    let host = cluster.until_host(second, "closed", |host| host.state == HostState::Cordoned).await;
    assert!(host.state_reason.as_ref().is_some_and(|reason| reason.starts_with("reach: ")), "{host:?}");
    // Others' work goes on elsewhere.
    let other = cluster.world.order("other").await;
    cluster.until_serving(other, |upstream| upstream.starts_with(&address(1))).await;
    assert_eq!(cluster.upstream(shop).await, upstream);

    machine(&["hear", "2"]);
    cluster.until_host(second, "in use again", |host| host.state == HostState::Active).await;
    let (asked, failed) = visitor.end();
    assert!(asked > 0 && failed == 0, "{failed} of {asked} failed");
    assert_eq!((cluster.upstream(shop).await, cluster.relocations(shop).await), (upstream, 0));
    cluster.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_host_that_comes_and_goes_is_fled_once(db: PgPool) {
    let cluster = Cluster::new(db).await;
    let (shop, _) = cluster.shop_on_second().await;
    let second = cluster.hosts().await.into_iter().find(|host| host.upstream_address == address(2)).unwrap().id;
    steering::uncordon(&cluster.portal, &Actor::system(), cluster.first().await).await.unwrap();
    machine(&["cut", "2"]);
    let upstream = cluster.until_serving(shop, |upstream| upstream.starts_with(&address(1))).await;
    let visitor = Visitor::of(&upstream);
    for _ in 0..2 {
        machine(&["mend", "2"]);
        cluster.until_host(second, "in use again", |host| host.state == HostState::Active).await;
        machine(&["cut", "2"]);
        cluster.until_host(second, "down again", |host| host.state == HostState::Down).await;
    }
    machine(&["mend", "2"]);
    // The third loss within an hour: it is there, and takes nothing new for a while.
    let is_held = |host: &Host| {
        let reason = host.state_reason.as_deref().unwrap_or_default();
        host.state == HostState::Cordoned && reason.starts_with("lost 3 times")
    };
    cluster.until_host(second, "back, and not used for a while", is_held).await;
    let (asked, failed) = visitor.end();
    assert!(asked > 0 && failed == 0, "{failed} of {asked} failed");
    assert_eq!((cluster.upstream(shop).await, cluster.relocations(shop).await), (upstream, 1));
    cluster.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn of_all_hosts_that_are_emptied_at_once_the_last_one_is_refused(db: PgPool) {
    let cluster = Cluster::new(db).await;
    let (shop, _) = cluster.shop_on_second().await;
    let (first, by) = (cluster.first().await, Actor::system());
    let second = cluster.hosts().await.into_iter().find(|host| host.upstream_address == address(2)).unwrap().id;
    steering::uncordon(&cluster.portal, &by, first).await.unwrap();
    let other = cluster.world.order("other").await;
    cluster.until_serving(other, |upstream| upstream.starts_with(&address(1))).await;

    let (one, two) = tokio::join!(
        steering::drain(&cluster.portal, &by, first, "a new disk", Consent::None),
        steering::drain(&cluster.portal, &by, second, "a new disk", Consent::None),
    );
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    let refused = one.err().or(two.err());
    assert!(matches!(refused, Some(HostError::NoRoom(1..))), "{refused:?}");
    let emptied = cluster.hosts().await.into_iter().find(|host| host.wanted == hosts::Wanted::Empty).unwrap();
    for id in [shop, other] {
        cluster.until_serving(id, |upstream| !upstream.starts_with(&emptied.upstream_address)).await;
    }
    cluster.end().await;
}

/// As an hour: much longer than the Swarm takes to give a machine up.
const AWAY: Duration = Duration::from_secs(45);
/// How long a container that was left behind goes on once its machine is back.
const ENDS_WITHIN: Duration = Duration::from_secs(20);

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_container_left_behind_is_locked_out_as_long_as_its_host_is_away_and_ends_when_it_is_back(db: PgPool) {
    let cluster = Cluster::new(db).await;
    let (shop, _) = cluster.shop_on_second().await;
    let second = cluster.hosts().await.into_iter().find(|host| host.upstream_address == address(2)).unwrap();
    let id = cluster.world.text("SELECT id::text FROM runtimes WHERE environment_id = $1", shop.uuid()).await;
    let runtime = runtimes::store::find(&mut cluster.world.db.acquire().await.unwrap(), id.parse().unwrap()).await;
    let runtime = runtime.unwrap().unwrap();
    let (database, role) = (runtime.database().unwrap(), runtime.role().unwrap());
    let password = provide::password(&cluster.world.site, runtime.id).await.unwrap();
    let server = &cluster.world.tenants;
    assert!(server.connect(database.as_str(), &role, &password).await.is_ok());
    steering::uncordon(&cluster.portal, &Actor::system(), cluster.first().await).await.unwrap();

    machine(&["cut", "2"]);
    let upstream = cluster.until_serving(shop, |upstream| upstream.starts_with(&address(1))).await;
    let visitor = Visitor::of(&upstream);
    let began = Instant::now();
    let mut tries = 0;
    while began.elapsed() < AWAY {
        let tried = server.connect(database.as_str(), &role, &password).await;
        assert!(tried.is_err(), "what was left behind is let in again");
        tries += 1;
        pause().await;
    }
    assert!(tries > 10);
    machine(&["mend", "2"]);
    cluster.until_host(second.id, "in use again", |host| host.state == HostState::Active).await;
    let healed = Instant::now();
    // Its daemon is asked, as the manager would only say what it wants.
    loop {
        let left = machine(&["docker", "2", "ps", "--quiet", "--filter", &format!("name={}", runtime.code)]);
        if left.trim().is_empty() {
            break;
        }
        assert!(healed.elapsed() < ENDS_WITHIN, "the old container goes on");
        pause().await;
    }
    let (asked, failed) = visitor.end();
    assert!(asked > 0 && failed == 0, "{failed} of {asked} failed");
    assert_eq!((cluster.upstream(shop).await, cluster.relocations(shop).await), (upstream, 1));
    cluster.end().await;
}
