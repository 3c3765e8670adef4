//! A disk that is full below the table file: who is served is served on, and the file is written once there is room.

use sqlx::PgPool;

use super::support::{Upstream, World, ok};
use crate::support::small_disk::FullDisk;

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_table_file_that_cannot_be_written_keeps_nobody_from_being_served_and_is_written_later(db: PgPool) {
    let disk = FullDisk::new();
    let file = disk.folder().join("routes.json");
    let mut world = World::with(db, |settings| settings.table_file.clone_from(&file)).await;
    let (shop, bakery) = (Upstream::answering(ok("shop")).await, Upstream::answering(ok("bakery")).await);
    world.serves("shop.test", &shop).await;
    // The file beside it was begun: the disk took its name and nothing of it.
    let begun = disk.folder().join(format!("routes.{}.new", std::process::id()));
    world.until(|| async { begun.exists() }).await;
    assert!(!file.exists());
    assert!(world.get("shop.test", "/").await.ends_with("\r\n\r\nshop"));
    world.serves("bakery.test", &bakery).await;
    for (host, body) in [("shop.test", "shop"), ("bakery.test", "bakery"), ("portal.test", "portal")] {
        assert!(world.get(host, "/").await.ends_with(&format!("\r\n\r\n{body}")), "{host}");
    }
    assert!(!file.exists());

    // No route changes any more.
    disk.make_room();
    let knows = |name: &'static str| std::fs::read_to_string(&file).is_ok_and(|text| text.contains(name));
    world.until(|| async { knows("shop.test") && knows("bakery.test") }).await;
    assert!(world.get("bakery.test", "/").await.ends_with("\r\n\r\nbakery"));
    world.finish().await;
}
