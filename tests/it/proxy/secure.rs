//! A proxy that speaks HTTPS, and clients that speak it too.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use sayoo::base::seal::SealingKey;
use sayoo::certificates::Files;
use sayoo::proxy::{Settings, TlsSettings};
use sqlx::PgPool;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::support::{PATIENCE, World};

pub type Stream = TlsStream<TcpStream>;

/// A proxy with a certificate for `portal.test` and `*.apps.test`.
pub struct Secure {
    pub world: World,
    pub files: Files,
    authority: Authority,
}

/// Whoever signs the certificates of a test.
pub struct Authority {
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    root: String,
}

impl Authority {
    pub fn new() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "tests");
        let root = params.self_signed(&key).unwrap().pem();
        Self { issuer: rcgen::Issuer::new(params, key), root }
    }

    /// A certificate and its key, in PEM.
    pub fn sign(&self, names: &[&str]) -> (String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let certificate = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

impl Secure {
    pub async fn new(db: PgPool) -> Self {
        Self::with(db, |_| {}).await
    }

    pub async fn with(db: PgPool, change: impl FnOnce(&mut Settings)) -> Self {
        let authority = Authority::new();
        let mut files = None;
        let world = World::with(db, |settings| {
            let folder = settings.table_file.parent().unwrap();
            let here = Files { certificate: folder.join("c.pem"), key: folder.join("k.pem") };
            write(&here, &authority.sign(&["portal.test", "*.apps.test"]));
            let listen = ([127, 0, 0, 1], 0).into();
            settings.tls = Some(TlsSettings {
                listen,
                public_port: None,
                files: Some(here.clone()),
                sealing_key: Some(SealingKey::new(&[7; 32])),
                certificates_file: folder.join("certificates.json"),
            });
            settings.scheme = "https";
            settings.limits.certificates = std::time::Duration::from_millis(20);
            files = Some(here);
            change(settings);
        })
        .await;
        Self { world, files: files.unwrap(), authority }
    }

    pub fn replace(&self, names: &[&str]) {
        write(&self.files, &self.authority.sign(names));
    }

    fn config(&self, protocol: &str) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(rustls::pki_types::CertificateDer::from_pem_slice(self.authority.root.as_bytes()).unwrap()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        config
    }

    /// Connects and checks that the certificate is for this name.
    pub async fn try_connect(&self, name: &str, protocol: &str) -> std::io::Result<Stream> {
        self.try_connect_to(self.world.tls_address(), name, protocol).await
    }

    /// The same, where another proxy with this certificate listens.
    pub async fn try_connect_to(&self, address: SocketAddr, name: &str, protocol: &str) -> std::io::Result<Stream> {
        let stream = TcpStream::connect(address).await?;
        let connector = TlsConnector::from(Arc::new(self.config(protocol)));
        let name = ServerName::try_from(name.to_owned()).unwrap();
        tokio::time::timeout(PATIENCE, connector.connect(name, stream)).await.expect("the handshake never ended")
    }

    pub async fn connect(&self, name: &str, protocol: &str) -> Stream {
        self.try_connect(name, protocol).await.unwrap()
    }

    /// Speaks HTTP/2 on a connection of its own.
    pub async fn two(&self, name: &str) -> SendRequest<Full<Bytes>> {
        Self::speaks_two(self.connect(name, "h2").await).await
    }

    pub async fn speaks_two(stream: Stream) -> SendRequest<Full<Bytes>> {
        let (sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(async move { drop(connection.await) });
        sender
    }

    /// A request over HTTP/2 and all of its answer.
    pub async fn ask(&self, request: Request<Full<Bytes>>) -> Response<String> {
        let mut sender = self.two(request.uri().host().unwrap()).await;
        whole(sender.send_request(request).await.unwrap()).await
    }
}

pub async fn whole(response: Response<hyper::body::Incoming>) -> Response<String> {
    let (parts, body) = response.into_parts();
    let bytes = tokio::time::timeout(PATIENCE, body.collect()).await.expect("the body never ended").unwrap().to_bytes();
    Response::from_parts(parts, String::from_utf8(bytes.to_vec()).unwrap())
}

pub fn get(uri: &str) -> Request<Full<Bytes>> {
    Request::get(uri).body(Full::default()).unwrap()
}

fn write(files: &Files, (chain, key): &(String, String)) {
    put(&files.certificate, chain);
    put(&files.key, key);
}

/// As those who renew certificates do: beside, then in its place.
pub fn put(path: &Path, text: &str) {
    let beside: PathBuf = path.with_extension("new");
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(beside, path).unwrap();
}
