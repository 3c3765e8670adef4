//! What the daemon itself is like: its version, its flags, its place in the Swarm.

use super::Swarm;
use crate::engine::{DaemonSeen, Result};

impl Swarm {
    pub(in crate::engine) async fn daemon(&self) -> Result<DaemonSeen> {
        let version = self.call(|docker| async move { docker.version().await }).await?;
        let about = self.call(|docker| async move { docker.info().await }).await?;
        let bridge = self.call(|docker| async move { docker.inspect_network("bridge", None).await }).await?;
        let options = bridge.options.unwrap_or_default();
        let option = |name: &str| options.get(&format!("com.docker.network.bridge.{name}")).cloned();
        let swarm = about.swarm.unwrap_or_default();
        Ok(DaemonSeen {
            version: version.version.unwrap_or_default(),
            api_version: version.api_version.unwrap_or_default(),
            is_manager: swarm.control_available.unwrap_or(false),
            containers_can_talk: option("enable_icc").as_deref() != Some("false"),
            publishes_on: option("host_binding_ipv4").unwrap_or_else(|| "0.0.0.0".to_owned()),
            security_options: about.security_options.unwrap_or_default(),
        })
    }
}
