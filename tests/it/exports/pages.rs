//! The pages: who may have which file, and that it is the right one.

use sqlx::PgPool;

use super::{bill, id};
use crate::support::portal::World;
use sayoo::base::ids::AccountId;

const DAYS: &str = "from=2026-01-01&to=2027-01-01";

const FILES: [&str; 9] = [
    "usage",
    "charges",
    "invoices",
    "payments",
    "ledger",
    "cost_and_usage",
    "invoice_detail",
    "billing_period",
    "cost_and_usage_1_2",
];

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_customer_s_files_hold_the_own_rows_only_whatever_the_address_says(db: PgPool) {
    let world = World::new(db.clone()).await;
    bill(&db).await;
    let acme: AccountId = id(&db, "account acme").await;
    let eve = world.customer("eve").await;
    let mut alice = world.person("alice", "billing").await;
    for sql in [
        "UPDATE members SET account_id = $1 WHERE user_id = $2",
        "UPDATE sessions SET account_id = $1 WHERE user_id = $2",
    ] {
        sqlx::query(sql).bind(acme.uuid()).bind(alice.user.uuid()).execute(&db).await.unwrap();
    }
    alice.account = acme;
    for what in FILES {
        for format in ["csv", "json"] {
            let path = format!("/account/billing/exports/file?what={what}&{DAYS}&format={format}&account={acme}");
            let own = alice.get(&path).await;
            assert_eq!(own.status, 200, "{what}: {}", own.words());
            assert!(own.header("content-disposition").contains(&format!("{what}-2026-01-01-2027-01-01.")), "{what}");
            assert!(own.body.contains(&acme.to_string()) || what == "billing_period", "{what}: {}", own.body);
            let stranger = eve.get(&path).await;
            assert_eq!(stranger.status, 200, "{what}");
            assert!(!stranger.body.contains(&acme.to_string()) && !stranger.body.contains("FR-2026"), "{what}");
            assert!(stranger.body.lines().count() <= 2, "{what}: {}", stranger.body);
        }
    }
    // Books are for our own people.
    for what in ["beancount", "fec"] {
        let books = alice.get(&format!("/account/billing/exports/file?what={what}&{DAYS}")).await;
        books.assert_says(422, "Choose one of the files");
    }
    let page = alice.get("/account/billing/exports").await;
    page.assert_says(200, "FOCUS 1.4: cost and usage");
    assert!(!page.body.contains("beancount"));
    for (query, said) in [
        ("what=charges&from=2026-02-01&to=2026-02-01", "Choose a first day before the last one"),
        ("what=charges&from=yesterday&to=2026-02-01", "Choose a first day before the last one"),
        ("what=charges&from=%2B99999-01-01&to=%2B99999-01-02", "Choose a first day before the last one"),
        ("what=secrets&from=2026-01-01&to=2026-02-01", "Choose one of the files"),
    ] {
        alice.get(&format!("/account/billing/exports/file?{query}")).await.assert_says(422, said);
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn staff_have_everybody_s_files_or_one_customer_s(db: PgPool) {
    let world = World::new(db.clone()).await;
    bill(&db).await;
    let (acme, atlas): (AccountId, AccountId) = (id(&db, "account acme").await, id(&db, "account atlas").await);
    let sam = world.staff().await;
    sam.get("/staff/exports").await.assert_says(200, "Books of all sellers");
    for what in FILES.into_iter().chain(["beancount"]) {
        let all = sam.get(&format!("/staff/exports/file?what={what}&{DAYS}")).await;
        assert_eq!(all.status, 200, "{what}: {}", all.words());
        assert!(all.body.contains(&atlas.to_string()) || what == "billing_period", "{what}");
        if what != "beancount" {
            let one = sam.get(&format!("/staff/exports/file?what={what}&{DAYS}&account={acme}")).await;
            assert!(!one.body.contains(&atlas.to_string()), "{what}");
        }
    }
    // The French books, under the name that the law gives them, whoever the address names.
    sam.get("/staff/exports").await.assert_says(200, "Books of the French seller (FEC)");
    let siren: String =
        sqlx::query_scalar("SELECT details->'seller'->'identifiers'->>'siren' FROM sellers WHERE country = 'FR'")
            .fetch_one(&db)
            .await
            .unwrap();
    let fec = sam.get(&format!("/staff/exports/file?what=fec&{DAYS}&account={acme}")).await;
    assert_eq!(fec.header("content-disposition"), format!("attachment; filename=\"{siren}FEC20261231.txt\""));
    let lines: Vec<&str> = fec.body.split("\r\n").collect();
    assert!(lines[0].starts_with("JournalCode\tJournalLib\tEcritureNum"), "{}", lines[0]);
    let sides: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM postings p JOIN journal_entries e ON e.id = p.entry_id JOIN sellers s ON s.id = e.seller_id
          WHERE s.country = 'FR' AND e.effective_on >= '2026-01-01' AND e.effective_on < '2027-01-01'",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert!(sides > 0);
    assert_eq!(
        i64::try_from(lines.len()).unwrap(),
        sides + 2,
        "names, a line for each side, and nothing after the last"
    );
    sam.get(&format!("/staff/exports/file?what=charges&{DAYS}&account=acme"))
        .await
        .assert_says(422, "no customer’s number");
    let customer = world.customer("alice").await;
    assert_ne!(customer.get(&format!("/staff/exports/file?what=ledger&{DAYS}")).await.status, 200);
}
