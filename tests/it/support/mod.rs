//! What tests stand on.

pub mod engine;
pub mod fault_proxy;
pub mod tenants;
pub mod world;
