//! Invoices are paid by card: once, whatever gets lost, comes twice or comes late.

mod attempts;
mod automatic;
mod bad_amounts;
mod events;
mod pages;
mod payouts;
mod put_back;
mod refunds;
mod rights;
mod top_ups;

use sayoo::base::ids::{AccountId, DocumentId};
use sayoo::billing::payments;
use sayoo::payments::Cards;
use sqlx::PgPool;

use crate::billing::world::{at, introduce, number, sell};
use crate::support::portal::{Person, World};
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
    let accounts: Vec<AccountId> = owing(world, count).await.iter().map(|person| person.account).collect();
    for (no, account) in accounts.iter().enumerate() {
        saves_card(world, *account, no, card).await;
    }
    accounts
}

/// People who each owe one invoice, and have no card.
async fn owing(world: &World, count: usize) -> Vec<Person> {
    sell(world, true).await;
    let mut people = Vec::new();
    for no in 0..count {
        let person = world.customer(&format!("alice{no}")).await;
        introduce(world, person.account, "MA").await;
        person.has_running(world, &format!("shop{no}")).await;
        people.push(person);
    }
    assert_eq!(at(world, "2026-12-01T03:00:00Z").await.finalised, u64::try_from(count).unwrap());
    people
}

/// A world with Stripe's stand-in whose clock is ours, and somebody who owes an invoice.
async fn at_the_door(db: PgPool) -> (World, StandIn, Cards, Person) {
    in_world(World::new(db).await).await
}

/// The same in a world that is there.
async fn in_world(world: World) -> (World, StandIn, Cards, Person) {
    let standin = StandIn::start();
    let cards = standin.cards(&world);
    let alice = owing(&world, 1).await.remove(0);
    in_time(&world, &standin).await;
    (world, standin, cards, alice)
}

/// Nobody's login ends, however long ago it was used.
async fn stay(world: &World) {
    let sql = "UPDATE sessions SET seen_at = $1, expires_at = greatest(expires_at, $1 + interval '1 day')";
    sqlx::query(sql).bind(world.portal.clock.now()).execute(&world.db).await.unwrap();
}

/// Sets the stand-in's clock to ours.
async fn in_time(world: &World, standin: &StandIn) {
    standin.order(serde_json::json!({ "do": "set", "now": world.portal.clock.now().timestamp() })).await;
}

/// A card that works, and one whose bank asks.
const WORKS: &str = "4242424242424242";
const ASKS: &str = "4000002500003155";

/// Somebody asks for a page with a form of ours, and the worker makes it. Returns its address at Stripe, and ours.
async fn page_for(person: &Person, cards: &Cards, form: &str) -> (String, String) {
    let here = person.post(form, &[]).await;
    assert_eq!(here.status, 303, "{}", here.words());
    person.get(&here.location).await.assert_says(200, "the page is being made");
    without_poll(cards).await;
    let page = person.get(&here.location).await;
    (page.attribute("a[data-go]", "href"), here.location)
}

/// Somebody gives a card on a page of Stripe's, and proves it when asked. Returns the path at which they come back.
async fn gives(world: &World, standin: &StandIn, page: &str, card: &str) -> String {
    let (back, said) = standin.visit(page, &[("card", card), ("act", "give")]).await;
    let back = if card == ASKS {
        assert!(said.contains("is it you?"), "{said}");
        standin.visit(page, &[("card", card), ("act", "yes")]).await.0
    } else {
        back
    };
    back.strip_prefix(&world.url).unwrap_or_else(|| panic!("{back} is not ours: {said}")).to_owned()
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
