//! `sayoo export …`: the same files as the pages', for scripts.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use chrono::{NaiveDate, NaiveTime};
use clap::{Args, Subcommand, ValueEnum};
use futures_util::{Stream, TryStreamExt};
use sqlx::PgPool;
use tokio::io::AsyncWriteExt;

use crate::base::clock::Clock;
use crate::base::ids::{AccountId, EnvironmentId};
use crate::config::Config;
use crate::db::{self, StoreError};
use crate::exports::files::{self, Wanted};
use crate::exports::focus::Set;
use crate::exports::{Export as Part, Filter, Format, List, fec};
use crate::metering::export as usage;

/// What to export.
#[derive(Debug, Subcommand)]
pub enum Export {
    /// Usage by customer, instance and hour, on standard output.
    Usage {
        #[command(flatten)]
        days: Days,
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
    /// What the periods that ended in these days cost, of each thing.
    Charges(ListArgs),
    /// Invoices and credit notes issued in these days, one row a line.
    Invoices(ListArgs),
    /// Money that came in and went back.
    Payments(ListArgs),
    /// Both sides of every entry; one customer's are those on the customer's own accounts.
    Ledger(ListArgs),
    /// The periods that ended in these days for cloud cost tools: FOCUS 1.4 (three files) and 1.2 (one).
    Focus {
        #[command(flatten)]
        days: Days,
        /// Only this customer.
        #[arg(long)]
        account: Option<AccountId>,
        /// What the files are written as.
        #[arg(long, value_enum, default_value_t = Packed::Csv)]
        format: Packed,
        /// The folder for the files and their manifest.
        #[arg(long)]
        out: PathBuf,
    },
    /// The entries of the French books as the tax office asks for them (FEC).
    Fec(BookArgs),
    /// The books of every seller for Beancount.
    Beancount(BookArgs),
}

/// Which days.
#[derive(Clone, Copy, Debug, Args)]
pub struct Days {
    /// The first day (UTC), such as 2026-11-01.
    #[arg(long)]
    from: NaiveDate,
    /// The day after the last one (UTC).
    #[arg(long)]
    to: NaiveDate,
}

/// How a list is wanted.
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    days: Days,
    /// Only this customer.
    #[arg(long)]
    account: Option<AccountId>,
    /// What it is written as.
    #[arg(long, value_enum, default_value_t = Written::Csv)]
    format: Written,
    /// A folder for the file and its manifest, instead of standard output.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// How books are wanted.
#[derive(Debug, Args)]
pub struct BookArgs {
    #[command(flatten)]
    days: Days,
    /// A folder for the file and its manifest, instead of standard output.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// What an export is written as.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Written {
    /// Comma-separated values.
    Csv,
    /// One JSON array.
    Json,
    /// Columns with types, packed.
    Parquet,
}

/// What FOCUS is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Packed {
    /// Comma-separated values, as FOCUS describes them.
    Csv,
    /// Columns with types, packed.
    Parquet,
}

impl Written {
    fn format(self) -> Format {
        match self {
            Self::Csv => Format::Csv,
            Self::Json => Format::Json,
            Self::Parquet => Format::Parquet,
        }
    }
}

impl Days {
    fn filter(self, account: Option<AccountId>) -> anyhow::Result<Filter> {
        ensure!(self.from < self.to, "--from must be a day before --to");
        Ok(Filter { from: self.from, to: self.to, account })
    }
}

/// Writes the export.
pub async fn run(config: &Config, export: Export) -> anyhow::Result<()> {
    let pool = db::pool(&config.database.owner_url, 2)?;
    match export {
        Export::Usage { days, account, instance, format } => {
            let Filter { from, to, .. } = days.filter(account)?;
            let start = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
            let filter = usage::Filter { from: start(from), until: start(to), account, environment: instance };
            print(usage::stream(pool, filter, format.format())).await
        }
        Export::Charges(wish) => list(pool, List::Charges, wish).await,
        Export::Invoices(wish) => list(pool, List::Invoices, wish).await,
        Export::Payments(wish) => list(pool, List::Payments, wish).await,
        Export::Ledger(wish) => list(pool, List::Ledger, wish).await,
        Export::Focus { days, account, format, out } => {
            let (filter, now) = (days.filter(account)?, Clock::System.now());
            let is_csv = format == Packed::Csv;
            let wanted = Set::ALL.map(|set| Wanted {
                name: format!("{}.{}", set.word(), if is_csv { "csv" } else { "parquet" }),
                export: match Part::focus(set, filter, now) {
                    csv if is_csv => csv,
                    csv => csv.into_parquet(),
                },
                filter,
                has_names: true,
            });
            write(&pool, &out, wanted.into()).await
        }
        Export::Fec(BookArgs { days, out }) => {
            let filter = days.filter(None)?;
            let seller = fec::Seller::find(&mut *pool.acquire().await.context("reach the control database")?).await?;
            let name = seller.file_name(&filter);
            one(pool, (name, true), Part::fec(&seller, filter), filter, out).await
        }
        Export::Beancount(BookArgs { days, out }) => {
            let filter = days.filter(None)?;
            let name = format!("books-{}-{}.beancount", filter.from, filter.to);
            one(pool, (name, false), Part::beancount(filter), filter, out).await
        }
    }
}

async fn list(pool: PgPool, list: List, wish: ListArgs) -> anyhow::Result<()> {
    let (filter, format) = (wish.days.filter(wish.account)?, wish.format.format());
    let name = format!("{}-{}-{}.{}", list.word(), filter.from, filter.to, format.extension());
    let export = Part::list(list, filter, format);
    one(pool, (name, true), export, filter, wish.out).await
}

/// Writes one file, into a folder or on standard output.
async fn one(
    pool: PgPool,
    (name, has_names): (String, bool),
    export: Part,
    filter: Filter,
    out: Option<PathBuf>,
) -> anyhow::Result<()> {
    match out {
        Some(folder) => write(&pool, &folder, vec![Wanted { name, export, filter, has_names }]).await,
        None => print(export.stream_of_one_moment(pool)).await,
    }
}

async fn write(pool: &PgPool, folder: &std::path::Path, wanted: Vec<Wanted>) -> anyhow::Result<()> {
    let names: Vec<String> = wanted.iter().map(|file| file.name.clone()).collect();
    let written = files::write(pool, folder, wanted, Clock::System.now()).await?;
    for (name, entry) in names.iter().zip(written) {
        eprintln!("{}: {} rows", folder.join(name).display(), entry.rows);
    }
    Ok(())
}

async fn print(parts: impl Stream<Item = Result<bytes::Bytes, StoreError>>) -> anyhow::Result<()> {
    let mut parts = std::pin::pin!(parts);
    let mut out = tokio::io::stdout();
    while let Some(part) = parts.try_next().await.context("read what is exported")? {
        out.write_all(&part).await.context("write to standard output")?;
    }
    out.flush().await.context("write to standard output")
}
