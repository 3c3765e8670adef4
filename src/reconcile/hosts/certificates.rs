//! Keeps the worker's own certificate from ending. Each process does this for itself: the files are on its own machine.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::base::chain;
use crate::base::clock::Clock;
use crate::hosts::certificates::Folder;

/// A certificate has two hundred days and more when it is renewed: a failure is tried again soon enough.
const LOOK_EVERY: Duration = Duration::from_hours(1);

/// Looks now and then until told to stop. What fails is said each time, and by `sayoo doctor`.
pub async fn keep(folder: Folder, installation: String, clock: Clock, stop: CancellationToken) {
    loop {
        match folder.renew(&installation, clock.now()) {
            Ok(true) => tracing::info!("the worker's certificate for machines was renewed"),
            Ok(false) => {}
            Err(error) => {
                let error = chain::of_any(&error);
                tracing::warn!(error, "the worker's certificate for machines cannot be renewed");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}
