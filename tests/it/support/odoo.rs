//! The stand-in for the Odoo with our books, as a process of its own, which ends with the test.

use std::collections::BTreeMap;
use std::io::Write;

use sayoo::books::Books;
use sayoo::config;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::portal::World;
use super::standin::Standin;

/// The stand-in.
pub struct StandIn {
    process: Standin,
    key: NamedTempFile,
}

impl StandIn {
    /// Starts one without customers.
    pub fn start() -> Self {
        let mut key = NamedTempFile::new().unwrap();
        writeln!(key, "key-of-the-books").unwrap();
        Self { process: Standin::start("odoo.py"), key }
    }

    /// What is configured for the Moroccan company when nothing is said.
    pub fn configured(&self) -> config::books::Books {
        config::books::Books {
            address: self.process.address().to_owned(),
            database: "books".to_owned(),
            api_key_file: self.key.path().to_owned(),
            company: None,
            journal: "INV".to_owned(),
            bank_journal: "BNK1".to_owned(),
            card_journal: Some("CARD".to_owned()),
            revenue_account: None,
            post: false,
            one_line_per_rate: false,
            since: None,
            taxes: BTreeMap::new(),
        }
    }

    /// Tells it to do something.
    pub async fn order(&self, order: Value) -> Value {
        self.process.order(order).await
    }

    /// The records of a model.
    pub async fn records(&self, model: &str) -> Vec<Value> {
        let state = self.order(json!({ "do": "state" })).await;
        state["records"][model].as_array().unwrap().clone()
    }

    /// How many calls it got.
    pub async fn calls(&self) -> usize {
        self.order(json!({ "do": "state" })).await["calls"].as_array().unwrap().len()
    }

    /// An accountant posts everything.
    pub async fn posted(&self) {
        for model in ["account.move", "account.payment"] {
            let ids: Vec<Value> = self.records(model).await.iter().map(|record| record["id"].clone()).collect();
            self.order(json!({ "do": "post", "model": model, "ids": ids })).await;
        }
    }
}

/// The books of a portal that keeps those of the Moroccan company in an Odoo.
pub fn books(world: &World, config: config::books::Books) -> Books {
    Books::new(world.portal.clone(), &BTreeMap::from([("ma".to_owned(), config)])).unwrap()
}
