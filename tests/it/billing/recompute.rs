//! The program that customers compute their invoices again with agrees with ours, over a year of made-up customers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use sayoo::base::ids::{EnvironmentId, PlanVersionId};
use sayoo::base::money::{Currency, Money};
use sayoo::billing::rating::proof::Proof;
use sayoo::billing::rating::{
    Carries, Charge, Charged, Facts, Owner, Rates, Segment, Span, Tariff, Usage, correct, rate,
};
use sayoo::plans::{Meter, cost};

const CUSTOMERS: u64 = 200;

/// Numbers that look random and are the same each time (splitmix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, limit: u64) -> i64 {
        i64::try_from(self.roll() % limit).unwrap()
    }

    fn is_one_in(&mut self, of: u64) -> bool {
        self.roll().is_multiple_of(of)
    }

    /// An instant between two, to the microsecond; often on the hour.
    fn instant(&mut self, from: DateTime<Utc>, until: DateTime<Utc>) -> DateTime<Utc> {
        let micros = u64::try_from((until - from).num_microseconds().unwrap()).unwrap();
        let at = from + TimeDelta::microseconds(self.below(micros));
        if self.is_one_in(3) { DateTime::from_timestamp(at.timestamp() / 3600 * 3600, 0).unwrap() } else { at }
    }
}

fn version(number: i64) -> PlanVersionId {
    format!("00000000-0000-7000-9000-{number:012}").parse().unwrap()
}

fn environment(number: i64) -> EnvironmentId {
    format!("00000000-0000-7000-8000-{number:012}").parse().unwrap()
}

/// Four plans: odd prices, several prices, nothing included, meters without a limit.
fn tariffs(currency: Currency) -> BTreeMap<PlanVersionId, Tariff> {
    let number = |text: &str| text.parse::<Decimal>().unwrap();
    let rates = |included: &str, prices: &[(&str, &str)]| Rates {
        included: number(included),
        prices: prices.iter().map(|(from, price)| (number(from), number(price))).collect(),
    };
    let tariff = |minor, meters: Vec<(Meter, Rates)>| Tariff {
        monthly: Money::new(minor, currency),
        meters: meters.into_iter().collect(),
    };
    let small = vec![
        (Meter::Cpu, rates("60", &[("0", "0.035")])),
        (Meter::Database, rates("1460", &[("0", "0.000342")])),
        (Meter::Egress, rates("5", &[("0", "0.04"), ("100.5", "0.0312")])),
        (Meter::Requests, rates("200", &[("0", "0.002")])),
    ];
    let tiered = vec![
        (Meter::Cpu, rates("33.3333", &[("0", "0.05"), ("7", "0.031"), ("7.0001", "0.02"), ("50", "0.000001")])),
        (Meter::Requests, rates("0.001", &[("0", "0.0021"), ("1000", "0.0013")])),
    ];
    let bare = Meter::ALL.map(|meter| (meter, rates("0", &[("0", "1.000001")]))).to_vec();
    [(1, tariff(900, small)), (2, tariff(4_999, tiered)), (3, tariff(0, bare)), (4, tariff(12_345, vec![]))]
        .map(|(number, tariff)| (version(number), tariff))
        .into()
}

/// Somebody's year.
struct Customer {
    /// Of some customers every hour is there, but for outages; of the others the hours in which something changes.
    is_watched: bool,
    currency: Currency,
    zone: Tz,
    trial: Option<Span>,
    segments: Vec<Segment>,
}

impl Customer {
    fn new(number: u64, dice: &mut Dice) -> Self {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let (begin, end) = (at("2026-01-01T12:00:00Z"), at("2027-01-01T12:00:00Z"));
        let (currency, zone) = [(Currency::Eur, Tz::Europe__Paris), (Currency::Mad, Tz::Africa__Casablanca)]
            [usize::try_from(number % 2).unwrap()];
        let came = dice.instant(begin, begin + TimeDelta::days(120));
        let trial = dice.is_one_in(2).then(|| Span { from: came, until: came + TimeDelta::days(14) });
        let mut segments = Vec::new();
        for own in 0..=dice.below(3) {
            let environment = environment(i64::try_from(number).unwrap() * 10 + own);
            let (mut from, mut plan_version) =
                (if own == 0 { came } else { dice.instant(came, end) }, 1 + dice.below(4));
            // Changed, deleted, taken back, or moved to another customer.
            for _ in 0..dice.below(5) {
                let until = dice.instant(from, from + TimeDelta::days(80));
                if until <= from {
                    continue;
                }
                let owner = if dice.is_one_in(9) { Owner::Another } else { Owner::Ours };
                segments.push(Segment {
                    environment,
                    plan_version: version(plan_version),
                    span: Span { from, until },
                    owner,
                });
                from = if dice.is_one_in(4) { dice.instant(until, until + TimeDelta::days(9)) } else { until };
                plan_version = 1 + dice.below(4);
            }
            if dice.is_one_in(2) && from < end {
                let span = Span { from, until: end };
                segments.push(Segment { environment, plan_version: version(plan_version), span, owner: Owner::Ours });
            }
        }
        Self { is_watched: number % 25 == 3, currency, zone, trial, segments }
    }

    /// What is known of a month.
    fn facts(&self, period: Span, dice: &mut Dice) -> Facts {
        let segments: Vec<Segment> =
            self.segments.iter().filter(|it| it.span.within(period).is_some()).copied().collect();
        Facts {
            period,
            currency: self.currency,
            usage: usage(&segments, period, self.is_watched, dice),
            segments,
            trial: self.trial,
            tariffs: tariffs(self.currency),
        }
    }
}

/// What was used, by environment, meter and hour.
type Hours = BTreeMap<(EnvironmentId, Meter, DateTime<Utc>), i128>;

/// What was used in some hours, above all in those in which something changes.
fn usage(segments: &[Segment], period: Span, is_watched: bool, dice: &mut Dice) -> Vec<Usage> {
    let mut hours: Hours = Hours::new();
    if is_watched {
        watch(segments, period, dice, &mut hours);
    }
    for segment in segments {
        for meter in Meter::ALL {
            let most = match meter {
                Meter::Cpu => 20 * 3_600_000_000,
                Meter::Database => 300 * 3_600_000_000_000,
                Meter::Egress => 9_000_000_000,
                Meter::Requests => 70_000,
            };
            for number in 0..18 {
                let at = match number {
                    0 => segment.span.from,
                    1 => segment.span.until,
                    _ => dice.instant(period.from, period.until),
                };
                let hour = DateTime::from_timestamp(at.timestamp() / 3600 * 3600, 0).unwrap();
                if period.from <= hour && hour < period.until {
                    hours.insert((segment.environment, meter, hour), i128::from(dice.below(most)));
                }
            }
        }
    }
    let used = |((environment, meter, from), raw)| {
        let span = Span { from, until: from + TimeDelta::hours(1) };
        Usage { environment, meter, span, raw }
    };
    hours.into_iter().map(used).collect()
}

/// Every hour of processor and database, but for outages: hours of which nothing is known, then one of which a part is.
fn watch(segments: &[Segment], period: Span, dice: &mut Dice, hours: &mut Hours) {
    for segment in segments {
        let Some(span) = segment.span.within(period) else { continue };
        for (meter, most) in [(Meter::Cpu, 3_600_000_000), (Meter::Database, 40 * 3_600_000_000_000)] {
            let mut out_for = 0;
            let mut hour = DateTime::from_timestamp(span.from.timestamp() / 3600 * 3600, 0).unwrap();
            while hour < span.until {
                if dice.is_one_in(60) {
                    out_for = 1 + dice.below(30);
                }
                let used = dice.below(most);
                if out_for == 0 {
                    hours.insert((segment.environment, meter, hour), i128::from(used));
                } else if out_for == 1 {
                    hours.insert((segment.environment, meter, hour), i128::from(used * dice.below(3600) / 3600));
                }
                out_for = (out_for - 1).max(0);
                hour += TimeDelta::hours(1);
            }
        }
    }
}

/// The same month as it is known later: some hours more, some less, some not at all.
fn known_later(facts: &Facts, dice: &mut Dice) -> Facts {
    let mut later = facts.clone();
    later.usage.retain(|_| !dice.is_one_in(30));
    for used in &mut later.usage {
        if dice.is_one_in(6) {
            used.raw = used.raw * i128::from(dice.below(300)) / 100;
        }
    }
    later
}

/// Rates everybody's year and writes a file for each month; returns the files.
fn rate_the_year(folder: &Path, customers: u64) -> Vec<PathBuf> {
    let mut dice = Dice::new(20_261_128);
    let mut files = Vec::new();
    for number in 0..customers {
        let customer = Customer::new(number, &mut dice);
        let mut carries = Carries::new();
        // Each month with what was charged for it up to now.
        let mut closed: Vec<(Facts, Vec<Charge>)> = Vec::new();
        let mut at: DateTime<Utc> = "2026-01-15T00:00:00Z".parse().unwrap();
        for _ in 0..12 {
            let (from, until) = cost::month(at, customer.zone);
            at = until + TimeDelta::days(3);
            let before = carries.clone();
            let mut corrections = Vec::new();
            let recent = closed.len().saturating_sub(2);
            for (facts, charges) in &mut closed[recent..] {
                if dice.is_one_in(3) {
                    *facts = known_later(facts, &mut dice);
                    let corrected = correct(facts, &Charged::new(charges).unwrap(), &carries).unwrap();
                    carries = corrected.carries.clone();
                    corrections.push((facts.clone(), charges.clone(), corrected.clone()));
                    charges.extend(corrected.charges);
                }
            }
            let facts = customer.facts(Span { from, until }, &mut dice);
            let rated = rate(&facts, &carries).unwrap();
            carries.clone_from(&rated.carries);
            if rated.charges.is_empty() && corrections.is_empty() {
                continue;
            }
            let proof = Proof::new(&facts, &before, &corrections, &rated);
            // Its month's own name: in some zones it begins on the last day of another one by UTC, and in some months not.
            let file = folder.join(format!("{number}-{}.json", (from + TimeDelta::days(1)).format("%Y-%m")));
            std::fs::write(&file, serde_json::to_vec(&proof).unwrap()).unwrap();
            files.push(file);
            closed.push((facts, rated.charges));
        }
    }
    files
}

/// Runs the published program; returns how it ended and what it said.
pub fn recompute(files: &[PathBuf]) -> (i32, String) {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/recompute/recompute.py");
    let output = Command::new("python3").arg(program).arg("--quiet").args(files).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap(), said)
}

#[test]
fn the_published_program_finds_no_difference_in_a_year_of_customers_and_every_forgery() {
    let folder = tempfile::tempdir().unwrap();
    let files = rate_the_year(folder.path(), CUSTOMERS);
    assert!(files.len() > 1_500, "{}", files.len());
    let (code, said) = recompute(&files);
    assert_eq!((code, said), (0, format!("{} files computed again, no difference\n", files.len())));

    let file = files.iter().find(|file| {
        let text = std::fs::read_to_string(file).unwrap();
        ["\"correction\"", "\"trial\"", "\"usual\""].iter().all(|class| text.contains(&format!("\"class\":{class}")))
    });
    let honest: serde_json::Value = serde_json::from_slice(&std::fs::read(file.unwrap()).unwrap()).unwrap();
    let forged = folder.path().join("forged.json");
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let usual = honest["charges"].as_array().unwrap().iter().position(|it| it["class"] == "usual" && it["tier"] == 1);
    let usual = usual.unwrap();
    let mut forgeries: Vec<(&str, serde_json::Value)> = Vec::new();
    let mut forge = |what: &'static str, change: &dyn Fn(&mut serde_json::Value)| {
        let mut file = honest.clone();
        change(&mut file);
        forgeries.push((what, file));
    };
    forge("a cent more", &|file| {
        let net: Decimal = text(&file["charges"][usual]["net"]).parse().unwrap();
        file["charges"][usual]["net"] = (net + Decimal::new(1, 2)).to_string().into();
    });
    forge("a step more", &|file| {
        let quantity: Decimal = text(&file["charges"][usual]["quantity"]).parse().unwrap();
        file["charges"][usual]["quantity"] = (quantity + Decimal::new(1, 4)).to_string().into();
    });
    forge("another remainder", &|file| {
        file["charges"][usual]["carry_out_raw"] = "-1".into();
    });
    forge("a charge twice", &|file| {
        let again = file["charges"][usual].clone();
        file["charges"].as_array_mut().unwrap().push(again);
    });
    forge("a charge less", &|file| {
        file["charges"].as_array_mut().unwrap().remove(usual);
    });
    forge("an hour that nobody measured", &|file| {
        let (environment, meter) =
            (text(&file["charges"][usual]["environment"]), text(&file["charges"][usual]["meter"]));
        let hour = text(&file["charges"][usual]["from"])[..13].to_owned() + ":00:00Z";
        file["hours"][environment][meter][hour] = "1234567890".into();
    });
    for (what, file) in forgeries {
        std::fs::write(&forged, file.to_string()).unwrap();
        let (code, said) = recompute(std::slice::from_ref(&forged));
        assert_eq!(code, 1, "{what}: {said}");
        assert!(said.contains("DIFFERENT"), "{what}: {said}");
    }
    std::fs::write(&forged, "{}").unwrap();
    assert_eq!(recompute(&[forged]).0, 2, "not such a file");
}

/// Where a process of the test below writes its files.
const RATES_INTO: &str = "SAYOO_TEST_RATES_INTO";

#[test]
fn the_same_facts_are_the_same_bytes_in_every_time_zone_and_language_of_a_machine() {
    const FEW: u64 = 12;
    if let Some(folder) = std::env::var_os(RATES_INTO) {
        rate_the_year(Path::new(&folder), FEW);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let files = rate_the_year(folder.path(), FEW);
    for (zone, language) in [("UTC", "C"), ("Asia/Tokyo", "ar_MA.UTF-8"), ("America/Caracas", "fr_FR.UTF-8")] {
        let there = tempfile::tempdir().unwrap();
        // The same program, started anew: what it takes from its surroundings it takes at its start.
        let name = "the_same_facts_are_the_same_bytes_in_every_time_zone_and_language_of_a_machine";
        let rated = Command::new(std::env::current_exe().unwrap())
            .args([format!("billing::recompute::{name}").as_str(), "--exact"])
            .envs([("TZ", zone), ("LC_ALL", language), ("LANG", language)])
            .env(RATES_INTO, there.path())
            .output()
            .unwrap();
        assert!(rated.status.success(), "{}", String::from_utf8_lossy(&rated.stdout));
        for file in &files {
            let name = file.file_name().unwrap();
            let (here, there) = (std::fs::read(file).unwrap(), std::fs::read(there.path().join(name)).unwrap());
            assert!(here == there, "{} differs in {zone}, {language}", name.display());
        }
        let count = std::fs::read_dir(there.path()).unwrap().count();
        assert_eq!(count, files.len(), "{zone}, {language}");
    }
}
