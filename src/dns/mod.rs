//! What the DNS says of customers' domains. The only file that names hickory.

pub mod provider;
mod update;

use std::net::{IpAddr, SocketAddr};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};

/// Nobody answered, or not in a way that says anything about the name.
#[derive(Debug, thiserror::Error)]
#[error("the name servers do not answer about {name}")]
pub struct Unanswered {
    name: String,
    #[source]
    cause: NetError,
}

/// Asks name servers. Nothing is kept: a person who has just written a record waits for it to be seen.
#[derive(Clone)]
pub struct Resolver(TokioResolver);

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resolver")
    }
}

impl Resolver {
    /// Asks this server, or those of the system.
    pub fn new(server: Option<SocketAddr>) -> anyhow::Result<Self> {
        let mut builder = match server {
            None => TokioResolver::builder_tokio()?,
            Some(server) => {
                let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                    connection.port = server.port();
                    connection
                });
                let server = NameServerConfig::new(server.ip(), true, connections.into());
                let config = ResolverConfig::from_parts(None, vec![], vec![server]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        let options = builder.options_mut();
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        Ok(Self(builder.build()?))
    }

    /// Returns the texts of a name. A text in several pieces is one (RFC 7208, 3.3).
    pub async fn texts(&self, name: &str) -> Result<Vec<String>, Unanswered> {
        let found = self.look(name, RecordType::TXT, |data| match data {
            RData::TXT(text) => Some(text.txt_data.iter().flat_map(|piece| piece.iter().copied()).collect::<Vec<u8>>()),
            _ => None,
        });
        Ok(found.await?.into_iter().map(|text| String::from_utf8_lossy(&text).into_owned()).collect())
    }

    /// Returns the names that a name is another name for, in the order of the chain; in lower case, without the final dot.
    pub async fn aliases(&self, name: &str) -> Result<Vec<String>, Unanswered> {
        let found = self.look(name, RecordType::CNAME, |data| match data {
            RData::CNAME(target) => Some(target.0.to_lowercase().to_utf8()),
            _ => None,
        });
        Ok(found.await?.into_iter().map(|name| name.trim_end_matches('.').to_owned()).collect())
    }

    /// Returns the addresses of a name, through all its other names.
    pub async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, Unanswered> {
        let four = self.look(name, RecordType::A, |data| match data {
            RData::A(address) => Some(IpAddr::V4(address.0)),
            _ => None,
        });
        let six = self.look(name, RecordType::AAAA, |data| match data {
            RData::AAAA(address) => Some(IpAddr::V6(address.0)),
            _ => None,
        });
        let (four, six) = tokio::join!(four, six);
        match (four, six) {
            (Ok(four), Ok(six)) => Ok([four, six].concat()),
            (Ok(found), Err(_)) | (Err(_), Ok(found)) if !found.is_empty() => Ok(found),
            (Err(cause), _) | (_, Err(cause)) => Err(cause),
        }
    }

    async fn look<T>(&self, name: &str, kind: RecordType, take: fn(&RData) -> Option<T>) -> Result<Vec<T>, Unanswered> {
        // With its final dot a name is never looked for below the machine's own domain.
        match self.0.lookup(format!("{name}."), kind).await {
            Ok(found) => Ok(found.answers().iter().filter_map(|record| take(&record.data)).collect()),
            Err(cause) if cause.is_no_records_found() => Ok(Vec::new()),
            Err(cause) => Err(Unanswered { name: name.to_owned(), cause }),
        }
    }
}
