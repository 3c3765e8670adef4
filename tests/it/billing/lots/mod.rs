//! Credit, lot by lot: given by our people, used in order, ended at its instant, and never more nor less than the books say.

mod ending;
mod giving;
mod order;

use chrono::{DateTime, Utc};
use sayoo::base::ids::AccountId;
use sayoo::billing::payments;
use sqlx::PgPool;

use super::world::{audit, number, texts};
use crate::support::portal::{Page, World};
use crate::support::staff::StaffPerson;

/// Each lot: where from, how much, what is left.
pub const LOTS: &str =
    "SELECT source || ' ' || amount_minor || ' ' || remaining_minor FROM credit_lots ORDER BY created_at, id";

/// The form of a customer's page with a number of its own, filled in and sent. Nothing is carried out yet.
pub async fn asks(staff: &StaffPerson, account: AccountId, fields: &[(&str, &str)]) -> Page {
    let page = staff.get(&format!("/staff/accounts/{account}")).await;
    let id = page.attribute("#credit input[name=grant]", "value");
    let usual = [("grant", id.as_str()), ("why", "an outage"), ("priority", "50")];
    let is_said = |name: &str| fields.iter().any(|(said, _)| *said == name);
    let all: Vec<(&str, &str)> =
        usual.into_iter().filter(|(name, _)| !is_said(name)).chain(fields.iter().copied()).collect();
    staff.post(&format!("/staff/accounts/{account}/credit"), &all).await
}

/// Staff give so much until the end of a day (empty: without an end), and the worker books it.
pub async fn gives(world: &World, staff: &StaffPerson, account: AccountId, amount: &str, until: &str) {
    let here = asks(staff, account, &[("amount", amount), ("until", until)]).await;
    here.assert_redirect(&format!("/staff/accounts/{account}#credit"));
    carries(world).await;
    assert_eq!(number(&world.db, "SELECT count(*) FROM credit_grants WHERE state = 'wanted'").await, 0);
}

/// The worker carries jobs out, but for papers, which take long and are nobody's business here.
pub async fn carries(world: &World) {
    sqlx::query("DELETE FROM jobs WHERE kind = 'make_papers'").execute(&world.db).await.unwrap();
    world.settle().await;
}

/// Lets time pass until an instant. Nobody looks.
pub fn waits(world: &World, instant: &str) {
    let left = instant.parse::<DateTime<Utc>>().unwrap() - world.portal.clock.now();
    assert!(left >= chrono::TimeDelta::zero(), "{instant} is over: {}", world.portal.clock.now());
    world.wait(left);
}

/// Whatever is free pays what is open.
pub async fn settles(world: &World, account: AccountId) {
    let mut tx = world.db.begin().await.unwrap();
    payments::settle(&mut tx, account, world.portal.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
}

/// What an account has in one of our books' accounts: debit above zero.
pub async fn booked(db: &PgPool, role: &str) -> i64 {
    let sql = format!(
        "SELECT coalesce(sum(amount_minor), 0)::bigint FROM postings JOIN ledger_accounts b ON b.id = ledger_account_id WHERE b.role = '{role}'"
    );
    number(db, &sql).await
}

/// The books hold, and lots are what they say.
pub async fn holds(world: &World) {
    audit(&world.db).await;
    let mut db = world.db.acquire().await.unwrap();
    let now = world.portal.clock.now();
    let report = sayoo::billing::self_audit::audit(&mut db, now + chrono::TimeDelta::days(1), now).await.unwrap();
    let of_money = ["entries", "posted", "allocations", "receivable", "credit", "lots", "lots_booked"];
    for outcome in report.outcomes.iter().filter(|outcome| of_money.contains(&outcome.code.as_str())) {
        assert_eq!(outcome.wrong, 0, "{outcome:?}");
    }
}

/// Every lot, as text.
pub async fn lots(world: &World) -> Vec<String> {
    texts(&world.db, LOTS).await
}
