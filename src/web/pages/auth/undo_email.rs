//! `/undo-email/{token}`: the page behind the link that takes a change of the e-mail address back.

use actix_web::web::{Data, Path};

use super::{PressPage, link_gone};
use crate::accounts::letters::LinkKind;
use crate::accounts::{email_change, links};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::{Button, Posted, Visitor};
use crate::web::layout::FlashKind;
use crate::web::urls;

/// Shows a button.
pub async fn get(portal: Data<Portal>, visitor: Visitor, token: Path<String>) -> Answer {
    let layout = visitor.layout;
    if links::peek(&portal, LinkKind::UndoEmailChange, &token).await?.is_none() {
        return link_gone(layout, urls::login(), "link-gone-login");
    }
    answer::page(&PressPage {
        title: layout.t("undo-email-title"),
        text: layout.t("undo-email-text"),
        action: urls::undo_email(&token),
        label: layout.t("undo-email-action"),
        layout,
    })
}

/// Takes the change back, ends every login, and leads to a new password: somebody else may know the old one.
pub async fn post(portal: Data<Portal>, visitor: Visitor, token: Path<String>, _posted: Posted<Button>) -> Answer {
    if email_change::undo(&portal, &token, &visitor.origin).await? {
        Ok(answer::logged_out(answer::flash(urls::forgot(), FlashKind::Good, "undo-email-done")?))
    } else {
        link_gone(visitor.layout, urls::login(), "link-gone-login")
    }
}
