//! What a customer pays: the month so far, invoices and the usage behind them, the statement, and who they are on paper.

pub mod budget;
pub mod cards;
pub mod coupons;
pub mod credit;
pub mod details;
pub mod file;
pub mod invoice;
pub mod invoices;
pub mod line;
pub mod methods;
pub mod overview;
pub(in crate::web::pages) mod paper;
pub mod proof;
pub mod recompute;
pub mod statement;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use rust_decimal::Decimal;
use sayoo_document::Unit;
use sqlx::PgConnection;

use crate::accounts::policy::{self, Action};
use crate::base::ids::{AccountId, DocumentId};
use crate::base::money::Currency;
use crate::billing::documents::{self, Final, Kind, Listed};
use crate::billing::rating::Span;
use crate::billing::rating::account::Month;
use crate::billing::run;
use crate::billing::sellers::{self, Seller};
use crate::environments::orders;
use crate::i18n::format::Formats;
use crate::plans::{Meter, cost};
use crate::web::error::PageError;
use crate::web::extract::Member;
use crate::web::layout::Layout;
use crate::web::urls;

/// A tab of these pages.
pub(super) struct Tab {
    pub label: String,
    pub href: String,
    pub is_current: bool,
}

/// Returns the tabs; the one with `current` as address is the present one.
pub(super) fn tabs(layout: &Layout, current: &str) -> Vec<Tab> {
    [
        ("billing-tab-overview", urls::billing()),
        ("billing-tab-invoices", urls::billing_invoices()),
        ("billing-tab-methods", urls::billing_methods()),
        ("billing-tab-credit", urls::billing_credit()),
        ("billing-tab-statement", urls::billing_statement()),
        ("billing-tab-budget", urls::billing_budget()),
        ("billing-tab-coupons", urls::billing_coupons()),
        ("billing-tab-details", urls::billing_details()),
        ("account-tab-exports", urls::account_exports()),
    ]
    .map(|(key, href)| Tab { label: layout.t(key), is_current: href == current, href })
    .into()
}

/// Returns how values are written for this reader: the language of the page, the time zone of the organisation.
fn formats(layout: &Layout) -> Formats {
    Formats::new(layout.locale, layout.person.as_ref().map_or("UTC", |person| &person.timezone))
}

/// Writes a day of the calendar.
pub(in crate::web::pages) fn day(layout: &Layout, on: NaiveDate) -> String {
    Formats::new(layout.locale, "UTC").date(on.and_time(NaiveTime::MIN).and_utc())
}

/// Writes the first and the last day of a time.
pub(in crate::web::pages) fn days(layout: &Layout, zone: &str, span: Span) -> String {
    let formats = Formats::new(layout.locale, zone);
    let last = span.until - chrono::TimeDelta::microseconds(1);
    layout.t2("billing-days", "from", formats.date(span.from), "until", formats.date(last))
}

/// In which currency an account pays, and to which of our companies; none before our people made one.
async fn terms(db: &mut PgConnection, account: AccountId) -> anyhow::Result<(Currency, Option<Seller>)> {
    let currency = orders::terms(db, account).await?.currency;
    let seller = sellers::list(db).await?.into_iter().find(|seller| seller.currency == currency);
    Ok((currency, seller))
}

/// The month of now, with whose clocks it begins and ends, and who sells. Until the worker has opened it, it is counted in the same way.
async fn this_month(
    db: &mut PgConnection,
    member: &Member,
) -> anyhow::Result<(Month<'static>, chrono_tz::Tz, Option<Seller>)> {
    let layout = &member.layout;
    let (currency, seller) = terms(db, member.account).await?;
    let zone = seller.as_ref().map_or_else(|| formats(layout).zone(), |seller| seller.zone);
    let period = if let Some(period) = run::open_period(db, member.account, layout.now).await? {
        period.span
    } else {
        let (from, until) = cost::month(layout.now, zone);
        Span { from, until }
    };
    Ok((Month { account: member.account, currency, period, only: None }, zone, seller))
}

/// The seller's calendar says what is late; without one, that of the reader.
pub(in crate::web::pages) fn today(seller: Option<&Seller>, layout: &Layout) -> NaiveDate {
    let zone = seller.map_or_else(|| formats(layout).zone(), |seller| seller.zone);
    layout.now.with_timezone(&zone).date_naive()
}

/// The state of a document: the kind of its badge, and its words.
pub(in crate::web::pages) fn state(layout: &Layout, listed: &Listed, today: NaiveDate) -> (&'static str, String) {
    match listed.kind {
        Kind::Invoice if listed.open.minor <= 0 => ("running", layout.t("billing-state-paid")),
        Kind::Invoice if listed.due_on < today => {
            ("failed", layout.t1("billing-state-overdue", "date", day(layout, listed.due_on)))
        }
        Kind::Invoice => ("neutral", layout.t1("billing-state-due", "date", day(layout, listed.due_on))),
        Kind::CreditNote if listed.open.minor > 0 => {
            ("working", layout.t1("billing-state-credit-left", "amount", formats(layout).money(listed.open)))
        }
        Kind::CreditNote => ("running", layout.t("billing-state-credit-used")),
    }
}

/// Returns the account's document of a path. What is somebody else's is not there; what one's role may not see is refused.
async fn find(db: &mut PgConnection, member: &Member, document: &str) -> Result<(DocumentId, Final), PageError> {
    let id: DocumentId = document.parse().map_err(|_| PageError::NotFound)?;
    let found = documents::find(db, Some(member.account), id).await?.ok_or(PageError::NotFound)?;
    member.require(Action::SeeCosts)?;
    Ok((id, found))
}

/// Whether the person may change what is paid how.
fn may_manage(member: &Member) -> bool {
    policy::may(member.role, Action::ManageBilling)
}

/// Writes a quantity with its unit.
pub(in crate::web::pages) fn quantity(layout: &Layout, formats: Formats, value: Decimal, unit: &str) -> String {
    layout.t1(format!("billing-unit-{unit}"), "value", formats.decimal(value, 4))
}

/// The word of a unit, as keys of texts end.
fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::One => "one",
        Unit::Month => "month",
        Unit::Day => "day",
        Unit::Hour => "hour",
        Unit::CoreHour => "core-hour",
        Unit::GigabyteHour => "gigabyte-hour",
        Unit::GigabyteMonth => "gigabyte-month",
        Unit::Gigabyte => "gigabyte",
        Unit::Request => "request",
        Unit::ThousandRequests => "thousand-requests",
        Unit::User => "user",
    }
}

/// The same of what a meter counts.
fn unit_of(meter: Meter) -> &'static str {
    match meter {
        Meter::Cpu => "core-hour",
        Meter::Database => "gigabyte-hour",
        Meter::Egress => "gigabyte",
        Meter::Requests => "thousand-requests",
    }
}

/// How many raw units one unit of a meter's price has.
fn raw_per_unit(meter: Meter) -> Decimal {
    use crate::metering::{Meter as Counted, units};
    units::per_unit(match meter {
        Meter::Cpu => Counted::Cpu,
        Meter::Database => Counted::Database,
        Meter::Egress => Counted::Egress,
        Meter::Requests => Counted::Requests,
    })
}

/// An instant with the day and the time.
fn exact(formats: Formats, at: DateTime<Utc>) -> crate::i18n::format::When {
    crate::i18n::format::When { iso: formats.iso(at), words: formats.date_time(at) }
}
