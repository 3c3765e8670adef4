//! The proxy, with real sockets and a real database.

mod answers;
mod counting;
mod crowding;
mod disk;
mod floods;
mod forwarding;
mod goodbyes;
mod handover;
mod hosts;
mod http2;
mod https;
mod limiting;
mod raw;
mod refusing;
mod replicas;
mod retrying;
mod routing;
pub mod secure;
mod silence;
mod slowness;
mod smuggling;
pub mod support;
mod suspending;
mod trusting;
mod tunnels;
mod waking;
