//! Months become invoices, invoices are paid, and the database forbids what must never be.

mod budgets;
mod coupons;
mod dunning;
mod frozen;
mod guards;
mod histories;
pub mod killed;
mod kills;
mod leaving;
mod months;
mod pages;
mod proofs;
mod rating;
mod recompute;
mod recompute_real;
mod restored;
mod revenue;
mod self_audit;
mod staff;
mod transfers;
mod trials;
mod waiting;
mod what_if;
pub mod world;
