//! What staff ask for, and what the worker makes of it: drafts that wait, and credit notes.

use sayoo::billing::run;
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use super::{billed, carry_out, done, send, unusual};
use crate::billing::world::{at, audit, number, texts};
use crate::staff::records::{Attempt, Somebody};

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_draft_that_is_much_more_than_usual_is_kept_with_a_reason_and_then_released(db: PgPool) {
    let (world, alice) = unusual(db).await;
    let sam = world.staff().await;
    let page = sam.get("/staff/billing").await;
    page.assert_says(200, "It is much more than usual: this customer’s invoices are about MAD 420.00.");
    let waiting = page.attribute("#waiting a.row-link", "href");
    let page = sam.get(&waiting).await;
    for words in ["What the draft says", "8,500 core-hours", "MAD 3,230.00", "Earlier documents", "MA-2027-000003"] {
        page.assert_says(200, words);
    }

    // Without a reason nothing is asked; what is kept goes on waiting, with the reason beside it.
    send(&sam, &page, &waiting, &[("act", "keep"), ("reason", "x")]).await.assert_redirect(&waiting);
    assert_eq!(number(&world.db, "SELECT count(*) FROM billing_instructions").await, 0);
    send(&sam, &page, &waiting, &[("act", "keep"), ("reason", "Alice is asked first")]).await.assert_redirect(&waiting);
    sam.get(&waiting).await.assert_says(200, "being carried out");
    carry_out(&world).await;
    let page = sam.get(&waiting).await;
    page.assert_says(200, "Alice is asked first");
    assert_eq!(run::look(&world.portal).await.unwrap().finalised, 0, "it waits still");
    sam.get("/staff/billing").await.assert_says(200, "Sam: Alice is asked first");

    // Released once, however often the button is pressed.
    for _ in 0..2 {
        let release = [("act", "release"), ("reason", "It was a migration; she knows")];
        send(&sam, &page, &waiting, &release).await.assert_redirect(&waiting);
    }
    assert_eq!(number(&world.db, "SELECT count(*) FROM billing_instructions").await, 2);
    carry_out(&world).await;
    assert_eq!(run::look(&world.portal).await.unwrap().finalised, 1);
    audit(&world.db).await;
    let all = ["billing.asked by Sam", "billing.kept by Sam", "billing.asked by Sam", "billing.released by Sam"];
    assert_eq!(done(&world).await, all);
    sam.get(&waiting).await.assert_redirect("/staff/billing");
    let key = Uuid::new_v4().to_string();
    let again = [("key", key.as_str()), ("act", "release"), ("reason", "again")];
    sam.post(&waiting, &again).await.assert_redirect("/staff/billing");
    assert_eq!(sam.get(&format!("/staff/billing/waiting/{}", Uuid::new_v4())).await.status, 404);
    assert!(alice.get(&waiting).await.location.starts_with("/staff/login"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn staff_give_back_a_part_of_an_invoice_then_the_rest_and_never_more(db: PgPool) {
    let (world, alice) = billed(db).await;
    let sam = world.staff().await;
    sam.get("/staff/billing/documents?q=nobody").await.assert_says(200, "No such document");
    sam.get("/staff/billing/documents?which=paid").await.assert_says(200, "No such document");
    let list = sam.get("/staff/billing/documents?q=alice&which=open").await;
    list.assert_says(200, "MA-2026-000001");
    let invoice = list.attribute("main a.row-link", "href");
    let page = sam.get(&invoice).await;
    for words in ["Invoice MA-2026-000001", "Alice & Fils", "MAD 169.02", "It is the first one.", "fits"] {
        page.assert_says(200, words);
    }
    page.assert_says(200, "MAD 118.42 of MAD 118.42 can be given back.");
    let credit = format!("{invoice}/credit");
    let of = |amounts: [&'static str; 2], reason: &'static str| {
        let [one, two] = amounts;
        vec![("what", "lines"), ("line", "1"), ("amount", one), ("line", "2"), ("amount", two), ("reason", reason)]
    };
    for (amounts, reason, why) in [
        (["118.43", ""], "an outage", "more than is left of a line"),
        (["ten", ""], "an outage", "Give an amount above zero"),
        (["-1", ""], "an outage", "more than is left of a line"),
        (["", ""], "an outage", "Nothing would be given back"),
        (["10", ""], "x", "Give a reason"),
    ] {
        let again = send(&sam, &page, &credit, &of(amounts, reason)).await;
        again.assert_says(422, why);
        assert_eq!(again.attribute("#f-amount-1", "value"), amounts[0], "what was typed is not lost");
    }
    assert_eq!(number(&world.db, "SELECT count(*) FROM billing_instructions").await, 0);

    for _ in 0..2 {
        send(&sam, &page, &credit, &of(["10,00", ""], "an outage on the 25th")).await.assert_redirect(&invoice);
    }
    // While that is carried out nothing more is asked about the same invoice.
    let key = Uuid::new_v4().to_string();
    sam.post(&credit, &[("key", key.as_str()), ("reason", "and more")]).await.assert_redirect(&invoice);
    assert_eq!(number(&world.db, "SELECT count(*) FROM billing_instructions").await, 1);
    carry_out(&world).await;
    sam.get(&invoice).await.assert_says(200, "becomes final within a minute");
    assert_eq!(run::look(&world.portal).await.unwrap().finalised, 1);
    let page = sam.get(&invoice).await;
    page.assert_says(200, "MA-2026-000002");
    page.assert_says(200, "MAD 108.42 of MAD 118.42 can be given back.");
    page.assert_says(200, "Paid from a credit note MA-2026-000002 MAD 12.00");
    assert_eq!(number(&world.db, "SELECT gross_minor FROM documents WHERE kind = 'credit_note'").await, 1_200);
    audit(&world.db).await;

    // All that is left; then nothing is.
    send(&sam, &page, &credit, &[("what", "everything"), ("reason", "the contract was void")])
        .await
        .assert_redirect(&invoice);
    carry_out(&world).await;
    assert_eq!(run::look(&world.portal).await.unwrap().finalised, 1);
    let page = sam.get(&invoice).await;
    assert!(!page.body.contains("id=\"credit\""), "nothing is left to be given back");
    let key = Uuid::new_v4().to_string();
    let nothing = [("key", key.as_str()), ("what", "everything"), ("reason", "once more")];
    sam.post(&credit, &nothing).await.assert_says(422, "Nothing would be given back");
    let given = "SELECT sum(CASE kind WHEN 'invoice' THEN net_minor ELSE -net_minor END)::bigint FROM documents";
    assert_eq!(number(&world.db, given).await, 0);
    audit(&world.db).await;
    let notes = texts(&world.db, "SELECT reason FROM documents WHERE kind = 'credit_note' ORDER BY no").await;
    assert_eq!(notes, ["an outage on the 25th", "the contract was void"]);
    sam.get("/staff/billing/documents?which=credit-notes").await.assert_says(200, "MA-2026-000003");

    // A credit note is none to be given back, and nobody else comes here.
    let note =
        texts(&world.db, "SELECT id::text FROM documents WHERE kind = 'credit_note' ORDER BY no").await.remove(0);
    let page = sam.get(&format!("/staff/billing/documents/{note}")).await;
    page.assert_says(200, "Credit note MA-2026-000002");
    assert!(!page.body.contains("id=\"credit\""));
    assert_eq!(sam.post(&format!("/staff/billing/documents/{note}/credit"), &nothing).await.status, 404);
    sam.get(&format!("/staff/billing/documents/{note}/files/pdf"))
        .await
        .assert_redirect(&format!("/staff/billing/documents/{note}"));
    for path in [&invoice, &credit] {
        assert!(alice.browser.post(path, &nothing).await.status.as_u16() != 200);
    }
    assert!(alice.get(&invoice).await.location.starts_with("/staff/login"));
    assert_eq!(number(&world.db, "SELECT count(*) FROM billing_instructions").await, 2);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_can_no_more_be_done_when_its_turn_comes_is_refused_with_the_reason(db: PgPool) {
    let (world, _) = billed(db).await;
    let sam = world.staff().await;
    let invoice = sam.get("/staff/billing/documents").await.attribute("main a.row-link", "href");
    let credit = format!("{invoice}/credit");
    let page = sam.get(&invoice).await;
    let some = [("what", "lines"), ("line", "1"), ("amount", "100"), ("reason", "an outage")];
    send(&sam, &page, &credit, &some).await.assert_redirect(&invoice);
    // Meanwhile a colleague gives the same back on the command line.
    let id = invoice.rsplit('/').next().unwrap().parse().unwrap();
    let mut conn = world.db.acquire().await.unwrap();
    let now = world.portal.clock.now();
    let most = sayoo::base::money::Money::new(5_000, sayoo::base::money::Currency::Mad);
    sayoo::billing::documents::credit(&mut conn, id, &[(1, most)], "by hand", now).await.unwrap();
    carry_out(&world).await;
    let page = sam.get(&invoice).await;
    page.assert_says(200, "refused");
    page.assert_says(200, "more than is left of line 1 (68.42)");
    assert_eq!(done(&world).await, ["billing.asked by Sam", "billing.refused by Sam"]);
    assert_eq!(run::look(&world.portal).await.unwrap().finalised, 1, "the colleague's");
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_web_s_role_asks_and_does_nothing_itself(db: PgPool) {
    let (world, _) = billed(db.clone()).await;
    world.staff().await;
    at(&world, "2026-12-02T03:00:00Z").await;
    let web = Somebody::like_web(&db).await;
    let asked = "INSERT INTO billing_instructions (id, kind, document_id, reason, asked_by, asked_at)
                 SELECT gen_random_uuid(), 'credit', documents.id, 'an outage', staff.id, now() FROM documents, staff";
    let mut tx = db.begin().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("SET LOCAL ROLE {}; {asked}", web.name()))).execute(&mut *tx).await.unwrap();
    sqlx::raw_sql("RESET ROLE").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    for sql in [
        "UPDATE billing_instructions SET state = 'done', ended_at = now()",
        "DELETE FROM billing_instructions",
        "UPDATE documents SET held = NULL",
        "UPDATE sellers SET payment_days = 60",
        "INSERT INTO dry_runs (period_id, net_minor, computed_at) SELECT id, 0, now() FROM billing_periods",
        "INSERT INTO billing_instructions (id, kind, document_id, reason, asked_by, asked_at, state, ended_at)
         SELECT gen_random_uuid(), 'keep', documents.id, 'an outage', staff.id, now(), 'done', now() FROM documents, staff",
    ] {
        Attempt::by(&db, &web).is_refused(sql, "42501").await;
    }
    for sql in [
        "UPDATE billing_instructions SET reason = 'another one'",
        "UPDATE billing_instructions SET wanted = '{\"lines\": []}'",
        "DELETE FROM billing_instructions",
        "TRUNCATE billing_instructions CASCADE",
    ] {
        Attempt::as_owner(&db).is_refused(sql, "23000").await;
    }
    web.gone(&db).await;
}
