//! Keeps each environment as its customer wants it: running, stopped, suspended or deleted.

pub mod act;
pub mod observe;
pub mod plan;
pub mod replicas;
pub mod rest;
pub mod status;
pub mod store;
pub mod troubles;
pub mod update;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use tokio::time::Instant;
use uuid::Uuid;

use crate::base::ids::EnvironmentId;
use crate::db::StoreError;
use crate::hosts::troubles::Kind;
use crate::hosts::{self, NoRoom};

use super::driver::{Outcome, Task};
use super::images::Wait;
use super::lease::Lease;
use super::templates::{self, Key};
use super::{Site, probe, store as turns};
use observe::Sight;
use plan::{Awaited, Next, Rest, Step, Wanted};
use replicas::plan::Next as Beside;
use status::{Circumstances, Told};
use store::Environment;

/// After this long without an answer an environment is said to be failing.
const HEALTHY_WITHIN: TimeDelta = TimeDelta::seconds(120);
/// How often an environment that is as wanted is looked at all the same.
const LOOK_EVERY: Duration = Duration::from_mins(1);
/// How often a starting container is looked at. With many at once it is longer, so that looking costs about the same.
const STARTING_EVERY: Duration = Duration::from_millis(25);
/// How often an update's container is looked at: nobody waits for it.
const UPDATE_EVERY: Duration = Duration::from_millis(400);
/// How often everything is looked at while a process boots.
const BOOTING_LOOK_EVERY: Duration = Duration::from_millis(1500);
/// How often an instance without room looks for some.
const ROOM_EVERY: Duration = Duration::from_millis(700);
/// How long a container is awaited before the engine is asked why it does not come.
const ASKED_AFTER: TimeDelta = TimeDelta::seconds(15);
/// How often it is asked about one environment.
const ASKED_EVERY: Duration = Duration::from_secs(10);
/// The longest time between two looks at a starting container.
const STARTING_AT_MOST: Duration = Duration::from_millis(400);

/// The task.
pub struct Environments {
    site: Arc<Site>,
    /// Who waited for a container, and when.
    waiting: Mutex<HashMap<Uuid, Instant>>,
    /// Of whom the engine was asked why no container comes, and when.
    asked: Mutex<HashMap<Uuid, Instant>>,
}

impl Environments {
    /// Makes the task.
    #[must_use]
    pub fn new(site: Arc<Site>) -> Self {
        Self { site, waiting: Mutex::default(), asked: Mutex::default() }
    }

    /// Writes down what was seen and decided, and tells people what is news to them.
    async fn report(&self, lease: &Lease, sight: &Sight, next: Next, told: Option<Told>) -> anyhow::Result<()> {
        let environment = &sight.environment;
        let told =
            told.filter(|told| environment.status != told.status || environment.status_reason != told.reason_value());
        if next == Next::Settled && told.is_none() && lease.unsettled_at.is_none() {
            return Ok(());
        }
        let is_news = told.is_some()
            || matches!(next, Next::Wait(Awaited::Sight | Awaited::LostDatabase))
            || next == Next::Settled;
        if !is_news {
            return Ok(());
        }
        let mut tx = lease.begin(&self.site.db).await?;
        if let Some(told) = &told {
            act::say(&self.site, &mut tx, environment, told).await?;
        }
        let seen = serde_json::json!({ "seen": format!("{:?}", sight.world), "next": format!("{next:?}") });
        turns::report(&mut tx, lease, &seen).await?;
        Ok(tx.commit().await?)
    }

    /// Tells people why a step failed, when it is something they can make sense of.
    async fn tell_failure(&self, lease: &Lease, sight: &Sight, error: &anyhow::Error) -> anyhow::Result<()> {
        let Some(reason) = status::reason_of(error) else { return Ok(()) };
        let environment = &sight.environment;
        let is_overdue = self.is_overdue(lease, sight);
        let status = match environment.status.as_str() {
            "ordered" | "preparing" if !is_overdue => "preparing",
            "starting" if !is_overdue => "starting",
            "waking" if !is_overdue => "waking",
            "stopping" => "stopping",
            "deleting" => "deleting",
            "running" | "asleep" => return Ok(()),
            _ if sight.wanted(&self.site.clock) == Wanted::Running => "failing",
            _ => return Ok(()),
        };
        let mut tx = lease.begin(&self.site.db).await?;
        act::say(&self.site, &mut tx, environment, &Told { status, reason: Some(reason) }).await?;
        Ok(tx.commit().await?)
    }

    /// Whether it takes longer than a healthy one does. The time in which its template was built does not count.
    fn is_overdue(&self, lease: &Lease, sight: &Sight) -> bool {
        let began_at = sight.runtime.as_ref().map(|runtime| runtime.personalised_at.unwrap_or(runtime.created_at));
        let since = began_at.map_or(lease.unsettled_since(), |began_at| began_at.max(lease.unsettled_since()));
        match sight.wait_since(since) {
            Wait::Since(since) => self.site.clock.now() - since > HEALTHY_WITHIN,
            Wait::Coming => false,
            Wait::Never => true,
        }
    }

    /// Returns how long nothing changes by itself.
    fn until_next_look(&self, sight: &Sight) -> Duration {
        let now = self.site.clock.now();
        let until = |at: Option<DateTime<Utc>>| at.and_then(|at| (at - now).to_std().ok());
        let usual = match (sight.world.rest, until(sight.ease.look_at)) {
            (Rest::Asleep, Some(pause)) => pause,
            (_, pause) => pause.unwrap_or(LOOK_EVERY).min(LOOK_EVERY),
        };
        until(sight.environment.purge_after).unwrap_or(usual).min(usual)
    }

    /// Returns how long nothing can be done about replicas.
    fn until_replicas(&self, sight: &Sight, beside: Beside) -> Duration {
        let retry = || {
            let at = sight.replicas.trouble.as_ref()?.retry_at;
            (at - self.site.clock.now()).to_std().ok()
        };
        match beside {
            Beside::Wait(replicas::plan::Awaited::Start) => UPDATE_EVERY,
            Beside::Wait(replicas::plan::Awaited::Retry) => retry().unwrap_or(ROOM_EVERY).clamp(ROOM_EVERY, LOOK_EVERY),
            _ => Duration::from_secs(1),
        }
    }

    /// Keeps for staff what keeps it from being as it is wanted, and forgets what is over.
    async fn explain(&self, lease: &Lease, sight: &Sight, next: Next) -> anyhow::Result<()> {
        let site = &self.site;
        if sight.killed.is_some() {
            troubles::note_memory(site, lease, sight).await?;
        }
        if next == Next::Settled && sight.environment.has_troubles {
            let mut tx = lease.begin(&site.db).await?;
            hosts::troubles::settle(&mut tx, sight.environment.id, &[Kind::Room, Kind::Engine]).await?;
            tx.commit().await?;
        }
        match &sight.runtime {
            Some(runtime) if troubles::is_awaited(next) && self.may_ask(lease) => {
                Box::pin(troubles::ask(site, lease, sight, runtime)).await
            }
            _ => Ok(()),
        }
    }

    /// Whether the engine is asked now why no container comes: one that is healthy is there before anybody asks.
    fn may_ask(&self, lease: &Lease) -> bool {
        if self.site.clock.now() - lease.unsettled_since() < ASKED_AFTER {
            return false;
        }
        let now = Instant::now();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.retain(|_, at| now.duration_since(*at) < ASKED_EVERY);
        let may = !asked.contains_key(&lease.subject);
        if may {
            asked.insert(lease.subject, now);
        }
        may
    }

    fn pause_of(&self, subject: Uuid, awaited: Awaited, is_overdue: bool) -> Outcome {
        match awaited {
            Awaited::Template => Outcome::Soon(Duration::from_millis(250)),
            Awaited::FailedTemplate => Outcome::Later(Duration::from_secs(5)),
            Awaited::Container if is_overdue => Outcome::Later(Duration::from_secs(3)),
            Awaited::Container => {
                let now = Instant::now();
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                waiting.insert(subject, now);
                waiting.retain(|_, at| now.duration_since(*at) < Duration::from_secs(2));
                let count = u32::try_from(waiting.len()).unwrap_or(u32::MAX);
                Outcome::Soon(STARTING_EVERY.saturating_mul(count).min(STARTING_AT_MOST))
            }
            Awaited::CrashingContainer => Outcome::Later(Duration::from_secs(2)),
            Awaited::LostDatabase => Outcome::Later(Duration::from_secs(30)),
            Awaited::Update | Awaited::Replicas => Outcome::Later(UPDATE_EVERY),
            Awaited::Sight | Awaited::Quiet | Awaited::Drained => Outcome::Later(Duration::from_secs(1)),
        }
    }
}

impl Task for Environments {
    const NAME: &'static str = "environments";
    const AT_ONCE: usize = 64;
    const LIMIT: Duration = Duration::from_mins(1);

    async fn refresh(&self, db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
        store::refresh(db, now).await
    }

    async fn turn(&self, lease: &Lease) -> anyhow::Result<Outcome> {
        let Some(sight) = look(&self.site, lease.subject).await? else { return Ok(Outcome::Over) };
        if sight.world.is_forgotten {
            return Ok(Outcome::Over);
        }
        let wanted = sight.wanted(&self.site.clock);
        let plain = plan::next(wanted, sight.world);
        let beside = sight.of_replicas(wanted, plain, self.site.clock.now());
        let next =
            if plain == Next::Settled && beside != Beside::Plain { Next::Wait(Awaited::Replicas) } else { plain };
        let is_overdue = self.is_overdue(lease, &sight);
        let circumstances = Circumstances {
            is_overdue,
            troubles: &sight.troubles,
            status: &sight.environment.status,
            shortage: sight.replicas.shortage(sight.environment.replicas),
            end: sight.end,
            absence: sight.absence(),
        };
        self.explain(lease, &sight, next).await?;
        // These steps say what they change in their own transaction.
        if !matches!(next, Next::Do(Step::Begin | Step::Open | Step::WakeUp | Step::Switch | Step::Forget)) {
            self.report(lease, &sight, next, status::tell(wanted, sight.world, next, circumstances)).await?;
        }
        if next == Next::Wait(Awaited::Template) && sight.environment.status == "ordered" {
            act::begin_to_wait(&self.site, lease, &sight.environment).await?;
        }
        if let Beside::Do(step) = beside {
            tracing::debug!(environment = %sight.environment.id, ?step, "takes a step for replicas");
            let taken = Box::pin(replicas::act::take(&self.site, lease, &sight, step)).await;
            taken.with_context(|| format!("replicas: {step:?}"))?;
            return Ok(Outcome::Again);
        }
        match next {
            Next::Wait(Awaited::Replicas) => Ok(Outcome::Later(self.until_replicas(&sight, beside))),
            Next::Do(step) => {
                tracing::debug!(environment = %sight.environment.id, ?step, "takes a step");
                if let Err(error) = Box::pin(act::take(&self.site, lease, &sight, step)).await {
                    self.tell_failure(lease, &sight, &error).await?;
                    if error.is::<NoRoom>() {
                        // Not a failure: a spare may be going, or another customer's instance.
                        return Ok(Outcome::Later(ROOM_EVERY));
                    }
                    return Err(error.context(format!("{step:?}")));
                }
                Ok(Outcome::Again)
            }
            Next::Wait(Awaited::Container) if !is_overdue && sight.booting.is_some() => {
                // Asking the process itself is much cheaper than looking at everything again.
                let host = self.site.public.instance_host(&sight.environment.subdomain);
                if let Some(address) = sight.booting {
                    probe::until_ready(address, &host, BOOTING_LOOK_EVERY).await;
                }
                Ok(Outcome::Again)
            }
            Next::Wait(Awaited::Quiet) => Ok(Outcome::Later(self.until_next_look(&sight))),
            Next::Wait(awaited) => Ok(self.pause_of(lease.subject, awaited, is_overdue)),
            Next::Settled => Ok(Outcome::Settled(self.until_next_look(&sight))),
        }
    }
}

/// Looks at an environment; `None` when there is none.
pub async fn look(site: &Site, subject: Uuid) -> anyhow::Result<Option<Sight>> {
    let id: EnvironmentId = subject.to_string().parse()?;
    let mut db = site.db.acquire().await.context("reach the control database")?;
    let Some(environment) = store::find(&mut db, id).await? else { return Ok(None) };
    drop(db);
    Ok(Some(Box::pin(observe::at(site, environment)).await?))
}

/// Returns which template an environment is cloned from.
async fn template_key(db: &mut PgConnection, environment: &Environment) -> anyhow::Result<Key> {
    let current =
        templates::store::current(db).await?.context("no image or database server is registered: run `sayoo setup`")?;
    Ok(Key::new(&current, &environment.language, &environment.country, &environment.apps))
}
