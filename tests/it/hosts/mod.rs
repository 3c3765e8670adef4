//! Hosts: placement on a real Postgres, the probe on a real engine, images on a simulated one, and the pages of staff.

mod draining;
mod pages;
pub mod placing;
pub mod probing;
mod settings;
mod supplying;
