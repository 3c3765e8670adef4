//! `POST /preferences`: remembers a language or a theme in a cookie, then goes back.

use actix_web::cookie::time::Duration;
use actix_web::web::Data;
use serde::Deserialize;

use crate::accounts::settings;
use crate::i18n::Locale;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::cookies::{self, Kind};
use crate::web::extract::{Posted, Visitor};
use crate::web::layout::Theme;
use crate::web::urls;

/// What was chosen, and where it was chosen.
#[derive(Debug, Deserialize)]
pub struct PreferencesForm {
    lang: Option<String>,
    theme: Option<String>,
    back: Option<String>,
}

/// Remembers the choice. A customer's language is also the one of the mails.
pub async fn post(portal: Data<Portal>, visitor: Visitor, posted: Posted<PreferencesForm>) -> Answer {
    let back = posted.form.back.as_deref().and_then(urls::local).unwrap_or("/").to_owned();
    let mut response = answer::see_other(back)?;
    let year = Some(Duration::days(365));
    if let Some(locale) = posted.form.lang.as_deref().and_then(Locale::from_code) {
        if let Some(session) = &visitor.session {
            settings::choose_language(&portal, session.user, locale).await?;
        }
        let _ = response.add_cookie(&cookies::cookie(&portal.public, Kind::Language, locale.code().to_owned(), year));
    }
    if let Some(theme) = posted.form.theme.as_deref().and_then(Theme::from_name) {
        let _ = response.add_cookie(&cookies::cookie(&portal.public, Kind::Theme, theme.name().to_owned(), year));
    }
    Ok(response)
}
