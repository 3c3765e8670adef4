//! Who used an Odoo, as its own table of devices says: sessions that it has verified, with a new row for each hour of use.
//!
//! Calls of programs with a key or a password have no session and are not in it.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Row};

use super::{Postgres, QUICK, within};
use crate::base::secret::Secret;
use crate::tenant_db::{Activity, DatabaseName, Error, Result, RoleName};

/// Nobody has as many users, times the days that are asked for at once.
const MOST: usize = 50_000;

/// Of the connection. A tenant can change what it finds here for the statements of its own functions, and nothing by it: it would
/// do as itself what it may do anyway.
const SETTINGS: [(&str, &str); 5] = [
    ("search_path", "pg_catalog"),
    ("statement_timeout", "5s"),
    ("lock_timeout", "1s"),
    ("client_min_messages", "error"),
    ("default_transaction_read_only", "on"),
];

/// Internal users that are active, but for the one that is Odoo itself, with the first and the last time of each day at which
/// they were seen. Odoo writes times in UTC, without saying so.
fn question(since: DateTime<Utc>, until: DateTime<Utc>) -> String {
    let at = |at: DateTime<Utc>| format!("timestamp '{}'", at.format("%Y-%m-%d %H:%M:%S"));
    let (since, until, limit) = (at(since), at(until), MOST + 1);
    format!(
        "SELECT users.id::bigint
              , floor(extract(epoch FROM min(seen.at)))::bigint
              , floor(extract(epoch FROM max(seen.at)))::bigint
           FROM public.res_device_log AS device
          CROSS JOIN LATERAL (VALUES (device.first_activity), (device.last_activity)) AS seen (at)
           JOIN public.res_users AS users ON users.id = device.user_id
          WHERE users.active AND users.share IS FALSE AND users.id > 1 AND users.login <> '__system__'
            AND device.last_activity >= {since} AND seen.at >= {since} AND seen.at <= {until}
          GROUP BY users.id, date_trunc('day', seen.at)
          LIMIT {limit}"
    )
}

impl Postgres {
    pub(in crate::tenant_db) async fn active_users(
        &self,
        database: &DatabaseName,
        role: &RoleName,
        password: &Secret<String>,
        (since, until): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Vec<Activity>> {
        let options = self.tenant_options(database, role, password).options(SETTINGS);
        let rows = within(QUICK, async {
            let mut tenant = PgConnection::connect_with(&options).await?;
            let rows = sqlx::raw_sql(AssertSqlSafe(question(since, until))).fetch_all(&mut tenant).await?;
            tenant.close().await?;
            rows.iter()
                .map(|row| Ok([row.try_get::<i64, _>(0)?, row.try_get(1)?, row.try_get(2)?]))
                .collect::<sqlx::Result<Vec<_>>>()
        })
        .await?;
        if rows.len() > MOST {
            return Err(Error::Rejected("it says that more people used it than anybody has".into()));
        }
        let mut seen = Vec::new();
        for [user, first, last] in rows {
            for second in [first, last] {
                let at = DateTime::from_timestamp(second, 0)
                    .filter(|at| *at >= since - TimeDelta::seconds(1) && *at <= until);
                let (Some(at), true) = (at, user > 1) else {
                    return Err(Error::Rejected("it answers what was not asked".into()));
                };
                seen.push(Activity { user, at });
            }
        }
        Ok(seen)
    }
}
