//! The container engine: a real Docker in Swarm mode.

mod certificates;
mod faults;
mod isolation;
mod readings;
mod registry;
mod services;
mod tasks;
