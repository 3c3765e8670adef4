//! Double entry under everything: what is owed, earned and paid is a sum of postings, and nothing else.

pub mod chart;
mod store;

use anyhow::{Context, ensure};
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::base::ids::{AccountId, EntryId, SellerId};
use crate::base::money::{Currency, Money};

/// What an account of the ledger is for. Its code and name differ with the seller's country.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// What customers owe on invoices.
    Receivable,
    /// What was earned.
    Revenue,
    /// VAT that is owed to the state.
    Vat,
    /// Our account at a bank.
    Bank,
    /// What the card's company holds for us.
    CardClearing,
    /// What we owe customers: paid by them, not yet used.
    CustomerCredit,
    /// What the card's company and banks take.
    Fees,
    /// What is earned otherwise.
    OtherIncome,
    /// VAT that a customer paid to the state instead of to us.
    VatWithheld,
    /// What is not expected to be paid any more.
    Loss,
    /// Differences between currencies.
    Exchange,
    /// Credit that we give to customers, less what of it runs out.
    Gifts,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Receivable,
        Self::Revenue,
        Self::Vat,
        Self::Bank,
        Self::CardClearing,
        Self::CustomerCredit,
        Self::Fees,
        Self::OtherIncome,
        Self::VatWithheld,
        Self::Loss,
        Self::Exchange,
        Self::Gifts,
    ];

    /// Returns the word kept in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Receivable => "receivable",
            Self::Revenue => "revenue",
            Self::Vat => "vat",
            Self::Bank => "bank",
            Self::CardClearing => "card_clearing",
            Self::CustomerCredit => "customer_credit",
            Self::Fees => "fees",
            Self::OtherIncome => "other_income",
            Self::VatWithheld => "vat_withheld",
            Self::Loss => "loss",
            Self::Exchange => "exchange",
            Self::Gifts => "gifts",
        }
    }
}

/// Which book an entry stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Journal {
    /// Documents.
    Sales,
    /// Transfers.
    Bank,
    /// Cards.
    Card,
    /// What is neither.
    Misc,
}

impl Journal {
    /// Returns the word kept in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Sales => "sales",
            Self::Bank => "bank",
            Self::Card => "card",
            Self::Misc => "misc",
        }
    }
}

/// One side of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Which account of the ledger.
    pub role: Role,
    /// The customer, where it is a customer's.
    pub account: Option<AccountId>,
    /// Debit above zero, credit below.
    pub amount: Money,
}

/// Something that happened, with all its sides.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// In whose books.
    pub seller: SellerId,
    /// In which of them.
    pub journal: Journal,
    /// The day on which it counts.
    pub effective_on: NaiveDate,
    /// What it was: a word and the id of its row.
    pub source: (&'a str, Uuid),
    /// Which of the source's entries: one each.
    pub template: &'a str,
    /// For accountants: the number of the document, the bank's reference.
    pub label: String,
    /// Its sides; they add up to zero in each currency.
    pub postings: Vec<Posting>,
}

/// Posts an entry once. `None` when the same source and template stand there already.
///
/// Sides of nothing are left out. The database refuses an entry that does not add up to zero.
pub async fn post(db: &mut PgConnection, entry: &Entry<'_>, now: DateTime<Utc>) -> anyhow::Result<Option<EntryId>> {
    for currency in Currency::ALL {
        let of = entry.postings.iter().filter(|posting| posting.amount.currency == currency);
        let sum: i128 = of.map(|posting| i128::from(posting.amount.minor)).sum();
        ensure!(sum == 0, "the entry {} of {} does not add up: {sum} {currency}", entry.template, entry.source.0);
    }
    let id = EntryId::new(now);
    if !store::insert_entry(db, id, entry, now).await.context("insert an entry")? {
        return Ok(None);
    }
    let sides: Vec<&Posting> = entry.postings.iter().filter(|posting| posting.amount.minor != 0).collect();
    let posted = store::insert_postings(db, id, entry.seller, &sides).await.context("insert the postings")?;
    ensure!(posted == sides.len(), "the books of seller {} lack an account", entry.seller);
    Ok(Some(id))
}

/// Returns what stands on one account of the ledger for a customer: debit above zero.
pub async fn balance(
    db: &mut PgConnection,
    account: AccountId,
    role: Role,
    currency: Currency,
) -> anyhow::Result<Money> {
    let minor = store::balance(db, account, role, currency).await.context("add up an account of the ledger")?;
    Ok(Money::new(minor, currency))
}

/// A line of a customer's statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// The entry's number in the seller's books.
    pub seq: i64,
    /// The day on which it counts.
    pub on: NaiveDate,
    /// What it was: `document`, `payment`, `payback`, `expiry`.
    pub source_kind: String,
    /// Of a payment: credit that we gave, and no money.
    pub is_gift: bool,
    /// Which of the source's entries.
    pub template: String,
    /// The document's number, the bank's reference.
    pub label: String,
    /// What the customer owes more (above zero) or less.
    pub amount: Money,
}

/// Returns the newest lines of a customer's statement, newest first: what it owes and what it paid. What merely moves from
/// credit to an invoice is left out, because it changes neither.
pub async fn statement(
    db: &mut PgConnection,
    account: AccountId,
    currency: Currency,
    limit: i64,
) -> anyhow::Result<Vec<Movement>> {
    store::statement(db, account, currency, limit).await.context("read a statement")
}
