//! A customer who is logged in.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use chrono::{DateTime, Utc};

use super::visitor::arrival;
use crate::accounts::policy::{self, Action};
use crate::accounts::{AccountState, Role, sessions};
use crate::audit::Actor;
use crate::base::ids::{AccountId, SessionId, UserId};
use crate::environments::By;
use crate::portal::Portal;
use crate::web::error::PageError;
use crate::web::layout::Layout;
use crate::web::urls;

/// A customer's user who is logged in, with the organisation that the login is for.
#[derive(Debug)]
pub struct Member {
    /// The person.
    pub user: UserId,
    /// The organisation. Everything that is looked up takes it along.
    pub account: AccountId,
    /// What the person may do in it.
    pub role: Role,
    /// The login.
    pub session: SessionId,
    /// The person's name.
    pub name: String,
    /// The person's e-mail address.
    pub email: String,
    /// The organisation's name.
    pub account_name: String,
    /// The organisation's time zone.
    pub timezone: String,
    /// Whether that address was proved: without it nothing can be ordered.
    pub is_verified: bool,
    /// The page's surroundings.
    pub layout: Layout,
    /// When the password was last given.
    pub authenticated_at: DateTime<Utc>,
    /// Where the request came from.
    pub address: String,
}

impl Member {
    /// Refuses what the person's role does not allow.
    pub fn require(&self, action: Action) -> Result<(), PageError> {
        if policy::may(self.role, action) { Ok(()) } else { Err(PageError::Forbidden) }
    }

    /// Returns who acts on environments.
    #[must_use]
    pub fn by(&self) -> By {
        By { account: self.account, user: self.user, name: self.name.clone(), actor: self.actor() }
    }

    /// Returns who acts, for the audit log.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::user(self.user, &self.name).from_address(&self.address)
    }
}

impl FromRequest for Member {
    type Error = PageError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, PageError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { member(&request).await })
    }
}

async fn member(request: &HttpRequest) -> Result<Member, PageError> {
    let arrival = arrival(request);
    let Some(session) = &arrival.session else {
        // After a form was sent the browser comes back to the page, not to the form's address.
        let mut next = if request.method() == Method::GET { arrival.layout.path.clone() } else { String::new() };
        let portal = request.app_data::<Data<Portal>>().expect("web::configure registers the portal");
        if urls::is_typed(&next) && sessions::keep_path(portal, arrival.lapsed.as_ref(), &next).await? {
            next.clear();
        }
        return Err(PageError::LogIn(next));
    };
    let is_about_closing =
        [urls::account_closing(), urls::account_keep(), urls::log_out()].iter().any(|path| path == request.path());
    if session.account_state == AccountState::Closing && !is_about_closing {
        return Err(PageError::Elsewhere(urls::account_closing()));
    }
    Ok(Member {
        user: session.user,
        account: session.account,
        role: session.role,
        session: session.id,
        name: session.name.clone(),
        email: session.email.clone(),
        account_name: session.account_name.clone(),
        timezone: session.timezone.clone(),
        is_verified: session.is_verified,
        layout: arrival.layout.clone(),
        authenticated_at: session.authenticated_at,
        address: arrival.origin.address.clone(),
    })
}
