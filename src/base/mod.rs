//! What everything else stands on: ids, time, secrets, parsed text. Depends on nothing else in the crate.

pub mod addresses;
pub mod chain;
pub mod clock;
pub mod crash;
pub mod faults;
pub mod hostname;
pub mod https;
pub mod ids;
pub mod money;
pub mod names;
pub mod network;
pub mod proof;
pub mod seal;
pub mod secret;
