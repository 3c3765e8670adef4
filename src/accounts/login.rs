//! Logging in with e-mail and password: the same answer and the same work whether there is such a person or not.

use anyhow::Context;
use chrono::TimeDelta;
use serde_json::json;

use super::letters::SendLetter;
use super::throttle::{self, Key, Limit};
use super::{Origin, device, password, sessions, store};
use crate::audit::{self, Actor, Entry};
use crate::base::ids::UserId;
use crate::base::names::EmailAddress;
use crate::base::secret::Secret;
use crate::portal::Portal;
use crate::queue;

/// Somebody who signed up just now needs no mail about a new device.
const STILL_NEW: TimeDelta = TimeDelta::hours(1);

/// A new login.
#[derive(Debug)]
pub struct LoggedIn {
    /// Who it is.
    pub user: UserId,
    /// The cookie's value.
    pub token: Secret<String>,
    /// The cookie that knows this device.
    pub devices: String,
}

/// Why nobody was logged in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Something the person can understand.
    #[error("the login was refused")]
    Refused(#[source] Refusal),
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// What was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The address or the password, and we do not say which.
    #[error("the e-mail address or the password is wrong")]
    Wrong,
    /// Too many tries; seconds to wait.
    #[error("too many tries, wait {0} seconds")]
    Wait(u32),
}

/// Logs somebody in.
pub async fn log_in(portal: &Portal, key: &Key, typed: (&str, &str), origin: &Origin) -> Result<LoggedIn, LoginError> {
    let (email, typed_password) = typed;
    let now = portal.clock.now();
    let email_key = EmailAddress::parse(email).map(|email| email.key().to_owned()).unwrap_or_default();
    let user = {
        let mut db = store::connection(&portal.db).await.context("read the person")?;
        store::find_user_by_email(&mut db, &email_key).await.context("read the person")?
    };
    let device = user.as_ref().and_then(|user| device::known(key, &origin.devices, user.id));

    let network = throttle::network(&origin.address);
    let by_address = throttle::count(portal, key, Limit::LoginByAddress, &[&network]).await?;
    let by_person = match &device {
        Some(device) => throttle::count(portal, key, Limit::LoginByDevice, &[&email_key, device]).await?,
        None => throttle::count(portal, key, Limit::LoginByEmail, &[&email_key]).await?,
    };
    // A device that is known is not held up by what its neighbours on the same network do.
    if let Some(seconds) = by_person.or(by_address.filter(|_| device.is_none())) {
        tracing::warn!(address = origin.address, "too many tries to log in");
        return Err(LoginError::Refused(Refusal::Wait(seconds)));
    }

    let is_right = password::is_right(typed_password, user.as_ref().map(|user| user.password_hash.clone())).await?;
    let (true, Some(user)) = (is_right, user) else {
        tracing::info!(address = origin.address, "a login was refused");
        return Err(LoginError::Refused(Refusal::Wrong));
    };

    let mut tx = portal.db.begin().await.context("begin")?;
    let Some(account) = store::find_home(&mut tx, user.id).await.context("read the person's organisation")? else {
        return Err(LoginError::Refused(Refusal::Wrong));
    };
    let token = sessions::start(&mut tx, (user.id, account), origin, now).await?;
    if device.is_none() && now - user.created_at > STILL_NEW {
        let letter = SendLetter::NewDevice {
            user: user.id,
            device: origin.user_agent.clone(),
            address: origin.address.clone(),
            at: now,
        };
        queue::enqueue(&mut tx, &letter, now).await?;
    }
    let actor = Actor::user(user.id, &user.name).from_address(&origin.address);
    let entry = Entry::new("session.started").account(account).detail(json!({ "new_device": device.is_none() }));
    audit::record(&mut tx, &actor, entry, now).await?;
    tx.commit().await.context("commit")?;

    match &device {
        Some(device) => throttle::forgive(portal, key, Limit::LoginByDevice, &[&email_key, device]).await?,
        None => throttle::forgive(portal, key, Limit::LoginByEmail, &[&email_key]).await?,
    }
    Ok(LoggedIn { user: user.id, token, devices: device::remember(key, &origin.devices, user.id) })
}

/// Whether a typed password is the person's own: asked for before what must not happen at an unwatched desk.
pub async fn confirm(portal: &Portal, key: &Key, user: UserId, typed: &str) -> Result<(), LoginError> {
    if let Some(seconds) = throttle::count(portal, key, Limit::Password, &[&user.to_string()]).await? {
        return Err(LoginError::Refused(Refusal::Wait(seconds)));
    }
    let found = {
        let mut db = store::connection(&portal.db).await.context("read the person")?;
        store::find_user(&mut db, user).await.context("read the person")?
    };
    if password::is_right(typed, found.map(|user| user.password_hash)).await? {
        throttle::forgive(portal, key, Limit::Password, &[&user.to_string()]).await?;
        Ok(())
    } else {
        Err(LoginError::Refused(Refusal::Wrong))
    }
}
