//! Statements of a bank: shown first, each line taken in once, booked by a click.

use sayoo::base::money::{Currency, Money};
use sqlx::PgPool;

use super::upload;
use crate::billing::world::details;
use crate::support::invoices::{final_invoice, open, payments, seller};
use crate::support::portal::World;

async fn receipts(db: &PgPool) -> Vec<(String, i64, bool)> {
    sqlx::query_as(
        "SELECT bank_ref, amount_minor, account_id IS NOT NULL FROM bank_receipts ORDER BY value_on, bank_ref",
    )
    .fetch_all(db)
    .await
    .unwrap()
}

const CSV: &str = "Date;Libellé;Référence;Donneur d’ordre;Débit;Crédit\n\
                   20/11/2026;VIR MA-2026-000001;B1;Alice et Fils;;120,00\n\
                   20/11/2026;merci;B2;=cmd|' /C calc'!A0;;77,00\n\
                   21/11/2026;FRAIS;B3;;12,00;\n";

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_statement_is_shown_then_taken_in_once_and_booked_by_a_click(db: PgPool) {
    let world = World::new(db.clone()).await;
    let alice = world.customer("alice").await;
    let due = "2026-12-07".parse().unwrap();
    let invoice = final_invoice(&world, alice.account, Money::new(12_000, Currency::Mad), due).await;
    let company = seller(&world, "MAD").await;
    let sam = world.staff().await;

    let shown = upload(&sam, company, "file", CSV).await;
    for words in ["New: 2", "no money that came in: 1", "MA-2026-000001", "alice & Fils", "whose is it?"] {
        shown.assert_says(200, words);
    }
    assert_eq!(receipts(&db).await, [], "nothing is written before somebody says so");

    // The browser gives back what it was shown, with its own ends of lines.
    let content = shown.text("textarea[name=content]").replace('\n', "\r\n");
    upload(&sam, company, "content", &content).await.assert_redirect("/staff/transfers");
    let taken = [("B1".to_owned(), 12_000, true), ("B2".to_owned(), 7_700, false)];
    assert_eq!(receipts(&db).await, taken);
    assert_eq!(payments(&world).await, [], "nothing is booked without a click");

    // The same lines again, in another order of columns or not, change nothing.
    upload(&sam, company, "file", CSV).await.assert_says(200, "New: 0");
    upload(&sam, company, "content", CSV).await.assert_redirect("/staff/transfers");
    assert_eq!(receipts(&db).await, taken);

    let list = sam.get("/staff/transfers").await;
    list.assert_says(200, "ready to book");
    let book = list.attribute("main tbody form", "action");
    sam.post(&book, &[]).await;
    assert_eq!((open(&world, invoice).await, payments(&world).await.len()), (0, 1));
    upload(&sam, company, "content", CSV).await.assert_redirect("/staff/transfers");
    assert_eq!((receipts(&db).await.len(), payments(&world).await.len()), (2, 1));
    sam.get("/staff/transfers?state=booked").await.assert_says(200, "alice & Fils");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn who_paid_from_an_account_before_is_known_and_what_a_person_entered_is_not_booked_again(db: PgPool) {
    let world = World::new(db.clone()).await;
    let alice = world.customer("alice").await;
    let due = "2026-12-07".parse().unwrap();
    for minor in [12_000, 9_900] {
        final_invoice(&world, alice.account, Money::new(minor, Currency::Mad), due).await;
    }
    let bob = world.customer("bob").await;
    final_invoice(&world, bob.account, Money::new(9_900, Currency::Mad), due).await;
    let company = seller(&world, "MAD").await;
    let sam = world.staff().await;
    let id = company.to_string();
    let mut form = super::transfer(&id, "120", "B1", "MA-2026-000001");
    form.push(("payer_iban", "MA64 0115 1900 0001 2050 0053 4921"));
    sam.post("/staff/transfers/new", &form).await;
    assert_eq!(payments(&world).await.len(), 1);

    let iban = "MA64011519000001205000534921";
    let entry = |amount: &str, own: &str| {
        format!(
            "<Ntry><Amt Ccy=\"MAD\">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><ValDt><Dt>2026-11-21</Dt></ValDt><AcctSvcrRef>{own}</AcctSvcrRef><NtryDtls><TxDtls><RltdPties><Dbtr><Pty><Nm>Somebody</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>{iban}</IBAN></Id></DbtrAcct></RltdPties><RmtInf><Ustrd>MA-2026-000001</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
        )
    };
    let second = entry("99.00", "S2").replace("MA-2026-000001", "no number");
    let statement = format!(
        "<?xml version=\"1.0\"?><Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt><Stmt><Acct><Id><IBAN>MA1</IBAN></Id></Acct>{}{second}</Stmt></BkToCstmrStmt></Document>",
        entry("120.00", "S1")
    );
    let shown = upload(&sam, company, "file", &statement).await;
    shown.assert_says(200, "seem to report the same money");
    shown.assert_says(200, "One open invoice is of exactly this amount");
    upload(&sam, company, "content", &statement).await.assert_redirect("/staff/transfers");
    assert_eq!(
        receipts(&db).await,
        [("B1".to_owned(), 12_000, true), ("S1".to_owned(), 12_000, false), ("S2".to_owned(), 9_900, true)]
    );
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_same_days_as_csv_and_as_camt_are_the_same_money(db: PgPool) {
    let world = World::new(db.clone()).await;
    let alice = world.customer("alice").await;
    let due = "2026-12-07".parse().unwrap();
    let invoice = final_invoice(&world, alice.account, Money::new(12_000, Currency::Mad), due).await;
    let company = seller(&world, "MAD").await;
    let sam = world.staff().await;
    upload(&sam, company, "content", CSV).await.assert_redirect("/staff/transfers");
    let book = sam.get("/staff/transfers").await.attribute("main tbody form", "action");
    sam.post(&book, &[]).await;
    assert_eq!((open(&world, invoice).await, payments(&world).await.len()), (0, 1));

    // The bank's other file of the same days has references of its own, and counts a day later.
    let statement = "<?xml version=\"1.0\"?><Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt><Stmt><Acct><Id><IBAN>MA1</IBAN></Id></Acct><Ntry><Amt Ccy=\"MAD\">120.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><ValDt><Dt>2026-11-21</Dt></ValDt><AcctSvcrRef>2026112100042</AcctSvcrRef><NtryDtls><TxDtls><RltdPties><Dbtr><Pty><Nm>Alice et Fils</Nm></Pty></Dbtr></RltdPties><RmtInf><Ustrd>VIR MA-2026-000001</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry></Stmt></BkToCstmrStmt></Document>";
    upload(&sam, company, "file", statement).await.assert_says(200, "seem to report the same money");
    upload(&sam, company, "content", statement).await.assert_redirect("/staff/transfers");
    let proposed =
        "SELECT count(*) FROM bank_receipts WHERE state = 'entered' AND source = 'camt' AND account_id IS NOT NULL";
    assert_eq!(crate::billing::world::number(&db, proposed).await, 0, "a person has to say whose it is");
    assert_eq!(payments(&world).await.len(), 1);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_is_no_statement_of_this_account_is_refused_with_its_place(db: PgPool) {
    let world = World::new(db.clone()).await;
    let company = seller(&world, "MAD").await;
    let mut details = details("MA");
    details.seller.bank.as_mut().unwrap().iban = Some("MA64 0115 1900 0001".to_owned());
    sqlx::query("UPDATE sellers SET details = $1")
        .bind(serde_json::to_value(&details).unwrap())
        .execute(&db)
        .await
        .unwrap();
    let sam = world.staff().await;
    let large = format!("date;montant\n{}", "20/11/2026;1,00\n".repeat(2_001));
    let bomb = "<!DOCTYPE d [<!ENTITY a \"aa\"><!ENTITY b \"&a;&a;\">]><Document>&b;</Document>";
    let foreign = "<Document><BkToCstmrStmt><Stmt><Acct><Id><IBAN>FR7630006000011234567890189</IBAN></Id></Acct></Stmt></BkToCstmrStmt></Document>";
    for (content, words) in [
        ("", "No line names the columns"),
        ("\u{0}\u{1}%PDF-1.7", "No line names the columns"),
        ("date;montant\n20/11/2026;1.234\n", "An amount cannot be read for certain (line 2)"),
        ("date;montant\n11/20/2026;12,00\n", "A date cannot be read (line 2)"),
        (large.as_str(), "too large"),
        (bomb, "broken or declares something"),
        (foreign, "another bank account"),
    ] {
        upload(&sam, company, "file", content).await.assert_says(422, words);
    }
    assert_eq!(receipts(&db).await, []);
}
