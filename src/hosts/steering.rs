//! What staff do with hosts. Only rows change; the worker makes it true.

use anyhow::Context;
use serde_json::json;

use super::preview::{self, Move};
use super::store::{self, NewHost};
use super::{Host, Pool, Wanted, settings};
use crate::audit::{self, Actor};
use crate::base::ids::HostId;
use crate::db;
use crate::portal::Portal;

/// How long one move is expected to take while none has been measured: a start, and what the proxies need to tell of
/// requests at the old container.
const SECONDS_OF_A_MOVE: i64 = 30;

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// An address is that of one machine on a private network, as numbers.
    #[error("the address must be an IP address, such as 10.0.0.2")]
    BadAddress,
    /// 1 to 40 lower-case letters, digits and hyphens.
    #[error("a name has 1 to 40 lower-case letters, digits and hyphens")]
    BadName,
    /// Another host has this name or address.
    #[error("another host has this name or address")]
    Taken,
    /// A reason has 3 to 1,000 characters.
    #[error("a reason of 3 to 1,000 characters is needed")]
    ReasonNeeded,
    /// There is no such host.
    #[error("it does not exist")]
    NotFound,
    /// It is so already.
    #[error("it is so already")]
    AlreadySo,
    /// So many instances have no other place.
    #[error("{0} instances would find no room elsewhere")]
    NoRoom(usize),
    /// So many containers end or share a machine meanwhile, and nobody said that this is known.
    #[error("{0} instances would run in fewer containers, or in two on one machine: that is to be confirmed")]
    Lessened(usize),
    /// Only an empty host can be removed: empty it first.
    #[error("it still has {0} instances: drain it first")]
    NotEmpty(usize),
    /// The machine that gives the orders cannot leave.
    #[error("it is the machine that the worker gives its orders to")]
    Manager,
    /// It is being emptied: closing it would end that unseen.
    #[error("it is being emptied, and takes nothing new: `sayoo host cancel-drain` ends that")]
    BeingEmptied,
    /// CPU may be promised once to many times over.
    #[error("the processors may be promised to 100 to 6400 percent")]
    BadPercent,
    /// What is kept for the machine cannot be more than it has.
    #[error("the memory kept for the machine must be less than it has")]
    BadMemory,
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// A machine that is to join, as somebody typed it.
#[derive(Clone, Debug, Default)]
pub struct NewMachine {
    /// Its address.
    pub address: String,
    /// Its name; the address stands in for an empty one.
    pub name: String,
    /// What fails together with it; may be empty.
    pub zone: String,
    /// What is placed on it.
    pub pool: Option<Pool>,
}

/// Writes down a machine that is to join. The worker looks at it and takes it in when nothing is wrong with it.
pub async fn add(portal: &Portal, by: &Actor, machine: &NewMachine) -> Result<HostId, HostError> {
    let address = settings::other_machine(&machine.address)?;
    let name = match machine.name.trim() {
        "" => format!("host-{}", address.to_string().replace(['.', ':'], "-")),
        name => name.to_owned(),
    };
    let name = settings::plain(&name)?;
    let zone = settings::plain(&machine.zone)?;
    let now = portal.clock.now();
    let new = NewHost {
        id: HostId::new(now),
        name,
        docker_endpoint: &super::endpoint_at(address),
        upstream_address: &address.to_string(),
        zone,
        pool: machine.pool.unwrap_or(Pool::Any),
    };
    let mut tx = portal.db.begin().await.context("begin")?;
    if !store::insert(&mut tx, &new, now).await.context("insert the host")? {
        return Err(HostError::Taken);
    }
    let detail = json!({ "host": name, "address": new.upstream_address, "zone": zone, "pool": new.pool.as_str() });
    audit::record(&mut tx, by, audit::Entry::new("host.added").detail(detail), now).await?;
    db::wake(&mut tx).await.context("wake the worker")?;
    tx.commit().await.context("commit")?;
    Ok(new.id)
}

/// What draining a host would do.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Who would go where.
    pub moves: Vec<Move>,
    /// How long it would take.
    pub seconds: i64,
}

impl Preview {
    /// Returns how many would find no room.
    #[must_use]
    pub fn homeless(&self) -> usize {
        self.moves.iter().filter(|one| one.to.is_homeless()).count()
    }

    /// Returns how many would run in fewer containers, or in two on one machine.
    #[must_use]
    pub fn lessened(&self) -> usize {
        self.moves.iter().filter(|one| one.to.is_less()).count()
    }
}

/// Says what draining a host would do, without doing it.
pub async fn preview(db: &mut sqlx::PgConnection, id: HostId) -> anyhow::Result<Preview> {
    let all = super::overview(db).await?;
    let each = store::seconds_of_a_move(db).await.context("read how long moves took")?;
    // Rounded up to whole seconds: a duration for people.
    let each =
        each.map_or(SECONDS_OF_A_MOVE, |seconds| format!("{:.0}", seconds.ceil()).parse().unwrap_or(SECONDS_OF_A_MOVE));
    let moves = preview::moves(&all.loads, &all.residents, id);
    let seconds = preview::seconds(moves.len(), each);
    Ok(Preview { moves, seconds })
}

/// What the audit log calls the two ways to close a host.
const CORDONED: &str = "host.cordoned";
const DRAIN_CANCELLED: &str = "host.drain-cancelled";

/// Lets a host take no new runtimes. Refused while it is emptied: that is ended knowingly, or not at all.
pub async fn cordon(portal: &Portal, by: &Actor, id: HostId, reason: &str) -> Result<(), HostError> {
    let reason = checked(reason)?;
    steer(portal, by, id, &Act::of(Wanted::Closed, CORDONED, reason)).await
}

/// Lets a host take runtimes again, and ends a drain: what has moved stays where it is. One that was to be removed and is still
/// there stays.
pub async fn uncordon(portal: &Portal, by: &Actor, id: HostId) -> Result<(), HostError> {
    steer(portal, by, id, &Act::of(Wanted::Open, "host.uncordoned", "")).await
}

/// Whether staff know that some instances run in fewer containers, or in two on one machine, when a host is emptied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Nobody said so.
    None,
    /// It was said.
    ToFewer,
}

/// Moves everything off a host. Refused when somebody would find no room, or would have fewer containers without consent.
pub async fn drain(portal: &Portal, by: &Actor, id: HostId, reason: &str, consent: Consent) -> Result<(), HostError> {
    let reason = checked(reason)?;
    steer(portal, by, id, &Act { consent, ..Act::of(Wanted::Empty, "host.drained", reason) }).await
}

/// Ends a drain. What is on its way arrives; the rest stays, and the host takes no new runtimes.
pub async fn cancel_drain(portal: &Portal, by: &Actor, id: HostId) -> Result<(), HostError> {
    steer(portal, by, id, &Act::of(Wanted::Closed, DRAIN_CANCELLED, "")).await
}

/// Removes a host that has nothing any more.
pub async fn remove(portal: &Portal, by: &Actor, id: HostId, manager_endpoint: Option<&str>) -> Result<(), HostError> {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let host = store::find(&mut db, id).await.context("read the host")?.ok_or(HostError::NotFound)?;
    // The only machine reached by its socket is the manager's own.
    if host.docker_endpoint.starts_with('/')
        || host.docker_endpoint.starts_with("unix:")
        || manager_endpoint == Some(&host.docker_endpoint)
    {
        return Err(HostError::Manager);
    }
    drop(db);
    steer(portal, by, id, &Act::of(Wanted::Gone, "host.removed", "")).await
}

/// What is done with a host.
struct Act<'a> {
    wanted: Wanted,
    action: &'static str,
    reason: &'a str,
    consent: Consent,
}

impl<'a> Act<'a> {
    fn of(wanted: Wanted, action: &'static str, reason: &'a str) -> Self {
        Self { wanted, action, reason, consent: Consent::None }
    }
}

async fn steer(portal: &Portal, by: &Actor, id: HostId, act: &Act<'_>) -> Result<(), HostError> {
    let &Act { wanted, action, reason, consent } = act;
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    // Locked as for a placement: what is being placed on it now is there before, and nothing after.
    let loads = store::lock_loads(&mut tx).await.context("lock the hosts")?;
    let host: &Host = loads.iter().map(|load| &load.host).find(|host| host.id == id).ok_or(HostError::NotFound)?;
    if host.wanted == wanted {
        return Err(HostError::AlreadySo);
    }
    match (host.wanted, action) {
        (Wanted::Gone, _) if wanted != Wanted::Open => return Err(HostError::NotFound),
        (Wanted::Empty, CORDONED) => return Err(HostError::BeingEmptied),
        (Wanted::Open, DRAIN_CANCELLED) => return Err(HostError::AlreadySo),
        _ => {}
    }
    // Under the lock: of two hosts that are emptied at once the second one finds the first one closed, and what is just being
    // placed on one that is to go is seen.
    if wanted == Wanted::Empty {
        let preview = preview(&mut tx, id).await?;
        let (homeless, lessened) = (preview.homeless(), preview.lessened());
        if homeless > 0 {
            return Err(HostError::NoRoom(homeless));
        }
        if lessened > 0 && consent == Consent::None {
            return Err(HostError::Lessened(lessened));
        }
    }
    if wanted == Wanted::Gone {
        let count = store::customers_on(&mut tx, id).await.context("count what is on the host")?;
        if count > 0 {
            return Err(HostError::NotEmpty(usize::try_from(count).unwrap_or(usize::MAX)));
        }
    }
    let may_have_fewer = consent == Consent::ToFewer;
    store::set_wanted(&mut tx, id, wanted, reason).await.context("write what is wanted of the host")?;
    store::set_may_have_fewer(&mut tx, id, may_have_fewer).await.context("write what was agreed to")?;
    let mut detail = json!({ "host": host.name });
    if may_have_fewer {
        detail["fewer"] = json!(true);
    }
    if !reason.is_empty() {
        detail["reason"] = json!(reason);
    }
    audit::record(&mut tx, by, audit::Entry::new(action).detail(detail), now).await?;
    db::wake(&mut tx).await.context("wake the worker")?;
    tx.commit().await.context("commit")?;
    Ok(())
}

fn checked(reason: &str) -> Result<&str, HostError> {
    let reason = reason.trim();
    if (3..=1000).contains(&reason.chars().count()) { Ok(reason) } else { Err(HostError::ReasonNeeded) }
}
