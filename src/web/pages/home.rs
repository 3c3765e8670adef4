//! `/`: the front page; who is logged in goes to the instances.

use askama::Template;
use chrono::TimeDelta;

use crate::i18n::format::Formats;
use crate::web::answer::{self, Answer};
use crate::web::extract::Visitor;
use crate::web::layout::Layout;
use crate::web::urls;

/// What the example shows: clone of the database, start of Odoo, route, and all of it, measured on a machine with two cores.
const MEASURED_MS: [i64; 4] = [390, 1_800, 100, 2_300];

/// Shows the page.
pub async fn get(visitor: Visitor) -> Answer {
    if visitor.session.is_some() {
        return answer::see_other(urls::instances());
    }
    let formats = Formats::new(visitor.layout.locale, "UTC");
    answer::page(&HomePage {
        times: MEASURED_MS.map(|millis| formats.stopwatch(TimeDelta::milliseconds(millis))),
        sign_up: urls::sign_up(),
        pricing: urls::pricing(),
        layout: visitor.layout,
    })
}

#[derive(Template)]
#[template(path = "pages/home.html")]
struct HomePage {
    layout: Layout,
    times: [String; 4],
    sign_up: String,
    pricing: String,
}
