//! Tells open pages that what they show changed, an environment or a wish about cards: one listener for the whole process, one stream for each page.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::web::Bytes;
use futures_util::Stream;
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::base::chain;
use crate::base::ids::{AccountId, CardWishId, EnvironmentId};
use crate::db::Channel;
use crate::environments::history;
use crate::payments::wishes;

/// How often a stream gives a sign of life, so that proxies keep it open and browsers notice a dead one.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// A stream ends after so long and the browser opens the next one: rights are then checked anew.
const LONGEST: Duration = Duration::from_secs(600);

/// Pages that are further behind than this look at everything again.
const BACKLOG: usize = 256;

/// What a page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An environment.
    Environment(EnvironmentId),
    /// What became of a wish about cards.
    CardWish(CardWishId),
}

impl Subject {
    fn uuid(self) -> Uuid {
        match self {
            Self::Environment(id) => id.uuid(),
            Self::CardWish(id) => id.uuid(),
        }
    }

    /// What it is now, as a text that differs when it changed; `None` when it is not the account's.
    async fn version(self, db: &PgPool, account: AccountId) -> anyhow::Result<Option<String>> {
        let mut db = db.acquire().await?;
        match self {
            Self::Environment(id) => history::version(&mut db, account, id).await,
            Self::CardWish(id) => wishes::version(&mut db, account, id).await,
        }
    }
}

/// Listens to the database for the open pages of this process.
#[derive(Clone, Debug)]
pub struct Live {
    /// What changed; `None` when changes may have been missed.
    changes: broadcast::Sender<Option<Uuid>>,
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
        listener.listen_all([Channel::EnvironmentEvents.name(), Channel::CardWishes.name()]).await?;
        loop {
            // Whatever happened before this moment was not heard. Without open pages nobody receives it, which is fine.
            let _ = self.changes.send(None);
            while let Some(heard) = listener.try_recv().await? {
                if let Ok(changed) = heard.payload().parse() {
                    let _ = self.changes.send(Some(changed));
                }
            }
        }
    }

    /// Waits until the subject may have changed, at most one heartbeat. `false` when the process ends.
    pub async fn wait(&self, receiver: &mut Receiver, subject: Subject) -> bool {
        let heard = async {
            loop {
                match receiver.0.recv().await {
                    Ok(Some(changed)) if changed != subject.uuid() => {}
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

    /// Returns a stream of server-sent events: the subject's version each time it changes, a comment as a sign of life.
    ///
    /// `seen` is what the page shows already. The stream ends when the subject is no longer the account's.
    pub fn versions(
        &self,
        db: PgPool,
        account: AccountId,
        subject: Subject,
        seen: String,
    ) -> impl Stream<Item = Result<Bytes, Infallible>> + use<> {
        let state = Versions { live: self.clone(), receiver: self.receiver(), db, seen, is_first: true };
        let until = tokio::time::Instant::now() + LONGEST;
        futures_util::stream::unfold(state, move |mut state| async move {
            if tokio::time::Instant::now() > until {
                return None;
            }
            if !state.is_first && !state.live.wait(&mut state.receiver, subject).await {
                return None;
            }
            let opening = if std::mem::take(&mut state.is_first) { "retry: 1000\n" } else { "" };
            let text = match subject.version(&state.db, account).await {
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
pub struct Receiver(broadcast::Receiver<Option<Uuid>>);

struct Versions {
    live: Live,
    receiver: Receiver,
    db: PgPool,
    seen: String,
    is_first: bool,
}
