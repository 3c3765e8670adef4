//! What the roles may not: the one that makes sandboxes reaches nothing of ours, and the pages' one says nothing of what happened.

use sayoo::base::secret::Secret;
use sayoo::config::Config;
use sayoo::doctor::{self, Verdict};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, PgPool};

use super::Yard;
use crate::staff::records::{Attempt, Somebody};
use crate::support::process::configuration;

/// What doctor says of sandboxes.
async fn doctor_says(config: &Config) -> Verdict {
    let findings = doctor::examine(config).await;
    findings.into_iter().find(|finding| finding.what == "sandboxes").unwrap().verdict
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_role_of_sandboxes_enters_no_database_of_ours_and_nobody_enters_theirs(db: PgPool) {
    let yard = Yard::new(db.clone()).await;
    let id = yard.make(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::load(Some(&configuration(&db, folder.path()))).unwrap();
    assert!(matches!(doctor_says(&config).await, Verdict::Good(said) if said.contains("not given")));
    config.database.sandbox_url = Some(Secret::new(yard.url.clone()));
    // A database of a test lets everybody in, as PostgreSQL makes them.
    let Verdict::Bad(matter, remedy) = doctor_says(&config).await else { panic!("it may enter") };
    assert!(
        matter.contains("may enter the control database") && remedy.starts_with("REVOKE CONNECT"),
        "{matter} {remedy}"
    );
    let name: String = sqlx::query_scalar("SELECT current_database()::text").fetch_one(&db).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("REVOKE CONNECT ON DATABASE \"{name}\" FROM PUBLIC")))
        .execute(&db)
        .await
        .unwrap();
    assert!(matches!(doctor_says(&config).await, Verdict::Good(_)));

    let own: PgConnectOptions = yard.url.parse().unwrap();
    let error = own.clone().database(&name).connect().await.unwrap_err().to_string();
    assert!(error.contains("permission denied for database"), "{error}");
    let mut in_postgres = own.connect().await.unwrap();
    for forbidden in ["CREATE ROLE friend", "ALTER ROLE CURRENT_USER SUPERUSER", "SELECT pg_read_file('/etc/passwd')"] {
        assert!(
            sqlx::raw_sql(AssertSqlSafe(forbidden.to_owned())).execute(&mut in_postgres).await.is_err(),
            "{forbidden}"
        );
    }
    // Its databases are its own.
    let sql = "SELECT has_database_privilege('public', datname, 'CONNECT') OR pg_get_userbyid(datdba) <> $2 FROM pg_database WHERE datname = $1";
    let is_open: bool = sqlx::query_scalar(sql)
        .bind(yard.databases.name(id))
        .bind(own_name(&yard))
        .fetch_one(&mut yard.server().await)
        .await
        .unwrap();
    assert!(!is_open);
    // A server that refuses: doctor says so, and so does the page.
    config.database.sandbox_url = Some(Secret::new(yard.url.replace(&own_name(&yard), "nobody")));
    assert!(matches!(doctor_says(&config).await, Verdict::Bad(..)));
    let alter = format!("ALTER ROLE {} NOCREATEDB", own_name(&yard));
    sqlx::raw_sql(AssertSqlSafe(alter)).execute(&mut yard.server().await).await.unwrap();
    yard.world.wait(chrono::TimeDelta::minutes(2));
    yard.settle().await;
    yard.staff.get("/staff/sandboxes").await.assert_says(200, "may not make databases");
    yard.end().await;
}

fn own_name(yard: &Yard) -> String {
    yard.url.parse::<PgConnectOptions>().unwrap().get_username().to_owned()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_database_of_no_known_sandbox_is_dropped_and_those_of_others_stay(db: PgPool) {
    let yard = Yard::new(db.clone()).await;
    let (kept, lost) = (yard.make(&[]).await, yard.make(&[]).await);
    // As after the control database was put back to before it was made.
    sqlx::query("DELETE FROM sandboxes WHERE id = $1").bind(lost.uuid()).execute(&db).await.unwrap();
    yard.world.wait(chrono::TimeDelta::minutes(2));
    yard.settle().await;
    assert_eq!(yard.there().await, [yard.databases.name(kept)]);
    yard.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn pages_say_what_is_wanted_of_a_sandbox_and_not_what_happened_in_it(db: PgPool) {
    let yard = Yard::new(db.clone()).await;
    yard.make(&[]).await;
    let web = Somebody::like_web(&db).await;
    let attempt = Attempt::by(&db, &web);
    for sql in [
        "UPDATE sandboxes SET clock_at = wanted_at",
        "UPDATE sandboxes SET report = '{}'",
        "UPDATE sandboxes SET starts_at = now()",
        "DELETE FROM sandboxes",
        "INSERT INTO sandboxes (id, clock_at) VALUES (gen_random_uuid(), now())",
        "INSERT INTO sandbox_server (state, looked_at) VALUES ('ready', now())",
        "UPDATE sandbox_server SET state = 'ready'",
    ] {
        attempt.is_refused(sql, "42501").await;
    }
    let mut tx = db.begin().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("SET LOCAL ROLE {}", web.name()))).execute(&mut *tx).await.unwrap();
    let wish = "UPDATE sandboxes SET wanted_at = wanted_at + interval '1 day', touched_at = touched_at";
    assert_eq!(sqlx::query(wish).execute(&mut *tx).await.unwrap().rows_affected(), 1);
    tx.rollback().await.unwrap();
    web.gone(&db).await;
    yard.end().await;
}
