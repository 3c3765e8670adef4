//! The stand-in for the Odoo with our books, as a process of its own, which ends with the test.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use sayoo::books::Books;
use sayoo::config;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::portal::World;

/// The stand-in.
pub struct StandIn {
    process: Child,
    address: String,
    key: NamedTempFile,
    http: reqwest::Client,
}

impl Drop for StandIn {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl StandIn {
    /// Starts one without customers.
    pub fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/standin/odoo.py");
        let mut process = Command::new("python3").arg(script).stdout(Stdio::piped()).spawn().unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        let address = format!("http://127.0.0.1:{}", port.trim());
        let mut key = NamedTempFile::new().unwrap();
        writeln!(key, "key-of-the-books").unwrap();
        Self { process, address, key, http: reqwest::Client::new() }
    }

    /// What is configured for the Moroccan company when nothing is said.
    pub fn configured(&self) -> config::books::Books {
        config::books::Books {
            address: self.address.clone(),
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
        let sent = self.http.post(format!("{}/_control", self.address)).json(&order).send().await.unwrap();
        sent.json().await.unwrap()
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
