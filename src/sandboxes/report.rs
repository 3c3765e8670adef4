//! What happened in a sandbox, as the worker reads it there and pages show it. Kept as JSON beside the sandbox's row.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Everything that is shown of a sandbox.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What happened, oldest first.
    pub events: Vec<Event>,
    /// Invoices and credit notes, newest first.
    pub documents: Vec<Paper>,
    /// The customer's statement, newest first.
    pub movements: Vec<Move>,
    /// What the customer owes by the ledger, less its credit, in the smallest coin.
    pub balance_minor: i64,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When, by the sandbox's clock.
    pub at: DateTime<Utc>,
    /// What: `begun`, `trial`, `trial-ended`, `invoice`, `credit-note`, `held`, `mail`, `step`, `rests`, `given-back`, `restored`,
    /// `payment`, `refused`, `budget`, `released`.
    pub kind: String,
    /// Of what: a document's number, a mail's subject, an environment's name, a step's or a level's word.
    pub about: String,
    /// More of it: a payment's way, the number of the invoice that a step is about.
    pub detail: String,
    /// How much money it is about, in the smallest coin.
    pub amount_minor: Option<i64>,
}

/// A final document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paper {
    /// Its number.
    pub number: String,
    /// Whether it is an invoice; else it is a credit note.
    pub is_invoice: bool,
    /// When it was issued.
    pub issued_on: NaiveDate,
    /// Until when it is to be paid.
    pub due_on: NaiveDate,
    /// What stands on it.
    pub lines: Vec<PaperLine>,
    /// Without VAT.
    pub net: Decimal,
    /// The VAT.
    pub vat: Decimal,
    /// With it.
    pub gross: Decimal,
    /// What is still to be paid, in the smallest coin.
    pub open_minor: i64,
}

/// A line of a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaperLine {
    /// What for.
    pub text: String,
    /// More about it.
    pub detail: String,
    /// How much.
    pub quantity: Decimal,
    /// What one costs.
    pub unit_price: Decimal,
    /// Without VAT.
    pub net: Decimal,
}

/// A line of the customer's statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Move {
    /// The day on which it counts.
    pub on: NaiveDate,
    /// What it was: `document`, `payment`, `payback`.
    pub kind: String,
    /// The document's number, the bank's reference.
    pub label: String,
    /// What the customer owes more (above zero) or less, in the smallest coin.
    pub amount_minor: i64,
}
