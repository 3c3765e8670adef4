//! Tenants' sessions as the server shows them from outside, and their end. Nothing here is said inside a tenant's database.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::postgres::PgConnection;

use super::{Postgres, QUICK, Sign, within};
use crate::tenant_db::{DatabaseName, Doing, Result, RoleName, Session, Sessions};

impl Postgres {
    pub(in crate::tenant_db) async fn sessions(&self) -> Result<Sessions> {
        let sign = self.sign_text(Sign::Ready);
        within(QUICK, async {
            let mut db = self.pool.acquire().await?;
            let files = temporary_files(&mut db).await?;
            let (locks, lock_room) = locks(&mut db).await?;
            let rows = sqlx::query!(
                r#"
                SELECT activity.pid                      AS "pid!"
                     , activity.backend_start            AS "began_at!"
                     , activity.xact_start               AS transaction_at
                     , pg_database.datname::text         AS "database!"
                     , coalesce(activity.state, '')      AS "state!"
                     , coalesce(activity.wait_event_type = 'Lock', false) AS "is_blocked!"
                     , coalesce(extract(epoch FROM clock_timestamp() - activity.xact_start), 0)::float8   AS "transaction!"
                     , coalesce(extract(epoch FROM clock_timestamp() - activity.query_start), 0)::float8  AS "statement!"
                     , coalesce(extract(epoch FROM clock_timestamp() - activity.state_change), 0)::float8 AS "state_for!"
                  FROM pg_stat_activity AS activity
                  JOIN pg_database ON pg_database.oid = activity.datid
                 WHERE activity.backend_type = 'client backend'
                   AND activity.usename <> CURRENT_USER
                   AND shobj_description(pg_database.oid, 'pg_database') = $1
                "#,
                sign,
            )
            .fetch_all(&mut *db)
            .await?;
            let notifications =
                sqlx::query_scalar!(r#"SELECT pg_notification_queue_usage() AS "part!""#).fetch_one(&mut *db).await?;
            let all = rows.into_iter().filter_map(|row| {
                Some(Session {
                    pid: row.pid,
                    began_at: row.began_at,
                    transaction_at: row.transaction_at,
                    database: DatabaseName::parse(&row.database).ok()?,
                    doing: match row.state.as_str() {
                        "active" | "fastpath function call" if row.is_blocked => Doing::Waiting,
                        "active" | "fastpath function call" => Doing::Work,
                        state if state.starts_with("idle in transaction") => Doing::IdleInTransaction,
                        _ => Doing::Nothing,
                    },
                    transaction: seconds(row.transaction),
                    statement: seconds(row.statement),
                    state_for: seconds(row.state_for),
                    temporary_bytes: files.get(&row.pid).copied().unwrap_or(0),
                    locks: locks.get(&row.pid).copied().unwrap_or(0),
                })
            });
            Ok(Sessions { all: all.collect(), notifications, lock_room })
        })
        .await
    }

    pub(in crate::tenant_db) async fn end_session(&self, session: &Session) -> Result<bool> {
        within(QUICK, async {
            let ended = sqlx::query_scalar!(
                r#"
                SELECT pg_terminate_backend(pid) AS "is!"
                  FROM pg_stat_activity
                 WHERE pid = $1
                   AND backend_start = $2
                   AND xact_start IS NOT DISTINCT FROM $3
                "#,
                session.pid,
                session.began_at,
                session.transaction_at,
            )
            .fetch_optional(&self.pool)
            .await?;
            Ok(ended == Some(true))
        })
        .await
    }
}

/// Bytes of temporary files by the session that wrote them; nothing on a server where we may not look.
async fn temporary_files(db: &mut PgConnection) -> sqlx::Result<BTreeMap<i32, i64>> {
    let may_look = sqlx::query_scalar!(r#"SELECT has_function_privilege('pg_ls_tmpdir()', 'EXECUTE') AS "may!""#);
    if !may_look.fetch_one(&mut *db).await? {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query!(
        r#"
        SELECT substring(name FROM '^pgsql_tmp([0-9]{1,9})')::integer AS "pid!"
             , sum(size)::bigint                                  AS "bytes!"
          FROM pg_ls_tmpdir()
         WHERE name ~ '^pgsql_tmp[0-9]{1,9}[.]'
         GROUP BY 1
        "#
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.pid, row.bytes)).collect())
}

/// Locks by the session that holds them, and how many there may be on the whole server. Those that take no room of it do not count.
async fn locks(db: &mut PgConnection) -> sqlx::Result<(BTreeMap<i32, i64>, i64)> {
    let room = sqlx::query_scalar!(
        r#"
        SELECT current_setting('max_locks_per_transaction')::bigint
             * (current_setting('max_connections')::bigint + current_setting('max_prepared_transactions')::bigint) AS "room!"
        "#
    );
    let room = room.fetch_one(&mut *db).await?;
    let rows = sqlx::query!(
        r#"
        SELECT pid      AS "pid!"
             , count(*) AS "count!"
          FROM pg_locks
         WHERE pid IS NOT NULL
           AND NOT fastpath
         GROUP BY pid
        "#
    );
    let rows = rows.fetch_all(db).await?;
    Ok((rows.into_iter().map(|row| (row.pid, row.count)).collect(), room))
}

fn seconds(count: f64) -> Duration {
    Duration::try_from_secs_f64(count).unwrap_or_default()
}

/// Ends a role's sessions and waits until each has ended.
pub(super) async fn end_sessions(db: &mut PgConnection, role: &RoleName) -> sqlx::Result<()> {
    sqlx::query_scalar!(
        r#"SELECT pg_terminate_backend(pid, 5000) AS "is_gone!" FROM pg_stat_activity WHERE usename = $1"#,
        role.as_str(),
    )
    .fetch_all(db)
    .await
    .map(drop)
}

/// Ends sessions of tenants that hold a lock of a database as a whole. Whoever may connect to another one can take it, by a setting of
/// its own role for this one, and a database is not removed while it is held.
pub(super) async fn end_holders(db: &mut PgConnection, database: &DatabaseName) -> sqlx::Result<()> {
    sqlx::query_scalar!(
        r#"
        SELECT pg_terminate_backend(activity.pid, 5000) AS "is_gone!"
          FROM pg_locks AS held
          JOIN pg_stat_activity AS activity ON activity.pid = held.pid
          JOIN pg_database ON pg_database.oid = held.objid
         WHERE held.locktype = 'object'
           AND held.classid = 'pg_database'::regclass
           AND pg_database.datname = $1
           AND starts_with(shobj_description(activity.usesysid, 'pg_authid'), 'sayoo ')
        "#,
        database.as_str(),
    )
    .fetch_all(db)
    .await
    .map(drop)
}

/// Ends those sessions of a role that were begun before this call, also those that show themselves a moment later.
pub(super) async fn end_sessions_begun_before_now(db: &mut PgConnection, role: &RoleName) -> sqlx::Result<()> {
    let now = sqlx::query_scalar!(r#"SELECT clock_timestamp() AS "now!""#).fetch_one(&mut *db).await?;
    sqlx::query!("SELECT pg_sleep(0.25)").fetch_one(&mut *db).await?;
    sqlx::query_scalar!(
        r#"
        SELECT pg_terminate_backend(pid, 5000) AS "is_gone!"
          FROM pg_stat_activity
         WHERE usename = $1
           AND backend_start < $2
        "#,
        role.as_str(),
        now,
    )
    .fetch_all(db)
    .await
    .map(drop)
}
