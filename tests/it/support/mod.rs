//! What tests stand on.

mod browser;
pub mod engine;
pub mod fault_proxy;
pub mod gate;
pub mod invoices;
pub mod odoo;
pub mod portal;
pub mod postgres;
pub mod process;
pub mod simulated;
pub mod small_disk;
pub mod smtp;
pub mod staff;
mod standin;
pub mod stripe;
pub mod tenants;
pub mod waiting;
