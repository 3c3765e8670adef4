//! `/confirm-email/{token}`: the page behind the link that confirms a new e-mail address.

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
    let Some(email) = links::peek(&portal, LinkKind::ChangeEmail, &token).await? else {
        return link_gone(layout, urls::account_security(), "link-gone-security");
    };
    answer::page(&PressPage {
        title: layout.t("confirm-email-title"),
        text: layout.t1("confirm-email-text", "email", email),
        action: urls::confirm_email(&token),
        label: layout.t("confirm-email-action"),
        layout,
    })
}

/// Changes the address.
pub async fn post(portal: Data<Portal>, visitor: Visitor, token: Path<String>, _posted: Posted<Button>) -> Answer {
    if email_change::confirm(&portal, &token, &visitor.origin).await? {
        answer::flash(urls::account_security(), FlashKind::Good, "confirm-email-done")
    } else {
        link_gone(visitor.layout, urls::account_security(), "link-gone-security")
    }
}
