//! What more, or less, an earlier period costs by what is known now. Pure.
//!
//! What was charged stays. The difference is charged at the prices of then, from where the earlier charges ended, and its remainder
//! goes into the same running carry as everybody's: so nothing is lost, and nothing is charged twice.

use std::collections::BTreeMap;

use super::measure::{raw_per_step, steps};
use super::parts::{Pool, pools};
use super::rate::{Row, base, tariff, terms, with_carries};
use super::{Carries, Charge, Class, Facts, Item, Rated, RatingError, Span, What};
use crate::plans::Meter;

/// What was charged for a period up to now, in all revisions. What was in the trial is left out: it was not to be paid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Charged(BTreeMap<Item, ChargedItem>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct ChargedItem {
    span: Span,
    /// The newest one.
    revision: i32,
    base_minor: i64,
    meters: BTreeMap<Meter, ChargedMeter>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ChargedMeter {
    /// What was known to be used, and by which revision.
    used_raw: (i32, i128),
    /// Steps that were told as included.
    included: i128,
    /// Steps that were charged at each price, counted from 1.
    beyond: BTreeMap<i32, i128>,
    /// What it added to the running carry, in raw units.
    carried: i128,
}

impl ChargedMeter {
    fn beyond_steps(&self) -> Option<i128> {
        self.beyond.values().try_fold(0_i128, |sum, steps| sum.checked_add(*steps))
    }
}

impl Charged {
    /// Adds up charges of one period, in any order.
    pub fn new(charges: &[Charge]) -> Result<Self, RatingError> {
        let mut items: BTreeMap<Item, ChargedItem> = BTreeMap::new();
        for charge in charges.iter().filter(|charge| !charge.item.is_trial) {
            let item = items.entry(charge.item).or_insert_with(|| ChargedItem {
                span: charge.span,
                revision: 0,
                base_minor: 0,
                meters: BTreeMap::new(),
            });
            item.revision = item.revision.max(charge.revision);
            let Some(meter) = charge.what.meter() else {
                item.base_minor = item.base_minor.checked_add(charge.net.minor).ok_or(RatingError::TooLarge)?;
                continue;
            };
            let charged = item.meters.entry(meter).or_default();
            charged.used_raw = charged.used_raw.max((charge.revision, charge.used_raw));
            charged.carried += charge.carry_out_raw - charge.carry_in_raw;
            let steps = steps(meter, charge.quantity).ok_or(RatingError::TooLarge)?;
            let sum = match charge.what {
                What::Beyond(_, tier) => charged.beyond.entry(tier).or_default(),
                What::Included(_) | What::Base => &mut charged.included,
            };
            *sum = sum.checked_add(steps).ok_or(RatingError::TooLarge)?;
        }
        Ok(Self(items))
    }
}

/// Returns what a closed period costs more or less than was charged for it. `facts` are the period's, as they are known now.
///
/// `carries` are the ones of today: what corrections leave of them goes on to the period that they are billed in.
pub fn correct(facts: &Facts, charged: &Charged, carries: &Carries) -> Result<Rated, RatingError> {
    let mut rated = Rated { charges: Vec::new(), carries: carries.clone() };
    let mut known: BTreeMap<Item, Pool> =
        pools(facts)?.into_iter().filter(|pool| !pool.item.is_trial).map(|pool| (pool.item, pool)).collect();
    for (item, charged) in &charged.0 {
        // Not on that plan at all, as is known now.
        let gone = || Pool { item: *item, span: charged.span, active: 0, used: BTreeMap::new() };
        known.entry(*item).or_insert_with(gone);
    }
    let mut known: Vec<Pool> = known.into_values().collect();
    known.sort_by_key(|pool| (pool.item.environment, pool.span.from, pool.item));
    for pool in known {
        let charged = charged.0.get(&pool.item);
        let revision = charged.map_or(0, |charged| charged.revision) + 1;
        let row = Row { item: pool.item, class: Class::Correction, revision, span: pool.span };
        let mut net = base(tariff(facts, pool.item)?, &pool, facts)?;
        net.minor -= charged.map_or(0, |charged| charged.base_minor);
        if net.minor != 0 {
            rated.charges.push(row.base(net, pool.active));
        }
        let mut meters: BTreeMap<Meter, ChargedMeter> = charged.map(|it| it.meters.clone()).unwrap_or_default();
        for meter in pool.used.keys() {
            meters.entry(*meter).or_default();
        }
        for (meter, charged) in meters {
            let key = (pool.item.environment, meter);
            let carry = rated.carries.get(&key).copied().unwrap_or_default();
            let (charges, remains) = metered(facts, row, &pool, (meter, &charged), carry)?;
            rated.carries.insert(key, remains);
            rated.charges.extend(with_carries(charges, carry, remains));
        }
    }
    Ok(rated)
}

/// The difference in one meter of one item, price by price; nothing when nothing is different.
fn metered(
    facts: &Facts,
    row: Row,
    pool: &Pool,
    (meter, charged): (Meter, &ChargedMeter),
    carry: i128,
) -> Result<(Vec<Charge>, i128), RatingError> {
    let (step, too_large) = (raw_per_step(meter), RatingError::TooLarge);
    let used = pool.used.get(&meter).copied().unwrap_or_default();
    let terms = terms(facts, pool, meter)?;
    let included_raw = terms.as_ref().map_or(used, |terms| terms.included_raw.min(used));
    // What was billed, and what that left to the carry: together what the earlier charges took as used beyond.
    let billed = charged.beyond_steps().ok_or(too_large.clone())?;
    let before = billed.checked_mul(step).and_then(|raw| raw.checked_add(charged.carried)).ok_or(too_large.clone())?;
    let sum =
        (used - included_raw).checked_sub(before).and_then(|raw| raw.checked_add(carry)).ok_or(too_large.clone())?;
    let reached = billed.checked_add(sum.div_euclid(step)).ok_or(too_large)?;
    let (shares, prices) = terms.map_or_else(Default::default, |terms| (terms.shared(reached), terms.prices));
    let included = included_raw / step - charged.included;
    let mut charges = vec![row.included(facts, meter, used, included)?];
    for (number, (steps, price)) in shares.into_iter().zip(prices).enumerate() {
        let tier = i32::try_from(number + 1).map_err(|_| RatingError::TooLarge)?;
        let more = steps - charged.beyond.get(&tier).copied().unwrap_or_default();
        if more != 0 {
            charges.push(row.beyond(facts, (meter, number), used, more, price)?);
        }
    }
    let remains = sum.rem_euclid(step);
    let is_same = charges.len() == 1 && included == 0 && remains == carry && used == charged.used_raw.1;
    Ok((if is_same { Vec::new() } else { charges }, remains))
}
