//! `/signup/check-mail`: says that a mail is on its way.

use askama::Template;

use crate::web::answer::{self, Answer};
use crate::web::extract::Visitor;
use crate::web::layout::Layout;

/// Shows the page. It names no address: whoever shares the browser learns none.
pub async fn get(visitor: Visitor) -> Answer {
    answer::page(&CheckMailPage { layout: visitor.layout })
}

#[derive(Template)]
#[template(path = "pages/auth/check_mail.html")]
struct CheckMailPage {
    layout: Layout,
}
