//! `/pricing`: what is sold, read from the catalogue.

use actix_web::web::{Data, Query};
use anyhow::Context;
use askama::Template;
use chrono::TimeDelta;
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::base::money::Currency;
use crate::i18n::Locale;
use crate::i18n::format::Formats;
use crate::plans::{self, Kind, Offer, Resources};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::Visitor;
use crate::web::layout::Layout;
use crate::web::pages::meters::Meters;
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
    let offers = plans::offered(&mut db, currency, visitor.layout.now).await?;
    answer::page(&PricingPage::new(visitor.layout, &offers, currency))
}

#[derive(Template)]
#[template(path = "pages/pricing.html")]
struct PricingPage {
    layout: Layout,
    currencies: Vec<CurrencyLink>,
    plans: Vec<PlanCard>,
    meters: Meters,
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
        let meters = Meters::of_offers(&layout, formats, offers, currency);
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
