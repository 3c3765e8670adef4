//! A make-believe engine in memory: for benchmarks with thousands of instances and for model tests.
//!
//! It keeps state as the real one does, and the same scenarios run against both.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    ContainerSeen, ContainerState, Daemon, DaemonSeen, Error, Everywhere, Finished, ImageSeen, LogLine, Membership,
    NodeSeen, Reading, Result, ServiceName, ServiceSeen, ServiceSpec, TaskSpec,
};
use crate::base::clock::Clock;

/// An engine in memory. Copies share their state.
#[derive(Clone, Debug)]
pub struct Simulated {
    clock: Clock,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    services: BTreeMap<ServiceName, Service>,
    fault: Option<(Verb, Fault)>,
    start_delay: TimeDelta,
    made: u64,
    calls: u64,
}

#[derive(Debug)]
struct Service {
    spec: ServiceSpec,
    created_at: DateTime<Utc>,
    containers: Vec<Container>,
    behaviour: Behaviour,
}

#[derive(Debug)]
struct Container {
    id: String,
    number: u64,
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

/// What is asked of the engine, for faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Every call.
    Any,
    /// Creating and changing services.
    Apply,
    /// Removing services.
    Remove,
    /// Looking at anything.
    Look,
}

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done and there is no answer.
    Before,
    /// It is done, but the answer is lost.
    After,
}

impl Simulated {
    /// Makes an engine without services.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, state: Arc::default() }
    }

    /// Makes calls of one kind fail until [`Simulated::mend`].
    pub fn fail(&self, verb: Verb, fault: Fault) {
        self.lock().fault = Some((verb, fault));
    }

    /// Makes calls succeed again.
    pub fn mend(&self) {
        self.lock().fault = None;
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

    /// Begins a call of one kind, which may fail.
    fn call<T>(&self, verb: Verb, body: impl FnOnce(&mut State, DateTime<Utc>) -> Result<T>) -> Result<T> {
        let now = self.clock.now();
        let mut state = self.lock();
        state.calls += 1;
        let fault = state.fault.filter(|(of, _)| *of == verb || *of == Verb::Any).map(|(_, fault)| fault);
        if fault == Some(Fault::Before) {
            return Err(Error::Unreachable("the simulated engine is away".into()));
        }
        let done = body(&mut state, now);
        if fault == Some(Fault::After) {
            return Err(Error::Unreachable("the simulated engine's answer is lost".into()));
        }
        done
    }
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

    fn containers(&self, now: DateTime<Utc>, start_delay: TimeDelta) -> Vec<ContainerSeen> {
        let seen = |container: &Container| {
            let state = match (container.ended, self.behaviour) {
                (Some(_), _) => ContainerState::Exited,
                (None, Behaviour::Sick) => ContainerState::Unhealthy,
                (None, _) if now < container.started_at + start_delay => ContainerState::Starting,
                (None, _) => ContainerState::Running,
            };
            let port = u16::try_from(32768 + container.number % 30000).unwrap_or(32768);
            ContainerSeen {
                id: container.id.clone(),
                node: "simulated".to_owned(),
                generation: container.generation,
                address: state.is_alive().then(|| SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
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

impl State {
    /// Starts and ends containers until there are as many as wanted.
    fn converge(&mut self, name: &ServiceName, now: DateTime<Utc>) {
        let Some(service) = self.services.get_mut(name) else { return };
        let wanted = usize::try_from(service.spec.replicas).unwrap_or(0);
        let mut alive = service.containers.iter().filter(|container| container.ended.is_none()).count();
        while alive > wanted {
            if let Some(oldest) = service.containers.iter_mut().find(|container| container.ended.is_none()) {
                oldest.ended = Some(0);
            }
            alive -= 1;
        }
        for _ in alive..wanted {
            self.made += 1;
            let ended = if let Behaviour::Crashing(code) = service.behaviour { Some(code) } else { None };
            let (number, generation) = (self.made, service.spec.generation);
            service.containers.push(Container {
                id: format!("{number:064x}"),
                number,
                generation,
                started_at: now,
                ended,
            });
        }
        let too_many = service.containers.len().saturating_sub(wanted + 5);
        service.containers.drain(..too_many);
    }
}

#[expect(clippy::unused_async, reason = "the same shape as the real engine")]
impl Simulated {
    pub(super) async fn observe(&self, name: &ServiceName) -> Result<Option<ServiceSeen>> {
        self.call(Verb::Look, |state, _| Ok(state.services.get(name).map(Service::seen)))
    }

    pub(super) async fn list(&self) -> Result<Vec<ServiceSeen>> {
        self.call(Verb::Look, |state, _| Ok(state.services.values().map(Service::seen).collect()))
    }

    pub(super) async fn apply(&self, spec: &ServiceSpec) -> Result<()> {
        self.call(Verb::Apply, |state, now| {
            if let Some(service) = state.services.get_mut(&spec.name) {
                if service.spec.generation > spec.generation {
                    return Err(Error::Conflict("the simulated service is newer".into()));
                }
                if service.spec.fingerprint() == spec.fingerprint() {
                    return Ok(());
                }
                service.end_all(0);
                service.spec = spec.clone();
            } else {
                let service = Service {
                    spec: spec.clone(),
                    created_at: now,
                    containers: Vec::new(),
                    behaviour: Behaviour::default(),
                };
                state.services.insert(spec.name.clone(), service);
            }
            state.converge(&spec.name, now);
            Ok(())
        })
    }

    pub(super) async fn restart(&self, name: &ServiceName, restarts: u64) -> Result<()> {
        self.call(Verb::Apply, |state, now| {
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
    }

    pub(super) async fn remove(&self, name: &ServiceName) -> Result<()> {
        self.call(Verb::Remove, |state, _| {
            state.services.remove(name);
            Ok(())
        })
    }

    pub(super) async fn containers(&self, name: &ServiceName) -> Result<Vec<ContainerSeen>> {
        self.call(Verb::Look, |state, now| {
            Ok(state.services.get(name).map(|service| service.containers(now, state.start_delay)).unwrap_or_default())
        })
    }

    pub(super) async fn all_containers(&self) -> Result<Everywhere<BTreeMap<ServiceName, Vec<ContainerSeen>>>> {
        self.call(Verb::Look, |state, now| {
            let alive = |service: &Service| {
                let mut containers = service.containers(now, state.start_delay);
                containers.retain(|container| container.state.is_alive());
                containers
            };
            let found = state.services.iter().map(|(name, service)| (name.clone(), alive(service))).collect();
            Ok(Everywhere { found, unseen: BTreeSet::new() })
        })
    }

    pub(super) async fn trouble(&self, _: &ServiceName) -> Result<Option<String>> {
        self.call(Verb::Look, |_, _| Ok(None))
    }

    pub(super) async fn run_once(&self, _: &TaskSpec) -> Result<Finished> {
        self.call(Verb::Apply, |_, _| {
            Ok(Finished { exit_code: Some(0), log_tail: String::new(), took: Duration::ZERO })
        })
    }

    pub(super) async fn first_line(&self, _: &Daemon, _: &ServiceSpec, _: Duration) -> Result<String> {
        Err(Error::Rejected("no program is run here".into()))
    }

    pub(super) async fn remove_task(&self, _: &str) -> Result<usize> {
        self.call(Verb::Remove, |_, _| Ok(0))
    }

    pub(super) async fn remove_leftover_tasks(&self, _: Duration) -> Result<usize> {
        self.call(Verb::Remove, |_, _| Ok(0))
    }

    pub(super) async fn nodes(&self) -> Result<Vec<NodeSeen>> {
        let node = NodeSeen {
            node: "simulated".to_owned(),
            hostname: "simulated".to_owned(),
            is_ready: true,
            is_lost: false,
            is_active: true,
            cpu_millis: 1_000_000,
            memory_mb: 16 * 1024 * 1024,
            engine_version: "simulated".to_owned(),
        };
        self.call(Verb::Look, |_, _| Ok(vec![node]))
    }

    pub(super) async fn image(&self, reference: &str) -> Result<Option<ImageSeen>> {
        let digest = if reference.starts_with("sha256:") { reference.to_owned() } else { format!("sha256:{:064x}", 1) };
        self.call(Verb::Look, |_, _| Ok(Some(ImageSeen { digest, labels: BTreeMap::new() })))
    }

    /// An idle Odoo: 88 MiB, and a hundredth of a core for its timers.
    pub(super) async fn readings(&self) -> Result<Vec<Reading>> {
        self.call(Verb::Look, |state, now| {
            let of = |service: &Service| -> Vec<Reading> {
                let alive = service.containers.iter().filter(|container| container.ended.is_none());
                alive
                    .map(|container| Reading {
                        runtime: service.spec.runtime,
                        node: "simulated".to_owned(),
                        container: container.id.clone(),
                        started_at: container.started_at,
                        read_at: now,
                        cpu_nanos: u64::try_from((now - container.started_at).num_microseconds().unwrap_or(0) * 10)
                            .unwrap_or(0),
                        memory_bytes: 88 * 1024 * 1024,
                    })
                    .collect()
            };
            Ok(state.services.values().flat_map(of).collect())
        })
    }

    pub(super) async fn logs(&self, _: &ServiceName, _: i64, _: usize) -> Result<Vec<LogLine>> {
        self.call(Verb::Look, |_, _| Ok(Vec::new()))
    }

    pub(super) async fn daemon(&self) -> Result<DaemonSeen> {
        let membership = Membership::Member("simulated".to_owned());
        let daemon = DaemonSeen {
            version: "simulated".to_owned(),
            api_version: "1.41".to_owned(),
            is_manager: true,
            membership,
            publishes_on: Ipv4Addr::LOCALHOST.to_string(),
            security_options: vec!["name=seccomp".to_owned(), "name=no-new-privileges".to_owned()],
            storage_driver: "overlay2".to_owned(),
            cgroup_version: 2,
            limits_memory: true,
            limits_cpu: true,
            limits_processes: true,
            clock_ahead: Some(TimeDelta::zero()),
            cpu_millis: 1_000_000,
            memory_mb: 16 * 1024 * 1024,
            ..DaemonSeen::default()
        };
        self.call(Verb::Look, |_, _| Ok(daemon))
    }

    pub(super) async fn daemon_of(&self, _: &Daemon) -> Result<DaemonSeen> {
        self.daemon().await
    }

    pub(super) async fn join(&self, _: &Daemon) -> Result<()> {
        self.call(Verb::Apply, |_, _| Ok(()))
    }

    pub(super) async fn label(&self, _: &str, _: &[(&str, &str)]) -> Result<()> {
        self.call(Verb::Apply, |_, _| Ok(()))
    }

    pub(super) async fn dismiss(&self, _: &Daemon) -> Result<()> {
        self.call(Verb::Remove, |_, _| Ok(()))
    }

    pub(super) async fn fetch_on(&self, _: &Daemon, _: &str) -> Result<()> {
        self.call(Verb::Apply, |_, _| Ok(()))
    }

    pub(super) async fn publish(&self, digest: &str, repository: &str, _: &str) -> Result<String> {
        self.call(Verb::Apply, |_, _| Ok(format!("{repository}@{digest}")))
    }

    pub(super) async fn ping(&self) -> Result<()> {
        self.call(Verb::Look, |_, _| Ok(()))
    }
}
