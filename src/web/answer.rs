//! What handlers answer with.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, LOCATION};
use actix_web::web::Bytes;
use anyhow::Context;
use askama::Template;
use futures_util::Stream;

use super::cookies::NewFlash;
use super::error::PageError;
use super::layout::FlashKind;
use crate::base::secret::Secret;

/// What a handler returns.
pub type Answer = Result<HttpResponse, PageError>;

/// Answers with a page.
pub fn page(template: &impl Template) -> Answer {
    let html = template.render().context("render the page")?;
    Ok(HttpResponse::Ok().content_type("text/html; charset=utf-8").body(html))
}

/// Answers with a page that shows a form again because of what was typed.
pub fn again(template: &impl Template) -> Answer {
    let html = template.render().context("render the page")?;
    Ok(HttpResponse::UnprocessableEntity().content_type("text/html; charset=utf-8").body(html))
}

/// Sends the browser to another page (303: a form is not sent again when the page is loaded anew).
pub fn see_other(path: impl AsRef<str>) -> Answer {
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, path.as_ref())).finish())
}

/// Sends the browser to another page, with a message on it.
pub fn flash(path: impl AsRef<str>, kind: FlashKind, key: &str) -> Answer {
    Ok(put_flash(see_other(path)?, NewFlash { kind, key: key.to_owned(), value: None }))
}

/// Sends the browser to another page, with a message that has a value in it.
pub fn flash_with(path: impl AsRef<str>, kind: FlashKind, key: &str, (name, value): (&str, &str)) -> Answer {
    let value = Some((name.to_owned(), value.chars().take(200).collect()));
    Ok(put_flash(see_other(path)?, NewFlash { kind, key: key.to_owned(), value }))
}

/// Answers with a stream of server-sent events. Never compressed: a compressor would hold events back.
pub fn events<S, E>(stream: S) -> Answer
where
    S: Stream<Item = Result<Bytes, E>> + 'static,
    E: Into<Box<dyn std::error::Error>> + 'static,
{
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream; charset=utf-8")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CONTENT_ENCODING, "identity"))
        .streaming(stream))
}

/// What the login of a customer changes in the browser; set as a cookie after the handler.
pub(super) enum SessionChange {
    /// A new login: the cookies of the login and of the device.
    LoggedIn(Secret<String>, String),
    /// No login any more.
    LoggedOut,
}

/// Gives the browser a new login.
#[must_use]
pub fn logged_in(mut response: HttpResponse, token: Secret<String>, devices: String) -> HttpResponse {
    response.extensions_mut().insert(SessionChange::LoggedIn(token, devices));
    response
}

/// Takes the login from the browser, and what it keeps of our pages.
#[must_use]
pub fn logged_out(mut response: HttpResponse) -> HttpResponse {
    response.extensions_mut().insert(SessionChange::LoggedOut);
    response
}

fn put_flash(mut response: HttpResponse, flash: NewFlash) -> HttpResponse {
    response.extensions_mut().insert(flash);
    response
}
