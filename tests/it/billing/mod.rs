//! Months become invoices, invoices are paid, and the database forbids what must never be.

mod bad_input;
mod budgets;
mod coupons;
mod dunning;
mod guards;
pub mod killed;
mod kills;
mod leaving;
mod lots;
mod months;
mod pages;
mod plan_moves;
mod previews;
mod proofs;
mod rating;
mod recompute;
mod restored;
mod revenue;
mod self_audit;
mod staff;
mod transfers;
mod trials;
mod waiting;
mod what_if;
pub mod world;
