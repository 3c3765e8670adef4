//! The table of billing profiles.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{Mailbox, Profile};
use crate::base::ids::AccountId;
use crate::db::StoreError;
use crate::i18n::Locale;

/// The saved profile of an account.
pub async fn find(db: &mut PgConnection, account: AccountId) -> Result<Option<Profile>, StoreError> {
    let row = sqlx::query!("SELECT * FROM billing_profiles WHERE account_id = $1", account as AccountId)
        .fetch_optional(db)
        .await?;
    Ok(row.map(|row| Profile {
        is_business: row.is_business,
        legal_name: row.legal_name,
        street: row.street,
        postcode: row.postcode,
        city: row.city,
        country: row.country,
        vat_number: row.vat_number,
        vat_checked: row.vat_checked_at.map(|at| (at, row.vat_check)),
        siren: row.siren,
        ice: row.ice,
        email: row.email,
        purchase_order: row.purchase_order,
        language: Locale::from_code(&row.language).unwrap_or(Locale::En),
    }))
}

/// What an account says of itself.
pub async fn of_account(db: &mut PgConnection, account: AccountId) -> Result<Option<Profile>, StoreError> {
    let row = sqlx::query!(
        r#"
        SELECT accounts.name
             , accounts.country
             , (SELECT users.locale
                  FROM members
                  JOIN users ON users.id = members.user_id
                 WHERE members.account_id = accounts.id
                 ORDER BY members.role <> 'owner', members.created_at
                 LIMIT 1) AS locale
          FROM accounts
         WHERE accounts.id = $1
        "#,
        account as AccountId
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Profile {
        is_business: true,
        legal_name: row.name,
        street: String::new(),
        postcode: String::new(),
        city: String::new(),
        country: row.country,
        vat_number: String::new(),
        vat_checked: None,
        siren: String::new(),
        ice: String::new(),
        email: String::new(),
        purchase_order: String::new(),
        language: row.locale.as_deref().and_then(Locale::from_code).unwrap_or(Locale::En),
    }))
}

/// The address of the account's first owner, or the one that is kept of a closed account.
pub async fn owner_mail(db: &mut PgConnection, account: AccountId) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT COALESCE(kept_mails.email, owner.email)
          FROM accounts
          LEFT JOIN kept_mails ON kept_mails.account_id = accounts.id
          LEFT JOIN LATERAL (SELECT users.email
                               FROM members
                               JOIN users ON users.id = members.user_id
                              WHERE members.account_id = accounts.id
                                AND users.password_hash <> '!'
                              ORDER BY members.role <> 'owner', members.created_at
                              LIMIT 1) AS owner ON true
         WHERE accounts.id = $1
        "#,
        account as AccountId
    )
    .fetch_one(db)
    .await?)
}

/// The address for invoices that the profile names, or that is kept.
pub async fn mailbox(db: &mut PgConnection, account: AccountId) -> Result<Option<Mailbox>, StoreError> {
    let row = sqlx::query!(
        r#"
        SELECT COALESCE(NULLIF(billing_profiles.email, ''), kept_mails.email) AS "email!"
             , COALESCE(billing_profiles.legal_name, accounts.name) AS "name!"
             , COALESCE(billing_profiles.language, kept_mails.language) AS "language!"
          FROM accounts
          LEFT JOIN billing_profiles ON billing_profiles.account_id = accounts.id
          LEFT JOIN kept_mails ON kept_mails.account_id = accounts.id
         WHERE accounts.id = $1
           AND COALESCE(NULLIF(billing_profiles.email, ''), kept_mails.email) IS NOT NULL
        "#,
        account as AccountId
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Mailbox {
        name: row.name,
        email: row.email,
        locale: Locale::from_code(&row.language).unwrap_or(Locale::En),
    }))
}

/// Keeps the address and the language of the account's first owner. Who never ordered anything owes nothing.
pub async fn keep_mail(db: &mut PgConnection, account: AccountId, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO kept_mails (account_id, email, language, kept_at)
        SELECT members.account_id, users.email, users.locale, $2
          FROM members
          JOIN users ON users.id = members.user_id
         WHERE members.account_id = $1
           AND EXISTS (SELECT FROM environment_segments WHERE account_id = $1)
         ORDER BY members.role <> 'owner', members.created_at
         LIMIT 1
            ON CONFLICT DO NOTHING
        "#,
        account as AccountId,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes the kept addresses of accounts with which everything is settled, and whose documents were issued before `issued`.
pub async fn forget_mails(db: &mut PgConnection, issued: DateTime<Utc>) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        r#"
        DELETE FROM kept_mails
         WHERE EXISTS (SELECT FROM billing_periods WHERE account_id = kept_mails.account_id)
           AND NOT EXISTS (SELECT FROM billing_periods WHERE account_id = kept_mails.account_id AND state = 'open')
           AND NOT EXISTS (SELECT
                             FROM documents
                            WHERE account_id = kept_mails.account_id
                              AND (state = 'draft' OR finalised_at > $1 OR (state = 'final' AND left_of(documents) <> 0)))
           AND NOT EXISTS (SELECT FROM payments WHERE account_id = kept_mails.account_id AND left_of(payments) <> 0)
           -- A paper that is being made is still to be sent.
           AND NOT EXISTS (SELECT
                             FROM documents
                             LEFT JOIN document_files ON document_files.document_id = documents.id AND document_files.kind = 'pdf'
                            WHERE documents.account_id = kept_mails.account_id
                              AND documents.state <> 'dropped'
                              AND document_files.document_id IS NULL)
        "#,
        issued
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Writes the profile. What was found out about a number stays with that number.
pub async fn save(
    db: &mut PgConnection,
    account: AccountId,
    profile: &Profile,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO billing_profiles AS old
             (account_id, is_business, legal_name, street, postcode, city, country, vat_number, siren, ice, email
            , purchase_order, language, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
            ON CONFLICT (account_id) DO UPDATE
           SET is_business = excluded.is_business
             , legal_name = excluded.legal_name
             , street = excluded.street
             , postcode = excluded.postcode
             , city = excluded.city
             , country = excluded.country
             , vat_number = excluded.vat_number
             , siren = excluded.siren
             , ice = excluded.ice
             , email = excluded.email
             , purchase_order = excluded.purchase_order
             , language = excluded.language
             , updated_at = excluded.updated_at
             , vat_checked_at = CASE WHEN (old.vat_number, old.country) = (excluded.vat_number, excluded.country)
                                     THEN old.vat_checked_at END
             , vat_check = CASE WHEN (old.vat_number, old.country) = (excluded.vat_number, excluded.country)
                                THEN old.vat_check ELSE '' END
        "#,
        account as AccountId,
        profile.is_business,
        profile.legal_name,
        profile.street,
        profile.postcode,
        profile.city,
        profile.country,
        profile.vat_number,
        profile.siren,
        profile.ice,
        profile.email,
        profile.purchase_order,
        profile.language.code(),
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes a check of the number that stands there.
pub async fn note_vat_check(
    db: &mut PgConnection,
    account: AccountId,
    (number, answer): (&str, &str),
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        UPDATE billing_profiles
           SET vat_checked_at = $3
             , vat_check = $4
         WHERE account_id = $1
           AND vat_number = $2
           AND vat_number <> ''
        "#,
        account as AccountId,
        number,
        now,
        answer
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets what was found out about the number that stands there.
pub async fn forget_vat_check(db: &mut PgConnection, account: AccountId, number: &str) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE billing_profiles SET vat_checked_at = NULL, vat_check = '' WHERE account_id = $1 AND vat_number = $2",
        account as AccountId,
        number
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}
