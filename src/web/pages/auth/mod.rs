//! Signing up, logging in and out, forgotten passwords, and the pages behind links sent by mail.

pub mod check_mail;
pub mod confirm_email;
pub mod forgot;
pub mod login;
pub mod logout;
pub mod reset;
pub mod signup;
pub mod undo_email;
pub mod verify;

use askama::Template;

use crate::web::answer::{self, Answer};
use crate::web::layout::Layout;

/// A page behind a link that does something: a button, so that programs that open every link of a mail do nothing.
#[derive(Template)]
#[template(path = "pages/auth/press.html")]
struct PressPage {
    layout: Layout,
    title: String,
    text: String,
    action: String,
    label: String,
}

/// The page of a link that is used, too old, or not ours.
#[derive(Template)]
#[template(path = "pages/auth/link_gone.html")]
struct LinkGonePage {
    layout: Layout,
    href: String,
    label: String,
}

/// Says that a link does not work, and where to get another.
fn link_gone(layout: Layout, href: String, label: &str) -> Answer {
    let label = layout.t(label);
    let mut response = answer::page(&LinkGonePage { layout, href, label })?;
    *response.status_mut() = actix_web::http::StatusCode::GONE;
    Ok(response)
}
