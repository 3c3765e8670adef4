//! TLS to visitors: which protocols are spoken, and certificates that change while the proxy runs.

use std::sync::{Arc, Mutex};

use anyhow::Context;
use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_util::sync::CancellationToken;

use super::book::Book;
use super::{Shared, lock};
use crate::base::chain;
use crate::certificates::{Certificate, Contents, Files};

/// HTTP/2 by its name in TLS.
pub const H2: &[u8] = b"h2";

/// All certificates, from wherever they come.
#[derive(Debug, Default)]
pub struct Certificates {
    book: ArcSwap<Book>,
    sources: Mutex<Sources>,
}

#[derive(Debug, Default)]
struct Sources {
    file: Option<Certificate>,
    domains: Vec<Certificate>,
}

impl Certificates {
    /// Returns the certificates as they are now.
    #[must_use]
    pub fn book(&self) -> arc_swap::Guard<Arc<Book>> {
        self.book.load()
    }

    /// Uses another certificate of the operator's: the default one.
    pub fn set_file(&self, certificate: Certificate) {
        self.change(|sources| sources.file = Some(certificate));
    }

    /// Uses other certificates of customers' domains.
    pub fn set_domains(&self, certificates: Vec<Certificate>) {
        self.change(|sources| sources.domains = certificates);
    }

    fn change(&self, change: impl FnOnce(&mut Sources)) {
        let mut sources = lock(&self.sources);
        change(&mut sources);
        self.book.store(Arc::new(Book::new(sources.file.as_ref(), &sources.domains)));
    }
}

/// Chooses by the name that a visitor asks for.
#[derive(Debug)]
struct ByName(Arc<Shared>);

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.certificates.book().pick(hello.server_name()).cloned()
    }
}

/// Prepares TLS 1.2 and 1.3 with HTTP/2 and HTTP/1.1. Sessions go on across the threads, without being kept.
pub fn config(shared: &Arc<Shared>) -> anyhow::Result<Arc<ServerConfig>> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .context("choose the versions of TLS")?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(ByName(Arc::clone(shared))));
    config.alpn_protocols = vec![H2.to_vec(), b"http/1.1".to_vec()];
    config.ticketer = aws_lc_rs::Ticketer::new().context("make keys for sessions")?;
    config.send_tls13_tickets = 1;
    Ok(Arc::new(config))
}

/// Follows the operator's files: a new certificate is used at once, a bad one leaves the old one in place.
#[derive(Debug)]
pub struct Watch {
    shared: Arc<Shared>,
    files: Files,
    seen: Option<Contents>,
    /// What was the matter at the last look: one line in the log, not one for each look.
    trouble: Option<String>,
}

impl Watch {
    /// Watches nothing yet.
    #[must_use]
    pub fn new(shared: Arc<Shared>, files: Files) -> Self {
        Self { shared, files, seen: None, trouble: None }
    }

    /// Reads the files, and uses what is new.
    pub fn look(&mut self) {
        let read = self.files.contents().and_then(|contents| {
            if self.seen.as_ref() == Some(&contents) {
                return Ok(None);
            }
            let certificate = contents.certificate()?;
            self.seen = Some(contents);
            Ok(Some(certificate))
        });
        match read {
            Ok(Some(certificate)) => {
                tracing::info!(names = certificate.names.join(" "), until = %certificate.not_after, "a certificate is used");
                self.shared.certificates.set_file(certificate);
                self.trouble = None;
            }
            Ok(None) => self.trouble = None,
            Err(cause) => {
                let trouble = chain::of_any(&cause);
                if self.trouble.as_ref() != Some(&trouble) {
                    let kept = if self.seen.is_some() {
                        "the one before stays in use"
                    } else {
                        "visitors cannot come by HTTPS"
                    };
                    tracing::error!(cause = trouble, "the certificate cannot be read; {kept}");
                }
                self.trouble = Some(trouble);
            }
        }
    }

    /// Looks again and again until `stop`. Contents are compared, not times: links that are replaced show as well.
    pub async fn run(mut self, stop: CancellationToken) {
        let pause = self.shared.settings.limits.certificates;
        while stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
            let looked = tokio::task::spawn_blocking(move || {
                self.look();
                self
            });
            match looked.await {
                Ok(watch) => self = watch,
                Err(error) => return tracing::error!(%error, "certificates are not watched any more"),
            }
        }
    }
}
