//! A rule that is followed while visitors come, on real containers behind a real proxy; and the log of all of them. The load
//! is written down as the collector writes it, and the rule's clock is moved.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use sayoo::audit::Actor;
use sayoo::base::clock::Clock;
use sayoo::base::ids::EnvironmentId;
use sayoo::engine::{ContainerSeen, ServiceName};
use sayoo::environments::scaling::{self, Rule, Wish};
use sayoo::metering::{Meter, Observation, store};
use sayoo::portal::Portal;
use sayoo::reconcile::driver::Driver;
use sayoo::reconcile::logs::Logs;
use sayoo::reconcile::scaling::Scaling;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::support::{World, public};
use super::updating::{all_served, ask};
use crate::instances::scaling::events;
use crate::support::engine::{get, pause};

/// A container stops within seconds, and the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// A rule's clock, and how much each container has used by it.
struct Hours {
    clock: Clock,
    used: BTreeMap<String, i64>,
}

impl Hours {
    /// Minutes in which every container uses this percentage of what it may, each with a look of the rule; until so many
    /// containers are wanted. Returns how many minutes that took.
    async fn pass(&mut self, world: &World, id: EnvironmentId, percent: i64, until: &str) -> usize {
        let millis = "SELECT cpu_millis::text FROM runtimes WHERE environment_id = $1";
        let millis: i64 = world.text(millis, id.uuid()).await.parse().unwrap();
        for minute in 1..=60 {
            self.clock.advance(TimeDelta::minutes(1));
            let now = self.clock.now();
            let mut observations = Vec::new();
            for container in world.running().await.into_values() {
                let used = self.used.entry(container.id.clone()).or_default();
                *used += percent * 60 * millis * 10;
                observations.push(Observation {
                    environment: id,
                    meter: Meter::Cpu,
                    source: format!("container:{}", container.id),
                    opened_at: now - TimeDelta::minutes(1),
                    is_inherited: false,
                    observed_at: now,
                    value: *used,
                });
            }
            let mut tx = world.db.begin().await.unwrap();
            store::ingest(&mut tx, now, &observations).await.unwrap();
            tx.commit().await.unwrap();
            let rule = Scaling::new(world.db.clone(), self.clock.clone());
            Driver::new(rule, world.db.clone(), self.clock.clone()).settle().await.unwrap();
            if world.text("SELECT replicas::text FROM environments WHERE id = $1", id.uuid()).await == until {
                return minute;
            }
        }
        panic!(
            "never {until}: {}",
            world.text("SELECT status::text FROM turns WHERE task = 'scaling' AND subject = $1", id.uuid()).await
        );
    }
}

impl World {
    /// What runs, by its service.
    async fn running(&self) -> BTreeMap<ServiceName, ContainerSeen> {
        let mut all = BTreeMap::new();
        for seen in self.site.engine.list().await.unwrap() {
            let of = self.site.engine.containers(&seen.name).await.unwrap();
            all.extend(of.into_iter().find(|it| it.state.is_alive()).map(|it| (seen.name, it)));
        }
        all
    }

    /// How many visitors' requests a container has written down.
    async fn visits(&self, name: &ServiceName) -> usize {
        let lines = self.site.engine.logs(name, 0, 100_000).await.unwrap();
        lines.iter().filter(|line| line.text == "GET /web/login").count()
    }
}

/// A runtime's code may begin with the letter, too: a replica's name ends with its number.
fn is_replica(name: &ServiceName) -> bool {
    let number = name.as_str().rsplit_once("-r").map(|(_, number)| number);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_busy_time_adds_a_container_that_serves_a_calm_one_takes_it_away_and_no_visitor_notices(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.shop_of_several().await;
    let clock = Clock::manual(world.now());
    let portal = Portal { db: world.db.clone(), clock: clock.clone(), public: Arc::new(public()) };
    let Rule { target_percent, queue_percent, pause_more, pause_fewer, .. } = Rule::usual(2);
    let wish = Wish {
        is_on: true,
        minimum: 1,
        maximum: 2,
        target_percent,
        queue_percent,
        pause_more,
        pause_fewer,
        budget: None,
    };
    let set = scaling::set_rule_of_any_account(&portal, &Actor::system(), shop, &wish, "for the test").await.unwrap();
    assert_eq!(set, Some(()));
    let proxy = world.proxy().await;
    let stop = CancellationToken::new();
    let visitors: Vec<_> = (0..4).map(|_| tokio::spawn(ask(proxy.address, stop.clone()))).collect();

    let mut hours = Hours { clock, used: BTreeMap::new() };
    let minutes = hours.pass(&world, shop, 95, "2").await;
    assert!((2..=6).contains(&minutes), "after {minutes} minutes");
    world.until_in(shop, 2, true, "busy").await;
    let replica = world.running().await.into_keys().find(is_replica).expect("the replica runs");
    let began = Instant::now();
    while world.visits(&replica).await < 20 {
        assert!(began.elapsed() < PATIENCE, "nobody is sent to it");
        pause().await;
    }

    let minutes = hours.pass(&world, shop, 5, "1").await;
    assert!((25..=35).contains(&minutes), "taken away after {minutes} minutes");
    // The name is led away first. What is under way there ends, and nobody new comes.
    let (began, mut before) = (Instant::now(), usize::MAX);
    loop {
        sayoo::reconcile::settle(&world.site).await.unwrap();
        let now = world.visits(&replica).await;
        if world.routes().await[0].2 == 1 && now == before {
            break;
        }
        let open = "SELECT (SELECT string_agg(t::text, ' ') FROM turns t WHERE subject = $1) || ' | '
                         || (SELECT string_agg(r::text, ' ') FROM replicas r) || ' | '
                         || coalesce((SELECT a::text FROM environment_activity a WHERE environment_id = $1), '')";
        assert!(
            began.elapsed() < PATIENCE,
            "visitors are still sent to it: {before} and then {now} visits, {:?}, {:?}, {}",
            world.routes().await,
            world.troubles().await,
            world.text(open, shop.uuid()).await
        );
        before = now;
        pause().await;
    }
    world.until_in(shop, 1, true, "calm").await;
    assert!(!world.running().await.contains_key(&replica));

    stop.cancel();
    let asked = all_served(visitors).await;
    println!("a rule with replicas: {asked} requests, none failed");
    assert!(asked > 100, "{asked} requests only");
    let scaled = events(&world.db, shop, "scaled").await;
    let why: Vec<_> = scaled.iter().map(|event| (event["to"].as_i64(), event["why"].as_str())).collect();
    assert_eq!(why, [(Some(2), Some("cpu")), (Some(1), Some("calm"))], "{scaled:?}");
    assert_eq!(world.routes().await, [("shop.localhost".to_owned(), "serving".to_owned(), 1)]);
    proxy.finish().await.unwrap();
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_log_has_the_lines_of_every_container_each_once(db: PgPool) {
    let world = World::new(db).await;
    let shop = world.shop_of_several().await;
    world.want(shop, "replicas = 2").await;
    world.until_in(shop, 2, true, "before").await;
    world.run("INSERT INTO log_watches VALUES ($1, now() + interval '1 hour')", |query| query.bind(shop.uuid())).await;
    let copied = "SELECT coalesce(string_agg(DISTINCT source || ':' || line, ' ' ORDER BY source || ':' || line), '') || ' ' || count(*)
                    FROM log_lines WHERE environment_id = $1 AND line LIKE 'GET /said/%'";
    let mut wanted = BTreeSet::new();
    for round in 1..=2 {
        for (name, container) in world.running().await {
            let path = format!("/said/{}/{round}", if is_replica(&name) { "second" } else { "first" });
            get(&container, &path).await.unwrap();
            wanted.insert(format!("{}:GET {path}", if is_replica(&name) { "r1" } else { "" }));
        }
        let expected = wanted.iter().cloned().collect::<Vec<_>>().join(" ") + &format!(" {}", wanted.len());
        let began = Instant::now();
        loop {
            world.run("UPDATE turns SET due_at = now() WHERE task = 'logs'", |query| query).await;
            let task = Logs::new(Arc::clone(&world.site));
            Driver::new(task, world.db.clone(), world.site.clock.clone()).settle().await.unwrap();
            let now = world.text(copied, shop.uuid()).await;
            if now == expected {
                break;
            }
            assert!(began.elapsed() < PATIENCE, "{now:?} instead of {expected:?}");
            pause().await;
        }
    }
    world.end().await;
}
