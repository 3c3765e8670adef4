//! The security headers of every answer.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::config::Public;

/// Adds the headers. Only pages carry the ones that mean something to pages alone.
pub fn add_headers(headers: &mut HeaderMap, public: &Public, is_page: bool) {
    let mut put = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    put("x-content-type-options", "nosniff");
    put("cross-origin-resource-policy", "same-origin");
    put("referrer-policy", "strict-origin-when-cross-origin");
    if public.is_https() {
        put("strict-transport-security", "max-age=63072000; includeSubDomains");
    }
    if is_page {
        put("content-security-policy", &content_policy(public));
        put("cross-origin-opener-policy", "same-origin");
        put("x-frame-options", "DENY");
        put("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()");
    } else {
        put("content-security-policy", "default-src 'none'; frame-ancestors 'none'");
    }
}

/// Only our own files; forms go to us, or to an instance (Open Odoo).
#[must_use]
pub fn content_policy(public: &Public) -> String {
    let instances = public.instances_url.replace("{name}", "*");
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; \
         manifest-src 'self'; form-action 'self' {instances}; frame-ancestors 'none'; base-uri 'none'"
    )
}
