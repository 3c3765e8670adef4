//! Ordering an instance in three screens: plan, details, applications. What was chosen travels in the addresses and the form,
//! so the back button, a reload and a second tab are all harmless.

pub mod apps;
pub mod details;
pub mod plan;

use actix_web::HttpRequest;
use anyhow::Context;
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::check_name;
use crate::base::names::Subdomain;
use crate::environments::orders::{Order, Refusal, Terms};
use crate::environments::{names, orders};
use crate::i18n::Locale;
use crate::odoo::{apps as odoo_apps, regions};
use crate::plans::{self, Offer};
use crate::web::error::PageError;
use crate::web::extract::Member;
use crate::web::form::Problems;
use crate::web::layout::Layout;

/// Everything that the three screens ask for. What is not there yet is empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct OrderForm {
    plan: String,
    name: String,
    subdomain: String,
    company: String,
    language: String,
    country: String,
    apps: Vec<String>,
    key: String,
}

/// What the screens need besides the form.
struct Shop {
    terms: Terms,
    offers: Vec<Offer>,
}

impl Shop {
    async fn open(db: &mut PgConnection, member: &Member) -> Result<Self, PageError> {
        let terms = orders::terms(db, member.account).await?;
        let offers = plans::offered(db, terms.currency, member.layout.now).await?;
        Ok(Self { terms, offers })
    }

    fn chosen(&self, form: &OrderForm) -> Option<&Offer> {
        self.offers.iter().find(|offer| offer.plan.code == form.plan)
    }
}

impl OrderForm {
    /// Reads what the address carries.
    fn of_query(request: &HttpRequest) -> Result<Self, PageError> {
        serde_html_form::from_str(request.query_string()).map_err(|_| PageError::BadForm)
    }

    /// Whether the details were not asked for yet.
    fn is_fresh(&self) -> bool {
        self.name.is_empty() && self.subdomain.is_empty() && self.company.is_empty()
    }

    /// Fills in what can be known: the person changes it or goes on.
    async fn prefill(&mut self, db: &mut PgConnection, member: &Member, shop: &Shop) -> Result<(), PageError> {
        let company = &shop.terms.name;
        let plan = shop.chosen(self).map(|offer| &offer.plan);
        let suffix = plan.filter(|plan| plan.kind != plans::Kind::Production);
        self.name =
            suffix.map_or_else(|| company.clone(), |plan| format!("{company} {}", plan.names.of(member.layout.locale)));
        self.name = self.name.chars().take(100).collect();
        self.company.clone_from(company);
        language_of(member.layout.locale).clone_into(&mut self.language);
        regions::find_country(&shop.terms.country).map_or("MA", |country| country.code).clone_into(&mut self.country);
        let wish = suffix.map_or_else(
            || Subdomain::suggest(company),
            |plan| {
                let short = match plan.kind {
                    plans::Kind::Development => "dev",
                    _ => "test",
                };
                format!("{}-{short}", Subdomain::suggest(company)).trim_start_matches('-').to_owned()
            },
        );
        let free = names::free_like(db, member.account, &wish, member.layout.now).await?;
        self.subdomain = free.map(|name| name.to_string()).unwrap_or_default();
        Ok(())
    }

    /// Checks the first two screens. The order has no applications and a new key.
    fn parse(&self, layout: &Layout, shop: &Shop) -> Result<Order, Problems> {
        let mut problems = Problems::default();
        let offer = shop.chosen(self);
        if offer.is_none() {
            problems.add("plan", layout.t("order-plan-missing"));
        }
        let name = short_text(&self.name, 100);
        let company = short_text(&self.company, 200);
        let subdomain = Subdomain::parse(&self.subdomain);
        let country = regions::find_country(&self.country);
        let is_known = regions::find_language(&self.language).is_some();
        if name.is_none() {
            problems.add("name", layout.t("order-name-missing"));
        }
        if let Err(error) = subdomain {
            problems.add("subdomain", check_name::sentence(layout, error));
        }
        if company.is_none() {
            problems.add("company", layout.t("order-company-missing"));
        }
        if !is_known {
            problems.add("language", layout.t("order-language-missing"));
        }
        if country.is_none() {
            problems.add("country", layout.t("order-country-missing"));
        }
        match (offer, name, company, subdomain, country) {
            (Some(offer), Some(name), Some(company), Ok(subdomain), Some(country)) if is_known => Ok(Order {
                key: self.key.parse().unwrap_or_else(|_| Uuid::new_v4()),
                plan_version: offer.version.id,
                name,
                subdomain,
                company,
                language: self.language.clone(),
                country: self.country.clone(),
                currency: country.currency.to_owned(),
                timezone: country.timezone.to_owned(),
                apps: odoo_apps::chosen(self.apps.iter().map(String::as_str)),
            }),
            _ => Err(problems),
        }
    }

    /// Checks the first two screens and whether the address is free at this moment.
    async fn check(
        &self,
        db: &mut PgConnection,
        member: &Member,
        shop: &Shop,
    ) -> Result<Result<Order, Problems>, PageError> {
        let order = match self.parse(&member.layout, shop) {
            Ok(order) => order,
            Err(problems) => return Ok(Err(problems)),
        };
        if names::is_free(db, member.account, &order.subdomain, member.layout.now).await? {
            return Ok(Ok(order));
        }
        let mut problems = Problems::default();
        problems.add("subdomain", taken(&member.layout, &order.subdomain));
        Ok(Err(problems))
    }
}

/// Says that a name is taken, with its whole address.
fn taken(layout: &Layout, name: &Subdomain) -> String {
    layout.t1("instances-name-taken", "host", layout.public.instance_host(name.as_str()))
}

/// Returns a trimmed text of one line that is neither empty nor too long.
pub(super) fn short_text(text: &str, longest: usize) -> Option<String> {
    let text = text.trim();
    let fits = !text.is_empty() && text.chars().count() <= longest && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

/// Returns a sentence for why an order was refused.
fn refusal(layout: &Layout, why: Refusal) -> String {
    match why {
        Refusal::NotVerified => layout.t("order-refused-not-verified"),
        Refusal::AccountClosing => layout.t("order-refused-closing"),
        Refusal::AccountSuspended => layout.t("order-refused-suspended"),
        Refusal::QuotaReached { allowed } => layout.t1("order-refused-quota", "allowed", allowed),
        Refusal::PlanNotOffered => layout.t("order-refused-plan"),
        Refusal::AddressTaken => layout.t("instances-name-taken-just-now"),
    }
}

/// Returns Odoo's language for a reader of `locale`.
fn language_of(locale: Locale) -> &'static str {
    match locale {
        Locale::Fr => "fr_FR",
        Locale::Ar => "ar_001",
        Locale::En => "en_US",
    }
}

/// Opens a connection.
async fn connection(portal: &crate::portal::Portal) -> Result<sqlx::pool::PoolConnection<sqlx::Postgres>, PageError> {
    Ok(portal.db.acquire().await.context("acquire a connection")?)
}
