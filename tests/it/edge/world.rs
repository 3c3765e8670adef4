//! A portal, a proxy and a worker's edge on one database, with an authority and a name server of their own.

use std::sync::Arc;

use chrono::TimeDelta;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use sayoo::acme::Authority;
use sayoo::base::ids::EnvironmentId;
use sayoo::base::seal::SealingKey;
use sayoo::dns::Resolver;
use sayoo::proxy::TlsSettings;
use sayoo::reconcile::domains::Domains;
use sayoo::reconcile::driver::Driver;
use sayoo::reconcile::edge::{Edge, Issuer};
use sqlx::PgPool;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::authority::{Names, Pebble, trusting};
use crate::proxy::support::{Upstream, World as Proxy, ok};
use crate::support::portal::{Person, World as Portal};

pub struct World {
    pub portal: Portal,
    pub proxy: Proxy,
    pub names: Names,
    pub pebble: Pebble,
    pub odoo: Upstream,
    pub edge: Arc<Edge>,
    _folder: tempfile::TempDir,
}

impl World {
    pub async fn new(db: PgPool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = SealingKey::new(&[9; 32]);
        let portal = Portal::with(db.clone(), "http://{name}.apps.test:8080").await;
        let certificates_file = folder.path().join("certificates.json");
        let proxy = Proxy::with(db.clone(), |settings| {
            settings.tls = Some(TlsSettings {
                listen: ([127, 0, 0, 1], 0).into(),
                public_port: None,
                files: None,
                sealing_key: Some(key.clone()),
                certificates_file,
            });
        })
        .await;
        let names = Names::start(folder.path()).await;
        let pebble = Pebble::start(folder.path(), names.address, proxy.address.port()).await;
        let edge = Arc::new(Edge {
            db: db.clone(),
            clock: portal.portal.clock.clone(),
            public: Arc::clone(&portal.portal.public),
            dns: Resolver::new(Some(names.address)).unwrap(),
            issuer: Some(Issuer {
                authority: Authority {
                    directory: pebble.directory.clone(),
                    contact: Some("mailto:hostmaster@example.com".to_owned()),
                    root_file: Some(pebble.root_file.clone()),
                },
                key,
                provider: None,
                has_files: true,
            }),
            http_port: proxy.address.port(),
            self_check: true,
        });
        let odoo = Upstream::answering(ok("odoo")).await;
        Self { portal, proxy, names, pebble, odoo, edge, _folder: folder }
    }

    /// Somebody with an instance that runs and is reached by its own name.
    pub async fn customer(&self, name: &str, subdomain: &str) -> (Person, EnvironmentId) {
        let person = self.portal.customer(name).await;
        let id = person.has_running(&self.portal, subdomain).await;
        let host = self.portal.portal.public.instance_host(subdomain);
        self.proxy.route_of(id, &host, "serving", &[self.odoo.address]).await;
        self.proxy.knows(&host).await;
        (person, id)
    }

    /// The worker looks at everything that is due.
    pub async fn settle(&self) {
        let domains = Domains::new(Arc::clone(&self.edge));
        Driver::new(domains, self.edge.db.clone(), self.edge.clock.clone()).settle().await.unwrap();
    }

    /// Time passes.
    pub fn later(&self, by: TimeDelta) {
        self.edge.clock.advance(by);
    }

    /// Connects as a browser that trusts the authority.
    pub async fn connect(&self, name: &str) -> std::io::Result<TlsStream<TcpStream>> {
        trusting(&self.pebble.root().await, self.proxy.tls_address(), name, b"h2").await
    }

    /// Asks for a page over HTTPS: status and body. `host` is another name than the certificate's in attacks only.
    pub async fn get(&self, name: &str, host: &str) -> (u16, String) {
        let stream = self.connect(name).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(async move { drop(connection.await) });
        let request = http::Request::get(format!("https://{host}/")).body(Full::<bytes::Bytes>::default()).unwrap();
        let answer = sender.send_request(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    /// The serial of what a visitor gets.
    pub async fn certificate(&self, name: &str) -> Option<Vec<u8>> {
        let stream = self.connect(name).await.ok()?;
        Some(stream.get_ref().1.peer_certificates()?[0].to_vec())
    }
}
