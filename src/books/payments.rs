//! Money that came in or went back, there: a payment in the journal of its bank or card, which the accountant matches with the
//! bank's statement.

use anyhow::Context;
use chrono::{NaiveDate, TimeDelta};
use serde_json::json;
use sqlx::PgConnection;

use super::desk::{Desk, currency, external};
use super::odoo::{self, CallError, Known};
use super::{Outcome, Push, PushError, store};
use crate::base::money::Money;

const FIELDS: [&str; 10] = [
    "id",
    "payment_type",
    "partner_type",
    "partner_id/id",
    "journal_id/.id",
    "currency_id/id",
    "amount",
    "date",
    "memo",
    "payment_reference",
];
/// Until a payment is tried whose customer is not there yet.
const SOON: TimeDelta = TimeDelta::minutes(1);

/// Which way money went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

/// Money, as far as it is told there.
struct Moved<'a> {
    external: String,
    way: Way,
    method: &'a str,
    amount: Money,
    on: NaiveDate,
    reference: &'a str,
}

/// Carries money that came in.
pub async fn push(db: &mut PgConnection, desk: &mut Desk<'_>, row: &Push) -> Result<Outcome, PushError> {
    let id = row.payment.context("a payment's row names it")?;
    let kept = store::payment(db, id).await.context("read a payment")?.context("a payment to be carried is there")?;
    let moved = Moved {
        external: external("payment", id.uuid()),
        way: Way::In,
        method: &kept.method,
        amount: kept.amount,
        on: kept.on,
        reference: &kept.reference,
    };
    carry(db, desk, row, &moved).await
}

/// Carries money that went back.
pub async fn push_back(db: &mut PgConnection, desk: &mut Desk<'_>, row: &Push) -> Result<Outcome, PushError> {
    let id = row.payback.context("a payback's row names it")?;
    let kept = store::payback(db, id).await.context("read a payback")?.context("a payback to be carried is there")?;
    let moved = Moved {
        external: external("payback", id.uuid()),
        way: Way::Out,
        method: &kept.method,
        amount: kept.amount,
        on: kept.on,
        reference: &kept.reference,
    };
    carry(db, desk, row, &moved).await
}

async fn carry(
    db: &mut PgConnection,
    desk: &mut Desk<'_>,
    row: &Push,
    moved: &Moved<'_>,
) -> Result<Outcome, PushError> {
    if !store::is_customer_there(db, row.seller, row.account).await.context("look for a customer")? {
        return Ok(Outcome::Waits { why: "its customer is not there yet".to_owned(), odoo: None, pause: SOON });
    }
    let config = desk.config;
    let code = match moved.method {
        "transfer" => &config.bank_journal,
        "card" => config.card_journal.as_ref().unwrap_or(&config.bank_journal),
        // No money moved at a bank: which accounts these touch is for the accountant to say.
        other => {
            let why = format!("{other}, {}: the accountant enters it in Odoo by hand", moved.amount.exact());
            return Ok(Outcome::parked(why, None));
        }
    };
    let journal = match desk.journal(code).await? {
        Ok(journal) => journal,
        Err(why) => return Ok(Outcome::parked(why, None)),
    };
    let values = vec![
        moved.external.clone(),
        if moved.way == Way::In { "inbound" } else { "outbound" }.to_owned(),
        "customer".to_owned(),
        external("account", row.account.uuid()),
        journal.to_string(),
        currency(moved.amount.currency.code()),
        moved.amount.exact().to_string(),
        moved.on.to_string(),
        moved.reference.to_owned(),
        moved.reference.to_owned(),
    ];
    let record = desk.odoo.load("account.payment", (&FIELDS, &[values]), Known::Kept).await?;
    let there = read(desk, record).await?;
    if odoo::coins(&there["amount"]) != Some(moved.amount.minor) {
        let why = format!("it is {} in Odoo, and {} here", there["amount"], moved.amount.exact());
        return Ok(Outcome::parked(why, Some(record)));
    }
    match there["state"].as_str() {
        Some("draft") if desk.config.post => {
            desk.odoo.act("account.payment", "action_post", &[record]).await?;
        }
        Some(state @ ("canceled" | "rejected")) => {
            return Ok(Outcome::parked(format!("it is {state} in Odoo"), Some(record)));
        }
        _ => {}
    }
    Ok(Outcome::there(record))
}

async fn read(desk: &Desk<'_>, record: i64) -> Result<serde_json::Value, CallError> {
    let found = desk.odoo.search("account.payment", &json!([["id", "=", record]]), &["state", "amount"]).await?;
    found.into_iter().next().ok_or_else(|| CallError::Refused(format!("the payment {record} is not to be read")))
}
