//! Months become invoices, invoices are paid, and the database forbids what must never be.

mod guards;
mod months;
mod rating;
mod recompute;
pub mod world;
