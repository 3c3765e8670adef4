//! What a new version of a plan would mean for those who are on the present one, before it is published.

use sayoo::billing::previews;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::dunning::has;
use super::world::{CORE_HOUR, at, introduce, number, sell, used};
use crate::staff::catalogue::Catalogue;
use crate::staff::records::{Attempt, Somebody};
use crate::support::portal::World;

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn staff_see_to_the_coin_what_last_month_would_have_cost_those_who_are_on_the_present_version(db: PgPool) {
    let web = Somebody::like_web(&db).await;
    let world = World::served_by(db.clone(), web.name()).await;
    sell(&world, true).await;
    let (alice, bob) = (world.customer("alice").await, world.customer("bob").await);
    let shop = has(&world, &alice, "production", "shop").await;
    has(&world, &alice, "production", "quiet").await;
    has(&world, &alice, "test", "trying").await;
    used(&world, shop, "cpu", "2026-11-23T10:00:00Z".parse().unwrap(), 200 * CORE_HOUR).await;
    introduce(&world, alice.account, "MA").await;
    at(&world, "2026-11-24T12:00:00Z").await;
    at(&world, "2026-12-01T03:00:00Z").await;
    has(&world, &bob, "production", "young").await;

    let sam = world.staff().await;
    let draft = Catalogue::of(&world, &sam, "production").await.draft(&[("price_mad", "840")]).await;
    let path = format!("/staff/plans/versions/{draft}/publish");
    let page = sam.get(&path).await;
    page.assert_says(200, "MAD 420.00 a month until now, MAD 840.00 with this version");
    page.assert_says(200, "0 of 0 instances computed so far");

    // A worker that is told to stop leaves it as it is; the next one does it, and two do it once.
    let stopped = CancellationToken::new();
    stopped.cancel();
    assert_eq!(previews::look(&world.portal, &stopped).await.unwrap(), 0);
    let go = CancellationToken::new();
    let looks = [previews::look(&world.portal, &go), previews::look(&world.portal, &go)];
    let computed: usize = futures_util::future::join_all(looks).await.into_iter().map(Result::unwrap).sum();
    assert_eq!((computed, previews::look(&world.portal, &go).await.unwrap()), (3, 0));

    // 203 of 720 hours: 118.42 and 236.83; beyond 22.43 on both.
    let page = sam.get(&path).await;
    page.assert_says(200, "Customers 2 Instances 3 Without a closed month 1");
    page.assert_says(200, "2 MAD 259.27 MAD 496.09 +MAD 236.82");
    let rows = page.text("#rows tbody").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(rows.contains("alice & Fils shop MAD 140.85 MAD 259.26 +MAD 118.41"), "{rows}");
    assert!(rows.contains("alice & Fils quiet MAD 118.42 MAD 236.83 +MAD 118.41"), "{rows}");
    assert!(rows.ends_with("bob & Fils young No closed month yet"), "{rows}");
    assert!(!rows.contains("trying"), "on another plan");

    // Nothing of it was charged, and what is asked again replaces what was.
    let charges = number(&db, "SELECT count(*) FROM charges").await;
    sam.post(&format!("/staff/plans/versions/{draft}/preview"), &[]).await.assert_redirect(&path);
    assert_eq!(previews::look(&world.portal, &go).await.unwrap(), 3);
    assert_eq!(number(&db, "SELECT count(*) FROM plan_previews").await, 1);
    assert_eq!(number(&db, "SELECT count(*) FROM charges").await, charges);
    for change in ["UPDATE plan_previews SET done_at = now()", "DELETE FROM plan_preview_rows"] {
        Attempt::by(&db, &web).is_refused(change, "42501").await;
    }
    sam.get(&format!("{path}?page=7")).await.assert_says(200, "Instances 3");
    web.gone(&db).await;
}
