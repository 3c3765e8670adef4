//! Our own companies: who sells, and what has to stand on their documents.

pub mod checks;
mod sample;
mod store;

use anyhow::Context;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use sayoo_document::{LatePenalties, Mentions, Operation, PaymentMeans, Seller as OnPaper};
use serde::{Deserialize, Serialize};
use sqlx::{Connection, PgConnection};

use super::ledger::Role;
use super::ledger::chart;
use crate::base::ids::SellerId;
use crate::base::money::{Currency, Money};

/// One of our companies.
#[derive(Clone, Debug)]
pub struct Seller {
    /// Which one.
    pub id: SellerId,
    /// Stands in the numbers of its documents.
    pub code: String,
    /// ISO 3166 code.
    pub country: String,
    /// What it sells in.
    pub currency: Currency,
    /// By which its months and days are counted.
    pub zone: Tz,
    /// What stands on its documents; `None` until our people have filled it in: no document becomes final before.
    pub details: Option<Details>,
    /// Days until an invoice is due.
    pub payment_days: i32,
    /// Days that a new customer pays nothing for.
    pub trial_days: i32,
    /// Above this a transfer needs two of our people.
    pub four_eyes: Money,
}

impl Seller {
    /// Returns the number of its bank account without spaces; empty where it has none or that is not known yet.
    #[must_use]
    pub fn iban(&self) -> String {
        let bank = self.details.as_ref().and_then(|details| details.seller.bank.as_ref());
        bank.and_then(|bank| bank.iban.as_deref()).unwrap_or_default().replace(' ', "")
    }
}

/// What has to stand on a company's documents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Details {
    /// Name, address, identifiers, bank.
    pub seller: OnPaper,
    /// The interest on what is paid late.
    pub late_penalties: Option<LatePenalties>,
    /// What a late payer owes for the recovery, in EUR (40 in France).
    #[serde(with = "rust_decimal::serde::str_option")]
    pub recovery_fee: Option<Decimal>,
    /// Whether VAT is owed when it is billed.
    pub vat_on_debits: bool,
    /// One more sentence of its own.
    pub remark: Option<String>,
}

impl Details {
    /// Returns what the law of the company's country wants said on its documents.
    #[must_use]
    pub fn mentions(&self) -> Mentions {
        Mentions {
            payment: PaymentMeans::Transfer,
            late_penalties: self.late_penalties,
            recovery_fee: self.recovery_fee,
            early_payment_discount: None,
            operation: Operation::Services,
            vat_on_debits: self.vat_on_debits,
            remark: self.remark.clone(),
        }
    }
}

/// Code, country, currency and zone of the companies that an installation begins with.
const FIRST: [(&str, &str, Currency, &str); 2] =
    [("FR", "FR", Currency::Eur, "Europe/Paris"), ("MA", "MA", Currency::Mad, "Africa/Casablanca")];

/// Creates the companies that are not there yet, each with its books. Safe to run again: what is there stays.
pub async fn seed(db: &mut PgConnection, now: DateTime<Utc>) -> anyhow::Result<()> {
    let mut tx = db.begin().await.context("begin")?;
    for (code, country, currency, zone) in FIRST {
        let id = SellerId::new(now);
        if store::insert(&mut tx, id, (code, country, currency, zone), now).await.context("insert a seller")? {
            for role in Role::ALL {
                let (number, name) = chart::account(country, role);
                store::insert_ledger_account(&mut tx, id, role, (number, name)).await.context("insert an account")?;
            }
        }
    }
    tx.commit().await.context("commit")
}

/// Returns all of them.
pub async fn list(db: &mut PgConnection) -> anyhow::Result<Vec<Seller>> {
    store::list(db).await.context("list the sellers")
}

/// Returns one of them.
pub async fn find(db: &mut PgConnection, id: SellerId) -> anyhow::Result<Option<Seller>> {
    Ok(list(db).await?.into_iter().find(|seller| seller.id == id))
}

/// What staff may change of a company.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// What stands on its documents.
    pub details: Details,
    /// Days until an invoice is due.
    pub payment_days: i32,
    /// Days that a new customer pays nothing for.
    pub trial_days: i32,
    /// Above this a transfer needs two of our people.
    pub four_eyes: Money,
}

/// Why a company stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is no such company.
    #[error("there is no such company")]
    NotFound,
    /// What is wrong, by field.
    #[error("the details cannot be right")]
    Refused(Vec<(&'static str, checks::Problem)>),
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// Changes what stands on a company's future documents. Whoever asks: what papers would refuse is refused here.
pub async fn change(db: &mut PgConnection, id: SellerId, terms: &Terms) -> Result<(), ChangeError> {
    let seller = find(db, id).await?.ok_or(ChangeError::NotFound)?;
    let terms = Terms { details: checks::tidied(terms.details.clone()), ..terms.clone() };
    let problems = checks::problems(&seller, &terms);
    if !problems.is_empty() {
        return Err(ChangeError::Refused(problems));
    }
    store::update(db, id, &terms).await.context("change a seller")?;
    Ok(())
}
