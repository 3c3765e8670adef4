//! The front page.

use reqwest::StatusCode;
use sqlx::PgPool;

use crate::support::portal::{Page, World};

fn times(page: &Page) -> String {
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text(".preview .mono").contains("atlas.localhost"), "the example is at an address of ours");
    page.text(".preview .time").trim().to_owned()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_front_page_tells_how_long_creations_took_here_and_nothing_when_there_were_none(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    assert_eq!(times(&world.stranger().get("/").await), "");
    alice.has_ordered(&world, "under-way").await;
    for (address, seconds) in [("one", 1.4), ("two", 200.0), ("three", 2.3)] {
        let id = alice.has_ordered(&world, address).await;
        sqlx::query!(
            "UPDATE environments SET first_ready_at = created_at + make_interval(secs => $2) WHERE id = $1",
            id.uuid(),
            seconds
        )
        .execute(&world.db)
        .await
        .unwrap();
    }
    assert_eq!(times(&world.stranger().get("/").await), "2.3 s", "the middle of the last ones");
    world.served.close().await;
    assert_eq!(times(&world.stranger().get("/").await), "", "the page is there without the database too");
}
