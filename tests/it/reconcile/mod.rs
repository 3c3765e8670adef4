//! The worker, with a real engine, a real control database and a real server of tenants' databases.

mod accidents;
mod apart;
pub mod crashes;
mod held_up;
mod leases;
mod life;
mod machines;
mod outages;
mod replicas;
mod scaling;
mod scaling_live;
mod sessions;
mod sleeping;
mod spares;
pub mod support;
mod unhealthy;
pub mod updating;
