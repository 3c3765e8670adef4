//! What waits because it was given back before, and is: staff drop it, once and for good.

use chrono::TimeDelta;
use sayoo::base::money::{Currency, Money};
use sayoo::billing::{documents, run, self_audit};
use sqlx::PgPool;

use super::{billed, carry_out, done, send, unusual};
use crate::billing::self_audit::assert_found;
use crate::billing::world::{CORE_HOUR, at, audit, number, texts};
use crate::staff::records::Attempt;
use crate::support::portal::World;

/// What the self-audit finds wrong of documents and books.
async fn wrong(world: &World) -> Vec<String> {
    let now = world.portal.clock.now();
    let mut db = world.db.acquire().await.unwrap();
    let report = self_audit::audit(&mut db, now + TimeDelta::days(1), now).await.unwrap();
    report.outcomes.into_iter().filter(|it| it.wrong > 0).map(|it| format!("{}: {:?}", it.code, it.examples)).collect()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_correction_of_what_was_given_back_already_is_dropped_with_a_reason_and_never_returns(db: PgPool) {
    let (world, alice) = billed(db).await;
    // Somebody gives ten dirhams of November back by hand; later it turns out that 150 core-hours were used, and not 200.
    let mut conn = world.db.acquire().await.unwrap();
    let invoice = documents::list_all(&mut conn, "MA-2026-000001", 1).await.unwrap().remove(0).id;
    let ten = Money::new(1_000, Currency::Mad);
    let now = world.portal.clock.now();
    documents::credit(&mut conn, invoice, &[(2, ten)], "too much was counted", now).await.unwrap();
    assert_eq!(run::look(&world.portal).await.unwrap().finalised, 1);
    let hour = "UPDATE usage_hours SET quantity = $1 WHERE meter = 'cpu'";
    for table in [hour, "UPDATE usage_days SET quantity = $1 WHERE meter = 'cpu'"] {
        sqlx::query(table).bind(150 * CORE_HOUR).execute(&world.db).await.unwrap();
    }
    assert_eq!(at(&world, "2027-01-01T03:00:00Z").await.finalised, 1, "December's invoice");
    let sam = world.staff().await;
    let waiting = sam.get("/staff/billing").await.attribute("#waiting a.row-link", "href");
    let page = sam.get(&waiting).await;
    page.assert_says(200, "one of our people has given a part of MA-2026-000001 back already");
    page.assert_says(200, "Drop it");

    // Not without a reason, and by nobody else.
    send(&sam, &page, &waiting, &[("act", "drop"), ("reason", " x ")]).await.assert_redirect(&waiting);
    let key = uuid::Uuid::new_v4().to_string();
    let drop = [("key", key.as_str()), ("act", "drop"), ("reason", "it was for the same")];
    assert!(alice.browser.post(&waiting, &drop).await.status.as_u16() != 200);
    assert_eq!(number(&world.db, "SELECT count(*) FROM billing_instructions").await, 0);
    for _ in 0..2 {
        let drop = [("act", "drop"), ("reason", "The ten dirhams were for the same")];
        send(&sam, &page, &waiting, &drop).await.assert_redirect(&waiting);
    }
    carry_out(&world).await;
    assert_eq!(done(&world).await, ["billing.asked by Sam", "billing.dropped by Sam"]);
    let trace = "SELECT concat_ws(' ', detail ->> 'reason', detail #>> '{what,invoice}', detail #>> '{what,net_minor}')
                   FROM audit_log WHERE action = 'billing.dropped'";
    assert_eq!(texts(&world.db, trace).await, ["The ten dirhams were for the same MA-2026-000001 1900"]);

    // It is gone from what waits, and stands beside its invoice, of which as much can be given back as before.
    sam.get(&waiting).await.assert_redirect("/staff/billing");
    assert!(!sam.get("/staff/billing").await.words().contains("has given a part of"));
    let page = sam.get(&format!("/staff/billing/documents/{invoice}")).await;
    for words in ["dropped: MAD 19.00 before VAT", "The ten dirhams were for the same", "MAD 12.43 of MAD 22.43"] {
        page.assert_says(200, words);
    }
    sam.post(&waiting, &drop).await.assert_redirect("/staff/billing");
    assert_eq!(wrong(&world).await, Vec::<String>::new());
    for again in ["2027-01-15T03:00:00Z", "2027-02-01T03:00:00Z", "2027-03-01T03:00:00Z"] {
        at(&world, again).await;
    }
    let mut conn = world.db.acquire().await.unwrap();
    assert!(run::list_waiting(&mut conn).await.unwrap().is_empty(), "what was dropped is not found once more");
    let papers = "SELECT concat_ws(' ', kind, state, number, net_minor) FROM documents WHERE corrects_id IS NOT NULL ORDER BY created_at";
    assert_eq!(texts(&world.db, papers).await, ["credit_note final MA-2026-000002 1000", "credit_note dropped 1900"]);
    assert_eq!(number(&world.db, "SELECT count(*) FROM billing_periods WHERE state = 'open'").await, 1, "only March");
    audit(&world.db).await;
    assert_eq!(wrong(&world).await, Vec::<String>::new());

    // Neither it nor its lines are changed by anybody any more, and a drop that nobody asked for is found.
    for sql in [
        "UPDATE documents SET state = 'draft', dropped_by = NULL WHERE state = 'dropped'",
        "UPDATE documents SET net_minor = 0, gross_minor = vat_minor WHERE state = 'dropped'",
        "DELETE FROM documents WHERE state = 'dropped'",
        "DELETE FROM document_lines WHERE document_id IN (SELECT id FROM documents WHERE state = 'dropped')",
        "DELETE FROM charge_lines WHERE document_id IN (SELECT id FROM documents WHERE state = 'dropped')",
    ] {
        Attempt::as_owner(&world.db).is_refused(sql, "23000").await;
    }
    let now = world.portal.clock.now();
    let since = now + TimeDelta::days(1);
    assert_found(&mut conn, "lines", "UPDATE billing_instructions SET kind = 'keep'", since, now).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn nothing_else_that_waits_can_be_dropped(db: PgPool) {
    let (world, _) = unusual(db).await;
    let sam = world.staff().await;
    let waiting = sam.get("/staff/billing").await.attribute("#waiting a.row-link", "href");
    let page = sam.get(&waiting).await;
    assert!(!page.words().contains("Drop it"));
    let drop = [("act", "drop"), ("reason", "we do not want it")];
    assert_eq!(send(&sam, &page, &waiting, &drop).await.status, 404);
    assert_eq!(number(&world.db, "SELECT count(*) FROM billing_instructions").await, 0);
    // Nor by a row that somebody writes who may write there, and then the worker's own words.
    let asked = "INSERT INTO billing_instructions (id, kind, document_id, reason, asked_by, asked_at)
                 SELECT gen_random_uuid(), 'drop', documents.id, 'we do not want it', staff.id, now()
                   FROM documents, staff WHERE documents.held IS NOT NULL";
    sqlx::query(asked).execute(&world.db).await.unwrap();
    let ended =
        "UPDATE documents SET state = 'dropped', held = NULL, dropped_by = (SELECT id FROM billing_instructions)
                  WHERE held IS NOT NULL";
    Attempt::as_owner(&world.db).is_refused(ended, "23000").await;
    let id = texts(&world.db, "SELECT id::text FROM billing_instructions").await.remove(0).parse().unwrap();
    sayoo::billing::instructions::carry_out(&world.portal, id).await.unwrap();
    assert_eq!(done(&world).await, ["billing.refused by Sam"]);
    assert_eq!(number(&world.db, "SELECT count(*) FROM documents WHERE held IS NOT NULL").await, 1);
    audit(&world.db).await;
}
