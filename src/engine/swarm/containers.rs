//! Containers of services: how they are, what they used, what they wrote.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use bollard::container::LogOutput;
use bollard::models::{
    ContainerInspectResponse, ContainerStateStatusEnum, ContainerSummary, ContainerSummaryStateEnum, HealthStatusEnum,
};
use bollard::query_parameters::{
    InspectContainerOptions, ListContainersOptionsBuilder, LogsOptionsBuilder, StatsOptionsBuilder,
};
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Swarm, within};
use crate::engine::spec::{HTTP_PORT, WEBSOCKET_PORT};
use crate::engine::{
    ContainerSeen, ContainerState, Error, LABEL_GENERATION, LABEL_RUNTIME, LogLine, Reading, Result, ServiceName,
    Stream,
};

/// The Swarm's own labels on the containers of a service.
const SWARM_SERVICE: &str = "com.docker.swarm.service.name";
const SWARM_NODE: &str = "com.docker.swarm.node.id";
/// The newest containers tell all; the Swarm keeps five ended ones of a service anyway.
const LOOKED_AT: usize = 6;
/// Calls at a time: enough to be quick, few enough to leave the daemon to others.
const AT_ONCE: usize = 16;
/// A line longer than this is cut: Odoo writes tracebacks, nobody reads a megabyte.
const LONGEST_LINE: usize = 8 * 1024;

impl Swarm {
    pub(super) async fn containers_here(&self, name: &ServiceName) -> Result<Vec<ContainerSeen>> {
        let mut found = self.listed(vec![format!("{SWARM_SERVICE}={name}"), self.ours()], true).await?;
        found.sort_by_key(|container| std::cmp::Reverse(container.created));
        let seen: Vec<Option<ContainerSeen>> =
            stream::iter(found.into_iter().take(LOOKED_AT).filter_map(|summary| summary.id))
                .map(|id| async move { self.inspected(&id).await })
                .buffered(AT_ONCE)
                .try_collect()
                .await?;
        Ok(seen.into_iter().flatten().collect())
    }

    pub(super) async fn all_containers_here(&self) -> Result<BTreeMap<ServiceName, Vec<ContainerSeen>>> {
        let mut found = self.listed(vec![SWARM_SERVICE.to_owned(), self.ours()], false).await?;
        found.sort_by_key(|container| std::cmp::Reverse(container.created));
        let mut all: BTreeMap<ServiceName, Vec<ContainerSeen>> = BTreeMap::new();
        for summary in found {
            let service = summary.labels.as_ref().and_then(|labels| labels.get(SWARM_SERVICE));
            let Some(service) = service.and_then(|text| ServiceName::parse(text).ok()) else { continue };
            if let Some(seen) = self.summarised(&summary) {
                all.entry(service).or_default().push(seen);
            }
        }
        Ok(all)
    }

    pub(super) async fn readings_here(&self) -> Result<Vec<Reading>> {
        let running = self.listed(vec![SWARM_SERVICE.to_owned(), self.ours()], false).await?;
        let readings = stream::iter(running)
            .map(|summary| async move { self.reading(&summary).await })
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<_>>()
            .await?;
        Ok(readings.into_iter().flatten().collect())
    }

    pub(super) async fn logs_here(&self, name: &ServiceName, since_nanos: i64, limit: usize) -> Result<Vec<LogLine>> {
        let mut found = self.listed(vec![format!("{SWARM_SERVICE}={name}"), self.ours()], true).await?;
        found.sort_by_key(|container| std::cmp::Reverse(container.created));
        let mut lines = Vec::new();
        for id in found.into_iter().take(LOOKED_AT).filter_map(|summary| summary.id) {
            match self.lines(&id, since_nanos, limit).await {
                Ok(more) => lines.extend(more),
                // It was removed a moment ago.
                Err(Error::NotFound(_) | Error::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
        }
        lines.sort_by_key(|line| line.at_nanos);
        Ok(lines.split_off(lines.len().saturating_sub(limit)))
    }

    async fn listed(&self, labels: Vec<String>, with_ended: bool) -> Result<Vec<ContainerSummary>> {
        let options = ListContainersOptionsBuilder::default()
            .all(with_ended)
            .filters(&HashMap::from([("label", labels)]))
            .build();
        self.call(|docker| async move { docker.list_containers(Some(options)).await }).await
    }

    /// Looks at one container; `None` when it has just gone.
    async fn inspected(&self, id: &str) -> Result<Option<ContainerSeen>> {
        match self
            .call(|docker| async move { docker.inspect_container(id, None::<InspectContainerOptions>).await })
            .await
        {
            Ok(found) => Ok(self.seen(found)),
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn seen(&self, found: ContainerInspectResponse) -> Option<ContainerSeen> {
        let labels = found.config.and_then(|config| config.labels).unwrap_or_default();
        let state = found.state.unwrap_or_default();
        let ports = found.network_settings.and_then(|network| network.ports).unwrap_or_default();
        let address = |target: u16| {
            let bindings = ports.get(&format!("{target}/tcp"))?.as_ref()?;
            let port = bindings.iter().find_map(|binding| binding.host_port.as_ref()?.parse::<u16>().ok())?;
            (port != 0).then(|| SocketAddr::new(self.upstream_address, port))
        };
        let health = state.health.as_ref().and_then(|health| health.status);
        let how = match state.status {
            Some(ContainerStateStatusEnum::RUNNING | ContainerStateStatusEnum::PAUSED) => match health {
                Some(HealthStatusEnum::STARTING) => ContainerState::Starting,
                Some(HealthStatusEnum::UNHEALTHY) => ContainerState::Unhealthy,
                _ => ContainerState::Running,
            },
            Some(ContainerStateStatusEnum::CREATED) if state.error.as_ref().is_none_or(String::is_empty) => {
                ContainerState::Created
            }
            _ => ContainerState::Exited,
        };
        Some(ContainerSeen {
            id: found.id?,
            node: labels.get(SWARM_NODE).cloned().unwrap_or_default(),
            generation: labels.get(LABEL_GENERATION).and_then(|text| text.parse().ok()).unwrap_or(0),
            address: address(HTTP_PORT),
            websocket_address: address(WEBSOCKET_PORT),
            state: how,
            started_at: state
                .started_at
                .and_then(|text| text.parse().ok())
                .filter(|at: &DateTime<Utc>| at.timestamp() > 0),
            exit_code: if how == ContainerState::Exited { state.exit_code } else { None },
            was_oom_killed: state.oom_killed.unwrap_or(false),
            failure: state.error.filter(|text| !text.is_empty()),
        })
    }

    /// Reads what the list of containers says of one.
    fn summarised(&self, summary: &ContainerSummary) -> Option<ContainerSeen> {
        let labels = summary.labels.as_ref()?;
        let address = |target: u16| {
            let ports = summary.ports.as_deref().unwrap_or_default();
            let port = ports.iter().filter(|port| port.private_port == target).find_map(|port| port.public_port)?;
            Some(SocketAddr::new(self.upstream_address, port))
        };
        let status = summary.status.as_deref().unwrap_or_default();
        let state = match summary.state {
            Some(ContainerSummaryStateEnum::RUNNING | ContainerSummaryStateEnum::PAUSED) => {
                if status.contains("(health: starting)") {
                    ContainerState::Starting
                } else if status.contains("(unhealthy)") {
                    ContainerState::Unhealthy
                } else {
                    ContainerState::Running
                }
            }
            Some(ContainerSummaryStateEnum::CREATED) => ContainerState::Created,
            _ => ContainerState::Exited,
        };
        Some(ContainerSeen {
            id: summary.id.clone()?,
            node: labels.get(SWARM_NODE).cloned().unwrap_or_default(),
            generation: labels.get(LABEL_GENERATION).and_then(|text| text.parse().ok()).unwrap_or(0),
            address: address(HTTP_PORT),
            websocket_address: address(WEBSOCKET_PORT),
            state,
            started_at: None,
            exit_code: None,
            was_oom_killed: false,
            failure: None,
        })
    }

    /// Reads one container's counters; `None` when it ended meanwhile.
    async fn reading(&self, summary: &ContainerSummary) -> Result<Option<Reading>> {
        let runtime =
            summary.labels.as_ref().and_then(|labels| labels.get(LABEL_RUNTIME)).and_then(|id| id.parse().ok());
        let started_at = summary.created.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        let (Some(container), Some(runtime), Some(started_at)) = (summary.id.clone(), runtime, started_at) else {
            return Ok(None);
        };
        let options = StatsOptionsBuilder::default().stream(false).one_shot(true).build();
        let docker = self.docker(self.limit)?;
        let answer = within(self.limit, docker.stats(&container, Some(options)).try_next()).await;
        let stats = match answer {
            Ok(Some(stats)) => stats,
            Ok(None) | Err(Error::NotFound(_) | Error::Conflict(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        // A container that has just ended is answered with zeros: its counter must not seem to fall.
        let cpu_nanos = stats.cpu_stats.and_then(|cpu| cpu.cpu_usage).and_then(|usage| usage.total_usage).unwrap_or(0);
        let memory = stats.memory_stats.unwrap_or_default();
        let (Some(usage), Some(read_at), true) = (memory.usage, stats.read, cpu_nanos > 0) else { return Ok(None) };
        let parts = memory.stats.unwrap_or_default();
        // Version 1 of cgroups has the sum over children under another name.
        let inactive = parts.get("total_inactive_file").or_else(|| parts.get("inactive_file")).copied().unwrap_or(0);
        let label = |name| summary.labels.as_ref().and_then(|labels| labels.get(name)).cloned();
        Ok(Some(Reading {
            runtime,
            node: label(SWARM_NODE).unwrap_or_default(),
            service: label(SWARM_SERVICE).unwrap_or_default(),
            generation: label(LABEL_GENERATION).and_then(|text| text.parse().ok()).unwrap_or(0),
            container,
            started_at,
            read_at,
            cpu_nanos,
            memory_bytes: usage.saturating_sub(inactive),
        }))
    }

    async fn lines(&self, id: &str, since_nanos: i64, limit: usize) -> Result<Vec<LogLine>> {
        let options = LogsOptionsBuilder::default()
            .stdout(true)
            .stderr(true)
            .timestamps(true)
            // Whole seconds only; the rest is cut off below.
            .since(i32::try_from(since_nanos / 1_000_000_000).unwrap_or(i32::MAX))
            .tail(&limit.to_string())
            .build();
        let docker = self.docker(self.limit)?;
        let output: Vec<LogOutput> = within(self.limit, docker.logs(id, Some(options)).try_collect()).await?;
        Ok(output.iter().filter_map(|part| line(id, part)).filter(|line| line.at_nanos > since_nanos).collect())
    }
}

/// Parses one line: `2026-11-22T20:49:28.586842909Z the text`.
fn line(container: &str, output: &LogOutput) -> Option<LogLine> {
    let (stream, message) = match output {
        LogOutput::StdErr { message } => (Stream::Err, message),
        LogOutput::StdOut { message } | LogOutput::Console { message } => (Stream::Out, message),
        LogOutput::StdIn { .. } => return None,
    };
    let text = String::from_utf8_lossy(message);
    let (at, text) = text.trim_end_matches(['\r', '\n']).split_once(' ')?;
    let at: DateTime<Utc> = at.parse().ok()?;
    let end = text.char_indices().map(|(place, _)| place).find(|place| *place >= LONGEST_LINE).unwrap_or(text.len());
    // Postgres does not take NUL in texts.
    let text = text[..end].replace('\0', "");
    Some(LogLine { container: container.to_owned(), at_nanos: at.timestamp_nanos_opt()?, stream, text })
}
