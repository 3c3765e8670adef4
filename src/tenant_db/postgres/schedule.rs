//! What is due in an Odoo's database: scheduled actions and their triggers. Asked before it is put to sleep.

use chrono::DateTime;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Row};

use super::{Postgres, QUICK, within};
use crate::base::secret::Secret;
use crate::tenant_db::{DatabaseName, Result, RoleName, Schedule};

/// Which of Odoo's tables are there: triggers came with version 15, and a database may be no Odoo's at all.
const TABLES: &str = "SELECT pg_catalog.to_regclass('public.ir_cron') IS NOT NULL
                           , pg_catalog.to_regclass('public.ir_cron_trigger') IS NOT NULL";

/// Whole seconds since 1970, never later than the earliest of these times. Odoo writes them in UTC, without saying so.
fn earliest(due: &str) -> String {
    format!(
        "SELECT floor(extract(epoch FROM min(due.at)))::bigint
           FROM ({due}) AS due (at)
          WHERE due.at > timezone('UTC', now()) - interval '1 hour'"
    )
}

const ACTIONS: &str = "SELECT nextcall FROM public.ir_cron WHERE active";
const ACTIONS_AND_TRIGGERS: &str = "SELECT nextcall FROM public.ir_cron WHERE active
    UNION ALL
    SELECT asked.call_at FROM public.ir_cron_trigger asked JOIN public.ir_cron cron ON cron.id = asked.cron_id WHERE cron.active";

impl Postgres {
    pub(in crate::tenant_db) async fn schedule(
        &self,
        database: &DatabaseName,
        role: &RoleName,
        password: &Secret<String>,
    ) -> Result<Schedule> {
        // From outside, and first: the question below would be work itself.
        let is_at_work = within(QUICK, async {
            sqlx::query_scalar!(
                r#"
                SELECT EXISTS (SELECT
                                 FROM pg_stat_activity
                                WHERE datname = $1
                                  AND backend_type = 'client backend'
                                  AND state <> 'idle') AS "is!"
                "#,
                database.as_str(),
            )
            .fetch_one(&self.pool)
            .await
        })
        .await?;
        let options = self.tenant_options(database, role, password);
        let next = within(QUICK, async {
            let mut tenant = PgConnection::connect_with(&options).await?;
            let tables = sqlx::raw_sql(TABLES).fetch_one(&mut tenant).await?;
            let due = match (tables.try_get(0)?, tables.try_get(1)?) {
                (true, true) => Some(ACTIONS_AND_TRIGGERS),
                (true, false) => Some(ACTIONS),
                (false, _) => None,
            };
            let mut next: Option<i64> = None;
            if let Some(due) = due {
                let row = sqlx::raw_sql(AssertSqlSafe(earliest(due))).fetch_one(&mut tenant).await?;
                next = row.try_get(0)?;
            }
            tenant.close().await?;
            Ok(next)
        })
        .await?;
        Ok(Schedule { next_at: next.and_then(|seconds| DateTime::from_timestamp(seconds, 0)), is_at_work })
    }
}
