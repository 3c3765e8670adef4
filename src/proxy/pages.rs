//! The pages that the proxy shows itself. The only file that knows HTML.

use std::sync::LazyLock;

use askama::Template;
use base64::Engine as _;
use bytes::Bytes;
use fluent_bundle::FluentValue;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Response, StatusCode};
use sha2::{Digest, Sha256};

use super::Settings;
use super::body::ResponseBody;
use super::headers::REQUEST_ID;
use crate::i18n::{Locale, Texts};

/// What there is to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The request cannot be understood, or can be understood in two ways.
    Malformed,
    /// The method is not for us.
    Method,
    /// The connection's certificate is not for this host: the browser asks again on another connection.
    Misdirected,
    /// Nothing has this name.
    Unknown,
    /// No route was ever read.
    NotLoaded,
    /// The instance is on its way.
    Starting,
    /// The instance slept and is on its way.
    Waking,
    /// The customer stopped it.
    Stopped,
    /// It is suspended.
    Suspended,
    /// Somebody works on it.
    Maintenance,
    /// Never public.
    Blocked,
    /// The body is larger than allowed.
    TooLarge,
    /// More requests wait for the instance than it can answer in time.
    Busy,
    /// More requests came in a second than the instance gets.
    Limited {
        /// When there is room for the next one.
        seconds: u32,
    },
    /// The instance did not answer, or nonsense.
    Failed,
    /// The instance took too long.
    TimedOut,
    /// The web process is away.
    PortalDown,
}

impl Page {
    /// Returns the status that goes with it.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::Unknown => StatusCode::NOT_FOUND,
            Self::Suspended | Self::Blocked => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Limited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Failed => StatusCode::BAD_GATEWAY,
            Self::TimedOut => StatusCode::GATEWAY_TIMEOUT,
            Self::NotLoaded
            | Self::Starting
            | Self::Waking
            | Self::Stopped
            | Self::Maintenance
            | Self::Busy
            | Self::PortalDown => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The first part of its texts' keys.
    fn key(self) -> &'static str {
        match self {
            Self::Malformed | Self::Method | Self::Misdirected => "proxy-malformed",
            Self::Unknown => "proxy-unknown",
            Self::Starting => "proxy-starting",
            Self::Waking => "proxy-waking",
            Self::Stopped => "proxy-stopped",
            Self::Suspended => "proxy-suspended",
            Self::Maintenance => "proxy-maintenance",
            Self::Blocked => "proxy-blocked",
            Self::TooLarge => "proxy-too-large",
            Self::Busy => "proxy-busy",
            Self::Limited { .. } => "proxy-limited",
            Self::Failed => "proxy-failed",
            Self::TimedOut => "proxy-timed-out",
            Self::NotLoaded | Self::PortalDown => "proxy-portal-down",
        }
    }

    /// After how many seconds it is worth trying again.
    fn retry_after(self) -> Option<u32> {
        match self {
            Self::Starting | Self::Waking => Some(2),
            Self::Busy | Self::NotLoaded | Self::PortalDown => Some(5),
            Self::Limited { seconds } => Some(seconds),
            Self::Maintenance => Some(30),
            _ => None,
        }
    }
}

/// Who asks: how to speak to them.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Whether a page is wanted, rather than a line of text.
    pub wants_page: bool,
    /// The language of the instance, when it is one.
    pub locale: Option<Locale>,
    /// What the browser asks for.
    pub accept_language: Option<HeaderValue>,
    /// The name of the request.
    pub request_id: HeaderValue,
}

impl Visitor {
    /// Looks at a request's headers.
    #[must_use]
    pub fn new(method: &Method, headers: &HeaderMap, request_id: HeaderValue) -> Self {
        let accepts = |accept: &HeaderValue| {
            let accept = accept.as_bytes();
            accept.starts_with(b"text/html") || accept.windows(9).any(|word| word == b"text/html")
        };
        // The last two are refused whatever else they say.
        let may_get_page = matches!(*method, Method::GET | Method::HEAD | Method::TRACE | Method::CONNECT);
        Self {
            wants_page: may_get_page && headers.get(header::ACCEPT).is_some_and(accepts),
            locale: None,
            accept_language: headers.get(header::ACCEPT_LANGUAGE).cloned(),
            request_id,
        }
    }

    fn locale(&self) -> Locale {
        self.locale.unwrap_or_else(|| {
            let asked = self.accept_language.as_ref().and_then(|value| value.to_str().ok());
            asked.map_or_else(Locale::default, Locale::from_accept_language)
        })
    }
}

#[derive(Template)]
#[template(path = "proxy/page.html")]
struct PageTemplate<'a> {
    locale: Locale,
    style: &'static str,
    title: String,
    text: String,
    company: &'a str,
    tone: &'static str,
    refresh: Option<u32>,
    home: Option<(&'a str, String)>,
    request: Option<(String, &'a str)>,
}

const STYLE: &str = include_str!("../../templates/proxy/page.css");

/// Allows our own style and nothing else.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).expect("base64 is plain ASCII")
});

/// Answers with a page of our own.
#[must_use]
pub fn answer(page: Page, visitor: &Visitor, settings: &Settings) -> Response<ResponseBody> {
    let html = if visitor.wants_page { render(page, visitor, settings) } else { None };
    let (kind, text) = match html {
        Some(html) => ("text/html; charset=utf-8", html),
        None => ("text/plain; charset=utf-8", plain(page, visitor, settings)),
    };
    let mut response = Response::new(ResponseBody::own(text));
    *response.status_mut() = page.status();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY.clone());
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(REQUEST_ID, visitor.request_id.clone());
    if let Some(seconds) = page.retry_after() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if matches!(page, Page::Malformed | Page::Method) {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Returns a whole answer to what is no request, as it is sent: nothing is known of who asked, so that it is in our own language.
#[must_use]
pub fn whole(status: StatusCode, request_id: HeaderValue, settings: &Settings) -> Option<Bytes> {
    let visitor = Visitor { wants_page: true, locale: None, accept_language: None, request_id };
    let html = render(Page::Malformed, &visitor, settings)?;
    let (policy, id) = (POLICY.to_str().ok()?, visitor.request_id.to_str().ok()?);
    Some(Bytes::from(format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\ncache-control: no-store\r\n\
         content-security-policy: {policy}\r\nx-content-type-options: nosniff\r\nreferrer-policy: no-referrer\r\n\
         x-request-id: {id}\r\nconnection: close\r\n\r\n{html}",
        html.len()
    )))
}

/// Sends the visitor to the same place over HTTPS. The method stays what it is (RFC 9110, 15.4.9).
#[must_use]
pub fn redirect(location: HeaderValue) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::own(""));
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response.headers_mut().insert(header::LOCATION, location);
    response
}

/// Answers with a line of text, for machines.
#[must_use]
pub fn text(text: String) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::own(text));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Says that there is nothing, for machines.
#[must_use]
pub fn nothing() -> Response<ResponseBody> {
    let mut response = text("Not found\n".to_owned());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

fn words(page: Page, visitor: &Visitor, settings: &Settings) -> (Texts, String, String) {
    let texts = Texts::new(visitor.locale());
    let company = [("company", FluentValue::from(settings.company.as_str()))];
    let title = texts.with(&format!("{}-title", page.key()), &company);
    let text = texts.with(&format!("{}-text", page.key()), &company);
    (texts, title, text)
}

fn render(page: Page, visitor: &Visitor, settings: &Settings) -> Option<String> {
    let (texts, title, text) = words(page, visitor, settings);
    let is_trouble = matches!(
        page,
        Page::Failed
            | Page::TimedOut
            | Page::PortalDown
            | Page::NotLoaded
            | Page::Malformed
            | Page::Method
            | Page::Misdirected
            | Page::Maintenance
            | Page::Busy
            | Page::Limited { .. }
    );
    let template = PageTemplate {
        locale: texts.locale,
        style: STYLE,
        title,
        text,
        company: &settings.company,
        tone: match page {
            Page::Starting | Page::Waking => "busy",
            Page::Stopped | Page::Maintenance | Page::Unknown => "quiet",
            Page::Suspended | Page::Blocked | Page::TooLarge | Page::Busy | Page::Limited { .. } => "warn",
            _ => "bad",
        },
        refresh: page.retry_after(),
        home: (page == Page::Unknown).then(|| (settings.portal_url.as_str(), texts.text("proxy-home"))),
        request: is_trouble.then(|| (texts.text("proxy-request"), visitor.request_id.to_str().unwrap_or_default())),
    };
    template.render().ok()
}

fn plain(page: Page, visitor: &Visitor, settings: &Settings) -> String {
    let (_, title, text) = words(page, visitor, settings);
    format!("{title}\n{text}\n{}\n", visitor.request_id.to_str().unwrap_or_default())
}
