//! What pays what, there: the sides of an invoice and of a payment (or credit note) on the customer's account are matched by as
//! much as is allocated here; a payback likewise with the payment that it gives back.
//!
//! Odoo matches as much as is open on both sides. Where that is not what is allocated here, a person decides.

use anyhow::Context;
use chrono::TimeDelta;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::desk::Desk;
use super::odoo::{self, CallError};
use super::{Outcome, Push, PushError, store};

/// Until it is tried again when one of the two is not carried yet.
const SOON: TimeDelta = TimeDelta::minutes(1);
/// How often it is tried when something else is open than is to be matched.
const MOST_TRIES: i32 = 5;
/// Until it is asked again whether the accountant has posted both.
const ASK_AGAIN: TimeDelta = TimeDelta::hours(1);

/// A side of a match: a line on the customer's account.
struct Side {
    lines: Vec<i64>,
    /// What is open on it, without a sign.
    open: i64,
}

/// Matches two things by as much as is allocated here.
pub async fn push(db: &mut PgConnection, desk: &mut Desk<'_>, row: &Push) -> Result<Outcome, PushError> {
    let wanted = row.wanted_minor.context("a match says how much")?;
    let Some((debit, credit)) = store::ends(db, row).await.context("find what is matched")? else {
        let why = "one of the two is not there yet".to_owned();
        return Ok(Outcome::Waits { why, odoo: None, pause: SOON });
    };
    let (owed, paid) = (side(desk, debit).await?, side(desk, credit).await?);
    let mut matched = partials(desk, &owed, &paid).await?;
    if sum(&matched) == wanted {
        return Ok(Outcome::There { odoo: None, carried: String::new() });
    }
    if owed.lines.is_empty() || paid.lines.is_empty() {
        let why = "one of the two is a draft in Odoo".to_owned();
        return Ok(Outcome::Waits { why, odoo: None, pause: ASK_AGAIN });
    }
    if sum(&matched) > wanted {
        for partial in &matched {
            let id = odoo::id(&partial["id"]).unwrap_or_default();
            desk.odoo.act("account.partial.reconcile", "unlink", &[id]).await?;
        }
        matched.clear();
    }
    let missing = wanted - sum(&matched);
    if missing > 0 {
        let (owed, paid) = (side(desk, debit).await?, side(desk, credit).await?);
        if owed.open.min(paid.open) != missing {
            let why = format!(
                "{} is to be matched; open in Odoo are {} and {}",
                in_units(missing),
                in_units(owed.open),
                in_units(paid.open)
            );
            // What is taken back of one may free another: they find their order in a few tries.
            let is_last = row.tries >= MOST_TRIES;
            return Ok(if is_last { Outcome::parked(why, None) } else { Outcome::Again { why, pause: SOON } });
        }
        let lines: Vec<i64> = owed.lines.iter().chain(&paid.lines).copied().collect();
        desk.odoo.act("account.move.line", "reconcile", &lines).await?;
    }
    let now = sum(&partials(desk, &owed, &paid).await?);
    if now != wanted {
        return Ok(Outcome::parked(
            format!("{} is matched in Odoo, and {} here", in_units(now), in_units(wanted)),
            None,
        ));
    }
    Ok(Outcome::There { odoo: None, carried: String::new() })
}

/// An amount as it is written.
fn in_units(minor: i64) -> Decimal {
    Decimal::new(minor, 2)
}

/// What stands on the customer's account for a posted record: documents are entries, payments have one.
async fn side(desk: &Desk<'_>, (field, record): (&str, i64)) -> Result<Side, CallError> {
    let domain = json!([
        [field, "=", record],
        ["account_id.account_type", "=", "asset_receivable"],
        ["parent_state", "=", "posted"],
    ]);
    let found = desk.odoo.search("account.move.line", &domain, &["amount_residual_currency"]).await?;
    Ok(Side {
        lines: found.iter().filter_map(|line| odoo::id(&line["id"])).collect(),
        open: found.iter().filter_map(|line| odoo::coins(&line["amount_residual_currency"])).sum::<i64>().abs(),
    })
}

async fn partials(desk: &Desk<'_>, owed: &Side, paid: &Side) -> Result<Vec<Value>, CallError> {
    let domain = json!([["debit_move_id", "in", owed.lines], ["credit_move_id", "in", paid.lines]]);
    desk.odoo.search("account.partial.reconcile", &domain, &["debit_amount_currency"]).await
}

fn sum(partials: &[Value]) -> i64 {
    partials.iter().filter_map(|partial| odoo::coins(&partial["debit_amount_currency"])).sum()
}
