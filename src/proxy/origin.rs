//! Where a request comes from: the other end of its connection, or what somebody before us says whom the operator trusts.

use std::net::{IpAddr, SocketAddr};

use http::HeaderValue;
use http::header::HeaderMap;

use super::address::Address;
use super::connection::{Connection, Door};
use super::headers::{FORWARDED_FOR, FORWARDED_PROTO};
use super::server::Core;
use crate::base::network::{self, Network};

/// Where a request comes from.
#[derive(Debug)]
pub struct Origin {
    /// Whom it counts as.
    pub address: Address,
    /// How the visitor reached us, or whoever is before us.
    pub scheme: &'static str,
    /// Whether somebody trusted says so.
    pub is_told: bool,
    /// The visitor's address as a header, where it is not the connection's. Apart, because it is rare and all of this is moved
    /// about with a request.
    header: Option<Box<HeaderValue>>,
}

impl Origin {
    /// Finds out where a request comes from.
    pub fn of(core: &Core, connection: &Connection, headers: &HeaderMap) -> Self {
        let scheme = match connection.door {
            Door::Tls => "https",
            Door::Plain => core.shared.settings.scheme,
        };
        let mut origin = Self { address: connection.address, scheme, is_told: false, header: None };
        if connection.is_trusted {
            origin.hear(headers, &core.shared.settings.trusted);
        }
        origin
    }

    fn hear(&mut self, headers: &HeaderMap, trusted: &[Network]) {
        if let Some(visitor) = visitor(headers, trusted) {
            self.address = visitor.into();
            self.header = HeaderValue::from_str(&visitor.to_canonical().to_string()).ok().map(Box::new);
        }
        if let Some(scheme) = scheme(headers) {
            (self.scheme, self.is_told) = (scheme, true);
        }
    }

    /// Returns the visitor's address as a header.
    #[must_use]
    pub fn header(&self, connection: &Connection) -> HeaderValue {
        self.header.as_deref().unwrap_or(&connection.peer_header).clone()
    }
}

/// Returns the last address that was not added by somebody trusted. What stands before it anybody can have written.
fn visitor(headers: &HeaderMap, trusted: &[Network]) -> Option<IpAddr> {
    let told: Vec<&str> = headers
        .get_all(FORWARDED_FOR)
        .iter()
        // What is no text ends the list for whoever reads it from its end.
        .flat_map(|value| value.to_str().unwrap_or("?").split(','))
        .collect();
    let mut last = None;
    for text in told.into_iter().rev() {
        let Some(address) = address(text.trim()) else { break };
        last = Some(address);
        if !network::contain(trusted, address) {
            break;
        }
    }
    last
}

/// Some write the port as well.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

fn scheme(headers: &HeaderMap) -> Option<&'static str> {
    let told = headers.get_all(FORWARDED_PROTO).iter().next_back()?.to_str().ok()?;
    match told.rsplit(',').next()?.trim() {
        text if text.eq_ignore_ascii_case("https") => Some("https"),
        text if text.eq_ignore_ascii_case("http") => Some("http"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(lines: &[&str]) -> Option<String> {
        let trusted = ["10.0.0.0/8", "2001:db8::/32"].map(|text| text.parse().unwrap());
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        visitor(&headers, &trusted).map(|address| address.to_string())
    }

    #[test]
    fn what_the_last_trusted_one_saw_is_the_visitor_and_what_visitors_write_themselves_is_not() {
        for (lines, visitor) in [
            (&["192.0.2.7"][..], Some("192.0.2.7")),
            (&["6.6.6.6, 192.0.2.7"], Some("192.0.2.7")),
            (&["6.6.6.6", "192.0.2.7, 10.1.1.1"], Some("192.0.2.7")),
            (&["6.6.6.6, 192.0.2.7:4711, 10.1.1.1 , 2001:db8::1"], Some("192.0.2.7")),
            (&["[2a00::1]:80"], Some("2a00::1")),
            (&["[2a00::1]"], Some("2a00::1")),
            (&["10.2.2.2, 10.1.1.1"], Some("10.2.2.2")),
            (&["6.6.6.6, unknown, 10.1.1.1"], Some("10.1.1.1")),
            (&["6.6.6.6, \u{e9}"], None),
            (&["nonsense"], None),
            (&["192.0.2.7,"], None),
            (&[], None),
        ] {
            assert_eq!(found(lines).as_deref(), visitor, "{lines:?}");
        }
    }

    #[test]
    fn the_scheme_is_the_last_that_was_written() {
        let told =
            |line: &'static str| scheme(&HeaderMap::from_iter([(FORWARDED_PROTO, HeaderValue::from_static(line))]));
        assert_eq!(
            ["https", "HTTP", "http, https", "gopher", ""].map(told),
            [Some("https"), Some("http"), Some("https"), None, None]
        );
    }
}
