//! Which headers pass, and which ones the proxy writes itself. Pure.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;

use super::cookies;

/// Names the request in our log, the upstream's log and on the visitor's error page.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Who asked whoever asks us.
pub const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");
/// How they were asked.
pub const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// What the proxy knows about a request and upstreams believe.
#[derive(Clone, Debug)]
pub struct Truth {
    /// The visitor's address.
    pub peer: HeaderValue,
    /// The host that was asked for, in normal form, with its port.
    pub host: HeaderValue,
    /// How the visitor reached us.
    pub scheme: &'static str,
    /// The request's name.
    pub request_id: HeaderValue,
}

/// Removes what must not reach an upstream and writes the truth instead.
pub fn prepare_request(headers: &mut HeaderMap, truth: Truth) {
    remove_named_by_connection(headers);
    remove(headers, is_dropped_from_requests);
    join_cookies(headers);
    let Truth { peer, host, scheme, request_id } = truth;
    headers.insert(FORWARDED_FOR, peer.clone());
    headers.insert(REAL_IP, peer);
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(scheme));
    headers.insert(REQUEST_ID, request_id);
    headers.insert(FORWARDED_HOST, host.clone());
    headers.insert(header::HOST, host);
}

/// Whose answer it is: only tenants are kept from setting cookies for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// Our own web process.
    Portal,
    /// A customer's instance.
    Tenant,
}

/// Removes what must not reach a visitor.
pub fn prepare_response(headers: &mut HeaderMap, author: Author, scheme: &str, request_id: HeaderValue) {
    remove_named_by_connection(headers);
    remove(headers, is_dropped_from_responses);
    headers.insert(REQUEST_ID, request_id);
    if author == Author::Tenant {
        // What a tenant says would hold for as long as it likes, and for names below its own that are not its own.
        headers.remove(header::STRICT_TRANSPORT_SECURITY);
        cookies::keep_at_home(headers, scheme == "https");
        clear_only_what_is_its_own(headers);
    }
}

/// Asks browsers to come by HTTPS only, for a year. What the portal says itself stays.
pub fn insist_on_https(headers: &mut HeaderMap) {
    headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(HeaderValue::from_static("max-age=31536000"));
}

/// Returns how long a request's head would be in HTTP/1: what is put on the account whatever it was packed in.
#[must_use]
pub fn request_size(parts: &Parts) -> usize {
    let target = parts.uri.path_and_query().map_or(1, |path| path.as_str().len());
    let host = parts.uri.authority().map_or(0, |authority| "host: \r\n".len() + authority.as_str().len());
    parts.method.as_str().len() + target + " HTTP/1.1\r\n \r\n".len() + host + size(&parts.headers)
}

/// Returns how long headers are in HTTP/1.
#[must_use]
pub fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len()).sum()
}

/// Whether a header lists a word, in any case.
#[must_use]
pub fn lists(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|token| token.trim().eq_ignore_ascii_case(word))
}

/// Headers that `Connection` names are for this hop only (RFC 9110, 7.6.1).
fn remove_named_by_connection(headers: &mut HeaderMap) {
    if !headers.contains_key(header::CONNECTION) {
        return;
    }
    let is_simple = |value: &HeaderValue| {
        let value = value.as_bytes();
        value.eq_ignore_ascii_case(b"keep-alive") || value.eq_ignore_ascii_case(b"close")
    };
    if headers.get_all(header::CONNECTION).iter().all(is_simple) {
        return;
    }
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|token| token.trim().parse().ok())
        // These say where the body ends or who is asked; taking them away would change the request.
        .filter(|name| !matches!(*name, header::CONTENT_LENGTH | header::HOST))
        .collect();
    for name in named {
        headers.remove(name);
    }
}

fn remove(headers: &mut HeaderMap, is_dropped: fn(&str) -> bool) {
    let mut dropped = headers.keys().filter(|name| !is_usual(name) && is_dropped(name.as_str())).cloned();
    let Some(first) = dropped.next() else { return };
    // Hardly ever is there another one, and then this costs nothing.
    let others: Vec<HeaderName> = dropped.collect();
    for name in std::iter::once(first).chain(others) {
        headers.remove(name);
    }
}

/// What nearly every message says and nobody drops: to know these by their number spares reading their names.
fn is_usual(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::HOST
            | header::USER_AGENT
            | header::ACCEPT
            | header::ACCEPT_LANGUAGE
            | header::ACCEPT_ENCODING
            | header::COOKIE
            | header::REFERER
            | header::ORIGIN
            | header::CACHE_CONTROL
            | header::CONTENT_TYPE
            | header::CONTENT_LENGTH
            | header::DATE
            | header::SERVER
            | header::SET_COOKIE
            | header::LOCATION
            | header::ETAG
            | header::LAST_MODIFIED
    )
}

fn is_hop_by_hop(name: &str) -> bool {
    matches!(name, "connection" | "keep-alive" | "te" | "trailer" | "transfer-encoding" | "upgrade")
        || name.starts_with("proxy-")
}

fn is_dropped_from_requests(name: &str) -> bool {
    let is_named = || {
        is_hop_by_hop(name)
            || matches!(
                name,
                "forwarded"
                    | "proxy"
                    | "expect"
                    | "via"
                    | "client-ip"
                    | "true-client-ip"
                    | "cf-connecting-ip"
                    | "http2-settings"
            )
            || name.starts_with("x-forwarded")
            || name.starts_with("x-sayoo-")
            || matches!(
                name,
                "x-real-ip"
                    | "x-client-ip"
                    | "x-cluster-client-ip"
                    | "x-original-url"
                    | "x-rewrite-url"
                    | "x-original-host"
                    | "x-host"
                    | "x-http-method-override"
                    | "x-request-id"
            )
    };
    // Most of what browsers send begins otherwise, and need not be compared with all of these.
    let may_be_named =
        matches!(name.as_bytes()[0], b'c' | b'e' | b'f' | b'h' | b'k' | b'p' | b't' | b'u' | b'v' | b'x');
    // WSGI cannot tell X_Forwarded_For from X-Forwarded-For.
    may_be_named && is_named() || name.contains('_')
}

fn is_dropped_from_responses(name: &str) -> bool {
    // Alt-Svc could send visitors to a port that is not ours.
    is_hop_by_hop(name) || matches!(name, "alt-svc" | "x-request-id") || name.starts_with("x-sayoo-")
}

/// What a browser forgets of one origin. Cookies it forgets of the whole registrable domain: of other customers, and of the
/// portal where it is there too; and so it does with whatever it makes of `*`.
const OF_ONE_ORIGIN: [&str; 5] =
    ["\"cache\"", "\"storage\"", "\"executionContexts\"", "\"prefetchCache\"", "\"prerenderCache\""];

fn clear_only_what_is_its_own(headers: &mut HeaderMap) {
    if !headers.contains_key(CLEAR_SITE_DATA) {
        return;
    }
    let said = headers.get_all(CLEAR_SITE_DATA).iter().filter_map(|value| value.to_str().ok());
    let kept: Vec<&str> =
        said.flat_map(|value| value.split(',')).map(str::trim).filter(|word| OF_ONE_ORIGIN.contains(word)).collect();
    let kept = (!kept.is_empty()).then(|| HeaderValue::from_str(&kept.join(", ")).ok()).flatten();
    headers.remove(CLEAR_SITE_DATA);
    if let Some(kept) = kept {
        headers.insert(CLEAR_SITE_DATA, kept);
    }
}

/// HTTP/2 may send cookies one by one; in HTTP/1 they are one header (RFC 9113, 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(header::COOKIE).iter().nth(1).is_none() {
        return;
    }
    let all: Vec<&[u8]> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    // Made of header values and a separator that may stand in one.
    if let Ok(joined) = HeaderValue::from_bytes(&all.join(&b"; "[..])) {
        headers.insert(header::COOKIE, joined);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn text(headers: &HeaderMap) -> Vec<String> {
        let mut lines: Vec<_> =
            headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        lines.sort();
        lines
    }

    #[test]
    fn upstreams_read_only_the_truth() {
        let mut headers = map(&[
            ("host", "ACME.net"),
            ("accept", "*/*"),
            ("x-forwarded-for", "6.6.6.6"),
            ("x-forwarded-for", "7.7.7.7"),
            ("x-forwarded-host", "evil"),
            ("x-forwarded-proto", "gopher"),
            ("x-forwarded-port", "1"),
            ("x-forwarded", "for=6"),
            ("forwarded", "for=6.6.6.6"),
            ("x-real-ip", "6.6.6.6"),
            ("x_forwarded_for", "6.6.6.6"),
            ("x-sayoo-user", "root"),
            ("true-client-ip", "6.6.6.6"),
            ("proxy", "http://evil"),
            ("x-request-id", "mine"),
            ("connection", "close, X-Secret, Host, x-real-ip"),
            ("x-secret", "1"),
            ("te", "trailers"),
            ("keep-alive", "1"),
            ("upgrade", "h2c"),
            ("proxy-authorization", "x"),
            ("cookie", "a=b"),
            ("cookie", "c=d"),
        ]);
        prepare_request(
            &mut headers,
            Truth {
                peer: HeaderValue::from_static("9.9.9.9"),
                host: HeaderValue::from_static("acme.net:8080"),
                scheme: "http",
                request_id: HeaderValue::from_static("id"),
            },
        );
        assert_eq!(
            text(&headers),
            [
                "accept: */*",
                "cookie: a=b; c=d",
                "host: acme.net:8080",
                "x-forwarded-for: 9.9.9.9",
                "x-forwarded-host: acme.net:8080",
                "x-forwarded-proto: http",
                "x-real-ip: 9.9.9.9",
                "x-request-id: id",
            ]
        );
    }

    #[test]
    fn a_tenant_s_cookies_stay_at_home_and_the_portal_s_are_left_alone() {
        let cookies = [
            ("set-cookie", "a=1; Domain=example.net; Path=/"),
            ("set-cookie", "domain=2; path=/;DOMAIN = .example.net"),
            ("set-cookie", "c=3; HttpOnly"),
            ("alt-svc", "h3=\":9\""),
            ("connection", "keep-alive"),
            ("transfer-encoding", "chunked"),
        ];
        let mut headers = map(&cookies);
        prepare_response(&mut headers, Author::Tenant, "http", HeaderValue::from_static("id"));
        assert_eq!(
            text(&headers),
            [
                "set-cookie: a=1; Path=/",
                "set-cookie: c=3; HttpOnly",
                "set-cookie: domain=2; path=/",
                "x-request-id: id"
            ]
        );

        let mut headers = map(&[
            ("set-cookie", "a=1; Path=/; secure"),
            ("set-cookie", "secure=1; Domain=b"),
            ("strict-transport-security", "max-age=0"),
        ]);
        prepare_response(&mut headers, Author::Tenant, "https", HeaderValue::from_static("id"));
        insist_on_https(&mut headers);
        assert_eq!(
            text(&headers),
            [
                "set-cookie: a=1; Path=/; secure",
                "set-cookie: secure=1; Secure",
                "strict-transport-security: max-age=31536000",
                "x-request-id: id"
            ]
        );

        let mut headers = map(&cookies[..1]);
        prepare_response(&mut headers, Author::Portal, "http", HeaderValue::from_static("id"));
        assert_eq!(headers["set-cookie"], "a=1; Domain=example.net; Path=/");
    }

    #[test]
    fn a_tenant_clears_what_is_of_its_own_origin_and_no_cookies() {
        for (said, kept) in [
            (&["\"cookies\""][..], None),
            (&["\"*\""], None),
            (&["*", "\"Cookies\", \"cookies\""], None),
            (&["\"cache\", \"cookies\"", "\"storage\""], Some("\"cache\", \"storage\"")),
        ] {
            let lines: Vec<_> = said.iter().map(|value| ("clear-site-data", *value)).collect();
            let mut headers = map(&lines);
            prepare_response(&mut headers, Author::Tenant, "https", HeaderValue::from_static("id"));
            assert_eq!(headers.get("clear-site-data").map(|value| value.to_str().unwrap()), kept, "{said:?}");
        }
        let mut headers = map(&[("clear-site-data", "\"cookies\"")]);
        prepare_response(&mut headers, Author::Portal, "https", HeaderValue::from_static("id"));
        assert_eq!(headers["clear-site-data"], "\"cookies\"");
    }
}
