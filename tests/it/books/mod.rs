//! What is sold and paid stands in the Odoo with our books once, whatever gets lost, comes twice or is away.

mod carrying;
mod troubles;

use chrono::TimeDelta;
use sayoo::base::ids::{AccountId, DocumentId};
use sayoo::billing::payments::{self, Method, Received};
use sayoo::books::{Books, Done};
use serde_json::Value;
use sqlx::PgPool;

use crate::billing::world::{at, introduce, mad, number, sell, texts};
use crate::support::odoo::StandIn;
use crate::support::portal::World;

/// What November's part costs everybody here, without VAT and with it.
const NET: i64 = {
    let (left, whole) = (8 * 86_400 + 11 * 3_600, 30 * 86_400_i64);
    (2 * 42_000 * left + whole) / (2 * whole)
};
const GROSS: i64 = NET + (2 * NET * 20 + 100) / 200;

/// A world with the stand-in, and a customer who owes one invoice.
async fn debtor(db: PgPool) -> (World, StandIn, AccountId) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    introduce(&world, alice.account, "MA").await;
    alice.has_running(&world, "shop").await;
    assert_eq!(at(&world, "2026-12-01T03:00:00Z").await.finalised, 1);
    (world, StandIn::start(), alice.account)
}

/// A transfer, which pays what is open.
async fn pays(world: &World, account: AccountId, minor: i64, reference: &str) -> sayoo::base::ids::PaymentId {
    let now = world.portal.clock.now();
    let received = Received {
        account,
        method: Method::Transfer,
        amount: mad(minor),
        received_on: now.date_naive(),
        external_ref: reference,
    };
    let mut tx = world.db.begin().await.unwrap();
    let payment = payments::receive(&mut tx, &received, now).await.unwrap().unwrap();
    payments::settle(&mut tx, account, now).await.unwrap();
    tx.commit().await.unwrap();
    payment
}

/// Looks after a while, which is long enough for whatever waits.
async fn later(world: &World, books: &Books) -> Done {
    world.wait(TimeDelta::hours(7));
    books.look().await.unwrap()
}

/// The invoice of an account.
async fn invoice_of(db: &PgPool, account: AccountId) -> DocumentId {
    let sql = "SELECT id FROM documents WHERE account_id = $1 AND kind = 'invoice'";
    let id: uuid::Uuid = sqlx::query_scalar(sql).bind(account.uuid()).fetch_one(db).await.unwrap();
    id.to_string().parse().unwrap()
}

/// What is not there yet, and why.
async fn waiting(db: &PgPool) -> Vec<String> {
    texts(db, "SELECT kind || ' ' || state || ': ' || problem FROM book_pushes WHERE state <> 'done' ORDER BY rank, created_at").await
}

async fn carried(db: &PgPool) -> i64 {
    number(db, "SELECT count(*) FROM book_pushes WHERE state = 'done'").await
}

/// An amount there, in centimes.
fn minor(value: &Value) -> i64 {
    sayoo::books::odoo::coins(value).unwrap()
}
