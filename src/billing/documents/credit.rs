//! What may still be given back of an invoice, and the draft of the credit note that gives it back.

use std::collections::BTreeMap;

use anyhow::Context;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::draft::write;
use super::store::{self, NewDocument};
use super::{Kind, NewLine, Whose};
use crate::base::ids::DocumentId;
use crate::base::money::Money;

/// What may be given back of an invoice.
#[derive(Clone, Debug)]
pub struct Creditable {
    /// Whose it is.
    pub whose: Whose,
    /// Its lines.
    pub lines: Vec<LineLeft>,
    rows: Vec<store::Row>,
    /// Of each category and rate of VAT, what all credit notes together may still take.
    of_rates: BTreeMap<(String, Decimal), i64>,
}

/// A line of an invoice, and what is left of it.
#[derive(Clone, Debug)]
pub struct LineLeft {
    /// Which one.
    pub line_no: i32,
    /// What it says, without VAT.
    pub net: Money,
    /// What of it no credit note has taken, drafts with them.
    pub left: Money,
}

/// Why no credit note is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CreditRefusal {
    /// Only final invoices are given back.
    #[error("it is no final invoice")]
    NoInvoice,
    /// The invoice has no such line.
    #[error("the invoice has no line {0}")]
    NoLine(i32),
    /// Nothing was asked for, or nothing is left.
    #[error("nothing is given back")]
    Nothing,
    /// More than is left.
    #[error("more than is left of line {0} ({left})", left = .1.exact())]
    TooMuch(i32, Money),
    /// More than is left at the line's rate of VAT: a correction has taken a part already.
    #[error("corrections have taken a part of it already: {left} is left", left = .0.exact())]
    TooMuchOfRate(Money),
}

/// Why no credit note was made.
#[derive(Debug, thiserror::Error)]
pub enum CreditError {
    /// It cannot be.
    #[error(transparent)]
    Refused(#[from] CreditRefusal),
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

impl Creditable {
    /// Returns everything that is left, line by line.
    #[must_use]
    pub fn everything(&self) -> Vec<(i32, Money)> {
        let mut of_rates = self.of_rates.clone();
        let mut all = Vec::new();
        // What was taken off goes first: it makes room.
        let (off, on): (Vec<_>, Vec<_>) = self.lines.iter().zip(&self.rows).partition(|(line, _)| line.left.minor < 0);
        for (line, row) in off.into_iter().chain(on) {
            let Some(room) = of_rates.get_mut(&(row.vat_category.clone(), row.vat_rate)) else { continue };
            let left = line.left.minor;
            let part = if left < 0 { left } else { left.min((*room).max(0)) };
            *room -= part;
            if part != 0 {
                all.push((line.line_no, Money::new(part, self.whose.currency)));
            }
        }
        all.sort_unstable_by_key(|(line_no, _)| *line_no);
        all
    }

    /// Returns why these parts of lines cannot be given back, if they cannot.
    pub fn check(&self, of: &[(i32, Money)]) -> Result<(), CreditRefusal> {
        let mut of_rates = self.of_rates.clone();
        for (line_no, net) in of {
            let found = self.lines.iter().zip(&self.rows).find(|(line, _)| line.line_no == *line_no);
            let (line, row) = found.ok_or(CreditRefusal::NoLine(*line_no))?;
            let left = line.left.minor;
            let is_part = net.currency == self.whose.currency
                && net.minor != 0
                && net.minor.signum() == left.signum()
                && net.minor.abs() <= left.abs()
                && of.iter().filter(|(other, _)| other == line_no).count() == 1;
            if !is_part {
                return Err(CreditRefusal::TooMuch(*line_no, line.left));
            }
            *of_rates.entry((row.vat_category.clone(), row.vat_rate)).or_default() -= net.minor;
        }
        if let Some((rate, _)) = of_rates.iter().find(|(_, left)| **left < 0) {
            let left = self.of_rates.get(rate).copied().unwrap_or_default();
            return Err(CreditRefusal::TooMuchOfRate(Money::new(left, self.whose.currency)));
        }
        let sum: i64 = of.iter().map(|(_, net)| net.minor).sum();
        if sum > 0 { Ok(()) } else { Err(CreditRefusal::Nothing) }
    }
}

/// Returns what may be given back of an invoice; `None` when it is no final invoice.
pub async fn creditable(db: &mut PgConnection, invoice: DocumentId) -> anyhow::Result<Option<Creditable>> {
    let Some((whose, rows)) = store::lines_of(db, invoice).await.context("read the invoice")? else { return Ok(None) };
    let taken = store::given_back(db, invoice).await.context("read what was given back")?;
    let mut of_rates: BTreeMap<(String, Decimal), i64> = BTreeMap::new();
    for row in &rows {
        *of_rates.entry((row.vat_category.clone(), row.vat_rate)).or_default() += row.net_minor;
    }
    let mut of_lines: BTreeMap<i32, i64> = BTreeMap::new();
    for part in taken {
        *of_rates.entry((part.vat_category, part.vat_rate)).or_default() -= part.net_minor;
        if let Some(line_no) = part.line_no {
            *of_lines.entry(line_no).or_default() += part.net_minor;
        }
    }
    let left_of = |row: &store::Row| row.net_minor - of_lines.get(&row.line_no).copied().unwrap_or_default();
    // What was taken off makes room when it is given back too.
    let mut rooms = of_rates.clone();
    for row in rows.iter().filter(|row| left_of(row) < 0) {
        *rooms.entry((row.vat_category.clone(), row.vat_rate)).or_default() -= left_of(row);
    }
    let lines = rows
        .iter()
        .map(|row| {
            let left = left_of(row);
            let room = rooms.get(&(row.vat_category.clone(), row.vat_rate)).copied().unwrap_or_default();
            LineLeft {
                line_no: row.line_no,
                net: Money::new(row.net_minor, whose.currency),
                left: Money::new(if left > 0 { left.min(room.max(0)) } else { left }, whose.currency),
            }
        })
        .collect();
    Ok(Some(Creditable { whose, lines, rows, of_rates }))
}

/// Writes the draft of a credit note that gives a part of each of some lines of an invoice back: `of` says of which lines how
/// much (net, with the line's sign). What all notes together may take is looked at while the invoice is held; the database
/// looks again when the note becomes final.
pub async fn credit(
    db: &mut PgConnection,
    invoice: DocumentId,
    of: &[(i32, Money)],
    reason: &str,
    now: DateTime<Utc>,
) -> Result<DocumentId, CreditError> {
    store::lock(db, invoice).await.context("hold the invoice")?;
    let billed = creditable(db, invoice).await?.ok_or(CreditRefusal::NoInvoice)?;
    billed.check(of)?;
    let mut lines = Vec::new();
    for (line_no, net) in of {
        let row = billed.rows.iter().find(|row| row.line_no == *line_no).ok_or(CreditRefusal::NoLine(*line_no))?;
        lines.push(NewLine {
            kind: "correction",
            environment: row.environment,
            meter: None,
            title: row.title.clone(),
            detail: row.detail.clone(),
            span: row.from_at.zip(row.until_at),
            quantity: Decimal::from(net.minor.signum()),
            unit: "one",
            unit_price: net.exact().abs(),
            net: *net,
            charge: None,
            discount: None,
            vat: (row.vat_category.clone(), row.vat_rate),
        });
    }
    let id = DocumentId::new(now);
    let new =
        NewDocument { id, whose: billed.whose, kind: Kind::CreditNote, period: None, corrects: Some(invoice), reason };
    write(db, &new, &lines, now).await?;
    let which: Vec<i32> = of.iter().map(|(line_no, _)| *line_no).collect();
    store::say_which_lines(db, id, &which).await.context("say which lines are given back")?;
    Ok(id)
}
