//! What last month would have cost on another plan, to the coin, and for whom that is to see.

use sqlx::PgPool;

use super::world::{CORE_HOUR, at, introduce, sell, used};
use crate::support::portal::World;

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn last_month_is_counted_with_the_prices_of_each_plan_and_what_is_left_out_is_said(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    let shop = alice.has_running(&world, "shop").await;
    used(&world, shop, "cpu", "2026-11-23T10:00:00Z".parse().unwrap(), 200 * CORE_HOUR).await;
    introduce(&world, alice.account, "MA").await;
    let path = format!("/instances/{shop}/what-if");
    at(&world, "2026-11-24T12:00:00Z").await;
    alice.get(&path).await.assert_says(200, "There is no month to compare yet");
    at(&world, "2026-12-01T03:00:00Z").await;

    // 203 of 720 hours. As the invoice says: 118.42 and 59.0277 core-hours at 0.38.
    let page = alice.get(&path).await;
    page.assert_says(200, "As it was MAD 118.42 MAD 22.43 MAD 140.85");
    page.assert_says(200, "Production its plan now MAD 420 MAD 118.42 MAD 22.43 MAD 140.85 the same");
    // 199 × 203 ÷ 720, and 157.7083 beyond the 42.2917 that are included.
    page.assert_says(200, "Test MAD 199 MAD 56.11 MAD 59.93 MAD 116.04 MAD 24.81 less");
    page.assert_says(200, "Development MAD 99 MAD 27.91 MAD 69.57 MAD 97.48 MAD 43.37 less");
    page.assert_says(200, "The instance was there for 28 % of the month");
    assert!(!page.words().contains("The trial reached"), "there was none");
    // Where one changes the plan it stands beside each.
    let plans = alice.get(&format!("/instances/{shop}/plan")).await;
    plans.assert_says(200, "Last month with it: MAD 116.04 (MAD 24.81 less)");
    alice.get(&format!("/instances/{shop}")).await.assert_says(200, "What would last month have cost");

    // Another instance, of this month, was not there; a stranger sees nothing of either.
    let young = alice.has_running(&world, "young").await;
    alice.get(&format!("/instances/{young}/what-if")).await.assert_says(200, "There is no month to compare yet");
    for role in ["owner", "developer"] {
        let stranger = world.person(&format!("strange-{role}"), role).await;
        assert_eq!(stranger.get(&path).await.status, 404, "{role}");
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_trial_is_left_out_of_every_line_and_that_is_said(db: PgPool) {
    let world = World::new(db.clone()).await;
    sell(&world, true).await;
    sqlx::query("UPDATE sellers SET trial_days = 30").execute(&db).await.unwrap();
    let alice = world.customer("alice").await;
    let shop = alice.has_running(&world, "shop").await;
    at(&world, "2026-11-24T12:00:00Z").await;
    at(&world, "2026-12-01T03:00:00Z").await;
    let page = alice.get(&format!("/instances/{shop}/what-if")).await;
    page.assert_says(200, "As it was MAD 118.42 MAD 0.00 MAD 118.42");
    page.assert_says(200, "Test MAD 199 MAD 56.11 MAD 0.00 MAD 56.11 MAD 62.31 less");
    page.assert_says(200, "The trial reached into this month");
}
