//! Months in which something happens that once went wrong for somebody.

use super::*;

const CPU: Meter = Meter::Cpu;
const DATABASE: Meter = Meter::Database;

#[test]
fn nothing_used_costs_the_base_price() {
    let facts = facts(june(), tariff(3_900, CPU, "300", &[("0", "0.035")]));
    assert_eq!(billed(&rated(&facts)), [(What::Base, "1.0000".to_owned(), 3_900)]);
    assert!(rated(&facts).carries.is_empty());
}

#[test]
fn a_free_plan_in_what_it_includes_has_nothing_to_bill() {
    let mut facts = facts(june(), tariff(0, CPU, "300", &[("0", "0.035")]));
    facts.usage = vec![hour(june(), CPU, 5, 299 * CORE_HOUR)];
    let rated = rated(&facts);
    assert_eq!(billed(&rated), []);
    let [told] = rated.charges.as_slice() else { panic!("{rated:#?}") };
    assert_eq!((told.what, told.quantity), (What::Included(CPU), number("299.0000")), "told on pages all the same");
}

#[test]
fn usage_is_charged_from_the_first_step_beyond_what_is_included() {
    let mut facts = facts(june(), tariff(0, CPU, "1", &[("0", "1000"), ("1", "100")]));
    let step = raw_per_step(CPU);
    let beyond = |quantity: &str, tier, net| (What::Beyond(CPU, tier), quantity.to_owned(), net);
    for (raw, expected) in [
        (CORE_HOUR, vec![]),
        (CORE_HOUR + step - 1, vec![]),
        (CORE_HOUR + step, vec![beyond("0.0001", 1, 10)]),
        (2 * CORE_HOUR - 1, vec![beyond("0.9999", 1, 99_990)]),
        (2 * CORE_HOUR, vec![beyond("1.0000", 1, 100_000)]),
        (2 * CORE_HOUR + step, vec![beyond("1.0000", 1, 100_000), beyond("0.0001", 2, 1)]),
    ] {
        facts.usage = vec![hour(june(), CPU, 0, raw)];
        assert_eq!(billed(&rated(&facts)), expected, "{raw}");
    }
}

#[test]
fn nothing_included_a_price_of_zero_and_no_limit_are_three_things() {
    let usage = vec![hour(june(), CPU, 0, CORE_HOUR)];
    let with = |tariff| Facts { usage: usage.clone(), ..facts(june(), tariff) };
    let all = rated(&with(tariff(0, CPU, "0", &[("0", "0.5")])));
    assert_eq!(billed(&all), [(What::Beyond(CPU, 1), "1.0000".to_owned(), 50)]);
    let free = rated(&with(tariff(0, CPU, "0", &[("0", "0")])));
    assert_eq!(billed(&free), [(What::Beyond(CPU, 1), "1.0000".to_owned(), 0)]);
    let unlimited = rated(&with(tariff(0, DATABASE, "0", &[("0", "0.5")])));
    assert_eq!(billed(&unlimited), []);
    assert_eq!(unlimited.charges[0].quantity, Decimal::ONE, "told as included");
}

#[test]
fn what_is_too_little_to_bill_is_billed_when_it_has_become_enough() {
    // 0.00005 GB-hours in each hour of a year.
    let each = GB_HOUR / 20_000;
    let (mut carries, mut steps, mut hours) = (Carries::new(), 0, 0);
    for number in 1..=12 {
        let period = month(&format!("2026-{number:02}-10T00:00:00Z"), Tz::Europe__Paris);
        let mut facts = facts(period, tariff(0, DATABASE, "0", &[("0", "1")]));
        // A little more, so that months leave something over.
        facts.usage = each_hour(period, DATABASE, each + 7);
        hours += i128::try_from(facts.usage.len()).unwrap();
        let rated = rate(&facts, &carries).unwrap();
        let left: Vec<i128> = rated.carries.values().copied().collect();
        assert!(left.iter().all(|raw| (0..raw_per_step(DATABASE)).contains(raw)), "{left:?}");
        steps += steps_beyond(&rated.charges, DATABASE);
        carries = rated.carries;
    }
    assert_eq!(hours, 8760);
    let exact = hours * (each + 7);
    assert_eq!(steps, exact / raw_per_step(DATABASE));
    assert_eq!(carries[&(environment(1), DATABASE)], exact % raw_per_step(DATABASE));
}

#[test]
fn huge_usage_at_a_tiny_price_is_exact_and_what_has_no_room_is_refused() {
    let period = month("2026-10-10T00:00:00Z", Tz::Europe__Paris);
    let mut facts = facts(period, tariff(0, DATABASE, "0", &[("0", "0.000001")]));
    facts.usage = each_hour(period, DATABASE, 10_i128.pow(18));
    let rated = rate(&facts, &Carries::new()).unwrap();
    // 745 × 10¹⁸ ÷ 3.6 × 10¹².
    assert_eq!(billed(&rated), [(What::Beyond(DATABASE, 1), "206944444.4444".to_owned(), 20_694)]);

    facts.tariffs = [(version(1), tariff(0, Meter::Requests, "0", &[("0", "0.000001")]))].into();
    facts.usage = vec![hour(period, Meter::Requests, 0, 10_i128.pow(12))];
    assert_eq!(total(&rate(&facts, &Carries::new()).unwrap()), 100_000);

    for raw in [i128::MAX, i128::MAX / 3, 10_i128.pow(33)] {
        facts.usage = vec![hour(period, Meter::Requests, 0, raw), hour(period, Meter::Requests, 1, raw)];
        assert_eq!(rate(&facts, &Carries::new()), Err(RatingError::TooLarge), "{raw}");
    }
}

#[test]
fn a_constant_database_has_as_many_gb_hours_as_its_month_has_hours() {
    for (of, zone, hours) in [
        ("2026-03-15T00:00:00Z", Tz::Europe__Paris, 743),
        ("2026-10-15T00:00:00Z", Tz::Europe__Paris, 745),
        ("2026-02-10T00:00:00Z", Tz::Africa__Casablanca, 673),
        ("2026-03-15T00:00:00Z", Tz::Africa__Casablanca, 743),
        ("2028-02-15T00:00:00Z", Tz::Europe__Paris, 696),
    ] {
        let period = month(of, zone);
        let mut facts = facts(period, tariff(5_000, DATABASE, "0", &[("0", "1")]));
        // The hours of the months around it are there too, and are not its own.
        let around = Span { from: period.from - TimeDelta::hours(30), until: period.until + TimeDelta::hours(30) };
        facts.usage = each_hour(around, DATABASE, GB_HOUR);
        let expected = [
            (What::Base, "1.0000".to_owned(), 5_000),
            (What::Beyond(DATABASE, 1), format!("{hours}.0000"), hours * 100),
        ];
        assert_eq!(billed(&rated(&facts)), expected, "{of} {zone}");
    }
}

#[test]
fn months_follow_each_other_without_a_hole_also_in_ramadan_and_leap_years() {
    for zone in [Tz::Europe__Paris, Tz::Africa__Casablanca] {
        let mut reached = month("2026-01-15T00:00:00Z", zone).from;
        for _ in 0..60 {
            let (from, until) = cost::month(reached, zone);
            assert_eq!(from, reached, "{zone}");
            assert!(rate(&facts(Span { from, until }, tariff(1, CPU, "0", &[("0", "1")])), &Carries::new()).is_ok());
            reached = until;
        }
        assert_eq!(reached, month("2031-01-15T00:00:00Z", zone).from);
    }
}

#[test]
fn the_last_usage_of_a_deleted_instance_is_its_own_and_what_nobody_had_is_nobodys() {
    let mut facts = facts(june(), tariff(0, CPU, "0", &[("0", "1")]));
    // Deleted at 10:20 on the first; the next one of that name is another environment.
    facts.segments[0].span.until = at("2026-06-01T10:20:00Z");
    let next = Segment {
        environment: environment(2),
        span: Span { from: at("2026-06-01T10:20:00Z"), until: june().until },
        ..facts.segments[0]
    };
    facts.segments.push(next);
    facts.usage = vec![hour(june(), CPU, 10, 3 * CORE_HOUR), hour(june(), CPU, 11, CORE_HOUR)];
    let rated = rated(&facts);
    assert_eq!(billed(&rated), [(What::Beyond(CPU, 1), "3.0000".to_owned(), 300)]);
    assert!(rated.charges.iter().all(|charge| charge.item.environment == environment(1)));
}

#[test]
fn an_instance_that_moves_to_another_customer_shares_its_hour_at_the_instant() {
    let moved = at("2026-06-01T10:20:00Z");
    let mine = Segment { span: Span { from: june().from, until: moved }, ..segment(1, june()) };
    let theirs = Segment { span: Span { from: moved, until: june().until }, ..mine };
    let raw = 3 * CORE_HOUR + 1;
    let share = |segments: [Segment; 2]| {
        let mut facts = facts(june(), tariff(0, CPU, "0", &[("0", "1")]));
        facts.segments = segments.to_vec();
        facts.usage = vec![hour(june(), CPU, 10, raw)];
        rated(&facts).charges[0].used_raw
    };
    let before = share([mine, Segment { owner: Owner::Another, ..theirs }]);
    let after = share([Segment { owner: Owner::Another, ..mine }, theirs]);
    assert_eq!((before, before + after), (CORE_HOUR, raw));
}

#[test]
fn from_a_to_b_and_back_to_a_is_two_items_each_charged_once() {
    let days =
        |from: u32, until: u32| span(&format!("2026-06-{from:02}T00:00:00Z"), &format!("2026-06-{until:02}T00:00:00Z"));
    let mut facts = facts(june(), tariff(3_000, CPU, "30", &[("0", "1")]));
    facts.tariffs.insert(version(2), tariff(6_000, CPU, "60", &[("0", "2")]));
    let last = span("2026-06-21T00:00:00Z", "2026-07-01T00:00:00Z");
    facts.segments = vec![segment(1, days(1, 11)), segment(2, days(11, 21)), segment(1, last)];
    facts.usage = [0, 12, 25].map(|day| hour(june(), CPU, day * 24, 25 * CORE_HOUR)).to_vec();
    let expected = [
        // Twenty days of 30.00, with 20 hours included of 50.
        (What::Base, "1.0000".to_owned(), 2_000),
        (What::Beyond(CPU, 1), "30.0000".to_owned(), 3_000),
        // Ten days of 60.00, with 20 hours included of 25.
        (What::Base, "1.0000".to_owned(), 2_000),
        (What::Beyond(CPU, 1), "5.0000".to_owned(), 1_000),
    ];
    assert_eq!(billed(&rated(&facts)), expected);
}

#[test]
fn a_plan_that_changes_within_an_hour_shares_the_hour_and_at_a_boundary_does_not() {
    let change = |when: &str| {
        let mut facts = facts(june(), tariff(0, CPU, "0", &[("0", "1")]));
        facts.tariffs.insert(version(2), tariff(0, CPU, "0", &[("0", "2")]));
        facts.segments =
            vec![segment(1, Span { until: at(when), ..june() }), segment(2, Span { from: at(when), ..june() })];
        facts.usage = vec![hour(june(), CPU, 9, CORE_HOUR), hour(june(), CPU, 10, CORE_HOUR)];
        billed(&rated(&facts)).into_iter().map(|(_, quantity, net)| (quantity, net)).collect::<Vec<_>>()
    };
    let short = |quantity: &str, net| (quantity.to_owned(), net);
    assert_eq!(change("2026-06-01T10:00:00Z"), [short("1.0000", 100), short("1.0000", 200)]);
    assert_eq!(change("2026-06-01T10:15:00Z"), [short("1.2500", 125), short("0.7500", 150)]);
    assert_eq!(change("2026-06-01T00:00:00.000001Z").len(), 1, "a microsecond without usage costs nothing");
}

#[test]
fn the_trial_is_rated_and_not_paid_and_leaves_nothing_behind() {
    let mut facts = facts(june(), tariff(3_000, CPU, "30", &[("0", "1")]));
    // Until ten in the morning of the eleventh in Casablanca.
    facts.trial = Some(span("2026-05-28T00:00:00Z", "2026-06-11T00:00:00Z"));
    facts.usage = vec![hour(june(), CPU, 0, 20 * CORE_HOUR + 5), hour(june(), CPU, 400, 21 * CORE_HOUR)];
    let rated = rated(&facts);
    let expected = [(What::Base, "1.0000".to_owned(), 2_000), (What::Beyond(CPU, 1), "1.0000".to_owned(), 100)];
    assert_eq!(billed(&rated), expected);
    let trial: Vec<(What, i64)> =
        rated.charges.iter().filter(|it| it.class == Class::Trial).map(|it| (it.what, it.net.minor)).collect();
    assert_eq!(trial, [(What::Base, 1_000), (What::Included(CPU), 0), (What::Beyond(CPU, 1), 1_000)]);
    assert_eq!(rated.carries[&(environment(1), CPU)], 0);
}

#[test]
fn whoever_leaves_and_comes_back_on_a_day_pays_for_the_time_they_had() {
    let mut facts = facts(june(), tariff(72_000, CPU, "0", &[("0", "1")]));
    facts.segments = vec![
        segment(1, span("2026-06-10T08:00:00Z", "2026-06-10T09:00:00Z")),
        segment(1, span("2026-06-10T10:30:00Z", "2026-06-10T11:30:00Z")),
    ];
    assert_eq!(billed(&rated(&facts)), [(What::Base, "1.0000".to_owned(), 200)]);
    facts.trial = Some(span("2026-06-01T00:00:00Z", "2026-06-10T23:00:00Z"));
    assert_eq!(billed(&rated(&facts)), [], "all of it in the trial");
}

#[test]
fn the_cost_so_far_is_the_same_function_cut_at_now() {
    let mut facts = facts(june(), tariff(3_000, CPU, "30", &[("0", "1")]));
    facts.segments[0].span.until = at("2026-06-11T00:00:00Z");
    facts.usage = vec![hour(june(), CPU, 3, 12 * CORE_HOUR)];
    let expected = [(What::Base, "1.0000".to_owned(), 1_000), (What::Beyond(CPU, 1), "2.0000".to_owned(), 200)];
    assert_eq!(billed(&rated(&facts)), expected);

    let lasting = [environment(1)].into();
    let paces = [((environment(1), CPU), Pace { raw: 24 * CORE_HOUR, micros: 7 * 24 * 3_600_000_000 })].into();
    let foreseen = forecast(&facts, &lasting, &paces, &Carries::new(), at("2026-06-11T00:00:00Z")).unwrap();
    // Twenty more days at 24 hours a week, less an hour at most: 12 + 68.4 of which 30 are included.
    let expected = [(What::Base, "1.0000".to_owned(), 3_000), (What::Beyond(CPU, 1), "50.5714".to_owned(), 5_057)];
    assert_eq!(billed(&foreseen), expected);
    let over = forecast(&facts, &[].into(), &paces, &Carries::new(), at("2026-06-11T00:00:00Z")).unwrap();
    assert_eq!(over, rated(&facts), "what has ended goes on at no pace");
}

#[test]
fn facts_that_cannot_be_right_are_refused_and_never_guessed() {
    let good = facts(june(), tariff(1, CPU, "0", &[("0", "1")]));
    let refused = |change: fn(&mut Facts)| {
        let mut facts = good.clone();
        change(&mut facts);
        rate(&facts, &Carries::new()).unwrap_err()
    };
    assert_eq!(refused(|it| it.period.until = it.period.from), RatingError::BadPeriod);
    assert_eq!(refused(|it| it.period.from += TimeDelta::minutes(30)), RatingError::BadPeriod);
    assert_eq!(refused(|it| it.segments.push(it.segments[0])), RatingError::Overlap(environment(1)));
    assert_eq!(refused(|it| it.tariffs.clear()), RatingError::NoTariff(version(1)));
    assert_eq!(refused(|it| it.currency = Currency::Mad), RatingError::NoTariff(version(1)));
    assert_eq!(refused(|it| it.usage = vec![hour(june(), CPU, 0, -1)]), RatingError::BadUsage(environment(1)));
    let twice = refused(|it| {
        let day = Span { from: june().from, until: june().from + TimeDelta::days(1) };
        it.usage = vec![hour(june(), CPU, 3, 1), Usage { span: day, ..hour(june(), CPU, 0, 1) }];
    });
    assert_eq!(twice, RatingError::BadUsage(environment(1)));
}

#[test]
fn the_example_of_the_rules_comes_out_as_it_is_written() {
    let period = month("2026-03-15T00:00:00Z", Tz::Europe__Paris);
    let changed = at("2026-03-16T09:20:00Z");
    let mut facts = facts(period, tariff(3_000, CPU, "100", &[("0", "0.05"), ("50", "0.04")]));
    facts.tariffs.insert(version(2), tariff(9_000, CPU, "300", &[("0", "0.03")]));
    facts.segments = vec![segment(1, Span { until: changed, ..period }), segment(2, Span { from: changed, ..period })];
    let used = |from: &str, hundred_thousandths: i128| {
        let from = at(from);
        let span = Span { from, until: from + TimeDelta::hours(1) };
        Usage { environment: environment(1), meter: CPU, span, raw: hundred_thousandths * CORE_HOUR / 100_000 }
    };
    facts.usage = vec![
        used("2026-03-02T11:00:00Z", 14_900_007),
        used("2026-03-16T09:00:00Z", 300_000),
        used("2026-03-16T10:00:00Z", 16_800_005),
    ];
    let rated = rated(&facts);
    let rows = rated.charges.iter().map(|charge| {
        let plan = if charge.item.plan_version == version(1) { "A" } else { "B" };
        let what = match charge.what {
            What::Base => "base price".to_owned(),
            What::Included(_) => "cpu, included".to_owned(),
            What::Beyond(_, tier) => format!("cpu, price {tier}"),
        };
        format!("| {plan} | {what} | {} | {} | {} |\n", charge.quantity, charge.unit_price, charge.net.exact())
    });
    let table: String = rows.collect();
    let rules = include_str!("../../../../docs/billing.md");
    assert!(rules.contains(&table), "{table}");
    assert!(rules.contains(&format!("Before discounts and taxes: {}.", rated.net(Currency::Eur).unwrap().exact())));
    assert_eq!(rated.carries[&(environment(1), CPU)], 2 * CORE_HOUR / 100_000);
}
