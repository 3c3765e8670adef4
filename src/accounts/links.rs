//! Links sent by mail: made when the mail is written, used once by pressing a button on the page behind them.

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde_json::json;
use subtle::ConstantTimeEq;

use super::letters::{LinkKind, SendLetter};
use super::throttle::{self, Key, Limit};
use super::{Origin, device, sessions, store};
use crate::audit::{self, Actor, Entry};
use crate::base::ids::{MailTokenId, UserId};
use crate::base::secret::{Secret, new_token, token_hash};
use crate::portal::Portal;
use crate::queue;

/// Makes a link and returns its secret part. `about` is the address it concerns and the visit it may log in.
pub async fn make(
    portal: &Portal,
    kind: LinkKind,
    user: UserId,
    about: (Option<String>, Option<Vec<u8>>),
    now: DateTime<Utc>,
) -> anyhow::Result<Secret<String>> {
    let token = new_token();
    let (new_email, visit_hash) = about;
    let link = store::Link { id: MailTokenId::new(now), user, email: String::new(), new_email, visit_hash };
    let mut db = store::connection(&portal.db).await?;
    store::insert_link(&mut db, kind, &link, &token_hash(token.expose()), now).await.context("insert a link")?;
    Ok(token)
}

/// Returns the address that a link was sent for while it can be used, without using it: programs that check mails open every link.
pub async fn peek(portal: &Portal, kind: LinkKind, token: &str) -> anyhow::Result<Option<String>> {
    let mut tx = portal.db.begin().await.context("begin")?;
    let link = store::lock_link(&mut tx, kind, &token_hash(token), portal.clock.now()).await.context("read a link")?;
    Ok(link.map(|link| if kind == LinkKind::ChangeEmail { link.new_email.unwrap_or_default() } else { link.email }))
}

/// An address that was proved.
#[derive(Debug)]
pub struct Verified {
    /// The address.
    pub email: String,
    /// A login, when the link was opened in the browser that signed up: the cookies of session and device.
    pub login: Option<(Secret<String>, String)>,
}

/// Proves an address. Returns `None` when the link is used, old or not ours.
pub async fn verify(portal: &Portal, key: &Key, token: &str, origin: &Origin) -> anyhow::Result<Option<Verified>> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let Some(link) =
        store::lock_link(&mut tx, LinkKind::VerifyEmail, &token_hash(token), now).await.context("read a link")?
    else {
        return Ok(None);
    };
    store::use_links(&mut tx, LinkKind::VerifyEmail, link.user, now).await.context("use a link")?;
    store::set_user_verified(&mut tx, link.user, now).await.context("note that the address is proved")?;
    let user =
        store::find_user(&mut tx, link.user).await.context("read the person")?.context("the link's person is gone")?;
    let actor = Actor::user(user.id, &user.name).from_address(&origin.address);
    let home = store::find_home(&mut tx, user.id).await.context("read the person's organisation")?;
    let is_same_browser = link.visit_hash.is_some_and(|hash| bool::from(hash.ct_eq(&token_hash(&origin.visit))));
    let login = match home.filter(|_| is_same_browser) {
        Some(account) => {
            let token = sessions::start(&mut tx, (user.id, account), origin, now).await?;
            Some((token, device::remember(key, &origin.devices, user.id)))
        }
        None => None,
    };
    let mut entry = Entry::new("email.verified").detail(json!({ "logged_in": login.is_some() }));
    if let Some(account) = home {
        entry = entry.account(account);
    }
    audit::record(&mut tx, &actor, entry, now).await?;
    tx.commit().await.context("commit")?;
    Ok(Some(Verified { email: user.email, login }))
}

/// Sends the link that proves the address again. Returns the seconds to wait after too many.
pub async fn resend(portal: &Portal, key: &Key, user: UserId) -> anyhow::Result<Option<u32>> {
    let wait = throttle::count(portal, key, Limit::MailsByUser, &[&user.to_string()]).await?;
    if wait.is_none() {
        let mut db = store::connection(&portal.db).await?;
        queue::enqueue(&mut db, &SendLetter::Verify { user, visit_hash: None }, portal.clock.now()).await?;
    }
    Ok(wait)
}
