//! What an instance costs so far, and the graphs of what it used.

use chrono::{DateTime, TimeDelta, Utc};
use sayoo::base::ids::EnvironmentId;
use sayoo::metering::{Meter, Observation, store};
use sqlx::PgPool;

use crate::support::portal::{Page, World};

const CORE_HOUR: i64 = 3_600_000_000;
const MB: i64 = 1_000_000;

/// Says that so much was used in one hour.
async fn used(world: &World, id: EnvironmentId, meter: &str, hour: DateTime<Utc>, quantity: i64) {
    for sql in [
        "INSERT INTO usage_hours (environment_id, meter, hour, quantity, covered_seconds, quality) VALUES ($1, $2, $3, $4, 3600, 'measured')",
        "INSERT INTO usage_days (environment_id, meter, day, quantity)
         VALUES ($1, $2, date_trunc('day', $3 AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', $4)",
    ] {
        let query = sqlx::query(sql).bind(id.uuid()).bind(meter.to_owned()).bind(hour).bind(quantity);
        query.execute(&world.db).await.unwrap();
    }
}

/// What the page says of the cost so far.
fn cost_of(page: &Page) -> String {
    page.text("[aria-labelledby=cost-title]").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_cost_so_far_is_the_part_of_the_month_and_what_lies_beyond_what_is_included(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let shop = alice.has_running(&world, "shop").await;
    let page = alice.get(&format!("/instances/{shop}")).await;
    assert!(page.text("[aria-labelledby=cost-title]").contains("0.00"), "nothing yet");

    // Three of November's thirty days: a tenth of 420 dirhams, and of 500 core-hours.
    let ordered_at = world.portal.clock.now();
    world.wait(TimeDelta::days(3));
    // A login that nobody used for so long has ended: it is as if it had been used.
    sqlx::query("UPDATE sessions SET seen_at = $1").bind(world.portal.clock.now()).execute(&world.db).await.unwrap();
    used(&world, shop, "cpu", ordered_at + TimeDelta::hours(1), 40 * CORE_HOUR).await;
    let page = alice.get(&format!("/instances/{shop}")).await;
    let cost = cost_of(&page);
    assert!(cost.contains("MAD 42.00") && cost.contains("MAD 420 a month"), "{cost}");
    assert!(page.text("[aria-labelledby=cost-title] .price").contains("42.00"), "40 hours are included: {cost}");

    // Ten hours beyond the fifty that are included cost 0.38 dirhams each.
    used(&world, shop, "cpu", ordered_at + TimeDelta::hours(26), 20 * CORE_HOUR).await;
    let page = alice.get(&format!("/instances/{shop}")).await;
    let cost = cost_of(&page);
    assert!(page.text("[aria-labelledby=cost-title] .price").contains("45.80"), "{cost}");
    assert!(cost.contains("42.00") && cost.contains("3.80"), "{cost}");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn every_graph_of_the_usage_page_has_its_numbers_in_a_table(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let shop = alice.has_running(&world, "shop").await;
    let path = format!("/instances/{shop}/usage");
    let empty = alice.get(&path).await;
    assert_eq!((empty.body.matches("<figure").count(), empty.body.matches("<table").count()), (5, 0));

    let began = world.portal.clock.now();
    for minute in 1..=60 {
        let observed_at = began + TimeDelta::minutes(minute);
        let all = [
            // Half a core, 100 MB of memory, 80 MB of database, 6 requests and 2 MB a minute.
            (Meter::Cpu, "container:c", minute * 30_000_000),
            (Meter::Memory, "container:c", 100 * MB),
            (Meter::Database, "database:d", 80 * MB),
            (Meter::Requests, "proxy:p", minute * 6),
            (Meter::Egress, "proxy:p", minute * 2 * MB),
        ];
        let all = all.map(|(meter, source, value)| Observation {
            environment: shop,
            meter,
            source: source.to_owned(),
            opened_at: began,
            is_inherited: false,
            observed_at,
            value,
        });
        let mut db = world.db.acquire().await.unwrap();
        store::ingest(&mut db, observed_at, &all).await.unwrap();
    }
    world.wait(TimeDelta::minutes(61));
    for period in ["1h", "24h", "7d", "30d"] {
        let page = alice.get(&format!("{path}?period={period}")).await;
        assert_eq!(page.body.matches("<figure").count(), 5, "{period}");
        if period == "7d" || period == "30d" {
            // These are of hours, which are derived later.
            continue;
        }
        for (graph, value) in
            [("cpu", "0.5 CPU"), ("memory", "100 MB"), ("database", "80 MB"), ("requests", "6"), ("egress", "2 MB")]
        {
            let figure = format!("figure#graph-{graph}");
            assert!(page.attribute(&format!("{figure} path.line"), "d").len() > 10, "{period}: {graph} has no line");
            let rows = page.text(&format!("{figure} tbody td.number"));
            assert!(rows.contains(value), "{period}: {value} is not in the table of {graph}: {rows}");
            assert!(!page.text(&format!("{figure} summary")).trim().is_empty(), "{period}: {graph}");
            let times = page.attribute(&format!("{figure} tbody time"), "datetime");
            assert!(times.starts_with("2026-11-2"), "{period}: {graph}: {times}");
        }
    }
}
