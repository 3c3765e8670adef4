//! Tells open pages that an environment changed: one listener for the whole process, one stream for each page.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::web::Bytes;
use futures_util::Stream;
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::base::chain;
use crate::base::ids::{AccountId, EnvironmentId};
use crate::db::Channel;
use crate::environments::history;

/// How often a stream gives a sign of life, so that proxies keep it open and browsers notice a dead one.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// A stream ends after so long and the browser opens the next one: rights are then checked anew.
const LONGEST: Duration = Duration::from_secs(600);

/// Pages that are further behind than this look at everything again.
const BACKLOG: usize = 256;

/// Listens to the database for the open pages of this process.
#[derive(Clone, Debug)]
pub struct Live {
    /// The environment that changed; `None` when changes may have been missed.
    changes: broadcast::Sender<Option<EnvironmentId>>,
    stop: CancellationToken,
}

impl Live {
    /// Begins to listen, until `stop`.
    #[must_use]
    pub fn start(db: PgPool, stop: CancellationToken) -> Self {
        let (changes, _) = broadcast::channel(BACKLOG);
        let live = Self { changes, stop };
        tokio::spawn(live.clone().listen(db));
        live
    }

    async fn listen(self, db: PgPool) {
        while !self.stop.is_cancelled() {
            let ended = tokio::select! {
                () = self.stop.cancelled() => return,
                ended = self.hear(&db) => ended,
            };
            if let Err(cause) = ended {
                tracing::warn!("the listener for open pages lost the database: {}", chain::of(&cause));
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    async fn hear(&self, db: &PgPool) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(db).await?;
        listener.listen(Channel::EnvironmentEvents.name()).await?;
        loop {
            // Whatever happened before this moment was not heard. Without open pages nobody receives it, which is fine.
            let _ = self.changes.send(None);
            while let Some(heard) = listener.try_recv().await? {
                if let Ok(environment) = heard.payload().parse() {
                    let _ = self.changes.send(Some(environment));
                }
            }
        }
    }

    /// Waits until the environment may have changed, at most one heartbeat. `false` when the process ends.
    pub async fn wait(&self, receiver: &mut Receiver, environment: EnvironmentId) -> bool {
        let heard = async {
            loop {
                match receiver.0.recv().await {
                    Ok(Some(changed)) if changed != environment => {}
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return true,
                    Err(broadcast::error::RecvError::Closed) => return false,
                }
            }
        };
        tokio::select! {
            () = self.stop.cancelled() => false,
            heard = tokio::time::timeout(HEARTBEAT, heard) => heard.unwrap_or(true),
        }
    }

    /// Begins to hear changes.
    #[must_use]
    pub fn receiver(&self) -> Receiver {
        Receiver(self.changes.subscribe())
    }

    /// Returns a stream of server-sent events: the environment's version each time it changes, a comment as a sign of life.
    ///
    /// `seen` is what the page shows already. The stream ends when the environment is no longer the account's.
    pub fn versions(
        &self,
        db: PgPool,
        account: AccountId,
        environment: EnvironmentId,
        seen: String,
    ) -> impl Stream<Item = Result<Bytes, Infallible>> + use<> {
        let state = Versions { live: self.clone(), receiver: self.receiver(), db, seen, is_first: true };
        let until = tokio::time::Instant::now() + LONGEST;
        futures_util::stream::unfold(state, move |mut state| async move {
            if tokio::time::Instant::now() > until {
                return None;
            }
            if !state.is_first && !state.live.wait(&mut state.receiver, environment).await {
                return None;
            }
            let opening = if std::mem::take(&mut state.is_first) { "retry: 1000\n" } else { "" };
            let version = async { history::version(&mut *state.db.acquire().await?, account, environment).await }.await;
            let text = match version {
                Ok(Some(version)) if version != state.seen => {
                    state.seen.clone_from(&version);
                    format!("{opening}id: {version}\ndata: changed\n\n")
                }
                Ok(Some(_)) => format!("{opening}: still here\n\n"),
                Ok(None) => return None,
                // The database is away: the page stays as it is, and the stream stays open.
                Err(_) => format!("{opening}: waiting\n\n"),
            };
            Some((Ok(Bytes::from(text)), state))
        })
    }
}

/// Hears what changed since it was made.
#[derive(Debug)]
pub struct Receiver(broadcast::Receiver<Option<EnvironmentId>>);

struct Versions {
    live: Live,
    receiver: Receiver,
    db: PgPool,
    seen: String,
    is_first: bool,
}
