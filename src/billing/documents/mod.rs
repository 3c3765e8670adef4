//! Invoices and credit notes: drafts, what makes them final, and what pages read of them.

pub mod credit;
mod draft;
mod finalise;
pub mod numbers;
mod store;

use anyhow::Context;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sayoo_document::Document as OnPaper;
use sqlx::PgConnection;

use crate::base::ids::{AccountId, ChargeId, DiscountId, DocumentId, EnvironmentId, PeriodId, SellerId};
use crate::base::money::{Currency, Money};

use store::Wanted;

pub use credit::credit;
pub use draft::{draft_invoice, draft_note_of_corrections};
pub use finalise::{Held, finalise};

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The customer owes.
    Invoice,
    /// We give back.
    CreditNote,
}

impl Kind {
    /// Returns the word kept in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::CreditNote => "credit_note",
        }
    }
}

/// A line of a draft.
#[derive(Clone, Debug)]
pub struct NewLine {
    /// The word of papers' kinds of lines.
    pub kind: &'static str,
    /// The environment that it is about.
    pub environment: Option<EnvironmentId>,
    /// The meter that counted.
    pub meter: Option<&'static str>,
    /// What the customer reads.
    pub title: String,
    /// Which instance.
    pub detail: String,
    /// When.
    pub span: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// Four decimals.
    pub quantity: Decimal,
    /// The word of papers' units.
    pub unit: &'static str,
    /// Above zero, six decimals.
    pub unit_price: Decimal,
    /// Quantity × price, rounded.
    pub net: Money,
    /// What it bills.
    pub charge: Option<ChargeId>,
    /// Which discount it tells of.
    pub discount: Option<DiscountId>,
    /// Category and rate; found anew when an invoice becomes final.
    pub vat: (String, Decimal),
}

/// A document in lists.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Which one.
    pub id: DocumentId,
    /// Whose.
    pub account: AccountId,
    /// The customer's name now.
    pub account_name: String,
    /// What it is.
    pub kind: Kind,
    /// Its number.
    pub number: String,
    /// When it was issued.
    pub issued_on: NaiveDate,
    /// Until when it is to be paid.
    pub due_on: NaiveDate,
    /// What it says, with VAT.
    pub gross: Money,
    /// What is still to be paid; of a credit note, what is not used yet.
    pub open: Money,
}

/// A final document with everything that stands on it.
#[derive(Clone, Debug)]
pub struct Final {
    /// As in lists.
    pub listed: Listed,
    /// As it was written.
    pub paper: OnPaper,
    /// Its text, to the byte.
    pub canonical: String,
    /// The hash of the one before and of the text, in hexadecimal.
    pub sha256: String,
    /// The hash of the one before.
    pub previous_sha256: String,
    /// The month that it bills.
    pub period: Option<PeriodId>,
}

/// Returns an account's final documents, newest first.
pub async fn list(db: &mut PgConnection, account: AccountId) -> anyhow::Result<Vec<Listed>> {
    store::list(db, Wanted { account: Some(account), ..Wanted::default() }, i64::MAX).await.context("list documents")
}

/// Returns everybody's final documents, newest first; `text` is a part of a number or of a customer's name.
pub async fn list_all(db: &mut PgConnection, text: &str, limit: i64) -> anyhow::Result<Vec<Listed>> {
    store::list(db, Wanted { text: Some(text), ..Wanted::default() }, limit).await.context("list documents")
}

/// Returns a final document of an account; of anybody's when `account` is `None`, for staff.
pub async fn find(db: &mut PgConnection, account: Option<AccountId>, id: DocumentId) -> anyhow::Result<Option<Final>> {
    store::find(db, account, id).await.context("read a document")
}

/// Returns a paper made of a final document.
pub async fn file(
    db: &mut PgConnection,
    account: Option<AccountId>,
    id: DocumentId,
    kind: &str,
) -> anyhow::Result<Option<Vec<u8>>> {
    store::file(db, account, id, kind).await.context("read a paper")
}

/// Keeps a paper made of a final document; what is there already stays.
pub async fn keep_file(
    db: &mut PgConnection,
    id: DocumentId,
    kind: &str,
    content: &[u8],
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    store::insert_file(db, id, kind, content, now).await.context("keep a paper")
}

/// A line of a draft, as staff look at it before it is final.
#[derive(Clone, Debug)]
pub struct DraftLine {
    /// What the customer will read.
    pub title: String,
    /// Which instance.
    pub detail: String,
    /// How much.
    pub quantity: Decimal,
    /// The word of papers' units.
    pub unit: String,
    /// What one costs.
    pub unit_price: Decimal,
    /// Without VAT.
    pub net: Money,
}

/// Returns the lines of a draft; none when it is no draft any more.
pub async fn draft_lines(db: &mut PgConnection, draft: DocumentId) -> anyhow::Result<Vec<DraftLine>> {
    let Some((currency, rows)) = store::lines_of_draft(db, draft).await.context("read a draft")? else {
        return Ok(Vec::new());
    };
    let line = |row: store::Row| DraftLine {
        title: row.title,
        detail: row.detail,
        quantity: row.quantity,
        unit: row.unit,
        unit_price: row.unit_price,
        net: Money::new(row.net_minor, currency),
    };
    Ok(rows.into_iter().map(line).collect())
}

/// Which final documents staff look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    All,
    /// Invoices of which something is to be paid.
    Open,
    /// Those of them that are due.
    Overdue,
    /// Invoices that are paid.
    Paid,
    /// Credit notes.
    CreditNotes,
}

impl Which {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::All, Self::Open, Self::Overdue, Self::Paid, Self::CreditNotes];

    /// Returns the word of addresses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Open => "open",
            Self::Overdue => "overdue",
            Self::Paid => "paid",
            Self::CreditNotes => "credit-notes",
        }
    }

    /// Reads it.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|which| which.word() == word)
    }
}

/// Returns everybody's final documents that fit, newest first: `limit` of them from `offset` on. `text` is a part of a number or
/// of a customer's name; what is overdue is so by the seller's calendar.
pub async fn search(
    db: &mut PgConnection,
    (text, which): (&str, Which),
    (offset, limit): (i64, i64),
    now: DateTime<Utc>,
) -> anyhow::Result<Vec<Listed>> {
    store::search(db, (text, which.word()), (offset, limit), now).await.context("search documents")
}

/// Where a final document stands in its seller's chain.
#[derive(Clone, Debug)]
pub struct Place {
    /// The one before it.
    pub before: Option<(DocumentId, String)>,
    /// The one after it.
    pub after: Option<(DocumentId, String)>,
    /// Whether its hash is that of the one before and of its own text.
    pub fits: bool,
}

/// Returns where a final document stands in the chain.
pub async fn place(db: &mut PgConnection, id: DocumentId) -> anyhow::Result<Option<Place>> {
    store::place(db, id).await.context("find a document's place")
}

/// Returns drafts that may become final now, which do not wait for somebody, or are to be tried again: oldest first.
pub async fn list_drafts(
    db: &mut PgConnection,
    seller: SellerId,
    limit: i64,
    now: DateTime<Utc>,
) -> anyhow::Result<Vec<DocumentId>> {
    store::list_drafts(db, seller, limit, now).await.context("list drafts")
}

/// Whose currency a document is in, and of whom; for use cases that have only its id.
#[derive(Clone, Copy, Debug)]
pub struct Whose {
    /// The customer.
    pub account: AccountId,
    /// Who sells.
    pub seller: SellerId,
    /// In which currency.
    pub currency: Currency,
}
