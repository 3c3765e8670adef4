//! What customers look up beside documents and charges: names, their trial, what paid an invoice, and the hours behind a line.

mod store;

use std::collections::BTreeMap;

use anyhow::Context;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::payments::Method;
use super::rating::{Charge, Span};
use crate::base::ids::{AccountId, DocumentId, EnvironmentId, PlanVersionId};
use crate::base::money::{Currency, Money};
use crate::plans::{Meter, Translated};

/// What the things of an account are called.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Environments: the name, and whether it is still there.
    pub environments: BTreeMap<EnvironmentId, (String, bool)>,
    /// Plans, by version.
    pub plans: BTreeMap<PlanVersionId, Translated>,
}

/// Where money for an invoice came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A payment, and what the bank calls it.
    Payment(Method, String),
    /// A credit note: its number and which one.
    CreditNote(String, DocumentId),
}

/// A part of an invoice that was paid; below zero: that was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paid {
    /// From where.
    pub source: Source,
    /// When the money came; of a credit note, when it was used.
    pub on: NaiveDate,
    /// How much.
    pub amount: Money,
}

/// What was charged on a line for usage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Of which environment.
    pub environment: EnvironmentId,
    /// Its name now.
    pub name: String,
    /// Of what.
    pub meter: Meter,
    /// Which of the plan's prices, from 1.
    pub tier: i32,
    /// From when until when.
    pub span: Span,
    /// All that was used in it, in raw units.
    pub used_raw: Decimal,
    /// What remained of earlier months, in raw units.
    pub carry_in_raw: Decimal,
    /// What remains for the next month, in raw units.
    pub carry_out_raw: Decimal,
    /// What was charged, in the meter's unit.
    pub quantity: Decimal,
    /// What the same charge left to what is included, in the meter's unit.
    pub included: Decimal,
}

/// One hour of a meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hour {
    /// When it began.
    pub at: DateTime<Utc>,
    /// How much, in raw units.
    pub raw: Decimal,
    /// How much of it was seen.
    pub covered_seconds: i32,
    /// `measured`, `interpolated`, `lower_bound`.
    pub quality: String,
}

/// Returns what the things are called that charges are about.
pub async fn names(
    db: &mut PgConnection,
    account: AccountId,
    charges: impl Iterator<Item = &Charge>,
) -> anyhow::Result<Names> {
    let (mut environments, mut plans): (Vec<_>, Vec<_>) =
        charges.map(|charge| (charge.item.environment, charge.item.plan_version)).unzip();
    environments.sort_unstable();
    environments.dedup();
    plans.sort_unstable();
    plans.dedup();
    Ok(Names {
        environments: store::environments(db, account, &environments).await.context("read names of instances")?,
        plans: crate::plans::names(db, &plans).await?,
    })
}

/// Returns what paid an invoice, in order.
pub async fn paid(
    db: &mut PgConnection,
    account: AccountId,
    document: DocumentId,
    currency: Currency,
) -> anyhow::Result<Vec<Paid>> {
    store::paid(db, account, document, currency).await.context("read what paid an invoice")
}

/// Returns the kinds of papers that are there of a document: `pdf`, `cii`, `ubl`.
pub async fn kinds_of_files(
    db: &mut PgConnection,
    account: AccountId,
    document: DocumentId,
) -> anyhow::Result<Vec<String>> {
    store::kinds_of_files(db, account, document).await.context("list papers")
}

/// Returns what was charged on a line of a final document; `None` when it is not about usage.
pub async fn usage_of_line(
    db: &mut PgConnection,
    account: AccountId,
    document: DocumentId,
    line_no: i32,
) -> anyhow::Result<Option<Usage>> {
    store::usage_of_line(db, account, document, line_no).await.context("read the charge of a line")
}

/// Returns the hours of a charge, in order. The first and the last may be shared with what came before and after.
pub async fn hours(db: &mut PgConnection, usage: &Usage) -> anyhow::Result<Vec<Hour>> {
    store::hours(db, usage).await.context("read hours")
}
