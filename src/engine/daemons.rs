//! Which daemons there are: one on each machine, reached over mTLS, or by its socket on this machine.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// The port of a daemon's API over TLS, by convention.
pub const TLS_PORT: u16 = 2376;

/// One machine's daemon, as it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Daemon {
    /// The Swarm's id of the machine; empty before it is known.
    pub node: String,
    /// `unix:///var/run/docker.sock`, or `tcp://10.0.0.2:2376` for mTLS.
    pub endpoint: String,
    /// Where its containers' published ports are reached.
    pub upstream_address: IpAddr,
    /// Whether the Swarm has given the machine up: it is asked nothing, and what it has is not waited for.
    pub is_lost: bool,
}

/// The files with which this program proves to daemons who it is, and knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificates {
    /// The only authority that is trusted.
    pub authority: PathBuf,
    /// Our own certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl Certificates {
    /// Names the files that `sayoo host certs` makes in a folder.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        Self { authority: folder.join("ca.pem"), certificate: folder.join("cert.pem"), key: folder.join("key.pem") }
    }
}

/// What was found on all machines at once. Part of them may not have answered.
#[derive(Clone, Debug)]
pub struct Everywhere<T> {
    /// What those that answered have.
    pub found: T,
    /// The upstream addresses of those that did not: nothing is known about what they have.
    pub unseen: BTreeSet<IpAddr>,
}
