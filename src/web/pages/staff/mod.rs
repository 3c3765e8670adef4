//! `/staff`: pages of the hosting company's own people.

pub mod accounts;
pub mod audit;
pub mod containers;
pub mod dunning;
pub mod exports;
pub mod home;
pub mod hosts;
pub mod images;
pub mod instances;
pub mod join;
pub mod limit;
pub mod login;
pub mod plan_draft;
pub mod plan_new;
pub mod plan_words;
pub mod plans;
pub mod queue;
pub mod revenue;
pub mod rows;
pub mod scaling;
pub mod search;
pub mod second_factor;
pub mod suspend;
pub mod transfers;
pub mod usage;
pub mod wake;
