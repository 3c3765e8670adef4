//! Takes one step for the replicas of one environment. Every step may be repeated and may be cut off anywhere.

use anyhow::Context;
use serde_json::json;

use super::plan::{Step, Why};
use super::{Replica, store};
use crate::base::ids::ReplicaId;
use crate::base::secret::Secret;
use crate::hosts::placement::{Need, Siblings, Tenant};
use crate::hosts::{self, ReserveError};
use crate::reconcile::environments::observe::{Sight, Upstream};
use crate::reconcile::environments::{act, store as environments, troubles};
use crate::reconcile::lease::{Fenced, Lease};
use crate::reconcile::runtimes::{Runtime, provide};
use crate::reconcile::{Site, crash};

/// What people read when no other machine has room.
pub const NO_ROOM: &str = "reason-replicas-no-room";
/// What people read when one does not serve.
pub const UNHEALTHY: &str = "reason-replicas-unhealthy";

/// Takes the step.
pub async fn take(site: &Site, lease: &Lease, sight: &Sight, step: Step) -> anyhow::Result<()> {
    // A worker that was held up must not act on what it saw long ago.
    lease.hold(&site.db, &site.clock).await?;
    let runtime = sight.runtime.as_ref().context("replicas without a runtime")?;
    match step {
        Step::Lead => lead(site, lease, sight).await,
        Step::Add => add(site, lease, sight, runtime).await,
        Step::Provide(place) => {
            let row = at(sight, place)?;
            provide::provide_replica(site, lease, &row.of(runtime), &password(site, row.id).await?).await
        }
        Step::Admit(place) => admit(site, lease, sight, place).await,
        Step::Leave(place, why) => leave(site, lease, sight, place, why).await,
        Step::Remove(place) => remove(site, lease, sight, place).await,
        Step::Forgive => {
            let mut tx = lease.begin(&site.db).await?;
            store::forgive(&mut tx, runtime.id).await?;
            Ok(tx.commit().await?)
        }
    }
}

fn at(sight: &Sight, place: usize) -> anyhow::Result<&Replica> {
    sight.replicas.rows.get(place).context("there is no such replica")
}

fn place_of(id: ReplicaId) -> String {
    format!("replica_secrets/{id}")
}

/// Returns the password of a replica's login role.
pub async fn password(site: &Site, id: ReplicaId) -> anyhow::Result<Secret<String>> {
    let mut db = site.db.acquire().await.context("reach the control database")?;
    let sealed = store::password_sealed(&mut db, id).await?.context("the replica has no password")?;
    let plain = site.key.open(&place_of(id), &sealed)?;
    Ok(Secret::new(String::from_utf8(plain).context("the password is no text")?))
}

/// Leads the name to what serves, and keeps where that is.
async fn lead(site: &Site, lease: &Lease, sight: &Sight) -> anyhow::Result<()> {
    let host = site.public.instance_host(&sight.environment.subdomain);
    let upstreams = match sight.upstream {
        Some(first) => sight.replicas.beside(first.checked(&host).await),
        None => sight.replicas.serving(),
    };
    crash::point("replica-lead:before");
    let mut tx = lease.begin(&site.db).await?;
    write_route(site, &mut tx, sight, &upstreams).await?;
    tx.commit().await?;
    crash::point("replica-lead:after");
    Ok(())
}

/// Leads the name to these, and keeps where each replica among them is.
pub async fn write_route(site: &Site, tx: &mut Fenced, sight: &Sight, upstreams: &[Upstream]) -> anyhow::Result<()> {
    let replicas = &sight.replicas;
    for ((row, member), upstream) in replicas.rows.iter().zip(&replicas.members).zip(&replicas.upstreams) {
        if let Some(upstream) = super::upstream_of(row, member, *upstream) {
            set_serving(site, tx, row, upstream).await?;
        }
    }
    act::lead_to(site, tx, &sight.environment, upstreams).await
}

async fn set_serving(site: &Site, tx: &mut Fenced, row: &Replica, upstream: Upstream) -> anyhow::Result<()> {
    let websocket = upstream.websocket.map(|address| address.to_string());
    let address = upstream.address.to_string();
    store::set_serving(tx, row.id, &address, websocket.as_deref(), site.clock.now()).await?;
    Ok(())
}

/// Sets room aside for another one, apart from the others; or notes that there is none.
async fn add(site: &Site, lease: &Lease, sight: &Sight, runtime: &Runtime) -> anyhow::Result<()> {
    let environment = &sight.environment;
    let now = site.clock.now();
    crash::point("replica-add:before");
    let mut tx = lease.begin(&site.db).await?;
    let mut siblings = Siblings {
        never: runtime.host.into_iter().collect(),
        rather_not: store::hosts_of_update(&mut tx, environment.id).await?,
    };
    for (row, member) in sight.replicas.rows.iter().zip(&sight.replicas.members) {
        // What another one replaces, or what goes already, may share its machine with it for a moment.
        let hosts = if member.is_good() { &mut siblings.never } else { &mut siblings.rather_not };
        hosts.push(row.host);
    }
    let need = Need {
        cpu_millis: runtime.cpu_millis,
        memory_mb: runtime.memory_mb,
        tenant: Tenant::of_kind(Some(&environment.kind)),
        not_on: None,
        image: hosts::store::find_claim(&mut tx, runtime.id).await?.and_then(|claim| claim.need.image),
    };
    let placement = match hosts::take_room_apart(&mut tx, need, &siblings).await {
        Ok(placement) => placement,
        Err(ReserveError::NoRoom(why)) => {
            troubles::make_room(&mut tx, &why.spares).await?;
            note(site, &mut tx, sight, (NO_ROOM, &why.to_string())).await?;
            return Ok(tx.commit().await?);
        }
        Err(error) => return Err(error.into()),
    };
    let id = ReplicaId::new(now);
    let password_sealed = site.key.seal(&place_of(id), provide::new_password().expose().as_bytes());
    let new =
        store::NewReplica { id, runtime: runtime.id, placement: &placement, password_sealed: &password_sealed, now };
    store::insert(&mut tx, &new).await?;
    tx.commit().await?;
    crash::point("replica-add:after");
    Ok(())
}

/// Notes why some are missing; people are told once.
async fn note(site: &Site, tx: &mut Fenced, sight: &Sight, why: (&str, &str)) -> anyhow::Result<()> {
    let (environment, now) = (&sight.environment, site.clock.now());
    let runtime = sight.runtime.as_ref().context("replicas without a runtime")?;
    let is_news = store::note_trouble(tx, runtime.id, environment.replicas, why, now).await?;
    let running = usize::from(sight.upstream.is_some()) + sight.replicas.serving().len();
    if is_news && running < usize::try_from(environment.replicas).unwrap_or(0) {
        let detail = json!({ "reason": why.0, "wanted": environment.replicas, "running": running });
        environments::add_event(tx, environment.id, "replicas.short", &detail, now).await?;
    }
    Ok(())
}

/// Sends the public to one that answers.
async fn admit(site: &Site, lease: &Lease, sight: &Sight, place: usize) -> anyhow::Result<()> {
    let row = at(sight, place)?;
    let environment = &sight.environment;
    let host = site.public.instance_host(&environment.subdomain);
    let arriving = sight.replicas.arriving(place).context("admitted without a container")?.checked(&host).await;
    let mut upstreams = match sight.upstream {
        Some(first) => sight.replicas.beside(first.checked(&host).await),
        None => sight.replicas.serving(),
    };
    upstreams.push(arriving);
    let now = site.clock.now();
    crash::point("replica-admit:before");
    let mut tx = lease.begin(&site.db).await?;
    set_serving(site, &mut tx, row, arriving).await?;
    if let Some(runtime) = &sight.runtime {
        hosts::store::set_replica_served(&mut tx, (runtime.id, row.number), now).await?;
    }
    write_route(site, &mut tx, sight, &upstreams).await?;
    if upstreams.len() == usize::try_from(environment.replicas).unwrap_or(0) {
        let detail = json!({ "running": upstreams.len() });
        environments::add_event(&mut tx, environment.id, "replicas.reached", &detail, now).await?;
    }
    tx.commit().await?;
    crash::point("replica-admit:after");
    Ok(())
}

/// Sends the public to one no more. What it has begun it may end.
async fn leave(site: &Site, lease: &Lease, sight: &Sight, place: usize, why: Why) -> anyhow::Result<()> {
    let row = at(sight, place)?;
    let environment = &sight.environment;
    let now = site.clock.now();
    let others = sight.replicas.serving_without(place) + usize::from(sight.upstream.is_some());
    crash::point("replica-leave:before");
    let mut tx = lease.begin(&site.db).await?;
    store::set_leaving(&mut tx, row.id, now).await?;
    if let Some(address) = &row.address {
        // Only this one is taken away: what cannot be seen now may serve all the same.
        environments::remove_upstream(&mut tx, environment.id, address, row.websocket.as_deref(), now).await?;
    }
    match why {
        Why::Failed => note(site, &mut tx, sight, (UNHEALTHY, "its container does not serve")).await?,
        Why::Lost => {
            let detail = json!({ "reason": "reason-host-lost" });
            environments::add_event(&mut tx, environment.id, "replica.lost", &detail, now).await?;
        }
        Why::Surplus if others == usize::try_from(environment.replicas).unwrap_or(0) => {
            let detail = json!({ "running": others });
            environments::add_event(&mut tx, environment.id, "replicas.reached", &detail, now).await?;
        }
        // That there is no room was told when it was no shortage yet.
        Why::Forgone => {
            let detail = json!({ "reason": NO_ROOM, "wanted": environment.replicas, "running": others });
            environments::add_event(&mut tx, environment.id, "replicas.short", &detail, now).await?;
        }
        Why::Surplus | Why::Replaced => {}
    }
    tx.commit().await?;
    crash::point("replica-leave:after");
    Ok(())
}

/// Puts one off the database, removes it and gives its room back.
async fn remove(site: &Site, lease: &Lease, sight: &Sight, place: usize) -> anyhow::Result<()> {
    let row = at(sight, place)?;
    let runtime = sight.runtime.as_ref().context("replicas without a runtime")?;
    provide::remove_replica(site, &row.of(runtime)).await?;
    let mut tx = lease.begin(&site.db).await?;
    store::delete(&mut tx, row.id).await?;
    tx.commit().await?;
    crash::point("replica-remove:after");
    Ok(())
}
