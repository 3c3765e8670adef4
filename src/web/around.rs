//! What happens around every handler: arrival, time limit, panics, error pages, cookies, headers, one log line.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::cookie::time::Duration as CookieDuration;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpResponse};
use futures_util::FutureExt;

use super::answer::SessionChange;
use super::arrival::{self, Arrival};
use super::cookies::{self, Kind, NewFlash};
use super::error::PageError;
use super::keys::Keys;
use super::security;
use crate::accounts::sessions;
use crate::base::chain;
use crate::portal::Portal;

/// Long enough for a password hash in a queue of them, short enough that people do not reload.
const HANDLER_LIMIT: Duration = if cfg!(test) { Duration::from_millis(300) } else { Duration::from_secs(25) };

/// Runs a handler with everything around it.
pub async fn around(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let (arrival, failure) = arrival::look(&request).await;
    let portal = request.app_data::<Data<Portal>>().expect("web::configure registers the portal").clone();
    let keys = request.app_data::<Data<Keys>>().expect("web::configure registers the keys").clone();
    let (method, path) = (request.method().clone(), request.path().to_owned());

    let outcome = if let Some(cause) = failure {
        Err(PageError::Failed(cause))
    } else {
        let answer = AssertUnwindSafe(tokio::time::timeout(HANDLER_LIMIT, next.call(request))).catch_unwind().await;
        match answer {
            Ok(Ok(answer)) => Ok(answer?),
            Ok(Err(_)) => Err(PageError::TooSlow),
            Err(_panic) => Err(PageError::Failed(anyhow::anyhow!("the handler of {method} {path} panicked"))),
        }
    };
    let (request, mut response) = match outcome {
        Ok(answer) => {
            let (request, response) = answer.into_parts();
            (Some(request), with_error_page(response.map_into_boxed_body(), &arrival))
        }
        Err(error) => (None, error_page(&error, &arrival)),
    };
    finish(&mut response, &arrival, &portal, &keys);
    tracing::info!(
        request = arrival.layout.request_id,
        status = response.status().as_u16(),
        took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        user = arrival.session.as_ref().map(|session| session.user.to_string()),
        "{method} {}",
        loggable(&path),
    );
    match request {
        Some(request) => Ok(ServiceResponse::new(request, response)),
        // The request went down with the handler: actix-web accepts an answer without it as an error only.
        None => Err(actix_web::error::InternalError::from_response("no answer", response).into()),
    }
}

/// Links sent by mail carry a secret as their second part: it must not reach the log.
fn loggable(path: &str) -> String {
    let mut parts = path.splitn(3, '/');
    let (_, first, rest) = (parts.next(), parts.next().unwrap_or_default(), parts.next());
    match (first, rest) {
        ("reset" | "verify" | "confirm-email" | "undo-email" | "invitation", Some(_)) => format!("/{first}/…"),
        _ => path.chars().take(200).flat_map(char::escape_debug).collect(),
    }
}

/// Puts the page of an error in the place of the bare status that actix-web knows.
fn with_error_page(response: HttpResponse, arrival: &Arrival) -> HttpResponse {
    let Some(error) = response.error() else { return response };
    if let Some(error) = error.as_error::<PageError>() {
        return error_page(error, arrival);
    }
    let error = match response.status() {
        StatusCode::NOT_FOUND => PageError::NotFound,
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::URI_TOO_LONG => PageError::TooLarge,
        status if status.is_client_error() => PageError::BadForm,
        _ => PageError::Failed(anyhow::anyhow!("{error}")),
    };
    error_page(&error, arrival)
}

fn error_page(error: &PageError, arrival: &Arrival) -> HttpResponse {
    if let PageError::Failed(cause) = error {
        tracing::error!(request = arrival.layout.request_id, "{}", chain::of_any(cause));
    }
    error.answer(&arrival.layout)
}

fn finish(response: &mut HttpResponse, arrival: &Arrival, portal: &Portal, keys: &Keys) {
    let public = &portal.public;
    let new_flash = response.extensions_mut().remove::<NewFlash>();
    let change = response.extensions_mut().remove::<SessionChange>();
    let mut cookies = Vec::new();
    let is_page = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if let Some(flash) = new_flash {
        cookies.push(cookies::cookie(public, Kind::Flash, flash.sealed(keys), Some(CookieDuration::minutes(5))));
    } else if arrival.had_flash && is_page {
        cookies.push(cookies::removal(public, Kind::Flash));
    }
    if let (Some(visit), true) = (&arrival.new_visit, is_page) {
        cookies.push(cookies::cookie(public, Kind::Visit, visit.clone(), None));
    }
    match change {
        Some(SessionChange::LoggedIn(token, devices)) => {
            // A little longer than the login itself: a login that is over leads its person back to where they were.
            let lasts = CookieDuration::seconds((sessions::ABSOLUTE + sessions::RESUME).num_seconds());
            cookies.push(cookies::cookie(public, Kind::Session, token.expose().clone(), Some(lasts)));
            cookies.push(cookies::cookie(public, Kind::Device, devices, Some(CookieDuration::days(365))));
            // What was open before the login must not be used after it.
            cookies.push(cookies::removal(public, Kind::Visit));
        }
        Some(SessionChange::LoggedOut) => {
            cookies.push(cookies::removal(public, Kind::Session));
            let value = HeaderValue::from_static("\"storage\"");
            response.headers_mut().insert(HeaderName::from_static("clear-site-data"), value);
        }
        None => {}
    }
    for cookie in &cookies {
        // A cookie of ours is plain ASCII, so that it always fits a header.
        let _ = response.add_cookie(cookie);
    }
    security::add_headers(response.headers_mut(), public, is_page);
    if !response.headers().contains_key(CACHE_CONTROL) {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Ok(id) = HeaderValue::from_str(&arrival.layout.request_id) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), id);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use actix_web::middleware::from_fn;
    use actix_web::test::{self, TestRequest};
    use actix_web::{App, web};
    use sqlx::postgres::PgPoolOptions;

    use super::*;
    use crate::base::clock::Clock;
    use crate::config::{Mode, Public};

    /// What a visitor gets from handlers that do not answer as they should. Nothing here asks the database.
    async fn visit(path: &str) -> (StatusCode, String, String) {
        let public = Public {
            portal_url: "http://localhost".to_owned(),
            instances_url: "http://{name}.localhost".to_owned(),
            mode: Mode::Development,
            company: "Acme".to_owned(),
        };
        let db = PgPoolOptions::new().connect_lazy("postgres://127.0.0.1:1/none").unwrap();
        let portal = Portal { db, clock: Clock::System, public: Arc::new(public) };
        let app = App::new()
            .app_data(Data::new(portal))
            .app_data(Data::new(Keys::new([7; 32], &[8; 32]).unwrap()))
            .route("/panics", web::get().to(|| async { panic!("a secret of ours") as HttpResponse }))
            .route("/hangs", web::get().to(|| async { std::future::pending::<HttpResponse>().await }))
            .wrap(from_fn(around));
        let app = test::init_service(app).await;
        let request = TestRequest::get().uri(path).insert_header(("accept-language", "fr"));
        let response = match test::try_call_service(&app, request.to_request()).await {
            Ok(response) => response.into_parts().1.map_into_boxed_body(),
            Err(error) => error.error_response(),
        };
        let number = response.headers().get("x-request-id").unwrap().to_str().unwrap().to_owned();
        let status = response.status();
        let body = actix_web::body::to_bytes(response.into_body()).await.unwrap();
        (status, number, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_handler_that_panics_is_answered_with_a_page_and_a_number_and_tells_nothing() {
        let (status, number, page) = visit("/panics").await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(page.contains(&number) && page.contains("lang=\"fr\""), "{page}");
        assert!(!page.contains("a secret of ours") && !page.contains("panicked"), "{page}");
    }

    #[tokio::test]
    async fn a_handler_that_hangs_is_answered_after_a_while() {
        let (status, number, page) = visit("/hangs").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{page}");
        assert!(page.contains(&number), "{page}");
    }

    #[test]
    fn a_secret_of_a_link_is_not_logged() {
        assert_eq!(loggable("/reset/abcdef"), "/reset/…");
        assert_eq!(loggable("/verify/abc/def"), "/verify/…");
        assert_eq!(loggable("/instances/1"), "/instances/1");
        assert_eq!(loggable("/a\nb"), "/a\\nb");
    }
}
