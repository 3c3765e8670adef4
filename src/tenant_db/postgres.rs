//! A Postgres server with tenants' databases: the only file with SQL about them.
//!
//! The platform's role may create databases and roles and is no superuser. It owns every database, so that a tenant
//! cannot let others in, and it connects to a database only before its tenant ever could.

mod members;
mod schedule;
mod sessions;
mod users;

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool};
use sqlx::{AssertSqlSafe, Connection};

use super::{DatabaseName, DatabaseSize, DatabaseState, Error, Inventory, Result, RoleName, Words, scram};
use crate::base::secret::Secret;
use crate::db::pool_options;
use sessions::{end_holders, end_sessions, end_sessions_begun_before_now};

/// Looking, and changing what a role may do.
const QUICK: Duration = Duration::from_secs(10);
/// Copying and removing databases: a slow disk with a busy neighbour.
const SLOW: Duration = Duration::from_secs(120);
/// Work inside a tenant's database.
const TENANT: Duration = Duration::from_secs(60);
/// How long a call waits for a connection: a server that is merely busy cloning must not look as if it were away.
const ACQUIRE: Duration = Duration::from_secs(15);
/// A process that is held up in the middle of a transaction keeps its locks no longer than this.
const HELD_UP: (&str, &str) = ("idle_in_transaction_session_timeout", "30s");
/// Nor the lock of a database that it was making: longer than the copying beside which the lock's connection waits.
const HELD_UP_WITH_LOCK: (&str, &str) = ("idle_session_timeout", "150s");
/// Connections at a time for the platform itself.
const CONNECTIONS: u32 = 8;
/// Odoo opens few; a template is filled by one process.
pub const BUILDER_CONNECTIONS: u32 = 16;
/// Newer than any: for what is never taken back, and what only one process at a time does.
const EVER: u64 = i64::MAX.cast_unsigned();
/// Of a tenant's sessions, unless it says otherwise: a forgotten transaction keeps vacuum from everything.
const TENANT_DEFAULTS: &[(&str, &str)] =
    &[("idle_in_transaction_session_timeout", "10min"), ("statement_timeout", "30min")];

/// A Postgres server with tenants' databases. Cheap to copy.
#[derive(Clone, Debug)]
pub struct Postgres {
    platform: PgConnectOptions,
    pool: PgPool,
    installation: String,
}

/// How far a database is, as the comment on it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Making,
    Ready,
    Template,
}

impl Sign {
    fn word(self) -> &'static str {
        match self {
            Self::Making => "making",
            Self::Ready => "ready",
            Self::Template => "template",
        }
    }
}

impl Postgres {
    /// Names a server; nothing is sent before the first call, so the server may be away.
    pub fn new(platform_url: &Secret<String>, installation: &str) -> anyhow::Result<Self> {
        let platform = PgConnectOptions::from_str(platform_url.expose())
            .map_err(|error| anyhow::Error::new(error).context("[tenants] admin_url cannot be read"))?
            .application_name("sayoo-platform")
            .options([HELD_UP]);
        let pool = pool_options(CONNECTIONS).acquire_timeout(ACQUIRE).connect_lazy_with(platform.clone());
        Ok(Self { platform, pool, installation: installation.to_owned() })
    }

    pub(super) async fn ping(&self) -> Result<()> {
        within(QUICK, async { sqlx::query_scalar!("SELECT 1").fetch_one(&self.pool).await }).await.map(drop)
    }

    pub(super) async fn create_role(
        &self,
        role: &RoleName,
        password: &Secret<String>,
        connections: u32,
        generation: u64,
    ) -> Result<()> {
        let verifier = scram::verifier(password.expose());
        self.order(role, generation, |exists| {
            // Only a superuser may say NOSUPERUSER of a role that exists.
            let begin = if exists {
                format!("ALTER ROLE {role}")
            } else {
                format!("CREATE ROLE {role} NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION")
            };
            vec![
                format!("{begin} LOGIN CONNECTION LIMIT {connections} PASSWORD '{verifier}'"),
                // Handing a table over takes membership in both roles.
                format!("GRANT {role} TO CURRENT_USER"),
                quiet(role),
            ]
        })
        .await
    }

    /// Changes a role in one transaction, unless a newer order was carried out for it already: the comment on it says which.
    async fn order(
        &self,
        role: &RoleName,
        generation: u64,
        statements: impl FnOnce(bool) -> Vec<String>,
    ) -> Result<()> {
        let is_newest = within(QUICK, async {
            let mut tx = self.pool.begin().await?;
            sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 1))", role.as_str())
                .execute(&mut *tx)
                .await?;
            let known = sqlx::query_scalar!(
                r#"
                SELECT coalesce(substring(shobj_description(oid, 'pg_authid') from ' role ([0-9]+)$')::bigint, 0) AS "generation!"
                  FROM pg_roles
                 WHERE rolname = $1
                "#,
                role.as_str(),
            )
            .fetch_optional(&mut *tx)
            .await?;
            if known.is_some_and(|known| u64::try_from(known).is_ok_and(|known| known > generation)) {
                return Ok(false);
            }
            let statements = statements(known.is_some());
            if statements.is_empty() {
                return Ok(true);
            }
            for statement in statements {
                run(&mut tx, statement).await?;
            }
            let sign = self.sign_prefix();
            run(&mut tx, format!("COMMENT ON ROLE {role} IS '{sign}role {generation}'")).await?;
            tx.commit().await?;
            Ok(true)
        })
        .await?;
        if is_newest { Ok(()) } else { Err(Error::Conflict(format!("{role} has had a newer order").into())) }
    }

    pub(super) async fn role_exists(&self, role: &RoleName) -> Result<bool> {
        let name = role.as_str();
        within(QUICK, async {
            sqlx::query_scalar!(
                r#"SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1 AND rolcanlogin) AS "is!""#,
                name
            )
            .fetch_one(&self.pool)
            .await
        })
        .await
    }

    pub(super) async fn look(&self, database: &DatabaseName) -> Result<DatabaseState> {
        within(QUICK, async { self.state(&mut *self.pool.acquire().await?, database).await }).await
    }

    pub(super) async fn clone_template(
        &self,
        template: &DatabaseName,
        database: &DatabaseName,
        role: &RoleName,
    ) -> Result<()> {
        let mut admin = self.locked(database).await?;
        match within(QUICK, self.state(&mut admin, database)).await? {
            DatabaseState::Ready => return Ok(()),
            DatabaseState::HalfMade => self.drop_by(&mut admin, database).await?,
            DatabaseState::Missing => {}
        }
        // Closed until it is handed over: a new database lets everybody in.
        let create = format!("CREATE DATABASE {database} TEMPLATE {template} ALLOW_CONNECTIONS false");
        within(SLOW, run(&mut admin, create)).await?;
        within(QUICK, self.shield(&mut admin, database)).await?;
        within(SLOW, self.hand_over(template, database, role)).await?;
        within(QUICK, async {
            let mut tx = admin.begin().await?;
            for (name, value) in TENANT_DEFAULTS {
                run(&mut tx, format!("ALTER ROLE {role} IN DATABASE {database} SET {name} = '{value}'")).await?;
            }
            run(&mut tx, format!("GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {role}")).await?;
            self.sign(&mut tx, database, Sign::Ready).await?;
            tx.commit().await
        })
        .await
    }

    pub(super) async fn run_as_tenant(
        &self,
        database: &DatabaseName,
        role: &RoleName,
        password: &Secret<String>,
        words: &Words,
    ) -> Result<()> {
        let options = self.tenant_options(database, role, password);
        within(TENANT, async {
            let mut tenant = PgConnection::connect_with(&options).await?;
            let mut tx = tenant.begin().await?;
            for statement in &words.statements {
                run(&mut tx, statement.clone()).await?;
            }
            tx.commit().await?;
            tenant.close().await
        })
        .await
    }

    fn tenant_options(&self, database: &DatabaseName, role: &RoleName, password: &Secret<String>) -> PgConnectOptions {
        let options = self.platform.clone().database(database.as_str());
        options.username(role.as_str()).password(password.expose()).application_name("sayoo")
    }

    pub(super) async fn fence(&self, role: &RoleName, generation: u64) -> Result<()> {
        let close = |exists| if exists { vec![format!("ALTER ROLE {role} NOLOGIN")] } else { Vec::new() };
        self.order(role, generation, close).await?;
        within(SLOW, async { end_sessions(&mut *self.pool.acquire().await?, role).await }).await
    }

    pub(super) async fn rotate(
        &self,
        role: &RoleName,
        password: &Secret<String>,
        connections: u32,
        generation: u64,
    ) -> Result<()> {
        let is_there = within(QUICK, async { is_role(&mut *self.pool.acquire().await?, role).await }).await?;
        if !is_there {
            return Ok(());
        }
        // Closed first: a login that is under way with the old password ends here.
        self.fence(role, generation).await?;
        self.create_role(role, password, connections, generation).await?;
        // One that had proved the old password before the door was closed may come in after it was opened again.
        within(SLOW, async { end_sessions_begun_before_now(&mut *self.pool.acquire().await?, role).await }).await
    }

    pub(super) async fn drop_database(&self, database: &DatabaseName) -> Result<()> {
        let mut admin = self.locked(database).await?;
        self.drop_by(&mut admin, database).await
    }

    pub(super) async fn drop_role(&self, role: &RoleName) -> Result<()> {
        self.fence(role, EVER).await?;
        let dropped =
            within(QUICK, async { run(&mut *self.pool.acquire().await?, format!("DROP ROLE IF EXISTS {role}")).await })
                .await;
        match dropped {
            // Any tenant may name it in rights to what is its own. Then it stays, locked out, for as long as that is there.
            Err(Error::Rejected(why)) if is_named_elsewhere(&why) => {
                tracing::info!(%role, %why, "a login role stays, locked out");
                Ok(())
            }
            done => done,
        }
    }

    pub(super) async fn sizes(&self) -> Result<BTreeMap<DatabaseName, DatabaseSize>> {
        let prefix = self.sign_prefix();
        let rows = within(SLOW, async {
            sqlx::query!(
                r#"
                SELECT datname               AS "name!"
                     , pg_database_size(oid) AS "bytes!"
                  FROM pg_database
                 WHERE starts_with(shobj_description(oid, 'pg_database'), $1)
                   AND NOT datistemplate
                "#,
                prefix,
            )
            .fetch_all(&self.pool)
            .await
        })
        .await?;
        let parsed = rows.into_iter().filter_map(|row| Some((DatabaseName::parse(&row.name).ok()?, row.bytes)));
        Ok(parsed.map(|(name, bytes)| (name, DatabaseSize { bytes })).collect())
    }

    pub(super) async fn list(&self) -> Result<Inventory> {
        let prefix = self.sign_prefix();
        within(QUICK, async {
            let databases = sqlx::query_scalar!(
                r#"SELECT datname::text AS "name!" FROM pg_database WHERE starts_with(shobj_description(oid, 'pg_database'), $1)"#,
                prefix,
            )
            .fetch_all(&self.pool)
            .await?;
            let roles = sqlx::query_scalar!(
                r#"SELECT rolname::text AS "name!" FROM pg_roles WHERE starts_with(shobj_description(oid, 'pg_authid'), $1)"#,
                prefix,
            )
            .fetch_all(&self.pool)
            .await?;
            Ok(Inventory {
                databases: databases.iter().filter_map(|name| DatabaseName::parse(name).ok()).collect(),
                roles: roles.iter().filter_map(|name| RoleName::parse(name).ok()).collect(),
            })
        })
        .await
    }

    pub(super) async fn create_for_template(&self, template: &DatabaseName, password: &Secret<String>) -> Result<()> {
        let mut admin = self.locked(template).await?;
        if within(QUICK, self.state(&mut admin, template)).await? == DatabaseState::Ready {
            return Err(Error::Conflict(format!("the template {template} is complete already").into()));
        }
        self.drop_by(&mut admin, template).await?;
        let builder = RoleName::builder(template);
        self.create_role(&builder, password, BUILDER_CONNECTIONS, EVER).await?;
        // Odoo wants texts compared byte by byte, as it says when it makes a database itself.
        let create = format!(
            "CREATE DATABASE {template} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' ALLOW_CONNECTIONS false"
        );
        within(SLOW, run(&mut admin, create)).await?;
        within(QUICK, self.shield(&mut admin, template)).await?;
        within(QUICK, async {
            let mut inside = PgConnection::connect_with(&self.platform.clone().database(template.as_str())).await?;
            // Made by the platform: a tenant can use them and cannot change them.
            run(&mut inside, "CREATE EXTENSION IF NOT EXISTS pg_trgm".to_owned()).await?;
            run(&mut inside, "CREATE EXTENSION IF NOT EXISTS unaccent".to_owned()).await?;
            run(&mut inside, format!("GRANT USAGE, CREATE ON SCHEMA public TO {builder}")).await?;
            inside.close().await?;
            run(&mut admin, format!("GRANT CONNECT, TEMPORARY ON DATABASE {template} TO {builder}")).await
        })
        .await
    }

    pub(super) async fn seal_template(&self, template: &DatabaseName) -> Result<()> {
        let mut admin = self.locked(template).await?;
        match within(QUICK, self.state(&mut admin, template)).await? {
            DatabaseState::Ready => return Ok(()),
            DatabaseState::Missing => return Err(Error::NotFound(format!("there is no template {template}").into())),
            DatabaseState::HalfMade => {}
        }
        self.fence(&RoleName::builder(template), EVER).await?;
        within(SLOW, async {
            let mut inside = PgConnection::connect_with(&self.platform.clone().database(template.as_str())).await?;
            // Once here instead of in every clone by autovacuum.
            run(&mut inside, "VACUUM (FREEZE, ANALYZE)".to_owned()).await?;
            inside.close().await?;
            let mut tx = admin.begin().await?;
            run(&mut tx, format!("ALTER DATABASE {template} ALLOW_CONNECTIONS false IS_TEMPLATE true")).await?;
            self.sign(&mut tx, template, Sign::Template).await?;
            tx.commit().await
        })
        .await
    }

    pub(super) async fn drop_template(&self, template: &DatabaseName) -> Result<()> {
        let mut admin = self.locked(template).await?;
        if within(QUICK, self.state(&mut admin, template)).await? != DatabaseState::Missing {
            within(QUICK, run(&mut admin, format!("ALTER DATABASE {template} IS_TEMPLATE false"))).await?;
        }
        self.drop_by(&mut admin, template).await?;
        self.drop_role(&RoleName::builder(template)).await
    }

    /// Opens a connection of its own that holds the lock of one database: two workers never make the same one at once.
    ///
    /// The lock goes with the connection, also when this process dies.
    async fn locked(&self, database: &DatabaseName) -> Result<PgConnection> {
        within(QUICK, async {
            let mut admin = PgConnection::connect_with(&self.platform.clone().options([HELD_UP_WITH_LOCK])).await?;
            let name = database.as_str();
            let is_ours = sqlx::query_scalar!(r#"SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS "is!""#, name)
                .fetch_one(&mut admin)
                .await?;
            Ok(if is_ours { Some(admin) } else { None })
        })
        .await?
        .ok_or_else(|| Error::Conflict(format!("somebody else is at work on the database {database}").into()))
    }

    async fn state(&self, db: &mut PgConnection, database: &DatabaseName) -> sqlx::Result<DatabaseState> {
        let found = sqlx::query_scalar!(
            r#"SELECT coalesce(shobj_description(oid, 'pg_database'), '') AS "sign!" FROM pg_database WHERE datname = $1"#,
            database.as_str(),
        )
        .fetch_optional(db)
        .await?;
        let complete = [Sign::Ready, Sign::Template].map(|sign| self.sign_text(sign));
        Ok(match found {
            None => DatabaseState::Missing,
            Some(sign) if complete.contains(&sign) => DatabaseState::Ready,
            Some(_) => DatabaseState::HalfMade,
        })
    }

    /// Shuts everybody out of a new database, then lets its owner in.
    async fn shield(&self, admin: &mut PgConnection, database: &DatabaseName) -> sqlx::Result<()> {
        let mut tx = admin.begin().await?;
        self.sign(&mut tx, database, Sign::Making).await?;
        run(&mut tx, format!("REVOKE ALL ON DATABASE {database} FROM PUBLIC")).await?;
        run(&mut tx, format!("ALTER DATABASE {database} ALLOW_CONNECTIONS true")).await?;
        tx.commit().await
    }

    /// Makes the tenant's role the owner of everything inside a clone that no tenant has touched yet.
    async fn hand_over(&self, template: &DatabaseName, database: &DatabaseName, role: &RoleName) -> sqlx::Result<()> {
        let builder = RoleName::builder(template);
        let mut inside = PgConnection::connect_with(&self.platform.clone().database(database.as_str())).await?;
        let mut tx = inside.begin().await?;
        run(&mut tx, format!("GRANT USAGE, CREATE ON SCHEMA public TO {role}")).await?;
        run(&mut tx, format!("REASSIGN OWNED BY {builder} TO {role}")).await?;
        run(&mut tx, format!("REVOKE ALL ON SCHEMA public FROM {builder}")).await?;
        tx.commit().await?;
        inside.close().await
    }

    async fn drop_by(&self, admin: &mut PgConnection, database: &DatabaseName) -> Result<()> {
        within(QUICK, end_holders(admin, database)).await?;
        within(SLOW, run(admin, format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"))).await
    }

    async fn sign(&self, db: &mut PgConnection, database: &DatabaseName, sign: Sign) -> sqlx::Result<()> {
        run(db, format!("COMMENT ON DATABASE {database} IS '{}'", self.sign_text(sign))).await
    }

    /// The installation's name is checked by the configuration: nothing in it ends a text.
    fn sign_prefix(&self) -> String {
        format!("sayoo {} ", self.installation)
    }

    fn sign_text(&self, sign: Sign) -> String {
        format!("{}{}", self.sign_prefix(), sign.word())
    }
}

/// Nothing that a tenant's session says comes into the server's log, where it could fill the disk: a single statement may raise a
/// hundred megabytes. Only where the server's superuser lets us say so, and then the tenant may not take it back.
fn quiet(role: &RoleName) -> String {
    let each = ["log_min_messages", "log_min_error_statement"].map(|name| {
        format!("IF has_parameter_privilege('{name}', 'SET') THEN ALTER ROLE {role} SET {name} = 'panic'; END IF;")
    });
    let may_be_asked = "to_regprocedure('pg_catalog.has_parameter_privilege(text, text)') IS NOT NULL";
    format!("DO $$ BEGIN IF {may_be_asked} THEN {} END IF; END $$", each.join(" "))
}

async fn is_role(db: &mut PgConnection, role: &RoleName) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS "is!""#, role.as_str())
        .fetch_one(db)
        .await
}

async fn is_database(db: &mut PgConnection, database: &DatabaseName) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS "is!""#, database.as_str())
        .fetch_one(db)
        .await
}

/// Runs a statement that takes no parameters: its names come from our own generator and were parsed.
async fn run(db: &mut PgConnection, statement: String) -> sqlx::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(db).await.map(drop)
}

/// Waits for an answer, but not for ever, and classifies what went wrong.
async fn within<T>(limit: Duration, answer: impl Future<Output = sqlx::Result<T>>) -> Result<T> {
    match tokio::time::timeout(limit, answer).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(classified(error)),
        Err(late) => Err(Error::Unreachable(Box::new(late))),
    }
}

/// dependent_objects_still_exist
fn is_named_elsewhere(why: &super::Cause) -> bool {
    let error = why.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
    error.and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == "2BP01")
}

/// Says in our words what went wrong, by Postgres's own codes.
fn classified(error: sqlx::Error) -> Error {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code).map(std::borrow::Cow::into_owned);
    let Some(code) = code else { return Error::Unreachable(Box::new(error)) };
    match code.as_str() {
        // invalid_catalog_name, undefined_object, invalid_authorization_specification (no such role)
        "3D000" | "42704" | "28000" => Error::NotFound(Box::new(error)),
        // object_in_use, lock_not_available, duplicate_database, duplicate_object, serialization_failure,
        // deadlock_detected, internal_error ("tuple concurrently updated")
        "55006" | "55P03" | "42P04" | "42710" | "40001" | "40P01" | "XX000" => Error::Conflict(Box::new(error)),
        // disk_full, out_of_memory
        "53100" | "53200" => Error::DiskFull(Box::new(error)),
        // too_many_connections and its kind, shutdowns, broken connections, files that cannot be written
        code if code.starts_with("53") || code.starts_with("57P") || code.starts_with("08") => {
            Error::Unreachable(Box::new(error))
        }
        _ => Error::Rejected(Box::new(error)),
    }
}
