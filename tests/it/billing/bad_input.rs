//! What nobody should type, and a clock that goes back: nothing is written that cannot be right.

use chrono::TimeDelta;
use sayoo::billing::{documents, run};
use scraper::{Html, Selector};
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use super::staff::billed;
use super::world::{at, audit, introduce, mad, number, sell, texts};
use crate::support::portal::World;

/// Amounts that are none, in as many ways as people and programs find.
const NO_AMOUNTS: [&str; 10] = [
    "NaN",
    "inf",
    "-Infinity",
    "-0.01",
    "1e30",
    "0x10",
    "99999999999999999999999999999999999999",
    "1.000.000,00.00",
    "١٢",
    "12 ; 13",
];

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_version_with_a_price_that_is_no_amount_is_not_saved(db: PgPool) {
    let world = World::new(db).await;
    let sam = world.staff().await;
    let path = sam.get("/staff/plans").await.attribute("#production a[href$='/draft']", "href");
    let page = sam.get(&path).await;
    let html = Html::parse_document(&page.body);
    let fields = Selector::parse("main form.form input[name]").unwrap();
    let attribute = |element: &scraper::ElementRef<'_>, name| element.value().attr(name).unwrap_or_default().to_owned();
    let typed: Vec<(String, String)> =
        html.select(&fields).map(|field| (attribute(&field, "name"), attribute(&field, "value"))).collect();
    let of_money = |name: &str| ["price_", "unit_", "included_"].iter().any(|start| name.starts_with(start));
    let asked: Vec<String> = typed.iter().map(|(name, _)| name.clone()).filter(|name| of_money(name)).collect();
    assert!(asked.len() >= 3, "{typed:?}");
    for field in [&asked[0], &asked[asked.len() / 2], &asked[asked.len() - 1]] {
        for amount in NO_AMOUNTS {
            let form: Vec<(&str, &str)> = typed
                .iter()
                .filter(|(name, _)| name != "csrf")
                .map(|(name, value)| (name.as_str(), if name == field { amount } else { value.as_str() }))
                .collect();
            let again = sam.post(&path, &form).await;
            assert_eq!(again.status, 422, "{field}: {amount}");
            assert_eq!(again.attribute(&format!("#f-{field}"), "value"), amount, "what was typed is not lost");
        }
    }
    assert_eq!(number(&world.db, "SELECT count(*) FROM plan_versions WHERE version > 1").await, 0);
    assert!(world.audit().await.is_empty());
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn prices_of_a_meter_have_a_first_one_and_begin_at_different_quantities(db: PgPool) {
    let world = World::new(db.clone()).await;
    // A version that is not published yet.
    let sql = "INSERT INTO plan_versions (id, plan_id, version, state, cpu_millis, memory_mb, storage_mb, daily_backups, weekly_backups, monthly_backups, created_at)
               SELECT '00000000-0000-7000-8000-00000000000d', plan_id, version + 1, 'draft', cpu_millis, memory_mb, storage_mb, 1, 1, 1, now() FROM plan_versions LIMIT 1";
    sqlx::query(sql).execute(&db).await.unwrap();
    let meter = |included: &str, price: &str| {
        format!(
            "INSERT INTO plan_meters (plan_version_id, meter, currency, included, unit_price)
                 VALUES ('00000000-0000-7000-8000-00000000000d', 'cpu', 'EUR', {included}, {price})"
        )
    };
    let tier = |from: &str, price: &str| {
        format!(
            "INSERT INTO plan_tiers (plan_version_id, meter, currency, from_quantity, unit_price)
                 VALUES ('00000000-0000-7000-8000-00000000000d', 'cpu', 'EUR', {from}, {price})"
        )
    };
    let refused = async |sql: String| {
        let refused = sqlx::query(AssertSqlSafe(sql.clone())).execute(&db).await;
        assert!(refused.is_err(), "{sql}");
    };
    refused(tier("20", "0.5")).await;
    for (included, price) in
        [("-1", "1"), ("1", "-1"), ("'NaN'", "1"), ("1", "'NaN'"), ("'Infinity'", "1"), ("1", "1e20")]
    {
        refused(meter(included, price)).await;
    }
    sqlx::query(AssertSqlSafe(meter("10", "1"))).execute(&db).await.unwrap();
    sqlx::query(AssertSqlSafe(tier("20", "0.5"))).execute(&db).await.unwrap();
    for (from, price) in [
        ("20", "0.4"),
        ("20.00001", "0.4"),
        ("0", "0.4"),
        ("-5", "0.4"),
        ("'NaN'", "0.4"),
        ("30", "'NaN'"),
        ("30", "-0.1"),
    ] {
        refused(tier(from, price)).await;
    }
    assert_eq!(number(&world.db, "SELECT count(*) FROM plan_tiers").await, 1);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn nothing_is_given_back_of_an_invoice_for_what_is_no_amount(db: PgPool) {
    let (world, _) = billed(db).await;
    let sam = world.staff().await;
    let invoice = sam.get("/staff/billing/documents").await.attribute("main a.row-link", "href");
    let credit = format!("{invoice}/credit");
    for amount in NO_AMOUNTS {
        let key = Uuid::new_v4().to_string();
        let form =
            [("key", key.as_str()), ("what", "lines"), ("line", "1"), ("amount", amount), ("reason", "an outage")];
        let again = sam.post(&credit, &form).await;
        assert_eq!(again.status, 422, "{amount}");
        assert_eq!(again.attribute("#f-amount-1", "value"), amount);
    }
    assert_eq!(number(&world.db, "SELECT count(*) FROM billing_instructions").await, 0);
    let mut db = world.db.acquire().await.unwrap();
    let id = invoice.rsplit('/').next().unwrap().parse().unwrap();
    for minor in [0, -1, i64::MIN, i64::MAX] {
        let now = world.portal.clock.now();
        assert!(documents::credit(&mut db, id, &[(1, mad(minor))], "an outage", now).await.is_err(), "{minor}");
    }
    assert_eq!(number(&world.db, "SELECT count(*) FROM documents").await, 1);
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_clock_that_goes_back_gives_no_document_a_date_before_the_one_before(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    introduce(&world, alice.account, "MA").await;
    alice.has_running(&world, "shop").await;
    at(&world, "2026-12-01T03:00:00Z").await;
    at(&world, "2027-01-01T03:00:00Z").await;
    let dates = "SELECT number || ' ' || issued_on FROM documents WHERE state = 'final' ORDER BY series_year, no";
    assert_eq!(texts(&world.db, dates).await, ["MA-2026-000001 2026-12-01", "MA-2027-000001 2027-01-01"]);
    // Back over midnight of the year, by days: the new year has begun in the books and stays begun.
    let mut db = world.db.acquire().await.unwrap();
    for back in [TimeDelta::hours(5), TimeDelta::days(9)] {
        world.wait(-back);
        let now = world.portal.clock.now();
        assert!(now < "2026-12-31T23:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap());
        let invoice = documents::list_all(&mut db, "MA-2026-000001", 1).await.unwrap().remove(0);
        documents::credit(&mut db, invoice.id, &[(1, mad(100))], "an outage", now).await.unwrap();
        assert_eq!(run::look(&world.portal).await.unwrap().finalised, 1);
        audit(&world.db).await;
    }
    assert_eq!(
        texts(&world.db, dates).await[1..],
        ["MA-2027-000001 2027-01-01", "MA-2027-000002 2027-01-01", "MA-2027-000003 2027-01-01"]
    );
    // When the time has come again it goes on.
    at(&world, "2027-02-01T03:00:00Z").await;
    assert_eq!(texts(&world.db, dates).await[4..], ["MA-2027-000004 2027-02-01"]);
    audit(&world.db).await;
}
