//! What the database refuses, whoever asks: for what is kept for ever.

use sqlx::postgres::PgDatabaseError;
use sqlx::{AssertSqlSafe, PgPool};

use crate::support::portal::World;

/// A role of the database server, made for one test.
pub struct Somebody(String);

impl Somebody {
    /// Somebody with the rights of the web process. The name is another one: roles belong to all databases of the server.
    pub async fn like_web(db: &PgPool) -> Self {
        let name = format!("web_{}", sayoo::base::secret::new_code(12));
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE ROLE {name}"))).execute(db).await.unwrap();
        let grants = include_str!("../../../src/db/grants.sql").replace("sayoo_web", &name);
        sqlx::raw_sql(AssertSqlSafe(grants)).execute(db).await.unwrap();
        Self(name)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// Takes the role away.
    pub async fn gone(self, db: &PgPool) {
        let sql = format!("DROP OWNED BY {name}; DROP ROLE {name}", name = self.0);
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(db).await.unwrap();
    }
}

/// A try to change something.
pub struct Attempt<'a> {
    db: &'a PgPool,
    role: Option<&'a str>,
}

impl<'a> Attempt<'a> {
    /// By the owner of the tables.
    pub fn as_owner(db: &'a PgPool) -> Self {
        Self { db, role: None }
    }

    /// By another role.
    pub fn by(db: &'a PgPool, who: &'a Somebody) -> Self {
        Self { db, role: Some(&who.0) }
    }

    /// Fails unless the database refuses with this code.
    pub async fn is_refused(&self, sql: &str, code: &str) {
        let mut tx = self.db.begin().await.unwrap();
        if let Some(role) = self.role {
            sqlx::raw_sql(AssertSqlSafe(format!("SET LOCAL ROLE {role}"))).execute(&mut *tx).await.unwrap();
        }
        let answer = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut *tx).await;
        let error = answer.expect_err(&format!("{:?} may: {sql}", self.role));
        let found = error.as_database_error().map(|error| error.downcast_ref::<PgDatabaseError>().code().to_owned());
        assert_eq!(found.as_deref(), Some(code), "{:?}: {sql}: {error}", self.role);
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_audit_log_is_only_ever_added_to_even_by_its_owner(db: PgPool) {
    let world = World::new(db.clone()).await;
    let alice = world.customer("alice").await;
    alice.has_ordered(&world, "shop").await;
    alice.has_ordered(&world, "store").await;
    let web = Somebody::like_web(&db).await;
    for change in [
        "UPDATE audit_log SET actor_name = 'Eve'",
        "UPDATE audit_log SET hash = previous_hash WHERE seq = 2",
        "DELETE FROM audit_log WHERE seq = 2",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
    ] {
        Attempt::as_owner(&db).is_refused(change, "23000").await;
        Attempt::by(&db, &web).is_refused(change, "42501").await;
    }
    web.gone(&db).await;
    assert_eq!(world.audit().await, ["environment.ordered", "environment.ordered"]);

    // Whoever takes the trigger away first is found out by the chain.
    let staff = world.staff().await;
    staff.post("/staff/audit/verify", &[]).await;
    assert!(staff.get("/staff/audit").await.text("html").contains("All 2 entries are as they were written"));
    let sly = "ALTER TABLE audit_log DISABLE TRIGGER ALL; UPDATE audit_log SET actor_name = 'Eve' WHERE seq = 1;";
    sqlx::raw_sql(sly).execute(&db).await.unwrap();
    staff.post("/staff/audit/verify", &[]).await;
    assert!(staff.get("/staff/audit").await.text("html").contains("entry 1 is not as it was written"));
}
