//! pebble, a certificate authority for tests, and the name server that it believes. Both end with the test.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Longer than a start takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A port that was free a moment ago, for TCP and UDP.
pub fn free_port() -> u16 {
    loop {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A process that ends with its owner.
pub struct Process(Child);

impl Process {
    pub fn start(program: &str, arguments: &[&str], environment: &[(&str, &str)], log: &Path) -> Self {
        let file = std::fs::File::create(log).unwrap();
        let child = Command::new(program)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn();
        Self(child.unwrap_or_else(|error| panic!("{program}: {error}; bin/test installs it")))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Connects as somebody who trusts this certificate, in PEM, and no other.
pub async fn trusting(
    root: &str,
    address: SocketAddr,
    name: &str,
    protocol: &[u8],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(root.as_bytes()).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(name.to_owned()).unwrap(), stream).await
}

/// Waits until something accepts connections there.
pub async fn answers(address: SocketAddr) {
    let waited = async {
        while TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waited).await.unwrap_or_else(|_| panic!("nothing answers at {address}"));
}

fn local(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

/// A name server whose records a test writes. Every name has the address 127.0.0.1 unless it is told otherwise.
pub struct Names {
    pub address: SocketAddr,
    management: String,
    client: Client,
    process: Option<Process>,
}

impl Names {
    pub async fn start(folder: &Path) -> Self {
        let (dns, management) = (local(free_port()), local(free_port()));
        let (dns_text, management_text) = (dns.to_string(), management.to_string());
        let arguments = [
            "-dns01",
            &dns_text,
            "-management",
            &management_text,
            "-defaultIPv4",
            "127.0.0.1",
            "-defaultIPv6",
            "",
            "-http01",
            "",
            "-https01",
            "",
            "-tlsalpn01",
            "",
        ];
        let process = Process::start("pebble-challtestsrv", &arguments, &[], &folder.join("names.log"));
        answers(management).await;
        answers(dns).await;
        Self { address: dns, management: format!("http://{management}"), client: Client::new(), process: Some(process) }
    }

    async fn tell(&self, what: &str, body: Value) {
        let answer = self.client.post(format!("{}/{what}", self.management)).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{what}: {answer:?}");
    }

    pub async fn text(&self, name: &str, value: &str) {
        self.tell("set-txt", json!({ "host": format!("{name}."), "value": value })).await;
    }

    pub async fn forget_text(&self, name: &str) {
        self.tell("clear-txt", json!({ "host": format!("{name}.") })).await;
    }

    /// It answers nobody any more.
    pub fn end(&mut self) {
        self.process = None;
    }

    pub async fn alias(&self, name: &str, target: &str) {
        self.tell("set-cname", json!({ "host": format!("{name}."), "target": format!("{target}.") })).await;
    }

    pub async fn lead(&self, name: &str, address: &str) {
        self.tell("add-a", json!({ "host": format!("{name}."), "addresses": [address] })).await;
    }
}

/// A certificate authority that believes a name server and asks at one port.
pub struct Pebble {
    pub directory: String,
    pub root_file: PathBuf,
    management: SocketAddr,
    own_root: String,
    process: Option<Process>,
}

impl Pebble {
    pub async fn start(folder: &Path, names: SocketAddr, http_port: u16) -> Self {
        let (listen, management) = (local(free_port()), local(free_port()));
        // Its own identity: signed by nobody the system knows, as in a private network.
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).unwrap().pem();
        let issuer = rcgen::Issuer::new(params, key);
        let own = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let config = json!({ "pebble": {
            "listenAddress": listen.to_string(),
            "managementListenAddress": management.to_string(),
            "certificate": file("pebble.pem", &certificate.signed_by(&own, &issuer).unwrap().pem()),
            "privateKey": file("pebble.key", &own.serialize_pem()),
            "httpPort": http_port,
            "tlsPort": 1,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": false,
        }});
        let config = file("pebble.json", &config.to_string());
        let root_file = file("pebble-root.pem", &root);
        let process = Process::start(
            "pebble",
            &["-config", config.to_str().unwrap(), "-dnsserver", &names.to_string()],
            &[("PEBBLE_VA_NOSLEEP", "1")],
            &folder.join("pebble.log"),
        );
        answers(listen).await;
        answers(management).await;
        Self {
            directory: format!("https://{listen}/dir"),
            root_file,
            management,
            own_root: root,
            process: Some(process),
        }
    }

    /// The certificate with which it signs, in PEM.
    pub async fn root(&self) -> String {
        let mut stream = trusting(&self.own_root, self.management, "localhost", b"http/1.1").await.unwrap();
        stream.write_all(b"GET /roots/0 HTTP/1.0\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        // It closes without a word, which TLS calls an error.
        let _ = stream.read_to_string(&mut answer).await;
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    /// It goes away.
    pub fn end(&mut self) {
        self.process = None;
    }
}
