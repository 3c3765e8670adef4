//! Finds out what a request wants: where it goes, or which page says why it goes nowhere.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::BytesMut;
use http::{HeaderValue, Method, Request, Response, header};
use hyper::body::Incoming;

use super::authority::Asked;
use super::body::ResponseBody;
use super::bucket::Rate;
use super::connection::{Connection, Door};
use super::exchange::{Exchange, Lane};
use super::forbidden::Place;
use super::forward::{Destination, Journey};
use super::origin::Origin;
use super::pages::{self, Page, Visitor};
use super::server::Core;
use super::strict::Verdict;
use super::table::{Route, State};
use super::{forbidden, headers, hold};

/// How long the name of a request is.
const NAME: usize = 32;

/// How many names share one piece of memory. Each stays for as long as its request.
const NAMES_AT_ONCE: usize = 64;

thread_local! {
    /// Where the next names come from: a piece of memory for each would be two more for every request.
    static NAMES: RefCell<BytesMut> = RefCell::new(BytesMut::new());
}

/// What is to be done with a request that can be understood.
enum Decision {
    /// It is sent on, with this `Host`.
    Forward(Destination, HeaderValue),
    /// The visitor comes again over HTTPS, to this address.
    Redirect(HeaderValue),
    /// A certificate authority asks, and this is the answer.
    Say(String),
    /// Nobody but us answers there, and we have nothing to say.
    SayNothing,
}

impl Core {
    /// Answers a request.
    pub async fn answer(
        self: Arc<Self>,
        connection: Arc<Connection>,
        request: Request<Incoming>,
    ) -> Response<ResponseBody> {
        let exchange = Exchange::begin(&connection, &self.shared.settings.limits);
        let origin = Origin::of(&self, &connection, request.headers());
        let is_over_https = origin.scheme == "https"
            && (origin.is_told || connection.door == Door::Tls || self.shared.tls_port.is_none());
        let mut response = Arc::clone(&self).decide_and_do(&exchange, request, origin).await;
        if is_over_https {
            headers::insist_on_https(response.headers_mut());
        }
        if connection.is_http2() {
            // What HTTP/1 says about its connection means nothing here (RFC 9113, 8.2.2).
            response.headers_mut().remove(header::CONNECTION);
        } else if exchange.verdict == Verdict::LastRequest {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if exchange.lane.counts_heads() {
            exchange.lane.has_written("HTTP/1.1 200\r\n\r\n".len() + headers::size(response.headers()));
        }
        response.body_mut().ends(exchange.answered());
        response
    }

    async fn decide_and_do(
        self: Arc<Self>,
        exchange: &Exchange,
        request: Request<Incoming>,
        origin: Origin,
    ) -> Response<ResponseBody> {
        let mut visitor = Visitor::new(request.method(), request.headers(), self.request_id());
        let decision = match exchange.verdict {
            Verdict::Ambiguous => Err(Page::Malformed),
            _ => self.decide(&exchange.lane, &origin, &request, &mut visitor).await,
        };
        match decision {
            Ok(Decision::Forward(destination, host)) => {
                let lane = exchange.lane.clone();
                Journey { core: self, lane, visitor, destination, host, origin }.make(request).await
            }
            Ok(Decision::Redirect(location)) => {
                exchange.lane.bill_to(None, || 0);
                pages::redirect(location)
            }
            Ok(Decision::Say(answer)) => {
                exchange.lane.bill_to(None, || 0);
                pages::text(answer)
            }
            Ok(Decision::SayNothing) => {
                exchange.lane.bill_to(None, || 0);
                pages::nothing()
            }
            Err(page) => {
                exchange.lane.bill_to(None, || 0);
                pages::answer(page, &visitor, &self.shared.settings)
            }
        }
    }

    async fn decide(
        &self,
        lane: &Lane,
        origin: &Origin,
        request: &Request<Incoming>,
        visitor: &mut Visitor,
    ) -> Result<Decision, Page> {
        if *request.method() == Method::CONNECT || *request.method() == Method::TRACE {
            return Err(Page::Method);
        }
        let door = lane.connection.door;
        let asked = Asked::of(request, door).map_err(|_| Page::Malformed)?;
        let name = asked.name.as_ref();
        let host = asked.header(self.public_port(name, door)).map_err(|_| Page::Malformed)?;
        // Who came over HTTPS as far as somebody trusted need not come again.
        let came_by = if origin.is_told && origin.scheme == "https" { Door::Tls } else { door };
        if door == Door::Tls && !self.shared.certificates.book().is_the_same(lane.connection.server_name(), name) {
            return Err(Page::Misdirected);
        }
        if let Some(answer) = self.authority_s_answer(name, door, request.uri().path()) {
            return Ok(Decision::Say(answer));
        }
        // Before any route: neither a tenant nor a redirect answers for a name that is ours, or that was theirs.
        let place = forbidden::place(request.uri().path());
        if place == Place::OfAuthorities {
            return Ok(Decision::SayNothing);
        }
        if name == self.shared.settings.portal_host {
            if let Some(location) = self.over_https(name, came_by, request) {
                return Ok(Decision::Redirect(location));
            }
            lane.bill_to(None, || 0);
            return Ok(Decision::Forward(Destination::Portal, host));
        }
        let route = {
            let table = self.shared.table.load();
            let missing = if table.is_loaded { Page::Unknown } else { Page::NotLoaded };
            Arc::clone(table.find(name).ok_or(missing)?)
        };
        if let Some(location) = self.over_https(name, came_by, request) {
            return Ok(Decision::Redirect(location));
        }
        visitor.locale = Some(route.locale);
        if place == Place::OfDatabases {
            return Err(Page::Blocked);
        }
        self.take_from_bucket(&route)?;
        let was_asleep = route.state() == State::Asleep;
        let route = if route.state().is_coming() { self.hold(name, visitor).await? } else { route };
        match route.state() {
            State::Serving => Ok(Decision::Forward(Destination::Instance(route), host)),
            State::Asleep => Err(Page::Waking),
            // Whoever woke it reads the whole story.
            State::Starting if was_asleep => Err(Page::Waking),
            State::Starting => Err(Page::Starting),
            State::Stopped => Err(Page::Stopped),
            State::Suspended => Err(Page::Suspended),
            State::Maintenance => Err(Page::Maintenance),
        }
    }

    /// Counts the request against what its environment gets in a second.
    fn take_from_bucket(&self, route: &Route) -> Result<(), Page> {
        let settings = &self.shared.settings;
        let limit = route.requests_per_second.unwrap_or(settings.requests_per_second);
        let Some(rate) = Rate::per_second(limit, settings.burst_seconds) else { return Ok(()) };
        route.counters.bucket.take(rate, self.shared.began.elapsed()).map_err(|wait| {
            route.counters.limited();
            Page::Limited { seconds: u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1) }
        })
    }

    /// Returns what a certificate authority has to see (RFC 8555, 8.3). It asks in the clear, also for names without a route.
    fn authority_s_answer(&self, name: &str, door: Door, path: &str) -> Option<String> {
        let token = path.strip_prefix("/.well-known/acme-challenge/").filter(|_| door == Door::Plain)?;
        let answers = self.shared.answers.load();
        answers.get(token).filter(|answer| answer.hostname == name).map(|answer| answer.answer.clone())
    }

    /// Returns the port at which visitors reach a name, where it is not their scheme's own: whatever they wrote themselves,
    /// links that an upstream makes of it lead here.
    fn public_port(&self, name: &str, door: Door) -> Option<u16> {
        match door {
            Door::Tls => self.shared.tls_port.filter(|port| *port != 443),
            Door::Plain if name == self.shared.settings.portal_host => self.shared.settings.portal_port,
            Door::Plain => self.shared.settings.instances_port,
        }
    }

    /// Returns where a visitor has to go who came in the clear and need not.
    fn over_https(&self, name: &str, door: Door, request: &Request<Incoming>) -> Option<HeaderValue> {
        let port = self.shared.tls_port.filter(|_| door == Door::Plain)?;
        if self.shared.settings.scheme != "https" && self.shared.certificates.book().find(name).is_none() {
            return None;
        }
        let port = if port == 443 { String::new() } else { format!(":{port}") };
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        // The name is in its normal form, and hyper has read the path as one.
        HeaderValue::from_str(&format!("https://{name}{port}{path}")).ok()
    }

    async fn hold(&self, name: &str, visitor: &Visitor) -> Result<Arc<Route>, Page> {
        let limits = &self.shared.settings.limits;
        let patience = if visitor.wants_page { limits.hold_browser } else { limits.hold_other };
        Box::pin(hold::until_serving(&self.shared, name, patience)).await.ok_or(Page::Unknown)
    }

    /// Returns a name for one more request.
    pub fn request_id(&self) -> HeaderValue {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        NAMES.with_borrow_mut(|names| {
            if names.capacity() < NAME {
                *names = BytesMut::with_capacity(NAME * NAMES_AT_ONCE);
            }
            names.resize(NAME, 0);
            names[..NAME / 2].copy_from_slice(&self.name);
            hex::encode_to_slice(number.to_be_bytes(), &mut names[NAME / 2..]).expect("eight bytes, sixteen digits");
            HeaderValue::from_maybe_shared(names.split().freeze()).expect("digits are a header value")
        })
    }
}
