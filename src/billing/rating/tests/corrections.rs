//! What is learned about a month after it was closed.

use super::*;

const CPU: Meter = Meter::Cpu;

/// A closed June with so much used, and the same month as it is known afterwards.
fn learned(first: i128, afterwards: i128) -> (Facts, Facts, Rated) {
    let mut facts = facts(june(), tariff(3_000, CPU, "10", &[("0", "1"), ("5", "0.5")]));
    let with = |raw: i128| if raw == 0 { vec![] } else { vec![hour(june(), CPU, 7, raw)] };
    facts.usage = with(first);
    let closed = rated(&facts);
    let known = Facts { usage: with(afterwards), ..facts.clone() };
    (facts, known, closed)
}

#[test]
fn what_came_late_is_charged_at_the_prices_of_then_where_the_charges_ended() {
    let (_, known, closed) = learned(14 * CORE_HOUR, 17 * CORE_HOUR);
    let charged = Charged::new(&closed.charges).unwrap();
    let more = correct(&known, &charged, &closed.carries).unwrap();
    let expected = [(What::Beyond(CPU, 1), "1.0000".to_owned(), 100), (What::Beyond(CPU, 2), "2.0000".to_owned(), 100)];
    assert_eq!(billed(&more), expected);
    assert!(more.charges.iter().all(|it| (it.class, it.revision) == (Class::Correction, 1)));

    let all = [closed.charges, more.charges].concat();
    let again = correct(&known, &Charged::new(&all).unwrap(), &more.carries).unwrap();
    assert_eq!(again.charges, [], "once");
}

#[test]
fn what_was_too_much_is_given_back_down_to_nothing() {
    let (_, known, closed) = learned(17 * CORE_HOUR, 0);
    let charged = Charged::new(&closed.charges).unwrap();
    let less = correct(&known, &charged, &closed.carries).unwrap();
    let expected =
        [(What::Beyond(CPU, 1), "-5.0000".to_owned(), -500), (What::Beyond(CPU, 2), "-2.0000".to_owned(), -100)];
    assert_eq!(billed(&less), expected);
    assert_eq!(less.charges[0].quantity, number("-10"), "also what was told as included");
}

#[test]
fn usage_of_which_nothing_was_known_is_a_first_revision() {
    let (_, known, closed) = learned(0, 11 * CORE_HOUR);
    let more = correct(&known, &Charged::new(&closed.charges).unwrap(), &closed.carries).unwrap();
    assert_eq!(billed(&more), [(What::Beyond(CPU, 1), "1.0000".to_owned(), 100)]);
    let nothing = correct(&known, &Charged::default(), &Carries::new()).unwrap();
    assert_eq!(billed(&nothing)[0], (What::Base, "1.0000".to_owned(), 3_000), "nor of the base price");
}

#[test]
fn a_trial_that_is_made_longer_afterwards_is_given_back() {
    let (facts, _, closed) = learned(17 * CORE_HOUR, 0);
    let known = Facts { trial: Some(june()), ..facts };
    let back = correct(&known, &Charged::new(&closed.charges).unwrap(), &closed.carries).unwrap();
    assert_eq!(total(&back), -total(&closed));
    assert_eq!(back.charges[0].quantity, number("-1"), "the base price");
}

#[test]
fn the_last_ten_thousandth_is_neither_lost_nor_charged_twice() {
    let step = raw_per_step(CPU);
    // June leaves 0.4 of a step; July's 0.7 make it a step and leave 0.1; then June turns out to have used nothing.
    let (_, known, closed) = learned(10 * CORE_HOUR + step * 4 / 10, 0);
    let july = span("2026-07-01T00:00:00Z", "2026-08-01T00:00:00Z");
    let mut second = facts(july, tariff(0, CPU, "0", &[("0", "1")]));
    second.usage = vec![hour(july, CPU, 0, step * 7 / 10)];
    let second = rate(&second, &closed.carries).unwrap();
    assert_eq!(steps_beyond(&second.charges, CPU), 1);
    let back = correct(&known, &Charged::new(&closed.charges).unwrap(), &second.carries).unwrap();
    assert_eq!(steps_beyond(&back.charges, CPU), -1);
    assert_eq!(back.carries[&(environment(1), CPU)], step * 7 / 10, "what July used");
}
