//! The staff's pages, used by staff and by those who are none.

pub mod catalogue;
mod logging_in;
mod publishing;
mod queue;
pub mod records;
mod scheduling;
mod searching;
mod tiers;
mod usage;
