//! Usage for invoicing: the page, its files and the command say the same.

use chrono::{DateTime, TimeDelta, Utc};
use sayoo::base::ids::{AccountId, EnvironmentId};
use sayoo::metering::{Meter, Observation, store};
use sqlx::PgPool;

use crate::support::portal::{Page, World};
use crate::support::process;
use crate::support::staff::StaffPerson;

/// So many hours of usage, from this one on, one hour after so many.
async fn used(world: &World, environment: EnvironmentId, from: &str, hours: i32, every: i32) {
    let from: DateTime<Utc> = from.parse().unwrap();
    sqlx::query(
        "INSERT INTO usage_hours
         SELECT $1, meter, $2::timestamptz + n * $4 * interval '1 hour', 1000000007::bigint * (n + 1), 3600 - n % 60
              , CASE WHEN n % 7 = 0 THEN 'interpolated' ELSE 'measured' END
           FROM generate_series(0, $3 - 1) n, unnest(ARRAY['cpu', 'memory', 'database', 'egress', 'requests']) meter",
    )
    .bind(environment.uuid())
    .bind(from)
    .bind(hours)
    .bind(every)
    .execute(&world.db)
    .await
    .unwrap();
}

/// Makes 210 instances like this one, and 24 hours of usage of each on one day: more than a page of the export.
async fn crowd(world: &World, like: EnvironmentId) {
    for sql in [
        "INSERT INTO environments
         SELECT (jsonb_populate_record(NULL::environments, to_jsonb(one) || jsonb_build_object(
                 'id', gen_random_uuid(), 'order_key', gen_random_uuid(), 'name', 'crowd'))).*
           FROM environments one, generate_series(1, 210) WHERE one.id = $1",
        "INSERT INTO usage_hours
         SELECT id, meter, '2026-11-10T00:00:00Z'::timestamptz + n * interval '1 hour', n, 3600, 'measured'
           FROM environments, generate_series(0, 23) n, unnest(ARRAY['cpu', 'memory', 'database', 'egress', 'requests']) meter
          WHERE name = 'crowd' AND $1::uuid IS NOT NULL",
    ] {
        sqlx::query(sql).bind(like.uuid()).execute(&world.db).await.unwrap();
    }
}

/// Two customers with usage over four years, much of it in one of them.
struct Used {
    world: World,
    sam: StaffPerson,
    alice: AccountId,
    shop: EnvironmentId,
    store: EnvironmentId,
}

impl Used {
    async fn new(db: PgPool) -> Self {
        let world = World::new(db).await;
        let (alice, bob) = (world.customer("alice").await, world.customer("bob").await);
        let (shop, store) = (alice.has_running(&world, "shop").await, alice.has_running(&world, "store").await);
        let other = bob.has_running(&world, "other").await;
        sqlx::query("UPDATE accounts SET name = '=HYPERLINK(\"x\") & \"Söhne\", عليّ' WHERE id = $1")
            .bind(alice.account.uuid())
            .execute(&world.db)
            .await
            .unwrap();
        used(&world, shop, "2023-02-27T05:00:00Z", 40, 700).await;
        used(&world, store, "2026-10-31T20:00:00Z", 10, 1).await;
        used(&world, other, "2026-05-01T00:00:00Z", 4100, 1).await;
        crowd(&world, other).await;
        let sam = world.staff().await;
        Self { sam, alice: alice.account, shop, store, world }
    }

    async fn file(&self, extension: &str, query: &str) -> Page {
        let page = self.sam.get(&format!("/staff/usage.{extension}?{query}")).await;
        assert_eq!(page.status, 200, "{query}: {}", page.words());
        page
    }
}

/// What `sayoo export usage` prints.
async fn command(world: &World, words: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let config = process::configuration(&world.db, folder.path());
    let words: Vec<_> = ["export", "usage"].into_iter().chain(words.split_whitespace()).collect();
    let output = process::run(&config, &words).await;
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_page_s_files_are_byte_by_byte_what_the_command_prints(db: PgPool) {
    let used = Used::new(db).await;
    let (alice, shop) = (used.alice, used.shop);
    for (query, words, rows) in [
        // All of it: four years.
        ("from=2023-01-01&to=2026-11-23".to_owned(), "--from 2023-01-01 --to 2026-11-23".to_owned(), 9190),
        // A day with more than two pages of it.
        ("from=2026-11-10&to=2026-11-11".to_owned(), "--from 2026-11-10 --to 2026-11-11".to_owned(), 5040),
        // One day, whose midnight belongs to the next one.
        ("from=2026-10-31&to=2026-11-01".to_owned(), "--from 2026-10-31 --to 2026-11-01".to_owned(), 4),
        (
            format!("from=1990-01-01&to=2099-01-01&account={alice}"),
            format!("--from 1990-01-01 --to 2099-01-01 --account {alice}"),
            50,
        ),
        (
            format!("from=2023-01-01&to=2026-11-23&instance={shop}"),
            format!("--from 2023-01-01 --to 2026-11-23 --instance {shop}"),
            40,
        ),
        ("from=2020-01-01&to=2020-01-02".to_owned(), "--from 2020-01-01 --to 2020-01-02".to_owned(), 0),
    ] {
        let csv = used.file("csv", &query).await;
        assert!(csv.header("content-type").starts_with("text/csv"));
        assert_eq!(csv.body, command(&used.world, &words).await, "{query}");
        assert_eq!(csv.body.lines().count(), rows + 1, "{query}");
        let json = used.file("json", &query).await;
        assert_eq!(json.body, command(&used.world, &format!("{words} --format json")).await, "{query}");
        let read: Vec<serde_json::Value> = serde_json::from_str(&json.body).unwrap();
        let keys: Vec<_> =
            read.iter().map(|row| (row["hour"].as_str().unwrap(), row["environment_id"].as_str().unwrap())).collect();
        assert_eq!(keys.len(), rows, "{query}");
        assert!(keys.is_sorted_by(|one, next| one < next), "{query}: each hour of each instance once, in this order");
    }
    let all = used.file("csv", "from=2023-01-01&to=2026-11-23").await.body;
    assert!(all.contains("\"'=HYPERLINK(\"\"x\"\") & \"\"Söhne\"\", عليّ\""), "{}", &all[..400]);
    assert!(all.contains(",2023-02-27T05:00:00Z,1000000007,1000000007,"), "the first hour of four years");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_page_shows_one_customer_or_one_instance_and_its_files_do_the_same(db: PgPool) {
    let used = Used::new(db).await;
    let (alice, shop, store) = (used.alice, used.shop, used.store);
    let days = "from=2026-10-01&to=2026-11-02";
    let everybody = used.sam.get(&format!("/staff/usage?{days}")).await;
    assert!(everybody.text("main tbody").contains("store") && everybody.text("main tbody").contains("other"));

    let of_alice = used.sam.get(&format!("/staff/usage?{days}&account={alice}")).await;
    assert!(of_alice.text("main tbody").contains("store") && !of_alice.text("main tbody").contains("other"));
    assert_eq!(
        of_alice.attribute("main input[name=account]", "value"),
        alice.to_string(),
        "other days keep the customer"
    );
    let csv = of_alice.attribute("main a[href*='usage.csv']", "href");
    let rows = used.sam.get(&csv).await.body;
    assert!(rows.lines().skip(1).count() == 10 && rows.lines().skip(1).all(|row| row.contains(&store.to_string())));

    let of_shop = used.sam.get(&format!("/staff/usage?from=2023-02-01&to=2023-04-01&instance={shop}")).await;
    assert!(of_shop.text("main").contains("shop") && !of_shop.text("main tbody").contains("store"));
    // The customer's and the instance's own pages lead here.
    for (page, link) in [
        (format!("/staff/accounts/{alice}"), format!("account={alice}")),
        (format!("/staff/instances/{shop}"), format!("instance={shop}")),
    ] {
        let link = used.sam.get(&page).await.attribute(&format!("main a[href*='{link}']"), "href");
        assert_eq!(used.sam.get(&link).await.status, 200, "{link}");
    }
    let nobody = uuid::Uuid::nil();
    assert_eq!(used.sam.get(&format!("/staff/usage?account={nobody}")).await.status, 404);
    assert_eq!(used.file("csv", &format!("account={nobody}")).await.body.lines().count(), 1);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_period_that_is_too_long_or_none_is_said_and_never_replaced_by_another(db: PgPool) {
    let used = Used::new(db).await;
    let long = used.sam.get("/staff/usage?from=2023-01-01&to=2026-11-23").await;
    long.assert_says(200, "The table adds up at most 400 days");
    assert_eq!(long.attribute("#from", "value"), "2023-01-01");
    let csv = long.attribute("main a[href*='usage.csv']", "href");
    assert_eq!(used.sam.get(&csv).await.body.lines().count(), 9191, "the file has all of it");

    let days = "Choose a first day before the last one";
    let number = "no customer’s or instance’s number";
    for (query, said) in [
        ("from=2026-11-02&to=2026-11-01", days),
        ("from=2026-11-01&to=2026-11-01", days),
        ("from=yesterday&to=2026-11-01", days),
        ("from=2026-02-30&to=2026-11-01", days),
        ("from=%2B99999-01-01&to=%2B99999-01-02", days),
        ("from=-4000-01-01&to=2026-11-01", days),
        ("from=2026-10-01&to=2026-11-01&account=alice", number),
        ("from=2026-10-01&to=2026-11-01&instance='--", number),
    ] {
        for path in ["/staff/usage", "/staff/usage.csv", "/staff/usage.json"] {
            used.sam.get(&format!("{path}?{query}")).await.assert_says(422, said);
        }
    }
    let crowded = used.sam.get("/staff/usage?from=2026-11-10&to=2026-11-11").await;
    crowded.assert_says(200, "Only the first");
    assert_eq!(crowded.body.matches("<tr><td").count(), 1000);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_was_put_aside_is_shown_with_its_reason(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let shop = alice.has_running(&world, "shop").await;
    let sam = world.staff().await;
    let now = world.portal.clock.now();
    assert!(!sam.get("/staff/usage").await.text("main").contains("Put aside"));
    let number = |ahead: TimeDelta, value: i64| Observation {
        environment: shop,
        meter: Meter::Requests,
        source: "proxy:<b>".to_owned(),
        opened_at: now,
        is_inherited: false,
        observed_at: now + ahead,
        value,
    };
    let hour = TimeDelta::hours(1);
    let all = [number(hour, 5), number(hour * 2, 6), number(-TimeDelta::days(36), 1), number(-hour, -1)];
    let batch = store::ingest(&mut world.db.acquire().await.unwrap(), now, &all).await.unwrap();
    assert_eq!((batch.received, batch.refused), (4, 4));
    let page = sam.get("/staff/usage").await;
    let rows = page.text("main tbody");
    for said in ["a clock is wrong", "more than 35 days", "less than nothing", "proxy:<b>", "shop"] {
        assert!(rows.contains(said), "{said}: {rows}");
    }
    assert_eq!(page.body.matches("<tr><td").count(), 3, "one line for each reason: {rows}");
    let other = sam.get(&format!("/staff/usage?account={}", world.customer("bob").await.account)).await;
    assert!(!other.text("main").contains("Put aside"));
}
