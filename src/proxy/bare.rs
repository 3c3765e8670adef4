//! What hyper says by itself to a visitor whom it does not understand (400, 414, 431), with a page and a name for the request.

use std::io::Error;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::StatusCode;

use super::connection::Connection;
use super::pages;
use super::server::Core;
use super::socket::Witness;

/// Sees what passes for a visitor's connection.
#[derive(Debug)]
pub struct Doorkeeper {
    /// Where it is.
    pub core: Arc<Core>,
    /// Whose it is.
    pub connection: Arc<Connection>,
}

impl<S> Witness<S> for Doorkeeper {
    fn has_read(&mut self, _: &S, seen: &[u8]) {
        self.connection.has_read(seen);
    }

    fn has_written(&mut self, _: &S, outcome: &Poll<Result<usize, Error>>) {
        self.connection.has_written(outcome);
    }

    fn has_flushed(&mut self, is_pending: bool) {
        self.connection.has_flushed(is_pending);
    }

    fn instead_of(&mut self, bytes: &[u8]) -> Option<Bytes> {
        let status = bytes.strip_prefix(b"HTTP/1.1 ")?.get(..3).filter(|status| status[0] == b'4')?;
        if !self.connection.is_unasked() {
            return None;
        }
        let status = StatusCode::from_bytes(status).ok()?;
        pages::whole(status, self.core.request_id(), &self.core.shared.settings)
    }
}
