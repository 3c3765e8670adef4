//! Brings in certificates of customers' domains, and answers to the questions of certificate authorities.
//!
//! Private keys rest sealed, in the control database and in the file from which they are read while it is away.

use std::collections::HashMap;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Shared;
use crate::base::chain;
use crate::base::seal::SealingKey;
use crate::certificates::Certificate;
use crate::certificates::store::{self, Kept};
use crate::db::Channel;

/// Between two tries to reach a database that is away.
const RECONNECT: Duration = Duration::from_secs(1);

/// For the database to answer at the start, before the file is used.
const FIRST_ANSWER: Duration = Duration::from_secs(5);

/// What is read beside the requests.
#[derive(Debug)]
pub struct Keys {
    shared: Arc<Shared>,
    db: PgPool,
    key: SealingKey,
    file: PathBuf,
    known: HashMap<Uuid, (Kept, Option<Certificate>)>,
}

impl Keys {
    /// Returns what has read nothing yet.
    #[must_use]
    pub fn new(shared: Arc<Shared>, db: PgPool, key: SealingKey, file: PathBuf) -> Self {
        Self { shared, db, key, file, known: HashMap::new() }
    }

    /// Reads for the first time: from the database, else from the file.
    pub async fn first(&mut self) {
        let read = tokio::time::timeout(FIRST_ANSWER, self.read()).await;
        let Err(cause) = read.map_err(anyhow::Error::from).flatten() else { return };
        let Ok(kept) = load(&self.file) else {
            return tracing::warn!(cause = chain::of_any(&cause), "certificates of domains are not known yet");
        };
        tracing::warn!(cause = chain::of_any(&cause), certificates = kept.len(), "saved certificates are used");
        self.take(kept);
        self.publish();
    }

    /// Follows the changes until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            // The feed of routes says in the log that the database is away.
            if self.follow(&stop).await.is_err() {
                stop.run_until_cancelled(tokio::time::sleep(RECONNECT)).await;
            }
        }
    }

    async fn follow(&mut self, stop: &CancellationToken) -> anyhow::Result<()> {
        let mut listener = PgListener::connect_with(&self.db).await?;
        listener.listen(Channel::Certificates.name()).await?;
        loop {
            self.read().await?;
            let reread = tokio::time::sleep(self.shared.settings.limits.reread);
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = reread => {}
                heard = listener.try_recv() => {
                    anyhow::ensure!(heard?.is_some(), "the connection to the control database was lost");
                    while listener.next_buffered().is_some() {}
                }
            }
        }
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        let mut db = self.db.acquire().await.context("take a connection")?;
        let answers = store::answers(&mut db).await.context("read the answers for authorities")?;
        let ids = store::ids(&mut db).await.context("read which certificates there are")?;
        let new: Vec<Uuid> = ids.iter().copied().filter(|id| !self.known.contains_key(id)).collect();
        let kept =
            if new.is_empty() { Vec::new() } else { store::some(&mut db, &new).await.context("read certificates")? };
        drop(db);
        self.shared.answers.store(Arc::new(answers.into_iter().map(|one| (one.token.clone(), one)).collect()));
        let before = self.known.len();
        self.known.retain(|id, _| ids.contains(id));
        if self.known.len() != before || !kept.is_empty() {
            self.take(kept);
            self.publish();
            self.save().await;
        }
        Ok(())
    }

    fn take(&mut self, kept: Vec<Kept>) {
        for one in kept {
            let place = store::place(&one.hostname, one.id);
            let opened = self.key.open(&place, &one.key_sealed);
            let certificate = opened.and_then(|key| Certificate::from_pem(one.chain_pem.as_bytes(), &key));
            if let Err(cause) = &certificate {
                tracing::error!(hostname = one.hostname, cause = chain::of_any(cause), "a certificate cannot be used");
            }
            self.known.insert(one.id, (one, certificate.ok()));
        }
    }

    fn publish(&self) {
        let mut certificates: Vec<_> = self.known.values().filter_map(|(_, certificate)| certificate.clone()).collect();
        // While two are for one name, the one that lasts longer is the newer one.
        certificates.sort_by_key(|certificate| std::cmp::Reverse(certificate.not_after));
        self.shared.certificates.set_domains(certificates);
    }

    async fn save(&self) {
        let (file, kept) = (self.file.clone(), self.known.values().map(|(kept, _)| kept.clone()).collect::<Vec<_>>());
        let saved = tokio::task::spawn_blocking(move || save(&kept, &file)).await;
        if let Err(cause) = saved.map_err(anyhow::Error::from).flatten() {
            tracing::warn!(
                cause = chain::of_any(&cause),
                "certificates were not saved for a start without the database"
            );
        }
    }
}

fn load(file: &Path) -> anyhow::Result<Vec<Kept>> {
    let bytes = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("understand {}", file.display()))
}

/// Written beside and renamed, so that a crash leaves the old file or the new one, and never half of one. Its name is this
/// process's: one that ends may write beside its successor.
fn save(kept: &[Kept], file: &Path) -> anyhow::Result<()> {
    let beside = file.with_extension(format!("{}.new", std::process::id()));
    let write = || -> std::io::Result<()> {
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut out = std::fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&beside)?;
        out.write_all(&serde_json::to_vec(kept)?)?;
        out.sync_all()?;
        std::fs::rename(&beside, file)
    };
    write().with_context(|| format!("write {}", file.display()))
}
