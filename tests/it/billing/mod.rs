//! Months become invoices, invoices are paid, and the database forbids what must never be.

mod budgets;
mod coupons;
mod dunning;
mod guards;
pub mod killed;
mod kills;
mod months;
mod pages;
mod proofs;
mod rating;
mod recompute;
mod revenue;
mod self_audit;
mod staff;
mod transfers;
mod trials;
mod what_if;
pub mod world;
