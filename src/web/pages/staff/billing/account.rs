//! What staff see of a customer's billing on the customer's page, and the check of a VAT number that they note there.

use actix_web::web::{Data, Path};
use sqlx::PgConnection;

use super::credit::CreditPart;
use super::documents::DocumentLine;
use crate::base::ids::AccountId;
use crate::billing::dunning;
use crate::billing::ledger::{self, Role};
use crate::billing::lots;
use crate::billing::profiles::{self, NoteError, Profile, checks};
use crate::billing::rating::account as rating;
use crate::billing::{documents, vat};
use crate::environments::orders;
use crate::odoo::regions;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Posted, Staff};
use crate::web::layout::{FlashKind, Layout};
use crate::web::pages::staff::rows::formats;
use crate::web::urls;

/// The newest documents that are shown.
const NEWEST: usize = 6;

/// A customer's billing.
pub struct BillingPart {
    /// Name, street and so on.
    pub address: Vec<String>,
    /// Whether an invoice can be made out to it.
    pub is_complete: bool,
    /// What a number is called, and the number.
    pub numbers: Vec<(&'static str, String)>,
    /// What is owed on invoices.
    pub owed: String,
    /// What can be used of its credit; empty: nothing.
    pub credit: String,
    /// The same lot by lot, and what staff give.
    pub lots: CreditPart,
    /// Until when nothing is paid; empty: no trial, or it is over.
    pub trial: String,
    /// How overdue it is; empty: nothing is.
    pub dunning: String,
    /// What comes next when nothing is paid.
    pub next: String,
    /// How a sale to it is taxed, in words.
    pub vat: String,
    /// The newest documents.
    pub(in crate::web::pages::staff) documents: Vec<DocumentLine>,
    /// All of them.
    pub documents_url: String,
    /// Who has not paid.
    pub dunning_url: String,
    /// The number that can be checked.
    pub check: Option<VatCheck>,
}

/// The VAT number of a business of the Union, and what is known of it.
pub struct VatCheck {
    /// The number.
    pub number: String,
    /// When it was found right and how, in words; empty: never.
    pub found: String,
    /// Where a check is noted.
    pub action: String,
}

impl BillingPart {
    /// Reads a customer's.
    pub async fn read(db: &mut PgConnection, layout: &Layout, account: AccountId) -> anyhow::Result<Self> {
        let formats = formats(layout);
        let currency = orders::terms(db, account).await?.currency;
        let profile = profiles::find(db, account).await?;
        let owed = ledger::balance(db, account, Role::Receivable, currency).await?;
        let credit = lots::usable(db, account, currency, layout.now).await?;
        let trial = rating::trial(db, account).await?.filter(|trial| layout.now < trial.until);
        let standing = dunning::standing(db, account, layout.now).await?;
        let newest = documents::list(db, account).await?;
        let overdue = standing.as_ref().filter(|standing| standing.overdue.minor > 0);
        let next = overdue.and_then(|standing| standing.coming.first()).map(|(step, on)| {
            layout.t2("dunning-next", "date", formats.calendar_day(*on), "what", layout.t(step.key()))
        });
        Ok(Self {
            address: address(layout, &profile),
            is_complete: profile.is_complete(),
            numbers: [("TVA", &profile.vat_number), ("SIREN", &profile.siren), ("ICE", &profile.ice)]
                .into_iter()
                .filter(|(_, number)| !number.is_empty())
                .map(|(name, number)| (name, number.clone()))
                .collect(),
            owed: formats.money(owed),
            credit: if credit.minor > 0 { formats.money(credit) } else { String::new() },
            lots: CreditPart::read(db, layout, account, currency).await?,
            trial: trial.map(|trial| formats.date_time(trial.until)).unwrap_or_default(),
            dunning: overdue
                .map(|standing| {
                    let step = standing.step.map_or_else(|| layout.t("dunning-step-none"), |step| layout.t(step.key()));
                    layout.t2("staff-billing-overdue", "amount", formats.money(standing.overdue), "step", step)
                })
                .unwrap_or_default(),
            next: next.unwrap_or_default(),
            vat: taxed(layout, currency.code(), &profile),
            documents_url: newest
                .first()
                .map(|document| urls::staff_documents_of(&document.account_name, "all", 0))
                .unwrap_or_default(),
            documents: newest.iter().take(NEWEST).map(|it| DocumentLine::new(layout, it)).collect(),
            dunning_url: urls::staff_dunning(),
            check: check(layout, account, &profile),
        })
    }
}

fn address(layout: &Layout, profile: &Profile) -> Vec<String> {
    let city = format!("{} {}", profile.postcode, profile.city).trim().to_owned();
    let country = regions::find_country(&profile.country)
        .map_or_else(|| profile.country.clone(), |country| layout.t(country.name));
    let street = profile.street.lines().map(str::to_owned);
    std::iter::once(profile.legal_name.clone())
        .chain(street)
        .chain([city, country])
        .filter(|line| !line.is_empty())
        .collect()
}

/// How the next invoice is taxed.
fn taxed(layout: &Layout, currency: &str, profile: &Profile) -> String {
    let seller = if currency == "MAD" { "MA" } else { "FR" };
    let customer = vat::Customer {
        country: &profile.country,
        postcode: &profile.postcode,
        is_business: profile.is_business,
        has_checked_number: profile.vat_checked.is_some(),
    };
    let treatment = vat::treat(seller, customer);
    match vat::reason(seller, treatment.category) {
        Some((_, key)) => layout.t(key),
        None => layout.t1("billing-percent", "value", formats(layout).decimal(treatment.rate, 1)),
    }
}

fn check(layout: &Layout, account: AccountId, profile: &Profile) -> Option<VatCheck> {
    let is_checked = profile.is_business && !profile.vat_number.is_empty() && checks::is_of_union(&profile.country);
    is_checked.then(|| VatCheck {
        number: profile.vat_number.clone(),
        found: match &profile.vat_checked {
            Some((at, answer)) => {
                layout.t2("billing-vat-checked", "date", formats(layout).date_time(*at), "answer", answer)
            }
            None => String::new(),
        },
        action: urls::staff_vat_check(account),
    })
}

/// What somebody found out about a number.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct VatForm {
    /// The number that was checked: the customer may have another one by now.
    number: String,
    /// How it was checked, and the answer.
    answer: String,
    /// `right`, or `wrong`.
    found: String,
}

/// Notes the check of a VAT number.
pub async fn vat_check(portal: Data<Portal>, staff: Staff, id: Path<AccountId>, posted: Posted<VatForm>) -> Answer {
    let form = posted.form;
    let is_right = match form.found.as_str() {
        "right" => true,
        "wrong" => false,
        _ => return Err(PageError::BadForm),
    };
    let done = profiles::note_check(&portal, &staff.member, *id, (&form.number, &form.answer), is_right).await;
    let (kind, key) = match done {
        Ok(()) if is_right => (FlashKind::Good, "staff-billing-vat-noted"),
        Ok(()) => (FlashKind::Good, "staff-billing-vat-taken-back"),
        Err(NoteError::NotFound) => return Err(PageError::NotFound),
        Err(NoteError::Failed(cause)) => return Err(PageError::Failed(cause)),
        Err(NoteError::OtherNumber) => (FlashKind::Warning, "staff-billing-vat-other-number"),
        Err(NoteError::AnswerNeeded) => (FlashKind::Warning, "staff-billing-vat-answer-needed"),
    };
    answer::flash(urls::staff_account(*id), kind, key)
}
