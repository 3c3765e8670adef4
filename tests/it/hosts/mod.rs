//! Hosts: placement on a real Postgres, the probe on a real engine, and the pages of staff.

mod draining;
mod pages;
pub mod placing;
pub mod probing;
