//! What customers see of what they pay, to the coin, and what nobody else sees.

use sayoo::base::ids::DocumentId;
use sayoo::billing::documents;
use sayoo::billing::payments::{self, Method, Received};
use sqlx::PgPool;

use super::world::{CORE_HOUR, at, introduce, mad, sell, used};
use crate::support::portal::{Person, World};

/// A shop since noon of 22 November that used 200 core-hours in one hour of the day after.
async fn shop(world: &World) -> Person {
    let alice = world.customer("alice").await;
    let shop = alice.has_running(world, "shop").await;
    used(world, shop, "cpu", "2026-11-23T10:00:00Z".parse().unwrap(), 200 * CORE_HOUR).await;
    alice
}

async fn only_document(world: &World) -> DocumentId {
    let id: uuid::Uuid = sqlx::query_scalar("SELECT id FROM documents").fetch_one(&world.db).await.unwrap();
    id.to_string().parse().unwrap()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_customer_sees_what_the_month_costs_and_then_the_invoice_with_the_hours_behind_it(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let nobody = world.customer("nobody").await;
    nobody.get("/account/billing").await.assert_says(200, "Nothing costs anything this month");
    nobody.get("/account/billing/invoices").await.assert_says(200, "when a month with an instance is over");

    let alice = shop(&world).await;
    at(&world, "2026-11-24T12:00:00Z").await;
    // Two days of 30 at 420 dirhams; 33.3334 of 200 core-hours are included, each of the others costs 0.38.
    let page = alice.get("/account/billing").await;
    for words in ["MAD 28.00", "200 core-hours", "33.3334 core-hours", "166.6666 core-hours", "MAD 63.33", "MAD 91.33"]
    {
        page.assert_says(200, words);
    }
    page.assert_says(200, "Estimate for the whole month");
    page.assert_says(200, "We need an address for your invoices");
    alice.get("/account/billing/invoices").await.assert_says(200, "The first one comes on 1 December 2026");

    introduce(&world, alice.account, "MA").await;
    assert!(!alice.get("/account/billing").await.words().contains("We need an address"));
    at(&world, "2026-12-01T03:00:00Z").await;
    let id = only_document(&world).await;
    let invoice = format!("/account/billing/invoices/{id}");
    alice.get("/account/billing").await.assert_says(200, "1 invoice, due on 16 December 2026");
    let list = alice.get("/account/billing/invoices").await;
    list.assert_says(200, "MA-2026-000001");
    list.assert_says(200, "Due on 16 December 2026");
    list.assert_says(200, "MAD 169.02");

    let page = alice.get(&invoice).await;
    for words in ["Invoice MA-2026-000001", "Alice & Fils", "001234567000092", "Sayoo Casablanca SARL", "3 rue du Port"]
    {
        page.assert_says(200, words);
    }
    for words in ["MAD 118.42", "59.0277 core-hours", "MAD 0.38", "MAD 22.43", "VAT 20 % of MAD 140.85", "MAD 28.17"] {
        page.assert_says(200, words);
    }
    page.assert_says(200, "011780000012345678901296");
    let mut conn = world.db.acquire().await.unwrap();
    let written = documents::find(&mut conn, Some(alice.account), id).await.unwrap().unwrap();
    page.assert_says(200, &written.sha256);
    page.assert_says(200, "Is being made");

    // A paper that is not there yet is asked for again; one that is there comes as it was kept.
    alice.get(&format!("{invoice}/files/pdf")).await.assert_redirect(&invoice);
    let now = world.portal.clock.now();
    documents::keep_file(&mut conn, id, "pdf", b"%PDF-1.7 and so on", now).await.unwrap();
    documents::keep_file(&mut conn, id, "ubl", b"<Invoice/>", now).await.unwrap();
    let file = alice.get(&format!("{invoice}/files/pdf")).await;
    assert_eq!((file.status.as_u16(), file.body.as_str()), (200, "%PDF-1.7 and so on"));
    assert_eq!(file.header("content-type"), "application/pdf");
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"MA-2026-000001.pdf\"");
    let file = alice.get(&format!("{invoice}/files/ubl")).await;
    assert_eq!(file.header("content-type"), "application/xml");
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"MA-2026-000001-ubl.xml\"");
    assert_eq!(alice.get(&format!("{invoice}/files/exe")).await.status, 404);

    // The hours behind the second line; the first one is a base price and has none.
    let page = alice.get(&format!("{invoice}/lines/2")).await;
    for words in ["Processor time", "200 core-hours", "140.9723 core-hours", "59.0277 core-hours", "23 November 2026"] {
        page.assert_says(200, words);
    }
    page.assert_says(200, "11:00");
    page.assert_says(200, "measured");
    let page = alice.get(&format!("{invoice}/lines/2?day=2026-11-23")).await;
    page.assert_says(200, "Hour by hour: 23 November 2026");
    for wrong in ["1", "3", "0", "-2", "99999999999", "two"] {
        assert_eq!(alice.get(&format!("{invoice}/lines/{wrong}")).await.status, 404, "line {wrong}");
    }
    let file = alice.get(&format!("{invoice}/lines/2/hours.csv")).await;
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(file.body.lines().count(), 2, "{}", file.body);
    assert!(file.body.contains(&(200 * CORE_HOUR).to_string()));

    let page = alice.get("/account/billing/statement").await;
    page.assert_says(200, "You owe MAD 169.02");
    let received = Received {
        account: alice.account,
        method: Method::Transfer,
        amount: mad(20_000),
        received_on: now.date_naive(),
        external_ref: "VIR-1",
    };
    let mut tx = world.db.begin().await.unwrap();
    payments::receive(&mut tx, &received, now).await.unwrap().unwrap();
    payments::settle(&mut tx, alice.account, now).await.unwrap();
    tx.commit().await.unwrap();
    alice.get(&invoice).await.assert_says(200, "Paid by transfer VIR-1 MAD 169.02");
    alice.get("/account/billing/invoices").await.assert_says(200, "Paid");
    let page = alice.get("/account/billing/statement").await;
    page.assert_says(200, "Your credit with us MAD 30.98");
    page.assert_says(200, "Payment VIR-1 MAD -200.00 MAD -30.98");
    alice.get("/account/billing").await.assert_says(200, "Your credit MAD 30.98");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn nobody_else_sees_what_a_customer_pays(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = shop(&world).await;
    introduce(&world, alice.account, "MA").await;
    at(&world, "2026-12-01T03:00:00Z").await;
    let invoice = format!("/account/billing/invoices/{}", only_document(&world).await);
    let below = ["", "/files/pdf", "/lines/2", "/lines/2/hours.csv", "/lines/2/readings.csv", "/recompute.json.gz"]
        .map(|rest| format!("{invoice}{rest}"));
    for role in ["owner", "billing", "developer", "member"] {
        let stranger = world.person(&format!("strange-{role}"), role).await;
        for path in &below {
            let page = stranger.get(path).await;
            assert_eq!(page.status, 404, "{role}: {path}: {}", page.words());
        }
        let list = stranger.get("/account/billing/invoices").await;
        assert!(!list.body.contains("MA-2026-000001"));
        let sees = ["owner", "billing"].contains(&role);
        assert_eq!(list.status, if sees { 200 } else { 403 }, "{role}");
        // Who may not see what is paid is not led there either.
        let leads = stranger.get("/account").await.body.contains("href=\"/account/billing\"");
        assert_eq!(leads, sees, "{role}");
    }
    for path in &below {
        assert_ne!(alice.get(path).await.status, 404, "{path}");
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn details_that_cannot_be_right_are_refused_with_the_reason_and_stay_as_they_were(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let right = [
        ("buyer", "business"),
        ("legal_name", "Boulangerie Zoé & Fils SARL"),
        ("street", "1 rue de la Paix\r\nBâtiment B"),
        ("postcode", "75001"),
        ("city", "Paris"),
        ("country", "FR"),
        ("vat_number", "fr 44 732 829 320"),
        ("siren", "732 829 320"),
        ("email", "compta@example.com"),
        ("purchase_order", "PO-7"),
        ("language", "fr"),
    ];
    let path = "/account/billing/details";
    let with = |field: &'static str, value: &'static str| {
        right.iter().copied().filter(|(name, _)| *name != field).chain([(field, value)]).collect::<Vec<_>>()
    };
    for (field, value, why) in [
        ("legal_name", "Zoé\u{202e}eoZ", "turns the writing around"),
        ("legal_name", "Zoé\u{7}", "cannot be shown"),
        ("legal_name", " ", "Please fill this in"),
        ("siren", "732829321", "the last one is computed from the others"),
        ("siren", "", "The law wants the SIREN"),
        ("ice", "001234567000092", "leave it empty"),
        ("country", "XX", "Country:"),
        ("vat_number", "DE123456789", "do not look like this"),
        ("vat_number", "FR45732829320", "do not fit"),
        ("email", "nobody", "E-mail for invoices:"),
        ("language", "tlh", "Language of documents:"),
    ] {
        let page = alice.post(path, &with(field, value)).await;
        page.assert_says(422, why);
        assert_eq!(page.attribute("#f-city", "value"), "Paris", "what was typed is not lost");
    }
    let long = "é".repeat(401);
    let mut fields = with("legal_name", "x");
    fields.push(("legal_name", &long));
    fields.retain(|(name, value)| *name != "legal_name" || value.len() > 1);
    alice.post(path, &fields).await.assert_says(422, "That is too long");
    assert_eq!(
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM billing_profiles").fetch_one(&world.db).await.unwrap(),
        0
    );
    assert!(world.audit().await.is_empty());

    alice.post(path, &right).await.assert_redirect(path);
    let page = alice.get(path).await;
    page.assert_says(200, "This number has not been checked yet");
    assert_eq!(page.attribute("#f-vat_number", "value"), "FR44732829320");
    assert_eq!(page.attribute("#f-siren", "value"), "732829320");
    assert_eq!(page.text("#f-street"), "1 rue de la Paix\nBâtiment B");
    assert_eq!(world.audit().await, ["billing.details-changed"]);
    // The same again changes nothing and is not noted.
    alice.post(path, &right).await.assert_redirect(path);
    assert_eq!(world.audit().await.len(), 1);
}
