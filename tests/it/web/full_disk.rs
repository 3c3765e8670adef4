//! A control database whose disk is full: it takes nothing new. Whoever signs up or orders reads that it is worth another
//! try, and nothing is half done.

use sqlx::{AssertSqlSafe, PgPool};

use crate::support::portal::{PASSWORD, Page, World};

/// Lets a table refuse new rows as PostgreSQL does when its disk is full.
async fn fill(db: &PgPool, table: &str) {
    let sql = format!(
        "CREATE OR REPLACE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             RAISE EXCEPTION 'could not extend file \"base/1/2\": No space left on device' USING ERRCODE = 'disk_full';
         END $$;
         CREATE TRIGGER disk_full BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION disk_full();"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(db).await.unwrap();
}

async fn make_room(db: &PgPool, table: &str) {
    sqlx::raw_sql(AssertSqlSafe(format!("DROP TRIGGER disk_full ON {table}"))).execute(db).await.unwrap();
}

/// How many rows each of these tables has.
async fn rows(db: &PgPool, tables: &[&str]) -> Vec<i64> {
    let mut counts = Vec::new();
    for table in tables {
        let sql = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        counts.push(sqlx::query_scalar(sql).fetch_one(db).await.unwrap());
    }
    counts
}

#[track_caller]
fn is_unavailable(page: &Page, table: &str) {
    assert_eq!(page.status, 503, "{table}: {}", page.words());
    page.assert_says(503, "We are briefly unavailable");
    page.assert_says(503, "Please try again");
    assert!(!page.header("retry-after").is_empty(), "{table}");
    assert!(!page.body.contains("No space left"), "what is wrong with our disks is our affair: {}", page.body);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_sign_up_that_meets_a_full_disk_leaves_nothing_and_works_once_there_is_room(db: PgPool) {
    const WRITTEN: [&str; 5] = ["accounts", "users", "members", "audit_log", "jobs"];
    let world = World::new(db.clone()).await;
    let zoe = world.stranger();
    for table in WRITTEN.into_iter().chain(["throttles"]) {
        fill(&db, table).await;
        is_unavailable(&zoe.sign_up("Zoé", "zoe@example.com", PASSWORD).await, table);
        assert_eq!(rows(&db, &WRITTEN).await, [0; 5], "{table}");
        zoe.get("/signup").await.assert_says(200, "Create");
        make_room(&db, table).await;
        sqlx::query("DELETE FROM throttles").execute(&db).await.unwrap();
    }
    zoe.sign_up("Zoé", "zoe@example.com", PASSWORD).await.assert_redirect("/signup/check-mail");
    assert_eq!(rows(&db, &WRITTEN).await, [1; 5]);
    zoe.post(&world.link_to("zoe@example.com").await, &[]).await.assert_redirect("/instances");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_order_that_meets_a_full_disk_leaves_nothing_and_the_same_form_works_once_there_is_room(db: PgPool) {
    const WRITTEN: [&str; 5] = ["projects", "environments", "subdomains", "environment_events", "audit_log"];
    let world = World::new(db.clone()).await;
    let alice = world.customer("alice").await;
    let typed = "plan=production&name=Shop&subdomain=shop&company=Acme&language=fr_FR&country=FR";
    let last = alice.get(&format!("/instances/new/apps?{typed}")).await;
    let key = last.attribute("input[name=key]", "value");
    let mut fields: Vec<(&str, &str)> = typed.split('&').filter_map(|field| field.split_once('=')).collect();
    fields.push(("key", &key));
    for table in WRITTEN {
        fill(&db, table).await;
        is_unavailable(&alice.post("/instances/new", &fields).await, table);
        assert_eq!(rows(&db, &WRITTEN).await, [0; 5], "{table}");
        assert_eq!(alice.get("/instances").await.status, 200, "{table}: what is there is shown");
        make_room(&db, table).await;
    }
    let id = alice.post("/instances/new", &fields).await.instance();
    assert_eq!(alice.post("/instances/new", &fields).await.instance(), id);
    assert_eq!(rows(&db, &WRITTEN[..3]).await, [1; 3]);
    alice.get(&format!("/instances/{id}")).await.assert_says(200, "Your Odoo is being made.");
}
