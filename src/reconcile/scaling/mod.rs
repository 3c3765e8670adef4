//! Follows the rules that people set for the number of containers: looks at what was used, once a minute, and decides.
//!
//! It changes a wish and nothing else: the environment's own turns make containers and remove them.

pub mod store;

use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use crate::accounts::letters::SendLetter;
use crate::accounts::people;
use crate::base::clock::Clock;
use crate::base::ids::EnvironmentId;
use crate::base::money::Money;
use crate::db::StoreError;
use crate::environments::scaling::rule::{self, Decision, Moment, Purse, Stay};
use crate::environments::scaling::{self, Rule, Standing, cost_of};
use crate::environments::{self, history};
use crate::plans::{self, cost};

use super::driver::{Outcome, Task};
use super::lease::{Fenced, Lease};
use super::store::report;

/// As often as numbers come.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// A container of which nothing was heard for longer is not known to be calm: two samplings and some more.
const HEARD_WITHIN: TimeDelta = TimeDelta::seconds(150);

/// The task.
pub struct Scaling {
    db: PgPool,
    clock: Clock,
}

impl Scaling {
    /// Makes the task.
    #[must_use]
    pub fn new(db: PgPool, clock: Clock) -> Self {
        Self { db, clock }
    }
}

impl Task for Scaling {
    const NAME: &'static str = "scaling";
    const AT_ONCE: usize = 4;
    const LIMIT: Duration = Duration::from_secs(10);

    async fn refresh(&self, db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
        store::refresh(db, now).await
    }

    async fn turn(&self, lease: &Lease) -> anyhow::Result<Outcome> {
        let id: EnvironmentId = lease.subject.to_string().parse()?;
        let now = self.clock.now();
        // The lease and the environment are locked until the decision is written: nobody decides beside it.
        let mut tx = lease.begin(&self.db).await?;
        let found = scaling::lock_of_any_account(&mut tx, id).await?;
        let Some(standing) = found.filter(|standing| !standing.is_going) else { return Ok(Outcome::Over) };
        let Some(rule) = standing.rule.clone().filter(|rule| rule.is_on) else { return Ok(Outcome::Over) };
        if !standing.is_running {
            // What does not run costs nothing and needs nothing.
            store::count(&mut tx, id, store::Counted { began_at: None, seconds: 0, until: now }).await?;
            tx.commit().await?;
            return Ok(Outcome::Settled(LOOK_EVERY));
        }
        let purse = purse(&mut tx, &standing, &rule, now).await?;
        let moment = Moment {
            replicas: standing.replicas,
            most: standing.most,
            serving: standing.serving,
            unchanged_for: standing.scaled_at.map(|at| now - at),
            load: store::load(&mut tx, id, (rule.window, HEARD_WITHIN), now).await?,
            purse: purse.as_ref().map(|purse| purse.rule),
        };
        let decision = rule::decide(&rule, &moment);
        let word = match decision {
            Decision::Go { to, why } => {
                scaling::apply_rule(&mut tx, &standing, to, why, now).await?;
                why.code()
            }
            Decision::Stay(stay) => {
                if let (Stay::Budget, Some(purse)) = (stay, &purse) {
                    tell(&mut tx, &standing, purse, now).await?;
                }
                stay.code()
            }
        };
        report(&mut tx, lease, &json!({ "decided": word, "wanted": standing.replicas, "serving": standing.serving }))
            .await?;
        tx.commit().await?;
        Ok(Outcome::Settled(LOOK_EVERY))
    }
}

/// What the rule may still spend this month, and who knows.
struct Spending {
    rule: Purse,
    budget: Money,
    told: Option<i64>,
}

/// Counts what the rule added since the last look, and returns what that leaves of a budget.
async fn purse(
    tx: &mut Fenced,
    standing: &Standing,
    rule: &Rule,
    now: DateTime<Utc>,
) -> anyhow::Result<Option<Spending>> {
    let terms = store::terms(tx, standing.id).await?;
    let (month_began, _) = cost::month(now, terms.zone);
    let last = terms.counted_at.filter(|at| *at >= terms.since);
    let from = last.unwrap_or(now).clamp(month_began.min(now), now);
    let added = standing.replicas.min(standing.serving).saturating_sub(rule.minimum).max(0);
    let seconds = (now - from).num_seconds() * i64::from(added);
    let counted = store::Counted { began_at: Some(month_began), seconds, until: now };
    let month = store::count(tx, standing.id, counted).await?;
    let Some(budget) = rule.budget else { return Ok(None) };
    let (_, version) = plans::version(tx, terms.plan_version).await?.context("the plan of an environment exists")?;
    let an_hour = scaling::an_hour(&version, budget.currency);
    let spent = cost_of(month.container_seconds, an_hour);
    let rule = Purse { budget: budget.exact(), spent, an_hour };
    Ok(Some(Spending { rule, budget, told: month.told_minor }))
}

/// Tells whoever pays, once for each month and budget, that the rule adds no more.
async fn tell(tx: &mut Fenced, standing: &Standing, spending: &Spending, now: DateTime<Utc>) -> anyhow::Result<()> {
    let budget = spending.budget;
    if spending.told == Some(budget.minor) {
        return Ok(());
    }
    store::set_told(tx, standing.id, budget.minor).await?;
    let detail = json!({ "budget_minor": budget.minor, "currency": budget.currency });
    history::record(tx, standing.id, "scaling.budget", "", detail, now).await?;
    let instance = environments::find(tx, standing.account, standing.id).await?.context("it is locked")?.name;
    let letter = |user| SendLetter::BudgetUsed {
        user,
        environment: standing.id,
        instance: instance.clone(),
        budget_minor: budget.minor,
        currency: budget.currency,
    };
    people::write_to_payers(tx, standing.account, letter, now).await
}
