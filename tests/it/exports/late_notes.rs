//! A credit note that waited for a person while its month was closed: what was said of that month stays, and it is told once.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use futures_util::TryStreamExt;
use rust_decimal::Decimal;
use sayoo::billing::{documents, run};
use sayoo::exports::focus::Set;
use sayoo::exports::{Export, Filter};
use sqlx::PgPool;

use crate::billing::world::{CORE_HOUR, at, audit, introduce, mad, sell, texts, used};
use crate::support::portal::World;

/// The files of the periods that ended between two days.
async fn files(world: &World, from: &str, to: &str) -> Vec<String> {
    let filter = Filter { from: from.parse().unwrap(), to: to.parse().unwrap(), account: None };
    let mut files = Vec::new();
    for set in Set::ALL {
        let export = Export::focus(set, filter, world.portal.clock.now());
        let parts: Vec<bytes::Bytes> = export.stream(world.db.clone()).try_collect().await.unwrap();
        files.push(String::from_utf8(parts.concat()).unwrap());
    }
    files
}

/// What each document comes to in a file.
fn billed(file: &str) -> BTreeMap<String, Decimal> {
    let mut sums: BTreeMap<String, Decimal> = BTreeMap::new();
    for row in csv::Reader::from_reader(file.as_bytes()).deserialize::<BTreeMap<String, String>>() {
        let row = row.unwrap();
        *sums.entry(row["InvoiceId"].clone()).or_default() += row["BilledCost"].parse::<Decimal>().unwrap();
    }
    sums
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_is_given_back_after_its_month_was_closed_is_told_in_the_month_of_its_note(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    introduce(&world, alice.account, "MA").await;
    let shop = alice.has_running(&world, "shop").await;
    let hour = "2026-11-23T10:00:00Z".parse().unwrap();
    used(&world, shop, "cpu", hour, 200 * CORE_HOUR).await;
    at(&world, "2026-12-01T03:00:00Z").await;
    // Something of November's invoice is given back, and then it is found that less was used: perhaps the same thing.
    let mut db = world.db.acquire().await.unwrap();
    let invoice = documents::list_all(&mut db, "", 1).await.unwrap().remove(0);
    documents::credit(&mut db, invoice.id, &[(1, mad(1_000))], "an outage", world.portal.clock.now()).await.unwrap();
    run::look(&world.portal).await.unwrap();
    used(&world, shop, "cpu", hour, 150 * CORE_HOUR).await;
    at(&world, "2027-01-01T03:00:00Z").await;
    let draft = run::list_waiting(&mut db).await.unwrap().remove(0);
    assert_eq!(draft.reason, "credited");
    let closed = "SELECT state FROM billing_periods ORDER BY from_at";
    assert_eq!(texts(&world.db, closed).await, ["closed", "closed", "open"], "December is closed without it");

    // December's files are sent; a person says weeks later that it is to be given back.
    world.wait(TimeDelta::days(1));
    let december = files(&world, "2026-12-15", "2027-01-15").await;
    assert!(december[0].lines().count() > 1);
    at(&world, "2027-02-10T09:00:00Z").await;
    let january = files(&world, "2027-01-15", "2027-02-15").await;
    assert!(run::release_draft(&mut db, draft.document.unwrap()).await.unwrap());
    assert_eq!(run::look(&world.portal).await.unwrap().finalised, 1);
    audit(&world.db).await;
    assert_eq!(files(&world, "2026-12-15", "2027-01-15").await, december);
    assert_eq!(files(&world, "2027-01-15", "2027-02-15").await, january);

    // In February's it is, once, with its VAT, in every data set.
    let february = files(&world, "2027-02-15", "2027-03-15").await;
    let note = documents::list_all(&mut db, "", 1).await.unwrap().remove(0);
    let (cost, details) = (billed(&february[0]), billed(&february[1]));
    assert_eq!(
        cost,
        BTreeMap::from([(note.number.clone(), -note.gross.exact())]),
        "nothing else was billed in February yet"
    );
    assert_eq!(cost[&note.number], Decimal::new(-2_280, 2), "19.00 and its VAT");
    let net = details.get(&note.number).copied().unwrap_or_default();
    assert!(net == Decimal::new(-1_900, 2) || net == Decimal::new(-2_280, 2), "{details:?}");
    assert!(february[0].contains("2027-01-31T23:00:00Z"), "the seller's month");
    // Over all months, each charge is told once.
    let all = files(&world, "2026-11-15", "2027-03-15").await;
    assert_eq!(billed(&all[0])[&note.number], -note.gross.exact());
}
