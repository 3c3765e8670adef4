//! What Stripe tells us: kept first, then what it is about is read anew, so that neither order nor number matters.

use anyhow::Context;
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use super::signature::Secrets;
use super::store::events as store;
use super::stripe::{CallError, Event};
use super::{Cards, attempts, goes_back, methods, payouts, sessions};
use crate::base::chain;
use crate::queue;

/// Takes what was posted to our address. False when nobody whom we know signed it: then nothing is kept.
pub async fn receive(
    pool: &PgPool,
    secrets: &Secrets,
    signature: &str,
    body: &[u8],
    now: DateTime<Utc>,
) -> anyhow::Result<bool> {
    if !secrets.is_signed(signature, body, now) {
        return Ok(false);
    }
    let Ok(payload) = serde_json::from_slice::<serde_json::Value>(body) else { return Ok(false) };
    if serde_json::from_value::<Event>(payload.clone()).is_err() {
        return Ok(false);
    }
    let mut db = pool.acquire().await.context("acquire a connection")?;
    // The worker knows which mode is ours.
    store::insert_event(&mut db, &read(&payload)?, &payload, "", now).await.context("keep an event")?;
    Ok(true)
}

fn read(payload: &serde_json::Value) -> anyhow::Result<Event> {
    serde_json::from_value(payload.clone()).context("read an event of Stripe")
}

/// Keeps an event. False when it is there already, or is nothing that can be read.
pub async fn keep(
    db: &mut PgConnection,
    payload: &serde_json::Value,
    livemode: bool,
    now: DateTime<Utc>,
) -> anyhow::Result<bool> {
    let event = match read(payload) {
        Ok(event) => event,
        // It holds up no other one. It stays at Stripe, and is read by a program that can.
        Err(error) => {
            let (id, error) = (payload["id"].as_str(), chain::of_any(&error));
            tracing::error!(event = id, error, "an event of Stripe cannot be read");
            return Ok(false);
        }
    };
    let note = why_not(&event, livemode).unwrap_or_default();
    store::insert_event(db, &event, payload, note, now).await.context("keep an event")
}

/// Why an event is none of ours.
fn why_not(event: &Event, livemode: bool) -> Option<&'static str> {
    if event.account.is_some() {
        Some("ignored: another account")
    } else if event.livemode != livemode {
        Some("ignored: another mode")
    } else {
        None
    }
}

/// Processes the event that has been due the longest. False when none is due.
pub async fn process_next(cards: &Cards, now: DateTime<Utc>) -> anyhow::Result<bool> {
    let mut db = cards.portal.db.acquire().await.context("acquire a connection")?;
    // Until then no other worker takes it: if we are killed, one does.
    let Some(taken) = store::take_event(&mut db, now, now + queue::LEASE).await.context("take an event")? else {
        return Ok(false);
    };
    let done = match read(&taken.payload) {
        Ok(event) => process(cards, &mut db, &event, now).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(note) => store::set_processed(&mut db, &taken.id, note, now).await.context("note that an event is done")?,
        Err(error) => {
            let error = chain::of_any(&error);
            tracing::warn!(event = taken.id, error, "an event of Stripe did not work");
            let again = now + queue::pause(taken.tries);
            store::put_event_back(&mut db, &taken.id, &error, again).await.context("put an event back")?;
        }
    }
    Ok(true)
}

async fn process(
    cards: &Cards,
    db: &mut PgConnection,
    event: &Event,
    now: DateTime<Utc>,
) -> anyhow::Result<&'static str> {
    if let Some(why) = why_not(event, cards.livemode) {
        return Ok(why);
    }
    let object = &event.data.object;
    let (intent, dispute) = match object.object.as_str() {
        "checkout.session" => {
            let is_ours = match cards.stripe.session(&object.id).await {
                Err(CallError::Refused(refusal)) if refusal.code == "resource_missing" => false,
                session => sessions::apply(cards, db, &session?, now).await?,
            };
            return Ok(if is_ours { "done" } else { "unmatched" });
        }
        "payout" => {
            let is_ours = payouts::apply(cards, db, &object.id, now).await?;
            return Ok(if is_ours { "done" } else { "unmatched" });
        }
        "payment_method" => {
            let is_ours = methods::refresh(cards, db, &object.id, now).await?;
            return Ok(if is_ours { "done" } else { "ignored: not a card of ours" });
        }
        "payment_intent" => (Some(object.id.clone()), None),
        "charge" | "refund" => (object.payment_intent.clone(), None),
        "dispute" => (object.payment_intent.clone(), Some(&object.id)),
        _ => return Ok("ignored: not about money"),
    };
    let Some(intent) = intent else { return Ok("unmatched") };
    let intent = match cards.stripe.intent(&intent).await {
        // Whoever signs knows our secret, and yet it is not at Stripe.
        Err(CallError::Refused(refusal)) if refusal.code == "resource_missing" => return Ok("unmatched"),
        other => other?,
    };
    if !attempts::apply(cards, db, &intent, now).await? {
        return Ok("unmatched");
    }
    goes_back::refunds(cards, db, &intent.id, now).await?;
    if let Some(dispute) = dispute {
        let dispute = cards.stripe.dispute(dispute).await?;
        goes_back::dispute(cards, db, &intent, &dispute, now).await?;
    }
    Ok("done")
}
