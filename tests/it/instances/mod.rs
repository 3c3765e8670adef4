//! The customer's pages about instances.

mod deleting;
mod live;
mod opening;
mod ordering;
mod steering;
mod strangers;
