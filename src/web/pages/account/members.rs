//! `/account/members`: who belongs to the organisation.

use actix_web::web::Data;
use askama::Template;

use super::{Tab, tabs};
use crate::accounts::policy::Action;
use crate::accounts::settings;
use crate::i18n::format::{Formats, When};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::Member;
use crate::web::layout::Layout;
use crate::web::urls;

/// Shows the list.
pub async fn get(portal: Data<Portal>, member: Member) -> Answer {
    member.require(Action::SeeMembers)?;
    let formats = Formats::new(member.layout.locale, &member.timezone);
    let layout = member.layout;
    let members = settings::members(&portal, member.account).await?.into_iter().map(|listed| Line {
        role: layout.t(format!("role-{}", listed.role.word())),
        detail: layout.t(format!("role-{}-detail", listed.role.word())),
        since: formats.when(listed.created_at, layout.now),
        is_self: listed.user == member.user,
        name: listed.name,
        email: listed.email,
    });
    answer::page(&MembersPage { members: members.collect(), tabs: tabs(&layout, &urls::account_members()), layout })
}

struct Line {
    name: String,
    email: String,
    role: String,
    detail: String,
    since: When,
    is_self: bool,
}

#[derive(Template)]
#[template(path = "pages/account/members.html")]
struct MembersPage {
    layout: Layout,
    tabs: Vec<Tab>,
    members: Vec<Line>,
}
