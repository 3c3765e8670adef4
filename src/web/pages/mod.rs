//! The pages, each in the file of its path.

pub mod account;
pub mod auth;
pub mod billing;
pub mod dev;
pub mod health;
pub mod home;
pub mod instances;
pub mod meters;
pub mod preferences;
pub mod pricing;
pub mod staff;
pub mod webhooks;
