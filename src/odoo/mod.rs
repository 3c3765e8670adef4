//! What we know about Odoo: its applications and regions, how its image is started, how a clone is made a customer's own.
//!
//! Pure text: nothing here connects to anything or asks the time.

pub mod apps;
pub mod capacity;
pub mod commands;
pub mod personalise;
pub mod regions;
