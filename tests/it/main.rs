//! Integration tests: real Postgres and a real Docker engine. One binary, linked once.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(
    clippy::disallowed_methods,
    reason = "tests look behind the scenes, by the real clock and with plain queries"
)]
#![expect(clippy::large_futures, reason = "a test has stack enough")]

mod billing;
mod books;
mod cluster;
mod db;
mod doctor;
mod edge;
mod engine;
mod exports;
mod governor;
mod hosts;
mod instances;
mod matrix;
mod metering;
mod model;
mod payments;
mod proxy;
mod reconcile;
mod sandboxes;
mod staff;
mod support;
mod tenant_db;
mod web;
