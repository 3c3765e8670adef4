//! Exports as files in a folder: whole or not there, with what they are in `manifest.json`.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{BufWriter, ErrorKind, Write as _};
use std::path::Path;

use anyhow::{Context, bail, ensure};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgPool};

use super::{Export, Filter, store};

/// What is known of the files in a folder.
const MANIFEST: &str = "manifest.json";

/// Held by whoever writes in a folder. The system lets go of it when the program ends, however it ends.
const LOCK: &str = ".lock";

/// What ends the name of a file that is being written.
const UNFINISHED: &str = ".part";

/// What a file is, so that its reader can see that it is whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// SHA-256, in hexadecimal digits.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
    /// Its lines, without that of names. Fields that hold line breaks count as they stand in the file.
    pub rows: u64,
    /// The first day.
    pub from: chrono::NaiveDate,
    /// The day after the last one.
    pub to: chrono::NaiveDate,
    /// One customer's, or everybody's.
    pub account: Option<String>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}

/// A file to be written.
#[derive(Debug)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub export: Export,
    /// Which rows.
    pub filter: Filter,
    /// Whether its first line holds names.
    pub has_names: bool,
}

/// Writes exports into a folder, which is made if it is not there.
///
/// All of them are read at one moment, so that they say the same, whatever is booked and billed meanwhile. Each file has its name
/// once it is whole and on the disk; the manifest follows when all are. Two programs do not write in one folder at once. What an
/// interrupted one left is removed by the next.
pub async fn write(db: &PgPool, folder: &Path, wanted: Vec<Wanted>, now: DateTime<Utc>) -> anyhow::Result<Vec<Entry>> {
    fs::create_dir_all(folder).with_context(|| format!("make the folder {}", folder.display()))?;
    let lock = File::create(folder.join(LOCK)).with_context(|| format!("write in {}", folder.display()))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => bail!("another export is being written into {}", folder.display()),
        Err(TryLockError::Error(error)) => return Err(error).context("lock the folder"),
    }
    remove_unfinished(folder)?;
    let mut manifest = read_manifest(folder)?;
    let mut entries = Vec::new();
    let mut moment = store::one_moment(db).await.context("reach the control database")?;
    for mut file in wanted {
        let entry =
            write_one(&mut moment, folder, &mut file, now).await.with_context(|| format!("write {}", file.name))?;
        manifest.insert(file.name, entry.clone());
        entries.push(entry);
    }
    let text = serde_json::to_vec_pretty(&manifest).context("write the manifest")?;
    put(folder, MANIFEST, |out| Ok(out.write_all(&text)?))?;
    Ok(entries)
}

async fn write_one(
    db: &mut PgConnection,
    folder: &Path,
    file: &mut Wanted,
    now: DateTime<Utc>,
) -> anyhow::Result<Entry> {
    ensure!(!file.name.contains(['/', '\\']) && !file.name.starts_with('.'), "{:?} is no name of a file", file.name);
    let path = folder.join(format!("{}{UNFINISHED}", file.name));
    let mut out = BufWriter::new(File::create(&path)?);
    let (mut hash, mut bytes, mut lines) = (Sha256::new(), 0_u64, 0_u64);
    while let Some(part) = file.export.next(db).await.context("read")? {
        hash.update(&part);
        bytes += part.len() as u64;
        lines += memchr::memchr_iter(b'\n', &part).count() as u64;
        out.write_all(&part)?;
    }
    finish(out, folder, &file.name)?;
    Ok(Entry {
        sha256: hex::encode(hash.finalize()),
        bytes,
        rows: file.export.rows().unwrap_or(if file.has_names { lines.saturating_sub(1) } else { lines }),
        from: file.filter.from,
        to: file.filter.to,
        account: file.filter.account.map(|account| account.to_string()),
        created_at: now,
    })
}

/// Writes a small file at once.
fn put(
    folder: &Path,
    name: &str,
    write: impl FnOnce(&mut BufWriter<File>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut out = BufWriter::new(File::create(folder.join(format!("{name}{UNFINISHED}")))?);
    write(&mut out)?;
    finish(out, folder, name)
}

/// Gives a file its name, once it is on the disk.
fn finish(out: BufWriter<File>, folder: &Path, name: &str) -> anyhow::Result<()> {
    let file = out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    file.sync_all()?;
    fs::rename(folder.join(format!("{name}{UNFINISHED}")), folder.join(name))?;
    Ok(File::open(folder)?.sync_all()?)
}

fn remove_unfinished(folder: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(UNFINISHED) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// What the folder's manifest says of files that are still there.
fn read_manifest(folder: &Path) -> anyhow::Result<BTreeMap<String, Entry>> {
    let text = match fs::read(folder.join(MANIFEST)) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error).context("read the manifest"),
    };
    let mut manifest: BTreeMap<String, Entry> = serde_json::from_slice(&text).context("read the manifest")?;
    manifest.retain(|name, _| folder.join(name).exists());
    Ok(manifest)
}
