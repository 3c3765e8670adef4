//! Replicas: the further containers of an environment that runs in several, each on a machine of its own.
//!
//! The first container is the runtime's own and is looked after as if it were alone. A replica is never changed nor moved:
//! what is outdated, in the wrong place or lost goes, and another one is made, which serves before the old one leaves. Each
//! has its own login role, so that the loss of a machine shuts out only what was there.

pub mod act;
pub mod plan;
pub mod store;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;

use super::observe::{PasswordOf, Upstream, judge};
use super::plan::Container;
use super::store::{Environment, RouteRow};
use super::update;
use crate::base::ids::{HostId, ReplicaId};
use crate::reconcile::Site;
use crate::reconcile::images::{self, Wait};
use crate::reconcile::runtimes::{Runtime, Seen, look};
use plan::{Fleet, Member, State};

/// A container that does not answer within this time never will.
const ANSWERS_WITHIN: TimeDelta = TimeDelta::seconds(150);
/// How long its machine may fetch the image before another one is looked for.
const FETCHED_WITHIN: TimeDelta = TimeDelta::minutes(30);

/// A replica's row, with what belongs to it.
#[derive(Clone, Debug)]
pub struct Replica {
    /// Which one.
    pub id: ReplicaId,
    /// Part of the names of its service and login role.
    pub number: i32,
    /// The machine that it is on.
    pub host: HostId,
    /// That machine's name in the Swarm.
    pub node: Option<String>,
    /// Whether the Swarm has lost it.
    pub is_lost: bool,
    /// Whether that machine is emptied, and it is its turn.
    pub must_move: bool,
    /// Whether it may end there without another one in its place.
    pub may_end: bool,
    /// What it runs, as in [`Runtime`].
    pub image: String,
    /// Whether its machine has that image, in the word of the table.
    pub supply: Option<String>,
    /// Since when.
    pub supply_since: Option<DateTime<Utc>>,
    /// Thousandths of a core.
    pub cpu_millis: i32,
    /// MiB of memory.
    pub memory_mb: i32,
    /// The restarts that it was made with.
    pub restarts: i64,
    /// The generation of the role that it acts as.
    pub login_generation: i32,
    /// Whether the first container is another one by now: its image, limits, restarts or role.
    pub is_outdated: bool,
    /// Whether the first container is on the same machine.
    pub is_beside: bool,
    /// How far it is.
    pub state: String,
    /// Where the public was sent last, if it was.
    pub address: Option<String>,
    /// The same for websockets, when Odoo has its own process for them.
    pub websocket: Option<String>,
    /// When it was begun.
    pub began_at: DateTime<Utc>,
    /// When the public was first sent to it.
    pub served_at: Option<DateTime<Utc>>,
    /// When the public was sent to it no more.
    pub left_at: Option<DateTime<Utc>>,
    /// When a request was last seen at a container of the environment that was to be left alone.
    pub leaving_at: Option<DateTime<Utc>>,
}

/// What keeps replicas from being as many as wanted.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// How many containers were wanted then.
    pub wanted: i32,
    /// The key of the sentence for people.
    pub reason: String,
    /// When the next try is made.
    pub retry_at: DateTime<Utc>,
}

/// What was found of an environment's replicas.
#[derive(Debug, Default)]
pub struct Replicas {
    /// Their rows.
    pub rows: Vec<Replica>,
    /// For the planner, in the same order.
    pub members: Vec<Member>,
    /// Where each is reached, if it answers.
    upstreams: Vec<Option<Upstream>>,
    /// What keeps them from being as many as wanted.
    pub trouble: Option<Trouble>,
}

impl Replica {
    fn state(&self) -> State {
        match self.state.as_str() {
            "starting" => State::Starting,
            "serving" => State::Serving,
            _ => State::Leaving,
        }
    }

    /// Returns its runtime as it is for this container.
    #[must_use]
    pub fn of(&self, runtime: &Runtime) -> Runtime {
        Runtime {
            image: self.image.clone(),
            cpu_millis: self.cpu_millis,
            memory_mb: self.memory_mb,
            host: Some(self.host),
            node: self.node.clone(),
            is_lost: self.is_lost,
            is_rotating: false,
            login_generation: self.login_generation,
            // It is never changed.
            service_generation: 1,
            replica: Some(self.number),
            restarts_done: self.restarts,
            ..runtime.clone()
        }
    }

    fn is_drained(&self, now: DateTime<Utc>) -> bool {
        let Some(left_at) = self.left_at else { return false };
        self.is_lost || self.served_at.is_none() || update::is_drained(left_at, self.leaving_at, now)
    }

    /// Where the public was sent last: a machine that does not answer us may well answer others.
    fn last_upstream(&self) -> Option<Upstream> {
        let address = self.address.as_ref()?.parse().ok()?;
        let websocket = self.websocket.as_ref().and_then(|text| text.parse().ok());
        Some(Upstream { address, websocket, proof: None })
    }
}

/// Looks at an environment's replicas, if it has or wants some.
pub async fn look(
    site: &Site,
    environment: &Environment,
    runtime: &Runtime,
    routes: &[RouteRow],
) -> anyhow::Result<Replicas> {
    if !environment.has_replicas && environment.replicas < 2 {
        return Ok(Replicas::default());
    }
    let mut db = site.db.acquire().await?;
    let rows = store::list(&mut db, runtime.id).await?;
    let trouble = store::find_trouble(&mut db, runtime.id).await?;
    drop(db);
    let host = site.public.instance_host(&environment.subdomain);
    let seen = join_all(rows.iter().map(|row| Box::pin(look_at(site, runtime, row, routes, &host)))).await;
    let (members, upstreams) = seen.into_iter().collect::<anyhow::Result<Vec<_>>>()?.into_iter().unzip();
    Ok(Replicas { rows, members, upstreams, trouble })
}

async fn look_at(
    site: &Site,
    runtime: &Runtime,
    row: &Replica,
    routes: &[RouteRow],
    host: &str,
) -> anyhow::Result<(Member, Option<Upstream>)> {
    let now = site.clock.now();
    let mut member = Member {
        state: row.state(),
        host: row.host,
        is_lost: row.is_lost,
        is_due: row.is_outdated || row.is_beside || row.must_move,
        may_end: row.must_move && row.may_end,
        is_overdue: false,
        is_drained: row.is_drained(now),
        has_role: Seen::Unknown,
        service: Seen::Unknown,
        container: Seen::Unknown,
    };
    if row.is_lost || member.state == State::Leaving {
        return Ok((member, None));
    }
    let own = row.of(runtime);
    let role = own.role()?;
    let (seen, has_role) = tokio::join!(Box::pin(look::service(site, &own)), site.tenants.role_exists(&role));
    let seen = seen?;
    let (container, upstream) = judge(site, &seen, (&own, PasswordOf::Replica(row.id)), routes, host).await;
    let supply = images::supply_of(row.supply.as_deref(), row.supply_since);
    let wait = images::wait_of(row.began_at, supply, &seen.containers, own.service_generation);
    member.is_overdue = match wait {
        Wait::Since(at) => now - at > ANSWERS_WITHIN,
        Wait::Coming => now - row.began_at > FETCHED_WITHIN,
        Wait::Never => seen.saw_containers,
    };
    member.has_role = has_role.map_or(Seen::Unknown, Seen::Known);
    member.service = seen.service;
    member.container = container;
    Ok((member, upstream))
}

impl Replicas {
    /// Returns where the public is sent beside the first container: those that serve, and those of which nothing is known now.
    #[must_use]
    pub fn serving(&self) -> Vec<Upstream> {
        let all = self.rows.iter().zip(&self.members).zip(&self.upstreams);
        all.filter_map(|((row, member), upstream)| upstream_of(row, member, *upstream)).collect()
    }

    /// Returns the first container and where the public is sent beside it.
    #[must_use]
    pub fn beside(&self, first: Upstream) -> Vec<Upstream> {
        let mut all = vec![first];
        all.extend(self.serving());
        all
    }

    /// Returns how many serve, leaving one out.
    fn serving_without(&self, place: usize) -> usize {
        let is_it = self
            .rows
            .get(place)
            .zip(self.members.get(place))
            .is_some_and(|(row, member)| upstream_of(row, member, self.arriving(place)).is_some());
        self.serving().len() - usize::from(is_it)
    }

    /// Whether the public can be sent to one of them, whatever the first container does.
    #[must_use]
    pub fn serve(&self, routes: &[RouteRow], host: &str) -> bool {
        let is_its_own = matches!(routes, [route] if route.hostname == host);
        is_its_own && !self.serving().is_empty()
    }

    /// Returns where one is reached that answers and has not been admitted yet.
    fn arriving(&self, place: usize) -> Option<Upstream> {
        self.upstreams.get(place).copied().flatten()
    }

    /// Says it in the planner's words. `wanted` counts the first container.
    #[must_use]
    pub fn fleet(&self, wanted: i32, is_led: bool, now: DateTime<Utc>) -> Fleet {
        let trouble = self.trouble.as_ref();
        Fleet {
            wanted: usize::try_from(wanted - 1).unwrap_or(0),
            members: self.members.clone(),
            is_led,
            may_try: trouble.is_none_or(|trouble| trouble.wanted != wanted || trouble.retry_at <= now),
            has_trouble: trouble.is_some(),
            lacks_room: trouble.is_some_and(|trouble| trouble.reason == act::NO_ROOM),
        }
    }

    /// Returns the key of the sentence that says why fewer run than are wanted, when fewer do.
    #[must_use]
    pub fn shortage(&self, wanted: i32) -> Option<&'static str> {
        let trouble = self.trouble.as_ref().filter(|trouble| trouble.wanted == wanted)?;
        let is_short = self.serving().len() < usize::try_from(wanted - 1).unwrap_or(0);
        let known = [act::NO_ROOM, act::UNHEALTHY];
        known.into_iter().find(|reason| is_short && *reason == trouble.reason)
    }
}

fn upstream_of(row: &Replica, member: &Member, upstream: Option<Upstream>) -> Option<Upstream> {
    if member.state != State::Serving || member.is_lost {
        return None;
    }
    match member.container {
        Seen::Known(Container::Serves) => {
            // Whether there is a process for websockets was asked when it was admitted.
            upstream.map(|it| Upstream { websocket: it.websocket.filter(|_| row.websocket.is_some()), ..it })
        }
        Seen::Unknown => row.last_upstream(),
        Seen::Known(_) => None,
    }
}
