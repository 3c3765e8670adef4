//! Files for accountants, spreadsheets and cost tools: what is charged, billed, paid and booked. Any length, in constant memory.
//!
//! Everything is read a page at a time and written at once; columns are documented in docs/exports.md.

pub mod beancount;
pub mod columnar;
pub mod fec;
pub mod files;
pub mod focus;
mod lists;
mod store;
pub mod table;
pub mod text;

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use futures_util::{Stream, stream};
use sqlx::{PgConnection, PgPool};

use crate::base::ids::AccountId;
use crate::db::StoreError;
use beancount::Beancount;
use columnar::Columnar;
use fec::Fec;
use focus::Focus;
pub use lists::List;
pub use table::Format;

/// Which rows are exported.
#[derive(Clone, Copy, Debug)]
pub struct Filter {
    /// The first day.
    pub from: NaiveDate,
    /// The day after the last one.
    pub to: NaiveDate,
    /// Only this customer.
    pub account: Option<AccountId>,
}

impl Filter {
    /// Returns the first instant (UTC).
    #[must_use]
    pub fn from_at(&self) -> DateTime<Utc> {
        self.from.and_time(NaiveTime::MIN).and_utc()
    }

    /// Returns the instant after the last one (UTC).
    #[must_use]
    pub fn until_at(&self) -> DateTime<Utc> {
        self.to.and_time(NaiveTime::MIN).and_utc()
    }
}

/// An export under way: says its next part until there is none.
#[derive(Debug)]
pub struct Export {
    kind: Kind,
    /// Turns its CSV into Parquet.
    columnar: Option<Box<Columnar>>,
    is_over: bool,
}

#[derive(Debug)]
enum Kind {
    List(lists::Progress),
    Focus(Focus),
    Fec(Fec),
    Beancount(Beancount),
}

impl Export {
    fn new(kind: Kind) -> Self {
        Self { kind, columnar: None, is_over: false }
    }

    /// Begins a list.
    #[must_use]
    pub fn list(list: List, filter: Filter, format: Format) -> Self {
        let begun = Self::new(Kind::List(lists::Progress::new(list, filter, format)));
        if format == Format::Parquet { begun.into_parquet() } else { begun }
    }

    /// Begins a data set of FOCUS. `now` decides which months are over.
    #[must_use]
    pub fn focus(set: focus::Set, filter: Filter, now: DateTime<Utc>) -> Self {
        Self::new(Kind::Focus(Focus::new(set, filter, now)))
    }

    /// Begins a French seller's accounting file.
    #[must_use]
    pub fn fec(seller: &fec::Seller, filter: Filter) -> Self {
        Self::new(Kind::Fec(Fec::new(seller, filter)))
    }

    /// Begins the books of every seller for Beancount.
    #[must_use]
    pub fn beancount(filter: Filter) -> Self {
        Self::new(Kind::Beancount(Beancount::new(filter)))
    }

    /// Has what would be CSV (a list, a data set of FOCUS) be written as Parquet.
    #[must_use]
    pub fn into_parquet(self) -> Self {
        Self { columnar: Some(Box::default()), ..self }
    }

    /// How many rows were written, where lines do not tell it.
    #[must_use]
    pub fn rows(&self) -> Option<u64> {
        self.columnar.as_ref().map(|columnar| columnar.rows())
    }

    /// Returns the next part; `None` at the end.
    pub async fn next(&mut self, db: &mut PgConnection) -> Result<Option<Vec<u8>>, StoreError> {
        while !self.is_over {
            let lines = match &mut self.kind {
                Kind::List(list) => list.next(db).await?,
                Kind::Focus(focus) => focus.next(db).await?,
                Kind::Fec(fec) => fec.next(db).await?,
                Kind::Beancount(books) => books.next(db).await?,
            };
            self.is_over = lines.is_none();
            let part = match (&mut self.columnar, lines) {
                (None, lines) => return Ok(lines),
                (Some(columnar), Some(lines)) => columnar.feed(&lines)?,
                (Some(columnar), None) => columnar.finish()?,
            };
            if !part.is_empty() {
                return Ok(Some(part));
            }
        }
        Ok(None)
    }

    /// Reads part by part; a slow reader holds no connection. Parts are read at moments of their own: what a file says in one place
    /// and another (entries and balances, charges and documents) stops at what was there when it was begun.
    pub fn stream(self, db: PgPool) -> impl Stream<Item = Result<Bytes, StoreError>> + Send + 'static {
        stream::try_unfold((db, self), |(db, mut export)| async move {
            let mut connection = db.acquire().await?;
            let part = export.next(&mut connection).await?;
            drop(connection);
            Ok(part.map(|part| (Bytes::from(part), (db, export))))
        })
    }

    /// Reads part by part, all at one moment: whoever reads holds a connection.
    pub fn stream_of_one_moment(self, db: PgPool) -> impl Stream<Item = Result<Bytes, StoreError>> + Send + 'static {
        stream::try_unfold((db, None, self), |(db, moment, mut export)| async move {
            let mut moment = match moment {
                Some(moment) => moment,
                None => store::one_moment(&db).await?,
            };
            let part = export.next(&mut moment).await?;
            Ok(part.map(|part| (Bytes::from(part), (db, Some(moment), export))))
        })
    }
}
