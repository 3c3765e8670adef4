//! The staff's pages, used by staff and by those who are none.

mod catalogue;
mod logging_in;
mod publishing;
mod queue;
pub mod records;
mod searching;
mod usage;
