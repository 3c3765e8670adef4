//! The customer's pages about instances.

mod costs;
mod deleting;
mod live;
mod opening;
mod ordering;
pub mod plan_changes;
mod resuming;
pub mod scaling;
mod sleeping;
mod steering;
