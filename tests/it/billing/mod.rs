//! Months become invoices, invoices are paid, and the database forbids what must never be.

mod dunning;
mod guards;
pub mod killed;
mod leaving;
mod months;
mod pages;
mod rating;
mod recompute;
mod restored;
mod transfers;
mod waiting;
pub mod world;
