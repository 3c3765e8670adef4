//! The audit_log table. The only SQL about it.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::db::StoreError;

/// One entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Counts from 1 without holes.
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// `user`, `staff` or `system`.
    pub actor_kind: String,
    /// The user's or staff member's id.
    pub actor_id: Option<Uuid>,
    /// Their name at that time.
    pub actor_name: String,
    /// The account that it concerns.
    pub account_id: Option<Uuid>,
    /// The environment that it concerns.
    pub environment_id: Option<Uuid>,
    /// A stable name such as `environment.stopped`.
    pub action: String,
    /// What else is worth knowing.
    pub detail: serde_json::Value,
    /// The network address that it came from.
    pub address: Option<String>,
    /// The hash of the entry before; empty for the first.
    pub previous_hash: Vec<u8>,
    /// The hash of this one.
    pub hash: Vec<u8>,
}

/// Which entries are wanted.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this account only.
    pub account: Option<Uuid>,
    /// Of this environment only.
    pub environment: Option<Uuid>,
    /// Of this kind of actor only.
    pub actor_kind: Option<String>,
    /// Whose actor's name or action contains this text.
    pub text: Option<String>,
}

/// Any number, the same for all: the advisory lock that writers of the audit log take in turn.
const LOCK: i64 = 0x5A_4F_4F_01;

/// Waits for its turn and returns the last number and hash.
pub async fn lock_last(db: &mut PgConnection) -> Result<(i64, Vec<u8>), StoreError> {
    sqlx::query!("SELECT pg_advisory_xact_lock($1)", LOCK).fetch_one(&mut *db).await?;
    let last = sqlx::query!("SELECT seq, hash FROM audit_log ORDER BY seq DESC LIMIT 1").fetch_optional(db).await?;
    Ok(last.map(|last| (last.seq, last.hash)).unwrap_or_default())
}

/// Appends an entry.
pub async fn insert(db: &mut PgConnection, row: &Row) -> anyhow::Result<()> {
    sqlx::query!(
        r#"
        INSERT INTO audit_log
             ( seq, at, actor_kind, actor_id, actor_name, account_id, environment_id, action, detail, address, previous_hash, hash )
        VALUES
             ( $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 )
        "#,
        row.seq,
        row.at,
        row.actor_kind,
        row.actor_id,
        row.actor_name,
        row.account_id,
        row.environment_id,
        row.action,
        row.detail,
        row.address,
        row.previous_hash,
        row.hash,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns the entries after `seq`, oldest first.
pub async fn after(db: &mut PgConnection, seq: i64, limit: i64) -> Result<Vec<Row>, StoreError> {
    Ok(sqlx::query_as!(Row, "SELECT * FROM audit_log WHERE seq > $1 ORDER BY seq LIMIT $2", seq, limit)
        .fetch_all(db)
        .await?)
}

/// Returns the newest entries that fit, newest first.
pub async fn list(
    db: &mut PgConnection,
    filter: &Filter,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    Ok(sqlx::query_as!(
        Row,
        r#"
        SELECT *
          FROM audit_log
         WHERE ($1::uuid IS NULL OR account_id = $1)
           AND ($2::uuid IS NULL OR environment_id = $2)
           AND ($3::text IS NULL OR actor_kind = $3)
           AND ($4::text IS NULL OR actor_name ILIKE '%' || $4 || '%' OR action ILIKE '%' || $4 || '%')
           AND ($5::bigint IS NULL OR seq < $5)
         ORDER BY seq DESC
         LIMIT $6
        "#,
        filter.account,
        filter.environment,
        filter.actor_kind,
        filter.text,
        before,
        limit,
    )
    .fetch_all(db)
    .await?)
}
