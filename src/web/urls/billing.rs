//! Links to what a customer pays.

use chrono::NaiveDate;

use super::encoded;
use crate::base::ids::{CardWishId, DocumentId, PaymentMethodId};

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

/// Saved cards; adding one is a POST to the same address.
#[must_use]
pub fn billing_methods() -> String {
    "/account/billing/methods".to_owned()
}

/// Chooses (`default`) or removes (`remove`) a card (POST).
#[must_use]
pub fn billing_method_act(method: PaymentMethodId, act: &str) -> String {
    format!("/account/billing/methods/{method}/{act}")
}

/// Pays an invoice by card (POST).
#[must_use]
pub fn billing_pay(document: DocumentId) -> String {
    format!("/account/billing/invoices/{document}/pay")
}

/// What became of a page of Stripe's that was asked for. `payments` sends browsers back here too.
#[must_use]
pub fn billing_card(wish: CardWishId) -> String {
    format!("/account/billing/cards/{wish}")
}

/// The same for somebody who was at Stripe's page and has not finished, as far as we know.
#[must_use]
pub fn billing_card_left(wish: CardWishId) -> String {
    format!("/account/billing/cards/{wish}?back=left")
}

/// Tells an open page that something became of it since `version`.
#[must_use]
pub fn billing_card_events(wish: CardWishId, version: &str) -> String {
    format!("/account/billing/cards/{wish}/events?since={}", encoded(version))
}

/// Credit, lot by lot; buying some is a POST to the same address.
#[must_use]
pub fn billing_credit() -> String {
    "/account/billing/credit".to_owned()
}

/// What a month may cost; setting it is a POST to the same address.
#[must_use]
pub fn billing_budget() -> String {
    "/account/billing/budget".to_owned()
}

/// Takes the budget away.
#[must_use]
pub fn billing_budget_remove() -> String {
    "/account/billing/budget/remove".to_owned()
}

/// Coupons; redeeming one is a POST to the same address.
#[must_use]
pub fn billing_coupons() -> String {
    "/account/billing/coupons".to_owned()
}
