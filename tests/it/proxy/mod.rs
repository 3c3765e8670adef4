//! The proxy, with real sockets and a real database.

mod counting;
mod forwarding;
mod refusing;
mod routing;
mod support;
mod tunnels;
mod waking;
