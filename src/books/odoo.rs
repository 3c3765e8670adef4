//! Odoo's external API (JSON-2, Odoo 19 and newer): the only file that knows its paths and shapes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use crate::base::https::{self, Https};
use crate::base::money::{Currency, Money};
use crate::base::secret::Secret;

/// More than any answer that is asked for here.
const MOST_BYTES: usize = 8 << 20;
/// More than that of a refusal is for nobody's eyes.
const MOST_WORDS: usize = 600;
/// Whose names our external ids are: `sayoo.document_…`.
const MODULE: &str = "sayoo";

/// Who speaks to one Odoo.
#[derive(Clone, Debug)]
pub struct Odoo {
    address: String,
    database: String,
    key: Secret<String>,
    context: Map<String, Value>,
    patience: Duration,
    client: Https,
    answers: Arc<AtomicU64>,
}

/// Why a call did not do what it was for.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Odoo says no, in these words.
    #[error("Odoo refused: {0}")]
    Refused(String),
    /// It did not answer, or not as Odoo does, or does not know our key. It may or may not have done it.
    #[error("Odoo is not to be reached")]
    Away(#[source] anyhow::Error),
}

/// Whether a record that is there already gets the values too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It stays as it is.
    Kept,
    /// It gets them.
    Changed,
}

impl Odoo {
    /// Makes a client. `company` is the company's id there; `patience` is how long an answer may take.
    pub fn new(
        (address, database): (&str, &str),
        key: Secret<String>,
        company: Option<i64>,
        patience: Duration,
    ) -> anyhow::Result<Self> {
        let mut context = Map::new();
        // Refusals and names of taxes in one language, whoever's key it is.
        context.insert("lang".to_owned(), json!("en_US"));
        if let Some(company) = company {
            context.insert("allowed_company_ids".to_owned(), json!([company]));
        }
        let (address, database) = (address.to_owned(), database.to_owned());
        let (client, answers) = (https::client()?, Arc::default());
        Ok(Self { address, database, key, context, patience, client, answers })
    }

    /// Returns how often it has answered as Odoo does.
    #[must_use]
    pub fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }

    /// Creates a record unless there is one with this external id, and returns its id. Each field is named as in Odoo's
    /// imports (`partner_id/id`); rows after the first hold further lines.
    ///
    /// This is the one call of Odoo that makes a record and its external id together, or neither, and that finds it again for a
    /// user who may not read external ids. It is asked again without harm when the answer was lost.
    pub async fn load(
        &self,
        model: &str,
        (fields, rows): (&[&str], &[Vec<String>]),
        known: Known,
    ) -> Result<i64, CallError> {
        let mode = if known == Known::Kept { "update" } else { "init" };
        let extra = [
            ("module", json!(MODULE)),
            ("mode", json!(mode)),
            // Records without this are taken away when a module of this name is updated; with it, `update` leaves them alone.
            ("noupdate", json!(true)),
            // What customers are called was checked when their documents were made.
            ("no_vat_validation", json!(true)),
            // A payment without an entry could be matched with nothing.
            ("force_payment_move", json!(true)),
        ];
        let answer = self.call(model, "load", json!({ "fields": fields, "data": rows }), &extra).await?;
        if let Some(id) = answer["ids"].as_array().and_then(|ids| ids.first()).and_then(Value::as_i64) {
            return Ok(id);
        }
        let messages = answer["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let words: Vec<&str> = messages.iter().filter_map(|message| message["message"].as_str()).collect();
        let words = if words.is_empty() { "it loaded nothing".to_owned() } else { words.join(" · ") };
        Err(CallError::Refused(short(&words)))
    }

    /// Reads fields of the records that a domain finds.
    pub async fn search(&self, model: &str, domain: &Value, fields: &[&str]) -> Result<Vec<Value>, CallError> {
        let asked = json!({ "domain": domain, "fields": fields, "order": "id", "limit": 200 });
        let answer = self.call(model, "search_read", asked, &[]).await?;
        match answer {
            Value::Array(rows) => Ok(rows),
            other => Err(CallError::Away(anyhow::anyhow!("{model} was read as {}", short(&other.to_string())))),
        }
    }

    /// Does something with records.
    pub async fn act(&self, model: &str, method: &str, ids: &[i64]) -> Result<(), CallError> {
        self.call(model, method, json!({ "ids": ids }), &[]).await.map(|_| ())
    }

    async fn call(
        &self,
        model: &str,
        method: &str,
        mut given: Value,
        extra: &[(&str, Value)],
    ) -> Result<Value, CallError> {
        let mut context = self.context.clone();
        context.extend(extra.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        given["context"] = Value::Object(context);
        let path = format!("/json/2/{model}/{method}");
        let sent = tokio::time::timeout(self.patience, self.send(&path, &given)).await;
        let sent = sent.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer in time")));
        let (status, body) = sent.with_context(|| path.clone()).map_err(CallError::Away)?;
        let read = serde_json::from_slice::<Value>(&body);
        match read {
            Ok(answer) if (200..300).contains(&status) => {
                self.answers.fetch_add(1, Ordering::Relaxed);
                Ok(answer)
            }
            // Odoo's own words. Of a key that it does not know it says so too, but that is said of everything.
            Ok(failure)
                if status >= 400 && !matches!(status, 401 | 429 | 502 | 503) && failure["message"].is_string() =>
            {
                self.answers.fetch_add(1, Ordering::Relaxed);
                Err(CallError::Refused(short(failure["message"].as_str().unwrap_or_default())))
            }
            Ok(failure) if failure["message"].is_string() => {
                let words = short(failure["message"].as_str().unwrap_or_default());
                Err(CallError::Away(anyhow::anyhow!("{path} was answered with {status}: {words}")))
            }
            _ => Err(CallError::Away(anyhow::anyhow!("{path} was answered with {status}"))),
        }
    }

    async fn send(&self, path: &str, given: &Value) -> anyhow::Result<(u16, Bytes)> {
        let request = http::Request::builder()
            .method("POST")
            .uri(format!("{}{path}", self.address))
            .header("authorization", format!("bearer {}", self.key.expose()))
            .header("x-odoo-database", &self.database)
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(given.to_string())))
            .context("write a request")?;
        let answer = self.client.request(request).await.context("ask Odoo")?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), MOST_BYTES).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!("read Odoo's answer: {error}"))?;
        Ok((status, body.to_bytes()))
    }
}

fn short(words: &str) -> String {
    words.chars().take(MOST_WORDS).collect()
}

/// Returns the smallest coins of an amount that Odoo writes as a number with a point; `None` when it is none.
#[must_use]
pub fn coins(amount: &Value) -> Option<i64> {
    let text = amount.as_number()?.to_string();
    let exact = text.parse::<Decimal>().or_else(|_| Decimal::from_scientific(&text)).ok()?;
    // What Odoo keeps has two decimals; what it adds up on the way may be off by a hair.
    Some(minor(exact))
}

/// Returns the smallest coins of an amount.
#[must_use]
pub fn minor(exact: Decimal) -> i64 {
    // Both of our currencies have hundredths.
    Money::rounded(exact, Currency::Eur).minor
}

/// Returns the id of a record that a many-to-one field names.
#[must_use]
pub fn id(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_array()?.first()?.as_i64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_to_the_coin() {
        for (written, minor) in [
            ("118.8", Some(11_880)),
            ("0.1", Some(10)),
            ("-35.709999999999994", Some(-3_571)),
            ("12", Some(1_200)),
            ("1e2", Some(10_000)),
            ("false", None),
        ] {
            assert_eq!(coins(&serde_json::from_str(written).unwrap()), minor, "{written}");
        }
    }
}
