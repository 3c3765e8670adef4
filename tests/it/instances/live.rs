//! Pages that follow what happens: progress and logs over server-sent events.

use std::time::Duration;

use chrono::TimeDelta;
use sqlx::PgPool;

use sayoo::base::ids::EnvironmentId;
use sayoo::environments::history;

use crate::support::portal::World;

/// Reads a stream until a text comes. A test that waits ten seconds has failed.
async fn read_until(stream: &mut reqwest::Response, text: &str) -> String {
    let mut read = String::new();
    let reading = async {
        while !read.contains(text) {
            let part = stream.chunk().await.unwrap().expect("the stream goes on");
            read.push_str(std::str::from_utf8(&part).unwrap());
        }
    };
    tokio::time::timeout(Duration::from_secs(10), reading).await.unwrap_or_else(|_| panic!("no {text:?} came"));
    read
}

async fn happens(world: &World, id: EnvironmentId, kind: &str) {
    let mut db = world.db.acquire().await.unwrap();
    history::record(&mut db, id, kind, "", serde_json::json!({}), world.portal.clock.now()).await.unwrap();
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_step_reaches_an_open_page_and_a_page_that_comes_back_misses_nothing(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = alice.has_ordered(&world, "shop").await;
    let page = alice.get(&format!("/instances/{id}")).await;
    let address = page.attribute("[data-live]", "data-live");

    let mut stream = alice.stream(&address, None).await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream; charset=utf-8");
    read_until(&mut stream, ": still here").await;
    happens(&world, id, "step.database.started").await;
    let heard = read_until(&mut stream, "data: changed\n\n").await;
    let last = heard.lines().rfind(|line| line.starts_with("id: ")).unwrap()[4..].to_owned();
    drop(stream);

    happens(&world, id, "step.database.done").await;
    let mut back = alice.stream(&address, Some(&last)).await;
    read_until(&mut back, "data: changed").await;
    let page = alice.get(&format!("/instances/{id}")).await;
    assert!(page.text(".step.done").contains("Creating the database"), "{}", page.text(".steps"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn how_long_a_creation_usually_takes_is_told_after_the_first_one_and_never_guessed(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let first = alice.has_ordered(&world, "first").await;
    let page = alice.get(&format!("/instances/{first}")).await;
    page.assert_says(200, "Your Odoo is being made. This page follows");
    assert!(!page.body.contains("usually"), "{}", page.words());
    let list = alice.get("/instances").await;
    list.assert_says(200, "Your Odoo is being made.");
    assert!(!list.body.contains("usually"), "{}", list.words());
    // A template that is built for the first time here: how long that takes is not known either.
    happens(&world, first, "step.template.started").await;
    let steps = alice.get(&format!("/instances/{first}")).await.text(".steps");
    assert!(!steps.contains("The first time takes"), "{steps}");

    world.wait(TimeDelta::seconds(7));
    world.ready(first).await;
    let second = alice.has_ordered(&world, "second").await;
    let page = alice.get(&format!("/instances/{second}")).await;
    assert_eq!(page.words().matches("It usually takes 7 seconds.").count(), 2, "{}", page.words());
    alice.get("/instances").await.assert_says(200, "It usually takes 7 seconds.");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_failed_step_says_what_why_what_next_and_a_number(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = alice.has_ordered(&world, "shop").await;
    let mut conn = world.db.acquire().await.unwrap();
    let detail = serde_json::json!({ "reason": "reason-image-unhealthy" });
    history::record(&mut conn, id, "step.container.failed", "", detail, world.portal.clock.now()).await.unwrap();
    let page = alice.get(&format!("/instances/{id}")).await;
    let said = page.text("[role=alert]");
    assert!(
        said.contains("did not answer in time") && said.contains("keep trying") && said.contains(&id.to_string()),
        "{said}"
    );
    assert!(page.text(".step.failed").contains("Starting Odoo"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn log_lines_come_live_are_plain_text_and_go_on_behind_the_last_one(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = alice.has_running(&world, "shop").await;
    let write = async |nanos: i64, line: &str| {
        sqlx::query!(
            "INSERT INTO log_lines (environment_id, container, at_nanos, stream, line) VALUES ($1, 'c', $2, 'out', $3)",
            id.uuid(),
            nanos,
            line
        )
        .execute(&world.db)
        .await
        .unwrap();
    };
    write(1, "\u{1b}[31mERROR\u{1b}[0m <script>alert(1)</script>").await;
    let page = alice.get(&format!("/instances/{id}/logs")).await;
    assert!(page.text(".log li").contains("ERROR <script>alert(1)</script>"), "{}", page.text(".log"));
    assert!(!page.body.contains("<script>alert"));
    let watched = sqlx::query_scalar!("SELECT watched_until FROM log_watches").fetch_one(&world.db).await.unwrap();
    assert!(watched > world.portal.clock.now(), "the worker is told that somebody looks");

    let address = page.attribute("[data-log]", "data-log");
    let mut stream = alice.stream(&address, None).await;
    write(2, "second").await;
    let heard = read_until(&mut stream, "second").await;
    assert!(!heard.contains("ERROR"), "what the page shows is not sent again");
    drop(stream);
    write(3, "third").await;
    let last =
        sqlx::query_scalar!("SELECT id FROM log_lines WHERE line = 'second'").fetch_one(&world.db).await.unwrap();
    let mut stream = alice.stream(&address, Some(&last.to_string())).await;
    let heard = read_until(&mut stream, "third").await;
    assert!(!heard.contains("second"));

    let found = alice.get(&format!("/instances/{id}/logs?q=SECOND")).await;
    assert!(found.text(".log li").contains("second") && !found.text(".log li").contains("third"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn log_lines_of_several_containers_say_whose_they_are(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = alice.has_running(&world, "shop").await;
    let write = async |source: &str, line: &str| {
        let sql = "INSERT INTO log_lines (environment_id, container, source, at_nanos, stream, line) VALUES ($1, 'c', $2, 1, 'out', $3)";
        sqlx::query(sql).bind(id.uuid()).bind(source).bind(line).execute(&world.db).await.unwrap();
    };
    let address = format!("/instances/{id}/logs");
    write("", "alone").await;
    let page = alice.get(&address).await;
    assert_eq!((page.text(".log li").trim(), page.body.contains("[1]")), ("alone", false));
    let mut stream = alice.stream(&page.attribute("[data-log]", "data-log"), None).await;
    write("", "still alone").await;
    assert!(!read_until(&mut stream, "still alone").await.contains("[1]"));
    // From the first line of another one on, each says whose it is.
    write("r2", "beside").await;
    assert!(read_until(&mut stream, "beside").await.contains("data: [3] beside"));
    write("", "not alone").await;
    assert!(read_until(&mut stream, "not alone").await.contains("data: [1] not alone"));

    let page = alice.get(&address).await;
    for line in ["[1] alone", "[3] beside", "[1] not alone", "[new] and [old]"] {
        assert!(page.text("main").contains(line), "{line}: {}", page.text("main"));
    }
    let found = alice.get(&format!("{address}?q=beside")).await.text(".log li");
    assert!(found.contains("[3] beside") && !found.contains("alone"));
    let stranger = world.customer("stranger").await;
    assert_eq!(stranger.get(&address).await.status, 404);
}
