//! Our companies' details, the customer's page, and numbers that somebody checked.

use rust_decimal::Decimal;
use sayoo::base::money::Money;
use sayoo::billing::documents;
use sayoo::billing::sellers::checks::Problem;
use sayoo::billing::sellers::{self, ChangeError, Details, Seller, Terms};
use sayoo_document::{LatePenalties, SellerIdentifiers};
use sqlx::PgPool;

use super::{carry_out, done, send};
use crate::billing::world::{at, audit, details, introduce, number, sell, texts};
use crate::support::portal::World;

fn terms(seller: &Seller, details: Details) -> Terms {
    Terms { details, payment_days: 15, trial_days: 0, four_eyes: Money::new(1_000_000, seller.currency) }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_company_says_nothing_that_its_papers_would_refuse(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, false).await;
    let mut db = world.db.acquire().await.unwrap();
    let all = sellers::list(&mut db).await.unwrap();
    for seller in &all {
        let own = details(&seller.country);
        let other = details(if seller.country == "FR" { "MA" } else { "FR" });
        let with = |change: fn(&mut Details)| {
            let mut changed = own.clone();
            change(&mut changed);
            changed
        };
        let mut wrong = vec![
            (other, "country", Problem::OtherCountry),
            (with(|it| it.seller.address.country = "DE".to_owned()), "country", Problem::OtherCountry),
            (with(|it| it.seller.capital = None), "capital", Problem::Amount),
            (with(|it| it.seller.capital.as_mut().unwrap().amount = Decimal::new(1, 3)), "capital", Problem::Amount),
            (with(|it| it.seller.address.lines.clear()), "street", Problem::Street),
            (with(|it| it.seller.bank.as_mut().unwrap().bic = Some("BNP".to_owned())), "bic", Problem::Bic),
            (
                with(|it| {
                    let bank = it.seller.bank.as_mut().unwrap();
                    (bank.iban, bank.rib) = (None, None);
                }),
                "iban",
                Problem::NoAccount,
            ),
            (
                with(|it| it.seller.bank.as_mut().unwrap().iban = Some("FR1420041010050500013M02607".to_owned())),
                "iban",
                Problem::Iban,
            ),
            (
                with(|it| it.late_penalties = Some(LatePenalties::Percent { rate: 101.into() })),
                "penalty_rate",
                Problem::Rate,
            ),
        ];
        if seller.country == "FR" {
            wrong.push((with(|it| it.late_penalties = None), "penalties", Problem::NoPenalties));
            wrong.push((with(|it| it.recovery_fee = Some(39.into())), "recovery_fee", Problem::Fee));
        }
        for (details, field, problem) in wrong {
            let refused = sellers::change(&mut db, seller.id, &terms(seller, details)).await;
            let Err(ChangeError::Refused(found)) = refused else { panic!("{}: {field} was taken", seller.code) };
            assert!(found.contains(&(field, problem.clone())), "{}: {found:?} without {problem:?}", seller.code);
        }
        let bad_days = Terms { payment_days: 61, trial_days: 91, ..terms(seller, own.clone()) };
        assert!(matches!(
            sellers::change(&mut db, seller.id, &bad_days).await,
            Err(ChangeError::Refused(found)) if found.len() == 2
        ));
        assert!(sellers::find(&mut db, seller.id).await.unwrap().unwrap().details.is_none(), "nothing was written");
        sellers::change(&mut db, seller.id, &terms(seller, own.clone())).await.unwrap();
        assert_eq!(sellers::find(&mut db, seller.id).await.unwrap().unwrap().details, Some(own));
    }
    // Numbers as people write them are kept as papers want them.
    let french = all.iter().find(|seller| seller.code == "FR").unwrap();
    let mut spaced = details("FR");
    if let SellerIdentifiers::France(ids) = &mut spaced.seller.identifiers {
        ids.siret = "732 829 320 00074".to_owned();
    }
    spaced.seller.bank.as_mut().unwrap().iban = Some("fr14 2004 1010 0505 0001 3m02 606".to_owned());
    sellers::change(&mut db, french.id, &terms(french, spaced)).await.unwrap();
    assert_eq!(sellers::find(&mut db, french.id).await.unwrap().unwrap().details, Some(details("FR")));
}

/// Everything that the form of the French company has.
const FORM: [(&str, &str); 21] = [
    ("name", "Sayoo France"),
    ("legal_form", "SAS"),
    ("capital", "100 000,00"),
    ("street", "12 rue des Ateliers\r\nBâtiment B"),
    ("postcode", "69003"),
    ("city", "Lyon"),
    ("email", "billing@example.com"),
    ("siren", "732 829 320"),
    ("siret", "73282932000074"),
    ("rcs_city", "Lyon"),
    ("vat_number", "FR44732829320"),
    ("holder", "Sayoo France"),
    ("bank_name", "Banque"),
    ("iban", "FR14 2004 1010 0505 0001 3M02 606"),
    ("penalties", "ecb_plus_ten"),
    ("recovery_fee", "40"),
    ("vat_on_debits", "yes"),
    ("payment_days", "30"),
    ("trial_days", "0"),
    ("four_eyes", "5000"),
    ("reason", "the new bank"),
];

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn staff_fill_in_a_company_and_its_invoices_go_out(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, false).await;
    let alice = world.customer("alice").await;
    sqlx::query("UPDATE accounts SET currency = 'EUR', country = 'FR'").execute(&world.db).await.unwrap();
    introduce(&world, alice.account, "FR").await;
    sqlx::query("UPDATE billing_profiles SET siren = '732829320'").execute(&world.db).await.unwrap();
    alice.has_running(&world, "shop").await;
    assert_eq!(at(&world, "2026-12-01T03:00:00Z").await.parked, 1, "its company says nothing yet");

    let sam = world.staff().await;
    sam.get("/staff/billing/sellers").await.assert_says(200, "invoices wait for it");
    let id = texts(&world.db, "SELECT id::text FROM sellers WHERE code = 'FR'").await.remove(0);
    let path = format!("/staff/billing/sellers/{id}");
    let page = sam.get(&path).await;
    page.assert_says(200, "Nothing stands on this company’s documents yet");
    assert_eq!(page.attribute("#f-recovery_fee", "value"), "40", "what the law says");
    for (field, value, why) in [
        ("siren", "732829321", "the last one is computed from the others"),
        ("siret", "73282932000075", "A SIRET has fourteen digits"),
        ("vat_number", "FR45732829320", "a key of two characters that fits"),
        ("iban", "FR1420041010050500013M02607", "This is no IBAN"),
        ("recovery_fee", "12", "40 EUR at least"),
        ("capital", "much", "Give an amount above zero"),
        ("payment_days", "soon", "0 to 60 days"),
        ("name", "Sayoo\u{202e}", "turns the writing around"),
        ("reason", "", "Give a reason"),
    ] {
        let fields: Vec<_> = FORM.iter().copied().filter(|(name, _)| *name != field).chain([(field, value)]).collect();
        let again = send(&sam, &page, &path, &fields).await;
        again.assert_says(422, why);
        assert_eq!(again.attribute("#f-city", "value"), "Lyon", "what was typed is not lost");
    }
    assert_eq!(number(&world.db, "SELECT count(*) FROM billing_instructions").await, 0);

    send(&sam, &page, &path, &FORM).await.assert_redirect(&path);
    carry_out(&world).await;
    let page = sam.get(&path).await;
    page.assert_says(200, "done");
    assert_eq!(page.attribute("#f-iban", "value"), "FR1420041010050500013M02606");
    assert_eq!(page.text("#f-street"), "12 rue des Ateliers\nBâtiment B");
    assert_eq!(done(&world).await, ["billing.asked by Sam", "billing.seller-changed by Sam"]);
    let kept = "SELECT payment_days || ' ' || trial_days || ' ' || four_eyes_minor FROM sellers WHERE code = 'FR'";
    assert_eq!(texts(&world.db, kept).await, ["30 0 500000"]);
    assert_eq!(sayoo::billing::run::look(&world.portal).await.unwrap().finalised, 1, "its invoice goes out by itself");
    audit(&world.db).await;

    assert!(alice.get(&path).await.location.starts_with("/staff/login"));
    assert_eq!(sam.get(&format!("/staff/billing/sellers/{}", uuid::Uuid::new_v4())).await.status, 404);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn whose_vat_number_somebody_checked_owes_the_vat_itself(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    sqlx::query("UPDATE accounts SET currency = 'EUR', country = 'DE'").execute(&world.db).await.unwrap();
    introduce(&world, alice.account, "DE").await;
    sqlx::query("UPDATE billing_profiles SET vat_number = 'DE123456789'").execute(&world.db).await.unwrap();
    alice.has_running(&world, "shop").await;
    let sam = world.staff().await;
    let path = format!("/staff/accounts/{}", alice.account);
    let page = sam.get(&path).await;
    page.assert_says(200, "This number has not been checked yet");
    page.assert_says(200, "19 %");
    let check = format!("{path}/vat-check");
    let with = |number: &'static str, answer: &'static str, found: &'static str| {
        [("number", number), ("answer", answer), ("found", found)]
    };
    for fields in [with("DE123456789", "x", "right"), with("DE999999999", "VIES: valid", "right")] {
        sam.post(&check, &fields).await.assert_redirect(&path);
    }
    assert_eq!(sam.post(&check, &with("DE123456789", "VIES: valid", "perhaps")).await.status, 400);
    assert_eq!(number(&world.db, "SELECT count(vat_checked_at) FROM billing_profiles").await, 0);
    sam.post(&check, &with("DE123456789", "VIES: valid, WAPIAAAAW1", "right")).await.assert_redirect(&path);
    let page = sam.get(&path).await;
    page.assert_says(200, "VIES: valid, WAPIAAAAW1");

    at(&world, "2026-12-01T03:00:00Z").await;
    let mut db = world.db.acquire().await.unwrap();
    let invoice = documents::list(&mut db, alice.account).await.unwrap().remove(0);
    let paper = documents::find(&mut db, None, invoice.id).await.unwrap().unwrap().paper;
    assert_eq!((paper.vat[0].category.code(), paper.vat[0].amount), ("AE", 0.into()));
    assert_eq!(paper.buyer.vat_number.as_deref(), Some("DE123456789"));
    let sam = world.staff().await;
    let page = sam.get(&path).await;
    page.assert_says(200, "FR-2026-000001");
    assert!(page.text("#billing").contains("Owes us"), "{}", page.words());

    // It turns out to be wrong: from then on the customer pays the VAT of its country again.
    sam.post(&check, &with("DE123456789", "VIES: not valid any more", "wrong")).await.assert_redirect(&path);
    at(&world, "2027-01-01T03:00:00Z").await;
    let invoice = documents::list(&mut db, alice.account).await.unwrap().remove(0);
    let paper = documents::find(&mut db, None, invoice.id).await.unwrap().unwrap().paper;
    assert_eq!(paper.vat[0].rate, 19.into());
    audit(&world.db).await;
    assert_eq!(done(&world).await, ["billing.vat-number-checked by Sam", "billing.vat-number-wrong by Sam"]);

    // A customer at home has no number to be checked, and a stranger checks none.
    let home = world.customer("home").await;
    let path = format!("/staff/accounts/{}/vat-check", home.account);
    let sam = world.staff().await;
    assert_eq!(sam.post(&path, &with("DE123456789", "VIES: valid", "right")).await.status, 404);
    let away = home.browser.post(&check, &with("DE123456789", "VIES: valid", "right")).await;
    assert!(away.location.starts_with("/staff/login"));
}
