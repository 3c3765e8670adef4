//! What the worker needs at the edge: name servers, a certificate authority, and the key that seals certificates' keys.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use chrono::TimeDelta;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use sqlx::PgPool;
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::acme::{self, Authority, Issued};
use crate::base::addresses::is_of_the_internet;
use crate::base::clock::Clock;
use crate::base::seal::SealingKey;
use crate::certificates::store::{self, Answer, Kept, Life};
use crate::certificates::{Certificate, renewal};
use crate::config::{Config, Dns, Public};
use crate::dns::Resolver;
use crate::dns::provider::{NameServer, Provider};

use super::lease::{Fenced, Lease};

/// For a host to answer our own question.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// The largest answer to a question of an authority.
const LARGEST_ANSWER: usize = 1024;
/// Where we cannot ask ourselves, the proxies are trusted to have read a new answer after this.
const BLIND: Duration = Duration::from_secs(3);
/// An answer that nobody took away is gone after this.
const ANSWERS_LAST: TimeDelta = TimeDelta::minutes(15);
/// More addresses than this no name of a customer has.
const MOST_ADDRESSES: usize = 8;

/// Everything that domains and certificates need.
pub struct Edge {
    /// The control database, with the worker's role.
    pub db: PgPool,
    /// The time.
    pub clock: Clock,
    /// Addresses.
    pub public: Arc<Public>,
    /// Name servers.
    pub dns: Resolver,
    /// Who signs certificates, where somebody does.
    pub issuer: Option<Issuer>,
    /// The port where authorities ask: 80 everywhere but in tests.
    pub http_port: u16,
    /// Whether domains are asked before an authority asks them.
    pub self_check: bool,
}

/// Who signs certificates.
pub struct Issuer {
    /// The authority.
    pub authority: Authority,
    /// Seals private keys; the proxy has the same.
    pub key: SealingKey,
    /// Who writes texts into our own zone, where somebody does.
    pub provider: Option<Provider>,
    /// Whether the operator gave a certificate for the portal.
    pub has_files: bool,
}

/// Where a host does not answer as we do.
#[derive(Debug, Default)]
pub struct Answers {
    /// Somebody else answers there, or nobody.
    pub strangers: Vec<IpAddr>,
    /// Nothing is known there of the question, as at a proxy that has not read the answer yet.
    pub unaware: Vec<IpAddr>,
}

/// What one address says.
enum Says {
    TheAnswer,
    Nothing,
    SomethingElse,
}

fn provider(dns: &Dns, config: &Config) -> anyhow::Result<Provider> {
    let Dns::Rfc2136 { server, zone, key_name, key_file, settle_seconds } = dns;
    let secret = std::fs::read_to_string(key_file).with_context(|| format!("read {}", key_file.display()))?;
    Ok(Provider::Rfc2136(NameServer {
        address: server.parse().context("[tls.acme.dns] server must be address:port")?,
        zone: zone.clone().unwrap_or_else(|| config.public.instances_domain()),
        key: NameServer::key(key_name, &secret).with_context(|| format!("read {}", key_file.display()))?,
        settle: Duration::from_secs(*settle_seconds),
        clock: Clock::System,
    }))
}

impl Edge {
    /// Puts together what the configuration says.
    pub fn new(config: &Config, db: PgPool) -> anyhow::Result<Self> {
        let acme = config.tls.as_ref().and_then(|tls| Some((tls, tls.acme.as_ref()?)));
        let issuer = match acme {
            None => None,
            Some((tls, acme)) => {
                let file = tls.sealing_key_file.as_ref().context("[tls] sealing_key_file is missing")?;
                let authority = Authority {
                    directory: acme.directory.clone(),
                    contact: acme.contact.clone(),
                    root_file: acme.root_file.clone(),
                };
                let provider = acme.dns.as_ref().map(|dns| provider(dns, config)).transpose()?;
                Some(Issuer {
                    authority,
                    key: SealingKey::from_file(file)?,
                    provider,
                    has_files: tls.files().is_some(),
                })
            }
        };
        let server = acme.and_then(|(_, acme)| acme.dns_server.as_deref());
        let server = server.map(str::parse).transpose().context("[tls.acme] dns_server must be address:port")?;
        Ok(Self {
            db,
            clock: Clock::System,
            public: Arc::new(config.public.clone()),
            dns: Resolver::new(server)?,
            issuer,
            http_port: 80,
            self_check: acme.is_none_or(|(_, acme)| acme.self_check),
        })
    }

    /// Returns what is needed to use our account at the authority; opens one the first time.
    pub async fn account(&self, issuer: &Issuer) -> Result<Vec<u8>, acme::Error> {
        let directory = &issuer.authority.directory;
        let place = format!("acme_accounts/{directory}");
        let mut db = self.db.acquire().await.context("take a connection")?;
        if let Some(sealed) = store::account(&mut db, directory).await.context("read our account")? {
            return Ok(issuer.key.open(&place, &sealed)?);
        }
        drop(db);
        let opened = issuer.authority.open_account().await?;
        let mut db = self.db.acquire().await.context("take a connection")?;
        let sealed = issuer.key.seal(&place, &opened);
        store::put_account(&mut db, directory, &sealed, self.clock.now()).await.context("keep our account")?;
        // Where two opened one at the same time, both use the one that was kept.
        let kept = store::account(&mut db, directory).await.context("read our account")?;
        Ok(kept.map_or(Ok(opened), |sealed| issuer.key.open(&place, &sealed))?)
    }

    /// Keeps a certificate in a turn's transaction.
    pub async fn keep(&self, tx: &mut Fenced, issuer: &Issuer, name: &str, issued: &Issued) -> anyhow::Result<()> {
        let certificate = Certificate::from_pem(issued.chain_pem.as_bytes(), issued.key_pem.as_bytes())?;
        ensure!(certificate.names.iter().any(|said| said == name), "the certificate is not for {name}");
        let id = Uuid::new_v4();
        let kept = Kept {
            hostname: name.to_owned(),
            id,
            chain_pem: issued.chain_pem.clone(),
            key_sealed: issuer.key.seal(&store::place(name, id), issued.key_pem.as_bytes()),
        };
        let Certificate { not_before, not_after, .. } = certificate;
        let renew_at = renewal::renew_at(not_before, not_after, rand::random());
        store::put(tx, &kept, Life { not_before, not_after, renew_at }).await.context("keep a certificate")?;
        tracing::info!(name, until = %not_after, "a certificate was got");
        Ok(())
    }

    /// Lets the proxies answer a question of an authority.
    pub async fn answer(&self, lease: &Lease, answer: &Answer) -> anyhow::Result<()> {
        let mut tx = lease.begin(&self.db).await?;
        store::add_answer(&mut tx, answer, self.clock.now() + ANSWERS_LAST).await.context("add an answer")?;
        Ok(tx.commit().await?)
    }

    /// Takes back all answers of a host.
    pub async fn answer_no_more(&self, hostname: &str) {
        let deleted = async {
            let mut db = self.db.acquire().await?;
            anyhow::Ok(store::delete_answers(&mut db, hostname, self.clock.now()).await?)
        };
        if let Err(cause) = deleted.await {
            tracing::warn!(hostname, cause = format!("{cause:#}"), "answers for an authority were not taken back");
        }
    }

    /// Asks a host what an authority will ask it, at each of its addresses: authorities choose one themselves.
    ///
    /// Whoever adds a domain chooses its addresses. Those that are not of the internet (our own networks, this machine) are
    /// nobody's to have us connect to, unless the portal is there too: those are the proxies'.
    pub async fn who_answers(&self, addresses: &[IpAddr], asked: &Answer) -> Answers {
        if !self.self_check {
            tokio::time::sleep(BLIND).await;
            return Answers::default();
        }
        let mut found = Answers::default();
        let own =
            if addresses.iter().copied().all(is_of_the_internet) { Vec::new() } else { self.own_addresses().await };
        let own = &own;
        let asking = addresses.iter().take(MOST_ADDRESSES).map(|address| async move {
            if !is_of_the_internet(*address) && !own.contains(address) {
                return (*address, Says::SomethingElse);
            }
            let said = tokio::time::timeout(ANSWER_WITHIN, self.ask(*address, asked)).await;
            (*address, said.map_or(Says::SomethingElse, |said| said.unwrap_or(Says::SomethingElse)))
        });
        for (address, said) in futures_util::future::join_all(asking).await {
            match said {
                Says::TheAnswer => {}
                Says::Nothing => found.unaware.push(address),
                Says::SomethingElse => found.strangers.push(address),
            }
        }
        found
    }

    /// Returns the portal's addresses.
    async fn own_addresses(&self) -> Vec<IpAddr> {
        let host = self.public.portal_host();
        if let Ok(address) = host.trim_matches(['[', ']']).parse() {
            return vec![address];
        }
        if host == "localhost" || host.ends_with(".localhost") {
            return vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        }
        self.dns.addresses(&host).await.unwrap_or_default()
    }

    async fn ask(&self, address: IpAddr, asked: &Answer) -> anyhow::Result<Says> {
        let stream = TcpStream::connect((address, self.http_port)).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let request = http::Request::get(format!("/.well-known/acme-challenge/{}", asked.token))
            .header(http::header::HOST, &asked.hostname)
            .header(http::header::CONNECTION, "close")
            .body(Empty::<Bytes>::new())?;
        let answered = async {
            let response = sender.send_request(request).await?;
            match response.status() {
                http::StatusCode::OK => {}
                http::StatusCode::NOT_FOUND => return Ok(Says::Nothing),
                _ => return Ok(Says::SomethingElse),
            }
            let body = Limited::new(response.into_body(), LARGEST_ANSWER).collect().await;
            let body = body.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
            anyhow::Ok(if body == asked.answer.as_bytes() { Says::TheAnswer } else { Says::SomethingElse })
        };
        let mut answered = std::pin::pin!(answered);
        tokio::select! {
            answer = &mut answered => answer,
            // The connection may end before the answer has been read whole.
            _ = connection => answered.await,
        }
    }
}
