//! An account's months, rated from what the database knows. Invoices and pages ask here, and nowhere else.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::proof::Proof;
use super::store::{self, Stretch};
use super::{Carries, Charge, Charged, Facts, Owner, Pace, Parts, Rated, Segment, SoFar, Span, what_if};
use crate::base::ids::{AccountId, EnvironmentId, PeriodId, PlanVersionId};
use crate::base::money::Currency;
use crate::metering::rollup::{hour_of, whole_days};
use crate::plans::Meter;

/// Usage of the last days tells how an open period will go on.
const PACE_OF: TimeDelta = TimeDelta::days(7);

/// Which month of whom.
#[derive(Clone, Copy, Debug)]
pub struct Month<'a> {
    /// Whose.
    pub account: AccountId,
    /// In which currency it pays.
    pub currency: Currency,
    /// From its first instant until the next one's.
    pub period: Span,
    /// Some of its environments only, for a page about them: each costs the same as in the whole.
    pub only: Option<&'a [EnvironmentId]>,
}

/// Returns the time in which an account pays nothing, if it was given one: until it ended or will.
pub async fn trial(db: &mut PgConnection, account: AccountId) -> anyhow::Result<Option<Span>> {
    store::trial(db, account).await.context("read the trial")
}

/// Returns what a month costs, or costs so far while it is open.
pub async fn rate_account(db: &mut PgConnection, month: Month<'_>, now: DateTime<Utc>) -> anyhow::Result<Rated> {
    let (facts, _) = facts(db, month, now, By::Stretch).await?;
    let carries = store::carries(db, month.account, month.period.from).await.context("read what remains unbilled")?;
    Ok(super::rate(&facts, &carries)?)
}

/// Returns what each environment costs so far: what [`rate_account`] says, told as pages tell it. One that began this moment is
/// missing.
pub async fn environments_so_far(
    db: &mut PgConnection,
    month: Month<'_>,
    now: DateTime<Utc>,
) -> anyhow::Result<BTreeMap<EnvironmentId, SoFar>> {
    let (facts, _) = facts(db, month, now, By::Stretch).await?;
    let carries = store::carries(db, month.account, month.period.from).await.context("read what remains unbilled")?;
    let rated = super::rate(&facts, &carries)?;
    Ok(super::so_far(&facts, &rated)?)
}

/// Returns what a month costs so far, and what it will cost when everything goes on as it does: an estimate.
pub async fn forecast_account(
    db: &mut PgConnection,
    month: Month<'_>,
    now: DateTime<Utc>,
) -> anyhow::Result<(Rated, Rated)> {
    let (facts, lasting) = facts(db, month, now, By::Stretch).await?;
    let carries = store::carries(db, month.account, month.period.from).await.context("read what remains unbilled")?;
    let paces = paces(db, month, &lasting, now).await?;
    let so_far = super::rate(&facts, &carries)?;
    Ok((so_far, super::forecast(&facts, &lasting, &paces, &carries, now)?))
}

/// What an environment's month cost, and what it would have cost on other plans.
#[derive(Clone, Debug)]
pub struct Compared {
    /// On the plans that it was on. Without the trial, if there was one; by what is known today.
    pub was: Parts,
    /// The same on each of the versions that were asked for, as far as they are sold in the month's currency.
    pub would_be: BTreeMap<PlanVersionId, Parts>,
    /// For how many microseconds of the month it was there.
    pub micros: i128,
    /// On how many plan versions.
    pub versions: usize,
    /// Whether the trial reached into the month.
    pub had_trial: bool,
}

/// Returns what an environment's month would have cost on other plan versions; `None` when it was not there in that month.
pub async fn compare(
    db: &mut PgConnection,
    month: Month<'_>,
    environment: EnvironmentId,
    versions: &[PlanVersionId],
) -> anyhow::Result<Option<Compared>> {
    let month = Month { only: Some(&[environment]), ..month };
    let (facts, _) = facts(db, month, month.period.until, By::Stretch).await?;
    let ours: Vec<_> = facts.segments.iter().filter(|segment| segment.owner == Owner::Ours).collect();
    let spans: Vec<Span> = ours.iter().filter_map(|segment| segment.span.within(month.period)).collect();
    if spans.is_empty() {
        return Ok(None);
    }
    let mut carries =
        store::carries(db, month.account, month.period.from).await.context("read what remains unbilled")?;
    carries.retain(|(id, _), _| *id == environment);
    let tariffs = store::tariffs(db, versions, month.currency).await.context("read prices")?;
    let mut would_be = BTreeMap::new();
    for (version, tariff) in &tariffs {
        would_be.insert(*version, what_if::on_plan(&facts, &carries, (*version, tariff))?);
    }
    Ok(Some(Compared {
        was: what_if::as_it_was(&facts, &carries)?,
        would_be,
        micros: spans.iter().map(|span| span.micros()).sum(),
        versions: ours.iter().map(|segment| segment.plan_version).collect::<BTreeSet<_>>().len(),
        had_trial: facts.trial.is_some_and(|trial| spans.iter().any(|span| span.within(trial).is_some())),
    }))
}

/// Returns what is unbilled before a period: what corrections begin with.
pub async fn carries_before(db: &mut PgConnection, account: AccountId, period: Span) -> anyhow::Result<Carries> {
    store::carries(db, account, period.from).await.context("read what remains unbilled")
}

/// Returns the environments that a month and the corrections billed with it are about, in order.
pub async fn environments(
    db: &mut PgConnection,
    month: Month<'_>,
    corrected: &[(PeriodId, Month<'_>)],
) -> anyhow::Result<Vec<EnvironmentId>> {
    let from = corrected.iter().map(|(_, earlier)| earlier.period.from).fold(month.period.from, Ord::min);
    let closed: Vec<PeriodId> = corrected.iter().map(|(of, _)| *of).collect();
    let span = Span { from, until: month.period.until };
    store::environments(db, month.account, span, &closed).await.context("list what was on a plan")
}

/// What a month costs with the corrections billed with it.
#[derive(Debug)]
pub struct Costs {
    /// What earlier months cost more or less than was charged for them, oldest first; those without a difference are left out.
    pub corrections: Vec<(PeriodId, Rated)>,
    /// The month itself.
    pub rated: Rated,
}

/// The same, and the file that says so.
#[derive(Debug)]
pub struct Proved {
    /// What earlier months cost more or less than was charged for them, oldest first; those without a difference are left out.
    pub corrections: Vec<(PeriodId, Rated)>,
    /// The month itself.
    pub rated: Rated,
    /// All of it, with what it follows from.
    pub proof: Proof,
}

/// Rates a month, or some environments' part of it, after the `corrected` months, oldest first. `before` is what remained
/// unbilled; of another environment than these nothing is read. `currency` of an earlier month is the one that it was charged in.
pub async fn charge_account(
    db: &mut PgConnection,
    month: Month<'_>,
    corrected: &[(PeriodId, Month<'_>)],
    before: &Carries,
    now: DateTime<Utc>,
) -> anyhow::Result<Costs> {
    Ok(charge(db, month, (corrected, before), now, By::Stretch).await?.0)
}

/// The same, with the file that it is computed again with. Charges and file are made of the same hours, read once: the file
/// speaks of what was known when the charges were made, so both are to be kept together.
pub async fn prove_account(
    db: &mut PgConnection,
    month: Month<'_>,
    corrected: &[(PeriodId, Month<'_>)],
    before: &Carries,
    now: DateTime<Utc>,
) -> anyhow::Result<Proved> {
    let (Costs { corrections, rated }, ground) = charge(db, month, (corrected, before), now, By::Hour).await?;
    let proof = Proof::new(&ground.facts, &ground.before, &ground.corrections, &rated);
    Ok(Proved { corrections, rated, proof })
}

/// What a month's costs follow from.
struct Ground {
    before: Carries,
    /// Of each correction what is known, what was charged, and what it comes to.
    corrections: Vec<(Facts, Vec<Charge>, Rated)>,
    facts: Facts,
}

async fn charge(
    db: &mut PgConnection,
    month: Month<'_>,
    (corrected, before): (&[(PeriodId, Month<'_>)], &Carries),
    now: DateTime<Utc>,
    detail: By,
) -> anyhow::Result<(Costs, Ground)> {
    let is_ours = |environment: &EnvironmentId| month.only.is_none_or(|only| only.contains(environment));
    let before: Carries =
        before.iter().filter(|((environment, _), _)| is_ours(environment)).map(|(key, raw)| (*key, *raw)).collect();
    let (mut carries, mut corrections, mut told) = (before.clone(), Vec::new(), Vec::new());
    for (of, earlier) in corrected {
        let earlier = Month { only: month.only, ..*earlier };
        let (facts, charges) = facts_to_correct(db, earlier, *of, month.period.from, detail).await?;
        let more = super::correct(&facts, &Charged::new(&charges)?, &carries)?;
        carries.clone_from(&more.carries);
        if !more.charges.is_empty() {
            corrections.push((*of, more.clone()));
            told.push((facts, charges, more));
        }
    }
    let (facts, _) = facts(db, month, now, detail).await?;
    let rated = super::rate(&facts, &carries)?;
    Ok((Costs { corrections, rated }, Ground { before, corrections: told, facts }))
}

async fn facts_to_correct(
    db: &mut PgConnection,
    month: Month<'_>,
    of: PeriodId,
    billed_from: DateTime<Utc>,
    detail: By,
) -> anyhow::Result<(Facts, Vec<Charge>)> {
    let charges =
        store::charged(db, month.account, of, billed_from, month.only).await.context("read what was charged")?;
    let (mut facts, _) = facts(db, month, month.period.until, detail).await?;
    // Of what was charged and, as is known now, should not have been.
    let missing: BTreeSet<_> = charges.iter().map(|charge| charge.item.plan_version).collect();
    let missing: Vec<_> = missing.into_iter().filter(|id| !facts.tariffs.contains_key(id)).collect();
    if !missing.is_empty() {
        facts.tariffs.extend(store::tariffs(db, &missing, month.currency).await.context("read prices")?);
    }
    Ok((facts, charges))
}

/// How usage is read: both come to the same.
#[derive(Clone, Copy, Debug)]
enum By {
    /// Added up where nothing changed in between.
    Stretch,
    /// Each hour, for whoever computes it again.
    Hour,
}

/// Everything that is known of a month, cut at now; and which environments go on.
async fn facts(
    db: &mut PgConnection,
    month: Month<'_>,
    now: DateTime<Utc>,
    detail: By,
) -> anyhow::Result<(Facts, BTreeSet<EnvironmentId>)> {
    let known = Span { from: month.period.from, until: now.min(month.period.until) };
    let trial = trial(db, month.account).await?;
    let found = store::segments(db, month.account, known, month.only).await.context("read who was on which plan")?;
    let ours = |segment: &Segment| segment.owner == Owner::Ours;
    let lasting = found.iter().filter(|(it, is_open)| *is_open && ours(it)).map(|(it, _)| it.environment).collect();
    let segments: Vec<Segment> = found.into_iter().map(|(segment, _)| segment).collect();
    let usage = match detail {
        By::Stretch => store::usage(db, &stretches(&segments, trial, known)).await,
        By::Hour => {
            let whose: BTreeSet<_> = segments.iter().map(|segment| segment.environment).collect();
            store::hours(db, &whose.into_iter().collect::<Vec<_>>(), known).await
        }
    };
    let usage = usage.context("read the usage")?;
    let versions: BTreeSet<_> = segments.iter().filter(|it| ours(it)).map(|it| it.plan_version).collect();
    let versions: Vec<_> = versions.into_iter().collect();
    let tariffs = store::tariffs(db, &versions, month.currency).await.context("read prices")?;
    let (period, currency) = (month.period, month.currency);
    Ok((Facts { period, currency, segments, trial, usage, tariffs }, lasting))
}

/// Divides a time into stretches of whole hours in which an environment did not change, and the single hours in which it did.
fn stretches(segments: &[Segment], trial: Option<Span>, known: Span) -> Vec<Stretch> {
    let mut found: BTreeSet<(EnvironmentId, Span)> = BTreeSet::new();
    for segment in segments {
        let Some(span) = segment.span.within(known) else { continue };
        let mut bounds = vec![span.from, span.until];
        bounds.extend(
            trial.iter().flat_map(|trial| [trial.from, trial.until]).filter(|at| span.from < *at && *at < span.until),
        );
        bounds.sort_unstable();
        for pair in bounds.windows(2) {
            let (first, last) = (hour_of(pair[0]), hour_of(pair[1]));
            let from = if first == pair[0] { first } else { first + TimeDelta::hours(1) };
            if from < last {
                found.insert((segment.environment, Span { from, until: last }));
            }
        }
        for at in bounds {
            let from = hour_of(at);
            if from != at {
                found.insert((segment.environment, Span { from, until: from + TimeDelta::hours(1) }));
            }
        }
    }
    let stretch = |(environment, span): (EnvironmentId, Span)| Stretch {
        environment,
        span,
        days: whole_days(span.from, span.until),
    };
    found.into_iter().map(stretch).collect()
}

/// What environments used in the last days, and for how long they were there to use it.
async fn paces(
    db: &mut PgConnection,
    month: Month<'_>,
    lasting: &BTreeSet<EnvironmentId>,
    now: DateTime<Utc>,
) -> anyhow::Result<BTreeMap<(EnvironmentId, Meter), Pace>> {
    let recent = Span { from: hour_of(now - PACE_OF), until: now };
    let lasting: Vec<_> = lasting.iter().copied().collect();
    let found = store::segments(db, month.account, recent, Some(&lasting)).await.context("read the last days")?;
    let segments: Vec<Segment> = found.into_iter().map(|(it, _)| it).filter(|it| it.owner == Owner::Ours).collect();
    let mut micros: BTreeMap<EnvironmentId, i128> = BTreeMap::new();
    for segment in &segments {
        let lasted = segment.span.within(recent).map_or(0, Span::micros);
        *micros.entry(segment.environment).or_default() += lasted;
    }
    let mut paces: BTreeMap<(EnvironmentId, Meter), Pace> = BTreeMap::new();
    for used in
        store::usage(db, &stretches(&segments, None, recent)).await.context("read the usage of the last days")?
    {
        let micros = micros.get(&used.environment).copied().unwrap_or_default();
        let pace = paces.entry((used.environment, used.meter)).or_insert(Pace { raw: 0, micros });
        pace.raw += used.raw;
    }
    Ok(paces)
}
