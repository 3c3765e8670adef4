//! Machines: looked at through their own daemon, taken into the Swarm, sent away.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use bollard::models::SwarmJoinRequest;
use bollard::query_parameters::{DeleteNodeOptionsBuilder, LeaveSwarmOptionsBuilder, UpdateNodeOptionsBuilder};

use super::Swarm;
use crate::engine::daemons::Daemon;
use crate::engine::{DaemonSeen, Error, Result};

/// The port on which managers listen to each other and to workers.
const SWARM_PORT: u16 = 2377;

impl Swarm {
    /// Returns this engine as it is seen through the daemon of a machine.
    pub(super) fn through(&self, daemon: &Daemon) -> Result<Self> {
        let road = self.road_to(&daemon.endpoint).map_err(|error| Error::Rejected(error.into()))?;
        Ok(self.at(road, daemon.upstream_address))
    }

    pub(in crate::engine) async fn daemon_of(&self, daemon: &Daemon) -> Result<DaemonSeen> {
        self.through(daemon)?.daemon().await
    }

    /// Lets a machine join the Swarm as one that takes work.
    pub(in crate::engine) async fn join(&self, daemon: &Daemon) -> Result<()> {
        let swarm = self.call(|docker| async move { docker.inspect_swarm().await }).await?;
        let token = swarm.join_tokens.and_then(|tokens| tokens.worker);
        let own = self.call(|docker| async move { docker.info().await }).await?.swarm.unwrap_or_default();
        let managers: Vec<String> =
            own.remote_managers.unwrap_or_default().into_iter().filter_map(|manager| manager.addr).collect();
        if managers.iter().all(|address| address.starts_with("127.")) {
            let text = "the Swarm listens on this machine's loopback address only: set SAYOO_ADDRESS and run bin/up";
            return Err(Error::Rejected(text.into()));
        }
        let request = joining(daemon.upstream_address, managers, token);
        self.through(daemon)?.call(|docker| async move { docker.join_swarm(request).await }).await
    }

    /// Writes labels on a machine, for people who look at the Swarm with Docker's own tools.
    pub(in crate::engine) async fn label(&self, node: &str, labels: &[(&str, &str)]) -> Result<()> {
        let found = self.call(|docker| async move { docker.inspect_node(node).await }).await?;
        let mut spec = found.spec.unwrap_or_default();
        let before = spec.labels.clone().unwrap_or_default();
        let mut after: HashMap<String, String> = before.clone();
        after.extend(labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        if after == before {
            return Ok(());
        }
        spec.labels = Some(after);
        let index = found.version.and_then(|version| version.index).unwrap_or(0);
        let options = UpdateNodeOptionsBuilder::default().version(i64::try_from(index).unwrap_or(i64::MAX)).build();
        self.call(|docker| async move { docker.update_node(node, spec, options).await }).await
    }

    /// Takes a machine out of the Swarm. One whose daemon does not answer is struck off the list all the same.
    pub(in crate::engine) async fn dismiss(&self, daemon: &Daemon) -> Result<()> {
        let options = LeaveSwarmOptionsBuilder::default().force(true).build();
        let left = self.through(daemon)?.call(|docker| async move { docker.leave_swarm(Some(options)).await }).await;
        if let Err(error) = left {
            tracing::info!(
                endpoint = daemon.endpoint,
                error = crate::base::chain::of(&error),
                "it did not leave by itself"
            );
        }
        let (node, options) = (daemon.node.as_str(), DeleteNodeOptionsBuilder::default().force(true).build());
        if node.is_empty() {
            return Ok(());
        }
        match self.call(|docker| async move { docker.delete_node(node, Some(options)).await }).await {
            Ok(()) | Err(Error::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Makes a machine fetch an image, so that no instance waits for it.
    pub(in crate::engine) async fn fetch_on(&self, daemon: &Daemon, reference: &str) -> Result<()> {
        self.through(daemon)?.fetch(reference).await
    }
}

/// What a machine is told that is to join. With a port an IPv6 address stands in brackets, without one it does not.
fn joining(address: IpAddr, managers: Vec<String>, token: Option<String>) -> SwarmJoinRequest {
    SwarmJoinRequest {
        listen_addr: Some(SocketAddr::new(address, SWARM_PORT).to_string()),
        advertise_addr: Some(address.to_string()),
        data_path_addr: Some(address.to_string()),
        remote_addrs: Some(managers),
        join_token: token,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_on_a_network_of_ipv6_is_told_an_address_that_docker_can_read() {
        for (address, listens) in [("fd00::2", "[fd00::2]:2377"), ("10.0.0.2", "10.0.0.2:2377")] {
            let told = joining(address.parse().unwrap(), vec!["[fd00::1]:2377".to_owned()], None);
            assert_eq!(told.listen_addr.as_deref(), Some(listens));
            assert_eq!(
                (told.advertise_addr.as_deref(), told.data_path_addr.as_deref()),
                (Some(address), Some(address))
            );
        }
    }
}
