//! Which host a request asks for. Pure: whatever could be read in two ways is refused.
//!
//! In HTTP/1 that is exactly one `Host`, and the same one in an absolute address. In HTTP/2 it is `:authority`, and the same
//! one in a `Host`, if there is any; the h2 library has refused capitals, connection headers and pseudo-headers that are
//! missing, doubled or late. What is left of a body's length is checked here, because it is written into HTTP/1 as it is.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue, Request, Version, header};

use super::connection::Door;
use super::{strict, table};

/// The host that a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct Asked<'a> {
    /// In its normal form.
    pub name: Cow<'a, str>,
    /// As it was asked for.
    pub port: Option<u16>,
    /// The header that says it, where it says so in just these words.
    verbatim: Option<&'a HeaderValue>,
}

/// The request cannot be understood, or can be understood in two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request is not well formed")]
pub struct Malformed;

impl Door {
    fn scheme(self) -> &'static str {
        match self {
            Self::Plain => "http",
            Self::Tls => "https",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Plain => 80,
            Self::Tls => 443,
        }
    }
}

impl<'a> Asked<'a> {
    fn parse(text: &'a str) -> Result<Self, Malformed> {
        let (name, port) = table::host(text).map_err(|_| Malformed)?;
        Ok(Self { name, port, verbatim: None })
    }

    fn parse_header(said: &'a HeaderValue) -> Result<Self, Malformed> {
        let asked = Self::parse(said.to_str().map_err(|_| Malformed)?)?;
        let is_verbatim = matches!(asked.name, Cow::Borrowed(name) if name.len() == said.len());
        Ok(Self { verbatim: is_verbatim.then_some(said), ..asked })
    }

    fn is(&self, other: &Self, door: Door) -> bool {
        let default = door.default_port();
        self.name == other.name && self.port.unwrap_or(default) == other.port.unwrap_or(default)
    }

    /// Reads the host of a request.
    pub fn of<B>(request: &'a Request<B>, door: Door) -> Result<Self, Malformed> {
        if !request.uri().path().starts_with('/') {
            return Err(Malformed);
        }
        let host = only(request.headers(), &header::HOST)?;
        let host = host.map(Self::parse_header).transpose()?;
        let uri = request.uri();
        let authority = uri.authority().map(|authority| Self::parse(authority.as_str())).transpose()?;
        if authority.is_some() && uri.scheme_str() != Some(door.scheme()) {
            return Err(Malformed);
        }
        let is_http2 = request.version() == Version::HTTP_2;
        if is_http2 {
            let length = only(request.headers(), &header::CONTENT_LENGTH)?;
            if length.is_some_and(|length| strict::number(length.as_bytes()).is_none()) {
                return Err(Malformed);
            }
        }
        match (authority, host) {
            (Some(authority), Some(host)) if authority.is(&host, door) => Ok(host),
            (Some(authority), None) if is_http2 => Ok(authority),
            (None, Some(host)) => Ok(host),
            _ => Err(Malformed),
        }
    }

    /// Returns the host as upstreams see it: with the port at which visitors reach it, and not the one that this one wrote.
    pub fn header(&self, port: Option<u16>) -> Result<HeaderValue, Malformed> {
        let value = match (self.verbatim, port) {
            (Some(said), None) => Ok(said.clone()),
            (_, Some(port)) => HeaderValue::from_str(&format!("{}:{port}", self.name)),
            (None, None) => HeaderValue::from_str(&self.name),
        };
        value.map_err(|_| Malformed)
    }
}

/// A header that there may be one of.
fn only<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Result<Option<&'a HeaderValue>, Malformed> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(version: Version, door: Door, uri: &str, headers: &[(&str, &str)]) -> Option<String> {
        let mut request = Request::builder().version(version).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).unwrap();
        let asked = Asked::of(&request, door).ok()?;
        let header = |port| asked.header(port).unwrap().to_str().unwrap().to_owned();
        assert_eq!(header(Some(8443)), format!("{}:8443", header(None)));
        Some(header(None))
    }

    #[test]
    fn http_1_says_its_host_once() {
        let plain = |uri, headers: &[(&str, &str)]| asked(Version::HTTP_11, Door::Plain, uri, headers);
        assert_eq!(plain("/", &[("host", "A.net.:8080")]).unwrap(), "a.net");
        assert_eq!(plain("http://a.net/x", &[("host", "a.net:80")]).unwrap(), "a.net");
        for (uri, headers) in [
            ("/", &[][..]),
            ("http://a.net/", &[]),
            ("/", &[("host", "a.net"), ("host", "a.net")]),
            ("http://b.net/", &[("host", "a.net")]),
            ("http://a.net:81/", &[("host", "a.net")]),
            ("https://a.net/", &[("host", "a.net")]),
            ("*", &[("host", "a.net")]),
            ("/", &[("host", "a.net@b.net")]),
        ] {
            assert_eq!(plain(uri, headers), None, "{uri} {headers:?}");
        }
        let secure = |uri| asked(Version::HTTP_11, Door::Tls, uri, &[("host", "a.net")]);
        assert_eq!(secure("https://a.net:443/").unwrap(), "a.net");
        assert_eq!(secure("http://a.net/"), None);
    }

    #[test]
    fn http_2_says_its_authority_and_nothing_else_may_contradict_it() {
        let two = |uri, headers: &[(&str, &str)]| asked(Version::HTTP_2, Door::Tls, uri, headers);
        assert_eq!(two("https://A.net/", &[]).unwrap(), "a.net");
        assert_eq!(two("https://a.net/", &[("host", "a.net:443"), ("content-length", "3")]).unwrap(), "a.net");
        assert_eq!(two("/", &[("host", "a.net")]).unwrap(), "a.net");
        for (uri, headers) in [
            ("/", &[][..]),
            ("https://a.net/", &[("host", "b.net")]),
            ("https://a.net/", &[("host", "a.net:80")]),
            ("https://a.net/", &[("host", "a.net"), ("host", "a.net")]),
            ("http://a.net/", &[]),
            ("https://user@a.net/", &[]),
            ("https://a.net/", &[("content-length", "3"), ("content-length", "3")]),
            ("https://a.net/", &[("content-length", "3, 3")]),
            ("https://a.net/", &[("content-length", "+3")]),
            ("https://a.net/", &[("content-length", "")]),
        ] {
            assert_eq!(two(uri, headers), None, "{uri} {headers:?}");
        }
    }
}
