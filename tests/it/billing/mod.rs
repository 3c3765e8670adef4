//! Months become invoices, invoices are paid, and the database forbids what must never be.

mod dunning;
mod guards;
pub mod killed;
mod kills;
mod months;
mod pages;
mod proofs;
mod rating;
mod recompute;
mod self_audit;
mod transfers;
pub mod world;
