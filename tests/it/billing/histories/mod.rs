//! Random histories of money: transfers, statements, cards, what Stripe tells (late, twice, in any order), refunds, disputes, credit
//! notes and looks at who has not paid, compared after each step with a model that knows no database (I22–I30).
//!
//! Each history is one customer's, and follows from its number alone: `SAYOO_HISTORIES_FIRST=17 SAYOO_HISTORIES=1` has number 17
//! again, and fewer `SAYOO_HISTORIES_STEPS` make it shorter.

mod customer;
mod model;

use serde_json::json;
use sqlx::PgPool;

use self::customer::{Customer, Town};
use super::recompute::Dice;
use super::world::{at, audit, introduce, number, sell};
use crate::support::portal::World;
use crate::support::stripe::StandIn;

/// When months are billed; after each of them people pay.
const MONTHS: [&str; 2] = ["2026-12-01T03:00:00Z", "2027-01-01T03:00:00Z"];

fn asked(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().map_or(usual, |text| text.parse().unwrap())
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn whatever_happens_to_money_the_books_say_what_a_small_model_says(db: PgPool) {
    let (first, count) = (asked("SAYOO_HISTORIES_FIRST", 0), asked("SAYOO_HISTORIES", 110));
    let steps = asked("SAYOO_HISTORIES_STEPS", 6);
    let world = World::new(db).await;
    sell(&world, true).await;
    let standin = StandIn::start();
    let cards = standin.cards(&world);
    let mut people = Vec::new();
    for no in first..first + count {
        let person = world.customer(&format!("person{no}")).await;
        introduce(&world, person.account, "MA").await;
        person.has_running(&world, &format!("shop{no}")).await;
        people.push(person);
    }
    let town = Town::new(&world, &standin, &cards).await;
    let mut customers: Vec<Customer> = Vec::new();
    for (no, person) in (first..).zip(people) {
        customers.push(Customer::new(&town, no, person).await);
    }
    for month in MONTHS {
        assert_eq!(at(&world, month).await.finalised, count, "everybody is billed");
        standin.order(json!({ "do": "set", "now": world.portal.clock.now().timestamp() })).await;
        for customer in &mut customers {
            // Of each history and month its own numbers: a shorter history begins as the longer one did.
            let mut dice = Dice::new(customer.no * 1_000 + u64::try_from(customer.model.invoices.len()).unwrap());
            customer.is_billed(&town).await;
            for _ in 0..steps {
                customer.step(&town, &mut dice).await;
                customer.compare(&town).await;
            }
            customer.hears_everything(&town).await;
            customer.compare(&town).await;
            customer.compare_pages().await;
        }
        audit(&world.db).await;
    }
    let all = number(&world.db, "SELECT count(*) FROM allocations").await;
    println!("histories: {count} from {first}, of {steps} steps a month, {all} allocations");
    // What may happen did happen.
    for (what, sql) in [
        ("transfers", "SELECT count(*) FROM payments WHERE method = 'transfer'"),
        ("cards", "SELECT count(*) FROM payments WHERE method = 'card'"),
        ("refunds", "SELECT count(*) FROM paybacks WHERE kind = 'refund'"),
        ("lost disputes", "SELECT count(*) FROM paybacks WHERE kind = 'dispute'"),
        ("won disputes", "SELECT count(*) FROM card_disputes WHERE state = 'won'"),
        ("credit notes", "SELECT count(*) FROM documents WHERE kind = 'credit_note'"),
        ("statements", "SELECT count(*) FROM bank_receipts WHERE source = 'csv'"),
        ("warnings", "SELECT count(*) FROM dunning_steps"),
        ("money that lost what it had paid", "SELECT count(*) FROM allocations WHERE amount_minor < 0"),
    ] {
        assert!(count < 100 || number(&world.db, sql).await > 0, "no {what}");
    }
}
