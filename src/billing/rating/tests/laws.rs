//! What holds in every month, whatever happens in it: tried with thousands of made-up ones.

use proptest::prelude::*;

use super::*;

const METERS: [Meter; 2] = [Meter::Cpu, Meter::Requests];

/// Two plans: one with two prices.
fn tariffs() -> BTreeMap<PlanVersionId, Tariff> {
    let rates = |included: &str, prices: &[(&str, &str)]| Rates {
        included: number(included),
        prices: prices.iter().map(|(from, price)| (number(from), number(price))).collect(),
    };
    let small = [
        (Meter::Cpu, rates("7.3333", &[("0", "0.035"), ("12.5", "0.028001"), ("40", "0.01")])),
        (Meter::Requests, rates("3.7", &[("0", "0.002")])),
    ];
    let large = [
        (Meter::Cpu, rates("21", &[("0", "0.03")])),
        (Meter::Requests, rates("0", &[("0", "0.009"), ("1", "0.000001")])),
    ];
    let tariff = |minor, meters: [(Meter, Rates); 2]| Tariff {
        monthly: Money::new(minor, Currency::Eur),
        meters: meters.into(),
    };
    [(version(1), tariff(1_999, small)), (version(2), tariff(4_201, large))].into()
}

/// A month of one environment: when its plan changed (seconds from the beginning), a gap, a trial, and its hours.
#[derive(Clone, Debug)]
struct Life {
    changes: Vec<i64>,
    gap: Option<(i64, i64)>,
    trial: Option<i64>,
    hours: Vec<(usize, i64, i128)>,
}

const MONTH: i64 = 720 * 3600;

fn life() -> impl Strategy<Value = Life> {
    let hours = prop::collection::vec((0..2_usize, 0..720_i64, 0..20_000_000_000_i128), 0..40);
    let changes = prop::collection::vec(0..MONTH, 0..4);
    let gap = prop::option::of((0..MONTH, 0..400_000_i64));
    (changes, gap, prop::option::of(0..MONTH), hours).prop_map(|(changes, gap, trial, hours)| Life {
        changes,
        gap,
        trial,
        hours,
    })
}

impl Life {
    fn facts(&self, cuts: &[i64]) -> Facts {
        let instant = |second: i64| june().from + TimeDelta::seconds(second);
        let mut bounds: Vec<(i64, bool)> = self.changes.iter().map(|at| (*at, true)).collect();
        bounds.extend(cuts.iter().map(|at| (*at, false)));
        bounds.extend(self.gap.iter().flat_map(|(at, lasts)| [(*at, false), ((at + lasts).min(MONTH), false)]));
        bounds.push((MONTH, false));
        bounds.sort_unstable();
        let (mut from, mut on, mut segments) = (0, 1, Vec::new());
        for (until, is_change) in bounds {
            let is_gap = self.gap.is_some_and(|(at, lasts)| at <= from && until <= at + lasts);
            if from < until && !is_gap {
                segments.push(segment(on, Span { from: instant(from), until: instant(until) }));
            }
            if is_change {
                on = 3 - on;
            }
            from = until;
        }
        let trial = self.trial.map(|until| Span { from: june().from - TimeDelta::days(1), until: instant(until) });
        let usage = self.hours.iter().map(|(meter, at, raw)| {
            // A request is not a microsecond.
            hour(june(), METERS[*meter], *at, if METERS[*meter] == Meter::Cpu { *raw } else { raw / 1_000_000 })
        });
        Facts { period: june(), currency: Currency::Eur, segments, trial, usage: usage.collect(), tariffs: tariffs() }
    }
}

/// Something that is left over from before.
fn carries(cpu: i128) -> Carries {
    [((environment(1), Meter::Cpu), cpu)].into()
}

/// Raw units of hours that a segment touches.
fn touched(facts: &Facts, meter: Meter) -> i128 {
    let is_touched =
        |it: &&Usage| it.meter == meter && facts.segments.iter().any(|of| of.span.within(it.span).is_some());
    facts.usage.iter().filter(is_touched).map(|it| it.raw).sum()
}

fn used(charges: &[Charge], meter: Meter) -> i128 {
    charges.iter().filter(|it| it.what == What::Included(meter)).map(|it| it.used_raw).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_hour_that_an_environment_had_is_in_exactly_one_item(life in life()) {
        let facts = life.facts(&[]);
        let rated = rated(&facts);
        for meter in METERS {
            prop_assert_eq!(used(&rated.charges, meter), touched(&facts, meter));
        }
    }

    #[test]
    fn quantities_and_what_remains_add_up_to_what_was_used(life in life(), before in 0..360_000_i128) {
        let facts = Facts { trial: None, ..life.facts(&[]) };
        let rated = rate(&facts, &carries(before)).unwrap();
        for pool in parts::pools(&facts).unwrap() {
            for (meter, used) in &pool.used {
                let rows: Vec<&Charge> =
                    rated.charges.iter().filter(|it| it.item == pool.item && it.what.meter() == Some(*meter)).collect();
                let included = rate::terms(&facts, &pool, *meter).unwrap().unwrap().included_raw;
                let billed = steps_beyond(&rows.iter().map(|it| (*it).clone()).collect::<Vec<_>>(), *meter);
                let kept: i128 = rows.iter().map(|it| it.carry_out_raw - it.carry_in_raw).sum();
                prop_assert_eq!(billed * raw_per_step(*meter) + kept, (used - included).max(0));
            }
        }
        for ((_, meter), carry) in &rated.carries {
            prop_assert!((0..raw_per_step(*meter)).contains(carry));
        }
        for charge in &rated.charges {
            prop_assert_eq!(charge.net, Money::rounded(charge.quantity * charge.unit_price, Currency::Eur));
        }
    }

    #[test]
    fn a_cut_without_a_change_of_plan_changes_nothing(life in life(), cuts in prop::collection::vec(0..MONTH, 1..6)) {
        prop_assert_eq!(rated(&life.facts(&[])), rated(&life.facts(&cuts)));
    }

    #[test]
    fn neither_the_order_of_rows_nor_the_size_of_batches_matters(life in life(), parts in 1..5_i128) {
        let facts = life.facts(&[]);
        let mut other = facts.clone();
        other.segments.reverse();
        other.usage = facts.usage.iter().rev().flat_map(|it| {
            let each = it.raw / parts;
            (0..parts).map(move |number| Usage { raw: if number == 0 { it.raw - each * (parts - 1) } else { each }, ..*it })
        }).collect();
        prop_assert_eq!(rated(&facts), rated(&other));
    }

    #[test]
    fn more_usage_never_costs_less(life in life(), meter in 0..2_usize, at in 0..720_i64, more in 0..20_000_000_000_i128) {
        let facts = life.facts(&[]);
        let mut other = facts.clone();
        other.usage.push(hour(june(), METERS[meter], at, more / if meter == 0 { 1 } else { 1_000_000 }));
        prop_assert!(total(&rated(&other)) >= total(&rated(&facts)));
    }

    #[test]
    fn changing_plans_back_and_forth_makes_usage_no_cheaper(life in life()) {
        let facts = Facts { trial: None, ..life.facts(&[]) };
        // The better of both plans' terms all the time: an hour of each item is all that rounding can cost.
        let rated = rated(&facts);
        let billed = steps_beyond(&rated.charges, Meter::Cpu) * raw_per_step(Meter::Cpu);
        let slack = 3 * raw_per_step(Meter::Cpu);
        let all = touched(&facts, Meter::Cpu);
        prop_assert!(billed >= all - 21 * CORE_HOUR - slack, "less than on the plan that includes most");
        prop_assert!(billed <= all, "more than was used");
    }

    #[test]
    fn corrections_come_to_what_full_knowledge_would_have_given(
        first in life(), second in life(), third in prop::collection::vec((0..2_usize, 0..720_i64, 0..20_000_000_000_i128), 0..9),
        before in 0..360_000_i128,
    ) {
        // The same month as it was known when it closed, a month later, and two months later.
        let closed = first.facts(&[]);
        let known = Facts { usage: second.facts(&[]).usage, ..closed.clone() };
        let last = Facts { usage: Life { hours: third, ..second }.facts(&[]).usage, ..closed.clone() };
        let mut rated = rate(&closed, &carries(before)).unwrap();
        for now in [&known, &last, &closed, &last] {
            let more = correct(now, &Charged::new(&rated.charges).unwrap(), &rated.carries).unwrap();
            rated.charges.extend(more.charges);
            rated.carries = more.carries;
        }
        let full = rate(&last, &carries(before)).unwrap();
        let paid = |charges: &[Charge]| charges.iter().filter(|it| !it.item.is_trial).cloned().collect::<Vec<_>>();
        for meter in METERS {
            let (charged, known) = (paid(&rated.charges), paid(&full.charges));
            prop_assert_eq!(steps_beyond(&charged, meter), steps_beyond(&known, meter));
            let key = (environment(1), meter);
            let carry = |of: &Carries| of.get(&key).copied().unwrap_or_default();
            prop_assert_eq!(carry(&rated.carries), carry(&full.carries));
        }
        prop_assert!(rated.carries.iter().all(|((_, meter), raw)| (0..raw_per_step(*meter)).contains(raw)));
        let again = correct(&last, &Charged::new(&rated.charges).unwrap(), &rated.carries).unwrap();
        prop_assert_eq!(again.charges, vec![]);
        // To the coin but for the rounding of each line.
        let lines = i64::try_from(rated.charges.len() + full.charges.len()).unwrap();
        prop_assert!((total(&rated) - total(&full)).abs() <= lines);
    }
}
