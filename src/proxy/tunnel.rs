//! A websocket: bytes both ways, untouched, until one side ends or nothing moves for long.

use std::sync::Arc;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use super::connection::Connection;
use super::upstream::Outstanding;

/// Starts to copy as soon as both sides have switched.
pub fn open(connection: Arc<Connection>, visitor: OnUpgrade, upstream: OnUpgrade, mut outstanding: Outstanding) {
    connection.becomes_tunnel();
    outstanding.becomes_tunnel();
    tokio::spawn(async move {
        let _outstanding = outstanding;
        let copied = async {
            if let Ok((visitor, upstream)) = tokio::try_join!(visitor, upstream) {
                let (mut visitor, mut upstream) = (TokioIo::new(visitor), TokioIo::new(upstream));
                // However it ended, it ended: both sides see their socket close.
                drop(tokio::io::copy_bidirectional(&mut visitor, &mut upstream).await);
            }
        };
        connection.until_condemned(copied).await;
    });
}
