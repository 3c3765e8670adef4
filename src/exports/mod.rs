//! Files for accountants, spreadsheets and cost tools: what is charged, billed, paid and booked. Any length, in constant memory.
//!
//! Everything is read a page at a time and written at once; columns are documented in docs/exports.md.

pub mod beancount;
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
pub struct Export(Kind);

#[derive(Debug)]
enum Kind {
    List(lists::Progress),
    Focus(Focus),
    Fec(Fec),
    Beancount(Beancount),
}

impl Export {
    /// Begins a list.
    #[must_use]
    pub fn list(list: List, filter: Filter, format: Format) -> Self {
        Self(Kind::List(lists::Progress::new(list, filter, format)))
    }

    /// Begins a data set of FOCUS. `now` decides which months are over.
    #[must_use]
    pub fn focus(set: focus::Set, filter: Filter, now: DateTime<Utc>) -> Self {
        Self(Kind::Focus(Focus::new(set, filter, now)))
    }

    /// Begins a French seller's accounting file.
    #[must_use]
    pub fn fec(seller: &fec::Seller, filter: Filter) -> Self {
        Self(Kind::Fec(Fec::new(seller, filter)))
    }

    /// Begins the books of every seller for Beancount.
    #[must_use]
    pub fn beancount(filter: Filter) -> Self {
        Self(Kind::Beancount(Beancount::new(filter)))
    }

    /// Returns the next part; `None` at the end.
    pub async fn next(&mut self, db: &mut PgConnection) -> Result<Option<Vec<u8>>, StoreError> {
        match &mut self.0 {
            Kind::List(list) => list.next(db).await,
            Kind::Focus(focus) => focus.next(db).await,
            Kind::Fec(fec) => fec.next(db).await,
            Kind::Beancount(books) => books.next(db).await,
        }
    }

    /// Reads part by part; a slow reader holds no connection.
    pub fn stream(self, db: PgPool) -> impl Stream<Item = Result<Bytes, StoreError>> + Send + 'static {
        stream::try_unfold((db, self), |(db, mut export)| async move {
            let mut connection = db.acquire().await?;
            let part = export.next(&mut connection).await?;
            drop(connection);
            Ok(part.map(|part| (Bytes::from(part), (db, export))))
        })
    }
}
