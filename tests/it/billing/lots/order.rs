//! In which order credit is used, against a small model of it: whatever comes in, is billed, ends or goes back in whatever order.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use sayoo::base::ids::{AccountId, PaymentId};
use sayoo::billing::payments::{self, Method, Payback, Received};
use sqlx::PgPool;
use uuid::Uuid;

use super::{holds, settles};
use crate::billing::dunning::in_days;
use crate::billing::world::{mad, number, sell, texts};
use crate::support::invoices::{final_invoice, open, standing};
use crate::support::portal::World;

/// Numbers that look random, and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
    }
}

/// A lot, as the rule sees it.
#[derive(Clone, Debug)]
struct Lot {
    ends: Option<DateTime<Utc>>,
    priority: i16,
    no: usize,
    left: i64,
}

/// Money comes in, and nothing is paid from it yet.
async fn comes(world: &World, account: AccountId, minor: i64) -> PaymentId {
    let now = world.portal.clock.now();
    let external_ref = Uuid::new_v4().to_string();
    let received = Received {
        account,
        method: Method::Card,
        amount: mad(minor),
        received_on: now.date_naive(),
        external_ref: &external_ref,
    };
    let mut tx = world.db.begin().await.unwrap();
    let id = payments::receive(&mut tx, &received, now).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    id
}

/// The same, given by us.
async fn given(
    world: &World,
    account: AccountId,
    minor: i64,
    (priority, ends): (i16, Option<DateTime<Utc>>),
) -> PaymentId {
    let now = world.portal.clock.now();
    let id = Uuid::new_v4();
    let mut tx = world.db.begin().await.unwrap();
    sqlx::query(
        "INSERT INTO credit_grants (id, account_id, amount_minor, currency, reason, priority, expires_at, state, asked_by, created_at)
         VALUES ($1, $2, $3, 'MAD', 'because', $4, $5, 'wanted', (SELECT id FROM staff LIMIT 1), $6)",
    )
    .bind(id)
    .bind(account.uuid())
    .bind(minor)
    .bind(priority)
    .bind(ends)
    .bind(now)
    .execute(&mut *tx)
    .await
    .unwrap();
    let external_ref = format!("credit-{id}");
    let received = Received {
        account,
        method: Method::Gift,
        amount: mad(minor),
        received_on: now.date_naive(),
        external_ref: &external_ref,
    };
    let payment = payments::receive(&mut tx, &received, now).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    payment
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_ends_first_is_used_first_then_by_priority_then_the_oldest_and_nothing_is_lost(db: PgPool) {
    let world = World::new(db.clone()).await;
    sell(&world, true).await;
    world.staff().await;
    for seed in 1..=6_u64 {
        let alice = world.customer(&format!("alice{seed}")).await.account;
        let mut dice = Dice(0x9E37_79B9_7F4A_7C15 ^ seed);
        let mut lots: BTreeMap<PaymentId, Lot> = BTreeMap::new();
        let (mut came, mut billed, mut ended, mut back) = (0, 0, 0, 0);
        for no in 0..40 {
            // Ids of one instant have no order.
            world.wait(TimeDelta::seconds(1));
            let now = world.portal.clock.now();
            let minor = 1 + dice.below(5_000);
            match dice.below(6) {
                0 => {
                    let id = comes(&world, alice, minor).await;
                    lots.insert(id, Lot { ends: None, priority: 200, no, left: minor });
                    came += minor;
                }
                1 | 2 => {
                    // A few days, some of them the same, or no end.
                    let day = dice.below(6);
                    let ends = (day < 5).then(|| {
                        world.portal.clock.now() + TimeDelta::hours(6 + 12 * day)
                            - TimeDelta::seconds(now.timestamp() % 3600)
                    });
                    let priority = i16::try_from(49 + dice.below(2)).unwrap();
                    let id = given(&world, alice, minor, (priority, ends)).await;
                    lots.insert(id, Lot { ends, priority, no, left: minor });
                    came += minor;
                }
                3 => world.wait(TimeDelta::hours(5)),
                4 => {
                    // A chargeback of something that is free of money.
                    let free = lots.iter_mut().find(|(_, lot)| lot.priority == 200 && lot.left > 0);
                    if let Some((id, lot)) = free {
                        let some = 1 + dice.below(lot.left);
                        let mut tx = db.begin().await.unwrap();
                        let reference = format!("re_{seed}_{no}");
                        payments::pay_back(&mut tx, *id, Payback::Dispute, mad(some), &reference, now).await.unwrap();
                        tx.commit().await.unwrap();
                        lot.left -= some;
                        back += some;
                    }
                }
                _ => {
                    let invoice = final_invoice(&world, alice, mad(minor), in_days(&world, 90)).await;
                    billed += minor;
                    settles(&world, alice).await;
                    let now = world.portal.clock.now();
                    let mut order: Vec<&mut Lot> =
                        lots.values_mut().filter(|lot| lot.ends.is_none_or(|at| at > now)).collect();
                    order.sort_by_key(|lot| (lot.ends.is_none(), lot.ends, lot.priority, lot.no));
                    let mut rest = minor;
                    for lot in order {
                        let part = rest.min(lot.left);
                        lot.left -= part;
                        rest -= part;
                    }
                    // What is short stays open, and is paid by hand so that the next step begins even.
                    assert_eq!(open(&world, invoice).await, rest, "seed {seed}, step {no}");
                    if rest > 0 {
                        let id = comes(&world, alice, rest).await;
                        came += rest;
                        settles(&world, alice).await;
                        lots.insert(id, Lot { ends: None, priority: 200, no, left: 0 });
                    }
                }
            }
            if dice.below(4) == 0 {
                sayoo::billing::lots::look(&mut db.acquire().await.unwrap(), world.portal.clock.now()).await.unwrap();
                let now = world.portal.clock.now();
                for lot in lots.values_mut().filter(|lot| lot.ends.is_some_and(|at| at <= now)) {
                    ended += lot.left;
                    lot.left = 0;
                }
            }
            let sql = format!(
                "SELECT id || ' ' || remaining_minor FROM credit_lots WHERE account_id = '{alice}' ORDER BY id"
            );
            let model: Vec<String> = lots.iter().map(|(id, lot)| format!("{id} {}", lot.left)).collect();
            assert_eq!(texts(&db, &sql).await, model, "seed {seed}, step {no}");
        }
        let left: i64 = lots.values().map(|lot| lot.left).sum();
        assert_eq!(came, billed + ended + back + left, "seed {seed}: what came is used, ended, went back or is there");
        assert_eq!(standing(&world, alice).await, (0, left));
        let booked_out =
            format!("SELECT coalesce(sum(amount_minor), 0)::bigint FROM credit_expiries WHERE account_id = '{alice}'");
        assert_eq!(number(&db, &booked_out).await, ended);
    }
    holds(&world).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn case_59_two_invoices_that_settle_at_once_share_what_there_is(db: PgPool) {
    let world = World::new(db.clone()).await;
    sell(&world, true).await;
    world.staff().await;
    let alice = world.customer("alice").await.account;
    let ends = Some(world.portal.clock.now() + TimeDelta::days(9));
    let invoices = [
        final_invoice(&world, alice, mad(4_000), in_days(&world, 30)).await,
        final_invoice(&world, alice, mad(4_000), in_days(&world, 30)).await,
    ];
    given(&world, alice, 3_000, (50, ends)).await;
    comes(&world, alice, 2_500).await;
    let now = world.portal.clock.now();
    let settle = async || {
        // A transaction that stood in another's way is tried again, as everywhere.
        loop {
            let mut tx = db.begin().await.unwrap();
            let done = payments::settle(&mut tx, alice, now).await;
            match done {
                Ok(()) => return tx.commit().await.unwrap(),
                Err(error) if sayoo::db::is_transient(&error) => {}
                Err(error) => panic!("{error:#}"),
            }
        }
    };
    tokio::join!(settle(), settle(), settle());
    assert_eq!(standing(&world, alice).await, (2_500, 0));
    assert_eq!(open(&world, invoices[0]).await + open(&world, invoices[1]).await, 2_500);
    assert_eq!(number(&db, "SELECT count(*) FROM credit_lots WHERE remaining_minor <> 0").await, 0);
    holds(&world).await;
}
