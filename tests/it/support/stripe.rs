//! The stand-in for Stripe as a process of its own, which ends with the test.

use std::time::Duration;

use sayoo::base::money::Currency;
use sayoo::base::secret::Secret;
use sayoo::payments::Cards;
use sayoo::payments::stripe::Stripe;
use serde_json::{Value, json};

use super::portal::World;
use super::standin::Standin;

/// The stand-in.
pub struct StandIn {
    process: Standin,
    http: reqwest::Client,
}

impl StandIn {
    /// Starts one that moves no real money, as it says.
    pub fn start() -> Self {
        Self { process: Standin::start("stripe.py"), http: reqwest::Client::new() }
    }

    /// Card payments of a portal that go there.
    pub fn cards(&self, world: &World) -> Cards {
        let key = Secret::new("sk_test_standin".to_owned());
        let stripe = Stripe::new(self.process.address(), key, Duration::from_secs(20)).unwrap();
        Cards { portal: world.portal.clone(), stripe, livemode: false, currency: Currency::Mad }
    }

    /// Where it is, for a process of its own.
    pub fn address(&self) -> &str {
        self.process.address()
    }

    /// Tells it to do something.
    pub async fn order(&self, order: Value) -> Value {
        self.process.order(order).await
    }

    /// Everything that it knows.
    pub async fn state(&self) -> Value {
        self.order(json!({ "do": "state" })).await
    }

    /// The payments for which it took money.
    pub async fn charged(&self) -> Vec<Value> {
        let state = self.state().await;
        let all = state["intents"].as_array().unwrap().iter();
        all.filter(|intent| intent["status"] == "succeeded").cloned().collect()
    }

    /// The ids of events about a payment, of these kinds and in their order.
    pub async fn events(&self, intent: &str, kinds: &[&str]) -> Vec<String> {
        let state = self.state().await;
        let events = state["events"].as_array().unwrap();
        let is_about = |event: &Value, kind: &str| {
            let object = &event["data"]["object"];
            event["type"] == kind && (object["id"] == intent || object["payment_intent"] == intent)
        };
        kinds
            .iter()
            .map(|kind| {
                let event = events.iter().find(|event| is_about(event, kind)).unwrap();
                event["id"].as_str().unwrap().to_owned()
            })
            .collect()
    }

    /// Somebody sends a form of one of its pages. Returns where the browser goes, and what the page says.
    pub async fn visit(&self, page: &str, form: &[(&str, &str)]) -> (String, String) {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let answer = client.post(page).form(form).send().await.unwrap();
        let location = answer.headers().get("location").map(|path| path.to_str().unwrap().to_owned());
        (location.unwrap_or_default(), answer.text().await.unwrap())
    }

    /// Posts to the portal, signed.
    pub async fn post(&self, world: &World, signed: Value) -> u16 {
        let mut order = signed;
        order["do"] = "sign".into();
        if order["at"].is_null() {
            order["at"] = world.portal.clock.now().timestamp().into();
        }
        let made = self.order(order).await;
        self.post_raw(world, made["header"].as_str().unwrap(), made["body"].as_str().unwrap().to_owned()).await
    }

    /// Posts to the portal.
    pub async fn post_raw(&self, world: &World, header: &str, body: String) -> u16 {
        let request = self.http.post(format!("{}/webhooks/stripe", world.url)).header("stripe-signature", header);
        request.body(body).send().await.unwrap().status().as_u16()
    }
}
