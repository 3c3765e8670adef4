//! `/staff/transfers/new`: enters a transfer that the bank told us of.

use actix_web::web::{Data, Query};
use anyhow::Context;
use askama::Template;
use chrono::NaiveDate;

use super::refused;
use crate::base::ids::{AccountId, SellerId};
use crate::base::money::{Currency, Money};
use crate::billing::sellers::{self, Seller};
use crate::billing::transfers::statement::{self, Line};
use crate::billing::transfers::{self, Outcome};
use crate::portal::Portal;
use crate::staff::directory;
use crate::web::answer::{self, Answer};
use crate::web::extract::{Posted, Staff};
use crate::web::form::Problems;
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

/// What the form holds.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct TransferForm {
    seller: String,
    account: String,
    amount: String,
    currency: String,
    value_on: String,
    bank_ref: String,
    payer: String,
    payer_iban: String,
    remittance: String,
}

#[derive(Template)]
#[template(path = "pages/staff/transfers/new.html")]
struct NewPage {
    layout: Layout,
    list_url: String,
    post_url: String,
    /// Id, words, whether it is chosen.
    sellers: Vec<(String, String, bool)>,
    /// Code, whether it is chosen.
    currencies: Vec<(&'static str, bool)>,
    form: TransferForm,
    problems: Problems,
}

/// Shows the form.
pub async fn get(portal: Data<Portal>, staff: Staff, query: Query<TransferForm>) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let sellers = sellers::list(&mut db).await?;
    answer::page(&NewPage::new(staff.layout, query.into_inner(), &sellers, Problems::default()))
}

/// Enters it.
pub async fn post(portal: Data<Portal>, staff: Staff, posted: Posted<TransferForm>) -> Answer {
    let (form, layout) = (posted.form, staff.layout.clone());
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let sellers = sellers::list(&mut db).await?;
    let mut problems = Problems::default();
    let account = match form.account.trim() {
        "" => None,
        text => {
            let mut found = directory::accounts(&mut db, text, 0).await?;
            let key = match found.len() {
                0 => "transfers-account-none",
                _ => "transfers-account-several",
            };
            if found.len() != 1 {
                problems.add("account", layout.t(key));
            }
            found.pop().map(|row| row.id)
        }
    };
    drop(db);
    let Some((seller, line)) = parse(&layout, &form, &sellers, &mut problems) else {
        return answer::again(&NewPage::new(layout, form, &sellers, problems));
    };
    entered(&portal, &staff, seller, &line, account).await
}

async fn entered(portal: &Portal, staff: &Staff, seller: SellerId, line: &Line, account: Option<AccountId>) -> Answer {
    let (id, key) = match transfers::enter(portal, &staff.member, seller, line, account).await {
        Ok(Outcome::Booked(id)) => (id, "transfers-booked-done"),
        Ok(Outcome::WaitsForSecond(id)) => (id, "transfers-second-done"),
        Ok(Outcome::WaitsForChoice(id)) => (id, "transfers-choice-done"),
        Err(error) => return refused(error, &staff.layout, &urls::staff_transfer_new()),
    };
    answer::flash(urls::staff_transfer(id), FlashKind::Good, key)
}

/// Understands the form; `None` when something is wrong with it.
fn parse(
    layout: &Layout,
    form: &TransferForm,
    sellers: &[Seller],
    problems: &mut Problems,
) -> Option<(SellerId, Line)> {
    let seller = sellers.iter().find(|seller| seller.id.to_string() == form.seller);
    let currency: Option<Currency> = form.currency.parse().ok();
    let minor = statement::minor(&form.amount).filter(|minor| *minor > 0);
    let value_on: Option<NaiveDate> = statement::date(&form.value_on);
    let bank_ref = statement::tidy(&form.bank_ref, 120);
    let payer_iban = statement::iban(&form.payer_iban);
    for (field, is_wrong, key) in [
        ("seller", seller.is_none(), "transfers-seller-bad"),
        ("currency", currency.is_none(), "transfers-currency-bad"),
        ("amount", minor.is_none(), "transfers-amount-bad"),
        ("value_on", value_on.is_none() || value_on > Some(layout.now.date_naive()), "transfers-day-bad"),
        ("bank_ref", bank_ref.is_empty(), "transfers-ref-bad"),
        ("payer_iban", payer_iban.is_empty() && !form.payer_iban.trim().is_empty(), "transfers-iban-bad"),
    ] {
        if is_wrong {
            problems.add(field, layout.t(key));
        }
    }
    let line = Line {
        amount: Money::new(minor?, currency?),
        value_on: value_on?,
        bank_ref,
        payer: statement::tidy(&form.payer, 140),
        payer_iban,
        remittance: statement::tidy(&form.remittance, 1000),
    };
    problems.is_empty().then_some((seller?.id, line))
}

impl NewPage {
    fn new(layout: Layout, form: TransferForm, sellers: &[Seller], problems: Problems) -> Self {
        let chosen = sellers.iter().find(|seller| seller.id.to_string() == form.seller).or(sellers.first());
        let currency = form.currency.parse().ok().or(chosen.map(|seller| seller.currency));
        Self {
            list_url: urls::staff_transfers(),
            post_url: urls::staff_transfer_new(),
            sellers: sellers
                .iter()
                .map(|seller| {
                    let words = format!("{} · {}", seller.code, seller.currency);
                    (seller.id.to_string(), words, chosen.is_some_and(|chosen| chosen.id == seller.id))
                })
                .collect(),
            currencies: Currency::ALL.map(|each| (each.code(), Some(each) == currency)).to_vec(),
            form,
            problems,
            layout,
        }
    }
}
