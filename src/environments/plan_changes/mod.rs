//! Puts an environment on another plan: records what is wanted and sets the room for it aside, in one transaction.

mod store;

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;

use super::{By, Environment, Status, Wanted, history};
use crate::base::ids::{EnvironmentId, PlanVersionId, RuntimeId, UpdateId};
use crate::hosts::placement::{Need, Tenant};
use crate::hosts::{self, Placement, ReserveError};
use crate::plans::{self, Plan, Version};
use crate::portal::Portal;
use crate::{audit, db};

/// Why an environment stays on its plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanChangeError {
    /// Something the customer can understand.
    #[error("the other plan was refused")]
    Refused(#[source] Refusal),
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// What stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is being deleted.
    #[error("the environment is being deleted")]
    BeingDeleted,
    /// Staff keep it from running.
    #[error("the environment is suspended")]
    Suspended,
    /// It is still being made.
    #[error("the environment is being made")]
    BeingMade,
    /// It is on that plan already.
    #[error("the environment is on that plan")]
    SamePlan,
    /// The plan is no longer sold in this version: its price may have changed since it was shown.
    #[error("the plan is not on offer")]
    PlanNotOffered,
    /// Another update has not ended.
    #[error("another update is under way")]
    UnderWay,
    /// No machine has room for it now.
    #[error("no machine has room")]
    NoRoom,
}

impl From<Refusal> for PlanChangeError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Whether an environment has an update that has not ended.
pub async fn is_under_way(db: &mut PgConnection, environment: &Environment) -> anyhow::Result<bool> {
    store::has_open(db, environment.account, environment.id).await.context("look for an update")
}

/// Puts an environment on another plan. `None` when the account has no such environment.
///
/// The plan changes, and costs what it costs, once the new limits are in force; until then the old ones serve.
pub async fn change(
    portal: &Portal,
    by: &By,
    id: EnvironmentId,
    version: PlanVersionId,
) -> Result<Option<()>, PlanChangeError> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let Some(environment) = super::store::lock(&mut tx, by.account, id).await.context("lock an environment")? else {
        return Ok(None);
    };
    refuse(&environment, version)?;
    let (plan, offered) = match plans::version(&mut tx, version).await? {
        Some((plan, offered)) if plan.is_offered && plans::is_sold(&mut tx, version, now).await? => (plan, offered),
        _ => return Err(Refusal::PlanNotOffered.into()),
    };
    ask(&mut tx, &environment, (&plan, &offered), &by.name, now).await?;
    let detail = json!({ "plan": plan.code, "from": environment.plan_version, "to": version });
    history::record(&mut tx, id, "plan.asked", &by.name, detail.clone(), now).await?;
    let entry = audit::Entry::new("environment.plan-asked").account(by.account).environment(id).detail(detail);
    audit::record(&mut tx, &by.actor, entry, now).await?;
    db::wake(&mut tx).await.context("wake the worker")?;
    tx.commit().await.context("commit")?;
    Ok(Some(()))
}

/// Asks for the limits of another version, with the room for them. The caller has locked the environment.
pub(super) async fn ask(
    db: &mut PgConnection,
    environment: &Environment,
    (plan, offered): (&Plan, &Version),
    asked_by: &str,
    now: DateTime<Utc>,
) -> Result<(), PlanChangeError> {
    refuse(environment, offered.id)?;
    let (account, id) = (environment.account, environment.id);
    let Some((runtime, image)) = store::runtime(db, account, id).await.context("read the image")? else {
        return Err(Refusal::BeingMade.into());
    };
    if store::has_open(db, account, id).await.context("look for an update")? {
        return Err(Refusal::UnderWay.into());
    }
    let need = Need {
        cpu_millis: offered.resources.cpu_millis,
        memory_mb: offered.resources.memory_mb,
        tenant: Tenant::of_kind(Some(plan.kind.code())),
        not_on: None,
        image: Some(image),
    };
    // What does not run needs no second container: it gets its room when it starts.
    let runs = environment.wanted == Wanted::Running && environment.status != Status::Asleep;
    let placement = if runs { Some(room(db, runtime, need).await?) } else { None };
    let placement = placement.as_ref();
    let new = store::NewUpdate {
        id: UpdateId::new(now),
        environment: id,
        image,
        version: offered.id,
        placement,
        need,
        asked_by,
    };
    store::insert(db, &new, now).await.context("insert an update")?;
    Ok(())
}

/// Puts an environment on a version: it is charged on it from `since` on. Whoever calls this has seen to it that its limits are
/// in force. Returns how many containers were wanted and how many are, where the version allows fewer.
pub async fn put_on(
    db: &mut PgConnection,
    id: EnvironmentId,
    version: PlanVersionId,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> anyhow::Result<Option<(i32, i32)>> {
    store::set_plan(db, id, version, (since, now)).await.context("put an environment on a plan")
}

fn refuse(environment: &Environment, version: PlanVersionId) -> Result<(), Refusal> {
    if matches!(environment.wanted, Wanted::Deleted { .. }) {
        return Err(Refusal::BeingDeleted);
    }
    if environment.suspension.is_some() {
        return Err(Refusal::Suspended);
    }
    if environment.first_ready_at.is_none() {
        return Err(Refusal::BeingMade);
    }
    if environment.plan_version == version { Err(Refusal::SamePlan) } else { Ok(()) }
}

/// Sets room aside, apart from its replicas. What spares take is room: they go before anything begins there.
async fn room(db: &mut PgConnection, runtime: RuntimeId, need: Need) -> Result<Placement, PlanChangeError> {
    match hosts::set_room_aside(db, runtime, need).await {
        Ok(placement) => Ok(placement),
        Err(ReserveError::NoRoom(why)) => {
            tracing::info!(%why, "no room for another plan");
            Err(Refusal::NoRoom.into())
        }
        Err(error) => Err(anyhow::Error::new(error).context("set room aside").into()),
    }
}
