//! One search over everything.

use sqlx::PgPool;

use crate::hosts::placing;
use crate::support::portal::World;

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_search_finds_customers_people_instances_and_machines(db: PgPool) {
    let world = World::new(db.clone()).await;
    let sam = world.staff().await;
    let alice = world.customer("alice").await;
    alice.has_running(&world, "shop").await;
    let hosts = placing::hosts(&db, 2).await;
    sqlx::query("UPDATE hosts SET upstream_address = '10.7.0.' || right(name, 1), zone = 'rack-' || right(name, 1)")
        .execute(&db)
        .await
        .unwrap();
    let found = async |text: &str| sam.get(&format!("/staff/search?q={text}")).await;
    for text in ["host-1", "HOST-1", "10.7.0.1", "rack-1"] {
        let page = found(text).await;
        assert!(page.text("main h2 a").contains("host-1"), "{text}: {}", page.words());
        assert_eq!(page.attribute("main h2 a", "href"), format!("/staff/hosts/{}", hosts[1]));
        assert!(!page.text("main").contains("host-0"), "{text}");
    }
    assert!(found("host").await.text("main").contains("host-0"));
    // A machine's whole number leads to it, as a customer's does.
    found(&hosts[1].to_string()).await.assert_redirect(&format!("/staff/hosts/{}", hosts[1]));
    found(&alice.account.to_string()).await.assert_redirect(&format!("/staff/accounts/{}", alice.account));
    // Signs of patterns mean themselves.
    for text in ["host%251", "host_1", "%25", "nothing"] {
        found(text).await.assert_says(200, "Nothing found");
    }
    let page = found("alice").await;
    assert!(page.text("main").contains("alice@example.com") && !page.text("main").contains("host-1"));
}
