//! Makes a request ready for an upstream, and its answer for the visitor.

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header};
use hyper::body::{Body as _, Incoming};
use hyper::upgrade::OnUpgrade;

use super::body::{Cut, Fate, RequestBody, ResponseBody};
use super::counters::Counters;
use super::exchange::Lane;
use super::headers::{self, Author, Truth};
use super::origin::Origin;
use super::pages::{self, Page, Visitor};
use super::pool::Lease;
use super::send::Failure;
use super::server::Core;
use super::table::{Route, State};
use super::upstream::{Outstanding, Upstream};
use super::{cookies, forbidden, tunnel};

/// Where a request goes.
#[derive(Clone, Debug)]
pub enum Destination {
    /// To the web process.
    Portal,
    /// To an instance.
    Instance(Arc<Route>),
}

impl Destination {
    /// Returns where requests for this path are worked on.
    pub(super) fn upstreams<'a>(&'a self, core: &'a Core, path: &str) -> &'a [Arc<Upstream>] {
        match self {
            Self::Portal => &core.shared.web,
            Self::Instance(route)
                if (path == "/websocket" || path.starts_with("/websocket/")) && !route.websockets.is_empty() =>
            {
                &route.websockets
            }
            Self::Instance(route) => &route.upstreams,
        }
    }

    /// Returns where requests for the same host go now, when that is elsewhere: an instance may have moved meanwhile.
    pub(super) fn fresh(&self, core: &Core) -> Option<Self> {
        let Self::Instance(route) = self else { return None };
        let now = core.shared.table.load().find(&route.row.hostname).cloned()?;
        (!Arc::ptr_eq(&now, route) && now.state() == State::Serving).then_some(Self::Instance(now))
    }

    /// Returns the environment's counters; the portal has none.
    pub(super) fn counters(&self) -> Option<&Arc<Counters>> {
        match self {
            Self::Portal => None,
            Self::Instance(route) => Some(&route.counters),
        }
    }

    /// Waits until no route leads to an upstream any more that this one led to.
    fn left(&self, core: &Core, upstream: &Arc<Upstream>) -> impl Future<Output = ()> + Send + 'static {
        let left = upstream.left();
        // It may have been so before the upstream switched, and then nobody says it again.
        let is_left = match self {
            Self::Portal => false,
            Self::Instance(route) => {
                !core.shared.table.load().find(&route.row.hostname).is_some_and(|now| now.leads_to(upstream))
            }
        };
        async move {
            if !is_left {
                left.await;
            }
        }
    }

    fn author(&self) -> Author {
        match self {
            Self::Portal => Author::Portal,
            Self::Instance(_) => Author::Tenant,
        }
    }
}

/// What goes with a request all the way.
#[derive(Debug)]
pub struct Journey {
    /// The core that it stays on.
    pub core: Arc<Core>,
    /// Where it runs.
    pub lane: Lane,
    /// Who asks.
    pub visitor: Visitor,
    /// Where it goes.
    pub destination: Destination,
    /// The host that was asked for.
    pub host: HeaderValue,
    /// Where it comes from.
    pub origin: Origin,
}

impl Journey {
    /// Sends the request and returns the answer, or a page that says why there is none.
    pub async fn make(self, mut request: Request<Incoming>) -> Response<ResponseBody> {
        let switch = wants_websocket(&request).then(|| hyper::upgrade::on(&mut request));
        let (mut parts, body) = request.into_parts();
        let target = parts.uri.path_and_query().cloned();
        let path = target.as_ref().map_or("/", |target| target.path());
        let method = parts.method.clone();
        if body.size_hint().lower() > self.core.shared.settings.max_body_bytes {
            return self.refuse(Page::TooLarge);
        }
        let (body, fate) = self.body(body, path);
        if let Destination::Instance(route) = &self.destination {
            self.lane.bill_to(Some(&route.counters), || headers::request_size(&parts));
        }
        self.prepare(&mut parts, switch.is_some());
        let stay = self.stay(path, switch.is_some());
        let response = match self.send(stay, parts, body).await {
            Ok((response, lease, outstanding)) => self.answer(response, lease, outstanding, switch),
            Err(failure) => Err(failure),
        };
        let response = response.unwrap_or_else(|failure| self.explain(&failure, fate.as_deref(), &method, path));
        if let Destination::Instance(route) = &self.destination
            && response.status().is_server_error()
        {
            route.counters.error();
        }
        response
    }

    /// Answers without asking anybody, and closes: the body that is still to come is not wanted.
    fn refuse(&self, page: Page) -> Response<ResponseBody> {
        self.lane.bill_to(None, || 0);
        let mut response = pages::answer(page, &self.visitor, &self.core.shared.settings);
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        response
    }

    fn body(&self, body: Incoming, path: &str) -> (RequestBody, Option<Arc<Fate>>) {
        if body.is_end_stream() {
            return (RequestBody::Empty, None);
        }
        let inspects = matches!(self.destination, Destination::Instance(_)) && forbidden::takes_service_calls(path);
        let limit = self.core.shared.settings.max_body_bytes;
        let (body, fate) = RequestBody::new(body, &self.lane, limit, inspects);
        (body, Some(fate))
    }

    fn prepare(&self, parts: &mut Parts, is_websocket: bool) {
        headers::prepare_request(
            &mut parts.headers,
            Truth {
                peer: self.origin.header(&self.lane.connection),
                host: self.host.clone(),
                scheme: self.origin.scheme,
                request_id: self.visitor.request_id.clone(),
            },
        );
        if self.origin.scheme == "https" && matches!(self.destination, Destination::Instance(_)) {
            cookies::bring_session_home(&mut parts.headers);
        }
        if is_websocket {
            parts.headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
            parts.headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        }
        parts.version = Version::HTTP_11;
        parts.extensions.clear();
        if parts.uri.authority().is_some() {
            let path = parts.uri.path_and_query().cloned();
            parts.uri = path.map_or_else(|| http::Uri::from_static("/"), http::Uri::from);
        }
    }

    fn answer(
        &self,
        mut response: Response<Incoming>,
        lease: Lease,
        outstanding: Outstanding,
        switch: Option<OnUpgrade>,
    ) -> Result<Response<ResponseBody>, Failure> {
        let id = self.visitor.request_id.clone();
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let is_websocket = headers::lists(response.headers(), &header::UPGRADE, "websocket");
            let Some(visitor) = switch.filter(|_| is_websocket) else { return Err(Failure::Switched) };
            let upstream = hyper::upgrade::on(&mut response);
            let left = self.destination.left(&self.core, outstanding.upstream());
            tunnel::open(Arc::clone(&self.lane.connection), visitor, upstream, outstanding, left);
            let (mut parts, _) = response.into_parts();
            headers::prepare_response(&mut parts.headers, self.destination.author(), self.origin.scheme, id);
            parts.headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
            parts.headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            parts.extensions.clear();
            return Ok(Response::from_parts(parts, ResponseBody::own("")));
        }
        let (mut parts, body) = response.into_parts();
        headers::prepare_response(&mut parts.headers, self.destination.author(), self.origin.scheme, id);
        parts.version = Version::HTTP_11;
        if self.lane.connection.is_closing() {
            parts.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(Response::from_parts(parts, ResponseBody::upstream(body, lease, outstanding)))
    }

    /// Chooses the page for a failure, and writes the line about it: the only ones in the log that name requests.
    fn explain(&self, failure: &Failure, fate: Option<&Fate>, method: &Method, path: &str) -> Response<ResponseBody> {
        let page = match (fate.map_or(Cut::No, Fate::cut), failure) {
            (Cut::TooLarge, _) => Page::TooLarge,
            (Cut::Forbidden, _) => Page::Blocked,
            (Cut::Broken, _) => Page::Malformed,
            (_, Failure::NotConnected(_)) if matches!(self.destination, Destination::Portal) => Page::PortalDown,
            (_, Failure::TimedOut) => Page::TimedOut,
            (_, Failure::Busy) => Page::Busy,
            _ => Page::Failed,
        };
        if page == Page::Busy {
            // A crowd is counted; it is not to fill the log.
            if let Some(counters) = self.destination.counters() {
                counters.busy();
            }
            return pages::answer(page, &self.visitor, &self.core.shared.settings);
        }
        tracing::warn!(
            host = self.host.to_str().unwrap_or_default(),
            method = method.as_str(),
            path,
            status = page.status().as_u16(),
            request = self.visitor.request_id.to_str().unwrap_or_default(),
            cause = crate::base::chain::of(failure),
            "a request failed"
        );
        if fate.is_some_and(|fate| fate.cut() != Cut::No) {
            return self.refuse(page);
        }
        pages::answer(page, &self.visitor, &self.core.shared.settings)
    }
}

/// Whether a request really asks for a websocket: anything else never switches.
fn wants_websocket(request: &Request<Incoming>) -> bool {
    let headers = request.headers();
    headers.contains_key(header::UPGRADE)
        && request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && headers::lists(headers, &header::UPGRADE, "websocket")
        && headers::lists(headers, &header::CONNECTION, "upgrade")
        && headers.contains_key(header::SEC_WEBSOCKET_KEY)
        && request.body().is_end_stream()
}
