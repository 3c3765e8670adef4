//! A control database that was put back to yesterday: no number is given twice.

use sayoo::billing::documents::{self, numbers};
use sayoo::billing::run;
use sqlx::PgPool;

use super::world::{at, audit, introduce, mad, number, sell, texts};
use crate::support::portal::World;

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn case_70_a_database_that_was_put_back_gives_no_number_again(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("billing/numbers.json");
    for name in ["one", "two"] {
        let customer = world.customer(name).await;
        introduce(&world, customer.account, "MA").await;
        customer.has_running(&world, name).await;
    }
    assert_eq!(run::look_and_remember(&world.portal, &file).await.unwrap().finalised, 0);
    at(&world, "2026-12-01T03:00:00Z").await;
    run::look_and_remember(&world.portal, &file).await.unwrap();
    let kept = std::fs::read_to_string(&file).unwrap();
    assert_eq!(kept.split_whitespace().collect::<String>(), r#"{"MA-2026-":2}"#);

    // Three more were given after the copy was made that the database is now.
    std::fs::write(&file, r#"{ "MA-2026-": 5 }"#).unwrap();
    let now = world.portal.clock.now();
    let mut db = world.db.acquire().await.unwrap();
    let invoice = documents::list_all(&mut db, "MA-2026-000001", 1).await.unwrap().remove(0).id;
    documents::credit(&mut db, invoice, &[(1, mad(1_000))], "an outage", now).await.unwrap();
    let refused = run::look_and_remember(&world.portal, &file).await.unwrap_err().to_string();
    assert!(refused.contains("the newest number of MA-2026- that it knows is 2, and 5 was given"), "{refused}");
    assert_eq!(number(&world.db, "SELECT max(no) FROM documents").await, 2, "nothing becomes final meanwhile");

    // A person says what is known of them; no number below, no series that there is not, and not without a reason.
    for (series, after, reason) in
        [("MA-2026-", 2, "restored"), ("XX-2026-", 9, "restored"), ("MA-2025-", 9, "restored"), ("MA-2026-", 5, " ")]
    {
        let refused = numbers::go_on_after(&mut db, series, after, reason, now).await;
        assert!(refused.is_err(), "{series} {after} {reason:?}");
    }
    numbers::go_on_after(&mut db, "MA-2026-", 5, "put back to the copy of 1 December", now).await.unwrap();
    assert_eq!(numbers::behind(&mut db, &file).await.unwrap(), []);
    let gaps = texts(&world.db, "SELECT from_no || '-' || until_no || ' ' || reason FROM document_gaps").await;
    assert_eq!(gaps, ["3-5 put back to the copy of 1 December"]);
    assert_eq!(run::look_and_remember(&world.portal, &file).await.unwrap().finalised, 1);
    let given = texts(&world.db, "SELECT number FROM documents ORDER BY no").await;
    assert_eq!(given, ["MA-2026-000001", "MA-2026-000002", "MA-2026-000006"]);
    let kept = std::fs::read_to_string(&file).unwrap();
    assert_eq!(kept.split_whitespace().collect::<String>(), r#"{"MA-2026-":6}"#);
    audit(&world.db).await;
}
