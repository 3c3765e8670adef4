//! How an invented customer pays: money that comes in by the books' own way, on the day on which such a customer pays.

use anyhow::Context;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use serde_json::json;
use sqlx::{PgConnection, PgPool};

use super::store::inside;
use crate::accounts::letters::SendLetter;
use crate::accounts::people;
use crate::audit::{self, Actor, Entry};
use crate::base::ids::AccountId;
use crate::billing::payments::{self, Method, OpenInvoice, Received};
use crate::sandboxes::rule::{self, Pays};

/// Pays what such a customer has paid by now. Each invoice once, however often it is asked.
pub async fn pay(db: &PgPool, account: AccountId, pays: Pays, (now, zone): (DateTime<Utc>, Tz)) -> anyhow::Result<()> {
    let today = now.with_timezone(&zone).date_naive();
    let method = if pays == Pays::Card { Method::Card } else { Method::Transfer };
    let mut tx = db.begin().await.context("begin")?;
    let open = payments::open_invoices(&mut tx, account).await?;
    for invoice in &open {
        if pays.pays_on(invoice.issued_on, invoice.due_on).is_some_and(|on| on <= today) {
            let received = Received {
                account,
                method,
                amount: invoice.open,
                received_on: today,
                external_ref: &format!("sandbox {}", invoice.number),
            };
            payments::receive(&mut tx, &received, now).await?;
            payments::settle(&mut tx, account, now).await?;
        }
    }
    if pays == Pays::Declined {
        refuse(&mut tx, account, &open, (now, today)).await?;
    }
    tx.commit().await.context("commit")?;
    Ok(())
}

/// Tells of each try of a card that pays nothing, once, in the transaction that notes that it was told.
async fn refuse(
    db: &mut PgConnection,
    account: AccountId,
    open: &[OpenInvoice],
    (now, today): (DateTime<Utc>, NaiveDate),
) -> anyhow::Result<()> {
    for (document, number, issued_on, told) in inside::refusals(db, account).await.context("read refusals")? {
        let Some(invoice) = open.iter().find(|invoice| invoice.id == document) else { continue };
        for (_, next) in rule::card_tries(issued_on)
            .into_iter()
            .skip(usize::try_from(told).unwrap_or(usize::MAX))
            .take_while(|(on, _)| *on <= today)
        {
            let letter = |user| SendLetter::CardRefused {
                user,
                document,
                number: number.clone(),
                open_minor: invoice.open.minor,
                currency: invoice.open.currency,
                is_asked_for: false,
                next: next.map(|on| on.and_time(NaiveTime::MIN).and_utc()),
            };
            people::write_to_payers(db, account, letter, now).await?;
            let detail = json!({ "document": document, "number": number });
            let entry = Entry::new("sandbox.card-refused").account(account).detail(detail);
            audit::record(db, &Actor::system(), entry, now).await?;
        }
    }
    Ok(())
}
