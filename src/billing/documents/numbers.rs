//! Which numbers were given, remembered outside of the database too: a database that is put back to yesterday must not give the
//! numbers of today, whose papers customers have, to other documents.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::store;

/// The newest number of each series, by what its numbers begin with (`FR-2026-`).
pub type Newest = BTreeMap<String, i64>;

/// A series of which the database knows less than was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// What its numbers begin with.
    pub prefix: String,
    /// The newest one that the database knows.
    pub known: i64,
    /// The newest one that was given.
    pub given: i64,
}

/// Returns the series of which the database knows less than the file in which [`remember`] wrote. Nothing is known before the
/// file is there for the first time.
pub async fn behind(db: &mut PgConnection, file: &Path) -> anyhow::Result<Vec<Behind>> {
    let known = newest(db).await?;
    let behind = read(file)?.into_iter().filter_map(|(prefix, given)| {
        let known = known.get(&prefix).copied().unwrap_or(0);
        (known < given).then_some(Behind { prefix, known, given })
    });
    Ok(behind.collect())
}

/// Writes the newest numbers into the file; what is there and higher stays.
pub async fn remember(db: &mut PgConnection, file: &Path) -> anyhow::Result<()> {
    let before = read(file)?;
    let mut all = before.clone();
    for (prefix, known) in newest(db).await? {
        let kept = all.entry(prefix).or_insert(known);
        *kept = known.max(*kept);
    }
    if all == before {
        return Ok(());
    }
    let folder = file.parent().context("the file stands in a folder")?;
    std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    let new = file.with_extension("new");
    write(&new, &serde_json::to_vec_pretty(&all)?).with_context(|| format!("write {}", new.display()))?;
    std::fs::rename(&new, file).with_context(|| format!("put {} into its place", file.display()))?;
    // Its name is on the disk as well: without power it is the old file or the new one, never an empty one.
    File::open(folder).and_then(|folder| folder.sync_all()).with_context(|| format!("keep {}", file.display()))
}

/// Writes a file that is on the disk when this returns.
fn write(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut out = File::create(path)?;
    out.write_all(content)?;
    out.sync_all()
}

fn read(file: &Path) -> anyhow::Result<Newest> {
    match std::fs::read_to_string(file) {
        Ok(text) => serde_json::from_str(&text).with_context(|| format!("{} cannot be read", file.display())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Newest::new()),
        Err(error) => Err(error).with_context(|| format!("read {}", file.display())),
    }
}

async fn newest(db: &mut PgConnection) -> anyhow::Result<Newest> {
    Ok(store::newest_numbers(db).await.context("read the series of numbers")?.into_iter().collect())
}

/// Has a series go on after a number that was given and that the database does not know. The numbers between are noted as lost,
/// with the reason: their papers are with customers.
pub async fn go_on_after(
    db: &mut PgConnection,
    prefix: &str,
    number: i64,
    reason: &str,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    ensure!((3..=1000).contains(&reason.trim().chars().count()), "say why, in three letters at least");
    let known = store::lock_newest_number(db, prefix).await.context("lock a series of numbers")?;
    let known = known.with_context(|| format!("no series begins with {prefix}"))?;
    ensure!(number > known, "the newest number of {prefix} is {known} already");
    store::insert_gap(db, prefix, (known, number), reason.trim(), now).await.context("note the lost numbers")?;
    store::skip_to(db, prefix, number).await.context("go on after a number")
}
