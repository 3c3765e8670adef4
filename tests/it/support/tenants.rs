//! A server of tenants' databases: the one of `DATABASE_URL`, with a platform role of the test's own.

use sayoo::base::secret::{Secret, new_code};
use sayoo::tenant_db::{DatabaseName, Postgres, RoleName, TenantDb};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

/// A platform role and everything that it makes.
pub struct TestTenants {
    pub server: TenantDb,
    pub installation: String,
    superuser: PgConnectOptions,
    platform: String,
    url: String,
}

impl TestTenants {
    /// Makes a platform role as `bin/up` makes it: it may create databases and roles, and is no superuser.
    pub async fn new() -> Self {
        let address = std::env::var("TEST_TENANTS_URL").or_else(|_| std::env::var("DATABASE_URL")).unwrap();
        let superuser: PgConnectOptions = address.parse::<PgConnectOptions>().unwrap().database("postgres");
        let (platform, password) = (format!("platform_{}", new_code(8)), new_code(20));
        let mut db = superuser.connect().await.unwrap();
        for statement in [
            format!("CREATE ROLE {platform} LOGIN NOSUPERUSER CREATEDB CREATEROLE PASSWORD '{password}'"),
            format!("GRANT pg_signal_backend, pg_read_all_stats TO {platform}"),
            format!("GRANT CONNECT ON DATABASE postgres TO {platform}"),
            format!("GRANT EXECUTE ON FUNCTION pg_ls_tmpdir() TO {platform}"),
            format!("GRANT SET ON PARAMETER log_min_messages, log_min_error_statement TO {platform}"),
            "REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC".to_owned(),
        ] {
            // Another test may be saying the same at this moment.
            let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut db).await;
            assert!(
                done.is_ok() || done.as_ref().is_err_and(|error| error.to_string().contains("concurrently")),
                "{done:?}"
            );
        }
        let url = superuser.clone().username(&platform).password(&password).to_url_lossy();
        let installation = format!("t{}", new_code(9));
        let server = TenantDb::Postgres(Postgres::new(&Secret::new(url.to_string()), &installation).unwrap());
        Self { server, installation, superuser, platform, url: url.to_string() }
    }

    /// The platform role's address, for a process of its own.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Connects as the superuser, to look behind the scenes.
    pub async fn superuser(&self, database: &str) -> PgConnection {
        self.superuser.clone().database(database).connect().await.unwrap()
    }

    /// Tries to connect as a tenant.
    pub async fn connect(
        &self,
        database: &str,
        role: &RoleName,
        password: &Secret<String>,
    ) -> sqlx::Result<PgConnection> {
        self.options(database, role, password).connect().await
    }

    /// How a tenant connects.
    pub fn options(&self, database: &str, role: &RoleName, password: &Secret<String>) -> PgConnectOptions {
        self.superuser.clone().database(database).username(role.as_str()).password(password.expose())
    }

    /// The platform's role.
    pub fn platform(&self) -> &str {
        &self.platform
    }

    /// Makes a template with one table of `rows` rows, owned by the role that fills it as Odoo's would be.
    pub async fn template(&self, rows: u32) -> DatabaseName {
        let template = DatabaseName::parse(&new_code(20)).unwrap();
        let password = Secret::new(new_code(20));
        self.server.create_for_template(&template, &password).await.unwrap();
        let mut builder = self.connect(template.as_str(), &RoleName::builder(&template), &password).await.unwrap();
        for statement in [
            "CREATE TABLE res_users (id serial PRIMARY KEY, login text UNIQUE, padding text)".to_owned(),
            format!(
                "INSERT INTO res_users (login, padding) SELECT n::text, repeat('x', 500) FROM generate_series(1, {rows}) n"
            ),
            "CREATE VIEW logins AS SELECT login FROM res_users".to_owned(),
            "CREATE FUNCTION one() RETURNS integer LANGUAGE sql AS 'SELECT 1'".to_owned(),
        ] {
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut builder).await.unwrap();
        }
        builder.close().await.unwrap();
        self.server.seal_template(&template).await.unwrap();
        template
    }

    /// Removes everything that was made.
    pub async fn forget(self) {
        let all = self.server.list().await.unwrap();
        for database in &all.databases {
            self.server.drop_template(database).await.unwrap();
        }
        for role in &all.roles {
            self.server.drop_role(role).await.unwrap();
        }
        let mut db = self.superuser("postgres").await;
        let platform = &self.platform;
        for statement in [format!("DROP OWNED BY {platform}"), format!("DROP ROLE {platform}")] {
            drop(sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut db).await);
        }
    }
}
