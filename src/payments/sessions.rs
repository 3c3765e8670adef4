//! Stripe's own pages, on which a customer gives a card (and proves to be its owner): made for a wish, looked at until it is known
//! what became of them. The browser's return, an event and a look of ours may come in any order, and all do the same.

use anyhow::{Context, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Connection, PgConnection};

use super::attempts::{self, Attempt, Said};
use super::store::{self, methods, wishes as wish_store};
use super::stripe::{CallError, Fields, Session};
use super::wishes::{Kind, State, Wish};
use super::{Cards, LEASE};
use crate::audit::{self, Actor};
use crate::base::chain;
use crate::base::ids::{AttemptId, CardWishId, DocumentId, PaymentMethodId};
use crate::base::money::{Currency, Money};
use crate::billing::payments;
use crate::i18n::{Locale, Texts};

/// How long a page works. Stripe takes no less than half an hour.
const PAGE_LIVES: TimeDelta = TimeDelta::minutes(60);
/// Until a page that was not answered about is asked for again.
const ASK_AGAIN: TimeDelta = TimeDelta::seconds(10);
/// A page that could not be made for so long is made no more: nobody has seen it, so nobody can pay on it.
const GIVE_UP: TimeDelta = TimeDelta::minutes(25);
/// Until a page is looked at again when nobody told us anything.
const LOOK_AGAIN: TimeDelta = TimeDelta::minutes(10);

/// Does the next thing about the wish that has been due the longest. False when none is due.
pub async fn next(cards: &Cards, now: DateTime<Utc>) -> anyhow::Result<bool> {
    let mut db = cards.portal.db.acquire().await.context("acquire a connection")?;
    let Some(wish) = wish_store::take(&mut db, now, now + LEASE).await.context("take a wish")? else {
        return Ok(false);
    };
    let did = match wish.state {
        State::Asked => make(cards, &mut db, &wish, now).await,
        _ => look(cards, &mut db, &wish, now).await,
    };
    if let Err(error) = did {
        tracing::warn!(wish = %wish.id, error = chain::of_any(&error), "a wish about cards did not work");
        if wish.state == State::Asked && now - wish.created_at > GIVE_UP {
            end(&mut db, &wish, "refused", now).await?;
        } else {
            wish_store::put_back(&mut db, wish.id, now + ASK_AGAIN).await.context("put a wish back")?;
        }
    }
    Ok(true)
}

/// Closes the pages that ask for another amount than is open by now: a transfer or a credit note paid meanwhile.
pub async fn close_stale(cards: &Cards, now: DateTime<Utc>) -> anyhow::Result<()> {
    let mut db = cards.portal.db.acquire().await.context("acquire a connection")?;
    for (wish, session) in wish_store::stale(&mut db).await.context("list pages that ask for too much")? {
        let closed = match cards.stripe.expire_session(&session).await {
            // Somebody has paid on it, or its time is over.
            Err(CallError::Refused(_)) => cards.stripe.session(&session).await,
            other => other,
        };
        match closed {
            // Others are not held up by one that cannot be booked.
            Ok(session) => {
                if let Err(error) = apply(cards, &mut db, &session, now).await {
                    tracing::error!(%wish, error = chain::of_any(&error), "what became of a page cannot be booked");
                }
            }
            Err(error) => {
                tracing::warn!(%wish, error = chain::of_any(&error.into()), "a page is not closed yet");
            }
        }
    }
    Ok(())
}

async fn make(cards: &Cards, db: &mut PgConnection, wish: &Wish, now: DateTime<Utc>) -> anyhow::Result<()> {
    let buyer = wish_store::buyer(db, wish.account, wish.kind.document()).await.context("find the seller")?;
    // Nobody is asked for a card whose money would be exchanged, and paid to another company's bank.
    let buyer = buyer.filter(|buyer| buyer.currency == cards.currency.code());
    let Some(buyer) = buyer else { return end(db, wish, "refused", now).await };
    let customer = customer(cards, db, wish, buyer, now).await?;
    let (request, amount) = match wish.kind {
        Kind::Save => (save_fields(cards, wish, &customer), None),
        Kind::TopUp(amount) => (top_up_fields(cards, wish, &customer, amount), Some(amount)),
        Kind::Pay(document) => match attempt(cards, db, wish, (document, &customer), now).await? {
            Ok(attempt) => (attempt.request.clone(), Some(attempt.amount)),
            Err(why) => return end(db, wish, why, now).await,
        },
    };
    let session = match cards.stripe.create_session(&request, &format!("wish-{}", wish.id)).await {
        Err(CallError::Refused(refusal)) => {
            tracing::warn!(wish = %wish.id, ?refusal, "Stripe makes no page");
            return end(db, wish, "refused", now).await;
        }
        other => other?,
    };
    let is_right = session.livemode == cards.livemode
        && session.customer == customer
        && session.metadata.get("wish").is_some_and(|id| *id == wish.id.to_string())
        && amount.is_none_or(|amount| is_for(&session, amount));
    ensure!(is_right, "Stripe made another page than was asked for");
    ensure!(!session.url.is_empty(), "the page has no address");
    let expires_at = DateTime::from_timestamp(session.expires_at, 0).context("the page's end")?;
    wish_store::set_ready(db, wish.id, (&session.id, &session.url), (expires_at, now + LOOK_AGAIN))
        .await
        .context("note that a page is there")
}

/// Who the wish's account is at Stripe. Made there when it is not known; one that is made twice is used by nobody.
async fn customer(
    cards: &Cards,
    db: &mut PgConnection,
    wish: &Wish,
    buyer: wish_store::Buyer,
    now: DateTime<Utc>,
) -> anyhow::Result<String> {
    if let Some(known) = buyer.customer {
        return Ok(known);
    }
    let fields = fields([
        ("name", buyer.account_name),
        ("metadata[account]", wish.account.to_string()),
        ("metadata[seller]", buyer.seller.to_string()),
    ]);
    let made = cards.stripe.create_customer(&fields, &format!("customer-{}", wish.id)).await?;
    ensure!(made.livemode == cards.livemode, "Stripe made a customer of another mode");
    let parties = (wish.account, buyer.seller);
    wish_store::keep_customer(db, parties, &made.id, now).await.context("keep who the customer is")
}

/// Whether a page asks for exactly this.
fn is_for(session: &Session, amount: Money) -> bool {
    session.amount_total == Some(amount.minor) && session.currency.eq_ignore_ascii_case(amount.currency.code())
}

/// The attempt of a wish to pay: found, or written down before Stripe is asked. Says why there is none.
async fn attempt(
    cards: &Cards,
    db: &mut PgConnection,
    wish: &Wish,
    (document, customer): (DocumentId, &str),
    now: DateTime<Utc>,
) -> anyhow::Result<Result<Attempt, &'static str>> {
    let mut tx = db.begin().await.context("begin")?;
    wish_store::lock_payable(&mut tx, wish.account, document).await.context("lock an invoice")?;
    if let Some(attempt) = store::attempt_of_wish(&mut tx, wish.id).await.context("find the attempt")? {
        return Ok(Ok(attempt));
    }
    // Credit pays before the card does, whether or not a page is made for what it leaves.
    payments::settle(&mut tx, wish.account, now).await?;
    let payable = wish_store::lock_payable(&mut tx, wish.account, document).await.context("read what is open")?;
    let payable = match payable {
        Some(payable) if payable.open_minor > 0 && !payable.is_under_way => payable,
        other => {
            tx.commit().await.context("commit what credit paid")?;
            return Ok(Err(if other.is_some_and(|it| it.open_minor > 0) { "under_way" } else { "nothing_open" }));
        }
    };
    let amount =
        Money::new(payable.open_minor, payable.currency.parse::<Currency>().context("read an invoice's currency")?);
    if amount.minor < amount.currency.smallest_charge() {
        tx.commit().await.context("commit what credit paid")?;
        return Ok(Err("too_small"));
    }
    let id = AttemptId::new(now);
    let attempt = Attempt {
        id,
        document,
        account: wish.account,
        no: payable.no,
        amount,
        key: format!("invoice-{document}-{}", payable.no),
        request: pay_fields(cards, wish, customer, (id, document, &payable.number), amount),
        state: "created".to_owned(),
        provider_id: None,
        created_at: now,
        method: None,
        wish: Some(wish.id),
    };
    // Nobody asks about it but the wish.
    store::insert_attempt(&mut tx, &attempt, None).await.context("insert an attempt")?;
    tx.commit().await.context("commit an attempt")?;
    Ok(Ok(attempt))
}

fn fields<const N: usize>(fields: [(&str, String); N]) -> Fields {
    fields.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

/// What every page has. A repetition says the same, word for word.
fn common(cards: &Cards, wish: &Wish, customer: &str) -> Fields {
    let here = format!("{}/account/billing/cards/{}", cards.portal.public.portal_url, wish.id);
    // Stripe's pages speak no Arabic: they choose what the browser asks for.
    let locale = if wish.language == "ar" { "auto" } else { &wish.language };
    fields([
        ("customer", customer.to_owned()),
        ("payment_method_types[0]", "card".to_owned()),
        ("client_reference_id", wish.id.to_string()),
        ("metadata[wish]", wish.id.to_string()),
        ("success_url", format!("{here}?back=done")),
        ("cancel_url", format!("{here}?back=left")),
        ("locale", locale.to_owned()),
        ("expires_at", (wish.created_at + PAGE_LIVES).timestamp().to_string()),
    ])
}

fn save_fields(cards: &Cards, wish: &Wish, customer: &str) -> Fields {
    let own = fields([("mode", "setup".to_owned()), ("setup_intent_data[metadata][wish]", wish.id.to_string())]);
    [own, common(cards, wish, customer)].concat()
}

fn pay_fields(
    cards: &Cards,
    wish: &Wish,
    customer: &str,
    (attempt, document, number): (AttemptId, DocumentId, &str),
    amount: Money,
) -> Fields {
    let own = fields([
        ("payment_intent_data[metadata][attempt]", attempt.to_string()),
        ("payment_intent_data[metadata][document]", document.to_string()),
    ]);
    [paying(amount, number), own, common(cards, wish, customer)].concat()
}

/// A page on which one thing is paid.
fn paying(amount: Money, what: &str) -> Fields {
    fields([
        ("mode", "payment".to_owned()),
        ("submit_type", "pay".to_owned()),
        // In this currency and no other, whatever the setting in Stripe's dashboard, which counts where nothing is said: a page
        // that converts asks for another amount than we do (Stripe's "Adaptive Pricing").
        ("adaptive_pricing[enabled]", "false".to_owned()),
        ("line_items[0][quantity]", "1".to_owned()),
        ("line_items[0][price_data][currency]", amount.currency.code().to_ascii_lowercase()),
        ("line_items[0][price_data][unit_amount]", amount.minor.to_string()),
        ("line_items[0][price_data][product_data][name]", what.to_owned()),
        ("payment_intent_data[description]", what.to_owned()),
    ])
}

fn top_up_fields(cards: &Cards, wish: &Wish, customer: &str, amount: Money) -> Fields {
    let words = Texts::new(Locale::from_code(&wish.language).unwrap_or(Locale::En)).text("credit-on-page");
    let own = fields([("payment_intent_data[metadata][top_up]", wish.id.to_string())]);
    [paying(amount, &words), own, common(cards, wish, customer)].concat()
}

async fn look(cards: &Cards, db: &mut PgConnection, wish: &Wish, now: DateTime<Utc>) -> anyhow::Result<()> {
    let session = wish.session.as_deref().context("a page that is ready has a name")?;
    match cards.stripe.session(session).await {
        Ok(session) => {
            apply(cards, db, &session, now).await?;
        }
        // Nobody pays on a page that is not there.
        Err(CallError::Refused(refusal)) if refusal.code == "resource_missing" => end(db, wish, "expired", now).await?,
        Err(error) => return Err(error.into()),
    }
    // Until somebody comes back, or an event says more.
    wish_store::set_looked(db, wish, now + LOOK_AGAIN).await.context("note that Stripe was asked")
}

/// Brings here what became of a page. False when it is none of ours.
pub async fn apply(
    cards: &Cards,
    db: &mut PgConnection,
    session: &Session,
    now: DateTime<Utc>,
) -> anyhow::Result<bool> {
    let Some(id) = session.metadata.get("wish").and_then(|id| id.parse::<CardWishId>().ok()) else {
        return Ok(false);
    };
    if session.livemode != cards.livemode {
        return Ok(false);
    }
    let wish = wish_store::find_of_any_account(db, id).await.context("find a wish")?;
    let Some(wish) = wish.filter(|wish| wish.session.as_ref() == Some(&session.id)) else { return Ok(false) };
    match (wish.kind, session.status.as_str()) {
        (Kind::Save, "complete") => save(cards, db, &wish, session, now).await?,
        (Kind::Pay(_) | Kind::TopUp(_), "complete") => {
            let intent = session.payment_intent.as_deref().context("a page that was paid on has a payment")?;
            let intent = cards.stripe.intent(intent).await?;
            ensure!(attempts::apply(cards, db, &intent, now).await?, "the payment of a page is none of ours");
        }
        (_, "expired") => end(db, &wish, "expired", now).await?,
        // The customer is at it.
        _ => {}
    }
    Ok(true)
}

/// Keeps the card that was given on a page.
async fn save(
    cards: &Cards,
    db: &mut PgConnection,
    wish: &Wish,
    session: &Session,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let setup = session.setup_intent.as_deref().context("a page that saved a card says how")?;
    let setup = cards.stripe.setup_intent(setup).await?;
    ensure!(setup.status == "succeeded", "the card is {} and not saved", setup.status);
    let method = cards.stripe.method(setup.payment_method.as_deref().context("a card that was saved")?).await?;
    ensure!(setup.livemode == cards.livemode && method.livemode == cards.livemode, "the card is of another mode");
    ensure!(method.customer == session.customer, "the card is another customer's");
    let buyer = wish_store::buyer(db, wish.account, None).await.context("find the customer")?;
    let customer = buyer.and_then(|buyer| buyer.customer);
    ensure!(customer.as_ref() == Some(&method.customer), "the card is another customer's");
    let card = method.card.as_ref().context("what was saved is no card")?;
    let mut tx = db.begin().await.context("begin")?;
    methods::lock(&mut tx, wish.account).await.context("lock the cards")?;
    let id = PaymentMethodId::new(now);
    if methods::keep(&mut tx, id, wish.account, (&method, card), now).await.context("keep a card")? {
        let detail = serde_json::json!({ "card": id, "brand": card.brand, "last4": card.last4 });
        let entry = audit::Entry::new("card.saved").account(wish.account).detail(detail);
        audit::record(&mut tx, &Actor::system(), entry, now).await?;
    }
    wish_store::end(&mut tx, wish.id, true, "saved").await.context("note that a card is saved")?;
    tx.commit().await.context("commit a card")
}

/// Nothing came of a wish: its attempt, if it has one, has failed. Money that comes all the same is booked all the same.
async fn end(db: &mut PgConnection, wish: &Wish, why: &str, now: DateTime<Utc>) -> anyhow::Result<()> {
    let mut tx = db.begin().await.context("begin")?;
    if let Some(attempt) = store::attempt_of_wish(&mut tx, wish.id).await.context("find the attempt")? {
        let said = Said { code: why, message: "", is_of_card: false };
        store::set_failed(&mut tx, attempt.id, None, said, (None, now)).await.context("end the attempt")?;
    }
    wish_store::end(&mut tx, wish.id, false, why).await.context("end a wish")?;
    tx.commit().await.context("commit the end of a wish")
}
