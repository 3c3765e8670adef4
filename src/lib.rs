//! The map of the crate, in reading order. Arrows go upwards only: nothing here uses what stands below it.

// The ground: depends on nothing else in the crate.
pub mod base;

// The machinery: knows no business.
pub mod certificates;
pub mod config;
pub mod db;
pub mod handover;
pub mod i18n;
pub mod portal;
pub mod queue;
pub mod telemetry;

// The domain: types and rules, pure files, SQL in store.rs, use cases as verbs.
pub mod accounts;
pub mod audit;
pub mod domains;
pub mod environments;
pub mod exports;
pub mod hosts;
pub mod plans;
pub mod staff;

// The outside world: one folder for each foreign system.
pub mod acme;
pub mod dns;
pub mod engine;
pub mod mail;
pub mod odoo;
pub mod payments;
pub mod tenant_db;

// The domain that looks at the outside world.
pub mod metering;

// The domain that is about money, and where it is told to somebody else.
pub mod billing;
pub mod books;
pub mod sandboxes;

// What runs.
pub mod cli;
pub mod doctor;
pub mod governor;
pub mod jobs;
pub mod proxy;
pub mod reconcile;
pub mod web;
