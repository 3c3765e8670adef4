//! The month's run before and after it is one.

use sayoo::billing::dry_run;
use sayoo::billing::run;
use sqlx::PgPool;

use crate::billing::world::{CORE_HOUR, at, introduce, number, sell, texts, used};
use crate::support::portal::World;

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn staff_see_what_a_month_comes_to_before_it_is_billed_and_the_invoice_says_the_same(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let (alice, bob) = (world.customer("alice").await, world.customer("=bob").await);
    introduce(&world, alice.account, "MA").await;
    let shop = alice.has_running(&world, "shop").await;
    at(&world, "2026-12-01T03:00:00Z").await;
    bob.has_running(&world, "store").await;
    used(&world, shop, "cpu", "2026-12-05T10:00:00Z".parse().unwrap(), 9_000 * CORE_HOUR).await;

    at(&world, "2026-12-20T12:00:00Z").await;
    let sam = world.staff().await;
    let page = sam.get("/staff/billing?seller=MA&month=2026-12").await;
    page.assert_says(200, "not known");
    assert_eq!(dry_run::look(&world.portal).await.unwrap(), 2);
    assert_eq!(dry_run::look(&world.portal).await.unwrap(), 0, "it was computed a moment ago");
    let page = sam.get("/staff/billing?seller=MA&month=2026-12").await;
    page.assert_says(200, "not rated yet");
    let rows = page.text("#dry-run tbody").replace('\u{a0}', " ");
    assert!(rows.find("alice & Fils").unwrap() < rows.find("=bob & Fils").unwrap(), "the largest difference first");
    assert!(rows.contains("MAD 118.42") && rows.contains("no invoice"), "{rows}");
    assert!(page.text("#incomplete").contains("=bob & Fils"), "his invoice will wait: {}", page.words());
    assert!(!page.text("#incomplete").contains("alice"));

    // Found by name and by state; nothing of it under another month or company.
    let only = |query: &str| format!("/staff/billing?seller=MA&month=2026-12&{query}");
    assert!(!sam.get(&only("q=ALICE")).await.text("#dry-run").contains("bob"));
    assert!(sam.get(&only("standing=held")).await.text("#dry-run").contains("No customer has such a month"));
    assert!(!sam.get("/staff/billing?seller=FR&month=2026-12").await.text("#dry-run").contains("alice"));
    sam.get("/staff/billing?seller=XX&month=nonsense&page=9&standing=x").await.assert_says(200, "Dry run");

    // Over, and not rated yet: what is computed now is what will be billed.
    world.wait("2027-01-01T00:30:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap() - world.portal.clock.now());
    assert_eq!(dry_run::look(&world.portal).await.unwrap(), 2, "no January yet: nothing has opened it");
    let computed = number(&world.db, "SELECT sum(net_minor)::bigint FROM dry_runs").await;
    let sam = world.staff().await;
    let file = sam.get("/staff/billing/dry-run.csv?seller=MA&month=2026-12").await;
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"dry-run-MA-2026-12.csv\"");
    assert!(file.body.contains("'=bob & Fils"), "no spreadsheet runs a name: {}", file.body);
    assert_eq!(file.body.lines().count(), 3);
    assert_eq!(sam.get("/staff/billing/dry-run.csv?seller=XX").await.status, 404);

    at(&world, "2027-01-01T03:00:00Z").await;
    let billed = number(
        &world.db,
        "SELECT sum(net_minor)::bigint FROM documents WHERE currency = 'MAD' AND number IS DISTINCT FROM 'MA-2026-000001'",
    );
    assert_eq!(billed.await, computed);
    let sam = world.staff().await;
    let page = sam.get("/staff/billing").await;
    page.assert_says(200, "The customer’s details are not complete enough for an invoice.");
    assert!(page.text("#dry-run").contains("waits for one of us"), "the month that is not closed is shown");
    assert!(page.text("#dry-run").contains("issued"));
    dry_run::look(&world.portal).await.unwrap();
    assert_eq!(texts(&world.db, "SELECT problem FROM dry_runs").await.len(), 2, "only January's are left");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_month_that_cannot_be_computed_is_seen_before_it_is_billed(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    introduce(&world, alice.account, "MA").await;
    let shop = alice.has_running(&world, "shop").await;
    at(&world, "2026-11-24T12:00:00Z").await;
    // Nobody could use so much: the price has no room.
    used(&world, shop, "cpu", "2026-11-23T10:00:00Z".parse().unwrap(), i64::MAX).await;
    sqlx::query("UPDATE usage_hours SET quantity = 1e37").execute(&world.db).await.unwrap();
    sqlx::query("UPDATE usage_days SET quantity = 1e37").execute(&world.db).await.unwrap();
    dry_run::look(&world.portal).await.unwrap();
    let problem = texts(&world.db, "SELECT problem FROM dry_runs").await;
    assert!(!problem[0].is_empty());
    let sam = world.staff().await;
    let page = sam.get("/staff/billing?seller=MA&month=2026-11").await;
    assert!(page.text("#dry-run").contains(&problem[0]), "{}", page.words());

    at(&world, "2026-12-01T03:00:00Z").await;
    let sam = world.staff().await;
    let page = sam.get("/staff/billing").await;
    page.assert_says(200, "It could not be computed or issued");
    // Set right, it is computed again when staff say so.
    sqlx::query("UPDATE usage_hours SET quantity = 0").execute(&world.db).await.unwrap();
    sqlx::query("UPDATE usage_days SET quantity = 0").execute(&world.db).await.unwrap();
    let waiting = page.attribute("#waiting a.row-link", "href");
    let page = sam.get(&waiting).await;
    page.assert_says(200, "it is computed again");
    super::send(&sam, &page, &waiting, &[("act", "release"), ("reason", "the counter was mended")])
        .await
        .assert_redirect(&waiting);
    super::carry_out(&world).await;
    assert_eq!(run::look(&world.portal).await.unwrap().finalised, 1);
    assert_eq!(super::done(&world).await, ["billing.asked by Sam", "billing.released by Sam"]);
}
