//! The client with which we ask other companies' programs: HTTP/1.1, over TLS with the system's certificates.

use anyhow::Context;
use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// Sends requests whose bodies are known, and keeps connections for the next one.
pub type Https = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Makes a client.
pub fn client() -> anyhow::Result<Https> {
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::aws_lc_rs::default_provider())
        .context("read the system's certificates")?
        .https_or_http()
        .enable_http1()
        .build();
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}
