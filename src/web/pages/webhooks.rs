//! What others tell us: no session, no form; a signature says who it is.

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};

use crate::base::chain;
use crate::payments::events;
use crate::portal::Portal;
use crate::web::Keys;

/// Keeps an event of Stripe. It is processed by the worker: an answer says only that it is kept.
pub async fn stripe(request: HttpRequest, body: Bytes, portal: Data<Portal>, keys: Data<Keys>) -> HttpResponse {
    let Some(secrets) = &keys.webhooks else { return HttpResponse::NotFound().finish() };
    let header = request.headers().get("stripe-signature").and_then(|value| value.to_str().ok());
    let kept = events::receive(&portal.db, secrets, header.unwrap_or_default(), &body, portal.clock.now()).await;
    let status = match kept {
        Ok(true) => StatusCode::OK,
        Ok(false) => StatusCode::BAD_REQUEST,
        Err(error) => {
            tracing::error!(error = chain::of_any(&error), "an event of Stripe cannot be kept");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    };
    HttpResponse::build(status).finish()
}
