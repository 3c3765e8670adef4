//! Connections to one daemon with certificates on both sides: ours is read again when its file changes, theirs is remembered.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::Context;
use arc_swap::ArcSwap;
use bollard::BollardRequest;
use chrono::{DateTime, Utc};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::base::chain;
use crate::certificates::Dates;
use crate::engine::daemons::Certificates;

/// A machine that is away takes no packets: waiting longer for its first answer tells nothing more.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// Below the time after which firewalls forget a quiet connection.
const IDLE: Duration = Duration::from_secs(60);

/// What bollard sends: named here because it does not name it for others.
type Body = <BollardRequest as BodyOf>::Body;

pub(super) trait BodyOf {
    type Body;
}

impl<B> BodyOf for http::Request<B> {
    type Body = B;
}

/// What keeps connections to one daemon.
pub(super) type TlsClient = Client<HttpsConnector<HttpConnector>, Body>;

/// Connections to one daemon, with the files as they were read last.
pub(super) struct Tls {
    files: Certificates,
    read: ArcSwap<Read>,
    /// Until when the daemon's certificate is good, in seconds of Unix; 0 before one was seen.
    theirs_until: Arc<AtomicI64>,
}

/// What was made of the files.
struct Read {
    stamp: Stamp,
    client: TlsClient,
    ours_until: Option<DateTime<Utc>>,
}

/// Tells files from others of the same name: each one's number and time of change; nothing for one that is not there.
type Stamp = [Option<(u64, i64, i64)>; 3];

impl Tls {
    pub(super) fn with(files: &Certificates) -> anyhow::Result<Self> {
        let theirs_until = Arc::new(AtomicI64::new(0));
        let read = read(files, &theirs_until)?;
        Ok(Self { files: files.clone(), read: ArcSwap::from_pointee(read), theirs_until })
    }

    /// Returns what sends. A certificate that was renewed is shown from the next call on; files that cannot be used leave the
    /// ones before in use.
    pub(super) fn client(&self) -> TlsClient {
        let known = self.read.load();
        let stamp = stamp(&self.files);
        if known.stamp == stamp {
            return known.client.clone();
        }
        let fresh = read(&self.files, &self.theirs_until).unwrap_or_else(|error| {
            let error = chain::of_any(&error);
            tracing::warn!(error, "the certificates for machines cannot be read: the last ones stay in use");
            Read { stamp, client: known.client.clone(), ours_until: known.ours_until }
        });
        let client = fresh.client.clone();
        self.read.store(Arc::new(fresh));
        client
    }

    pub(super) fn ours_until(&self) -> Option<DateTime<Utc>> {
        self.read.load().ours_until
    }

    pub(super) fn theirs_until(&self) -> Option<DateTime<Utc>> {
        let seconds = self.theirs_until.load(Ordering::Relaxed);
        DateTime::from_timestamp(seconds, 0).filter(|_| seconds != 0)
    }
}

fn stamp(files: &Certificates) -> Stamp {
    let of = |path: &Path| path.metadata().ok().map(|about| (about.ino(), about.mtime(), about.mtime_nsec()));
    [of(&files.authority), of(&files.certificate), of(&files.key)]
}

/// Makes a client that trusts our own authority and nobody else, and shows our certificate.
fn read(files: &Certificates, theirs_until: &Arc<AtomicI64>) -> anyhow::Result<Read> {
    // Before the files: one that changes meanwhile is read again.
    let stamp = stamp(files);
    let read = |path: &Path| std::fs::read(path).with_context(|| format!("read {}", path.display()));
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_slice_iter(&read(&files.authority)?) {
        roots.add(authority.context("the authority's file")?).context("the authority's certificate")?;
    }
    let chain = CertificateDer::pem_slice_iter(&read(&files.certificate)?)
        .collect::<std::result::Result<Vec<_>, _>>()
        .context("our certificate's file")?;
    let ours_until = chain.first().and_then(|own| Dates::of(own).ok()).map(|dates| dates.not_after);
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?).context("our key's file")?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let witness = Witness {
        verifier: verifier.build().context("the authority cannot be trusted")?,
        until: Arc::clone(theirs_until),
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("choose versions of TLS")?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(witness))
        .with_client_auth_cert(chain, key)
        .context("our certificate and key do not fit")?;
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_connect_timeout(Some(CONNECT_LIMIT));
    connector.set_nodelay(true);
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(config).https_only().enable_http1().wrap_connector(connector);
    let client = Client::builder(TokioExecutor::new()).pool_idle_timeout(IDLE).build(connector);
    Ok(Read { stamp, client, ours_until })
}

/// Leaves every judgement to rustls, and remembers until when what it found good is so.
#[derive(Debug)]
struct Witness {
    verifier: Arc<WebPkiServerVerifier>,
    until: Arc<AtomicI64>,
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self.verifier.verify_server_cert(leaf, chain, name, ocsp, now)?;
        if let Ok(dates) = Dates::of(leaf) {
            self.until.store(dates.not_after.timestamp(), Ordering::Relaxed);
        }
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls12_signature(message, leaf, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls13_signature(message, leaf, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}
