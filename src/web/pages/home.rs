//! `/`: the front page; who is logged in goes to the instances.

use askama::Template;

use crate::web::answer::{self, Answer};
use crate::web::extract::Visitor;
use crate::web::layout::Layout;
use crate::web::urls;

/// Shows the page.
#[expect(clippy::unused_async, reason = "handlers are asynchronous")]
pub async fn get(visitor: Visitor) -> Answer {
    if visitor.session.is_some() {
        return answer::see_other(urls::instances());
    }
    answer::page(&HomePage { layout: visitor.layout })
}

#[derive(Template)]
#[template(path = "pages/home.html")]
struct HomePage {
    layout: Layout,
}
