//! What a daemon itself is like: its version, its flags, its place in the Swarm.

use bollard::models::{LocalNodeState, SystemInfoCgroupVersionEnum};
use chrono::{DateTime, Utc};

use super::Swarm;
use crate::base::clock::Clock;
use crate::engine::{DaemonSeen, Membership, Result};

impl Swarm {
    pub(in crate::engine) async fn daemon(&self) -> Result<DaemonSeen> {
        let version = self.call(|docker| async move { docker.version().await }).await?;
        let asked_at = Clock::System.now();
        let about = self.call(|docker| async move { docker.info().await }).await?;
        let clock_doubt = (Clock::System.now() - asked_at) / 2;
        let system_time: Option<DateTime<Utc>> = about.system_time.as_ref().and_then(|text| text.parse().ok());
        let bridge = self.call(|docker| async move { docker.inspect_network("bridge", None).await }).await?;
        let options = bridge.options.unwrap_or_default();
        let option = |name: &str| options.get(&format!("com.docker.network.bridge.{name}")).cloned();
        let swarm = about.swarm.unwrap_or_default();
        let node = swarm.node_id.unwrap_or_default();
        Ok(DaemonSeen {
            version: version.version.unwrap_or_default(),
            api_version: version.api_version.unwrap_or_default(),
            is_manager: swarm.control_available.unwrap_or(false),
            membership: match swarm.local_node_state {
                Some(LocalNodeState::ACTIVE) => Membership::Member(node),
                None | Some(LocalNodeState::INACTIVE | LocalNodeState::EMPTY) => Membership::None,
                // Joining, locked, or in trouble: neither is known.
                Some(_) => Membership::Unsettled,
            },
            hostname: about.name.unwrap_or_default(),
            containers_can_talk: option("enable_icc").as_deref() != Some("false"),
            publishes_on: option("host_binding_ipv4").unwrap_or_else(|| "0.0.0.0".to_owned()),
            security_options: about.security_options.unwrap_or_default(),
            storage_driver: about.driver.unwrap_or_default(),
            cgroup_version: match about.cgroup_version {
                Some(SystemInfoCgroupVersionEnum::_2) => 2,
                _ => 1,
            },
            limits_memory: about.memory_limit.unwrap_or(false),
            limits_cpu: about.cpu_cfs_quota.unwrap_or(false),
            limits_processes: about.pids_limit.unwrap_or(false),
            clock_ahead: system_time.map(|time| time - (asked_at + clock_doubt)),
            clock_doubt,
            certificate_until: self.road.certificate_until(),
            own_certificate_until: self.road.own_certificate_until(),
            cpu_millis: about.ncpu.and_then(|cores| i32::try_from(cores * 1000).ok()).unwrap_or(0),
            memory_mb: about.mem_total.and_then(|bytes| i32::try_from(bytes / (1024 * 1024)).ok()).unwrap_or(0),
        })
    }
}
