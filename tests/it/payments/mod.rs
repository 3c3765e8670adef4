//! Invoices are paid by card: once, whatever gets lost, comes twice or comes late.

mod attempts;
mod events;

use sayoo::base::ids::{AccountId, DocumentId};
use sayoo::billing::payments;
use sayoo::payments::Cards;
use sqlx::PgPool;

use crate::billing::world::{at, introduce, number, sell};
use crate::support::portal::World;
use crate::support::stripe::StandIn;

/// What one month's part costs everybody here, with VAT.
const GROSS: i64 = {
    let (left, whole) = (8 * 86_400 + 11 * 3_600, 30 * 86_400_i64);
    let net = (2 * 42_000 * left + whole) / (2 * whole);
    net + (2 * net * 20 + 100) / 200
};

/// A world with Stripe's stand-in, and one customer who owes an invoice and has a card.
async fn debtor(db: PgPool, card: &str) -> (World, StandIn, Cards, AccountId) {
    let world = World::new(db).await;
    let standin = StandIn::start();
    let cards = standin.cards(&world);
    let alice = indebted(&world, 1, card).await[0];
    (world, standin, cards, alice)
}

/// Customers who each owe one invoice and have a card.
async fn indebted(world: &World, count: usize, card: &str) -> Vec<AccountId> {
    sell(world, true).await;
    let mut accounts = Vec::new();
    for no in 0..count {
        let person = world.customer(&format!("alice{no}")).await;
        introduce(world, person.account, "MA").await;
        person.has_running(world, &format!("shop{no}")).await;
        accounts.push(person.account);
    }
    assert_eq!(at(world, "2026-12-01T03:00:00Z").await.finalised, u64::try_from(count).unwrap());
    for (no, account) in accounts.iter().enumerate() {
        saves_card(world, *account, no, card).await;
    }
    accounts
}

async fn saves_card(world: &World, account: AccountId, no: usize, card: &str) {
    let now = world.portal.clock.now();
    sqlx::query(
        "INSERT INTO stripe_customers (account_id, seller_id, customer_id, created_at)
         SELECT $1, id, $2, $3 FROM sellers WHERE currency = 'MAD'",
    )
    .bind(account.uuid())
    .bind(format!("cus_{no}"))
    .bind(now)
    .execute(&world.db)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO payment_methods (id, account_id, customer_id, provider_id, brand, last4, expires, is_default, created_at)
         VALUES (gen_random_uuid(), $1, $2, $3, 'visa', '4242', '2030-12', true, $4)",
    )
    .bind(account.uuid())
    .bind(format!("cus_{no}"))
    // A card is one customer's; the stand-in knows some by their names.
    .bind(if no == 0 { card.to_owned() } else { format!("{card}{no}") })
    .bind(now)
    .execute(&world.db)
    .await
    .unwrap();
}

/// Makes everything that is due, without asking for lost events.
async fn without_poll(cards: &Cards) {
    polled_now(&cards.portal.db).await;
    cards.look().await.unwrap();
}

/// Says that Stripe was asked for events in the far future: so it is not asked again.
async fn polled_now(db: &PgPool) {
    sqlx::query(
        "INSERT INTO stripe_polls (polled_at) VALUES ('2099-01-01') ON CONFLICT (is_only) DO UPDATE SET polled_at = '2099-01-01'",
    )
    .execute(db)
    .await
    .unwrap();
}

/// The one invoice of an account.
async fn invoice_of(db: &PgPool, account: AccountId) -> DocumentId {
    let sql = "SELECT id FROM documents WHERE account_id = $1";
    let id: uuid::Uuid = sqlx::query_scalar(sql).bind(account.uuid()).fetch_one(db).await.unwrap();
    id.to_string().parse().unwrap()
}

/// What is open of an account's invoices.
async fn open(db: &PgPool, account: AccountId) -> i64 {
    let open = payments::open_invoices(&mut db.acquire().await.unwrap(), account).await.unwrap();
    open.iter().map(|invoice| invoice.open.minor).sum()
}

async fn booked(db: &PgPool) -> i64 {
    number(db, "SELECT count(*) FROM payments WHERE method = 'card'").await
}
