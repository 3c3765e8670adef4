//! The files that closed months are computed again with: made with the charges, kept as they were, given to the customer.
//!
//! A file is lines of JSON in gzip (docs/billing.md). Each line is about some of an account's environments and stands in a row of
//! its own, so that neither writing nor reading one holds more than a line in memory.

mod store;

use std::io::Write as _;

use anyhow::Context;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::{Stream, stream};
use serde::Serialize;
use sqlx::{PgConnection, PgPool};

use crate::base::ids::{AccountId, DocumentId, PeriodId};
use crate::base::money::Money;

/// The program that computes a file again.
pub const PROGRAM: &str = include_str!("../../../docs/recompute/recompute.py");

/// Keeps a part of a month's file, counted from 1; in the transaction that writes its charges.
pub async fn keep(
    db: &mut PgConnection,
    (period, part): (PeriodId, i32),
    proof: &impl Serialize,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    // Concatenated, files in gzip are a file in gzip.
    let mut file = GzEncoder::new(Vec::new(), Compression::fast());
    serde_json::to_writer(&mut file, proof).context("write a part of a month's file")?;
    file.write_all(b"\n").context("end a part of a month's file")?;
    let content = file.finish().context("compress a part of a month's file")?;
    store::insert(db, (period, part), &content, now).await.context("keep a part of a month's file")
}

/// A month's file, as a document's page offers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offered {
    /// Which month's.
    pub period: PeriodId,
    /// What the program says last: all that is charged, before discounts and taxes, less what is given back.
    pub net: Money,
}

/// Returns the file that speaks of a final document of an account, if there is one: of months that were charged before files
/// were kept there is none, nor of a credit note that a person decided.
pub async fn of_document(
    db: &mut PgConnection,
    account: AccountId,
    document: DocumentId,
) -> anyhow::Result<Option<Offered>> {
    store::of_document(db, account, document).await.context("find a month's file")
}

/// Returns a month's file in gzip, part by part. Whose it is was found out before.
pub fn stream(db: PgPool, period: PeriodId) -> impl Stream<Item = anyhow::Result<Bytes>> + Send + 'static {
    stream::try_unfold(0, move |after| {
        let db = db.clone();
        async move {
            let mut db = db.acquire().await.context("acquire a connection")?;
            let next = store::next(&mut db, period, after).await.context("read a part of a month's file")?;
            Ok(next.map(|(part, content)| (Bytes::from(content), part)))
        }
    })
}
