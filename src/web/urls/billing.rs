//! Links to what a customer pays.

use chrono::NaiveDate;

use crate::base::ids::DocumentId;

/// What this month costs, and what is open.
#[must_use]
pub fn billing() -> String {
    "/account/billing".to_owned()
}

/// The list of invoices and credit notes.
#[must_use]
pub fn billing_invoices() -> String {
    "/account/billing/invoices".to_owned()
}

/// One invoice or credit note.
#[must_use]
pub fn billing_invoice(document: DocumentId) -> String {
    format!("/account/billing/invoices/{document}")
}

/// A paper of it: `pdf`, `cii` or `ubl`.
#[must_use]
pub fn billing_file(document: DocumentId, kind: &str) -> String {
    format!("/account/billing/invoices/{document}/files/{kind}")
}

/// The usage behind one of its lines; the hours of `day`, or of the first one.
#[must_use]
pub fn billing_line(document: DocumentId, line_no: u32, day: Option<NaiveDate>) -> String {
    let line = format!("/account/billing/invoices/{document}/lines/{line_no}");
    day.map_or_else(|| line.clone(), |day| format!("{line}?day={day}#hours"))
}

/// The same usage hour by hour, as a file.
#[must_use]
pub fn billing_line_hours(document: DocumentId, line_no: u32) -> String {
    format!("/account/billing/invoices/{document}/lines/{line_no}/hours.csv")
}

/// The numbers that it was derived from, as they were read, as a file.
#[must_use]
pub fn billing_line_readings(document: DocumentId, line_no: u32) -> String {
    format!("/account/billing/invoices/{document}/lines/{line_no}/readings.csv")
}

/// What its month is computed again with, as a file.
#[must_use]
pub fn billing_recompute(document: DocumentId) -> String {
    format!("/account/billing/invoices/{document}/recompute.json.gz")
}

/// How to compute it again, on its page.
#[must_use]
pub fn billing_recompute_steps(document: DocumentId) -> String {
    format!("/account/billing/invoices/{document}#recompute")
}

/// The program that computes it again.
#[must_use]
pub fn billing_recompute_program() -> String {
    "/account/billing/recompute.py".to_owned()
}

/// What the nightly self-audit said of the customer's own part.
#[must_use]
pub fn billing_proof() -> String {
    "/account/billing/proof".to_owned()
}

/// What was billed and paid, one after the other.
#[must_use]
pub fn billing_statement() -> String {
    "/account/billing/statement".to_owned()
}

/// Who the customer is on paper; saving it is a POST to the same address.
#[must_use]
pub fn billing_details() -> String {
    "/account/billing/details".to_owned()
}
