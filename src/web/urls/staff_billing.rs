//! Links to what staff see and want done in the books.

use uuid::Uuid;

use super::encoded;
use crate::base::ids::{AccountId, CreditGrantId, DocumentId, SandboxId, SellerId};

/// A month's run.
#[must_use]
pub fn staff_billing() -> String {
    "/staff/billing".to_owned()
}

/// A month's run of one of our companies.
#[must_use]
pub fn staff_billing_of(seller: &str, month: &str) -> String {
    format!("/staff/billing?seller={}&month={}", encoded(seller), encoded(month))
}

/// The same as a file.
#[must_use]
pub fn staff_dry_run_file(seller: &str, month: &str) -> String {
    format!("/staff/billing/dry-run.csv?seller={}&month={}", encoded(seller), encoded(month))
}

/// A draft or a month that waits for a person; what is to become of it is a POST to the same address.
#[must_use]
pub fn staff_waiting(waiting: Uuid) -> String {
    format!("/staff/billing/waiting/{waiting}")
}

/// Our companies.
#[must_use]
pub fn staff_sellers() -> String {
    "/staff/billing/sellers".to_owned()
}

/// One of them; changing it is a POST to the same address.
#[must_use]
pub fn staff_seller(seller: SellerId) -> String {
    format!("/staff/billing/sellers/{seller}")
}

/// Everybody's invoices and credit notes.
#[must_use]
pub fn staff_documents() -> String {
    "/staff/billing/documents".to_owned()
}

/// Those that fit.
#[must_use]
pub fn staff_documents_of(text: &str, which: &str, page: u32) -> String {
    format!("/staff/billing/documents?q={}&which={}&page={page}", encoded(text), encoded(which))
}

/// One of them.
#[must_use]
pub fn staff_document(document: DocumentId) -> String {
    format!("/staff/billing/documents/{document}")
}

/// A paper of it: `pdf`, `cii` or `ubl`.
#[must_use]
pub fn staff_document_file(document: DocumentId, kind: &str) -> String {
    format!("/staff/billing/documents/{document}/files/{kind}")
}

/// Asks for a credit note on it (POST).
#[must_use]
pub fn staff_document_credit(document: DocumentId) -> String {
    format!("/staff/billing/documents/{document}/credit")
}

/// Gives a customer credit (POST).
#[must_use]
pub fn staff_give_credit(account: AccountId) -> String {
    format!("/staff/accounts/{account}/credit")
}

/// Confirms (`confirm`) or withdraws (`withdraw`) credit that waits for a second person (POST).
#[must_use]
pub fn staff_grant_act(grant: CreditGrantId, act: &str) -> String {
    format!("/staff/credit/{grant}/{act}")
}

/// Notes the check of a customer's VAT number (POST).
#[must_use]
pub fn staff_vat_check(account: AccountId) -> String {
    format!("/staff/accounts/{account}/vat-check")
}

/// Invented customers.
#[must_use]
pub fn staff_sandboxes() -> String {
    "/staff/sandboxes".to_owned()
}

/// A new one; making it is a POST to the same address.
#[must_use]
pub fn staff_sandbox_new() -> String {
    "/staff/sandboxes/new".to_owned()
}

/// One of them.
#[must_use]
pub fn staff_sandbox(sandbox: SandboxId) -> String {
    format!("/staff/sandboxes/{sandbox}")
}

/// Moves its clock (POST).
#[must_use]
pub fn staff_sandbox_advance(sandbox: SandboxId) -> String {
    format!("/staff/sandboxes/{sandbox}/advance")
}

/// Drops it (POST).
#[must_use]
pub fn staff_sandbox_remove(sandbox: SandboxId) -> String {
    format!("/staff/sandboxes/{sandbox}/remove")
}
