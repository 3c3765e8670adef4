//! The customer's pages about instances.

mod deleting;
mod live;
mod opening;
mod ordering;
mod plan_changes;
mod resuming;
pub mod scaling;
mod sleeping;
mod steering;
