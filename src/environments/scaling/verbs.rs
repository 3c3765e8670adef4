//! Wants another number of containers, or another rule about it.

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::rule::Why;
use super::{Cause, Refusal, Rule, Scaled, ScalingError, Standing, Wish, store};
use crate::audit::{self, Actor};
use crate::base::ids::EnvironmentId;
use crate::base::money::Currency;
use crate::db;
use crate::environments::{By, history, orders};
use crate::portal::Portal;

/// Wants so many containers of the account's environment. `None` when there is no such environment. Asking twice is
/// the same as asking once.
///
/// With a rule that is on, the person's number is its minimum from then on: the rule may add to it and never goes below.
pub async fn scale(portal: &Portal, by: &By, id: EnvironmentId, number: i32) -> Result<Option<Scaled>, ScalingError> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let standing = store::lock_of_any_account(&mut tx, id).await.context("lock an environment")?;
    let Some(standing) = standing.filter(|standing| standing.account == by.account) else { return Ok(None) };
    let cause = Cause::Person { name: &by.name, reason: None };
    let scaled = by_person(&mut tx, &standing, number, (cause, &by.actor), now).await?;
    tx.commit().await.context("commit")?;
    Ok(Some(scaled))
}

/// The same for staff and for somebody at the machine, with a reason.
pub async fn scale_of_any_account(
    portal: &Portal,
    actor: &Actor,
    id: EnvironmentId,
    number: i32,
    reason: &str,
) -> Result<Option<Scaled>, ScalingError> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let Some(standing) = store::lock_of_any_account(&mut tx, id).await.context("lock an environment")? else {
        return Ok(None);
    };
    let cause = Cause::Person { name: "", reason: Some(reason).filter(|reason| !reason.is_empty()) };
    let scaled = by_person(&mut tx, &standing, number, (cause, actor), now).await?;
    tx.commit().await.context("commit")?;
    Ok(Some(scaled))
}

/// Wants what a rule decided, in the transaction that looked. Returns whether that is something new.
pub async fn apply_rule(
    db: &mut PgConnection,
    standing: &Standing,
    to: i32,
    why: Why,
    now: DateTime<Utc>,
) -> anyhow::Result<bool> {
    let is_new = standing.replicas != to;
    if is_new {
        change(db, standing, to, (Cause::Rule(why), &Actor::system()), now).await?;
    }
    Ok(is_new)
}

/// Sets the rule of the account's environment. `None` when there is no such environment.
///
/// A number outside of the bounds of a rule that is on is brought inside at once.
pub async fn set_rule(portal: &Portal, by: &By, id: EnvironmentId, wish: &Wish) -> Result<Option<()>, ScalingError> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let standing = store::lock_of_any_account(&mut tx, id).await.context("lock an environment")?;
    let Some(standing) = standing.filter(|standing| standing.account == by.account) else { return Ok(None) };
    let cause = Cause::Person { name: &by.name, reason: None };
    follow(&mut tx, &standing, wish, (cause, &by.actor), now).await?;
    tx.commit().await.context("commit")?;
    Ok(Some(()))
}

/// The same for staff, with a reason that only the audit log keeps.
pub async fn set_rule_of_any_account(
    portal: &Portal,
    actor: &Actor,
    id: EnvironmentId,
    wish: &Wish,
    reason: &str,
) -> Result<Option<()>, ScalingError> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let Some(standing) = store::lock_of_any_account(&mut tx, id).await.context("lock an environment")? else {
        return Ok(None);
    };
    let cause = Cause::Person { name: "", reason: Some(reason) };
    follow(&mut tx, &standing, wish, (cause, actor), now).await?;
    tx.commit().await.context("commit")?;
    Ok(Some(()))
}

/// Writes the rule, an event and an entry of the audit log, unless it is so already.
async fn follow(
    tx: &mut PgConnection,
    standing: &Standing,
    wish: &Wish,
    (cause, actor): (Cause<'_>, &Actor),
    now: DateTime<Utc>,
) -> Result<(), ScalingError> {
    let (id, account) = (standing.id, standing.account);
    let currency = orders::terms(tx, account).await?.currency;
    refuse_wish(standing, wish, currency)?;
    let before = standing.rule_or_usual();
    let rule = Rule {
        is_on: wish.is_on,
        minimum: wish.minimum,
        maximum: wish.maximum,
        target_percent: wish.target_percent,
        queue_percent: wish.queue_percent,
        pause_more: wish.pause_more,
        pause_fewer: wish.pause_fewer,
        budget: wish.budget,
        ..before.clone()
    };
    if rule == before && standing.rule.is_some() {
        return Ok(());
    }
    let (name, reason) = match cause {
        Cause::Person { name, reason } => (name, reason),
        Cause::Rule(_) => ("", None),
    };
    store::put_rule(tx, id, (&rule, currency), name, now).await.context("write the rule")?;
    let event = match (before.is_on, rule.is_on) {
        (false, true) => "scaling.on",
        (true, false) => "scaling.off",
        _ => "scaling.set",
    };
    let mut detail = told(&rule);
    history::record(tx, id, event, name, detail.clone(), now).await?;
    if let Some(reason) = reason {
        detail["reason"] = json!(reason);
    }
    let entry = audit::Entry::new("environment.scaling-set").account(account).environment(id).detail(detail);
    audit::record(tx, actor, entry, now).await?;
    let (low, high) = rule.bounds(standing.most);
    let inside = standing.replicas.clamp(low, high);
    if rule.is_on && inside != standing.replicas {
        change(tx, standing, inside, (Cause::Rule(Why::Bounds), actor), now).await?;
    }
    db::wake(tx).await.context("wake the worker")?;
    Ok(())
}

fn refuse_wish(standing: &Standing, wish: &Wish, currency: Currency) -> Result<(), Refusal> {
    // What is suspended keeps a rule: it decides nothing meanwhile.
    if standing.is_going {
        return Err(Refusal::BeingDeleted);
    }
    if wish.minimum < 1 {
        return Err(Refusal::TooFew);
    }
    if wish.maximum > standing.most || wish.minimum > standing.most {
        return Err(Refusal::BeyondPlan { most: standing.most });
    }
    if wish.minimum > wish.maximum {
        return Err(Refusal::Crossed);
    }
    if !(10..=95).contains(&wish.target_percent) {
        return Err(Refusal::Target);
    }
    if !(1..=100).contains(&wish.queue_percent) {
        return Err(Refusal::Queue);
    }
    if !Rule::is_pause(wish.pause_more) || !Rule::is_pause(wish.pause_fewer) {
        return Err(Refusal::Pause);
    }
    let is_budget = wish.budget.is_none_or(|budget| budget.minor >= 0 && budget.currency == currency);
    if is_budget { Ok(()) } else { Err(Refusal::Budget) }
}

fn told(rule: &Rule) -> Value {
    json!({
        "on": rule.is_on,
        "minimum": rule.minimum,
        "maximum": rule.maximum,
        "target_percent": rule.target_percent,
        "queue_percent": rule.queue_percent,
        "pause_more_minutes": rule.pause_more.num_minutes(),
        "pause_fewer_minutes": rule.pause_fewer.num_minutes(),
        "budget_minor": rule.budget.map(|budget| budget.minor),
    })
}

async fn by_person(
    tx: &mut PgConnection,
    standing: &Standing,
    number: i32,
    who: (Cause<'_>, &Actor),
    now: DateTime<Utc>,
) -> Result<Scaled, ScalingError> {
    standing.refuse_number(number)?;
    let has_moved = store::set_minimum(tx, standing.id, number).await.context("move the rule's minimum")?;
    if number != standing.replicas {
        change(tx, standing, number, who, now).await?;
    } else if has_moved {
        // The number was the rule's, and is a person's from now on.
        let (cause, actor) = who;
        let name = if let Cause::Person { name, .. } = cause { name } else { "" };
        let detail = json!({ "minimum": number });
        history::record(tx, standing.id, "scaling.set", name, detail.clone(), now).await?;
        let entry = audit::Entry::new("environment.scaling-set").account(standing.account).environment(standing.id);
        audit::record(tx, actor, entry.detail(detail), now).await?;
    }
    let is_minimum = standing.rule.as_ref().is_some_and(|rule| rule.is_on);
    Ok(Scaled { from: standing.replicas, to: number, is_minimum })
}

/// Writes the number, an event, an entry of the audit log, and wakes the worker.
async fn change(
    db: &mut PgConnection,
    standing: &Standing,
    to: i32,
    (cause, actor): (Cause<'_>, &Actor),
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let mut detail = json!({ "from": standing.replicas, "to": to });
    let name = match cause {
        Cause::Person { name, reason } => {
            if let Some(reason) = reason {
                detail["reason"] = json!(reason);
            }
            name
        }
        Cause::Rule(why) => {
            detail["why"] = json!(why.code());
            detail["percent"] = json!(why.percent());
            detail["minutes"] = json!(standing.rule_or_usual().window.num_minutes());
            ""
        }
    };
    store::set_replicas(db, standing.id, to, now).await.context("want another number of containers")?;
    let mut shown = detail.clone();
    // What staff write to each other is theirs.
    if let Some(shown) = shown.as_object_mut() {
        shown.remove("reason");
    }
    history::record(db, standing.id, "scaled", name, shown, now).await?;
    let entry = audit::Entry::new("environment.scaled").account(standing.account).environment(standing.id);
    audit::record(db, actor, entry.detail(detail), now).await?;
    db::wake(db).await.context("wake the worker")
}
