//! `/pricing`: what is sold, read from the catalogue.

use actix_web::web::{Data, Query};
use anyhow::Context;
use askama::Template;
use chrono::TimeDelta;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Deserialize;

use crate::base::money::Currency;
use crate::i18n::Locale;
use crate::i18n::format::Formats;
use crate::plans::{self, Allowance, Kind, Meter, Offer, Resources};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::Visitor;
use crate::web::layout::Layout;
use crate::web::urls;

/// Which prices.
#[derive(Debug, Default, Deserialize)]
pub struct PricingQuery {
    currency: Option<String>,
}

/// Shows the page.
pub async fn get(portal: Data<Portal>, visitor: Visitor, query: Query<PricingQuery>) -> Answer {
    let asked = query.currency.as_deref().and_then(|code| code.parse().ok());
    let usual = if visitor.layout.locale == Locale::Ar { Currency::Mad } else { Currency::Eur };
    let currency = asked.unwrap_or(usual);
    let mut db = portal.db.acquire().await.context("connect")?;
    let offers = plans::offered(&mut db, currency).await?;
    answer::page(&PricingPage::new(visitor.layout, &offers, currency))
}

#[derive(Template)]
#[template(path = "pages/pricing.html")]
struct PricingPage {
    layout: Layout,
    currencies: Vec<CurrencyLink>,
    plans: Vec<PlanCard>,
    meters: Vec<MeterRow>,
}

struct CurrencyLink {
    code: &'static str,
    href: String,
    current: bool,
}

struct PlanCard {
    code: String,
    name: String,
    summary: String,
    price: String,
    features: Vec<String>,
    stands_out: bool,
    href: String,
}

struct MeterRow {
    name: String,
    cells: Vec<MeterCell>,
}

struct MeterCell {
    plan: String,
    included: String,
    then: String,
}

impl PricingPage {
    fn new(layout: Layout, offers: &[Offer], currency: Currency) -> Self {
        let formats = Formats::new(layout.locale, "UTC");
        let currencies = Currency::ALL
            .map(|other| CurrencyLink {
                code: other.code(),
                href: format!("{}?currency={}", urls::pricing(), other.code()),
                current: other == currency,
            })
            .into();
        let plans = offers.iter().map(|offer| PlanCard::new(&layout, formats, offer)).collect();
        let meters = Meter::ALL
            .into_iter()
            .filter_map(|meter| MeterRow::new(&layout, formats, offers, meter, currency))
            .collect();
        Self { layout, currencies, plans, meters }
    }
}

impl PlanCard {
    fn new(layout: &Layout, formats: Formats, offer: &Offer) -> Self {
        let plan = &offer.plan;
        let href = if layout.person.is_some() { urls::order_with_plan(&plan.code) } else { urls::sign_up() };
        Self {
            code: plan.code.clone(),
            name: plan.names.of(layout.locale).to_owned(),
            summary: plan.summaries.of(layout.locale).to_owned(),
            price: formats.money(offer.monthly),
            features: features(layout, formats, &offer.version.resources),
            stands_out: plan.kind == Kind::Production,
            href,
        }
    }
}

/// Returns what a plan gives, one line each.
#[must_use]
pub fn features(layout: &Layout, formats: Formats, resources: &Resources) -> Vec<String> {
    let size = |mb: i32| formats.mebibytes(mb.unsigned_abs());
    let mut lines = vec![
        layout.t1("public-prices-cpu", "cores", formats.decimal(Decimal::new(resources.cpu_millis.into(), 3), 2)),
        layout.t1("public-prices-memory", "size", size(resources.memory_mb)),
        layout.t1("public-prices-storage", "size", size(resources.storage_mb)),
        match resources.sleep_after_seconds {
            Some(seconds) => {
                layout.t1("public-prices-sleeps", "time", formats.duration(TimeDelta::seconds(seconds.into())))
            }
            None => layout.t("public-prices-awake"),
        },
        // How many the plan is to keep is in the catalogue; none is made yet, and nobody is to believe so.
        layout.t("public-prices-backups"),
    ];
    if resources.max_replicas > 1 {
        lines.push(layout.t1("public-prices-containers", "count", formats.number(resources.max_replicas)));
    }
    lines
}

/// Hours of the month that prices are made with: 365 × 24 ÷ 12.
const HOURS_OF_MONTH: i64 = 730;

impl MeterRow {
    fn new(layout: &Layout, formats: Formats, offers: &[Offer], meter: Meter, currency: Currency) -> Option<Self> {
        let cell = |offer: &Offer| {
            let allowances = offer.version.allowances_in(currency);
            let allowance = allowances.into_iter().find(|allowance| allowance.meter == meter)?;
            Some(MeterCell::new(layout, formats, offer.plan.names.of(layout.locale), allowance))
        };
        // A row with a hole would promise something free: then the row is not shown.
        let cells: Vec<_> = offers.iter().map(cell).collect::<Option<_>>()?;
        (!cells.is_empty()).then(|| Self { name: layout.t(format!("public-meter-{}", meter.code())), cells })
    }
}

impl MeterCell {
    fn new(layout: &Layout, formats: Formats, plan: &str, allowance: &Allowance) -> Self {
        let key = format!("public-meter-{}", allowance.meter.code());
        let hours = Decimal::from(HOURS_OF_MONTH);
        // People think of a database in GB that stay the month, and count requests one by one.
        let (included, places) = match allowance.meter {
            Meter::Database => (allowance.included / hours, 1),
            Meter::Requests => (allowance.included * Decimal::from(1_000), 0),
            Meter::Cpu | Meter::Egress => (allowance.included, 1),
        };
        let price = formats.price(allowance.unit_price, allowance.currency);
        let each = match allowance.meter {
            Meter::Database => {
                let month = formats.price(
                    (allowance.unit_price * hours).round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero),
                    allowance.currency,
                );
                layout.t2(format!("{key}-each"), "month", month, "price", price)
            }
            Meter::Cpu | Meter::Egress | Meter::Requests => layout.t1(format!("{key}-each"), "price", price),
        };
        Self {
            plan: plan.to_owned(),
            included: layout.t1(format!("{key}-included"), "value", formats.decimal(included, places)),
            then: layout.t1("public-prices-then", "price", each),
        }
    }
}
