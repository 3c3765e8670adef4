//! What a document says was decided when it became final: whoever changes afterwards, its papers say the same (I21).
//!
//! `bin/test` holds the papers of this test against the records, with programs that others wrote: tests/oracles/einvoice.

use std::path::PathBuf;

use sayoo::base::money::{Currency, Money};
use sayoo::billing::profiles::{self, Profile};
use sayoo::billing::sellers::{self, Terms};
use sayoo::billing::{documents, run};
use sayoo::i18n::Locale;
use sqlx::{AssertSqlSafe, PgPool};

use super::world::{CORE_HOUR, at, audit, details, mad, number, sell, texts, used};
use crate::support::portal::{Person, World};

/// Somebody who buys: which currency, and what stands on paper.
async fn buyer(world: &World, name: &str, currency: Currency, profile: &Profile) -> Person {
    let person = world.customer(name).await;
    let zone = if currency == Currency::Eur { "Europe/Paris" } else { "Africa/Casablanca" };
    sqlx::query("UPDATE accounts SET currency = $2, country = $3, timezone = $4 WHERE id = $1")
        .bind(person.account.uuid())
        .bind(currency.code())
        .bind(&profile.country)
        .bind(zone)
        .execute(&world.db)
        .await
        .unwrap();
    says(world, &person, profile).await;
    let shop = person.has_running(world, name).await;
    for (meter, quantity) in [("cpu", 900 * CORE_HOUR), ("requests", 5_000_123)] {
        used(world, shop, meter, "2026-11-24T09:00:00Z".parse().unwrap(), quantity).await;
    }
    person
}

async fn says(world: &World, person: &Person, profile: &Profile) {
    let now = world.portal.clock.now();
    profiles::save(&mut world.db.acquire().await.unwrap(), person.account, profile, now).await.unwrap();
}

fn profile(legal_name: &str, (postcode, city, country): (&str, &str, &str), language: Locale) -> Profile {
    Profile {
        is_business: true,
        legal_name: legal_name.to_owned(),
        street: "3 rue du Port".to_owned(),
        postcode: postcode.to_owned(),
        city: city.to_owned(),
        country: country.to_owned(),
        vat_number: String::new(),
        vat_checked: None,
        siren: if country == "FR" { "552100554".to_owned() } else { String::new() },
        ice: if country == "MA" { "001234567000092".to_owned() } else { String::new() },
        email: String::new(),
        purchase_order: String::new(),
        language,
    }
}

/// Everything that a document is made of becomes something else: customers, companies, prices.
async fn all_changes(world: &World, people: &[&Person]) {
    for person in people {
        says(world, person, &profile("Quelqu'un d'autre", ("99999", "Ailleurs", "MA"), Locale::Fr)).await;
    }
    let mut db = world.db.acquire().await.unwrap();
    for seller in sellers::list(&mut db).await.unwrap() {
        let mut terms = Terms {
            details: details(&seller.country),
            payment_days: 45,
            trial_days: 0,
            four_eyes: Money::new(1_000_000, seller.currency),
        };
        "Une autre maison".clone_into(&mut terms.details.seller.name);
        "Ailleurs".clone_into(&mut terms.details.seller.address.city);
        sellers::change(&mut db, seller.id, &terms).await.unwrap();
    }
    // Prices that are published never change; here somebody changes them all the same.
    for sql in [
        "ALTER TABLE plan_prices DISABLE TRIGGER USER",
        "ALTER TABLE plan_meters DISABLE TRIGGER USER",
        "UPDATE plan_prices SET monthly_minor = monthly_minor * 2 + 1",
        "UPDATE plan_meters SET unit_price = unit_price * 3, included = 0",
        "ALTER TABLE plan_prices ENABLE TRIGGER USER",
        "ALTER TABLE plan_meters ENABLE TRIGGER USER",
    ] {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *db).await.unwrap();
    }
}

/// Where the oracle looks for papers, when it runs after these tests.
fn for_the_oracle() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("SAYOO_VAR")?).join("issued");
    std::fs::create_dir_all(&folder).unwrap();
    Some(folder)
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn papers_say_what_the_document_says_whatever_changed_before_they_were_made(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let moroccan = profile("Atelier du Port SARL", ("20250", "Casablanca", "MA"), Locale::Fr);
    let arabic = profile("شركة الأمل", ("40000", "مراكش", "MA"), Locale::Ar);
    let french = profile("Dupont et Filles SAS", ("69001", "Lyon", "FR"), Locale::Fr);
    let english = profile("Harbour Works SAS", ("13002", "Marseille", "FR"), Locale::En);
    let alice = buyer(&world, "alice", Currency::Mad, &moroccan).await;
    let amal = buyer(&world, "amal", Currency::Mad, &arabic).await;
    let zoe = buyer(&world, "zoe", Currency::Eur, &french).await;
    let ann = buyer(&world, "ann", Currency::Eur, &english).await;
    assert_eq!(at(&world, "2026-12-01T03:00:00Z").await.finalised, 4, "{:?}", waiting(&world).await);
    for person in [&alice, &zoe] {
        let invoice = documents::list(&mut world.db.acquire().await.unwrap(), person.account).await.unwrap()[0].id;
        let net = if person.account == zoe.account { Money::new(125, Currency::Eur) } else { mad(1_000) };
        let mut db = world.db.acquire().await.unwrap();
        documents::credit(&mut db, invoice, &[(1, net)], "an outage", world.portal.clock.now()).await.unwrap();
    }
    assert_eq!(run::look(&world.portal).await.unwrap().finalised, 2, "{:?}", waiting(&world).await);
    assert_eq!(number(&world.db, "SELECT count(*) FROM document_files").await, 0, "papers come later");
    let before = texts(&world.db, "SELECT canonical FROM documents ORDER BY id").await;

    all_changes(&world, &[&alice, &amal, &zoe, &ann]).await;
    world.settle().await;

    assert_eq!(texts(&world.db, "SELECT canonical FROM documents ORDER BY id").await, before);
    let files: Vec<(String, String, String, Vec<u8>)> = sqlx::query_as(
        "SELECT d.number, d.canonical, f.kind, f.content FROM documents d JOIN document_files f ON f.document_id = d.id ORDER BY d.number, f.kind",
    )
    .fetch_all(&world.db)
    .await
    .unwrap();
    assert_eq!(files.len(), 6 * 3);
    let folder = for_the_oracle();
    for (number, canonical, kind, content) in &files {
        let document: serde_json::Value = serde_json::from_str(canonical).unwrap();
        if kind != "pdf" {
            let xml = String::from_utf8(content.clone()).unwrap();
            for part in [&document["seller"]["name"], &document["buyer"]["name"], &document["totals"]["gross"]] {
                assert!(xml.contains(part.as_str().unwrap()), "{number} {kind}: {part} is not in {xml}");
            }
            for other in ["Quelqu'un", "Une autre maison", "Ailleurs"] {
                assert!(!xml.contains(other), "{number} {kind}: {other} is in {xml}");
            }
        }
        if let Some(folder) = &folder {
            let end = if kind == "pdf" { "pdf".to_owned() } else { format!("{kind}.xml") };
            std::fs::write(folder.join(format!("{number}.{end}")), content).unwrap();
            std::fs::write(folder.join(format!("{number}.json")), canonical).unwrap();
        }
    }
    // The customer's page, which is not made when the document is, says the same.
    let invoice = documents::list(&mut world.db.acquire().await.unwrap(), ann.account).await.unwrap()[0].id;
    let page = world.again(&ann).await.get(&format!("/account/billing/invoices/{invoice}")).await;
    page.assert_says(200, "Harbour Works SAS");
    assert!(!page.words().contains("Une autre maison"), "{}", page.words());
    audit(&world.db).await;
}

async fn waiting(world: &World) -> Vec<run::Waiting> {
    run::list_waiting(&mut world.db.acquire().await.unwrap()).await.unwrap()
}
