//! What is known about a request before its handler runs: who, from where, in which language.

use std::net::IpAddr;
use std::rc::Rc;

use actix_web::HttpMessage;
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header::{ACCEPT_LANGUAGE, USER_AGENT};
use actix_web::web::Data;
use anyhow::Context;
use chrono::{DateTime, Utc};

use super::cookies::{self, Kind, NewFlash};
use super::keys::Keys;
use super::layout::{Banner, Flash, Layout, NavItem, Person, Theme};
use super::{csrf, urls};
use crate::accounts::Origin;
use crate::accounts::policy::{self, Action};
use crate::accounts::sessions::{self, Session};
use crate::base::secret::{Secret, new_token};
use crate::billing::dunning::{self, Standing};
use crate::i18n::format::Formats;
use crate::i18n::{Locale, Texts};
use crate::portal::Portal;

/// What is known about a request. Kept beside it while it is answered.
#[derive(Debug)]
pub struct Arrival {
    /// The page's surroundings.
    pub layout: Layout,
    /// The customer's login.
    pub session: Option<Session>,
    /// The cookie of a login that is over.
    pub lapsed: Option<Secret<String>>,
    /// What forms of this browser are bound to.
    pub binding: String,
    /// A visit that the browser does not know yet.
    pub new_visit: Option<String>,
    /// Whether a message was waiting: it is taken away once a page has shown it.
    pub had_flash: bool,
    /// Where the request came from, for logins.
    pub origin: Origin,
}

/// Looks at a request. Returns the arrival also when the login could not be read, with the reason.
pub async fn look(request: &ServiceRequest) -> (Rc<Arrival>, Option<anyhow::Error>) {
    let portal = request.app_data::<Data<Portal>>().expect("web::configure registers the portal");
    let keys = request.app_data::<Data<Keys>>().expect("web::configure registers the keys");
    let now = portal.clock.now();
    let wanted = |kind| request.cookie(&cookies::name(&portal.public, kind)).map(|cookie| cookie.value().to_owned());

    let mut failure = None;
    let (mut session, mut lapsed) = (None, None);
    if let Some(token) = wanted(Kind::Session).filter(|_| !is_static(request.path())) {
        match sessions::find(portal, &token, now).await.context("read the login") {
            Ok(Some(found)) => session = Some(found),
            Ok(None) => lapsed = Some(Secret::new(token)),
            Err(cause) => failure = Some(cause),
        }
    }

    let visit = wanted(Kind::Visit).filter(|visit| visit.len() == 43);
    let (binding, new_visit) = match (&session, visit) {
        (Some(session), _) => (session.id.to_string(), None),
        (None, Some(visit)) => (visit, None),
        (None, None) => {
            let visit = new_token().expose().clone();
            (visit.clone(), Some(visit))
        }
    };

    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let locale = wanted(Kind::Language)
        .and_then(|code| Locale::from_code(&code))
        .or(session.as_ref().map(|session| session.locale))
        .unwrap_or_else(|| Locale::from_accept_language(header(ACCEPT_LANGUAGE).unwrap_or_default()));
    let texts = Texts::new(locale);

    let flash_text = wanted(Kind::Flash);
    let flash = flash_text.as_deref().and_then(|text| NewFlash::open(keys, text)).map(|flash| Flash {
        kind: flash.kind,
        text: match flash.value {
            Some((name, value)) => texts.with(&flash.key, &[(&name, value.into())]),
            None => texts.text(&flash.key),
        },
    });

    let overdue = match &session {
        Some(session) if request.method() == Method::GET => match look_at_debt(portal, session, now).await {
            Ok(overdue) => overdue,
            Err(cause) => {
                failure = Some(cause);
                None
            }
        },
        _ => None,
    };

    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let layout = Layout {
        texts,
        locale,
        lang: locale.code().to_owned(),
        dir: locale.dir(),
        theme: wanted(Kind::Theme).and_then(|name| Theme::from_name(&name)).unwrap_or_default(),
        csrf: csrf::token(keys, &binding),
        nav: session.as_ref().map(|session| navigation(session, texts, request.path())).unwrap_or_default(),
        person: session.as_ref().map(|session| person(session, texts, request.path())),
        path,
        flash,
        banner: overdue.map(|standing| banner(texts, &standing)),
        public: portal.public.clone(),
        request_id: request_id(request),
        now,
    };
    let arrival = Rc::new(Arrival {
        layout,
        session,
        lapsed,
        binding: binding.clone(),
        new_visit: new_visit.filter(|_| !is_static(request.path())),
        had_flash: flash_text.is_some() && request.method() == Method::GET,
        origin: Origin {
            address: address(request),
            user_agent: header(USER_AGENT).unwrap_or_default().chars().filter(|c| !c.is_control()).take(300).collect(),
            devices: wanted(Kind::Device).unwrap_or_default(),
            visit: binding,
        },
    });
    request.extensions_mut().insert(arrival.clone());
    (arrival, failure)
}

/// How the organisation stands, when an invoice of it is overdue.
async fn look_at_debt(portal: &Portal, session: &Session, now: DateTime<Utc>) -> anyhow::Result<Option<Standing>> {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let standing = dunning::standing(&mut db, session.account, now).await.context("look for overdue invoices")?;
    Ok(standing.filter(|standing| standing.overdue.minor > 0))
}

/// Says what is overdue, and what comes when.
fn banner(texts: Texts, standing: &Standing) -> Banner {
    let formats = Formats::new(texts.locale, "UTC");
    let due = formats.calendar_day(standing.due_on);
    let amount = formats.money(standing.overdue);
    let next = standing.coming.iter().find(|(step, _)| step.restricts());
    let next = next.map_or_else(
        || texts.text("dunning-nothing-next"),
        |(step, on)| {
            let what = texts.text(step.key());
            texts.with("dunning-next", &[("date", formats.calendar_day(*on).into()), ("what", what.into())])
        },
    );
    let now = standing.step.filter(|step| step.restricts() && standing.delayed_until.is_none());
    let now = now.map(|step| texts.with("dunning-now", &[("what", texts.text(step.key()).into())])).unwrap_or_default();
    let values = [("due", due.into()), ("amount", amount.into()), ("now", now.into()), ("next", next.into())];
    let (text, label, href) = if standing.number.is_empty() {
        ("dunning-banner-details", "dunning-banner-details-link", urls::billing_details())
    } else {
        ("dunning-banner", "dunning-banner-link", urls::account_billing())
    };
    Banner { text: texts.with(text, &values), label: texts.text(label), href }
}

/// Whether a path has nothing to do with who asks.
fn is_static(path: &str) -> bool {
    path.starts_with("/assets/") || path == "/health"
}

/// Returns the number that the proxy gave the request, or a new one.
fn request_id(request: &ServiceRequest) -> String {
    let given = request.headers().get("x-request-id").and_then(|id| id.to_str().ok());
    match given {
        Some(id) if (8..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') => {
            id.to_owned()
        }
        _ => uuid::Uuid::new_v4().simple().to_string(),
    }
}

/// Returns the address that the proxy saw. The proxy replaces this header, and only the proxy reaches the web process.
fn address(request: &ServiceRequest) -> String {
    let last = request.headers().get_all("x-forwarded-for").last().and_then(|value| value.to_str().ok());
    let seen = last.and_then(|list| list.rsplit(',').next()).and_then(|address| address.trim().parse::<IpAddr>().ok());
    seen.or(request.peer_addr().map(|peer| peer.ip()))
        .map(|address| address.to_canonical().to_string())
        .unwrap_or_default()
}

fn navigation(session: &Session, texts: Texts, path: &str) -> Vec<NavItem> {
    let item = |href: String, icon, key: &str, side_only| {
        let current = path == href || path.strip_prefix(href.as_str()).is_some_and(|rest| rest.starts_with('/'));
        NavItem { current, href, icon, label: texts.text(key), side_only, heading: None }
    };
    let billing = item(urls::billing(), "card", "nav-billing", false);
    let mut account = item(urls::account(), "account", "nav-account", false);
    // What is paid stands below the account's address, and is a place of its own.
    account.current &= !billing.current;
    let mut items = vec![
        item(urls::instances(), "stack", "nav-instances", false),
        item(urls::pricing(), "plan", "nav-pricing", false),
    ];
    if policy::may(session.role, Action::SeeCosts) {
        items.push(billing);
    }
    items.push(account);
    items
}

fn person(session: &Session, texts: Texts, path: &str) -> Person {
    let link = |href: String, icon, key: &str| NavItem {
        current: path == href,
        href,
        icon,
        label: texts.text(key),
        side_only: false,
        heading: None,
    };
    Person {
        name: session.name.clone(),
        email: session.email.clone(),
        account_name: session.account_name.clone(),
        role: session.role,
        timezone: session.timezone.clone(),
        is_verified: session.is_verified,
        place: session.account_name.clone(),
        accounts: Vec::new(),
        links: vec![
            link(urls::account(), "account", "nav-account"),
            link(urls::account_security(), "key", "nav-security"),
        ],
        leave: urls::log_out(),
    }
}
