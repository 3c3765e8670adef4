//! Who writes texts into our own zone, for certificates with a wildcard. The next provider is one more arm.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use base64::Engine as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Resolver;
use super::update::{self, Key, Said};
use crate::base::clock::Clock;

/// For a name server to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// A provider of our zone.
#[derive(Clone, Debug)]
pub enum Provider {
    /// A name server that takes signed changes (RFC 2136): BIND, Knot, PowerDNS and most others.
    Rfc2136(NameServer),
}

impl Provider {
    /// Returns the zone that it writes into.
    #[must_use]
    pub fn zone(&self) -> &str {
        match self {
            Self::Rfc2136(server) => &server.zone,
        }
    }

    /// Leaves a name with exactly these texts, or with none, and waits until they are seen.
    pub async fn set_texts(&self, name: &str, texts: &[String]) -> anyhow::Result<()> {
        match self {
            Self::Rfc2136(server) => server.set_texts(name, texts).await,
        }
    }
}

/// The first name server of a zone.
#[derive(Clone, Debug)]
pub struct NameServer {
    /// Where it is.
    pub address: SocketAddr,
    /// The zone.
    pub zone: String,
    /// The key that may change it.
    pub key: Key,
    /// How long the zone's other servers take to know.
    pub settle: Duration,
    /// The time: changes are signed with it.
    pub clock: Clock,
}

impl NameServer {
    /// Reads a key's secret from the text that `tsig-keygen` and `keymgr` write: base64.
    pub fn key(name: &str, secret: &str) -> anyhow::Result<Key> {
        let secret =
            base64::engine::general_purpose::STANDARD.decode(secret.trim()).ok().context("the key must be base64")?;
        ensure!(secret.len() >= 16, "the key is too short to be safe");
        Ok(Key { name: name.to_owned(), secret })
    }

    async fn set_texts(&self, name: &str, texts: &[String]) -> anyhow::Result<()> {
        let changed = tokio::time::timeout(ANSWER_WITHIN, self.change(name, texts)).await;
        changed.context("the name server does not answer").flatten().with_context(|| format!("change {name}"))?;
        if texts.is_empty() {
            return Ok(());
        }
        let seen = Resolver::new(Some(self.address))?.texts(name).await.context("look whether the change is seen")?;
        ensure!(texts.iter().all(|text| seen.contains(text)), "the name server took a change of {name} and forgot it");
        tokio::time::sleep(self.settle).await;
        Ok(())
    }

    /// Over TCP: a change must not be lost on the way, and a signed one does not always fit a datagram.
    async fn change(&self, name: &str, texts: &[String]) -> anyhow::Result<()> {
        let id = rand::random();
        let message = update::message(id, &self.zone, name, texts, &self.key, self.clock.now())?;
        let mut stream = TcpStream::connect(self.address).await?;
        stream.write_u16(u16::try_from(message.len()).context("the message is too long")?).await?;
        stream.write_all(&message).await?;
        let length = stream.read_u16().await?;
        let mut answer = vec![0; length.into()];
        stream.read_exact(&mut answer).await?;
        match update::read(&answer, id) {
            Said::Done => Ok(()),
            Said::Refused(why) => bail!("the name server refuses: {why}"),
            Said::Nonsense => bail!("the name server answers something else"),
        }
    }
}
