//! `/account/billing/credit`: an organisation's credit, lot by lot: what is left, when it ends, what it paid; and more of it, by card.

use actix_web::web::Data;
use anyhow::Context;
use askama::Template;
use serde::Deserialize;

use super::methods::language;
use super::{Tab, day, formats, may_manage, tabs, terms};
use crate::accounts::policy::Action;
use crate::base::money::{Currency, Money};
use crate::billing::lots::{self, Lot, Source};
use crate::billing::transfers::statement;
use crate::i18n::format::Formats;
use crate::payments::top_ups;
use crate::payments::wishes::{self, Kind};
use crate::portal::Portal;
use crate::web::Keys;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Member, Posted};
use crate::web::form::Problems;
use crate::web::layout::Layout;
use crate::web::urls;

/// As many lots stand on the page.
const SHOWN: i64 = 100;

/// What is typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TopUpForm {
    amount: String,
}

/// Shows the page.
pub async fn get(portal: Data<Portal>, keys: Data<Keys>, member: Member) -> Answer {
    member.require(Action::SeeCosts)?;
    answer::page(&CreditPage::read(&portal, &keys, &member, TopUpForm::default(), Problems::default()).await?)
}

/// Asks for a page of Stripe's on which credit is bought, or says why not.
pub async fn post(portal: Data<Portal>, keys: Data<Keys>, member: Member, posted: Posted<TopUpForm>) -> Answer {
    member.require(Action::ManageBilling)?;
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let (currency, seller) = terms(&mut db, member.account).await?;
    drop(db);
    if !keys.takes_cards(currency) {
        return Err(PageError::NotFound);
    }
    let amount = statement::minor(&posted.form.amount).map(|minor| Money::new(minor, currency));
    if let Some(amount) = amount.filter(|amount| top_ups::may_be(*amount) && seller.is_some()) {
        let kind = Kind::TopUp(amount);
        let wish = wishes::ask(&portal, (member.account, member.user), kind, language(&member)).await?;
        return answer::see_other(urls::billing_card(wish));
    }
    let mut problems = Problems::default();
    problems.add("amount", bounds(&member.layout, currency, "credit-bad-amount"));
    answer::again(&CreditPage::read(&portal, &keys, &member, posted.form, problems).await?)
}

/// Says between what an amount has to lie.
fn bounds(layout: &Layout, currency: Currency, key: &str) -> String {
    let formats = formats(layout);
    let (least, most) = top_ups::bounds(currency);
    layout.t2(key, "least", formats.money(least), "most", formats.money(most))
}

/// What a lot is called.
pub(in crate::web::pages) fn words(layout: &Layout, lot: &Lot) -> String {
    match lot.source {
        Source::Payment if lot.method == "transfer" => layout.t("credit-source-transfer"),
        Source::Payment => layout.t("credit-source-payment"),
        Source::TopUp => layout.t("credit-source-top_up"),
        Source::Grant => layout.t("credit-source-grant"),
        Source::CreditNote => layout.t1("billing-title-credit_note", "number", &lot.number),
    }
}

/// When a lot ends, or that it does not.
pub(in crate::web::pages) fn ends(layout: &Layout, formats: Formats, lot: &Lot) -> String {
    match lot.expires_at {
        None => layout.t("credit-ends-never"),
        Some(at) if at <= layout.now => layout.t1("credit-ended-on", "date", formats.date_time(at)),
        Some(at) => formats.date_time(at),
    }
}

/// What became of a lot beside what it paid; empty: nothing.
pub(in crate::web::pages) fn note(layout: &Layout, formats: Formats, lot: &Lot) -> String {
    let mut notes = Vec::new();
    if lot.expired.minor > 0 {
        notes.push(layout.t1("credit-note-expired", "amount", formats.money(lot.expired)));
    }
    if lot.paid_back.minor > 0 {
        notes.push(layout.t1("credit-note-paid-back", "amount", formats.money(lot.paid_back)));
    }
    notes.join(" ")
}

struct Line {
    what: String,
    since: String,
    amount: String,
    left: String,
    is_usable: bool,
    ends: String,
    note: String,
    /// Address, number and amount of what it paid.
    paid: Vec<(String, String, String)>,
}

#[derive(Template)]
#[template(path = "pages/billing/credit.html")]
struct CreditPage {
    layout: Layout,
    tabs: Vec<Tab>,
    usable: String,
    lines: Vec<Line>,
    may_buy: bool,
    hint: String,
    typed: TopUpForm,
    problems: Problems,
}

impl CreditPage {
    async fn read(
        portal: &Portal,
        keys: &Keys,
        member: &Member,
        typed: TopUpForm,
        problems: Problems,
    ) -> Result<Self, PageError> {
        let layout = &member.layout;
        let formats = formats(layout);
        let mut db = portal.db.acquire().await.context("acquire a connection")?;
        let (currency, seller) = terms(&mut db, member.account).await?;
        let usable = lots::usable(&mut db, member.account, currency, layout.now).await?;
        let lots = lots::list(&mut db, member.account, currency, SHOWN).await?;
        drop(db);
        let line = |lot: &Lot| Line {
            what: words(layout, lot),
            since: day(layout, lot.since_on),
            amount: formats.money(lot.amount),
            left: formats.money(lot.usable(layout.now)),
            is_usable: lot.usable(layout.now).minor > 0,
            ends: ends(layout, formats, lot),
            note: note(layout, formats, lot),
            paid: lot
                .paid
                .iter()
                .map(|(id, number, amount)| (urls::billing_invoice(*id), number.clone(), formats.money(*amount)))
                .collect(),
        };
        Ok(Self {
            tabs: tabs(layout, &urls::billing_credit()),
            usable: formats.money(usable),
            lines: lots.iter().map(line).collect(),
            may_buy: keys.takes_cards(currency) && seller.is_some() && may_manage(member),
            hint: bounds(layout, currency, "credit-amount-hint"),
            typed,
            problems,
            layout: layout.clone(),
        })
    }
}
