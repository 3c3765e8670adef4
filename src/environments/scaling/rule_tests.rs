//! Tries the rule on hours of load that nobody would wish for.

use proptest::prelude::*;

use super::*;
use crate::base::money::{Currency, Money};

fn rule() -> Rule {
    Rule { is_on: true, ..Rule::usual(4) }
}

/// Load of so many containers, each of which used this percentage of a whole core for five minutes.
fn load(containers: i32, percent: i64) -> Load {
    let container_seconds = 300 * i64::from(containers);
    Load {
        containers,
        container_seconds,
        used_micros: container_seconds * percent * 10_000,
        cpu_millis: 1000,
        requests: 1000,
        queued: 0,
    }
}

fn moment(replicas: i32, percent: i64) -> Moment {
    Moment {
        replicas,
        most: 4,
        serving: replicas,
        unchanged_for: None,
        load: Some(load(replicas, percent)),
        purse: None,
    }
}

#[test]
fn a_busy_processor_adds_one_and_a_calm_one_takes_one_away() {
    assert_eq!(decide(&rule(), &moment(1, 91)), Decision::Go { to: 2, why: Why::Cpu(91) });
    assert_eq!(decide(&rule(), &moment(1, 70)), Decision::Stay(Stay::Right), "the target itself is met");
    assert_eq!(decide(&rule(), &moment(3, 20)), Decision::Go { to: 2, why: Why::Calm(20) });
    assert_eq!(decide(&rule(), &moment(1, 0)), Decision::Stay(Stay::Right), "never below the minimum");
    assert_eq!(decide(&rule(), &moment(4, 99)), Decision::Stay(Stay::AtMost));
}

#[test]
fn requests_that_wait_add_one_although_the_processor_is_calm() {
    let waits = |queued| {
        let load = Load { queued, ..load(1, 10) };
        decide(&rule(), &Moment { load: Some(load), ..moment(1, 0) })
    };
    assert_eq!(waits(60), Decision::Go { to: 2, why: Why::Queue(6) });
    assert_eq!(waits(50), Decision::Stay(Stay::Right));
    let few = Load { queued: 19, requests: 19, ..load(1, 10) };
    assert_eq!(few.queue_percent(), 0, "nineteen are no crowd");
    let none = Load { requests: 0, ..load(1, 10) };
    assert_eq!(none.queue_percent(), 0);
}

#[test]
fn what_was_just_changed_is_left_alone() {
    let after = |replicas, percent, minutes| {
        decide(&rule(), &Moment { unchanged_for: Some(TimeDelta::minutes(minutes)), ..moment(replicas, percent) })
    };
    assert_eq!(after(1, 99, 4), Decision::Stay(Stay::Paused));
    assert!(matches!(after(1, 99, 5), Decision::Go { to: 2, .. }));
    assert_eq!(after(2, 0, 29), Decision::Stay(Stay::Paused));
    assert!(matches!(after(2, 0, 30), Decision::Go { to: 1, .. }));
}

#[test]
fn nothing_is_decided_without_numbers_of_every_container() {
    let stays = |moment: Moment| assert_eq!(decide(&rule(), &moment), Decision::Stay(Stay::Unknown), "{moment:?}");
    stays(Moment { load: None, ..moment(2, 99) });
    stays(Moment { serving: 0, ..moment(2, 99) });
    stays(Moment { load: Some(load(1, 0)), ..moment(2, 0) });
    stays(Moment { load: Some(Load { container_seconds: 100, ..load(2, 99) }), ..moment(2, 0) });
}

#[test]
fn what_was_asked_for_and_does_not_serve_is_awaited_before_more_is_asked_for() {
    let waits = Moment { serving: 1, load: Some(load(1, 99)), ..moment(2, 0) };
    assert_eq!(decide(&rule(), &waits), Decision::Stay(Stay::Awaited));
}

#[test]
fn the_budget_stops_what_it_does_not_pay_for_and_touches_nothing_that_serves() {
    let with = |spent: i64, replicas, percent| {
        let purse = Purse { budget: Decimal::from(10), spent: Decimal::from(spent), an_hour: Decimal::from(2) };
        decide(&rule(), &Moment { purse: Some(purse), ..moment(replicas, percent) })
    };
    // One more costs 1 until it may be taken away again, two more 2.
    assert!(matches!(with(9, 1, 99), Decision::Go { to: 2, .. }));
    assert_eq!(with(9, 2, 99), Decision::Stay(Stay::Budget));
    assert_eq!(with(10, 1, 99), Decision::Stay(Stay::Budget));
    assert_eq!(with(99, 3, 60), Decision::Stay(Stay::Right), "what serves goes on");
    assert!(matches!(with(99, 3, 1), Decision::Go { to: 2, .. }), "and goes when it is not needed");
}

#[test]
fn bounds_that_a_plan_or_a_person_moved_are_kept_at_once_also_without_numbers() {
    let blind = |replicas, most| decide(&rule(), &Moment { most, load: None, ..moment(replicas, 0) });
    assert_eq!(blind(4, 2), Decision::Go { to: 2, why: Why::Bounds });
    let three = Rule { minimum: 3, ..rule() };
    assert_eq!(decide(&three, &moment(1, 0)), Decision::Go { to: 3, why: Why::Bounds });
    assert_eq!(three.bounds(2), (2, 2), "a plan with fewer moves both");
    assert_eq!(three.bounds(0), (1, 1));
}

/// What one minute brings: processor that is wanted in percent of one container, requests that wait, what serves of
/// what is wanted, whether numbers are known.
#[derive(Clone, Debug)]
struct Minute {
    wanted_percent: i64,
    queued: i64,
    is_late: bool,
    is_known: bool,
}

fn minute() -> impl Strategy<Value = Minute> {
    (prop_oneof![Just(0), Just(1_000), 0..1_000_i64], 0..500_i64, prop::bool::weighted(0.1), prop::bool::weighted(0.9))
        .prop_map(|(wanted_percent, queued, is_late, is_known)| Minute { wanted_percent, queued, is_late, is_known })
}

/// A rule whose people chose anything that the pages let them choose.
fn any_rule() -> impl Strategy<Value = Rule> {
    (1..=4_i32, 0..=12_i32, 10..=95_i32, 1..=60_i64, 1..=120_i64, prop::option::of(0..5_000_i64)).prop_map(
        |(minimum, more, target_percent, pause_more, pause_fewer, budget)| Rule {
            is_on: true,
            minimum,
            maximum: minimum + more,
            target_percent,
            pause_more: TimeDelta::minutes(pause_more),
            pause_fewer: TimeDelta::minutes(pause_fewer),
            budget: budget.map(|minor| Money::new(minor, Currency::Eur)),
            ..Rule::usual(16)
        },
    )
}

/// Follows a rule through the minutes. Returns how often it added one and took one away.
fn follow(rule: &Rule, minutes: &[Minute]) -> Result<(i64, i64), TestCaseError> {
    let an_hour = Decimal::new(7, 2);
    let (mut replicas, mut unchanged_for, mut spent) = (rule.minimum, None, Decimal::ZERO);
    let (mut ups, mut downs) = (0, 0);
    for minute in minutes {
        let serving = if minute.is_late { replicas - 1 } else { replicas };
        let percent = minute.wanted_percent / i64::from(serving.max(1));
        let seen = Load { queued: minute.queued, ..load(serving.max(1), percent.min(100)) };
        let purse = rule.budget.map(|budget| Purse { budget: budget.exact(), spent, an_hour });
        let moment =
            Moment { replicas, most: 16, serving, unchanged_for, load: minute.is_known.then_some(seen), purse };
        let added = i64::from(replicas - rule.minimum);
        unchanged_for = unchanged_for.map(|time| time + TimeDelta::minutes(1));
        if let Decision::Go { to, .. } = decide(rule, &moment) {
            prop_assert!(minute.is_known && (rule.minimum..=rule.maximum).contains(&to), "{moment:?}");
            prop_assert_eq!((to - replicas).abs(), 1);
            if to > replicas {
                ups += 1;
                prop_assert!(purse.is_none_or(|purse| purse.spent <= purse.budget), "{purse:?}");
            } else {
                downs += 1;
            }
            replicas = to;
            unchanged_for = Some(TimeDelta::minutes(1));
        }
        spent += cost_of(added * 60, an_hour);
    }
    Ok((ups, downs))
}

proptest! {
    #[test]
    fn whatever_the_load_does_the_number_changes_a_bounded_number_of_times(
        rule in any_rule(), minutes in prop::collection::vec(minute(), 1..600),
    ) {
        let (ups, downs) = follow(&rule, &minutes)?;
        let minutes = i64::try_from(minutes.len()).unwrap();
        let window = rule.window.num_minutes();
        prop_assert!(ups <= 1 + minutes / rule.pause_more.num_minutes().max(window), "{ups} in {minutes} min");
        prop_assert!(downs <= 1 + minutes / rule.pause_fewer.num_minutes().max(window), "{downs} in {minutes} min");
    }

    #[test]
    fn what_is_taken_away_is_not_missed_by_the_same_load(
        target_percent in 10..=95_i32, replicas in 2..=16_i32, used in 0..1_600_i64,
    ) {
        let rule = Rule { target_percent, maximum: 16, ..rule() };
        let at = |replicas: i32| Moment { most: 16, ..moment(replicas, used / i64::from(replicas)) };
        if let Decision::Go { to, why: Why::Calm(_) } = decide(&rule, &at(replicas)) {
            let next = decide(&rule, &at(to));
            prop_assert!(!matches!(next, Decision::Go { why: Why::Cpu(_), .. }), "{next:?}");
        }
    }

    #[test]
    fn a_steady_load_comes_to_rest(rule in any_rule(), wanted_percent in 0..2_000_i64) {
        let steady = Minute { wanted_percent, queued: 0, is_late: false, is_known: true };
        let long = vec![steady; 16 * 180];
        let (ups, downs) = follow(&Rule { budget: None, ..rule }, &long)?;
        prop_assert!(ups == 0 || downs == 0, "{ups} up and {downs} down");
    }
}
