//! Stripe's HTTP: the only file that knows its paths and shapes. docs/decisions/cards-through-a-thin-client.md says why no library.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::base::https::{self, Https};
use crate::base::secret::Secret;

/// The version whose shapes are read here, by its whole name: Stripe takes no date alone (docs.stripe.com/api/versioning). The one
/// after it (endive) takes no `payment_method_types` any more.
const VERSION: &str = "2026-08-26.dahlia";

/// More than any answer of Stripe.
const MOST_BYTES: usize = 8 << 20;

/// Names and values of a form.
pub type Fields = Vec<(String, String)>;

/// Who speaks to Stripe for one of our keys.
#[derive(Clone, Debug)]
pub struct Stripe {
    address: String,
    key: Secret<String>,
    patience: Duration,
    client: Https,
}

/// Why a call did not do what it was for.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Stripe says no, and nothing happened.
    #[error("Stripe refused: {0:?}")]
    Refused(Refusal),
    /// It may or may not have happened.
    #[error("it is not known whether Stripe did it")]
    Unknown(#[source] anyhow::Error),
}

/// What Stripe says when it says no.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Refusal {
    /// What kind of no.
    #[serde(default, rename = "type", deserialize_with = "or_nothing")]
    pub kind: String,
    /// Which one, for programs.
    #[serde(default, deserialize_with = "or_nothing")]
    pub code: String,
    /// What the customer's bank said.
    #[serde(default, deserialize_with = "or_nothing")]
    pub decline_code: String,
    /// For people.
    #[serde(default, deserialize_with = "or_nothing")]
    pub message: String,
    /// The payment that it is about.
    pub payment_intent: Option<Box<Intent>>,
}

impl Refusal {
    /// Whether it is the card that was refused, by its bank. Everything else is between Stripe and us: a key of another account, a
    /// question that it does not understand.
    #[must_use]
    pub fn is_of_card(&self) -> bool {
        self.kind == "card_error"
    }
}

/// A payment, at Stripe.
#[derive(Clone, Debug, Deserialize)]
pub struct Intent {
    /// Its id.
    pub id: String,
    /// How far it is.
    pub status: String,
    /// What came in.
    #[serde(default)]
    pub amount_received: i64,
    /// In which currency, in small letters.
    pub currency: String,
    /// Whether it is real money.
    pub livemode: bool,
    /// Whose it is.
    #[serde(default, deserialize_with = "or_nothing")]
    pub customer: String,
    /// What we wrote on it.
    #[serde(default, deserialize_with = "or_nothing")]
    pub metadata: BTreeMap<String, String>,
    /// Why it does not go on.
    pub last_payment_error: Option<Refusal>,
}

/// Money that goes back, at Stripe.
#[derive(Clone, Debug, Deserialize)]
pub struct Refund {
    /// Its id.
    pub id: String,
    /// How much.
    pub amount: i64,
    /// In which currency, in small letters.
    pub currency: String,
    /// How far it is.
    pub status: String,
    /// What we wrote on it.
    #[serde(default, deserialize_with = "or_nothing")]
    pub metadata: BTreeMap<String, String>,
    /// Why it did not arrive.
    #[serde(default, deserialize_with = "or_nothing")]
    pub failure_reason: String,
}

/// Who a customer is, at Stripe.
#[derive(Clone, Debug, Deserialize)]
pub struct Customer {
    /// Its id.
    pub id: String,
    /// Whether it pays real money.
    pub livemode: bool,
}

/// A page of Stripe's on which a customer gives a card.
#[derive(Clone, Debug, Deserialize)]
pub struct Session {
    /// Its id.
    pub id: String,
    /// `payment`, or `setup`.
    pub mode: String,
    /// `open`, `complete` or `expired`.
    #[serde(default, deserialize_with = "or_nothing")]
    pub status: String,
    /// Where it is, while it is open.
    #[serde(default, deserialize_with = "or_nothing")]
    pub url: String,
    /// Until when, in seconds of Unix.
    pub expires_at: i64,
    /// Whether real money moves.
    pub livemode: bool,
    /// Whose it is.
    #[serde(default, deserialize_with = "or_nothing")]
    pub customer: String,
    /// What it asks for, when it asks for money.
    pub amount_total: Option<i64>,
    /// In which currency, in small letters.
    #[serde(default, deserialize_with = "or_nothing")]
    pub currency: String,
    /// The payment, once there is one.
    pub payment_intent: Option<String>,
    /// How the card was given, where it is only saved.
    pub setup_intent: Option<String>,
    /// What we wrote on it.
    #[serde(default, deserialize_with = "or_nothing")]
    pub metadata: BTreeMap<String, String>,
}

/// How a card was given, to be charged later.
#[derive(Clone, Debug, Deserialize)]
pub struct SetupIntent {
    /// How far it is.
    pub status: String,
    /// Whether it is a real card.
    pub livemode: bool,
    /// The card.
    pub payment_method: Option<String>,
}

/// A card, as far as we know it.
#[derive(Clone, Debug, Deserialize)]
pub struct Method {
    /// Its id.
    pub id: String,
    /// Whose it is; nobody's, once it was taken away.
    #[serde(default, deserialize_with = "or_nothing")]
    pub customer: String,
    /// Whether it is a real card.
    pub livemode: bool,
    /// What people know it by.
    pub card: Option<CardFacts>,
}

/// What people know a card by.
#[derive(Clone, Debug, Deserialize)]
pub struct CardFacts {
    /// `visa`, `mastercard`.
    pub brand: String,
    /// Its last digits.
    pub last4: String,
    /// Until the end of which month.
    pub exp_month: u32,
    /// Of which year.
    pub exp_year: u32,
    /// The country of the bank that gave it, in two letters, where that is known.
    #[serde(default, deserialize_with = "or_nothing")]
    pub country: String,
}

/// What Stripe pays out to our bank.
#[derive(Clone, Debug, Deserialize)]
pub struct Payout {
    /// Its id.
    pub id: String,
    /// How much; below zero when it takes from the bank.
    pub amount: i64,
    /// In which currency, in small letters.
    pub currency: String,
    /// When it is at the bank, in seconds of Unix.
    pub arrival_date: i64,
    /// How far it is.
    pub status: String,
    /// Whether it is real money.
    pub livemode: bool,
}

/// One movement of what Stripe holds for us.
#[derive(Clone, Debug, Deserialize)]
pub struct Movement {
    /// Its id.
    pub id: String,
    /// What it is: `charge`, `refund`, `adjustment`, `stripe_fee`, `payout`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How much, before fees.
    pub amount: i64,
    /// What Stripe keeps of it.
    pub fee: i64,
    /// The rest.
    pub net: i64,
    /// In which currency, in small letters.
    pub currency: String,
    /// At what it was exchanged from another currency.
    pub exchange_rate: Option<serde_json::Number>,
}

/// Money that a customer's bank takes back.
#[derive(Clone, Debug, Deserialize)]
pub struct Dispute {
    /// Its id.
    pub id: String,
    /// How much.
    pub amount: i64,
    /// In which currency, in small letters.
    pub currency: String,
    /// How far it is.
    pub status: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// Of which payment.
    pub payment_intent: Option<String>,
    /// Since when, in seconds of Unix.
    pub created: i64,
}

/// Something that happened at Stripe. What it is about is read anew: an event may be old.
#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    /// Its id.
    pub id: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: String,
    /// When, in seconds of Unix.
    pub created: i64,
    /// Whether it is about real money.
    pub livemode: bool,
    /// The account that it is about, when it is not ours.
    pub account: Option<String>,
    /// What it is about.
    pub data: About,
}

/// What an event is about.
#[derive(Clone, Debug, Deserialize)]
pub struct About {
    /// The object as it was then.
    pub object: Thing,
}

/// As much of an object as says where it is read anew.
#[derive(Clone, Debug, Deserialize)]
pub struct Thing {
    /// Its id; some have none.
    #[serde(default, deserialize_with = "or_nothing")]
    pub id: String,
    /// What it is.
    #[serde(default, deserialize_with = "or_nothing")]
    pub object: String,
    /// The payment that it belongs to.
    pub payment_intent: Option<String>,
}

#[derive(Deserialize)]
struct List<T> {
    data: Vec<T>,
    #[serde(default)]
    has_more: bool,
}

#[derive(Deserialize)]
struct Failure {
    error: Refusal,
}

impl Stripe {
    /// Makes a client. `patience` is how long an answer may take.
    pub fn new(address: &str, key: Secret<String>, patience: Duration) -> anyhow::Result<Self> {
        Ok(Self { address: address.to_owned(), key, patience, client: https::client()? })
    }

    /// Asks for a payment. The same key never asks twice.
    pub async fn create_intent(&self, fields: &[(String, String)], key: &str) -> Result<Intent, CallError> {
        self.call("POST", "/v1/payment_intents", fields, Some(key)).await
    }

    /// Reads a payment.
    pub async fn intent(&self, id: &str) -> Result<Intent, CallError> {
        self.call("GET", &format!("/v1/payment_intents/{}", plain(id)?), &[], None).await
    }

    /// Finds the payments that carry an attempt's id.
    pub async fn find_intents(&self, attempt: &str) -> Result<Vec<Intent>, CallError> {
        let query = [("query".to_owned(), format!("metadata['attempt']:'{attempt}'"))];
        Ok(self.call::<List<Intent>>("GET", "/v1/payment_intents/search", &query, None).await?.data)
    }

    /// Lists all that went back of a payment.
    pub async fn refunds(&self, intent: &str) -> Result<Vec<Refund>, CallError> {
        let query = [("payment_intent".to_owned(), intent.to_owned()), ("limit".to_owned(), "100".to_owned())];
        Ok(self.call::<List<Refund>>("GET", "/v1/refunds", &query, None).await?.data)
    }

    /// Reads a dispute.
    pub async fn dispute(&self, id: &str) -> Result<Dispute, CallError> {
        self.call("GET", &format!("/v1/disputes/{}", plain(id)?), &[], None).await
    }

    /// Lists all events since an instant, in seconds of Unix.
    pub async fn events_since(&self, since: i64) -> Result<Vec<serde_json::Value>, CallError> {
        self.all("/v1/events", ("created[gte]", since.to_string()), |event: &serde_json::Value| {
            event["id"].as_str().unwrap_or_default().to_owned()
        })
        .await
    }

    /// Makes a customer.
    pub async fn create_customer(&self, fields: &[(String, String)], key: &str) -> Result<Customer, CallError> {
        self.call("POST", "/v1/customers", fields, Some(key)).await
    }

    /// Makes a page on which a customer gives a card. The same key makes the same one.
    pub async fn create_session(&self, fields: &[(String, String)], key: &str) -> Result<Session, CallError> {
        self.call("POST", "/v1/checkout/sessions", fields, Some(key)).await
    }

    /// Reads what became of a page.
    pub async fn session(&self, id: &str) -> Result<Session, CallError> {
        self.call("GET", &format!("/v1/checkout/sessions/{}", plain(id)?), &[], None).await
    }

    /// Closes a page: nobody pays there any more. Refused when somebody has.
    pub async fn expire_session(&self, id: &str) -> Result<Session, CallError> {
        self.call("POST", &format!("/v1/checkout/sessions/{}/expire", plain(id)?), &[], None).await
    }

    /// Reads how a card was given.
    pub async fn setup_intent(&self, id: &str) -> Result<SetupIntent, CallError> {
        self.call("GET", &format!("/v1/setup_intents/{}", plain(id)?), &[], None).await
    }

    /// Reads a card.
    pub async fn method(&self, id: &str) -> Result<Method, CallError> {
        self.call("GET", &format!("/v1/payment_methods/{}", plain(id)?), &[], None).await
    }

    /// Takes a card away from its customer: nobody charges it any more.
    pub async fn detach(&self, id: &str) -> Result<Method, CallError> {
        self.call("POST", &format!("/v1/payment_methods/{}/detach", plain(id)?), &[], None).await
    }

    /// Gives money back. The same key never gives it twice.
    pub async fn create_refund(&self, fields: &[(String, String)], key: &str) -> Result<Refund, CallError> {
        self.call("POST", "/v1/refunds", fields, Some(key)).await
    }

    /// Reads what is paid out to our bank.
    pub async fn payout(&self, id: &str) -> Result<Payout, CallError> {
        self.call("GET", &format!("/v1/payouts/{}", plain(id)?), &[], None).await
    }

    /// Lists what a payout is made of, itself included.
    pub async fn movements_of(&self, payout: &str) -> Result<Vec<Movement>, CallError> {
        self.all("/v1/balance_transactions", ("payout", payout.to_owned()), |it: &Movement| it.id.clone()).await
    }

    /// Lists everything, page after page.
    async fn all<T: DeserializeOwned>(
        &self,
        path: &str,
        (name, value): (&str, String),
        id: impl Fn(&T) -> String,
    ) -> Result<Vec<T>, CallError> {
        let mut all: Vec<T> = Vec::new();
        loop {
            let mut query = vec![(name.to_owned(), value.clone()), ("limit".to_owned(), "100".to_owned())];
            query.extend(all.last().map(|last| ("starting_after".to_owned(), id(last))));
            let page: List<T> = self.call("GET", path, &query, None).await?;
            let is_last = !page.has_more || page.data.is_empty();
            all.extend(page.data);
            if is_last {
                return Ok(all);
            }
        }
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        fields: &[(String, String)],
        key: Option<&str>,
    ) -> Result<T, CallError> {
        let sent = tokio::time::timeout(self.patience, self.send(method, path, fields, key)).await;
        let sent = sent.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer in time")));
        let (status, body) = sent.with_context(|| format!("{method} {path}")).map_err(CallError::Unknown)?;
        if (200..300).contains(&status) {
            let read = serde_json::from_slice(&body).with_context(|| format!("read the answer of {path}"));
            return read.map_err(CallError::Unknown);
        }
        match serde_json::from_slice::<Failure>(&body) {
            // The key stands for something else, or our own key is wrong: that says nothing about the payment.
            Ok(failure) if matches!(status, 400 | 402 | 404) && failure.error.kind != "idempotency_error" => {
                Err(CallError::Refused(failure.error))
            }
            _ => Err(CallError::Unknown(anyhow::anyhow!("{method} {path} was answered with {status}"))),
        }
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        fields: &[(String, String)],
        key: Option<&str>,
    ) -> anyhow::Result<(u16, Bytes)> {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let (uri, body) = if method == "GET" {
            (format!("{}{path}?{form}", self.address), String::new())
        } else {
            (format!("{}{path}", self.address), form)
        };
        let mut request = http::Request::builder()
            .method(method)
            .uri(uri)
            .header("authorization", format!("Bearer {}", self.key.expose()))
            .header("stripe-version", VERSION)
            .header("content-type", "application/x-www-form-urlencoded");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let request = request.body(Full::new(Bytes::from(body))).context("write a request")?;
        let answer = self.client.request(request).await.context("ask Stripe")?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), MOST_BYTES).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!("read Stripe's answer: {error}"))?;
        Ok((status, body.to_bytes()))
    }
}

/// What may be missing or null is nothing.
fn or_nothing<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// An id goes into a path only when it can be nothing else.
fn plain(id: &str) -> Result<&str, CallError> {
    if id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && !id.is_empty() {
        Ok(id)
    } else {
        Err(CallError::Unknown(anyhow::anyhow!("{id:?} is no id")))
    }
}
