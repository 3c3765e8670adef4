//! Invoices that are not paid: steps that are said beforehand, each once, taken back at once.

mod restricting;
mod warning;

use chrono::{NaiveDate, TimeDelta};
use sayoo::base::ids::{AccountId, EnvironmentId};
use sayoo::base::money::{Currency, Money};
use sayoo::billing::payments::{self, Method, Received};
use sayoo::environments::orders;
use sayoo::reconcile::driver::Driver;
use sayoo::reconcile::dunning::Dunning;
use uuid::Uuid;

use crate::support::invoices::seller;
use crate::support::portal::{Person, World};

pub fn mad(minor: i64) -> Money {
    Money::new(minor, Currency::Mad)
}

/// Today and so many days more, by the world's clock.
pub fn in_days(world: &World, days: i64) -> NaiveDate {
    (world.portal.clock.now() + TimeDelta::days(days)).date_naive()
}

/// Lets the worker look until nothing is due.
pub async fn look(world: &World) {
    Driver::new(
        Dunning::new(world.db.clone(), world.portal.clock.clone()),
        world.db.clone(),
        world.portal.clock.clone(),
    )
    .settle()
    .await
    .unwrap();
}

/// Lets days pass, on each of which the worker looks.
pub async fn pass(world: &World, days: i64) {
    for _ in 0..days {
        world.wait(TimeDelta::days(1));
        look(world).await;
    }
}

/// Money comes in and pays what is open, as by card: whoever books it knows nothing of dunning.
pub async fn pay(world: &World, account: AccountId, minor: i64) {
    seller(world, "MAD").await;
    let now = world.portal.clock.now();
    let mut tx = world.db.begin().await.unwrap();
    let external_ref = Uuid::new_v4().to_string();
    let received = Received {
        account,
        method: Method::Card,
        amount: mad(minor),
        received_on: now.date_naive(),
        external_ref: &external_ref,
    };
    payments::receive(&mut tx, &received, now).await.unwrap().unwrap();
    payments::settle(&mut tx, account, now).await.unwrap();
    tx.commit().await.unwrap();
}

/// A running instance of a plan.
pub async fn has(world: &World, person: &Person, plan: &str, address: &str) -> EnvironmentId {
    let mut order = person.order(world, address).await;
    order.plan_version = world.plan(plan).await;
    let id = orders::place(&world.portal, &person.by(), order).await.unwrap();
    world.ready(id).await;
    id
}

/// What was done, in its order.
pub async fn steps(world: &World) -> Vec<String> {
    sqlx::query_scalar("SELECT step FROM dunning_steps ORDER BY done_on, done_at").fetch_all(&world.db).await.unwrap()
}

/// What is suspended by whom: `(whether it is the whole account, origin)`.
pub async fn suspended(world: &World) -> Vec<(bool, String)> {
    sqlx::query_as("SELECT environment_id IS NULL, origin FROM suspensions WHERE lifted_at IS NULL ORDER BY 1, 2")
        .fetch_all(&world.db)
        .await
        .unwrap()
}

/// How many requests in a second production gets because of unpaid invoices.
pub async fn limits(world: &World) -> Vec<i32> {
    sqlx::query_scalar("SELECT requests_per_second FROM dunning_limits").fetch_all(&world.db).await.unwrap()
}
