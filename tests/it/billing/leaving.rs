//! Customers who leave, who never said where they live, and whose accountant reads the mails: everybody gets their papers.

use sayoo::jobs::worker;
use sqlx::PgPool;

use super::dunning::{limits, look, pass, pay, steps};
use super::world::{CORE_HOUR, at, audit, introduce, number, sell, texts, used};
use crate::support::portal::{Person, World, mailer};
use crate::support::smtp::MailServer;

/// Subjects of all mails about money to an address.
async fn subjects(world: &World, address: &str) -> Vec<String> {
    world.mails_to(address).await.into_iter().map(|mail| mail.subject).collect()
}

/// A customer deletes the only instance and closes the account: for good, as after seven days.
async fn leaves(world: &World, alice: &Person) {
    let now = world.portal.clock.now();
    let delete =
        "UPDATE environments SET wanted = 'deleted', purge_after = $2, charged_since = $2 WHERE account_id = $1";
    sqlx::query(delete).bind(alice.account.uuid()).bind(now).execute(&world.db).await.unwrap();
    let close = "UPDATE accounts SET state = 'closing', closes_at = $2 WHERE id = $1";
    sqlx::query(close).bind(alice.account.uuid()).bind(now).execute(&world.db).await.unwrap();
    sayoo::accounts::closing::finish(&world.portal, alice.account, now).await.unwrap();
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn papers_and_reminders_go_to_the_address_for_invoices_where_there_is_one(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    introduce(&world, alice.account, "MA").await;
    sqlx::query("UPDATE billing_profiles SET email = 'compta@example.com'").execute(&world.db).await.unwrap();
    alice.has_running(&world, "shop").await;
    at(&world, "2026-12-01T03:00:00Z").await;
    assert_eq!(subjects(&world, "compta@example.com").await.len(), 1);
    pass(&world, 16).await;
    let told = subjects(&world, "compta@example.com").await;
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("MA-2026-000001") && told[1].contains("MA-2026-000001"), "{told:?}");
    assert_eq!(subjects(&world, "alice@example.com").await, Vec::<String>::new(), "members are not written to as well");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn whoever_reads_the_mails_without_a_login_gets_the_invoice_itself(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    introduce(&world, alice.account, "MA").await;
    sqlx::query("UPDATE billing_profiles SET email = 'compta@example.com'").execute(&world.db).await.unwrap();
    alice.has_running(&world, "shop").await;
    at(&world, "2026-12-01T03:00:00Z").await;
    let server = MailServer::new(None).await;
    let mailer = mailer(&world.portal, Some(server.url()));
    while worker::turn(&world.portal, &mailer).await.unwrap() {}
    let letters = server.letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].receivers, ["compta@example.com"]);
    assert!(letters[0].header("Content-Type").starts_with("multipart/mixed"));
    let raw = &letters[0].raw;
    assert!(raw.contains("MA-2026-000001.pdf") && raw.contains("Content-Type: application/pdf"), "{raw}");
    assert!(raw.contains("Content-Type: multipart/alternative"), "and says what it is");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_last_invoice_of_a_closed_account_arrives_and_the_address_is_forgotten_when_all_is_settled(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    introduce(&world, alice.account, "MA").await;
    alice.has_running(&world, "shop").await;
    at(&world, "2026-11-24T12:00:00Z").await;
    leaves(&world, &alice).await;
    assert_eq!(number(&world.db, "SELECT count(*) FROM users WHERE email LIKE 'closed-%@invalid'").await, 1);

    assert_eq!(at(&world, "2026-12-01T03:00:00Z").await.finalised, 1);
    let told = subjects(&world, "alice@example.com").await;
    assert!(told.len() == 1 && told[0].contains("MA-2026-000001"), "{told:?}");
    let on_paper = "SELECT canonical::jsonb -> 'buyer' ->> 'email' FROM documents";
    assert_eq!(texts(&world.db, on_paper).await, ["alice@example.com"]);
    pass(&world, 16).await;
    assert_eq!(subjects(&world, "alice@example.com").await.len(), 2, "it is overdue, and that is said");
    let nobody = "SELECT count(*) FROM caught_mails WHERE recipient LIKE '%@invalid'";
    assert_eq!(number(&world.db, nobody).await, 0);

    // Paid; but for two months something may still be corrected.
    let kept = "SELECT count(*) FROM kept_mails";
    pay(&world, alice.account, number(&world.db, "SELECT gross_minor FROM documents").await).await;
    at(&world, "2027-01-01T03:00:00Z").await;
    assert_eq!(number(&world.db, kept).await, 1);
    at(&world, "2027-02-01T03:00:00Z").await;
    assert_eq!(number(&world.db, kept).await, 0);
    assert_eq!(number(&world.db, "SELECT count(*) FROM billing_periods").await, 3);
    at(&world, "2027-06-01T03:00:00Z").await;
    assert_eq!(number(&world.db, "SELECT count(*) FROM billing_periods").await, 3, "it does not go on for ever");
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn who_has_left_is_corrected_too_by_a_last_invoice_and_by_a_credit_note(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    introduce(&world, alice.account, "MA").await;
    let shop = alice.has_running(&world, "shop").await;
    let hour = "2026-11-23T10:00:00Z".parse().unwrap();
    used(&world, shop, "cpu", hour, 200 * CORE_HOUR).await;
    at(&world, "2026-11-24T12:00:00Z").await;
    leaves(&world, &alice).await;
    assert_eq!(at(&world, "2026-12-01T03:00:00Z").await.finalised, 1);

    // Ten core-hours come to light in December: 3.80 dirhams at November's price.
    used(&world, shop, "cpu", hour, 210 * CORE_HOUR).await;
    assert_eq!(at(&world, "2027-01-01T03:00:00Z").await.finalised, 1);
    let last = "SELECT d.number || ' ' || l.kind || ' ' || l.net_minor FROM document_lines l
                  JOIN documents d ON d.id = l.document_id WHERE d.no = 1 AND d.series_year = 2027";
    assert_eq!(texts(&world.db, last).await, ["MA-2027-000001 correction 380"]);

    // And in January that it was sixty less.
    used(&world, shop, "cpu", hour, 150 * CORE_HOUR).await;
    assert_eq!(at(&world, "2027-02-01T03:00:00Z").await.finalised, 1);
    let note = "SELECT i.number || ' ' || n.net_minor FROM documents n JOIN documents i ON i.id = n.corrects_id";
    assert_eq!(texts(&world.db, note).await, ["MA-2026-000001 2280"], "sixty at 0.38, where most of it was billed");
    assert_eq!(number(&world.db, "SELECT count(*) FROM billing_periods WHERE state = 'open'").await, 0);
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn who_never_said_where_they_live_is_asked_once_and_then_dunned_until_they_do(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    alice.has_running(&world, "shop").await;
    assert_eq!(at(&world, "2026-12-01T03:00:00Z").await.parked, 1);
    let told = world.mails_to("alice@example.com").await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].subject, "We need your address for an invoice");
    let said = told[0].text_body.split_whitespace().collect::<Vec<_>>().join(" ");
    // Due on the 16th, as if it had been written.
    for words in [
        "MAD 118.42 before VAT",
        "From 26 December 2026: development and test instances rest",
        "/account/billing/details",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    at(&world, "2026-12-02T03:00:00Z").await;
    assert_eq!(subjects(&world, "alice@example.com").await.len(), 1, "it is asked for once");

    pass(&world, 15).await;
    assert_eq!(steps(&world).await, ["warn"]);
    pass(&world, 19).await;
    assert_eq!((steps(&world).await.len(), limits(&world).await), (4, vec![5]));
    let told = subjects(&world, "alice@example.com").await;
    assert!(told[4].starts_with("Your invoice still lacks an address"), "{told:?}");
    let browser = world.again(&alice).await;
    browser.get("/instances").await.assert_says(200, "your postal address is missing");
    let sam = world.staff().await;
    sam.get("/staff/dunning").await.assert_says(200, "not written: the address is missing");

    // The address is there: the invoice comes, with time to pay it, and everything runs again.
    introduce(&world, alice.account, "MA").await;
    assert_eq!(at(&world, "2027-01-05T05:00:00Z").await.finalised, 1);
    look(&world).await;
    assert_eq!(limits(&world).await, Vec::<i32>::new());
    let told = subjects(&world, "alice@example.com").await;
    assert!(told[5].contains("MA-2027-000001"), "{told:?}");
    // What is not paid then is warned of anew before anything is taken.
    pass(&world, 15).await;
    assert_eq!(steps(&world).await.len(), 4);
    pass(&world, 1).await;
    assert_eq!((steps(&world).await.len(), limits(&world).await), (5, vec![]));
    assert!(subjects(&world, "alice@example.com").await[6].contains("MA-2027-000001 is overdue"));
    audit(&world.db).await;
}
