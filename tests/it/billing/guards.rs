//! What nobody can do, not even with plain SQL.

use sqlx::PgPool;

use super::world::{CORE_HOUR, at, audit, introduce, number, sell, used};
use crate::support::portal::World;

/// A world with one invoice that is final and paid.
async fn billed(db: PgPool) -> World {
    use sayoo::billing::payments::{self, Method, Received};
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    introduce(&world, alice.account, "MA").await;
    let shop = alice.has_running(&world, "shop").await;
    used(&world, shop, "cpu", "2026-11-23T10:00:00Z".parse().unwrap(), 200 * CORE_HOUR).await;
    at(&world, "2026-12-01T03:00:00Z").await;
    let mut db = world.db.acquire().await.unwrap();
    let now = world.portal.clock.now();
    let open = payments::open_invoices(&mut db, alice.account).await.unwrap().remove(0);
    let received = Received {
        account: alice.account,
        method: Method::Transfer,
        amount: open.gross,
        received_on: now.date_naive(),
        external_ref: "VIR-1",
    };
    let mut tx = world.db.begin().await.unwrap();
    let payment = payments::receive(&mut tx, &received, now).await.unwrap().unwrap();
    payments::allocate(&mut tx, payment, open.id, open.open, now).await.unwrap();
    tx.commit().await.unwrap();
    drop(db);
    world
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_is_final_is_changed_by_nobody(db: PgPool) {
    let world = billed(db).await;
    for sql in [
        "UPDATE documents SET gross_minor = gross_minor + 1, net_minor = net_minor + 1",
        "UPDATE documents SET number = 'X-1'",
        "UPDATE documents SET state = 'draft', no = NULL, number = NULL, series_year = NULL, issued_on = NULL, due_on = NULL,
                finalised_at = NULL, canonical = NULL, sha256 = NULL, previous_sha256 = NULL",
        "UPDATE documents SET account_id = account_id",
        "DELETE FROM documents",
        "TRUNCATE documents CASCADE",
        "UPDATE document_lines SET title = 'something else'",
        "DELETE FROM document_lines",
        "INSERT INTO document_lines SELECT document_id, line_no + 10, kind, environment_id, meter, title, detail, from_at, until_at,
                quantity, unit, unit_price, net_minor, vat_category, vat_rate FROM document_lines",
        "UPDATE document_vat SET reason_code = 'X'",
        "DELETE FROM document_vat",
        "DELETE FROM charge_lines",
        "UPDATE charges SET net_minor = net_minor",
        "DELETE FROM charges",
        "UPDATE billing_periods SET state = 'open', closed_at = NULL WHERE state = 'closed'",
        "DELETE FROM billing_periods",
        "UPDATE journal_entries SET label = 'x'",
        "DELETE FROM journal_entries",
        "UPDATE postings SET amount_minor = 1",
        "DELETE FROM postings",
        "UPDATE payments SET amount_minor = 1",
        "DELETE FROM payments",
        "UPDATE allocations SET amount_minor = 1",
        "DELETE FROM allocations",
        "TRUNCATE postings, journal_entries CASCADE",
        "UPDATE period_proofs SET part = part + 1",
        "DELETE FROM period_proofs",
        "TRUNCATE period_proofs",
    ] {
        let refused = sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&world.db).await;
        assert!(refused.is_err(), "{sql}");
    }
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn nothing_can_be_added_that_does_not_add_up(db: PgPool) {
    let world = billed(db).await;
    let document = "(SELECT id FROM documents LIMIT 1)";
    let entry = "INSERT INTO journal_entries (id, seller_id, seq, effective_on, journal, source_kind, source_id, template, label, created_at)
        SELECT gen_random_uuid(), seller_id, 0, '2026-12-02', 'misc', 'test', gen_random_uuid(), 't', 'x', now() FROM documents LIMIT 1";
    for (why, sql) in [
        ("an entry without sides", entry.to_owned()),
        (
            "an entry with one side",
            format!("WITH e AS ({entry} RETURNING id, seller_id)
                INSERT INTO postings SELECT e.id, 1, l.id, NULL, 100, 'MAD' FROM e JOIN ledger_accounts l ON l.seller_id = e.seller_id AND l.role = 'bank'"),
        ),
        (
            "a side more for an old entry",
            "INSERT INTO postings SELECT entry_id, 10 + position, ledger_account_id, account_id, amount_minor, currency FROM postings".to_owned(),
        ),
        (
            "more paid than the invoice says",
            format!("INSERT INTO allocations SELECT gen_random_uuid(), account_id, payment_id, NULL, document_id, 1, now() FROM allocations WHERE document_id = {document}"),
        ),
        (
            "money that is not in the books",
            "INSERT INTO payments SELECT gen_random_uuid(), account_id, seller_id, 'card', 5, currency, received_on, 'other', now() FROM payments".to_owned(),
        ),
        (
            "the same transfer twice",
            "INSERT INTO payments SELECT gen_random_uuid(), account_id, seller_id, method, amount_minor, currency, received_on, external_ref, now() FROM payments".to_owned(),
        ),
        (
            "a second invoice of one month",
            "INSERT INTO documents (id, account_id, seller_id, kind, period_id, currency, net_minor, vat_minor, gross_minor, created_at)
             SELECT gen_random_uuid(), account_id, seller_id, kind, period_id, currency, 1, 0, 1, now() FROM documents".to_owned(),
        ),
        (
            "a document that is born final",
            "INSERT INTO documents SELECT gen_random_uuid(), account_id, seller_id, kind, 'final', NULL, NULL, '', currency, 0, 0, 0, series_year, no + 1,
                'MA-2026-000002', issued_on, due_on, finalised_at, canonical, sha256, previous_sha256, now() FROM documents".to_owned(),
        ),
        (
            "a charge of a closed month",
            "INSERT INTO charges SELECT gen_random_uuid(), account_id, period_id, of_period_id, environment_id, plan_version_id, 'correction', 1, meter, tier,
                from_at, until_at, used_raw, 0, 0, quantity, unit_price, currency, net_minor, now() FROM charges LIMIT 1".to_owned(),
        ),
        (
            "a line more of what a closed month is computed again with",
            "INSERT INTO period_proofs SELECT period_id, part + 1, content, sha256, now() FROM period_proofs".to_owned(),
        ),
        (
            "the same stretch of an environment twice",
            "INSERT INTO environment_segments (environment_id, account_id, plan_version_id, from_at, until_at)
             SELECT environment_id, account_id, plan_version_id, from_at, now() + interval '1 day' FROM environment_segments".to_owned(),
        ),
    ] {
        let refused = sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&world.db).await;
        assert!(refused.is_err(), "{why}");
    }
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_credit_note_takes_back_no_more_than_was_billed(db: PgPool) {
    use sayoo::base::money::{Currency, Money};
    use sayoo::billing::{documents, run};
    let world = billed(db).await;
    let mut db = world.db.acquire().await.unwrap();
    let invoice = documents::list_all(&mut db, "", 10).await.unwrap().remove(0);
    let now = world.portal.clock.now();
    let ten = Money::new(1_000, Currency::Mad);
    assert!(
        documents::credit(&mut db, invoice.id, &[(1, Money::new(99_999_999, Currency::Mad))], "too much", now)
            .await
            .is_err()
    );
    documents::credit(&mut db, invoice.id, &[(1, ten)], "an outage", now).await.unwrap();
    assert_eq!(run::look(&world.portal).await.unwrap().finalised, 1);
    audit(&world.db).await;
    let free = "SELECT gross_minor FROM documents WHERE kind = 'credit_note' AND state = 'final'";
    assert_eq!(number(&world.db, free).await, 1_200, "VAT is given back too; it is credit, for the invoice was paid");

    // All of the line again: together it would be more than the invoice. It is not even drafted.
    let line = documents::find(&mut db, None, invoice.id).await.unwrap().unwrap().paper.lines.remove(0).net;
    let all = Money::rounded(line, Currency::Mad);
    let again = documents::credit(&mut db, invoice.id, &[(1, all)], "everything", now).await;
    assert!(again.unwrap_err().to_string().contains("more than is left of line 1"));
    assert_eq!(number(&world.db, "SELECT count(*) FROM documents WHERE state = 'draft'").await, 0);

    // A draft that somebody changes by hand becomes no document: the database counts too.
    let note = documents::credit(&mut db, invoice.id, &[(1, ten)], "another outage", now).await.unwrap();
    for sql in [
        "UPDATE document_lines SET unit_price = 90000, net_minor = 9000000 WHERE document_id = $1",
        "UPDATE documents SET net_minor = 9000000, gross_minor = 9000000 WHERE id = $1",
    ] {
        sqlx::query(sql).bind(note.uuid()).execute(&world.db).await.unwrap();
    }
    let done = run::look(&world.portal).await.unwrap();
    assert_eq!((done.finalised, done.parked), (0, 1), "a person has to look at it");
    assert_eq!(run::list_waiting(&mut db).await.unwrap()[0].reason, "credited");
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_series_of_numbers_never_goes_back(db: PgPool) {
    let world = billed(db).await;
    for sql in [
        "UPDATE document_series SET last_no = 0",
        "UPDATE document_series SET last_no = last_no - 1",
        "UPDATE document_series SET last_on = last_on - 1",
        "UPDATE document_series SET last_on = NULL",
        "UPDATE document_series SET last_sha256 = ''",
        "UPDATE document_series SET prefix = 'XX-2026-'",
        "UPDATE document_series SET year = 2027",
        "DELETE FROM document_series WHERE last_no > 0",
        "TRUNCATE document_series CASCADE",
        "INSERT INTO document_series (seller_id, year, prefix, last_no) SELECT seller_id, 2030, 'MA-2030-', 7 FROM document_series",
    ] {
        assert!(sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&world.db).await.is_err(), "{sql}");
    }
    assert_eq!(number(&world.db, "SELECT max(last_no) FROM document_series").await, 1);
    audit(&world.db).await;
}
