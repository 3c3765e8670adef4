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
use crate::plans::catalogue::{self, Draft};
use crate::plans::{Allowance, Meter, Plan, Resources, Version};
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
    answer::page(&DraftPage::new(staff.layout, &plan, &newest.as_ref().map(values).unwrap_or_default(), &[]))
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
    tx.commit().await.context("commit")?;
    answer::flash(urls::staff_plans(), FlashKind::Good, "staff-plans-drafted-done")
}

impl DraftPage {
    fn new(layout: Layout, plan: &Plan, typed: &Typed, wrong: &[String]) -> Self {
        let field = |name: String, label: String, hint: &str| Field {
            value: typed.get(&name).cloned().unwrap_or_default(),
            error: wrong.contains(&name).then(|| layout.t("staff-plans-bad-number")),
            hint: if hint.is_empty() { String::new() } else { layout.t(hint) },
            is_required: name != SLEEP,
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
        let groups = groups.map(|(key, fields): (_, Vec<Field>)| Group { title: layout.t(key), fields });
        let meter = |meter: Meter| {
            let included = field(included_of(meter), layout.t("staff-plans-included"), "");
            let prices = Currency::ALL.map(|currency| {
                let label = layout.t1("staff-plans-unit-price", "currency", currency.code());
                field(unit_price_of(meter, currency), label, "")
            });
            let fields = [included].into_iter().chain(prices).collect();
            Group { title: layout.t(format!("staff-meter-{}", meter.code())), fields }
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
    }
    values
}

/// Reads fields and remembers which of them cannot be read.
struct Reader<'a> {
    typed: &'a Typed,
    wrong: Vec<String>,
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

    fn give_up<T: Default>(&mut self, name: &str) -> T {
        self.wrong.push(name.to_owned());
        T::default()
    }
}

/// Reads a draft, or returns the names of the fields that are wrong.
fn parse(typed: &Typed) -> Result<Draft, Vec<String>> {
    let mut reader = Reader { typed, wrong: Vec::new() };
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
        let included = reader.decimal(&included_of(meter), 1_000_000_000, 4);
        for currency in Currency::ALL {
            let unit_price = reader.decimal(&unit_price_of(meter, currency), 100_000, 6);
            allowances.push(Allowance { meter, currency, included, unit_price });
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
        };
        Version {
            id: PlanVersionId::new(now),
            number: 1,
            published_at: Some(now),
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
            parse(&typed).map(|_| ()).unwrap_err()
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
        ] {
            assert_eq!(changed(name, value), [name], "{value:?}");
        }
        let mut typed = values(&version());
        typed.insert("sleep_minutes".to_owned(), String::new());
        typed.insert("price_eur".to_owned(), " 39,50 ".to_owned());
        let draft = parse(&typed).unwrap();
        assert_eq!((draft.resources.sleep_after_seconds, draft.prices[0].minor), (None, 3950));
    }
}
