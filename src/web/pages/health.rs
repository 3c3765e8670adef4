//! `/health`: says that the process answers. Looks at nothing else: a slow database must not restart the web process.

use actix_web::HttpResponse;

/// Answers.
pub async fn get() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}
