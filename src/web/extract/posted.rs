//! A form that was sent from one of our own pages by the same browser.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use super::visitor::arrival;
use super::{Member, Staff};
use crate::portal::Portal;
use crate::web::csrf;
use crate::web::error::PageError;
use crate::web::keys::Keys;
use crate::web::routes::Access;

/// More than any form of ours needs.
const MAX_BYTES: usize = 64 * 1024;

/// How much of a form that is too large is read before it is answered: browsers show no answer while they still send.
const MAX_DRAINED_BYTES: usize = 8 * 1024 * 1024;

/// A form, after the login that its route asks for, its origin, size and token were checked.
#[derive(Debug)]
pub struct Posted<F> {
    /// What was typed.
    pub form: F,
}

/// A form that is one button: nothing is typed.
#[derive(Debug, serde::Deserialize)]
pub struct Button {}

/// A form of ours, sent with the login that its page was made for or after it. For forms with much in them: what came
/// late is shown again, and never carried out. The login is not looked at: its handler keeps what was typed until it is there.
#[derive(Debug)]
pub enum Sent<F> {
    /// It may be carried out.
    InTime(F),
    /// The login of its page is over.
    Late(F),
}

impl<F: DeserializeOwned + 'static> FromRequest for Posted<F> {
    type Error = PageError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, PageError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, sent) = (request.clone(), Sent::from_request(request, payload));
        Box::pin(async move {
            // Who asks is looked at before what was sent: whoever must log in is told so, whatever the form lacks. What was sent is
            // read to its end before that, because browsers show no answer while they still send.
            let sent = sent.await;
            log_in(&request).await?;
            match sent? {
                Sent::InTime(form) => Ok(Self { form }),
                Sent::Late(_) => Err(PageError::StaleForm),
            }
        })
    }
}

impl<F: DeserializeOwned + 'static> FromRequest for Sent<F> {
    type Error = PageError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, PageError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let body = read(&mut payload).await?;
            let portal = request.app_data::<Data<Portal>>().expect("web::configure registers the portal");
            let keys = request.app_data::<Data<Keys>>().expect("web::configure registers the keys");
            if !csrf::is_from_us(request.headers(), &portal.public.portal_url) {
                return Err(PageError::StaleForm);
            }
            let is_form = request
                .headers()
                .get(CONTENT_TYPE)
                .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
            if !is_form {
                return Err(PageError::BadForm);
            }
            let token = url::form_urlencoded::parse(&body)
                .find(|(name, _)| name == "csrf")
                .map(|(_, value)| value.into_owned());
            let is_in_time = csrf::is_valid(keys, &arrival(&request).binding, token.as_deref().unwrap_or_default());
            match serde_html_form::from_bytes(&body) {
                Ok(form) if is_in_time => Ok(Self::InTime(form)),
                Ok(form) => Ok(Self::Late(form)),
                Err(_) if is_in_time => Err(PageError::BadForm),
                Err(_) => Err(PageError::StaleForm),
            }
        })
    }
}

/// Refuses whoever may not use the route, as its handler does.
async fn log_in(request: &HttpRequest) -> Result<(), PageError> {
    match request.app_data::<Access>() {
        Some(Access::Member) => Member::extract(request).await.map(drop),
        Some(Access::Staff) => Staff::extract(request).await.map(drop),
        Some(Access::Anyone | Access::Development) | None => Ok(()),
    }
}

async fn read(payload: &mut Payload) -> Result<Vec<u8>, PageError> {
    let (mut body, mut length) = (Vec::new(), 0);
    while let Some(part) = payload.next().await {
        let part = part.map_err(|_| PageError::BadForm)?;
        length += part.len();
        if length <= MAX_BYTES {
            body.extend_from_slice(&part);
        } else if length > MAX_DRAINED_BYTES {
            break;
        }
    }
    if length > MAX_BYTES { Err(PageError::TooLarge) } else { Ok(body) }
}
