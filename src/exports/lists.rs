//! The plain lists: charges, invoices with their lines, payments, the ledger.

use sqlx::PgConnection;
use uuid::Uuid;

use super::store;
use super::table::{Column, Format, Row, Table, exact, text};
use super::{Filter, StoreError};

/// Rows read at a time.
const PAGE: i64 = 2_000;

/// A list that can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// What closed periods cost, of each thing.
    Charges,
    /// Invoices and credit notes, one row a line.
    Invoices,
    /// Money that came in and went back.
    Payments,
    /// Both sides of every entry.
    Ledger,
}

const CHARGES: &[Column] = &[
    exact("charge_id"),
    exact("account_id"),
    text("customer"),
    exact("seller"),
    exact("period_from"),
    exact("period_until"),
    exact("of_period_from"),
    exact("of_period_until"),
    exact("environment_id"),
    text("environment"),
    exact("plan"),
    exact("plan_version"),
    exact("class"),
    exact("revision"),
    exact("meter"),
    exact("tier"),
    exact("from"),
    exact("until"),
    exact("used_raw"),
    exact("carry_in_raw"),
    exact("carry_out_raw"),
    exact("quantity"),
    exact("unit_price"),
    exact("net"),
    exact("currency"),
    exact("document"),
    exact("line"),
];

const INVOICES: &[Column] = &[
    exact("document_id"),
    exact("number"),
    exact("kind"),
    exact("account_id"),
    text("customer"),
    exact("seller"),
    exact("issued_on"),
    exact("due_on"),
    exact("period_from"),
    exact("period_until"),
    exact("corrects"),
    text("reason"),
    exact("currency"),
    exact("net"),
    exact("vat"),
    exact("gross"),
    exact("paid"),
    exact("sha256"),
    exact("line"),
    exact("line_kind"),
    exact("environment_id"),
    exact("meter"),
    text("title"),
    text("detail"),
    exact("from"),
    exact("until"),
    exact("quantity"),
    exact("unit"),
    exact("unit_price"),
    exact("line_net"),
    exact("vat_category"),
    exact("vat_rate"),
];

const PAYMENTS: &[Column] = &[
    exact("id"),
    exact("kind"),
    exact("payment_id"),
    exact("account_id"),
    text("customer"),
    exact("seller"),
    exact("method"),
    exact("on"),
    exact("amount"),
    exact("currency"),
    exact("allocated"),
    text("reference"),
    exact("documents"),
];

const LEDGER: &[Column] = &[
    exact("entry_id"),
    exact("position"),
    exact("seller"),
    exact("seq"),
    exact("effective_on"),
    exact("journal"),
    exact("code"),
    text("name"),
    exact("account_id"),
    text("customer"),
    text("label"),
    exact("source_kind"),
    exact("source_id"),
    exact("template"),
    exact("debit"),
    exact("credit"),
    exact("currency"),
    exact("booked_at"),
];

impl List {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::Charges, Self::Invoices, Self::Payments, Self::Ledger];

    /// Returns the word in addresses, commands and names of files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Charges => "charges",
            Self::Invoices => "invoices",
            Self::Payments => "payments",
            Self::Ledger => "ledger",
        }
    }

    /// Returns the columns.
    #[must_use]
    pub fn columns(self) -> &'static [Column] {
        match self {
            Self::Charges => CHARGES,
            Self::Invoices => INVOICES,
            Self::Payments => PAYMENTS,
            Self::Ledger => LEDGER,
        }
    }
}

/// A row with its place in the list.
#[derive(Debug)]
pub struct Keyed {
    /// What it is a row of.
    pub key: Uuid,
    /// Which of its rows.
    pub part: i32,
    /// Its cells.
    pub cells: Row,
}

/// Where a list stands.
#[derive(Debug)]
pub struct Progress {
    list: List,
    filter: Filter,
    table: Table,
    after: (Uuid, i32),
    is_over: bool,
}

impl Progress {
    /// Begins one.
    pub fn new(list: List, filter: Filter, format: Format) -> Self {
        let table = Table::new(list.columns(), format);
        Self { list, filter, table, after: (Uuid::nil(), 0), is_over: false }
    }

    /// Writes the next page.
    pub async fn next(&mut self, db: &mut PgConnection) -> Result<Option<Vec<u8>>, StoreError> {
        if self.is_over {
            return Ok(None);
        }
        let (filter, after) = (&self.filter, self.after);
        let rows = match self.list {
            List::Charges => store::list_charges(db, filter, after, PAGE).await?,
            List::Invoices => store::list_lines(db, filter, after, PAGE).await?,
            List::Payments => store::list_payments(db, filter, after, PAGE).await?,
            List::Ledger => store::list_postings(db, filter, after, PAGE).await?,
        };
        if let Some(last) = rows.last() {
            self.after = (last.key, last.part);
        }
        self.is_over = i64::try_from(rows.len()).unwrap_or(0) < PAGE;
        Ok(Some(self.table.part(rows.iter().map(|row| &row.cells), self.is_over)))
    }
}
