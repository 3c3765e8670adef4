//! Organisations, people, and who belongs where.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnection;

use crate::accounts::settings::{Listed, Organisation};
use crate::accounts::signup::NewCustomer;
use crate::accounts::{AccountState, Role};
use crate::base::ids::{AccountId, UserId};
use crate::base::names::EmailAddress;
use crate::db::StoreError;
use crate::i18n::Locale;

/// What the addresses of people end with whose account was closed: mails to them go nowhere.
pub const FORGOTTEN: &str = "@invalid";

/// A person, as use cases need one.
#[derive(Clone, Debug)]
pub struct User {
    /// The person.
    pub id: UserId,
    /// The e-mail address as it was typed.
    pub email: String,
    /// The person's name.
    pub name: String,
    /// The kept hash of the password.
    pub password_hash: String,
    /// The person's language.
    pub locale: Locale,
    /// Whether the address was proved.
    pub is_verified: bool,
    /// When the person signed up.
    pub created_at: DateTime<Utc>,
}

/// Adds an organisation with its first person as owner. Fails on `users_email_key_key` when the address is known.
pub async fn insert_customer(db: &mut PgConnection, new: &NewCustomer<'_>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO users (id, email, email_key, name, password_hash, locale, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        "#,
        new.user as UserId,
        new.email.as_str(),
        new.email.key(),
        new.name,
        new.password_hash,
        new.locale.code(),
        new.at,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "INSERT INTO accounts (id, name, currency, country, timezone, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        new.account as AccountId,
        new.company,
        new.region.currency,
        new.region.country,
        new.region.timezone,
        new.at,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "INSERT INTO members (account_id, user_id, role, created_at) VALUES ($1, $2, 'owner', $3)",
        new.account as AccountId,
        new.user as UserId,
        new.at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The person with this address (compared form).
pub async fn find_user_by_email(db: &mut PgConnection, email_key: &str) -> Result<Option<User>, StoreError> {
    Ok(sqlx::query_as!(
        User,
        r#"
        SELECT id AS "id: UserId"
             , email
             , name
             , password_hash
             , locale AS "locale: Locale"
             , verified_at IS NOT NULL AS "is_verified!"
             , created_at
          FROM users
         WHERE email_key = $1
        "#,
        email_key,
    )
    .fetch_optional(db)
    .await?)
}

/// A person.
pub async fn find_user(db: &mut PgConnection, user: UserId) -> Result<Option<User>, StoreError> {
    Ok(sqlx::query_as!(
        User,
        r#"
        SELECT id AS "id: UserId"
             , email
             , name
             , password_hash
             , locale AS "locale: Locale"
             , verified_at IS NOT NULL AS "is_verified!"
             , created_at
          FROM users
         WHERE id = $1
        "#,
        user as UserId,
    )
    .fetch_optional(db)
    .await?)
}

/// The organisation that a person logs in to: the first that is not closed.
pub async fn find_home(db: &mut PgConnection, user: UserId) -> Result<Option<AccountId>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT members.account_id AS "id: AccountId"
          FROM members
          JOIN accounts ON accounts.id = members.account_id
         WHERE members.user_id = $1
           AND accounts.state <> 'closed'
         ORDER BY members.created_at
         LIMIT 1
        "#,
        user as UserId,
    )
    .fetch_optional(db)
    .await?)
}

/// Notes that the address was proved.
pub async fn set_user_verified(db: &mut PgConnection, user: UserId, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!("UPDATE users SET verified_at = coalesce(verified_at, $2) WHERE id = $1", user as UserId, now)
        .execute(db)
        .await?;
    Ok(())
}

/// Sets a person's password.
pub async fn set_user_password(db: &mut PgConnection, user: UserId, password_hash: &str) -> Result<(), StoreError> {
    sqlx::query!("UPDATE users SET password_hash = $2 WHERE id = $1", user as UserId, password_hash)
        .execute(db)
        .await?;
    Ok(())
}

/// Sets a person's address. Fails on `users_email_key_key` when somebody else has it.
pub async fn set_user_email(db: &mut PgConnection, user: UserId, email: &EmailAddress) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE users SET email = $2, email_key = $3 WHERE id = $1",
        user as UserId,
        email.as_str(),
        email.key()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Sets a person's language.
pub async fn set_user_locale(db: &mut PgConnection, user: UserId, locale: Locale) -> Result<(), StoreError> {
    sqlx::query!("UPDATE users SET locale = $2 WHERE id = $1", user as UserId, locale.code()).execute(db).await?;
    Ok(())
}

/// Sets a person's name.
pub async fn set_user_name(db: &mut PgConnection, user: UserId, name: &str) -> Result<(), StoreError> {
    sqlx::query!("UPDATE users SET name = $2 WHERE id = $1", user as UserId, name).execute(db).await?;
    Ok(())
}

/// An organisation, locked until the transaction ends.
pub async fn lock_organisation(db: &mut PgConnection, account: AccountId) -> Result<Option<Organisation>, StoreError> {
    Ok(sqlx::query_as!(
        Organisation,
        r#"
        SELECT name
             , country
             , currency
             , timezone
             , state AS "state: AccountState"
             , closes_at
          FROM accounts
         WHERE id = $1
           FOR UPDATE
        "#,
        account as AccountId,
    )
    .fetch_optional(db)
    .await?)
}

/// Sets what an organisation says about itself.
pub async fn set_organisation(db: &mut PgConnection, account: AccountId, new: &Organisation) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE accounts SET name = $2, country = $3, currency = $4, timezone = $5 WHERE id = $1",
        account as AccountId,
        new.name,
        new.country,
        new.currency,
        new.timezone,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Sets whether an organisation is with us, and until when it can come back.
pub async fn set_account_state(
    db: &mut PgConnection,
    account: AccountId,
    state: AccountState,
    closes_at: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE accounts SET state = $2, closes_at = $3 WHERE id = $1",
        account as AccountId,
        state as AccountState,
        closes_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes the personal data from people who belong to no organisation that is with us.
pub async fn forget_people(db: &mut PgConnection, account: AccountId) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        UPDATE users
           SET email = 'closed-' || users.id || '@invalid'
             , email_key = 'closed-' || users.id || '@invalid'
             , name = '—'
             , password_hash = '!'
             , verified_at = NULL
          FROM members
         WHERE members.user_id = users.id
           AND members.account_id = $1
           AND NOT EXISTS (
                 SELECT
                   FROM members AS others
                   JOIN accounts ON accounts.id = others.account_id
                  WHERE others.user_id = users.id
                    AND accounts.state <> 'closed'
               )
        "#,
        account as AccountId,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Who belongs to an organisation, owners first.
pub async fn list_members(db: &mut PgConnection, account: AccountId) -> Result<Vec<Listed>, StoreError> {
    Ok(sqlx::query_as!(
        Listed,
        r#"
        SELECT users.id AS "user: UserId"
             , users.name
             , users.email
             , members.role AS "role: Role"
             , members.created_at
          FROM members
          JOIN users ON users.id = members.user_id
         WHERE members.account_id = $1
         ORDER BY array_position(ARRAY['owner', 'developer', 'billing', 'member'], members.role), users.name
        "#,
        account as AccountId,
    )
    .fetch_all(db)
    .await?)
}

/// Whether an organisation ever ordered anything.
pub async fn has_ordered(db: &mut PgConnection, account: AccountId) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM environments WHERE account_id = $1) AS "found!""#,
        account as AccountId
    )
    .fetch_one(db)
    .await?)
}

/// An organisation's time zone.
pub async fn find_timezone(db: &mut PgConnection, account: AccountId) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar!("SELECT timezone FROM accounts WHERE id = $1", account as AccountId)
        .fetch_optional(db)
        .await?)
}
