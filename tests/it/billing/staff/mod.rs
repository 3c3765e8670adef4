//! What staff see and want done of billing: their pages, and what the worker makes of it.

mod asking;
mod companies;
mod dropping;
mod looking;

use sqlx::PgPool;

use super::world::{CORE_HOUR, at, introduce, sell, texts, used};
use crate::support::portal::{Page, Person, World};
use crate::support::staff::StaffPerson;

/// Lets the worker carry out what was asked. Papers take long to make and are nobody's business here.
pub async fn carry_out(world: &World) {
    sqlx::query("DELETE FROM jobs WHERE kind <> 'carry_out'").execute(&world.db).await.unwrap();
    world.settle().await;
}

/// Sends a form of a page, with the key that the page has.
pub async fn send(sam: &StaffPerson, page: &Page, action: &str, fields: &[(&str, &str)]) -> Page {
    let key = page.attribute("input[name=key]", "value");
    sam.post(action, &[&[("key", key.as_str())], fields].concat()).await
}

/// A customer whose March is many times what it usually is, after the first look at it.
pub async fn unusual(db: PgPool) -> (World, Person) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    introduce(&world, alice.account, "MA").await;
    let shop = alice.has_running(&world, "shop").await;
    for month in ["2026-12-01T03:00:00Z", "2027-01-01T03:00:00Z", "2027-02-01T03:00:00Z", "2027-03-01T03:00:00Z"] {
        at(&world, month).await;
    }
    used(&world, shop, "cpu", "2027-03-10T10:00:00Z".parse().unwrap(), 9_000 * CORE_HOUR).await;
    at(&world, "2027-04-01T03:00:00Z").await;
    (world, alice)
}

/// A customer with an invoice of November: 118.42 for the plan, 22.43 for the processor, without VAT.
pub async fn billed(db: PgPool) -> (World, Person) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    introduce(&world, alice.account, "MA").await;
    let shop = alice.has_running(&world, "shop").await;
    used(&world, shop, "cpu", "2026-11-23T10:00:00Z".parse().unwrap(), 200 * CORE_HOUR).await;
    at(&world, "2026-12-01T03:00:00Z").await;
    (world, alice)
}

/// What the audit log says that staff and the worker did for them, oldest first.
pub async fn done(world: &World) -> Vec<String> {
    texts(
        &world.db,
        "SELECT action || ' by ' || actor_name FROM audit_log WHERE action LIKE 'billing.%' AND actor_kind = 'staff' ORDER BY seq",
    )
    .await
}
