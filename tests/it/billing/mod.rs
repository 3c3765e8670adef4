//! Months become invoices, invoices are paid, and the database forbids what must never be.

mod dunning;
mod guards;
mod months;
mod transfers;
mod rating;
mod recompute;
pub mod world;
