//! What an open period will cost if everything goes on as it does: an estimate, never a charge. Pure.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use super::{Carries, Facts, Owner, Rated, RatingError, Span, Usage, rate};
use crate::base::ids::EnvironmentId;
use crate::plans::Meter;

/// How fast something was used of late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// So much, in raw units …
    pub raw: i128,
    /// … in so many microseconds.
    pub micros: i128,
}

/// Returns what a whole period will cost: `facts` are those of now, `lasting` the environments that are not at their end, `paces`
/// what they used of late. The base price and what is included are of the whole period; usage goes on at its pace.
pub fn forecast(
    facts: &Facts,
    lasting: &BTreeSet<EnvironmentId>,
    paces: &BTreeMap<(EnvironmentId, Meter), Pace>,
    carries: &Carries,
    now: DateTime<Utc>,
) -> Result<Rated, RatingError> {
    let until = facts.period.until;
    if now >= until {
        return rate(facts, carries);
    }
    let mut facts = facts.clone();
    let newest = |environment: EnvironmentId, facts: &Facts| {
        let own = facts.segments.iter().enumerate().filter(|(_, segment)| segment.environment == environment);
        own.max_by_key(|(_, segment)| segment.span).filter(|(_, it)| it.owner == Owner::Ours).map(|(number, _)| number)
    };
    let lasting: BTreeSet<EnvironmentId> = lasting
        .iter()
        .copied()
        .filter(|id| {
            newest(*id, &facts).is_some_and(|number| {
                let segment = &mut facts.segments[number];
                segment.span.until = segment.span.until.max(until);
                true
            })
        })
        .collect();
    // The hour of now has its own row already.
    let from = now.duration_trunc(TimeDelta::hours(1)).map_or(now, |hour| hour + TimeDelta::hours(1));
    let rest = Span { from, until };
    let left = Span { from: now.max(facts.period.from), until }.micros();
    for ((environment, meter), pace) in paces {
        if lasting.contains(environment) && pace.micros > 0 && rest.from < rest.until {
            let raw = pace.raw.checked_mul(left).ok_or(RatingError::TooLarge)? / pace.micros;
            facts.usage.push(Usage { environment: *environment, meter: *meter, span: rest, raw });
        }
    }
    rate(&facts, carries)
}
