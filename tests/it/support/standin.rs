//! A stand-in for a service of others, as a process of its own, which ends with the test.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A program of `tests/standin`, which prints the port that it listens on.
pub struct Standin {
    process: Child,
    address: String,
    http: reqwest::Client,
}

impl Drop for Standin {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Standin {
    /// Starts the program of this name.
    pub fn start(name: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/standin").join(name);
        let mut process = Command::new("python3").arg(script).stdout(Stdio::piped()).spawn().unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        let address = format!("http://127.0.0.1:{}", port.trim());
        Self { process, address, http: reqwest::Client::new() }
    }

    /// Where it is.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Tells it to do something.
    pub async fn order(&self, order: Value) -> Value {
        let sent = self.http.post(format!("{}/_control", self.address)).json(&order).send().await.unwrap();
        sent.json().await.unwrap()
    }
}
