//! `/staff/plans/{plan}/draft`: a new version of a plan, beginning with what the newest one says; or its first one.

use std::collections::BTreeMap;

use actix_web::web::{Data, Path};
use anyhow::Context;
use askama::Template;
use rust_decimal::Decimal;

use super::plans::{failed, find};
use crate::audit;
use crate::base::ids::PlanId;
use crate::base::money::{Currency, Money};
use crate::billing::previews;
use crate::plans::catalogue::{self, Draft};
use crate::plans::{Allowance, Meter, Plan, Resources, Tier, Version};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::{Posted, Staff};
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

/// What was typed, by the fields' names.
pub type Typed = BTreeMap<String, String>;

#[derive(Template)]
#[template(path = "pages/staff/plan_draft.html")]
struct DraftPage {
    layout: Layout,
    title: String,
    list_url: String,
    post_url: String,
    groups: Vec<Group>,
    has_errors: bool,
}

struct Group {
    title: String,
    fields: Vec<Field>,
    /// Further prices of a meter: where each begins, and what it is in each currency.
    tiers: Vec<Vec<Field>>,
    /// Whether any of them says something.
    has_tiers: bool,
}

struct Field {
    name: String,
    label: String,
    hint: String,
    value: String,
    error: Option<String>,
    is_required: bool,
}

/// Shows the form.
pub async fn get(portal: Data<Portal>, staff: Staff, id: Path<PlanId>) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let (plan, newest) = find(&mut db, *id).await?;
    // A plan without versions begins with an empty form.
    answer::page(&DraftPage::new(staff.layout, &plan, &newest.as_ref().map(values).unwrap_or_default(), &Wrong::new()))
}

/// Saves the draft, or shows what was typed with what is wrong.
pub async fn post(portal: Data<Portal>, staff: Staff, id: Path<PlanId>, posted: Posted<Typed>) -> Answer {
    let mut tx = portal.db.begin().await.context("begin")?;
    let (plan, _) = find(&mut tx, *id).await?;
    let draft = match parse(&posted.form) {
        Ok(draft) => draft,
        Err(wrong) => return answer::again(&DraftPage::new(staff.layout, &plan, &posted.form, &wrong)),
    };
    let version = catalogue::draft(&mut tx, *id, &draft, staff.layout.now).await.map_err(failed)?;
    let entry = audit::Entry::new("plan.drafted").detail(serde_json::json!({ "plan": *id, "version": version }));
    audit::record(&mut tx, &staff.actor(), entry, staff.layout.now).await?;
    // What it would mean for those who are on the version that is sold is what staff want to see next.
    if let Some(current) = catalogue::current(&mut tx, *id, staff.layout.now).await? {
        previews::ask(&mut tx, (version, current.id), &staff.member.name, staff.layout.now).await?;
    }
    tx.commit().await.context("commit")?;
    answer::flash(urls::staff_plans(), FlashKind::Good, "staff-plans-drafted-done")
}

impl DraftPage {
    fn new(layout: Layout, plan: &Plan, typed: &Typed, wrong: &Wrong) -> Self {
        let field = |name: String, label: String, hint: &str| Field {
            value: typed.get(&name).cloned().unwrap_or_default(),
            error: wrong.get(&name).map(|key| layout.t(*key)),
            hint: if hint.is_empty() { String::new() } else { layout.t(hint) },
            is_required: name != SLEEP && !name.contains(FURTHER),
            name,
            label,
        };
        let price = |currency: Currency| {
            let label = layout.t1("staff-plans-price", "currency", currency.code());
            field(price_of(currency), label, "")
        };
        let plain = |(name, key): (&str, &str)| field(name.to_owned(), layout.t(key), "");
        let sleep = field(SLEEP.to_owned(), layout.t("staff-plans-sleep"), "staff-plans-sleep-hint");
        let groups = [
            ("staff-plans-group-price", Currency::ALL.map(price).into()),
            ("staff-plans-group-limits", LIMITS.into_iter().map(plain).chain([sleep]).collect()),
            ("staff-plans-group-backups", BACKUPS.into_iter().map(plain).collect()),
        ];
        let groups = groups.map(|(key, fields): (_, Vec<Field>)| Group {
            title: layout.t(key),
            fields,
            tiers: Vec::new(),
            has_tiers: false,
        });
        let meter = |meter: Meter| {
            let included = field(included_of(meter), layout.t("staff-plans-included"), "");
            let prices = Currency::ALL.map(|currency| {
                let label = layout.t1("staff-plans-unit-price", "currency", currency.code());
                field(unit_price_of(meter, currency), label, "")
            });
            let tiers: Vec<Vec<Field>> = (2..=shown(typed, meter))
                .map(|number| {
                    let label = layout.t1("staff-plans-tier-from", "number", number);
                    let from = field(from_of(meter, number), label, "staff-plans-tier-from-hint");
                    let prices = Currency::ALL.map(|currency| {
                        let label = layout.t2("staff-plans-tier-price", "number", number, "currency", currency.code());
                        field(further_price_of(meter, number, currency), label, "")
                    });
                    [from].into_iter().chain(prices).collect()
                })
                .collect();
            Group {
                title: layout.t(format!("staff-meter-{}", meter.code())),
                fields: [included].into_iter().chain(prices).collect(),
                has_tiers: tiers.iter().flatten().any(|field| !field.value.trim().is_empty()),
                tiers,
            }
        };
        Self {
            title: layout.t1("staff-plans-new-version-of", "plan", plan.names.of(layout.locale)),
            list_url: urls::staff_plans(),
            post_url: urls::staff_plan_draft(plan.id),
            groups: groups.into_iter().chain(Meter::ALL.map(meter)).collect(),
            has_errors: !wrong.is_empty(),
            layout,
        }
    }
}

const SLEEP: &str = "sleep_minutes";
const LIMITS: [(&str, &str); 4] = [
    ("cpu_millis", "staff-plans-cpu"),
    ("memory_mb", "staff-plans-memory"),
    ("storage_mb", "staff-plans-storage"),
    ("max_replicas", "staff-plans-replicas"),
];
const BACKUPS: [(&str, &str); 3] = [
    ("daily_backups", "staff-plans-daily"),
    ("weekly_backups", "staff-plans-weekly"),
    ("monthly_backups", "staff-plans-monthly"),
];

fn price_of(currency: Currency) -> String {
    format!("price_{}", currency.code().to_lowercase())
}

fn included_of(meter: Meter) -> String {
    format!("included_{}", meter.code())
}

fn unit_price_of(meter: Meter, currency: Currency) -> String {
    format!("unit_{}_{}", meter.code(), currency.code().to_lowercase())
}

/// Stands in the names of fields of further prices, and of no others.
const FURTHER: &str = "-price-";
/// Prices that a meter has at most, with the first.
const MOST_PRICES: usize = 9;
/// Further prices that can be added at once.
const SPARE: usize = 2;

fn from_of(meter: Meter, number: usize) -> String {
    format!("from_{}{FURTHER}{number}", meter.code())
}

fn further_price_of(meter: Meter, number: usize, currency: Currency) -> String {
    format!("unit_{}{FURTHER}{number}_{}", meter.code(), currency.code().to_lowercase())
}

/// Whether anything was typed for a meter's further price.
fn is_typed(typed: &Typed, meter: Meter, number: usize) -> bool {
    let names = [from_of(meter, number)].into_iter();
    let mut names = names.chain(Currency::ALL.map(|currency| further_price_of(meter, number, currency)));
    names.any(|name| typed.get(&name).is_some_and(|text| !text.trim().is_empty()))
}

/// The last of a meter's further prices for which something was typed; 1 when there is none.
fn last(typed: &Typed, meter: Meter) -> usize {
    (2..=MOST_PRICES).rev().find(|number| is_typed(typed, meter, *number)).unwrap_or(1)
}

/// How many prices the form shows for a meter: those that there are, and some more.
fn shown(typed: &Typed, meter: Meter) -> usize {
    (last(typed, meter) + SPARE).min(MOST_PRICES)
}

/// The fields that make this version again.
fn values(version: &Version) -> Typed {
    let resources = &version.resources;
    let sleep = resources.sleep_after_seconds.map(|seconds| (seconds / 60).to_string()).unwrap_or_default();
    let numbers = [
        ("cpu_millis", resources.cpu_millis),
        ("memory_mb", resources.memory_mb),
        ("storage_mb", resources.storage_mb),
        ("max_replicas", resources.max_replicas),
        ("daily_backups", resources.daily_backups),
        ("weekly_backups", resources.weekly_backups),
        ("monthly_backups", resources.monthly_backups),
    ];
    let mut values: Typed = numbers.map(|(name, number)| (name.to_owned(), number.to_string())).into();
    values.insert(SLEEP.to_owned(), sleep);
    for price in &version.prices {
        values.insert(price_of(price.currency), Decimal::new(price.minor, 2).to_string());
    }
    for allowance in &version.allowances {
        values.insert(included_of(allowance.meter), allowance.included.normalize().to_string());
        let unit = allowance.unit_price.normalize().to_string();
        values.insert(unit_price_of(allowance.meter, allowance.currency), unit);
        for (number, tier) in (2..).zip(&allowance.further) {
            values.insert(from_of(allowance.meter, number), tier.from.normalize().to_string());
            let unit = tier.unit_price.normalize().to_string();
            values.insert(further_price_of(allowance.meter, number, allowance.currency), unit);
        }
    }
    values
}

/// Fields that need another value, each with the key of what is said of it.
type Wrong = BTreeMap<String, &'static str>;

/// Reads fields and remembers which of them cannot be read.
struct Reader<'a> {
    typed: &'a Typed,
    wrong: Wrong,
}

impl Reader<'_> {
    fn text(&self, name: &str) -> String {
        self.typed.get(name).map(|text| text.trim().replace(',', ".")).unwrap_or_default()
    }

    fn whole(&mut self, name: &str, least: i32, most: i32) -> i32 {
        let read = self.text(name).parse().ok().filter(|number| (least..=most).contains(number));
        read.unwrap_or_else(|| self.give_up(name))
    }

    fn decimal(&mut self, name: &str, most: i64, places: u32) -> Decimal {
        let read = self.text(name).parse::<Decimal>().ok();
        let read = read.filter(|number| !number.is_sign_negative() && *number <= Decimal::from(most));
        read.filter(|number| number.normalize().scale() <= places).unwrap_or_else(|| self.give_up(name))
    }

    /// Reads a meter's further prices, in each currency. Where each begins is the same in all of them.
    fn tiers(&mut self, meter: Meter) -> BTreeMap<Currency, Vec<Tier>> {
        let mut tiers: BTreeMap<Currency, Vec<Tier>> = BTreeMap::new();
        let mut before = Decimal::ZERO;
        for number in 2..=last(self.typed, meter) {
            let name = from_of(meter, number);
            if !is_typed(self.typed, meter, number) {
                self.say(&name, "staff-plans-tier-hole");
                continue;
            }
            let from = if self.text(&name).is_empty() {
                self.say(&name, "staff-plans-tier-no-beginning");
                None
            } else {
                let from = self.decimal(&name, MOST_QUANTITY, 4);
                Some(from).filter(|_| !self.wrong.contains_key(&name))
            };
            if let Some(from) = from {
                if from <= before {
                    self.say(&name, "staff-plans-tier-not-rising");
                }
                before = from;
            }
            for currency in Currency::ALL {
                let name = further_price_of(meter, number, currency);
                if self.text(&name).is_empty() {
                    self.say(&name, "staff-plans-tier-no-price");
                    continue;
                }
                let unit_price = self.decimal(&name, MOST_UNIT_PRICE, 6);
                tiers.entry(currency).or_default().push(Tier { from: from.unwrap_or_default(), unit_price });
            }
        }
        tiers
    }

    fn give_up<T: Default>(&mut self, name: &str) -> T {
        self.say(name, "staff-plans-bad-number");
        T::default()
    }

    fn say(&mut self, name: &str, key: &'static str) {
        self.wrong.insert(name.to_owned(), key);
    }
}

/// The most units that are included, or that a price begins at.
const MOST_QUANTITY: i64 = 1_000_000_000;
/// The most that a unit costs.
const MOST_UNIT_PRICE: i64 = 100_000;

/// Reads a draft, or returns what is wrong with which fields.
fn parse(typed: &Typed) -> Result<Draft, Wrong> {
    let mut reader = Reader { typed, wrong: Wrong::new() };
    let sleep_minutes = if reader.text(SLEEP).is_empty() { None } else { Some(reader.whole(SLEEP, 1, 365 * 24 * 60)) };
    let resources = Resources {
        cpu_millis: reader.whole("cpu_millis", 50, 256_000),
        memory_mb: reader.whole("memory_mb", 128, 4_194_304),
        storage_mb: reader.whole("storage_mb", 1, 1_000_000_000),
        sleep_after_seconds: sleep_minutes.map(|minutes| minutes * 60),
        max_replicas: reader.whole("max_replicas", 1, 16),
        daily_backups: reader.whole("daily_backups", 0, 366),
        weekly_backups: reader.whole("weekly_backups", 0, 520),
        monthly_backups: reader.whole("monthly_backups", 0, 120),
    };
    let prices = Currency::ALL.map(|currency| {
        let amount = reader.decimal(&price_of(currency), 1_000_000, 2);
        Money::rounded(amount, currency)
    });
    let mut allowances = Vec::new();
    for meter in Meter::ALL {
        let included = reader.decimal(&included_of(meter), MOST_QUANTITY, 4);
        let mut tiers = reader.tiers(meter);
        for currency in Currency::ALL {
            let unit_price = reader.decimal(&unit_price_of(meter, currency), MOST_UNIT_PRICE, 6);
            let further = tiers.remove(&currency).unwrap_or_default();
            allowances.push(Allowance { meter, currency, included, unit_price, further });
        }
    }
    if reader.wrong.is_empty() { Ok(Draft { resources, prices: prices.into(), allowances }) } else { Err(reader.wrong) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::PlanVersionId;

    fn version() -> Version {
        let now = "2026-11-22T21:00:00Z".parse().unwrap();
        let allowance = |meter, currency| Allowance {
            meter,
            currency,
            included: "100.5000".parse().unwrap(),
            unit_price: "0.035000".parse().unwrap(),
            further: [("50", "0.03"), ("1000.5", "0")]
                .map(|(from, price)| Tier { from: from.parse().unwrap(), unit_price: price.parse().unwrap() })
                .into(),
        };
        Version {
            id: PlanVersionId::new(now),
            number: 1,
            published_at: Some(now),
            valid_from: Some(now),
            withdrawn_at: None,
            resources: Resources {
                cpu_millis: 1000,
                memory_mb: 1024,
                storage_mb: 10_240,
                sleep_after_seconds: Some(1800),
                max_replicas: 2,
                daily_backups: 7,
                weekly_backups: 4,
                monthly_backups: 3,
            },
            prices: Currency::ALL.map(|currency| Money::rounded("39".parse().unwrap(), currency)).into(),
            allowances: Meter::ALL
                .into_iter()
                .flat_map(|meter| Currency::ALL.map(|currency| allowance(meter, currency)))
                .collect(),
        }
    }

    #[test]
    fn a_form_that_is_sent_unchanged_makes_the_same_version() {
        let draft = parse(&values(&version())).unwrap();
        assert_eq!(draft.resources, version().resources);
        assert_eq!((draft.prices, draft.allowances), (version().prices, version().allowances));
    }

    #[test]
    fn each_field_that_is_wrong_is_named() {
        let changed = |name: &str, value: &str| {
            let mut typed = values(&version());
            typed.insert(name.to_owned(), value.to_owned());
            parse(&typed).map(|_| ()).unwrap_err().into_keys().collect::<Vec<_>>()
        };
        for (name, value) in [
            ("price_eur", "-1"),
            ("price_mad", "39.999"),
            ("cpu_millis", "1.5"),
            ("memory_mb", "64"),
            ("max_replicas", "17"),
            ("daily_backups", "many"),
            ("sleep_minutes", "0"),
            ("included_cpu", ""),
            ("unit_requests_eur", "1e9"),
            ("unit_requests_mad", "99999999999999999999999999999999"),
            ("unit_cpu_eur", "NaN"),
            ("included_egress", "inf"),
            ("from_cpu-price-2", "NaN"),
            ("from_cpu-price-2", "-50"),
            ("from_cpu-price-3", "1000000001"),
            ("from_cpu-price-3", "1000.00001"),
            ("unit_cpu-price-3_mad", "-0.01"),
            ("unit_cpu-price-3_mad", "100001"),
            ("unit_cpu-price-3_mad", "0.0000001"),
        ] {
            assert_eq!(changed(name, value), [name], "{value:?}");
        }
        let mut typed = values(&version());
        typed.insert("sleep_minutes".to_owned(), String::new());
        typed.insert("price_eur".to_owned(), " 39,50 ".to_owned());
        let draft = parse(&typed).unwrap();
        assert_eq!((draft.resources.sleep_after_seconds, draft.prices[0].minor), (None, 3950));
    }

    #[test]
    fn prices_that_do_not_follow_each_other_are_said_where_they_are() {
        let wrong = |changes: &[(&str, &str)]| {
            let mut typed = values(&version());
            for (name, value) in changes {
                typed.insert((*name).to_owned(), (*value).to_owned());
            }
            parse(&typed).map(|_| ()).unwrap_err().into_iter().collect::<Vec<_>>()
        };
        let said = |name: &str, key| vec![(name.to_owned(), key)];
        let (second, third) = ("from_cpu-price-2", "from_cpu-price-3");
        assert_eq!(wrong(&[(third, "50")]), said(third, "staff-plans-tier-not-rising"), "equal bounds");
        assert_eq!(wrong(&[(third, "49.9999")]), said(third, "staff-plans-tier-not-rising"), "falling bounds");
        assert_eq!(
            wrong(&[(second, "0")]),
            said(second, "staff-plans-tier-not-rising"),
            "where the first price begins"
        );
        assert_eq!(wrong(&[(second, " ")]), said(second, "staff-plans-tier-no-beginning"));
        let price = "unit_cpu-price-3_mad";
        assert_eq!(wrong(&[(price, "")]), said(price, "staff-plans-tier-no-price"), "a currency is missing");
        let without_second = [(second, ""), ("unit_cpu-price-2_eur", ""), ("unit_cpu-price-2_mad", "")];
        assert_eq!(wrong(&without_second), said(second, "staff-plans-tier-hole"));
    }

    #[test]
    fn further_prices_are_taken_away_by_emptying_them() {
        let mut typed = values(&version());
        for name in ["from_cpu-price-3", "unit_cpu-price-3_eur", "unit_cpu-price-3_mad"] {
            typed.insert(name.to_owned(), String::new());
        }
        let draft = parse(&typed).unwrap();
        let counts = draft.allowances.iter().map(|allowance| allowance.further.len()).collect::<Vec<_>>();
        assert_eq!(counts, [1, 1, 2, 2, 2, 2, 2, 2]);
        assert_eq!(shown(&typed, Meter::Cpu), 4, "two more can be added");
    }
}
