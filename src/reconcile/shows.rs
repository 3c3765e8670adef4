//! The two ways in which we show an authority that a name is ours.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use crate::acme::{Challenge, Method, Shows};
use crate::base::secret::new_code;
use crate::certificates::store::Answer;
use crate::dns::provider::Provider;

use super::edge::Edge;
use super::lease::Lease;

/// The proxies have read a new answer after this.
const PROXIES_KNOW_WITHIN: Duration = Duration::from_secs(6);
/// Most have after this.
const FIRST_LOOK_AFTER: Duration = Duration::from_millis(200);
/// Between two looks whether all have. Whoever adds a domain chooses who is asked: not so often that it hurts.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Through the proxies, which answer the authority (HTTP-01).
pub struct OverHttp<'a> {
    /// Reaches the proxies.
    pub edge: &'a Edge,
    /// The turn.
    pub lease: &'a Lease,
    /// The host that is asked.
    pub hostname: &'a str,
}

impl OverHttp<'_> {
    /// Asks the host a question of our own; returns the addresses where somebody else answers, or nobody.
    pub async fn try_out(&self, addresses: &[IpAddr]) -> anyhow::Result<Vec<IpAddr>> {
        let answer = Answer { token: new_code(32), hostname: self.hostname.to_owned(), answer: new_code(32) };
        let strangers = self.put(&answer, addresses).await;
        self.edge.answer_no_more(self.hostname).await;
        strangers
    }

    /// Lets the proxies answer, and waits until they do.
    async fn put(&self, answer: &Answer, addresses: &[IpAddr]) -> anyhow::Result<Vec<IpAddr>> {
        self.edge.answer(self.lease, answer).await?;
        let until = Instant::now() + PROXIES_KNOW_WITHIN;
        let mut addresses = addresses.to_vec();
        sleep(FIRST_LOOK_AFTER).await;
        loop {
            let found = self.edge.who_answers(&addresses, answer).await;
            // Somebody else is somebody else a second later too.
            if !found.strangers.is_empty() || found.unaware.is_empty() || Instant::now() > until {
                return Ok([found.strangers, found.unaware].concat());
            }
            addresses = found.unaware;
            sleep(LOOK_EVERY).await;
        }
    }
}

impl Shows for OverHttp<'_> {
    fn method(&self) -> Method {
        Method::Http01
    }

    async fn show(&self, challenge: &Challenge) -> anyhow::Result<()> {
        let (token, answer) = (challenge.token.clone(), challenge.answer.clone());
        let answer = Answer { token, hostname: challenge.name.clone(), answer };
        // The authority asks once and is not to be answered by a proxy that has not read the answer yet.
        let addresses = self.edge.dns.addresses(&challenge.name).await?;
        let strangers = self.put(&answer, &addresses).await?;
        anyhow::ensure!(strangers.is_empty(), "the proxies do not know the answer");
        Ok(())
    }

    async fn hide(&self) {
        self.edge.answer_no_more(self.hostname).await;
    }
}

/// Through texts in our own zone (DNS-01).
pub struct OverDns<'a> {
    provider: &'a Provider,
    /// Names and their texts: the names of a wildcard and of its domain are the same one.
    shown: Mutex<BTreeMap<String, Vec<String>>>,
}

impl<'a> OverDns<'a> {
    /// Has shown nothing yet.
    #[must_use]
    pub fn new(provider: &'a Provider) -> Self {
        Self { provider, shown: Mutex::default() }
    }
}

impl Shows for OverDns<'_> {
    fn method(&self) -> Method {
        Method::Dns01
    }

    async fn show(&self, challenge: &Challenge) -> anyhow::Result<()> {
        let name = format!("_acme-challenge.{}", challenge.name);
        let mut shown = self.shown.lock().await;
        let texts = shown.entry(name.clone()).or_default();
        texts.push(challenge.text.clone());
        self.provider.set_texts(&name, texts).await
    }

    async fn hide(&self) {
        for name in self.shown.lock().await.keys() {
            if let Err(cause) = self.provider.set_texts(name, &[]).await {
                tracing::warn!(name, cause = format!("{cause:#}"), "a text for an authority was not taken back");
            }
        }
    }
}
