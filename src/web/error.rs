//! What a handler could not do, and the page that says so.

use actix_web::http::StatusCode;
use actix_web::http::header::{LOCATION, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use askama::Template;

use super::layout::Layout;
use super::urls;
use crate::db::{self, StoreError};

/// Why there is no answer. Becomes a page in the reader's language with the request's number.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// There is no such thing, or not for this person.
    #[error("there is no such page")]
    NotFound,
    /// The person's role does not allow it.
    #[error("the person may not do this")]
    Forbidden,
    /// Nobody is logged in: the browser goes to the login page and comes back to this path.
    #[error("nobody is logged in")]
    LogIn(String),
    /// The browser goes elsewhere first.
    #[error("another page comes first")]
    Elsewhere(String),
    /// Something that the person can understand: the key of a sentence.
    #[error("refused: {0}")]
    Refused(&'static str),
    /// A form that we did not make, or too long ago.
    #[error("the form is not ours or too old")]
    StaleForm,
    /// A form that does not hold what its page asks for.
    #[error("the form cannot be read")]
    BadForm,
    /// More than a form may hold.
    #[error("the form is too large")]
    TooLarge,
    /// Too many tries; seconds to wait.
    #[error("too many tries")]
    TooMany(u32),
    /// The answer took too long.
    #[error("the answer took too long")]
    TooSlow,
    /// Something we must look at. Logged once with its causes; the person sees an apology and a number.
    #[error("the request failed")]
    Failed(#[source] anyhow::Error),
}

impl From<anyhow::Error> for PageError {
    fn from(cause: anyhow::Error) -> Self {
        Self::Failed(cause)
    }
}

impl From<StoreError> for PageError {
    fn from(cause: StoreError) -> Self {
        Self::Failed(cause.into())
    }
}

impl PageError {
    /// Whether the database did not answer or is full: it is worth trying again soon.
    fn is_away(&self) -> bool {
        matches!(self, Self::Failed(cause) if db::is_away(cause))
    }

    /// Returns the keys of the page's title and sentence.
    fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::NotFound => ("error-not-found-title", "error-not-found-text"),
            Self::Forbidden => ("error-forbidden-title", "error-forbidden-text"),
            Self::LogIn(_) | Self::Elsewhere(_) => ("error-log-in-title", "error-log-in-text"),
            Self::Refused(key) => ("error-refused-title", key),
            Self::StaleForm => ("error-stale-title", "error-stale-text"),
            Self::BadForm => ("error-bad-form-title", "error-bad-form-text"),
            Self::TooLarge => ("error-too-large-title", "error-too-large-text"),
            Self::TooMany(_) => ("error-too-many-title", "error-too-many-text"),
            Self::TooSlow => ("error-away-title", "error-away-text"),
            Self::Failed(_) if self.is_away() => ("error-away-title", "error-away-text"),
            Self::Failed(_) => ("error-failed-title", "error-failed-text"),
        }
    }

    /// Returns the answer: a page that says what happened and what to do.
    #[must_use]
    pub fn answer(&self, layout: &Layout) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        match self {
            Self::LogIn(next) => return response.insert_header((LOCATION, urls::login_then(next))).finish(),
            Self::Elsewhere(path) => return response.insert_header((LOCATION, path.as_str())).finish(),
            Self::TooMany(seconds) => {
                response.insert_header((RETRY_AFTER, seconds.to_string()));
            }
            _ if self.status_code() == StatusCode::SERVICE_UNAVAILABLE => {
                response.insert_header((RETRY_AFTER, "5"));
            }
            _ => {}
        }
        let (title, text) = self.words();
        let page = ErrorPage { title: layout.t(title), text: layout.t(text), layout: layout.clone() };
        let html = page.render().unwrap_or_else(|_| page.title.clone());
        response.content_type("text/html; charset=utf-8").body(html)
    }
}

impl ResponseError for PageError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden | Self::StaleForm => StatusCode::FORBIDDEN,
            Self::LogIn(_) | Self::Elsewhere(_) => StatusCode::SEE_OTHER,
            Self::Refused(_) => StatusCode::CONFLICT,
            Self::BadForm => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::TooSlow => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed(_) if self.is_away() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Only a status: the page is made where the reader's language is known.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

#[derive(Template)]
#[template(path = "pages/error.html")]
struct ErrorPage {
    layout: Layout,
    title: String,
    text: String,
}
