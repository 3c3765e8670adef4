//! Anyone, logged in or not.

use std::future::{Ready, ready};
use std::rc::Rc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use crate::accounts::Origin;
use crate::accounts::sessions::Session;
use crate::base::secret::Secret;
use crate::web::arrival::Arrival;
use crate::web::error::PageError;
use crate::web::layout::Layout;

/// Anyone who opens a page.
#[derive(Debug)]
pub struct Visitor {
    /// The page's surroundings.
    pub layout: Layout,
    /// The customer's login, when there is one.
    pub session: Option<Session>,
    /// The cookie of a login that is over.
    pub lapsed: Option<Secret<String>>,
    /// Where the request came from.
    pub origin: Origin,
}

impl FromRequest for Visitor {
    type Error = PageError;
    type Future = Ready<Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let arrival = arrival(request);
        ready(Ok(Self {
            layout: arrival.layout.clone(),
            session: arrival.session.clone(),
            lapsed: arrival.lapsed.clone(),
            origin: arrival.origin.clone(),
        }))
    }
}

/// Returns what was found out when the request came.
pub(super) fn arrival(request: &HttpRequest) -> Rc<Arrival> {
    request.extensions().get::<Rc<Arrival>>().expect("web::around looks at every request").clone()
}
