//! `/verify/{token}`: the page behind the link that proves an e-mail address; `POST /verify/resend` sends another.

use actix_web::web::{Data, Path};

use super::{PressPage, link_gone};
use crate::accounts::letters::LinkKind;
use crate::accounts::links;
use crate::portal::Portal;
use crate::web::Keys;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Button, Member, Posted, Visitor};
use crate::web::layout::FlashKind;
use crate::web::urls;

/// Shows a button. The link is not used by looking.
pub async fn get(portal: Data<Portal>, visitor: Visitor, token: Path<String>) -> Answer {
    let layout = visitor.layout;
    let Some(email) = links::peek(&portal, LinkKind::VerifyEmail, &token).await? else {
        return link_gone(layout, urls::login(), "link-gone-login");
    };
    answer::page(&PressPage {
        title: layout.t("verify-title"),
        text: layout.t1("verify-text", "email", email),
        action: urls::verify(&token),
        label: layout.t("verify-action"),
        layout,
    })
}

/// Proves the address, and logs in the browser that signed up.
pub async fn post(
    portal: Data<Portal>,
    keys: Data<Keys>,
    visitor: Visitor,
    token: Path<String>,
    _posted: Posted<Button>,
) -> Answer {
    let Some(verified) = links::verify(&portal, &keys.throttle, &token, &visitor.origin).await? else {
        return link_gone(visitor.layout, urls::login(), "link-gone-login");
    };
    match verified.login {
        Some((token, devices)) => {
            let response = answer::flash(urls::instances(), FlashKind::Good, "verify-welcome")?;
            Ok(answer::logged_in(response, token, devices))
        }
        None if visitor.session.is_some() => answer::flash(urls::instances(), FlashKind::Good, "verify-done"),
        None => answer::flash(urls::login(), FlashKind::Good, "verify-done-login"),
    }
}

/// Sends the link again to a customer who is logged in.
pub async fn resend(portal: Data<Portal>, keys: Data<Keys>, member: Member, _posted: Posted<Button>) -> Answer {
    if member.is_verified {
        return answer::flash(urls::instances(), FlashKind::Good, "verify-done");
    }
    match links::resend(&portal, &keys.throttle, member.user).await? {
        None => answer::flash_with(urls::instances(), FlashKind::Good, "verify-resent", ("email", &member.email)),
        Some(seconds) => Err(PageError::TooMany(seconds)),
    }
}
