//! The way to one daemon: its Unix socket, or TCP with certificates on both sides.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::engine::daemons::{Certificates, TLS_PORT};
use crate::engine::{Error, Result};

/// The version of the API that we speak, on the path of each call: newer daemons then answer as we expect.
///
/// bollard 0.21 drops the version from the path; version 0.22 will put it there by itself.
const API_PATH: &str = "/v1.41";
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
type TlsClient = Client<HttpsConnector<HttpConnector>, Body>;

/// The way to one daemon. Cheap to copy.
#[derive(Clone)]
pub(super) enum Road {
    /// Its Unix socket.
    Socket(Arc<str>),
    /// TCP with certificates on both sides; connections are kept for the next call.
    Tls { address: Arc<str>, client: Arc<TlsClient> },
}

impl std::fmt::Debug for Road {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "unix://{path}"),
            Self::Tls { address, .. } => write!(f, "tcp://{address}"),
        }
    }
}

impl Road {
    /// Parses an endpoint; nothing is sent before the first call.
    pub(super) fn to(endpoint: &str, certificates: Option<&Certificates>) -> anyhow::Result<Self> {
        if let Some(address) = endpoint.strip_prefix("tcp://") {
            let address = if address.contains(':') { address.to_owned() } else { format!("{address}:{TLS_PORT}") };
            let certificates = certificates.context(
                "a daemon at tcp:// is reached with certificates only: run `sayoo host certs`, see [worker] docker_certificates",
            )?;
            return Ok(Self::Tls { address: address.into(), client: Arc::new(client(certificates)?) });
        }
        let socket = endpoint.strip_prefix("unix://").unwrap_or(endpoint);
        anyhow::ensure!(
            socket.starts_with('/'),
            "[worker] docker must be the path of a Unix socket, such as unix:///var/run/docker.sock, or tcp://ADDRESS:2376"
        );
        Ok(Self::Socket(socket.into()))
    }

    /// Opens the way. bollard wants a socket to exist already, so this is done for each call.
    pub(super) fn open(&self, limit: Duration) -> Result<Docker> {
        let seconds = limit.as_secs().max(1);
        let docker = match self {
            Self::Socket(path) => Docker::connect_with_unix(path, seconds, API_DEFAULT_VERSION),
            Self::Tls { address, client } => {
                let client = client.clone();
                Docker::connect_with_custom_transport(
                    move |request: BollardRequest| {
                        let client = client.clone();
                        async move { client.request(request).await.map_err(bollard::errors::Error::from) }
                    },
                    Some(format!("https://{address}")),
                    seconds,
                    API_DEFAULT_VERSION,
                )
            }
        };
        let docker = docker.map_err(|error| Error::Unreachable(Box::new(error)))?;
        Ok(docker.with_request_modifier(|mut request| {
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
            if !path.starts_with("/v1.") {
                let versioned = format!("{API_PATH}{path}");
                let mut parts = request.uri().clone().into_parts();
                parts.path_and_query = versioned.parse().ok();
                if let Ok(uri) = http::Uri::from_parts(parts) {
                    *request.uri_mut() = uri;
                }
            }
            request
        }))
    }
}

/// Makes a client that trusts our own authority and nobody else, and shows our certificate.
fn client(files: &Certificates) -> anyhow::Result<TlsClient> {
    let read = |path: &std::path::Path| std::fs::read(path).with_context(|| format!("read {}", path.display()));
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_slice_iter(&read(&files.authority)?) {
        roots.add(authority.context("the authority's file")?).context("the authority's certificate")?;
    }
    let chain = CertificateDer::pem_slice_iter(&read(&files.certificate)?)
        .collect::<std::result::Result<Vec<_>, _>>()
        .context("our certificate's file")?;
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?).context("our key's file")?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("choose versions of TLS")?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .context("our certificate and key do not fit")?;
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_connect_timeout(Some(CONNECT_LIMIT));
    connector.set_nodelay(true);
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(config).https_only().enable_http1().wrap_connector(connector);
    Ok(Client::builder(TokioExecutor::new()).pool_idle_timeout(IDLE).build(connector))
}
