//! The customer's pages about instances.

mod deleting;
mod live;
mod opening;
mod ordering;
mod plan_changes;
mod sleeping;
mod steering;
mod strangers;
