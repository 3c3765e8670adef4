//! `/account/sessions`: where the person is logged in.

use actix_web::web::{Data, Path};
use askama::Template;

use super::{Tab, tabs};
use crate::accounts::sessions;
use crate::base::ids::SessionId;
use crate::i18n::format::{Formats, When};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Button, Member, Posted};
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

/// Shows the list.
pub async fn get(portal: Data<Portal>, member: Member) -> Answer {
    let formats = Formats::new(member.layout.locale, &member.timezone);
    let now = member.layout.now;
    let sessions = sessions::list(&portal, member.user).await?.into_iter().map(|session| Line {
        device: device(&session.user_agent).unwrap_or_else(|| member.layout.t("sessions-unknown")),
        address: session.address,
        began: formats.when(session.created_at, now),
        seen: formats.when(session.seen_at, now),
        is_present: session.id == member.session,
        revoke: urls::revoke_session(session.id),
    });
    answer::page(&SessionsPage {
        sessions: sessions.collect(),
        tabs: tabs(&member.layout, &urls::account_sessions()),
        layout: member.layout,
    })
}

/// Ends one login.
pub async fn revoke(portal: Data<Portal>, member: Member, session: Path<SessionId>, _posted: Posted<Button>) -> Answer {
    if !sessions::revoke(&portal, &member.actor(), member.user, *session).await? {
        return Err(PageError::NotFound);
    }
    if *session == member.session {
        return Ok(answer::logged_out(answer::flash(urls::login(), FlashKind::Good, "logout-done")?));
    }
    answer::flash(urls::account_sessions(), FlashKind::Good, "sessions-revoked")
}

/// Ends every login but this one.
pub async fn revoke_others(portal: Data<Portal>, member: Member, _posted: Posted<Button>) -> Answer {
    sessions::revoke_others(&portal, &member.actor(), member.user, member.session).await?;
    answer::flash(urls::account_sessions(), FlashKind::Good, "sessions-revoked-others")
}

/// Returns browser and system of what a browser calls itself: names that people recognise.
fn device(user_agent: &str) -> Option<String> {
    let first = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
    };
    let browser = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ])?;
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    Some(system.map_or_else(|| browser.to_owned(), |system| format!("{browser} · {system}")))
}

struct Line {
    device: String,
    address: String,
    began: When,
    seen: When,
    is_present: bool,
    revoke: String,
}

#[derive(Template)]
#[template(path = "pages/account/sessions.html")]
struct SessionsPage {
    layout: Layout,
    tabs: Vec<Tab>,
    sessions: Vec<Line>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_named_as_people_know_it() {
        let chrome =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36";
        assert_eq!(device(chrome).as_deref(), Some("Chrome · Linux"));
        assert_eq!(device("curl/8").as_deref(), None);
    }
}
