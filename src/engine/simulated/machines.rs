//! The machines of the make-believe engine: which there are, which are lost, and what they say of themselves.

use std::net::{IpAddr, Ipv4Addr};

use chrono::TimeDelta;

use super::{ONLY_NODE, Service, Simulated, away};
use crate::engine::{Daemon, DaemonSeen, Membership, NodeSeen, Reading, Result, ServiceName};

impl Simulated {
    /// Gives it these machines instead of its one.
    pub fn set_nodes(&self, names: &[&str]) {
        self.lock().nodes = names.iter().map(|name| ((*name).to_owned(), false)).collect();
    }

    /// Returns the machines' names.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.lock().nodes.keys().cloned().collect()
    }

    /// Loses a machine with what runs on it, or finds it again: then what belongs there is started anew.
    pub fn set_lost(&self, node: &str, is_lost: bool) {
        let now = self.clock.now();
        let mut state = self.lock();
        state.nodes.insert(node.to_owned(), is_lost);
        let names: Vec<ServiceName> = state.services.keys().cloned().collect();
        for name in names {
            if let Some(service) = state.services.get_mut(&name) {
                service.containers.retain(|container| container.node != node);
            }
            state.converge(&name, now);
        }
    }

    /// Removes a machine by force (`docker node rm --force`): the Swarm has no trace of it any more.
    pub fn remove_node(&self, node: &str) {
        self.lock().removed.insert(node.to_owned());
        self.set_lost(node, true);
        self.lock().nodes.remove(node);
    }

    /// Lets a machine's daemon answer at this address only, as those of which this was said before.
    pub fn set_address(&self, node: &str, address: IpAddr) {
        let mut state = self.lock();
        state.addresses.retain(|_, name| name != node);
        state.addresses.insert(address, node.to_owned());
    }

    /// Lets probes find this from now on: what the program in the container writes.
    pub fn set_facts(&self, facts: String) {
        self.lock().facts = Some(facts);
    }

    /// Makes every container of an image end at once from now on.
    pub fn set_bad_image(&self, image: &str) {
        self.lock().bad_images.insert(image.to_owned());
    }

    pub(in crate::engine) async fn nodes(&self) -> Result<Vec<NodeSeen>> {
        let seen = |(name, is_lost): (&String, &bool)| NodeSeen {
            node: name.clone(),
            hostname: name.clone(),
            is_ready: !is_lost,
            is_lost: *is_lost,
            is_active: true,
            cpu_millis: 1_000_000,
            memory_mb: 16 * 1024 * 1024,
            engine_version: "simulated".to_owned(),
        };
        self.answer("nodes", |state, _| Ok(state.nodes.iter().map(seen).collect())).await
    }

    /// An idle Odoo: 88 MiB, and a hundredth of a core for its timers.
    pub(in crate::engine) async fn readings(&self) -> Result<Vec<Reading>> {
        self.answer("readings", |state, now| {
            let of = |service: &Service| -> Vec<Reading> {
                let alive = service.containers.iter().filter(|container| container.ended.is_none());
                alive
                    .map(|container| Reading {
                        runtime: service.spec.runtime,
                        node: container.node.clone(),
                        service: service.spec.name.as_str().to_owned(),
                        generation: container.generation,
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
        .await
    }

    pub(in crate::engine) async fn daemon(&self) -> Result<DaemonSeen> {
        let membership = Membership::Member(ONLY_NODE.to_owned());
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
        self.answer("daemon", |_, _| Ok(daemon.clone())).await
    }

    pub(in crate::engine) async fn daemon_of(&self, daemon: &Daemon) -> Result<DaemonSeen> {
        let seen = self.daemon().await?;
        let address = daemon.upstream_address;
        self.answer("daemon_of", |state, _| {
            let node = match state.addresses.get(&address) {
                None if !state.addresses.is_empty() => return Err(away()),
                None => &daemon.node,
                Some(node) => node,
            };
            let membership = if node.is_empty() {
                seen.membership.clone()
            } else if state.nodes.contains_key(node) {
                Membership::Member(node.clone())
            } else {
                Membership::None
            };
            Ok(DaemonSeen { membership, publishes_on: address.to_string(), ..seen.clone() })
        })
        .await
    }

    pub(in crate::engine) async fn join(&self, _: &Daemon) -> Result<()> {
        self.change("join", |_, _| Ok(())).await
    }

    pub(in crate::engine) async fn label(&self, _: &str, _: &[(&str, &str)]) -> Result<()> {
        self.change("label", |_, _| Ok(())).await
    }

    pub(in crate::engine) async fn dismiss(&self, daemon: &Daemon) -> Result<()> {
        self.change("dismiss", |state, _| {
            state.nodes.remove(&daemon.node);
            Ok(())
        })
        .await
    }
}
