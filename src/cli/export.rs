//! `sayoo export …`: the same files as the staff's pages, for scripts.

use anyhow::{Context, ensure};
use chrono::{NaiveDate, NaiveTime};
use clap::{Subcommand, ValueEnum};
use futures_util::TryStreamExt;
use tokio::io::AsyncWriteExt;

use crate::base::ids::{AccountId, EnvironmentId};
use crate::config::Config;
use crate::db;
use crate::metering::export::{self, Filter, Format};

/// What to export.
#[derive(Debug, Subcommand)]
pub enum Export {
    /// Usage by customer, instance and hour, on standard output.
    Usage {
        /// The first day (UTC), such as 2026-11-01.
        #[arg(long)]
        from: NaiveDate,
        /// The day after the last one (UTC).
        #[arg(long)]
        to: NaiveDate,
        /// Only this customer.
        #[arg(long)]
        account: Option<AccountId>,
        /// Only this instance.
        #[arg(long)]
        instance: Option<EnvironmentId>,
        /// What it is written as.
        #[arg(long, value_enum, default_value_t = Written::Csv)]
        format: Written,
    },
}

/// What an export is written as.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Written {
    /// Comma-separated values.
    Csv,
    /// One JSON array.
    Json,
}

/// Writes the export.
pub async fn run(config: &Config, export: Export) -> anyhow::Result<()> {
    let Export::Usage { from, to, account, instance, format } = export;
    ensure!(from < to, "--from must be a day before --to");
    let pool = db::pool(&config.database.owner_url, 2)?;
    let start = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    let filter = Filter { from: start(from), until: start(to), account, environment: instance };
    let format = match format {
        Written::Csv => Format::Csv,
        Written::Json => Format::Json,
    };
    let mut parts = Box::pin(export::stream(pool, filter, format));
    let mut out = tokio::io::stdout();
    while let Some(part) = parts.try_next().await.context("read the usage")? {
        out.write_all(&part).await.context("write to standard output")?;
    }
    out.flush().await.context("write to standard output")
}
