//! Logging in as staff: password, then second factor, then a new session token.

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::store::{self, SessionRow};
use super::{ABSOLUTE_LIMIT, IDLE_LIMIT, StaffMember, Stage, second_factor};
use crate::accounts::password;
use crate::accounts::throttle::{self, Limit};
use crate::audit::{self, Actor};
use crate::base::ids::StaffId;
use crate::base::names::EmailAddress;
use crate::base::seal::SealingKey;
use crate::base::secret::{Secret, new_token, token_hash};
use crate::portal::Portal;

/// What is known of the browser that asks, for the session list and the audit log.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    /// The client's address as the proxy saw it.
    pub address: String,
    /// Cut to 300 characters.
    pub user_agent: String,
}

/// Whether a new session has both factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsComplete {
    /// Both were proved.
    Yes,
    /// Only the password.
    No,
}

/// Why a step of the login was refused.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// E-mail, password or code are wrong: which one is not said.
    #[error("the login was refused")]
    Wrong,
    /// Too many tries; seconds to wait.
    #[error("too many tries")]
    Throttled(u32),
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// A session as a request finds it.
#[derive(Clone, Debug)]
pub struct Session {
    /// Who is (half) logged in.
    pub member: StaffMember,
    /// How far the login has come.
    pub stage: Stage,
}

/// Opens a session row and returns the cookie's value.
pub async fn open_session(
    db: &mut PgConnection,
    staff: StaffId,
    complete: IsComplete,
    browser: &Browser,
    now: DateTime<Utc>,
) -> anyhow::Result<Secret<String>> {
    let token = new_token();
    let row = SessionRow {
        token_hash: token_hash(token.expose()),
        staff,
        is_complete: complete == IsComplete::Yes,
        expires_at: now + ABSOLUTE_LIMIT,
        address: browser.address.clone(),
        user_agent: browser.user_agent.chars().take(300).collect(),
    };
    store::insert_session(db, &row, now).await?;
    Ok(token)
}

/// Checks e-mail and password; the answer takes the same time for an unknown e-mail.
pub async fn with_password(
    portal: &Portal,
    counter: &throttle::Key,
    email: &str,
    typed: Secret<String>,
    browser: &Browser,
) -> Result<Secret<String>, LoginError> {
    let now = portal.clock.now();
    // What is no address belongs to nobody: it is refused below, after the same work.
    let key = EmailAddress::parse(email).map(|address| address.key().to_owned()).unwrap_or_default();
    // A stranger can use these tries up and keep a staff member waiting; the other way round would be worse.
    if let Some(seconds) = throttle::count(portal, counter, Limit::StaffByEmail, &[&key]).await? {
        return Err(LoginError::Throttled(seconds));
    }
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let found = store::find_credentials(&mut db, &key).await.context("read the staff member")?;
    let hash = found.as_ref().map(|found| found.password_hash.clone());
    let is_right = password::is_right(typed.expose(), hash).await.context("check the password")?;
    let Some(found) = found.filter(|_| is_right) else {
        tracing::warn!(address = %browser.address, "a staff login was refused");
        return Err(LoginError::Wrong);
    };
    throttle::forgive(portal, counter, Limit::StaffByEmail, &[&key]).await?;
    let mut tx = portal.db.begin().await.context("begin")?;
    let token = open_session(&mut tx, found.id, IsComplete::No, browser, now).await?;
    tx.commit().await.context("commit")?;
    Ok(token)
}

/// Returns the session of a cookie, and notes that it was used.
pub async fn find_session(portal: &Portal, token: &str) -> anyhow::Result<Option<Session>> {
    let now = portal.clock.now();
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    Ok(store::touch_session(&mut db, &token_hash(token), now, now - IDLE_LIMIT).await?)
}

/// What to show to somebody who sets up the second factor, and to nobody else.
pub async fn enrolment(
    portal: &Portal,
    key: &SealingKey,
    session: &Session,
) -> anyhow::Result<second_factor::Enrolment> {
    ensure!(session.stage == Stage::MustEnrol, "the second factor is set up already");
    let member = &session.member;
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let sealed = store::totp_sealed(&mut db, member.id).await?;
    let secret = key.open(&format!("staff/{}", member.id), &sealed)?;
    second_factor::enrolment(&secret, &member.email, &portal.public.company)
}

/// Finishes the set-up with a first code. Returns the new session and the recovery codes, shown once.
pub async fn enrol(
    portal: &Portal,
    key: &SealingKey,
    half: (&Session, &str),
    code: &str,
    browser: &Browser,
) -> Result<(Secret<String>, Vec<String>), LoginError> {
    let now = portal.clock.now();
    let (session, token) = half;
    if session.stage != Stage::MustEnrol {
        return Err(LoginError::Wrong);
    }
    let mut tx = portal.db.begin().await.context("begin")?;
    prove_code(&mut tx, key, session.member.id, code, now).await?;
    let codes = second_factor::new_recovery_codes();
    let hashes: Vec<_> = codes.iter().map(|code| token_hash(code)).collect();
    store::confirm_totp(&mut tx, session.member.id, &hashes, now).await.context("confirm the second factor")?;
    let new = complete(&mut tx, session, token, browser, now).await?;
    audit::record(
        &mut tx,
        &Actor::staff(session.member.id, &session.member.name),
        audit::Entry::new("staff.second-factor-set"),
        now,
    )
    .await?;
    tx.commit().await.context("commit")?;
    Ok((new, codes))
}

/// Finishes a login with a code or a recovery code. The half session is replaced by a new one (ASVS 7.2.4).
pub async fn with_second_factor(
    portal: &Portal,
    counter: &throttle::Key,
    key: &SealingKey,
    half: (&Session, &str),
    typed: &str,
    browser: &Browser,
) -> Result<Secret<String>, LoginError> {
    let now = portal.clock.now();
    let (session, token) = half;
    if session.stage != Stage::MustProve {
        return Err(LoginError::Wrong);
    }
    let subject = session.member.id.to_string();
    if let Some(seconds) = throttle::count(portal, counter, Limit::StaffCode, &[&subject]).await? {
        return Err(LoginError::Throttled(seconds));
    }
    let mut tx = portal.db.begin().await.context("begin")?;
    match second_factor::parse_recovery_code(typed) {
        Some(recovery) => {
            let is_used_now = store::use_recovery_code(&mut tx, session.member.id, &token_hash(&recovery), now).await;
            if !is_used_now.context("use the recovery code")? {
                return Err(LoginError::Wrong);
            }
        }
        None => prove_code(&mut tx, key, session.member.id, typed, now).await?,
    }
    let new = complete(&mut tx, session, token, browser, now).await?;
    audit::record(
        &mut tx,
        &Actor::staff(session.member.id, &session.member.name),
        audit::Entry::new("staff.logged-in"),
        now,
    )
    .await?;
    tx.commit().await.context("commit")?;
    throttle::forgive(portal, counter, Limit::StaffCode, &[&subject]).await?;
    Ok(new)
}

async fn prove_code(
    db: &mut PgConnection,
    key: &SealingKey,
    staff: StaffId,
    code: &str,
    now: DateTime<Utc>,
) -> Result<(), LoginError> {
    let sealed = store::totp_sealed(db, staff).await.context("read the second factor")?;
    let secret = key.open(&format!("staff/{staff}"), &sealed)?;
    let step = second_factor::matching_step(&secret, code, now).ok_or(LoginError::Wrong)?;
    // One statement decides, so that two requests with one code cannot both win.
    if store::use_totp_step(db, staff, step).await.context("use the code")? { Ok(()) } else { Err(LoginError::Wrong) }
}

async fn complete(
    db: &mut PgConnection,
    session: &Session,
    token: &str,
    browser: &Browser,
    now: DateTime<Utc>,
) -> anyhow::Result<Secret<String>> {
    store::delete_session(db, &token_hash(token)).await?;
    open_session(db, session.member.id, IsComplete::Yes, browser, now).await
}

/// Ends a session.
pub async fn log_out(portal: &Portal, token: &str) -> anyhow::Result<()> {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    store::delete_session(&mut db, &token_hash(token)).await?;
    Ok(())
}
