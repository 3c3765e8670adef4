//! The same question to the daemon of every machine: a Swarm's manager knows nothing of what containers use and write.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::Swarm;
use super::road::Road;
use crate::engine::daemons::{Daemon, Everywhere};
use crate::engine::{ContainerSeen, Error, LogLine, Reading, Result, ServiceName};

/// One daemon that hangs must not keep the others' news for long.
const ONE_OF_MANY_LIMIT: Duration = Duration::from_secs(4);

/// A daemon with the way to it.
#[derive(Clone, Debug)]
pub(super) struct Attended {
    daemon: Daemon,
    road: Road,
}

impl Swarm {
    /// Learns which daemons there are. One that is not reached in any way is left out, and said.
    pub(in crate::engine) fn attend(&self, daemons: &[Daemon]) {
        let known = self.daemons.load();
        if known.iter().map(|attended| &attended.daemon).eq(daemons) {
            return;
        }
        let mut attended = Vec::new();
        for daemon in daemons {
            // The ways stay open, whatever else is learned.
            let same = known.iter().find(|known| known.daemon.endpoint == daemon.endpoint);
            let road = match same {
                Some(known) => Ok(known.road.clone()),
                None => self.road_to(&daemon.endpoint),
            };
            match road {
                Ok(road) => attended.push(Attended { daemon: daemon.clone(), road }),
                Err(error) => {
                    let error = crate::base::chain::of_any(&error);
                    tracing::warn!(endpoint = daemon.endpoint, error, "there is no way to this machine's daemon");
                }
            }
        }
        self.daemons.store(Arc::new(attended));
    }

    /// Returns the way to an endpoint; the manager's own is the one that is open already.
    pub(super) fn road_to(&self, endpoint: &str) -> anyhow::Result<Road> {
        if *endpoint == *self.endpoint {
            return Ok(self.road.clone());
        }
        Road::to(endpoint, self.certificates.as_ref())
    }

    /// Returns this engine as it is seen through one machine's daemon.
    pub(super) fn at(&self, road: Road, upstream_address: IpAddr) -> Self {
        Self { road, upstream_address, ..self.clone() }
    }

    /// Returns the daemons to ask: all that are not lost, or those of some machines.
    fn asked(&self, nodes: &[&str]) -> Vec<Self> {
        let known = self.daemons.load();
        if known.is_empty() {
            // Nobody has told of others: the manager's machine is the only one.
            return vec![self.clone()];
        }
        let is_asked = |daemon: &Daemon| !daemon.is_lost && (nodes.is_empty() || nodes.contains(&daemon.node.as_str()));
        known
            .iter()
            .filter(|attended| is_asked(&attended.daemon))
            .map(|attended| {
                let mut daemon = self.at(attended.road.clone(), attended.daemon.upstream_address);
                if known.len() > 1 {
                    daemon.limit = daemon.limit.min(ONE_OF_MANY_LIMIT);
                }
                daemon
            })
            .collect()
    }

    pub(in crate::engine) async fn containers(&self, name: &ServiceName) -> Result<Vec<ContainerSeen>> {
        self.containers_on(name, &[]).await
    }

    /// Every machine that is asked must answer: a container that was not seen must not be taken for one that is not there.
    pub(in crate::engine) async fn containers_on(
        &self,
        name: &ServiceName,
        nodes: &[&str],
    ) -> Result<Vec<ContainerSeen>> {
        let known = self.daemons.load();
        let is_known = |node: &&str| known.is_empty() || known.iter().any(|it| it.daemon.node == *node);
        if let Some(stranger) = nodes.iter().find(|node| !is_known(node)) {
            return Err(Error::Unreachable(format!("the way to the machine {stranger} is not known").into()));
        }
        let asked = self.asked(nodes);
        if let [only] = asked.as_slice() {
            return only.containers_here(name).await;
        }
        let answers = join_all(asked.iter().map(|daemon| daemon.containers_here(name))).await;
        let mut all = answers.into_iter().collect::<Result<Vec<_>>>()?.concat();
        all.sort_by_key(|seen| std::cmp::Reverse(seen.started_at));
        Ok(all)
    }

    pub(in crate::engine) async fn all_containers(
        &self,
    ) -> Result<Everywhere<BTreeMap<ServiceName, Vec<ContainerSeen>>>> {
        let asked = self.asked(&[]);
        let answers = join_all(asked.iter().map(Self::all_containers_here)).await;
        let Everywhere { found, unseen } = Self::those_that_answered(&asked, answers)?;
        let mut all: BTreeMap<ServiceName, Vec<ContainerSeen>> = BTreeMap::new();
        for (name, containers) in found.into_iter().flatten() {
            all.entry(name).or_default().extend(containers);
        }
        Ok(Everywhere { found: all, unseen })
    }

    /// Counters lose nothing when they are read later, so a machine that is away does not keep others from being read.
    pub(in crate::engine) async fn readings(&self) -> Result<Vec<Reading>> {
        let asked = self.asked(&[]);
        let answers = join_all(asked.iter().map(Self::readings_here)).await;
        Ok(Self::those_that_answered(&asked, answers)?.found.concat())
    }

    pub(in crate::engine) async fn logs(
        &self,
        name: &ServiceName,
        since_nanos: i64,
        limit: usize,
    ) -> Result<Vec<LogLine>> {
        let asked = self.asked(&[]);
        let answers = join_all(asked.iter().map(|daemon| daemon.logs_here(name, since_nanos, limit))).await;
        let mut lines = Self::those_that_answered(&asked, answers)?.found.concat();
        lines.sort_by_key(|line| line.at_nanos);
        Ok(lines.split_off(lines.len().saturating_sub(limit)))
    }

    /// Divides answers from silence. When nobody answers, that is a failure.
    fn those_that_answered<T>(asked: &[Self], answers: Vec<Result<T>>) -> Result<Everywhere<Vec<T>>> {
        let mut found = Vec::new();
        let mut unseen = BTreeSet::new();
        let mut failure: Option<Error> = None;
        for (daemon, answer) in asked.iter().zip(answers) {
            match answer {
                Ok(answer) => found.push(answer),
                Err(error) => {
                    let text = crate::base::chain::of(&error);
                    tracing::debug!(daemon = ?daemon.road, error = text, "a machine's daemon does not answer");
                    unseen.insert(daemon.upstream_address);
                    failure = Some(error);
                }
            }
        }
        match failure {
            Some(error) if found.is_empty() => Err(error),
            _ => Ok(Everywhere { found, unseen }),
        }
    }
}
