//! `/dev/mails`: mails that were caught instead of sent. The route does not exist in production.

use actix_web::web::Data;
use askama::Template;

use crate::i18n::format::{Formats, When};
use crate::mail::store;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::Visitor;
use crate::web::layout::Layout;

/// More than anybody looks at.
const SHOWN: i64 = 50;

/// Shows the newest.
pub async fn get(portal: Data<Portal>, visitor: Visitor) -> Answer {
    let layout = visitor.layout;
    let zone = layout.person.as_ref().map_or("UTC", |person| person.timezone.as_str());
    let formats = Formats::new(layout.locale, zone);
    let mails = store::newest(&portal.db, SHOWN).await?.into_iter().map(|mail| Line {
        link: mail.text_body.lines().find(|line| line.starts_with("http")).map(str::to_owned),
        to: mail.recipient,
        subject: mail.subject,
        text: mail.text_body,
        when: formats.when(mail.caught_at, layout.now),
    });
    answer::page(&MailsPage { mails: mails.collect(), layout })
}

struct Line {
    to: String,
    subject: String,
    text: String,
    link: Option<String>,
    when: When,
}

#[derive(Template)]
#[template(path = "pages/dev/mails.html")]
struct MailsPage {
    layout: Layout,
    mails: Vec<Line>,
}
