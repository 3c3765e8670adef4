//! Money: who is charged by whom, what a period costs, the documents that say so, and the ledger under them.
//!
//! The database forbids what must never be (migrations of 2026-11-28); docs/billing.md says how a price is computed.

pub mod documents;
pub mod dunning;
pub mod ledger;
pub mod lookup;
pub mod papers;
pub mod payments;
pub mod profiles;
pub mod rating;
pub mod revenue;
pub mod run;
pub mod sellers;
pub mod transfers;
pub mod vat;
