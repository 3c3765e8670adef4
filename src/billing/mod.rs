//! Money: who is charged by whom, what a period costs, the documents that say so, and the ledger under them.
//!
//! The database forbids what must never be (migrations of 2026-11-28); docs/billing.md says how a price is computed.

pub mod budgets;
pub mod discounts;
pub mod documents;
pub mod dry_run;
pub mod dunning;
pub mod instructions;
pub mod ledger;
pub mod lookup;
pub mod lots;
pub mod papers;
pub mod payments;
pub mod previews;
pub mod profiles;
pub mod proofs;
pub mod rating;
pub mod restrictions;
pub mod revenue;
pub mod run;
pub mod self_audit;
pub mod sellers;
pub mod transfers;
pub mod trials;
pub mod vat;
