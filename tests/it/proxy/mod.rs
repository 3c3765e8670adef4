//! The proxy, with real sockets and a real database.

mod counting;
mod crowding;
mod forwarding;
mod handover;
mod http2;
mod https;
mod limiting;
mod refusing;
mod replicas;
mod routing;
pub mod secure;
mod silence;
pub mod support;
mod suspending;
mod tunnels;
mod waking;
