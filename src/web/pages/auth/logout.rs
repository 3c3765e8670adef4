//! `POST /logout`: ends the login on the server and takes the cookie away.

use actix_web::web::Data;

use crate::accounts::sessions;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::{Button, Posted, Visitor};
use crate::web::layout::FlashKind;
use crate::web::urls;

/// Logs out. Pressed twice it says the same.
pub async fn post(portal: Data<Portal>, visitor: Visitor, _posted: Posted<Button>) -> Answer {
    if let Some(session) = &visitor.session {
        sessions::log_out(&portal, session).await?;
    }
    Ok(answer::logged_out(answer::flash(urls::login(), FlashKind::Good, "logout-done")?))
}
