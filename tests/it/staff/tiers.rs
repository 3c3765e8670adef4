//! Several prices of one meter: staff enter them, customers read them, the database refuses those that cannot be.

use sqlx::PgPool;

use super::catalogue::{Catalogue, typed};
use super::records::Attempt;
use crate::support::portal::World;

/// Two more prices of processors.
const TIERS: [(&str, &str); 6] = [
    ("from_cpu-price-2", "100"),
    ("unit_cpu-price-2_eur", "0.03"),
    ("unit_cpu-price-2_mad", "0,33"),
    ("from_cpu-price-3", "1000.5"),
    ("unit_cpu-price-3_eur", "0.02"),
    ("unit_cpu-price-3_mad", "0.22"),
];

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn further_prices_are_entered_once_and_read_wherever_prices_are_shown(db: PgPool) {
    let world = World::new(db.clone()).await;
    let (sam, alice) = (world.staff().await, world.customer("alice").await);
    let old = alice.has_running(&world, "shop").await;
    let catalogue = Catalogue::of(&world, &sam, "production").await;
    let draft = catalogue.draft(&TIERS).await;
    let rows = "SELECT meter || ' ' || currency || ' ' || from_quantity || ' ' || unit_price FROM plan_tiers
                 WHERE plan_version_id = $1 ORDER BY 1";
    let rows: Vec<String> = sqlx::query_scalar(rows).bind(draft).fetch_all(&db).await.unwrap();
    let expected =
        ["EUR 100.0000 0.030000", "EUR 1000.5000 0.020000", "MAD 100.0000 0.330000", "MAD 1000.5000 0.220000"];
    assert_eq!(rows, expected.map(|row| format!("cpu {row}")));
    let further = "from 100 core-hours beyond what is included: €0.03 a core-hour";
    let last = "from 1,000.5 core-hours beyond what is included: €0.02 a core-hour";
    let pricing = async || world.stranger().get("/pricing?currency=EUR").await;
    assert!(!pricing().await.words().contains("from 100 core-hours"), "a draft is not sold");
    sam.get(&format!("/staff/plans/versions/{draft}/publish")).await.assert_says(200, further);

    catalogue.publish(2).await;
    pricing().await.assert_says(200, further);
    pricing().await.assert_says(200, last);
    for path in ["/instances/new".to_owned(), format!("/instances/{old}/plan")] {
        let page = alice.get(&path).await;
        page.assert_says(200, "from 100 core-hours beyond what is included: MAD 0.33 a core-hour");
        page.assert_says(200, "from 1,000.5 core-hours beyond what is included: MAD 0.22 a core-hour");
    }
    // What one is on is another version by now, and stands beside what is sold.
    let page = alice.get(&format!("/instances/{old}/plan")).await;
    page.assert_says(200, "Yours today");
    assert!(!alice.get("/instances/new").await.words().contains("Yours today"));

    // The next version begins with them, and can do without.
    let form = sam.get(&catalogue.path).await;
    for (name, value) in TIERS {
        assert_eq!(form.attribute(&format!("#f-{name}"), "value"), value.replace(',', "."), "{name}");
    }
    assert_eq!(form.attribute("#f-from_cpu-price-5", "value"), "", "two more can be added");
    let without = catalogue.draft(&TIERS.map(|(name, _)| (name, ""))).await;
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM plan_tiers WHERE plan_version_id = $1")
        .bind(without)
        .fetch_one(&db)
        .await
        .unwrap();
    assert_eq!(left, 0);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn prices_that_do_not_follow_each_other_are_refused_beside_the_field_and_nothing_is_saved(db: PgPool) {
    let world = World::new(db.clone()).await;
    let sam = world.staff().await;
    let path = Catalogue::of(&world, &sam, "production").await.path;
    let form = typed(&sam.get(&path).await);
    for (changes, field, said) in [
        (vec![("from_cpu-price-3", "100")], "from_cpu-price-3", "beyond the price before"),
        (vec![("from_cpu-price-3", "99")], "from_cpu-price-3", "beyond the price before"),
        (vec![("from_cpu-price-2", "0")], "from_cpu-price-2", "begin above zero"),
        (vec![("from_cpu-price-2", "")], "from_cpu-price-2", "Say where this price begins"),
        (vec![("from_cpu-price-2", "NaN")], "from_cpu-price-2", "a number that is not negative"),
        (vec![("from_cpu-price-2", "-1")], "from_cpu-price-2", "a number that is not negative"),
        (
            vec![("from_cpu-price-3", "9999999999999999999999999999")],
            "from_cpu-price-3",
            "a number that is not negative",
        ),
        (vec![("unit_cpu-price-2_mad", "")], "unit_cpu-price-2_mad", "in this currency too"),
        (vec![("unit_cpu_eur", "NaN")], "unit_cpu_eur", "a number that is not negative"),
        (
            vec![("from_cpu-price-2", ""), ("unit_cpu-price-2_eur", ""), ("unit_cpu-price-2_mad", "")],
            "from_cpu-price-2",
            "A later price is given",
        ),
    ] {
        let mut fields: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        for (name, value) in TIERS.iter().copied().chain(changes) {
            fields.iter_mut().find(|(field, _)| *field == name).unwrap().1 = value;
        }
        let page = sam.post(&path, &fields).await;
        page.assert_says(422, said);
        assert_eq!(page.attribute(&format!("#f-{field}"), "aria-invalid"), "true", "{said}");
        assert_eq!(page.attribute("#f-unit_cpu-price-3_eur", "value"), "0.02", "what was typed is still there");
    }
    let drafts: i64 =
        sqlx::query_scalar("SELECT count(*) FROM plan_versions WHERE state = 'draft'").fetch_one(&db).await.unwrap();
    assert_eq!(drafts, 0);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_schema_refuses_prices_that_cannot_be(db: PgPool) {
    let world = World::new(db.clone()).await;
    let sam = world.staff().await;
    let draft = Catalogue::of(&world, &sam, "production").await.draft(&TIERS).await;
    let tier = |meter: &str, currency: &str, from: &str, price: &str| {
        format!("INSERT INTO plan_tiers VALUES ('{draft}', '{meter}', '{currency}', {from}, {price})")
    };
    let meter = |included: &str, price: &str| {
        format!("INSERT INTO plan_meters VALUES ('{draft}', 'memory', 'EUR', {included}, {price})")
    };
    for (change, code) in [
        // Without a first price.
        (tier("memory", "EUR", "10", "1"), "23503"),
        (tier("cpu", "USD", "10", "1"), "23503"),
        // Equal bounds.
        (tier("cpu", "EUR", "100", "1"), "23505"),
        (tier("cpu", "EUR", "100.00001", "1"), "23505"),
        (tier("cpu", "EUR", "0", "1"), "23514"),
        (tier("cpu", "EUR", "-1", "1"), "23514"),
        (tier("cpu", "EUR", "'NaN'", "1"), "23514"),
        (tier("cpu", "EUR", "200", "-0.01"), "23514"),
        (tier("cpu", "EUR", "200", "'NaN'"), "23514"),
        (tier("cpu", "EUR", "200", "10000000"), "22003"),
        (meter("'NaN'", "1"), "23514"),
        (meter("1", "'NaN'"), "23514"),
    ] {
        Attempt::as_owner(&db).is_refused(&change, code).await;
    }
    // And none slips into what is published.
    let published = "(SELECT id FROM plan_versions WHERE state = 'published' LIMIT 1)";
    let slipping = format!("INSERT INTO plan_tiers VALUES ({published}, 'cpu', 'EUR', 5, 1)");
    Attempt::as_owner(&db).is_refused(&slipping, "23000").await;
}
