//! Integration tests: real Postgres and a real Docker engine. One binary, linked once.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod engine;
mod hosts;
mod proxy;
mod reconcile;
mod support;
mod tenant_db;
mod web;
