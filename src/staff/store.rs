//! The tables of staff, their invitations and sessions, and suspensions. The only SQL about them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::login::Session;
use super::suspensions::Subject;
use super::{StaffMember, Stage};
use crate::base::ids::{AccountId, EnvironmentId, StaffId, SuspensionId};
use crate::base::names::EmailAddress;
use crate::db::StoreError;
use crate::i18n::Locale;

/// Whether there is any staff member.
pub async fn staff_exists(db: &mut PgConnection) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM staff) AS "exists!""#).fetch_one(db).await?)
}

/// Takes back every invitation that was not used.
pub async fn withdraw_invitations(db: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM staff_invitations WHERE used_at IS NULL").execute(db).await?;
    Ok(())
}

/// Adds an invitation.
pub async fn insert_invitation(
    db: &mut PgConnection,
    token_hash: &[u8],
    invited_by: Option<StaffId>,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO staff_invitations ( id, token_hash, invited_by, expires_at, created_at )
        VALUES ( gen_random_uuid(), $1, $2, $3, $4 )
        "#,
        token_hash,
        invited_by as Option<StaffId>,
        expires_at,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether an invitation can still be used.
pub async fn find_invitation(db: &mut PgConnection, token_hash: &[u8], now: DateTime<Utc>) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT EXISTS (
               SELECT FROM staff_invitations
                WHERE token_hash = $1
                  AND used_at IS NULL
                  AND expires_at > $2 ) AS "exists!"
        "#,
        token_hash,
        now,
    )
    .fetch_one(db)
    .await?)
}

/// Uses an invitation up. False when it cannot be used (any more): of two who try at once, one gets true.
pub async fn use_invitation(db: &mut PgConnection, token_hash: &[u8], now: DateTime<Utc>) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE staff_invitations SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2",
        token_hash,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A staff member to be added.
pub struct NewStaff<'a> {
    /// Made by the caller: the sealed secret is bound to it.
    pub id: StaffId,
    /// The login.
    pub email: &'a EmailAddress,
    /// The name.
    pub name: &'a str,
    /// Argon2id, PHC format.
    pub password_hash: &'a str,
    /// The language of their pages.
    pub locale: Locale,
    /// The secret of the second factor.
    pub totp_sealed: Vec<u8>,
}

/// Adds a staff member.
pub async fn insert_staff(db: &mut PgConnection, new: &NewStaff<'_>, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO staff ( id, email, email_key, name, password_hash, locale, totp_sealed, created_at )
        VALUES ( $1, $2, $3, $4, $5, $6, $7, $8 )
        "#,
        new.id as StaffId,
        new.email.as_str(),
        new.email.key(),
        new.name,
        new.password_hash,
        new.locale.code(),
        new.totp_sealed,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What a login with a password needs.
pub struct Credentials {
    /// Who it is.
    pub id: StaffId,
    /// Argon2id, PHC format.
    pub password_hash: String,
}

/// Returns the credentials of an active staff member.
pub async fn find_credentials(db: &mut PgConnection, email_key: &str) -> Result<Option<Credentials>, StoreError> {
    Ok(sqlx::query_as!(
        Credentials,
        r#"SELECT id AS "id: StaffId", password_hash FROM staff WHERE email_key = $1 AND state = 'active'"#,
        email_key,
    )
    .fetch_optional(db)
    .await?)
}

/// Returns the sealed secret of the second factor.
pub async fn totp_sealed(db: &mut PgConnection, staff: StaffId) -> Result<Vec<u8>, StoreError> {
    Ok(sqlx::query_scalar!("SELECT totp_sealed FROM staff WHERE id = $1", staff as StaffId).fetch_one(db).await?)
}

/// Uses a time step up. False when it, or a later one, was used before.
pub async fn use_totp_step(db: &mut PgConnection, staff: StaffId, step: i64) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE staff SET totp_last_step = $2 WHERE id = $1 AND totp_last_step < $2",
        staff as StaffId,
        step
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Marks the second factor as set up and stores the hashes of the recovery codes.
pub async fn confirm_totp(
    db: &mut PgConnection,
    staff: StaffId,
    code_hashes: &[Vec<u8>],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!("UPDATE staff SET totp_confirmed_at = $2 WHERE id = $1", staff as StaffId, now)
        .execute(&mut *db)
        .await?;
    sqlx::query!(
        "INSERT INTO staff_recovery_codes ( staff_id, code_hash ) SELECT $1, unnest($2::bytea[])",
        staff as StaffId,
        code_hashes,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Uses a recovery code up. Of two who try at once, one gets true.
pub async fn use_recovery_code(
    db: &mut PgConnection,
    staff: StaffId,
    code_hash: &[u8],
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE staff_recovery_codes SET used_at = $3 WHERE staff_id = $1 AND code_hash = $2 AND used_at IS NULL",
        staff as StaffId,
        code_hash,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A session to be added.
pub struct SessionRow {
    /// Of the cookie's value.
    pub token_hash: Vec<u8>,
    /// Whose it is.
    pub staff: StaffId,
    /// Whether both factors were proved.
    pub is_complete: bool,
    /// When it ends whatever happens.
    pub expires_at: DateTime<Utc>,
    /// The client's address.
    pub address: String,
    /// The client's own description.
    pub user_agent: String,
}

/// Adds a session.
pub async fn insert_session(db: &mut PgConnection, row: &SessionRow, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO staff_sessions ( id, token_hash, staff_id, is_complete, created_at, seen_at, expires_at, user_agent, address )
        VALUES ( gen_random_uuid(), $1, $2, $3, $4, $4, $5, $6, $7 )
        "#,
        row.token_hash,
        row.staff as StaffId,
        row.is_complete,
        now,
        row.expires_at,
        row.user_agent,
        row.address,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns the living session of an active staff member and notes that it was used.
pub async fn touch_session(
    db: &mut PgConnection,
    token_hash: &[u8],
    now: DateTime<Utc>,
    idle_since: DateTime<Utc>,
) -> Result<Option<Session>, StoreError> {
    let row = sqlx::query!(
        r#"
        UPDATE staff_sessions AS session
           SET seen_at = $2
          FROM staff
         WHERE staff.id = session.staff_id
           AND staff.state = 'active'
           AND session.token_hash = $1
           AND session.expires_at > $2
           AND session.seen_at > $3
        RETURNING staff.id AS "id: StaffId"
             , staff.email
             , staff.name
             , staff.locale
             , session.is_complete
             , staff.totp_confirmed_at IS NOT NULL AS "is_enrolled!"
        "#,
        token_hash,
        now,
        idle_since,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Session {
        stage: match (row.is_complete, row.is_enrolled) {
            (true, true) => Stage::Complete,
            (false, true) => Stage::MustProve,
            (_, false) => Stage::MustEnrol,
        },
        member: StaffMember {
            id: row.id,
            email: row.email,
            name: row.name,
            locale: Locale::from_code(&row.locale).unwrap_or_default(),
        },
    }))
}

/// Ends a session.
pub async fn delete_session(db: &mut PgConnection, token_hash: &[u8]) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM staff_sessions WHERE token_hash = $1", token_hash).execute(db).await?;
    Ok(())
}

/// Returns the account, and the environment if it is one, that a suspension would concern.
pub async fn suspension_subject(
    db: &mut PgConnection,
    subject: Subject,
) -> Result<Option<(AccountId, Option<EnvironmentId>)>, StoreError> {
    Ok(match subject {
        Subject::Account(account) => {
            sqlx::query_scalar!(r#"SELECT id AS "id: AccountId" FROM accounts WHERE id = $1 FOR UPDATE"#, account as AccountId)
                .fetch_optional(db)
                .await?
                .map(|account| (account, None))
        }
        Subject::Environment(environment) => sqlx::query_scalar!(
            r#"SELECT account_id AS "account: AccountId" FROM environments WHERE id = $1 AND status <> 'deleted' FOR UPDATE"#,
            environment as EnvironmentId,
        )
        .fetch_optional(db)
        .await?
        .map(|account| (account, Some(environment))),
    })
}

/// Adds a suspension. False when there is one already.
pub async fn insert_suspension(
    db: &mut PgConnection,
    id: SuspensionId,
    (account, environment): (AccountId, Option<EnvironmentId>),
    (by, reason): (StaffId, &str),
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        INSERT INTO suspensions ( id, account_id, environment_id, reason, suspended_by, suspended_at )
        VALUES ( $1, $2, $3, $4, $5, $6 )
        ON CONFLICT DO NOTHING
        "#,
        id as SuspensionId,
        account as AccountId,
        environment as Option<EnvironmentId>,
        reason,
        by as StaffId,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Lifts the suspension that is in force. False when there is none.
pub async fn lift_suspension(
    db: &mut PgConnection,
    (account, environment): (AccountId, Option<EnvironmentId>),
    (by, reason): (StaffId, &str),
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        UPDATE suspensions
           SET lifted_by = $3
             , lifted_at = $5
             , lifted_reason = $4
         WHERE account_id = $1
           AND environment_id IS NOT DISTINCT FROM $2
           AND origin = 'staff'
           AND lifted_at IS NULL
        "#,
        account as AccountId,
        environment as Option<EnvironmentId>,
        by as StaffId,
        reason,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}
