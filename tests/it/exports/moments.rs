//! What is booked or billed while a file is written: a file, and files of one folder, say one moment.

use std::fs;

use chrono::{DateTime, Utc};
use sayoo::base::ids::AccountId;
use sayoo::base::money::{Currency, Money};
use sayoo::billing::payments::{self, Method, Received};
use sayoo::exports::files::{self, Wanted};
use sayoo::exports::{Export, Filter, Format, List};
use sqlx::{PgConnection, PgPool};

use super::{bill, id};
use crate::support::waiting::waiters;

fn now() -> DateTime<Utc> {
    "2026-12-20T00:00:00Z".parse().unwrap()
}

fn year() -> Filter {
    Filter { from: "2026-01-01".parse().unwrap(), to: "2027-01-01".parse().unwrap(), account: None }
}

/// Books a payment of the customer in euros.
async fn pays(db: &mut PgConnection, account: AccountId) {
    let received = Received {
        account,
        method: Method::Transfer,
        amount: Money::new(7_777, Currency::Eur),
        received_on: "2026-12-15".parse().unwrap(),
        external_ref: "in between",
    };
    payments::receive(db, &received, now()).await.unwrap().unwrap();
}

/// What each account of a file of Beancount comes to by its entries, and what its last balance says; in coins.
fn sums(file: &str) -> Vec<(String, i64, i64)> {
    let coins = |text: &str| text.replace('.', "").parse::<i64>().unwrap();
    let mut entries = std::collections::BTreeMap::<String, i64>::new();
    let mut balances = std::collections::BTreeMap::<String, i64>::new();
    for line in file.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [_, "balance", account, amount, ..] => {
                balances.insert(account.to_owned(), coins(amount));
            }
            [account, amount, _] if line.starts_with("  ") && account.contains(':') && !account.ends_with(':') => {
                *entries.entry(account.to_owned()).or_default() += coins(amount);
            }
            _ => {}
        }
    }
    balances
        .into_iter()
        .map(|(account, said)| (account.clone(), entries.get(&account).copied().unwrap_or(0), said))
        .collect()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_payment_booked_between_entries_and_balances_is_in_neither(db: PgPool) {
    bill(&db).await;
    let acme: AccountId = id(&db, "account acme").await;
    let mut conn = db.acquire().await.unwrap();
    let mut export = Export::beancount(year());
    let mut file = Vec::new();
    let mut is_paid = false;
    while let Some(part) = export.next(&mut conn).await.unwrap() {
        file.extend(part);
        if !is_paid && String::from_utf8_lossy(&file).contains("seq: ") {
            let mut tx = db.begin().await.unwrap();
            pays(&mut tx, acme).await;
            tx.commit().await.unwrap();
            is_paid = true;
        }
    }
    assert!(is_paid);
    let file = String::from_utf8(file).unwrap();
    let sums = sums(&file);
    assert!(sums.len() > 5, "{file}");
    for (account, entries, balance) in sums {
        assert_eq!(entries, balance, "{account}");
    }
    assert!(!file.contains("in between"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn files_of_one_folder_say_one_moment(db: PgPool) {
    bill(&db).await;
    let acme: AccountId = id(&db, "account acme").await;
    let folder = tempfile::tempdir().unwrap();
    let wanted = |list: List| Wanted {
        name: format!("{}.csv", list.word()),
        export: Export::list(list, year(), Format::Csv),
        filter: year(),
        has_names: true,
    };
    let mut tx = db.begin().await.unwrap();
    // Whoever writes the folder waits for the ledger; payments it has read already.
    sqlx::query("LOCK TABLE postings IN ACCESS EXCLUSIVE MODE").execute(&mut *tx).await.unwrap();
    let files = vec![wanted(List::Payments), wanted(List::Ledger)];
    let (pool, at) = (db.clone(), folder.path().to_owned());
    let writing = tokio::spawn(async move { files::write(&pool, &at, files, now()).await });
    waiters(&db, 1).await;
    pays(&mut tx, acme).await;
    tx.commit().await.unwrap();
    writing.await.unwrap().unwrap();
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(!read("payments.csv").contains("in between") && !read("ledger.csv").contains("in between"));

    let folder = tempfile::tempdir().unwrap();
    files::write(&db, folder.path(), vec![wanted(List::Payments), wanted(List::Ledger)], now()).await.unwrap();
    for name in ["payments.csv", "ledger.csv"] {
        assert!(fs::read_to_string(folder.path().join(name)).unwrap().contains("in between"), "{name}");
    }
}
