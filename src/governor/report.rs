//! What the governor says of itself, in a file that `sayoo doctor` reads.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// How it was at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// When.
    pub at: DateTime<Utc>,
    /// How many sessions of tenants' databases were in a group of their database; `None` where no server runs.
    pub sessions: Option<usize>,
    /// How many databases gave way to the others.
    pub heavy_databases: usize,
    /// What it could not do.
    pub trouble: Option<String>,
}

/// Returns where it is, in an installation's folder.
#[must_use]
pub fn file(data: &Path) -> PathBuf {
    data.join("governor.json")
}

impl Report {
    /// Reads the last one; `None` where none was written.
    pub fn read(data: &Path) -> anyhow::Result<Option<Self>> {
        match fs::read(file(data)) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text).context("read the governor's report")?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).context("read the governor's report"),
        }
    }

    /// Takes the place of the last one.
    pub fn write(&self, data: &Path) -> anyhow::Result<()> {
        let (file, text) = (file(data), serde_json::to_vec(self).expect("plain fields are JSON"));
        let new = file.with_extension("new");
        fs::write(&new, text).and_then(|()| fs::rename(&new, &file)).context("write the governor's report")
    }
}
