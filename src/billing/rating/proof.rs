//! The file that a customer's accountant computes an invoice again with (docs/recompute/): what the charges follow from, and the
//! charges. Pure.
//!
//! Whole numbers are written as text: many programs lose digits of large ones.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::Serialize;

use super::discounts::{Grant, Nets, Off};
use super::{Carries, Charge, Facts, Owner, Rated, Span};
use crate::base::ids::{EnvironmentId, PlanVersionId, RedemptionId};
use crate::base::money::Currency;

/// The name of the file's form. Another form gets another name.
pub const FORM: &str = "sayoo-rating-1";

/// The file.
#[derive(Debug, Serialize)]
pub struct Proof {
    format: &'static str,
    currency: Currency,
    /// What remained unbilled before: {environment: {meter: raw units}}.
    carries_before: ByMeter<String>,
    /// Earlier periods that more is known of now, in the order in which they were corrected.
    corrections: Vec<Corrected>,
    #[serde(flatten)]
    known: Known,
    /// Everything that is charged in this period.
    charges: Vec<Line>,
    /// What remains unbilled now.
    carries_after: ByMeter<String>,
}

type ByMeter<T> = BTreeMap<EnvironmentId, BTreeMap<&'static str, T>>;

/// An earlier period.
#[derive(Debug, Serialize)]
struct Corrected {
    #[serde(flatten)]
    known: Known,
    /// What was charged for it before.
    charged: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Known {
    period: Span,
    trial: Option<Span>,
    segments: Vec<SegmentLine>,
    tariffs: BTreeMap<PlanVersionId, TariffLine>,
    /// {environment: {meter: {beginning of the hour: raw units}}}.
    hours: ByMeter<BTreeMap<String, String>>,
}

#[derive(Debug, Serialize)]
struct SegmentLine {
    environment: EnvironmentId,
    plan_version: PlanVersionId,
    #[serde(flatten)]
    span: Span,
    /// An environment that was another account's for a time shares the hour of its move.
    is_ours: bool,
}

#[derive(Debug, Serialize)]
struct TariffLine {
    monthly: Decimal,
    meters: BTreeMap<&'static str, RatesLine>,
}

#[derive(Debug, Serialize)]
struct RatesLine {
    included: Decimal,
    /// From so many units beyond what is included, each costs so much.
    prices: Vec<(Decimal, Decimal)>,
}

#[derive(Debug, Serialize)]
struct Line {
    /// The first instant of the period that it speaks of.
    of: String,
    environment: EnvironmentId,
    plan_version: PlanVersionId,
    class: &'static str,
    revision: i32,
    meter: Option<&'static str>,
    tier: Option<i32>,
    #[serde(flatten)]
    span: Span,
    used_raw: String,
    carry_in_raw: String,
    carry_out_raw: String,
    quantity: Decimal,
    unit_price: Decimal,
    net: Decimal,
}

impl Proof {
    /// Makes the file of a period: what is known of it (by hours), what corrections of earlier periods follow from (with what had
    /// been charged before and what the corrections came to), what remained before, and what is charged.
    #[must_use]
    pub fn new(facts: &Facts, carries: &Carries, corrections: &[(Facts, Vec<Charge>, Rated)], rated: &Rated) -> Self {
        let mut charges = Vec::new();
        for (of, _, corrected) in corrections {
            charges.extend(lines(of, &corrected.charges));
        }
        charges.extend(lines(facts, &rated.charges));
        Self {
            format: FORM,
            currency: facts.currency,
            carries_before: by_meter(carries),
            corrections: corrections
                .iter()
                .map(|(of, charged, _)| Corrected { known: Known::new(of), charged: lines(of, charged) })
                .collect(),
            known: Known::new(facts),
            charges,
            carries_after: by_meter(&rated.carries),
        }
    }
}

impl Known {
    fn new(facts: &Facts) -> Self {
        let mut segments: Vec<SegmentLine> = facts
            .segments
            .iter()
            .map(|segment| SegmentLine {
                environment: segment.environment,
                plan_version: segment.plan_version,
                span: segment.span,
                is_ours: segment.owner == Owner::Ours,
            })
            .collect();
        segments.sort_by_key(|segment| (segment.environment, segment.span));
        let mut hours: ByMeter<BTreeMap<String, String>> = BTreeMap::new();
        for used in &facts.usage {
            let of_meter = hours.entry(used.environment).or_default().entry(used.meter.code()).or_default();
            of_meter.insert(instant(used.span.from), used.raw.to_string());
        }
        let tariff = |tariff: &super::Tariff| TariffLine {
            monthly: tariff.monthly.exact(),
            meters: tariff
                .meters
                .iter()
                .map(|(meter, rates)| {
                    (meter.code(), RatesLine { included: rates.included, prices: rates.prices.clone() })
                })
                .collect(),
        };
        Self {
            period: facts.period,
            trial: facts.trial,
            segments,
            tariffs: facts.tariffs.iter().map(|(id, it)| (*id, tariff(it))).collect(),
            hours,
        }
    }
}

fn by_meter(carries: &Carries) -> ByMeter<String> {
    let mut found: ByMeter<String> = BTreeMap::new();
    for ((environment, meter), raw) in carries.iter().filter(|(_, raw)| **raw != 0) {
        found.entry(*environment).or_default().insert(meter.code(), raw.to_string());
    }
    found
}

fn lines(of: &Facts, charges: &[Charge]) -> Vec<Line> {
    let line = |charge: &Charge| Line {
        of: instant(of.period.from),
        environment: charge.item.environment,
        plan_version: charge.item.plan_version,
        class: charge.class.code(),
        revision: charge.revision,
        meter: charge.what.meter().map(crate::plans::Meter::code),
        tier: charge.what.tier(),
        span: charge.span,
        used_raw: charge.used_raw.to_string(),
        carry_in_raw: charge.carry_in_raw.to_string(),
        carry_out_raw: charge.carry_out_raw.to_string(),
        quantity: charge.quantity,
        unit_price: charge.unit_price,
        net: charge.net.exact(),
    };
    charges.iter().map(line).collect()
}

fn instant(at: chrono::DateTime<chrono::Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

/// The name of the form of the line that speaks of discounts.
pub const DISCOUNTS_FORM: &str = "sayoo-discounts-1";

/// The line of the file that speaks of discounts: of all of an account's instances together.
#[derive(Debug, Serialize)]
pub struct DiscountsProof {
    format: &'static str,
    /// The months of which something is billed, oldest first; those in which no coupon counts are left out.
    months: Vec<DiscountedMonth>,
}

impl DiscountsProof {
    /// Makes the line.
    #[must_use]
    pub fn new(months: Vec<DiscountedMonth>) -> Self {
        Self { format: DISCOUNTS_FORM, months }
    }
}

/// What is taken off one month.
#[derive(Debug, Serialize)]
pub struct DiscountedMonth {
    /// The first instant of the month.
    of: String,
    /// The coupons that count in it, in the order of redemption.
    coupons: Vec<CouponLine>,
    /// What was charged for it with earlier months, by plan version.
    charged_before: BTreeMap<PlanVersionId, Decimal>,
    /// What was taken off it with earlier months, by coupon.
    taken_before: BTreeMap<RedemptionId, Decimal>,
    /// What is taken off it now.
    taken: BTreeMap<RedemptionId, Decimal>,
}

#[derive(Debug, Serialize)]
struct CouponLine {
    redemption: RedemptionId,
    percent: Option<Decimal>,
    amount: Option<Decimal>,
    /// For the charges of these plan versions; `null`: of all.
    plan_versions: Option<BTreeSet<PlanVersionId>>,
}

impl DiscountedMonth {
    /// Says of a month what counts in it, and what was charged and taken off before and is taken off now, in the smallest coin.
    #[must_use]
    pub fn new(
        month: Span,
        grants: Vec<Grant>,
        charged_before: Nets,
        taken_before: &BTreeMap<RedemptionId, i64>,
        taken: &BTreeMap<RedemptionId, i64>,
    ) -> Self {
        let money = |minor: i64| Decimal::new(minor, 2);
        let by_coupon = |of: &BTreeMap<RedemptionId, i64>| of.iter().map(|(id, minor)| (*id, money(*minor))).collect();
        let coupon = |grant: Grant| {
            let (percent, amount) = match grant.off {
                Off::Percent(percent) => (Some(percent), None),
                Off::Amount(amount) => (None, Some(amount.exact())),
            };
            CouponLine { redemption: grant.redemption, percent, amount, plan_versions: grant.only }
        };
        Self {
            of: instant(month.from),
            coupons: grants.into_iter().map(coupon).collect(),
            charged_before: charged_before.into_iter().map(|(version, minor)| (version, money(minor))).collect(),
            taken_before: by_coupon(taken_before),
            taken: by_coupon(taken),
        }
    }
}
