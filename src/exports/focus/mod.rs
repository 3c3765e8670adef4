//! FOCUS: what cloud cost tools read. Data sets of version 1.4, and CostAndUsage of 1.2.
//!
//! One row for each environment, meter, price and UTC day, one for each base price, correction, discount and credited line, one
//! for the VAT of each rate of a document. Only what never changes is read: rows of a closed period are the same in every later file.
//! Charges and documents are read one after the other; both stop at the documents that were the newest when the file was begun.

mod charges;
mod columns;
mod documents;
mod row;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Filter, StoreError, store, text};
use charges::write_charge;
pub use columns::{BILLING_PERIOD, COST_AND_USAGE, INVOICE_DETAIL};
use documents::{Papers, write_details, write_rest};
pub use row::Version;
use row::{Pen, push_instant};

/// Charges read at a time: each is up to thirty-one rows.
const CHARGES: i64 = 1_000;

/// Documents read at a time, with all their lines.
const DOCUMENTS: i64 = 500;

/// A data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// What was used and what it cost.
    CostAndUsage(Version),
    /// The lines of documents.
    InvoiceDetail,
    /// Months, and whether they are over.
    BillingPeriod,
}

impl Set {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 4] = [
        Self::CostAndUsage(Version::V1_4),
        Self::InvoiceDetail,
        Self::BillingPeriod,
        Self::CostAndUsage(Version::V1_2),
    ];

    /// Returns the name of its file, without the end.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::CostAndUsage(Version::V1_4) => "cost_and_usage",
            Self::InvoiceDetail => "invoice_detail",
            Self::BillingPeriod => "billing_period",
            Self::CostAndUsage(Version::V1_2) => "cost_and_usage_1_2",
        }
    }
}

/// What is written next.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Head,
    Charges(Uuid),
    Documents(Uuid),
    Over,
}

/// Where a data set stands.
#[derive(Debug)]
pub struct Focus {
    set: Set,
    filter: Filter,
    now: DateTime<Utc>,
    pen: Pen,
    newest: store::Newest,
    stage: Stage,
}

impl Focus {
    /// Begins one.
    pub(super) fn new(set: Set, filter: Filter, now: DateTime<Utc>) -> Self {
        let version = if let Set::CostAndUsage(version) = set { version } else { Version::V1_4 };
        Self { set, filter, now, pen: Pen::new(version), newest: store::Newest::default(), stage: Stage::Head }
    }

    /// Writes the next part.
    pub(super) async fn next(&mut self, db: &mut PgConnection) -> Result<Option<Vec<u8>>, StoreError> {
        let mut out = Vec::new();
        match self.stage {
            Stage::Head => self.begin(db, &mut out).await?,
            Stage::Charges(after) => {
                let charges = store::list_focus_charges(db, &self.filter, &self.newest, after, CHARGES).await?;
                for charge in &charges {
                    write_charge(&mut self.pen, charge, &mut out).ok_or_else(too_large)?;
                }
                self.stage = match charges.last() {
                    Some(last) if is_full(charges.len(), CHARGES) => Stage::Charges(last.id.uuid()),
                    _ => Stage::Documents(Uuid::nil()),
                };
            }
            Stage::Documents(after) => self.documents(db, after, &mut out).await?,
            Stage::Over => return Ok(None),
        }
        Ok(Some(out))
    }

    async fn begin(&mut self, db: &mut PgConnection, out: &mut Vec<u8>) -> Result<(), StoreError> {
        self.newest = store::newest_documents(db).await?;
        self.stage = match self.set {
            Set::CostAndUsage(_) => {
                self.pen.head(out);
                Stage::Charges(Uuid::nil())
            }
            Set::InvoiceDetail => {
                push_names(out, &INVOICE_DETAIL);
                Stage::Documents(Uuid::nil())
            }
            Set::BillingPeriod => {
                push_names(out, &BILLING_PERIOD);
                for month in store::list_months(db, &self.filter, self.now).await? {
                    write_month(&month, out);
                }
                Stage::Over
            }
        };
        Ok(())
    }

    async fn documents(&mut self, db: &mut PgConnection, after: Uuid, out: &mut Vec<u8>) -> Result<(), StoreError> {
        let documents = store::list_documents(db, &self.filter, &self.newest, after, DOCUMENTS).await?;
        let ids: Vec<Uuid> = documents.iter().map(|document| document.id.uuid()).collect();
        let mut papers: HashMap<Uuid, Papers> = HashMap::new();
        for line in store::list_focus_lines(db, &ids).await? {
            papers.entry(line.document.uuid()).or_default().lines.push(line);
        }
        for vat in store::list_vat(db, &ids).await? {
            papers.entry(vat.document.uuid()).or_default().vat.push(vat);
        }
        for document in &documents {
            let Some(papers) = papers.get(&document.id.uuid()) else { continue };
            match self.set {
                Set::CostAndUsage(_) => write_rest(&mut self.pen, document, papers, out),
                _ => write_details(document, papers, out),
            }
        }
        self.stage = match ids.last() {
            Some(last) if is_full(ids.len(), DOCUMENTS) => Stage::Documents(*last),
            _ => Stage::Over,
        };
        Ok(())
    }
}

fn is_full(rows: usize, page: i64) -> bool {
    i64::try_from(rows).is_ok_and(|rows| rows >= page)
}

/// No charge is: the database keeps fewer digits than this could need.
fn too_large() -> StoreError {
    sqlx::Error::Decode("a charge has more digits than a number of 28".into()).into()
}

fn push_names(out: &mut Vec<u8>, names: &[&str]) {
    out.extend_from_slice(names.join(",").as_bytes());
    out.push(b'\n');
}

fn instant(at: DateTime<Utc>) -> String {
    let mut out = String::new();
    push_instant(&mut out, at);
    out
}

/// An amount of coins in whole units of the currency.
fn coins(minor: i64) -> Decimal {
    Decimal::new(minor, 2)
}

fn write_month(month: &store::Month, out: &mut Vec<u8>) {
    let status = if month.is_closed { "Closed" } else { "Open" };
    let fields = [
        instant(month.created_at),
        instant(month.until_at),
        instant(month.updated_at),
        instant(month.from_at),
        status.to_owned(),
        text::harmless(&month.issuer).into_owned(),
    ];
    push_record(out, &fields);
}

/// Writes fields as one line.
fn push_record(out: &mut Vec<u8>, fields: &[String]) {
    for (number, field) in fields.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        text::push_csv(out, field);
    }
    out.push(b'\n');
}

/// What a line of a document is, in FOCUS's words. A charge on a line is what the line is.
fn category(kind: &str, meter: Option<&str>) -> &'static str {
    match (kind, meter) {
        ("base_fee", _) | ("correction", None) => "Purchase",
        ("usage" | "correction", _) => "Usage",
        _ => "Credit",
    }
}

/// A meter in FOCUS's words.
#[derive(Clone, Copy, Debug)]
struct Unit {
    sku: &'static str,
    meter: &'static str,
    priced: &'static str,
    consumed: &'static str,
    /// How many of what is counted make one of what is priced.
    factor: Decimal,
}

/// Returns what a meter is called, and its units; `None` for the base price.
fn unit(meter: Option<&str>) -> Unit {
    let one = |sku, meter, unit| Unit { sku, meter, priced: unit, consumed: unit, factor: Decimal::ONE };
    match meter {
        None => one("ODOO-PLAN", "Plan", "Months"),
        Some("cpu") => one("ODOO-CPU", "CPU Time", "Core-Hours"),
        Some("memory") => one("ODOO-MEMORY", "Memory", "GB-Hours"),
        Some("database") => one("ODOO-DATABASE", "Database Storage", "GB-Hours"),
        Some("backups" | "backup") => one("ODOO-BACKUP", "Backup Storage", "GB-Hours"),
        Some("egress") => one("ODOO-EGRESS", "Egress Traffic", "GB"),
        Some("requests") => Unit {
            sku: "ODOO-REQUESTS",
            meter: "Requests",
            priced: "1000 Requests",
            consumed: "Requests",
            factor: Decimal::ONE_THOUSAND,
        },
        Some("users") => one("ODOO-USERS", "Active Users", "User-Months"),
        Some(_) => one("ODOO-USAGE", "Usage", "Units"),
    }
}
