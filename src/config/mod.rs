//! The configuration: one file, overridden key by key by the environment. The only place that reads the environment.
//!
//! `SAYOO__PROXY__LISTEN=…` overrides `listen` of `[proxy]`. Unknown keys are errors: a typing mistake must not be silent.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::base::network::Network;
use crate::base::secret::Secret;
use crate::certificates::Files;

pub mod books;
pub mod payments;
#[cfg(test)]
mod tests;

/// The ports that every machine may show the world: SSH, and a proxy.
const PORTS: [u16; 3] = [22, 80, 443];

/// Everything that can be configured. Each process reads its own part.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Which installation this is.
    pub installation: Installation,
    /// What the world sees.
    pub public: Public,
    /// The control database.
    pub database: Database,
    /// The web process.
    pub web: Web,
    /// The proxy process.
    pub proxy: Proxy,
    /// HTTPS. Without it the proxy speaks plain HTTP, for development or behind somebody who speaks HTTPS.
    pub tls: Option<Tls>,
    /// The worker process.
    pub worker: Worker,
    /// The embedded tenant database server.
    pub tenants: Tenants,
    /// Odoo itself.
    pub odoo: Odoo,
    /// Warm spares.
    #[serde(default)]
    pub pool: Pool,
    /// Outgoing mail.
    pub mail: Mail,
    /// Cards. Without it none are taken, and everything else works.
    pub payments: Option<payments::Payments>,
    /// The Odoos that keep our companies' books, by the company's code in small letters. Nothing is carried anywhere without.
    #[serde(default)]
    pub books: BTreeMap<String, books::Books>,
}

/// Which installation this is: several can share one Docker engine, each with its own name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Installation {
    /// Prefix of service names and value of the label that marks what is ours. Lower-case letters, digits and hyphens.
    pub name: String,
    /// Where files are kept.
    pub data_dir: PathBuf,
}

/// How the program runs: some conveniences exist in development only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Mails may be caught, the gallery is served, plain HTTP is allowed.
    Development,
    /// Everything strict.
    Production,
}

/// What the world sees.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Public {
    /// The portal's address, without a path: `https://portal.example.com`.
    pub portal_url: String,
    /// The address of an instance; `{name}` stands for its subdomain: `https://{name}.example.net`.
    pub instances_url: String,
    /// Development or production.
    pub mode: Mode,
    /// The name of the company that runs this portal, as customers read it.
    #[serde(default = "Public::default_company")]
    pub company: String,
}

/// The control database, one address for each role so that each process can do only its own work.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// The owner: used by `sayoo migrate` and `sayoo setup` only.
    pub owner_url: Secret<String>,
    /// The web process's role.
    pub web_url: Secret<String>,
    /// The worker's role.
    pub worker_url: Secret<String>,
    /// The proxy's role: reads routes, writes counters.
    pub proxy_url: Secret<String>,
    /// A role that makes databases for sandboxes and reaches none of ours; the worker's alone. Without it there are no sandboxes.
    pub sandbox_url: Option<Secret<String>>,
}

/// The web process.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Web {
    /// Address and port; only the proxy should reach it.
    pub listen: String,
    /// File with the Ed25519 seed (hexadecimal) that signs logins to Odoo.
    pub sso_key_file: PathBuf,
    /// File with the key (hexadecimal) that signs cookies and seals second factors.
    pub cookie_key_file: PathBuf,
    /// The number of the user that it runs as, when `sayoo all` is root. It then has its own secrets only.
    pub user: Option<u32>,
}

/// The proxy process.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    /// Address and port that the public reaches.
    pub listen: String,
    /// Where the web process is.
    pub web_upstream: String,
    /// The last good route table, for a start without the control database.
    pub table_file: PathBuf,
    /// How many threads serve; 0 means one for each core.
    #[serde(default)]
    pub threads: usize,
    /// The largest body that a request may have, in bytes. Bodies are never kept, so this costs no memory.
    #[serde(default = "Proxy::default_max_body_bytes")]
    pub max_body_bytes: u64,
    /// How many requests in a second an instance gets in the long run, unless staff said otherwise for it; 0 is no limit.
    #[serde(default = "Proxy::default_requests_per_second")]
    pub requests_per_second: u32,
    /// How many seconds' worth of them may come at once after a pause.
    #[serde(default = "Proxy::default_burst_seconds")]
    pub burst_seconds: u32,
    /// How many visitors' connections are open at most; as many as there is memory for without it.
    pub most_connections: Option<usize>,
    /// How many of them may come from one address; an eighth without it.
    pub most_connections_of_one_address: Option<u32>,
    /// Networks whose word is taken for where a visitor comes from, and whether over HTTPS: what stands before the proxy.
    #[serde(default)]
    pub trusted: Vec<Network>,
}

/// HTTPS.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Address and port that the public reaches over HTTPS.
    pub listen: String,
    /// The certificate for the portal and instances, with its chain, in PEM. Read again when it changes.
    pub certificate_file: Option<PathBuf>,
    /// Its private key, in PEM.
    pub key_file: Option<PathBuf>,
    /// File with the key (hexadecimal) that seals the private keys of certificates that the worker gets. The proxy's too.
    pub sealing_key_file: Option<PathBuf>,
    /// Where the worker gets certificates.
    pub acme: Option<Acme>,
}

/// A certificate authority that speaks ACME.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acme {
    /// The address of its directory.
    pub directory: String,
    /// Whom it may write to: `mailto:…`.
    pub contact: Option<String>,
    /// Certificates that it may identify itself with, in PEM, when it is no public one.
    pub root_file: Option<PathBuf>,
    /// The name server that is asked about customers' domains; those of the system without it.
    pub dns_server: Option<String>,
    /// Whether the worker asks a domain itself before the authority does. Not where the worker cannot reach its own
    /// public address.
    #[serde(default = "Acme::default_self_check")]
    pub self_check: bool,
    /// Who writes into the instances' own zone: with it the certificate of all instances comes from the authority too.
    pub dns: Option<Dns>,
}

/// Who writes into our own zone.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "provider", rename_all = "lowercase", deny_unknown_fields)]
pub enum Dns {
    /// A name server that takes signed changes (RFC 2136).
    Rfc2136 {
        /// The zone's first name server, address and port.
        server: String,
        /// The zone; the instances' domain without it.
        zone: Option<String>,
        /// The name of the key that may change the zone.
        key_name: String,
        /// File with the key's secret in base64, for HMAC-SHA256.
        key_file: PathBuf,
        /// How long the zone's other servers take to know of a change.
        #[serde(default = "Dns::default_settle_seconds")]
        settle_seconds: u64,
    },
}

impl Dns {
    fn default_settle_seconds() -> u64 {
        10
    }
}

impl Acme {
    fn default_self_check() -> bool {
        true
    }
}

impl Tls {
    /// Returns where the operator's certificate lies.
    #[must_use]
    pub fn files(&self) -> Option<Files> {
        Some(Files { certificate: self.certificate_file.clone()?, key: self.key_file.clone()? })
    }
}

/// The worker process.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    /// The Docker engine: `unix:///var/run/docker.sock`.
    pub docker: String,
    /// File with the key (hexadecimal) that seals tenants' database passwords.
    pub sealing_key_file: PathBuf,
    /// Where published ports of this machine's containers are reached: what `dockerd --ip` says.
    pub upstream_address: String,
    /// File with the public half of the SSO key; made by `sayoo setup` from the seed, given to instances.
    pub sso_public_key_file: PathBuf,
    /// Folder with the certificates for daemons of other machines; `certificates` in the data folder if not given.
    pub docker_certificates: Option<PathBuf>,
}

/// The embedded tenant database server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenants {
    /// The platform role's address (may create databases and roles, is no superuser).
    pub admin_url: Secret<String>,
    /// The host name or address by which containers reach the server.
    pub host_for_containers: String,
    /// The port by which containers reach the server.
    pub port_for_containers: u16,
    /// The folder with its data, where it is on this machine: `postgres/tenants` in the data folder if not given.
    pub data_dir: Option<PathBuf>,
    /// How long a transaction may be open with nothing going on in it; 0 for ever.
    #[serde(default = "Tenants::default_idle_transaction_minutes")]
    pub idle_transaction_minutes: u64,
    /// How long a transaction may be open; 0 for ever.
    #[serde(default = "Tenants::default_transaction_minutes")]
    pub transaction_minutes: u64,
    /// How many GiB of temporary files all sessions of one database may have; 0 without limit.
    #[serde(default = "Tenants::default_temporary_gb")]
    pub temporary_gb: u64,
}

/// Odoo itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Odoo {
    /// The instance image that `sayoo setup` registers.
    pub image: String,
    /// `address:port` of the registry from which every machine gets it. Not needed with one machine.
    pub registry: Option<String>,
    /// File with `user:password`, when that registry asks for a login. Read at each use.
    pub registry_login_file: Option<PathBuf>,
}

/// Warm spares.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// How many ready spares of each kind are kept.
    pub spares: u32,
}

impl Default for Pool {
    fn default() -> Self {
        Self { spares: 2 }
    }
}

/// Outgoing mail.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// The sender: `Sayoo <portal@example.com>`.
    pub from: String,
    /// `smtps://user:password@host:465` or `smtp://…?tls=required`. Without it mails are caught, in development only.
    pub smtp_url: Option<Secret<String>>,
}

impl Config {
    /// Reads the file and the environment.
    ///
    /// `path` is the file from `--config` or `SAYOO_CONFIG`; without it `sayoo.toml` and then `var/sayoo.toml` are tried.
    pub fn load(path: Option<&Path>) -> anyhow::Result<Self> {
        let file = match path {
            Some(path) => path.to_owned(),
            None => ["sayoo.toml", "var/sayoo.toml"]
                .map(PathBuf::from)
                .into_iter()
                .find(|path| path.exists())
                .context("no configuration file: give --config FILE, set SAYOO_CONFIG, or run bin/up")?,
        };
        let config: Self = config::Config::builder()
            .add_source(config::File::from(file.as_path()).format(config::FileFormat::Toml))
            .add_source(config::Environment::with_prefix("SAYOO").separator("__").try_parsing(true))
            .build()
            .and_then(config::Config::try_deserialize)
            .with_context(|| {
                format!("read the configuration {} (docs/sayoo.example.toml explains each key)", file.display())
            })?;
        config.validate()?;
        Ok(config)
    }

    /// Returns the ports of a machine that are for the world: SSH, and those of the proxy.
    #[must_use]
    pub fn public_ports(&self) -> BTreeSet<u16> {
        let listens = [Some(&self.proxy.listen), self.tls.as_ref().map(|tls| &tls.listen)];
        let own = listens.into_iter().flatten().filter_map(|listen| listen.parse::<SocketAddr>().ok());
        own.filter(|listen| !listen.ip().is_loopback()).map(|listen| listen.port()).chain(PORTS).collect()
    }

    fn validate(&self) -> anyhow::Result<()> {
        let name = &self.installation.name;
        if name.is_empty()
            || name.len() > 20
            || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        {
            bail!("[installation] name must be 1 to 20 lower-case letters, digits and hyphens");
        }
        self.public.validate()?;
        if let Some(payments) = &self.payments {
            payments.validate(self.public.mode)?;
        }
        for (seller, books) in &self.books {
            books.validate(seller, self.public.mode)?;
        }
        if let Some(tls) = &self.tls
            && tls.certificate_file.is_some() != tls.key_file.is_some()
        {
            bail!("[tls] certificate_file and key_file belong together");
        }
        if let Some(tls) = &self.tls
            && tls.acme.is_some()
            && tls.sealing_key_file.is_none()
        {
            bail!("[tls] sealing_key_file is missing: certificates from [tls.acme] are kept sealed");
        }
        if self.odoo.registry_login_file.is_some() && self.odoo.registry.is_none() {
            bail!("[odoo] registry is missing: registry_login_file is for it");
        }
        if self.public.mode == Mode::Production && self.mail.smtp_url.is_none() {
            bail!(
                "[mail] smtp_url is missing: in production mails must be sent, catching them exists in development only"
            );
        }
        Ok(())
    }

    /// Returns the folder with the data of the tenants' database server, where it is on this machine.
    #[must_use]
    pub fn tenants_data(&self) -> PathBuf {
        self.tenants.data_dir.clone().unwrap_or_else(|| self.installation.data_dir.join("postgres/tenants"))
    }

    /// Returns the folder with the certificates for daemons of other machines.
    #[must_use]
    pub fn docker_certificates(&self) -> PathBuf {
        self.worker.docker_certificates.clone().unwrap_or_else(|| self.installation.data_dir.join("certificates"))
    }
}

impl Proxy {
    /// One gibibyte: a database of a small company with its attachments.
    fn default_max_body_bytes() -> u64 {
        1 << 30
    }

    /// More than a container with a whole core answers.
    fn default_requests_per_second() -> u32 {
        200
    }

    /// An office that opens Odoo in the same minute.
    fn default_burst_seconds() -> u32 {
        10
    }
}

impl Tenants {
    /// Odoo's own requests end after two.
    fn default_idle_transaction_minutes() -> u64 {
        10
    }

    /// The largest upgrade and the largest dump of a database that we know of, and some more.
    fn default_transaction_minutes() -> u64 {
        60
    }

    /// Twice what one sort may have.
    fn default_temporary_gb() -> u64 {
        4
    }
}

impl Public {
    fn default_company() -> String {
        "Sayoo".to_owned()
    }

    fn validate(&self) -> anyhow::Result<()> {
        let portal = url::Url::parse(&self.portal_url)
            .context("[public] portal_url must be an address such as https://portal.example.com")?;
        if self.portal_url.ends_with('/') || portal.host_str().is_none() {
            bail!("[public] portal_url must have no path and no slash at its end");
        }
        if self.instances_url.matches("{name}").count() != 1 || url::Url::parse(&self.instance_url("x")).is_err() {
            bail!(
                "[public] instances_url must be an address with {{name}} in its host, such as https://{{name}}.example.net"
            );
        }
        if self.mode == Mode::Production && (!self.is_https() || !self.instances_url.starts_with("https://")) {
            bail!("[public] portal_url and instances_url must begin with https:// in production");
        }
        Ok(())
    }

    /// Whether people reach the portal over HTTPS: cookies are then `Secure`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.portal_url.starts_with("https://")
    }

    /// Returns the port at which people reach the portal over HTTPS, when they do.
    #[must_use]
    pub fn https_port(&self) -> Option<u16> {
        url::Url::parse(&self.portal_url).ok().filter(|_| self.is_https())?.port_or_known_default()
    }

    /// Returns the portal's port, where it is not its scheme's own.
    #[must_use]
    pub fn portal_port(&self) -> Option<u16> {
        url::Url::parse(&self.portal_url).ok()?.port()
    }

    /// Returns the port of instances, where it is not their scheme's own.
    #[must_use]
    pub fn instances_port(&self) -> Option<u16> {
        url::Url::parse(&self.instance_url("x")).ok()?.port()
    }

    /// Returns the portal's host name, without a port.
    #[must_use]
    pub fn portal_host(&self) -> String {
        url::Url::parse(&self.portal_url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Returns an instance's address: `https://acme.example.net`.
    #[must_use]
    pub fn instance_url(&self, subdomain: &str) -> String {
        self.instances_url.replace("{name}", subdomain)
    }

    /// Returns an instance's host name, without a port.
    #[must_use]
    pub fn instance_host(&self, subdomain: &str) -> String {
        url::Url::parse(&self.instance_url(subdomain))
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_default()
    }

    /// Returns the domain that instances' names are in: `example.net`.
    #[must_use]
    pub fn instances_domain(&self) -> String {
        self.instance_host("x").split_once('.').map(|(_, domain)| domain.to_owned()).unwrap_or_default()
    }

    /// Returns what stands after an instance's subdomain: `.example.net`, for showing beside a field.
    #[must_use]
    pub fn instance_suffix(&self) -> String {
        self.instances_url.split("{name}").nth(1).unwrap_or_default().to_owned()
    }
}
