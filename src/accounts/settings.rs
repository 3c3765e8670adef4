//! What people set for themselves and their organisation.

use anyhow::Context;

use super::store;
use crate::base::ids::UserId;
use crate::i18n::Locale;
use crate::portal::Portal;

/// Sets a person's language: of pages on new devices, and of mails.
pub async fn choose_language(portal: &Portal, user: UserId, locale: Locale) -> anyhow::Result<()> {
    let mut db = store::connection(&portal.db).await?;
    store::set_user_locale(&mut db, user, locale).await.context("set the person's language")
}
