//! Attempts to have an invoice paid by card: one at a time for an invoice, for what is open on it at that moment. A saved card is
//! charged here; for a page on which a customer pays see `sessions`.
//!
//! An attempt is committed before Stripe is asked. What became of it is asked with the same key, which never charges twice; when
//! Stripe may have forgotten the key, by looking for the attempt's id.

use anyhow::{Context, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Connection, PgConnection};

use super::stripe::{CallError, Fields, Intent, Refusal};
use super::{Cards, LEASE, store, top_ups};
use crate::accounts::letters::SendLetter;
use crate::accounts::people;
use crate::base::chain;
use crate::base::ids::{AccountId, AttemptId, CardWishId, DocumentId, PaymentMethodId};
use crate::base::money::{Currency, Money};
use crate::billing::payments::{self, Method, Received};

/// Days until the next attempt, after each one that was refused. Then dunning has the word.
const PAUSES: [i64; 3] = [3, 5, 7];
/// Stripe keeps keys for a day; a repetition after this is another charge.
const KEY_LIVES: TimeDelta = TimeDelta::hours(20);
/// Until Stripe is asked again about what is not decided.
const ASK_AGAIN: TimeDelta = TimeDelta::minutes(10);
/// Until a payment that ended at Stripe without a bank's word is made anew.
const ANEW: TimeDelta = TimeDelta::days(1);
/// Stripe's search knows of a payment a while later than its maker.
const SEARCH_SETTLES: TimeDelta = TimeDelta::hours(4);

/// An attempt, as it stands in the database.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Which one.
    pub id: AttemptId,
    /// Which invoice.
    pub document: DocumentId,
    /// Whose.
    pub account: AccountId,
    /// The how many-th of the invoice.
    pub no: i32,
    /// What it asks for.
    pub amount: Money,
    /// The key that keeps it from happening twice.
    pub key: String,
    /// What is asked, word for word.
    pub request: Fields,
    /// How far it is.
    pub state: String,
    /// The payment at Stripe.
    pub provider_id: Option<String>,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// The saved card that is charged.
    pub method: Option<PaymentMethodId>,
    /// Or for whom a page is at Stripe.
    pub wish: Option<CardWishId>,
}

/// An invoice that a saved card can pay.
#[derive(Clone, Debug)]
pub struct Due {
    /// Which one.
    pub document: DocumentId,
    /// Its number.
    pub number: String,
    /// Whose.
    pub account: AccountId,
    /// What is open.
    pub open: Money,
    /// The how many-th attempt it would be.
    pub no: i32,
    /// Who the customer is at Stripe.
    pub customer: String,
    /// The card.
    pub method_id: PaymentMethodId,
    /// The card at Stripe.
    pub method: String,
}

/// Begins the attempt that has been due the longest, and asks Stripe. False when none is due.
pub async fn begin_next(cards: &Cards, now: DateTime<Utc>) -> anyhow::Result<bool> {
    let mut db = cards.portal.db.acquire().await.context("acquire a connection")?;
    let mut tx = db.begin().await.context("begin")?;
    let Some(due) = store::lock_due(&mut tx, cards.currency, now).await.context("find an invoice to be paid")? else {
        return Ok(false);
    };
    // Credit pays before the card does. What it leaves is looked at anew: another invoice may be older.
    payments::settle(&mut tx, due.account, now).await?;
    let (_, open) = store::number_and_open(&mut tx, due.document).await.context("read the invoice")?;
    if open != due.open {
        tx.commit().await.context("commit what credit paid")?;
        return Ok(true);
    }
    let id = AttemptId::new(now);
    let attempt = Attempt {
        id,
        document: due.document,
        account: due.account,
        no: due.no,
        amount: due.open,
        key: format!("invoice-{}-{}", due.document, due.no),
        request: request(id, &due),
        state: "created".to_owned(),
        provider_id: None,
        created_at: now,
        method: Some(due.method_id),
        wish: None,
    };
    store::insert_attempt(&mut tx, &attempt, Some(now + LEASE)).await.context("insert an attempt")?;
    tx.commit().await.context("commit an attempt")?;
    ask(cards, &mut db, &attempt, now).await?;
    Ok(true)
}

fn request(id: AttemptId, due: &Due) -> Fields {
    let currency = due.open.currency.code().to_ascii_lowercase();
    [
        ("amount", due.open.minor.to_string()),
        ("currency", currency),
        ("customer", due.customer.clone()),
        ("payment_method", due.method.clone()),
        // Nothing that would lead the customer to another page: nobody is there.
        ("payment_method_types[0]", "card".to_owned()),
        ("off_session", "true".to_owned()),
        ("confirm", "true".to_owned()),
        ("description", due.number.clone()),
        ("metadata[attempt]", id.to_string()),
        ("metadata[document]", due.document.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

/// Asks Stripe about the attempt whose outcome has been unknown the longest. False when there is none to be asked about now.
pub async fn ask_next(cards: &Cards, now: DateTime<Utc>) -> anyhow::Result<bool> {
    let mut db = cards.portal.db.acquire().await.context("acquire a connection")?;
    let Some(attempt) = store::take_open(&mut db, now, now + LEASE).await.context("take an attempt")? else {
        return Ok(false);
    };
    ask(cards, &mut db, &attempt, now).await?;
    Ok(true)
}

async fn ask(cards: &Cards, db: &mut PgConnection, attempt: &Attempt, now: DateTime<Utc>) -> anyhow::Result<()> {
    let asked = match &attempt.provider_id {
        Some(intent) => cards.stripe.intent(intent).await.map_err(unknown),
        None if now - attempt.created_at < KEY_LIVES => {
            cards.stripe.create_intent(&attempt.request, &attempt.key).await
        }
        None => match cards.stripe.find_intents(&attempt.id.to_string()).await {
            Ok(found) => match found.into_iter().next() {
                Some(intent) => Ok(intent),
                None if now - attempt.created_at < KEY_LIVES + SEARCH_SETTLES => {
                    Err(CallError::Unknown(anyhow::anyhow!("Stripe's search does not know of it yet")))
                }
                None => return give_up(db, attempt, now).await,
            },
            Err(error) => Err(unknown(error)),
        },
    };
    match asked {
        Ok(intent) => {
            if let Err(error) = apply(cards, db, &intent, now).await {
                // Others are not held up by one that is not as it was asked for.
                let error = chain::of_any(&error);
                tracing::error!(attempt = %attempt.id, error, "what a payment is cannot be booked");
                store::set_unknown(db, attempt.id, now + ASK_AGAIN).await.context("put an attempt back")?;
            }
        }
        Err(CallError::Refused(refusal)) if !refusal.is_of_card() => {
            // No bank has said anything: the customer is not told that it did, and none of the tries is used up.
            let (code, said) = (&refusal.code, &refusal.message);
            tracing::error!(attempt = %attempt.id, code, said, "Stripe does not take what it is asked; somebody has to look");
            store::set_puzzling(db, attempt.id, (code, said), now + ASK_AGAIN)
                .await
                .context("note what Stripe says")?;
        }
        Err(CallError::Refused(refusal)) => {
            // A refusal names the payment that it left behind: it is the attempt's.
            let mut tx = db.begin().await.context("begin")?;
            let intent = refusal.payment_intent.as_ref().map(|intent| intent.id.as_str());
            fail(&mut tx, attempt, intent, &refusal, now).await?;
            tx.commit().await.context("commit a refusal")?;
        }
        Err(CallError::Unknown(error)) => {
            tracing::warn!(attempt = %attempt.id, error = chain::of_any(&error), "what became of an attempt is not known");
            store::set_unknown(db, attempt.id, now + ASK_AGAIN).await.context("note that nothing is known")?;
        }
    }
    Ok(())
}

/// That a payment cannot be read says nothing about it.
fn unknown(error: CallError) -> CallError {
    CallError::Unknown(error.into())
}

/// Stripe was never asked, as far as it knows: no bank said no. The next attempt is made at once, and nobody is written to.
async fn give_up(db: &mut PgConnection, attempt: &Attempt, now: DateTime<Utc>) -> anyhow::Result<()> {
    tracing::error!(attempt = %attempt.id, "Stripe knows nothing of an attempt, which is made anew");
    let said = Said { code: "never_arrived", message: "", is_of_card: false };
    store::set_failed(db, attempt.id, None, said, (Some(now), now)).await.context("give an attempt up")?;
    Ok(())
}

/// Why an attempt failed.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// For programs.
    pub code: &'a str,
    /// For people, in Stripe's words.
    pub message: &'a str,
    /// Whether it is what the card's bank said: such refusals are counted.
    pub is_of_card: bool,
}

async fn fail(
    db: &mut PgConnection,
    attempt: &Attempt,
    intent: Option<&str>,
    refusal: &Refusal,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let code = if refusal.decline_code.is_empty() { &refusal.code } else { &refusal.decline_code };
    let said = Said { code, message: &refusal.message, is_of_card: refusal.is_of_card() };
    if !said.is_of_card {
        tracing::error!(attempt = %attempt.id, code, "a payment ended at Stripe, and no bank refused it; somebody has to look");
        let next = Some(now + ANEW);
        store::set_failed(db, attempt.id, intent, said, (next, now)).await.context("note the end of an attempt")?;
        return Ok(());
    }
    // Its bank wants to see the customer: without them it says the same each time.
    let is_asked_for = [&refusal.code, &refusal.decline_code].iter().any(|code| *code == "authentication_required");
    let before = store::refusals_before(db, attempt).await.context("count the refusals")?;
    let pause = usize::try_from(before).ok().and_then(|before| PAUSES.get(before)).filter(|_| !is_asked_for);
    let next = pause.map(|days| now + TimeDelta::days(*days));
    let is_new = store::set_failed(db, attempt.id, intent, said, (next, now)).await;
    if is_new.context("note a refusal")? {
        let (number, open) = store::number_and_open(db, attempt.document).await.context("read the invoice")?;
        let letter = |user| SendLetter::CardRefused {
            user,
            document: attempt.document,
            number: number.clone(),
            open_minor: open.minor,
            currency: open.currency,
            is_asked_for,
            next,
        };
        people::write_to_payers(db, attempt.account, letter, now).await?;
    }
    Ok(())
}

/// Books a payment at Stripe, and pays its invoice (where that is known) as far as it is open, and then others. False when it was
/// booked before.
async fn book(
    db: &mut PgConnection,
    intent: &str,
    (account, document): (AccountId, Option<DocumentId>),
    came: Money,
    now: DateTime<Utc>,
) -> anyhow::Result<bool> {
    let received =
        Received { account, method: Method::Card, amount: came, received_on: now.date_naive(), external_ref: intent };
    let Some(payment) = payments::receive(db, &received, now).await? else { return Ok(false) };
    if let Some(document) = document {
        payments::allocate(db, payment, document, came, now).await?;
    }
    payments::settle(db, account, now).await?;
    Ok(true)
}

/// Books money that came in for an attempt of which nothing is known here, as after the database was put back: else its invoice, open
/// again, would be charged again. Where the invoice is lost too, it is the credit of whoever paid: their month is billed again, and
/// that credit pays it before their card does. False when nobody here paid it, by what is known.
async fn book_without_attempt(db: &mut PgConnection, intent: &Intent, now: DateTime<Utc>) -> anyhow::Result<bool> {
    if intent.status != "succeeded" || intent.amount_received <= 0 {
        return Ok(false);
    }
    let document = intent.metadata.get("document").and_then(|id| id.parse::<DocumentId>().ok());
    let (Some(document), Ok(currency)) = (document, intent.currency.parse::<Currency>()) else { return Ok(false) };
    let payer = store::payer_of(db, document, currency, &intent.customer).await.context("find who paid")?;
    let mut whose = payer.map(|account| (account, Some(document)));
    if whose.is_none() {
        let account = store::account_of(db, &intent.customer, currency).await.context("find whose customer it is")?;
        whose = account.map(|account| (account, None));
    }
    let Some(whose) = whose else { return Ok(false) };
    let came = Money::new(intent.amount_received, currency);
    if book(db, &intent.id, whose, came, now).await? {
        let is_credit = whose.1.is_none();
        tracing::warn!(intent = intent.id, %document, is_credit, "a payment was booked whose attempt is not known here");
    }
    Ok(true)
}

/// Brings into the books what a payment at Stripe is now. False when it is none of ours.
///
/// Money that came in is booked once, whatever the attempt's row said before, and pays its invoice as far as that is open; the rest
/// pays others, or is the customer's credit.
pub async fn apply(cards: &Cards, db: &mut PgConnection, intent: &Intent, now: DateTime<Utc>) -> anyhow::Result<bool> {
    if intent.livemode != cards.livemode {
        return Ok(false);
    }
    if top_ups::wish_of(intent).is_some() {
        return top_ups::apply(cards, db, intent, now).await;
    }
    let Some(id) = intent.metadata.get("attempt").and_then(|id| id.parse::<AttemptId>().ok()) else {
        return Ok(false);
    };
    let mut tx = db.begin().await.context("begin")?;
    let Some(attempt) = store::lock_attempt(&mut tx, id).await.context("lock an attempt")? else {
        let is_ours = book_without_attempt(&mut tx, intent, now).await?;
        tx.commit().await.context("commit a payment whose attempt is lost")?;
        return Ok(is_ours);
    };
    match intent.status.as_str() {
        "succeeded" => {
            let currency = intent.currency.parse::<Currency>().context("Stripe's currency")?;
            let came = Money::new(intent.amount_received, currency);
            ensure!(came == attempt.amount, "{came:?} came for an attempt of {:?}", attempt.amount);
            book(&mut tx, &intent.id, (attempt.account, Some(attempt.document)), came, now).await?;
            store::set_state(&mut tx, id, "succeeded", &intent.id, (None, Some(now))).await?;
            store::wishes::end_of_attempt(&mut tx, id).await.context("note what became of a wish")?;
        }
        _ if attempt.state == "succeeded" || attempt.state == "failed" => {}
        "processing" | "requires_capture" => {
            store::set_state(&mut tx, id, "processing", &intent.id, (Some(now + ASK_AGAIN), None)).await?;
        }
        // On a page the customer may prove it, or give another card, until the page's time is over.
        _ if attempt.wish.is_some() => {}
        "requires_action" => {
            store::set_state(&mut tx, id, "requires_action", &intent.id, (Some(now + ASK_AGAIN), None)).await?;
        }
        "requires_payment_method" | "requires_confirmation" if intent.last_payment_error.is_none() => {
            // It is being made: whoever makes it learns what it comes to.
        }
        status => {
            let refusal = intent.last_payment_error.clone();
            let refusal = refusal.unwrap_or_else(|| Refusal { code: status.to_owned(), ..Refusal::default() });
            fail(&mut tx, &attempt, Some(&intent.id), &refusal, now).await?;
        }
    }
    tx.commit().await.context("commit what a payment is")?;
    Ok(true)
}
