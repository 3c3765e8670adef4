//! Segments of a period cut into parts, and usage shared out among them. Pure.

use std::collections::BTreeMap;

use super::{Facts, Item, Owner, RatingError, Segment, Span, Usage};
use crate::base::ids::EnvironmentId;
use crate::plans::Meter;

/// A stretch of time of one item; of none when it is another account's.
#[derive(Clone, Copy, Debug)]
struct Part {
    span: Span,
    item: Option<Item>,
}

/// What an item is rated by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pool {
    /// Of what.
    pub item: Item,
    /// From its first instant until its last one.
    pub span: Span,
    /// How long it lasted in all, in microseconds.
    pub active: i128,
    /// What was used, in raw units; above zero.
    pub used: BTreeMap<Meter, i128>,
}

/// Returns the items of a period with their usage, by environment and first instant.
pub(super) fn pools(facts: &Facts) -> Result<Vec<Pool>, RatingError> {
    let hour = 3_600_000_000;
    let bounds = [facts.period.from, facts.period.until];
    if facts.period.micros() <= 0 || bounds.iter().any(|at| at.timestamp_micros() % hour != 0) {
        return Err(RatingError::BadPeriod);
    }
    let parts = parts(facts)?;
    let mut pools: BTreeMap<Item, Pool> = BTreeMap::new();
    for Part { span, item } in parts.values().flatten() {
        let Some(item) = *item else { continue };
        let pool = pools.entry(item).or_insert_with(|| Pool { item, span: *span, active: 0, used: BTreeMap::new() });
        pool.span.until = span.until;
        pool.active += span.micros();
    }
    for ((environment, meter, span), raw) in added_up(facts)? {
        for (item, share) in shares(parts.get(&environment).map_or(&[], Vec::as_slice), span, raw)? {
            if share == 0 {
                continue;
            }
            let Some(pool) = pools.get_mut(&item) else { continue };
            let used = pool.used.entry(meter).or_default();
            *used = used.checked_add(share).ok_or(RatingError::TooLarge)?;
        }
    }
    let mut pools: Vec<Pool> = pools.into_values().collect();
    pools.sort_by_key(|pool| (pool.item.environment, pool.span.from));
    Ok(pools)
}

/// The parts of each environment, in the order of time.
fn parts(facts: &Facts) -> Result<BTreeMap<EnvironmentId, Vec<Part>>, RatingError> {
    let mut parts: BTreeMap<EnvironmentId, Vec<Part>> = BTreeMap::new();
    for segment in &facts.segments {
        if let Some(within) = segment.span.within(facts.period) {
            parts.entry(segment.environment).or_default().extend(cut(segment, within, facts.trial));
        }
    }
    for (environment, parts) in &mut parts {
        parts.sort_by_key(|part| part.span);
        if parts.windows(2).any(|pair| pair[0].span.until > pair[1].span.from) {
            return Err(RatingError::Overlap(*environment));
        }
    }
    Ok(parts)
}

/// What is before, in and after the trial.
fn cut(segment: &Segment, within: Span, trial: Option<Span>) -> impl Iterator<Item = Part> {
    let (begins, ends) = trial.filter(|trial| trial.from < trial.until).map_or((within.until, within.until), |trial| {
        (trial.from.clamp(within.from, within.until), trial.until.clamp(within.from, within.until))
    });
    let (environment, plan_version, owner) = (segment.environment, segment.plan_version, segment.owner);
    [(within.from, begins, false), (begins, ends, true), (ends, within.until, false)]
        .into_iter()
        .filter(|(from, until, _)| from < until)
        .map(move |(from, until, is_trial)| Part {
            span: Span { from, until },
            item: (owner == Owner::Ours).then_some(Item { environment, plan_version, is_trial }),
        })
}

type Stretch = (EnvironmentId, Meter, Span);

/// Usage of the period, each stretch once: what came in several rows is added up before it is shared out.
fn added_up(facts: &Facts) -> Result<BTreeMap<Stretch, i128>, RatingError> {
    let mut sums: BTreeMap<Stretch, i128> = BTreeMap::new();
    for Usage { environment, meter, span, raw } in &facts.usage {
        let Some(within) = span.within(facts.period) else { continue };
        if within != *span || *raw < 0 {
            return Err(RatingError::BadUsage(*environment));
        }
        let sum = sums.entry((*environment, *meter, *span)).or_default();
        *sum = sum.checked_add(*raw).ok_or(RatingError::TooLarge)?;
    }
    let keys: Vec<&Stretch> = sums.keys().collect();
    let overlapping = keys
        .windows(2)
        .find(|pair| (pair[0].0, pair[0].1) == (pair[1].0, pair[1].1) && pair[0].2.until > pair[1].2.from);
    match overlapping {
        Some(pair) => Err(RatingError::BadUsage(pair[0].0)),
        None => Ok(sums),
    }
}

/// Shares what was used in a stretch out among the parts that touch it, by how long they do.
///
/// Computed as differences of sums from the beginning, so that the shares add up to the whole exactly, and a part that is cut in
/// two gets what it would have got.
fn shares(parts: &[Part], span: Span, raw: i128) -> Result<Vec<(Item, i128)>, RatingError> {
    let first = parts.partition_point(|part| part.span.until <= span.from);
    let touching: Vec<(Option<Item>, i128)> =
        parts[first..].iter().map_while(|part| Some((part.item, part.span.within(span)?.micros()))).collect();
    let whole: i128 = touching.iter().map(|(_, lasts)| lasts).sum();
    let (mut reached, mut shared) = (0, 0);
    let mut shares = Vec::with_capacity(touching.len());
    for (item, lasts) in touching {
        reached += lasts;
        let until_then = raw.checked_mul(reached).ok_or(RatingError::TooLarge)? / whole;
        if let Some(item) = item {
            shares.push((item, until_then - shared));
        }
        shared = until_then;
    }
    Ok(shares)
}
