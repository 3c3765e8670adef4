//! A make-believe engine in memory: for benchmarks with thousands of instances and for model tests.
//!
//! It keeps state as the real one does, and the same scenarios run against both.

mod images;
mod machines;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    ContainerSeen, ContainerState, Daemon, Error, Everywhere, Finished, LogLine, Result, ServiceName, ServiceSeen,
    ServiceSpec, TaskSpec,
};
use crate::base::clock::Clock;
use crate::base::faults::{Faults, Kind, Untrue};

/// An engine in memory. Copies share their state.
#[derive(Clone, Debug)]
pub struct Simulated {
    clock: Clock,
    state: Arc<Mutex<State>>,
    faults: Faults,
}

/// The machine that there is at first.
const ONLY_NODE: &str = "simulated";
/// How often a container that ends at once has been tried when somebody looks.
const TRIES: usize = 3;

#[derive(Debug, Default)]
struct State {
    services: BTreeMap<ServiceName, Service>,
    /// As they were before the last change.
    before: BTreeMap<ServiceName, Service>,
    /// The machines, and whether each is lost.
    nodes: BTreeMap<String, bool>,
    /// Machines that were removed by force: what must be on one of them waits for it.
    removed: BTreeSet<String>,
    /// Where each machine's daemon answers, once that is of interest.
    addresses: BTreeMap<IpAddr, String>,
    /// What a probe finds, where that is not all good.
    facts: Option<String>,
    /// Images whose program ends at once.
    bad_images: BTreeSet<String>,
    images: images::Images,
    is_away: bool,
    port: Option<u16>,
    start_delay: TimeDelta,
    made: u64,
    calls: u64,
}

#[derive(Clone, Debug)]
struct Service {
    spec: ServiceSpec,
    created_at: DateTime<Utc>,
    containers: Vec<Container>,
    behaviour: Behaviour,
}

#[derive(Clone, Debug)]
struct Container {
    id: String,
    number: u64,
    node: String,
    generation: u64,
    started_at: DateTime<Utc>,
    ended: Option<i64>,
}

/// How the containers of a service behave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// They start and stay.
    #[default]
    Well,
    /// They run and never become healthy.
    Sick,
    /// They end at once with this code.
    Crashing(i64),
}

impl Simulated {
    /// Makes an engine without services.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let engine = Self { clock, state: Arc::default(), faults: Faults::default() };
        engine.set_nodes(&[ONLY_NODE]);
        engine
    }

    /// Makes an engine that meets the same faults as others.
    #[must_use]
    pub fn with_faults(clock: Clock, faults: Faults) -> Self {
        Self { faults, ..Self::new(clock) }
    }

    /// Returns the same engine for somebody to whom nothing happens: a test that looks what is so.
    #[must_use]
    pub fn undisturbed(&self) -> Self {
        Self { faults: Faults::default(), ..self.clone() }
    }

    /// Makes the engine stop answering, or answer again.
    pub fn set_away(&self, is_away: bool) {
        self.lock().is_away = is_away;
    }

    /// Gives every container an address of its own at this port, where a test may answer for it.
    pub fn set_port(&self, port: u16) {
        self.lock().port = Some(port);
    }

    /// Sets how long a container takes from its start to being healthy.
    pub fn set_start_delay(&self, delay: TimeDelta) {
        self.lock().start_delay = delay;
    }

    /// Sets how a service's containers behave from now on.
    pub fn set_behaviour(&self, name: &ServiceName, behaviour: Behaviour) {
        let now = self.clock.now();
        let mut state = self.lock();
        if let Some(service) = state.services.get_mut(name) {
            service.behaviour = behaviour;
            if let Behaviour::Crashing(code) = behaviour {
                service.end_all(code);
            }
        }
        state.converge(name, now);
    }

    /// Kills a service's containers; new ones are started.
    pub fn kill_containers(&self, name: &ServiceName) {
        let now = self.clock.now();
        let mut state = self.lock();
        if let Some(service) = state.services.get_mut(name) {
            service.end_all(137);
        }
        state.converge(name, now);
    }

    /// Returns how many calls were made so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer<T: Send>(
        &self,
        verb: &'static str,
        body: impl Fn(&State, DateTime<Utc>) -> Result<T> + Send + Sync,
    ) -> Result<T> {
        let now = self.clock.now();
        let act = || body(&*self.begin()?, now);
        let untrue = |answer| match answer {
            Untrue::OfAMomentAgo => body(&self.begin()?.a_moment_ago(), now),
            Untrue::Empty => body(&State::default(), now),
        };
        self.faults.call(verb, Kind::Look, act, untrue, away).await
    }

    async fn change<T: Send>(
        &self,
        verb: &'static str,
        body: impl Fn(&mut State, DateTime<Utc>) -> Result<T> + Send + Sync,
    ) -> Result<T> {
        let now = self.clock.now();
        let act = || {
            let mut state = self.begin()?;
            if self.faults.is_watched() {
                state.before = state.services.clone();
            }
            body(&mut state, now)
        };
        self.faults.call(verb, Kind::Change, act, |_| Err(away()), away).await
    }

    /// Begins a call.
    fn begin(&self) -> Result<MutexGuard<'_, State>> {
        let mut state = self.lock();
        state.calls += 1;
        if state.is_away { Err(away()) } else { Ok(state) }
    }
}

fn newer() -> Error {
    Error::Conflict("the simulated service is newer".into())
}

fn away() -> Error {
    Error::Unreachable("the simulated engine does not answer".into())
}

impl Service {
    fn end_all(&mut self, code: i64) {
        for container in self.containers.iter_mut().filter(|container| container.ended.is_none()) {
            container.ended = Some(code);
        }
    }

    fn seen(&self) -> ServiceSeen {
        ServiceSeen {
            name: self.spec.name.clone(),
            runtime: Some(self.spec.runtime),
            generation: self.spec.generation,
            fingerprint: self.spec.fingerprint(),
            replicas: self.spec.replicas,
            restarts: self.spec.restarts,
            image: self.spec.image.clone(),
            created_at: self.created_at,
        }
    }

    fn containers(&self, now: DateTime<Utc>, state: &State) -> Vec<ContainerSeen> {
        let (start_delay, port) = (state.start_delay, state.port);
        let seen = |container: &Container| {
            let state = match (container.ended, self.behaviour) {
                (Some(_), _) => ContainerState::Exited,
                (None, Behaviour::Sick) => ContainerState::Unhealthy,
                (None, _) if now < container.started_at + start_delay => ContainerState::Starting,
                (None, _) => ContainerState::Running,
            };
            let address = address_of(container.number, port);
            ContainerSeen {
                id: container.id.clone(),
                node: container.node.clone(),
                generation: container.generation,
                address: state.is_alive().then_some(address),
                websocket_address: None,
                state,
                started_at: Some(container.started_at),
                exit_code: container.ended,
                was_oom_killed: false,
                failure: None,
            }
        };
        self.containers.iter().rev().map(seen).collect()
    }
}

/// With a port each container has an address of its own on the loopback network, which is all this machine's.
fn address_of(number: u64, port: Option<u16>) -> SocketAddr {
    let byte = |value: u64| u8::try_from(value % 250).unwrap_or(0) + 1;
    match port {
        Some(port) => (Ipv4Addr::new(127, byte(number / 62_500), byte(number / 250), byte(number)), port).into(),
        None => (Ipv4Addr::LOCALHOST, u16::try_from(32768 + number % 30000).unwrap_or(32768)).into(),
    }
}

impl State {
    fn a_moment_ago(&self) -> Self {
        let (services, nodes) = (self.before.clone(), self.nodes.clone());
        Self { services, nodes, start_delay: self.start_delay, port: self.port, ..Self::default() }
    }

    fn create(&mut self, spec: &ServiceSpec, now: DateTime<Utc>) {
        let behaviour = Behaviour::default();
        let service = Service { spec: spec.clone(), created_at: now, containers: Vec::new(), behaviour };
        self.services.insert(spec.name.clone(), service);
        self.converge(&spec.name, now);
    }

    /// Changes a service; false when there is none.
    fn update(&mut self, spec: &ServiceSpec, now: DateTime<Utc>) -> Result<bool> {
        let Some(service) = self.services.get_mut(&spec.name) else { return Ok(false) };
        if service.spec.generation > spec.generation {
            return Err(newer());
        }
        if service.spec.fingerprint() != spec.fingerprint() {
            service.end_all(0);
            service.spec = spec.clone();
            self.converge(&spec.name, now);
        }
        Ok(true)
    }

    /// Starts and ends containers until there are as many as wanted.
    fn converge(&mut self, name: &ServiceName, now: DateTime<Utc>) {
        let Some(service) = self.services.get_mut(name) else { return };
        let is_known = |node: &&str| self.nodes.contains_key(*node) || self.removed.contains(*node);
        let node = service.spec.node.as_deref().filter(is_known);
        let node = node.or_else(|| self.nodes.keys().next().map(String::as_str)).unwrap_or_default().to_owned();
        let is_lost = self.nodes.get(&node).copied().unwrap_or(self.removed.contains(&node));
        // What must be on a machine that is lost waits for it.
        let is_fetched = !self.images.is_absent(&node, &service.spec.image);
        let wanted = if is_lost || !is_fetched { 0 } else { usize::try_from(service.spec.replicas).unwrap_or(0) };
        let is_bad = self.bad_images.contains(&service.spec.image);
        let mut alive = service.containers.iter().filter(|container| container.ended.is_none()).count();
        while alive > wanted {
            if let Some(oldest) = service.containers.iter_mut().find(|container| container.ended.is_none()) {
                oldest.ended = Some(0);
            }
            alive -= 1;
        }
        // One that ends at once is tried again and again.
        let tries = if is_bad { TRIES } else { 1 };
        for _ in 0..wanted.saturating_sub(alive) * tries {
            self.made += 1;
            let ended = match service.behaviour {
                Behaviour::Crashing(code) => Some(code),
                _ => is_bad.then_some(1),
            };
            let (number, generation) = (self.made, service.spec.generation);
            service.containers.push(Container {
                id: format!("{number:064x}"),
                number,
                node: node.clone(),
                generation,
                started_at: now,
                ended,
            });
        }
        let too_many = service.containers.len().saturating_sub(wanted + 5);
        service.containers.drain(..too_many);
    }
}

impl Simulated {
    pub(super) async fn observe(&self, name: &ServiceName) -> Result<Option<ServiceSeen>> {
        self.answer("observe", |state, _| Ok(state.services.get(name).map(Service::seen))).await
    }

    pub(super) async fn list(&self) -> Result<Vec<ServiceSeen>> {
        self.answer("list", |state, _| Ok(state.services.values().map(Service::seen).collect())).await
    }

    pub(super) async fn apply(&self, spec: &ServiceSpec) -> Result<()> {
        self.change("apply", |state, now| {
            if !state.update(spec, now)? {
                state.create(spec, now);
            }
            Ok(())
        })
        .await
    }

    pub(super) async fn create(&self, spec: &ServiceSpec) -> Result<()> {
        self.change("create", |state, now| {
            if state.services.contains_key(&spec.name) {
                return Err(Error::Conflict("the simulated engine has such a service".into()));
            }
            state.create(spec, now);
            Ok(())
        })
        .await
    }

    pub(super) async fn update(&self, spec: &ServiceSpec) -> Result<bool> {
        self.change("update", |state, now| state.update(spec, now)).await
    }

    pub(super) async fn restart(&self, name: &ServiceName, restarts: u64) -> Result<()> {
        self.change("restart", |state, now| {
            let Some(service) = state.services.get_mut(name) else {
                return Err(Error::NotFound("the simulated engine has no such service".into()));
            };
            if service.spec.restarts < restarts {
                service.spec.restarts = restarts;
                service.end_all(0);
            }
            state.converge(name, now);
            Ok(())
        })
        .await
    }

    pub(super) async fn remove(&self, name: &ServiceName, generation: u64) -> Result<()> {
        self.change("remove", |state, _| {
            if state.services.get(name).is_some_and(|service| service.spec.generation > generation) {
                return Err(newer());
            }
            state.services.remove(name);
            Ok(())
        })
        .await
    }

    pub(super) async fn containers(&self, name: &ServiceName) -> Result<Vec<ContainerSeen>> {
        self.answer("containers", |state, now| {
            Ok(state.services.get(name).map(|service| service.containers(now, state)).unwrap_or_default())
        })
        .await
    }

    pub(super) async fn all_containers(&self) -> Result<Everywhere<BTreeMap<ServiceName, Vec<ContainerSeen>>>> {
        self.answer("all_containers", |state, now| {
            let alive = |service: &Service| {
                let mut containers = service.containers(now, state);
                containers.retain(|container| container.state.is_alive());
                containers
            };
            let found = state.services.iter().map(|(name, service)| (name.clone(), alive(service))).collect();
            Ok(Everywhere { found, unseen: BTreeSet::new() })
        })
        .await
    }

    pub(super) async fn trouble(&self, _: &ServiceName) -> Result<Option<String>> {
        self.answer("trouble", |_, _| Ok(None)).await
    }

    pub(super) async fn run_once(&self, _: &TaskSpec) -> Result<Finished> {
        self.change("run_once", |_, _| {
            Ok(Finished { exit_code: Some(0), log_tail: String::new(), took: Duration::ZERO })
        })
        .await
    }

    pub(super) async fn first_line(&self, _: &Daemon, _: &ServiceSpec, _: Duration) -> Result<String> {
        // The only program of which a line is asked is the one that probes a machine: these have no faults at first.
        let safe = || include_str!("simulated/safe.json").to_owned();
        self.answer("first_line", |state, _| Ok(state.facts.clone().unwrap_or_else(safe))).await
    }

    pub(super) async fn remove_task(&self, _: &str) -> Result<usize> {
        self.change("remove_task", |_, _| Ok(0)).await
    }

    pub(super) async fn remove_leftover_tasks(&self, _: Duration) -> Result<usize> {
        self.change("remove_leftover_tasks", |_, _| Ok(0)).await
    }

    pub(super) async fn logs(&self, _: &ServiceName, _: i64, _: usize) -> Result<Vec<LogLine>> {
        self.answer("logs", |_, _| Ok(Vec::new())).await
    }

    pub(super) async fn ping(&self) -> Result<()> {
        self.answer("ping", |_, _| Ok(())).await
    }
}
