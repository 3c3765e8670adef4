//! Form tokens: a form is taken only from a page that we sent to the same browser.

use actix_web::http::header::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::keys::Keys;

const NONCE_BYTES: usize = 16;

/// Returns a new token for forms of the browser known by `binding` (its session or its visit).
///
/// Each page has a different one, so that compressed pages do not give it away letter by letter.
#[must_use]
pub fn token(keys: &Keys, binding: &str) -> String {
    let nonce: [u8; NONCE_BYTES] = rand::random();
    let code = keys.sign("csrf", &[&nonce, binding.as_bytes()].concat());
    URL_SAFE_NO_PAD.encode([nonce.as_slice(), &code].concat())
}

/// Whether a token was made for this browser.
#[must_use]
pub fn is_valid(keys: &Keys, binding: &str, token: &str) -> bool {
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(token) else { return false };
    let Some((nonce, code)) = bytes.split_first_chunk::<NONCE_BYTES>() else { return false };
    keys.is_signed("csrf", &[nonce.as_slice(), binding.as_bytes()].concat(), code)
}

/// Whether the browser says that the form stood on one of our own pages. Old browsers say nothing: the token decides.
#[must_use]
pub fn is_from_us(headers: &HeaderMap, portal_url: &str) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => site == "same-origin" || site == "none",
        (None, Some(origin)) => origin.eq_ignore_ascii_case(portal_url),
        (None, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn a_token_is_good_for_its_own_browser_only() {
        let keys = Keys::new([1; 32], &[2; 32]).unwrap();
        let made = token(&keys, "visit-a");
        assert!(is_valid(&keys, "visit-a", &made));
        assert!(!is_valid(&keys, "visit-b", &made));
        assert!(!is_valid(&Keys::new([3; 32], &[2; 32]).unwrap(), "visit-a", &made));
        for forged in ["", "x", "AAAA", &made[1..], "é"] {
            assert!(!is_valid(&keys, "visit-a", forged), "{forged:?}");
        }
        assert_ne!(made, token(&keys, "visit-a"), "each page has its own");
    }

    #[test]
    fn a_form_on_another_site_is_seen() {
        let ours = "https://portal.example.com";
        for (site, origin, expected) in [
            (None, None, true),
            (Some("same-origin"), Some("null"), true),
            (Some("none"), None, true),
            (Some("cross-site"), Some(ours), false),
            (Some("same-site"), None, false),
            (None, Some(ours), true),
            (None, Some("https://evil.example.com"), false),
            (None, Some("null"), false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [("sec-fetch-site", site), ("origin", origin)] {
                if let Some(value) = value {
                    headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
                }
            }
            assert_eq!(is_from_us(&headers, ours), expected, "{site:?} {origin:?}");
        }
    }
}
