//! pebble, a certificate authority for tests, and the name server that it believes. Both end with the test.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};

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

/// Waits until something accepts connections there.
pub async fn answers(address: SocketAddr) {
    let waited = async {
        while tokio::net::TcpStream::connect(address).await.is_err() {
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
    _process: Process,
}

impl Names {
    pub async fn start(folder: &Path) -> Self {
        let (dns, management) = (local(free_port()), local(free_port()));
        let (dns_text, management_text) = (dns.to_string(), management.to_string());
        let arguments = [
            "-dns01", &dns_text, "-management", &management_text, "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "",
            "-http01", "", "-https01", "", "-tlsalpn01", "",
        ];
        let process = Process::start("pebble-challtestsrv", &arguments, &[], &folder.join("names.log"));
        answers(management).await;
        answers(dns).await;
        Self { address: dns, management: format!("http://{management}"), client: Client::new(), _process: process }
    }

    async fn tell(&self, what: &str, body: Value) {
        let answer = self.client.post(format!("{}/{what}", self.management)).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{what}: {answer:?}");
    }

    pub async fn text(&self, name: &str, value: &str) {
        self.tell("set-txt", json!({ "host": format!("{name}."), "value": value })).await;
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
    management: String,
    client: Client,
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
        let root = reqwest::Certificate::from_pem(root.as_bytes()).unwrap();
        let client = Client::builder().tls_certs_only([root]).build().unwrap();
        let directory = format!("https://{listen}/dir");
        let management = format!("https://{management}");
        Self { directory, root_file, management, client, process: Some(process) }
    }

    /// The certificate with which it signs, in PEM.
    pub async fn root(&self) -> String {
        let answer = self.client.get(format!("{}/roots/0", self.management)).send().await.unwrap();
        answer.text().await.unwrap()
    }

    /// It goes away.
    pub fn end(&mut self) {
        self.process = None;
    }
}
