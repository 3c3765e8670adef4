//! Months become invoices, invoices are paid, and the database forbids what must never be.

mod dunning;
mod guards;
pub mod killed;
mod months;
mod pages;
mod rating;
mod recompute;
mod revenue;
mod transfers;
pub mod world;
