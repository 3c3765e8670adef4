//! Brings routes in and counters out. Runs beside the serving threads and never in their way.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::counters::Books;
use super::table::{Row, Table};
use super::upstream::Upstreams;
use super::{Shared, store};
use crate::base::chain;
use crate::base::clock::Clock;
use crate::db::Channel;

/// A burst of changes is one reading: not more often than this.
const BREATH: Duration = Duration::from_millis(40);

/// Between two tries to reach a database that is away.
const RECONNECT: Duration = Duration::from_secs(1);

/// For the database to answer at the start, before the table file is used.
const FIRST_ANSWER: Duration = Duration::from_secs(5);

/// What is open is told with every so many savings, also when nothing moves.
const BEAT_EVERY: u64 = 3;

/// What was turned away is told with every so many savings: an attack is not to fill the database.
const REFUSED_EVERY: u64 = 6;

/// The table file is written at most so often while routes keep changing.
const FILE_EVERY: Duration = Duration::from_secs(1);

/// A disk that is full has room again some time, and there may be no other change until then.
const FILE_AGAIN: Duration = Duration::from_secs(5);

/// What is read and written beside the requests.
#[derive(Debug)]
pub struct Feed {
    shared: Arc<Shared>,
    db: PgPool,
    clock: Clock,
    books: Books,
    upstreams: Upstreams,
    read_at: Option<Instant>,
    save_at: Instant,
    saves: u64,
    /// When the table file has to be written, if it is behind.
    file_at: Option<Instant>,
    /// The last writing of the table file: new routes do not wait for a disk.
    writing: Option<JoinHandle<()>>,
    /// Whether the last one failed.
    is_unwritten: Arc<AtomicBool>,
    /// One line in the log when the database goes away, one when it is back.
    is_away: bool,
}

impl Feed {
    /// Returns a feed that has read nothing yet.
    #[must_use]
    pub fn new(shared: Arc<Shared>, db: PgPool, clock: Clock) -> Self {
        let save_at = Instant::now() + shared.settings.limits.save;
        Self {
            shared,
            db,
            clock,
            books: Books::default(),
            upstreams: Upstreams::default(),
            read_at: None,
            save_at,
            saves: 0,
            file_at: None,
            writing: None,
            is_unwritten: Arc::default(),
            is_away: false,
        }
    }

    /// Reads the first table: from the database, else from the file.
    pub async fn first_table(&mut self) {
        let read = tokio::time::timeout(FIRST_ANSWER, self.read()).await;
        let Err(cause) = read.map_err(anyhow::Error::from).flatten() else { return };
        let file = self.shared.settings.table_file.clone();
        match load(&file) {
            Ok(rows) => {
                self.swap(rows);
                self.file_at = None;
                tracing::warn!(
                    cause = chain::of_any(&cause),
                    routes = self.shared.table.load().len(),
                    "the control database is away; the saved routes are used"
                );
            }
            Err(no_file) => {
                tracing::error!(
                    cause = chain::of_any(&cause),
                    file = chain::of_any(&no_file),
                    "no routes are known yet"
                );
            }
        }
    }

    /// Follows the changes until `stop`, then saves what was counted.
    pub async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(cause) = self.follow(&stop).await {
                if !self.is_away {
                    tracing::warn!(
                        cause = chain::of_any(&cause),
                        "the control database is away; the known routes stay"
                    );
                }
                self.is_away = true;
                self.chores().await;
                tokio::select! {
                    () = tokio::time::sleep(RECONNECT) => {}
                    () = stop.cancelled() => {}
                }
            }
        }
        self.last_words().await;
    }

    /// Listens on one connection until it breaks.
    async fn follow(&mut self, stop: &CancellationToken) -> anyhow::Result<()> {
        let mut listener = PgListener::connect_with(&self.db).await.context("connect to the control database")?;
        listener.listen(Channel::Routes.name()).await.context("listen for changes of routes")?;
        // What changed while nobody listened.
        self.read().await?;
        self.tell_wakes().await?;
        if self.is_away {
            tracing::info!("the control database is back");
            self.is_away = false;
        }
        loop {
            let reread_at = self.read_at.unwrap_or_else(Instant::now) + self.shared.settings.limits.reread;
            let chores_at = self.file_at.unwrap_or(self.save_at).min(self.save_at);
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                notification = listener.try_recv() => {
                    let is_connected = notification.context("wait for changes of routes")?.is_some();
                    if let Some(read_at) = self.read_at {
                        tokio::time::sleep_until(read_at + BREATH).await;
                    }
                    while listener.next_buffered().is_some() {}
                    self.read().await?;
                    if !is_connected {
                        anyhow::bail!("the connection to the control database was lost");
                    }
                }
                () = self.shared.wakes.asked() => self.tell_wakes().await?,
                () = tokio::time::sleep_until(reread_at) => self.read().await?,
                () = tokio::time::sleep_until(chores_at) => self.chores().await,
            }
        }
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        let mut db = self.db.acquire().await.context("take a connection")?;
        let rows = store::list(&mut db).await.context("read the routes")?;
        drop(db);
        self.read_at = Some(begun);
        self.swap(rows);
        Ok(())
    }

    /// Tells the worker whom to wake. What could not be told is told on the next connection.
    async fn tell_wakes(&self) -> anyhow::Result<()> {
        let wakes = &self.shared.wakes;
        let environments = wakes.to_tell();
        if environments.is_empty() {
            return Ok(());
        }
        let mut db = self.db.acquire().await.context("take a connection")?;
        store::insert_wakes(&mut db, &environments, self.clock.now()).await.context("ask for instances to be woken")?;
        wakes.told(&environments);
        Ok(())
    }

    fn swap(&mut self, rows: Vec<Row>) {
        let known = self.shared.table.load_full();
        let next = known.next(rows, &mut self.upstreams, &mut self.books);
        if known.is_loaded && known.says_the_same(&next) {
            return;
        }
        let next = Arc::new(next);
        self.shared.table.store(Arc::clone(&next));
        // After the swap: a request that found the old table has been counted at its upstream by now, or finds the new one.
        for (environment, upstream) in known.displaced(&next) {
            self.books.leaves(environment, upstream);
        }
        for (environment, upstream) in next.displaced(&known) {
            self.books.arrives(environment, upstream);
        }
        for upstream in known.left(&next) {
            upstream.is_left();
        }
        self.shared.swaps.send_modify(|swaps| *swaps += 1);
        drop(known);
        self.upstreams.tidy();
        self.file_at.get_or_insert(Instant::now() + FILE_EVERY);
    }

    async fn chores(&mut self) {
        let now = Instant::now();
        if now >= self.save_at {
            self.save_counters().await;
            if self.saves.is_multiple_of(REFUSED_EVERY) {
                self.save_refused().await;
            }
        }
        if self.is_unwritten.swap(false, Ordering::Relaxed) {
            self.file_at.get_or_insert(now + FILE_AGAIN);
        }
        if self.file_at.is_some_and(|at| now >= at) {
            self.write_file();
        }
    }

    async fn save_counters(&mut self) {
        self.save_at = Instant::now() + self.shared.settings.limits.save;
        self.saves += 1;
        let samples = self.books.due(self.saves.is_multiple_of(BEAT_EVERY));
        if samples.is_empty() {
            return;
        }
        let saved = async {
            let mut db = self.db.acquire().await.context("take a connection")?;
            store::insert_samples(&mut db, self.books.epoch, self.clock.now(), &samples)
                .await
                .context("insert the samples")
        };
        match saved.await {
            Ok(()) => self.books.saved(&samples),
            Err(cause) => tracing::warn!(
                cause = chain::of_any(&cause),
                "the counters were not saved; they will be with the next ones"
            ),
        }
    }

    async fn save_refused(&mut self) {
        let refused = self.books.refused();
        if refused.is_empty() {
            return;
        }
        let saved = async {
            let mut db = self.db.acquire().await.context("take a connection")?;
            store::insert_refused(&mut db, self.books.epoch, self.clock.now(), &refused)
                .await
                .context("insert what was turned away")
        };
        match saved.await {
            Ok(()) => self.books.refused_saved(&refused),
            Err(cause) => tracing::warn!(cause = chain::of_any(&cause), "what was turned away was not saved"),
        }
    }

    /// Writes the table file unless it says all there is to say. One writing follows the other.
    fn write_file(&mut self) {
        let is_writing = self.writing.as_ref().is_some_and(|writing| !writing.is_finished());
        if is_writing || self.file_at.is_none() {
            self.file_at = self.file_at.map(|_| Instant::now() + FILE_EVERY);
            return;
        }
        self.file_at = None;
        let (table, file) = (self.shared.table.load_full(), self.shared.settings.table_file.clone());
        let is_unwritten = Arc::clone(&self.is_unwritten);
        self.writing = Some(tokio::task::spawn_blocking(move || {
            if let Err(cause) = save(&table, &file) {
                tracing::warn!(cause = chain::of_any(&cause), "the table file was not written and will be tried again");
                is_unwritten.store(true, Ordering::Relaxed);
            }
        }));
    }

    async fn last_words(&mut self) {
        self.save_counters().await;
        self.save_refused().await;
        for _ in 0..2 {
            if let Some(writing) = self.writing.take() {
                // It has reported what went wrong.
                drop(writing.await);
            }
            self.write_file();
        }
    }
}

fn load(file: &Path) -> anyhow::Result<Vec<Row>> {
    let bytes = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("understand {}", file.display()))
}

/// Written beside and renamed, so that a crash leaves the old file or the new one, and never half of one. Its name is this
/// process's: one that ends may write beside its successor.
fn save(table: &Table, file: &Path) -> anyhow::Result<()> {
    let rows: Vec<&Row> = table.rows().collect();
    let beside = file.with_extension(format!("{}.new", std::process::id()));
    let write = || -> std::io::Result<()> {
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        // What containers prove themselves with is nobody else's to read.
        let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        std::io::Write::write_all(&mut out, &serde_json::to_vec(&rows)?)?;
        out.sync_all()?;
        std::fs::rename(&beside, file)
    };
    write().with_context(|| format!("write {}", file.display()))
}
