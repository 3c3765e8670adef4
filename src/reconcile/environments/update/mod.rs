//! Moves an environment to another image or other limits: a second service starts beside the first one, the name is led
//! there once it answers, and the first one goes when nobody is in the middle of anything there.
//!
//! The Swarm's own rolling update is not used: it ends the old container when the new process runs, not when the public
//! has been led to it, and takes a bad update back without telling why.

pub mod store;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::act;
use super::observe::{PasswordOf, Sight, Upstream, judge};
use super::plan::{Container, Move, Route};
use super::replicas;
use super::status::Told;
use super::store::{self as environments, Environment};
use super::troubles::said;
use crate::base::ids::{HostId, ImageId, PlanVersionId, RolloutId, UpdateId};
use crate::db;
use crate::environments::plan_changes;
use crate::hosts::placement::{Need, Siblings, Tenant};
use crate::hosts::troubles::{self, Kind};
use crate::hosts::{self, Placement, ReserveError};
use crate::reconcile::images::{self, Wait};
use crate::reconcile::lease::{Fenced, Lease};
use crate::reconcile::runtimes::{self, Runtime, Seen, look, provide};
use crate::reconcile::{Site, crash};

/// A container that does not answer within this time never will: with what is left to do, it is taken back within three
/// minutes.
pub(super) const ANSWERS_WITHIN: TimeDelta = TimeDelta::seconds(150);
/// How long its machine may fetch the image before another one is looked for.
const FETCHED_WITHIN: TimeDelta = TimeDelta::minutes(30);
/// How long proxies may need to tell that a request is still under way at the old container.
const TOLD_WITHIN: TimeDelta = TimeDelta::seconds(22);
/// Odoo ends any request after two minutes.
const ENDS_WITHIN: TimeDelta = TimeDelta::seconds(130);

/// An update's row, with what belongs to it.
#[derive(Clone, Debug)]
pub struct Update {
    /// Which one.
    pub id: UpdateId,
    /// The rollout that it is a part of.
    pub rollout: Option<RolloutId>,
    /// The image it leads to.
    pub image: ImageId,
    /// That image's content.
    pub digest: String,
    /// By which name every machine gets that image, when there is a registry.
    pub pinned: Option<String>,
    /// Whether its machine has that image, in the word of the table.
    pub supply: Option<String>,
    /// Since when.
    pub supply_since: Option<DateTime<Utc>>,
    /// The kind that the environment has then.
    pub kind: String,
    /// The machine that is to be left, when that is all that it is for.
    pub leaves: Option<HostId>,
    /// The plan it leads to, if that changes.
    pub plan_version: Option<PlanVersionId>,
    /// Where the second container has room.
    pub host: Option<HostId>,
    /// That machine's name in the Swarm.
    pub node: Option<String>,
    /// Whether the Swarm has lost it.
    pub is_lost: bool,
    /// Why there, for staff.
    pub explanation: Option<String>,
    /// Thousandths of a core.
    pub cpu_millis: i32,
    /// MiB of memory.
    pub memory_mb: i32,
    /// How far it is.
    pub state: String,
    /// The generation of the new service.
    pub generation: Option<i64>,
    /// Why it is being taken back.
    pub reason: Option<String>,
    /// When its container was begun.
    pub began_at: Option<DateTime<Utc>>,
    /// When the name was led to it.
    pub switched_at: Option<DateTime<Utc>>,
    /// When a request was last seen at a container that was to be left alone.
    pub leaving_at: Option<DateTime<Utc>>,
}

impl Update {
    /// Returns the runtime as it will be.
    fn candidate(&self, runtime: &Runtime) -> Runtime {
        Runtime {
            image: self.pinned.as_ref().unwrap_or(&self.digest).clone(),
            cpu_millis: self.cpu_millis,
            memory_mb: self.memory_mb,
            host: self.host,
            node: self.node.clone(),
            is_lost: self.is_lost,
            service_generation: self.generation.unwrap_or(1),
            service_slot: 1 - runtime.service_slot,
            ..runtime.clone()
        }
    }

    /// Returns the room that was set aside when it was asked for, and why there.
    fn set_aside(&self) -> Option<Placement> {
        let host = self.host?;
        let why = self.explanation.clone().unwrap_or_else(|| "room was set aside when it was asked for".to_owned());
        Some(Placement { host, explanation: why })
    }

    fn is_drained(&self, now: DateTime<Utc>) -> bool {
        self.switched_at.is_some_and(|switched_at| is_drained(switched_at, self.leaving_at, now))
    }
}

/// Whether nobody is in the middle of anything at a container from which the name was led away. `leaving_at` is when a
/// request was last seen at such a container.
#[must_use]
pub fn is_drained(led_away_at: DateTime<Utc>, leaving_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    let is_quiet = leaving_at.is_none_or(|at| at < now - TOLD_WITHIN);
    now >= led_away_at + ENDS_WITHIN || (now >= led_away_at + TOLD_WITHIN && is_quiet)
}

/// What was found of an update.
pub struct Under {
    /// Its row.
    pub update: Update,
    /// For the planner.
    pub step: Move,
    /// The new container that would serve.
    pub upstream: Option<Upstream>,
}

/// Looks at the environment's update, if it has one.
pub async fn look(site: &Site, environment: &Environment, runtime: &Runtime) -> anyhow::Result<Option<Under>> {
    if !environment.has_update {
        return Ok(None);
    }
    let mut db = site.db.acquire().await?;
    let Some(update) = store::find_open(&mut db, environment.id).await? else { return Ok(None) };
    let now = site.clock.now();
    let step = match update.state.as_str() {
        "waiting" => match update.rollout {
            Some(rollout) if !store::may_begin(&mut db, rollout, runs(environment, runtime)).await? => return Ok(None),
            _ => Move::Due,
        },
        // Its container cannot be seen, and nothing more can be asked of it.
        "starting" if update.is_lost => Move::Leaving,
        "starting" => {
            drop(db);
            let host = site.public.instance_host(&environment.subdomain);
            let candidate = update.candidate(runtime);
            let seen = Box::pin(look::service(site, &candidate)).await?;
            let (container, upstream) = judge(site, &seen, (&candidate, PasswordOf::Runtime), &[], &host).await;
            let began_at = update.began_at.unwrap_or(DateTime::UNIX_EPOCH);
            let supply = images::supply_of(update.supply.as_deref(), update.supply_since);
            let wait = images::wait_of(began_at, supply, &seen.containers, candidate.service_generation);
            let step = match wait {
                Wait::Never if seen.saw_containers => Move::WithoutImage,
                Wait::Coming if seen.saw_containers && now - began_at > FETCHED_WITHIN => Move::WithoutImage,
                _ => {
                    let is_overdue = matches!(wait, Wait::Since(at) if now - at > ANSWERS_WITHIN);
                    Move::Starting { service: seen.service, container, is_overdue }
                }
            };
            return Ok(Some(Under { update, step, upstream }));
        }
        "switched" => Move::Switched { is_drained: update.is_lost || update.is_drained(now) },
        _ => Move::Leaving,
    };
    Ok(Some(Under { update, step, upstream: None }))
}

/// Sets room aside for the new container, which begins then.
pub async fn begin(site: &Site, lease: &Lease, sight: &Sight, runtime: &Runtime) -> anyhow::Result<()> {
    let update = of(sight)?;
    let now = site.clock.now();
    crash::point("update-begin:before");
    let mut tx = lease.begin(&site.db).await?;
    if let Some(rollout) = update.rollout
        && !store::may_begin(&mut tx, rollout, true).await?
    {
        return Ok(());
    }
    let need = Need {
        cpu_millis: update.cpu_millis,
        memory_mb: update.memory_mb,
        tenant: Tenant::of_kind(Some(&update.kind)),
        not_on: None,
        image: Some(update.image),
    };
    // A customer's was set aside when it was asked for.
    let beside = sight.replicas.rows.iter().map(|row| row.host).collect();
    let siblings = Siblings { never: Vec::new(), rather_not: beside };
    let placement = match hosts::keep_room(&mut tx, update.set_aside().as_ref(), need, &siblings).await {
        Ok(placement) => placement,
        Err(ReserveError::NoRoom(why)) => return act::make_room(site, tx, sight, why).await,
        Err(error) => return Err(error.into()),
    };
    store::set_starting(&mut tx, update.id, &placement, runtime.service_generation + 1, now).await?;
    troubles::settle(&mut tx, sight.environment.id, &[Kind::Room]).await?;
    // On which machine it is means nothing to a customer as long as it serves.
    if update.leaves.is_none() {
        environments::add_event(&mut tx, sight.environment.id, "update.started", &json!({}), now).await?;
    }
    tx.commit().await?;
    crash::point("update-begin:after");
    Ok(())
}

/// Makes the new service.
pub async fn provide(site: &Site, lease: &Lease, sight: &Sight, runtime: &Runtime) -> anyhow::Result<()> {
    provide::put_service(site, lease, &of(sight)?.candidate(runtime)).await
}

/// Leads the name to the new container. From here on the old one only ends what it has begun.
pub async fn switch(site: &Site, lease: &Lease, sight: &Sight, runtime: &Runtime) -> anyhow::Result<()> {
    let update = of(sight)?;
    let environment = &sight.environment;
    let upstream = sight.update.as_ref().and_then(|under| under.upstream).context("switched without a container")?;
    let upstream = upstream.checked(&site.public.instance_host(&environment.subdomain)).await;
    let now = site.clock.now();
    crash::point("update-switch:before");
    let mut tx = lease.begin(&site.db).await?;
    let placement = Placement {
        host: update.host.context("an update without a machine")?,
        explanation: update.explanation.clone().unwrap_or_default(),
    };
    store::switch(&mut tx, update, runtime.id, &placement, now).await?;
    replicas::act::write_route(site, &mut tx, sight, &sight.replicas.beside(upstream)).await?;
    become_new(site, &mut tx, environment, update).await?;
    troubles::settle(&mut tx, environment.id, &[Kind::Move, Kind::Update]).await?;
    if update.plan_version.is_some() {
        troubles::settle(&mut tx, environment.id, &[Kind::Memory]).await?;
    }
    act::say(site, &mut tx, environment, &Told { status: "running", reason: None }).await?;
    crash::point("update-switch:middle");
    tx.commit().await?;
    crash::point("update-switch:after");
    Ok(())
}

/// Gives an environment that does not run its new image and size: its next start uses them.
pub async fn adopt(site: &Site, lease: &Lease, sight: &Sight, runtime: &Runtime) -> anyhow::Result<()> {
    let update = of(sight)?;
    let now = site.clock.now();
    let mut tx = lease.begin(&site.db).await?;
    if update.leaves.is_some() {
        // What does not run is on no machine, and its next start finds it one.
        store::end(&mut tx, update.id, "cancelled", now).await?;
        return Ok(tx.commit().await?);
    }
    store::adopt(&mut tx, update, runtime.id, sight.environment.first_ready_at.is_some()).await?;
    become_new(site, &mut tx, &sight.environment, update).await?;
    store::end(&mut tx, update.id, "done", now).await?;
    go_on(&mut tx, update.rollout, false, now).await?;
    tx.commit().await?;
    Ok(())
}

/// Takes an image back that was adopted and does not serve: the one that served last is started, and people are told why.
pub async fn put_back(site: &Site, lease: &Lease, sight: &Sight, runtime: &Runtime) -> anyhow::Result<()> {
    let now = site.clock.now();
    let id = sight.environment.id;
    let is_crashing = sight.world.runtime.is_some_and(|it| it.container == Seen::Known(Container::Crashing));
    let reason = if is_crashing { "reason-start-crashing" } else { "reason-start-unhealthy" };
    let mut tx = lease.begin(&site.db).await?;
    let Some((image, digest)) = store::put_back(&mut tx, runtime.id).await? else { return Ok(()) };
    let rollout = store::fail_adopted(&mut tx, (id, image), reason).await?;
    environments::add_event(&mut tx, id, "update.failed", &json!({ "reason": reason, "image": digest }), now).await?;
    go_on(&mut tx, rollout, true, now).await?;
    tx.commit().await?;
    Ok(())
}

async fn become_new(site: &Site, tx: &mut Fenced, environment: &Environment, update: &Update) -> anyhow::Result<()> {
    let now = site.clock.now();
    let kind = match (update.leaves, update.plan_version) {
        (Some(_), _) => "relocated",
        (None, Some(_)) => "plan.changed",
        (None, None) => "updated",
    };
    if let Some(version) = update.plan_version
        && let Some((from, to)) = plan_changes::put_on(tx, environment.id, version, now, now).await?
    {
        let detail = json!({ "from": from, "to": to, "why": "plan" });
        environments::add_event(tx, environment.id, "scaled", &detail, now).await?;
    }
    let detail = json!({ "plan_version": update.plan_version, "image": update.digest });
    environments::add_event(tx, environment.id, kind, &detail, now).await?;
    Ok(())
}

/// Removes the old service.
pub async fn remove_old(site: &Site, lease: &Lease, sight: &Sight, runtime: &Runtime) -> anyhow::Result<()> {
    let update = of(sight)?;
    provide::remove_service(site, &update.candidate(runtime)).await?;
    let now = site.clock.now();
    let mut tx = lease.begin(&site.db).await?;
    store::end(&mut tx, update.id, "done", now).await?;
    go_on(&mut tx, update.rollout, false, now).await?;
    lock_out(site, &mut tx, sight, update, runtime).await?;
    tx.commit().await?;
    crash::point("update-end:after");
    Ok(())
}

/// Decides that an update is taken back: for good because its container does not serve, or until the environment runs.
pub async fn leave(site: &Site, lease: &Lease, sight: &Sight, is_failed: bool) -> anyhow::Result<()> {
    let under = sight.update.as_ref().context("left without an update")?;
    let update = &under.update;
    let now = site.clock.now();
    let said = match (&sight.runtime, is_failed) {
        (Some(runtime), true) => said(site, &update.candidate(runtime)).await?,
        _ => None,
    };
    let mut tx = lease.begin(&site.db).await?;
    if is_failed {
        let reason = match under.step {
            Move::Starting { container: Seen::Known(Container::Crashing), .. } => "reason-update-crashing",
            _ => "reason-update-unhealthy",
        };
        store::set_leaving(&mut tx, update.id, "failing", Some(reason)).await?;
        let kind = if update.leaves.is_some() { Kind::Move } else { Kind::Update };
        troubles::note(&mut tx, sight.environment.id, kind, &explained(under.step, said), now).await?;
        let detail = json!({ "reason": reason, "image": update.digest });
        if update.leaves.is_none() {
            environments::add_event(&mut tx, sight.environment.id, "update.failed", &detail, now).await?;
        } else {
            tracing::warn!(environment = %sight.environment.id, reason, "does not come up on another machine");
        }
    } else {
        store::set_leaving(&mut tx, update.id, "withdrawing", None).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Says for staff why an update is taken back: how it was found, and what the engine said of it.
fn explained(step: Move, said: Option<String>) -> String {
    let seen = match step {
        Move::Starting { container: Seen::Known(Container::Crashing), .. } => "its container ended again and again",
        Move::Starting { container: Seen::Known(Container::Missing), .. } => "no container was started",
        _ => "its container did not answer in time",
    };
    said.map_or_else(|| seen.to_owned(), |said| format!("{seen}: {said}"))
}

/// Removes the new service of an update that is taken back.
pub async fn remove_new(site: &Site, lease: &Lease, sight: &Sight, runtime: &Runtime) -> anyhow::Result<()> {
    let update = of(sight)?;
    provide::remove_service(site, &update.candidate(runtime)).await?;
    let now = site.clock.now();
    let has_failed = update.state == "failing";
    let mut tx = lease.begin(&site.db).await?;
    if has_failed {
        store::end(&mut tx, update.id, "failed", now).await?;
        go_on(&mut tx, update.rollout, true, now).await?;
    } else if update.leaves.is_some() {
        store::end(&mut tx, update.id, "cancelled", now).await?;
    } else {
        store::set_waiting(&mut tx, update.id).await?;
    }
    lock_out(site, &mut tx, sight, update, runtime).await?;
    tx.commit().await?;
    Ok(())
}

/// When the machine of the container that goes is lost, the container may go on there: it is let into the database no more
/// before anything else is started. The one that serves has the same password, and gets another one too.
async fn lock_out(
    site: &Site,
    tx: &mut Fenced,
    sight: &Sight,
    update: &Update,
    runtime: &Runtime,
) -> anyhow::Result<()> {
    if !update.is_lost {
        return Ok(());
    }
    runtimes::store::bump(tx, runtime.id).await?;
    act::begin_rotation(site, tx, runtime).await?;
    if matches!(sight.world.route, Route::Serving | Route::Stale) {
        act::close_for_loss(site, tx, sight).await?;
    }
    Ok(())
}

async fn go_on(
    tx: &mut Fenced,
    rollout: Option<RolloutId>,
    has_failed: bool,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    if let Some(rollout) = rollout {
        store::go_on(tx, rollout, has_failed, now).await?;
        db::wake(tx).await?;
    }
    Ok(())
}

fn runs(environment: &Environment, runtime: &Runtime) -> bool {
    environment.wanted == "running" && !environment.is_suspended && runtime.asleep_since.is_none()
}

fn of(sight: &Sight) -> anyhow::Result<&Update> {
    Ok(&sight.update.as_ref().context("there is no update")?.update)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_container_goes_when_all_proxies_could_tell_and_none_did_or_when_odoo_has_ended_everything() {
        let at = |second: i64| DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap();
        let mut update = Update {
            id: UpdateId::new(at(0)),
            rollout: None,
            image: ImageId::new(at(0)),
            digest: String::new(),
            pinned: None,
            supply: None,
            supply_since: None,
            kind: "test".to_owned(),
            leaves: None,
            plan_version: None,
            host: None,
            node: None,
            is_lost: false,
            explanation: None,
            cpu_millis: 1,
            memory_mb: 1,
            state: "switched".to_owned(),
            generation: Some(2),
            reason: None,
            began_at: Some(at(-5)),
            switched_at: Some(at(0)),
            leaving_at: None,
        };
        assert!(!update.is_drained(at(21)));
        assert!(update.is_drained(at(22)));
        update.leaving_at = Some(at(15));
        assert!(!update.is_drained(at(30)), "a request was under way a moment ago");
        assert!(update.is_drained(at(38)));
        update.leaving_at = Some(at(129));
        assert!(!update.is_drained(at(129)));
        assert!(update.is_drained(at(130)), "Odoo has ended it by now");
    }
}
