//! Credit notes of corrections: what earlier months were billed too much is given back on the invoices that billed it.

use std::collections::BTreeMap;

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;

use super::{Period, store};
use crate::base::ids::PeriodId;
use crate::base::money::Money;
use crate::billing::documents::{self, NewLine};

/// Writes the drafts of credit notes, each on an invoice that billed something of the month that it speaks of and of which so
/// much is left. A month may have been billed on several: its own, and those that corrected it upwards.
///
/// What none of them has room for (they were credited already, for another reason) waits on a note of its own for a person, who
/// alone can say whether it was given back by that; so does a note on an invoice of which our people gave something back.
/// Everything else goes on.
pub async fn draft(
    db: &mut PgConnection,
    period: &Period,
    given_back: BTreeMap<PeriodId, Vec<NewLine>>,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    for (of, lines) in given_back {
        let mut billed = store::list_billed(db, period, of).await.context("find the invoices")?;
        if billed.iter().any(|invoice| invoice.of_month) {
            billed.retain(|invoice| invoice.of_month);
        }
        let mut notes: BTreeMap<usize, Vec<NewLine>> = BTreeMap::new();
        let mut stuck = Vec::new();
        for mut part in parts(lines) {
            let net: i64 = part.iter().map(|line| line.net.minor).sum();
            match billed.iter_mut().enumerate().find(|(_, invoice)| invoice.left.minor >= net) {
                Some((place, invoice)) => {
                    invoice.left.minor -= net;
                    for line in &mut part {
                        line.vat.clone_from(&invoice.vat);
                    }
                    notes.entry(place).or_default().extend(part);
                }
                None => stuck.extend(part),
            }
        }
        for (place, lines) in notes {
            let invoice = &billed[place];
            let id = documents::draft_note_of_corrections(db, period.whose, invoice.document, &lines, now).await?;
            if invoice.was_credited {
                // Perhaps for the same reason: then it would be given back twice.
                let told = format!("one of our people has given a part of {} back already", invoice.number);
                let why = json!({ "reason": "credited", "problems": [told] });
                store::hold(db, id, &why, now).await.context("hold a draft")?;
            }
        }
        let Some(line) = stuck.first() else { continue };
        let first = billed.first().context("what is given back was billed")?;
        let sum = Money::new(stuck.iter().map(|line| line.net.minor).sum(), line.net.currency);
        for line in &mut stuck {
            line.vat.clone_from(&first.vat);
        }
        let id = documents::draft_note_of_corrections(db, period.whose, first.document, &stuck, now).await?;
        let told = format!(
            "{} {} are to be given back, and {} of {} are left that were not credited",
            sum.exact(),
            sum.currency,
            first.left.exact(),
            first.number
        );
        store::hold(db, id, &json!({ "reason": "credited", "problems": [told] }), now).await.context("hold a draft")?;
    }
    Ok(())
}

/// What has to stand on one note: each line for itself, but for a discount that was too much, which lessens the others.
fn parts(lines: Vec<NewLine>) -> Vec<Vec<NewLine>> {
    if lines.iter().any(|line| line.net.minor < 0) {
        return vec![lines];
    }
    lines.into_iter().map(|line| vec![line]).collect()
}
