//! The way to one daemon: its Unix socket, or TCP with certificates on both sides (`tls.rs`).

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use chrono::{DateTime, Utc};

use super::tls::Tls;
use crate::engine::daemons::{Certificates, TLS_PORT};
use crate::engine::{Error, Result};

/// The version of the API that we speak, on the path of each call: newer daemons then answer as we expect.
///
/// bollard 0.21 drops the version from the path; version 0.22 will put it there by itself.
const API_PATH: &str = "/v1.41";

/// The way to one daemon. Cheap to copy.
#[derive(Clone)]
pub(super) enum Road {
    /// Its Unix socket.
    Socket(Arc<str>),
    /// TCP with certificates on both sides; connections are kept for the next call.
    Tls { address: Arc<str>, way: Arc<Tls> },
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
            return Ok(Self::Tls { address: address.into(), way: Arc::new(Tls::with(certificates)?) });
        }
        let socket = endpoint.strip_prefix("unix://").unwrap_or(endpoint);
        anyhow::ensure!(
            socket.starts_with('/'),
            "[worker] docker must be the path of a Unix socket, such as unix:///var/run/docker.sock, or tcp://ADDRESS:2376"
        );
        Ok(Self::Socket(socket.into()))
    }

    /// Returns until when the certificate is good that the daemon showed last.
    pub(super) fn certificate_until(&self) -> Option<DateTime<Utc>> {
        if let Self::Tls { way, .. } = self { way.theirs_until() } else { None }
    }

    /// Returns until when ours is good.
    pub(super) fn own_certificate_until(&self) -> Option<DateTime<Utc>> {
        if let Self::Tls { way, .. } = self { way.ours_until() } else { None }
    }

    /// Opens the way. bollard wants a socket to exist already, so this is done for each call.
    pub(super) fn open(&self, limit: Duration) -> Result<Docker> {
        let seconds = limit.as_secs().max(1);
        let docker = match self {
            Self::Socket(path) => Docker::connect_with_unix(path, seconds, API_DEFAULT_VERSION),
            Self::Tls { address, way } => {
                let client = way.client();
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
