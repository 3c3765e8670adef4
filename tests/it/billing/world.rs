//! Customers with usage, and our companies with all that stands on a document.

use chrono::{DateTime, TimeDelta, Utc};
use sayoo::base::ids::{AccountId, EnvironmentId};
use sayoo::base::money::{Currency, Money};
use sayoo::billing::profiles::{self, Profile};
use sayoo::billing::run::{self, Done};
use sayoo::billing::sellers::{self, Details, Terms};
use sayoo::i18n::Locale;
use sayoo_document::{Address, Bank, FrenchSeller, MoroccanSeller, Seller, SellerIdentifiers};
use sqlx::PgPool;

use crate::support::portal::World;

/// Microseconds of processor time.
pub const CORE_HOUR: i64 = 3_600_000_000;

/// What stands on the documents of a company.
pub fn details(country: &str) -> Details {
    let text = str::to_owned;
    let identifiers = if country == "MA" {
        SellerIdentifiers::Morocco(MoroccanSeller {
            ice: text("001234567000089"),
            tax_id: text("12345678"),
            rc_number: text("98765"),
            rc_city: text("Casablanca"),
            professional_tax: text("35791113"),
            cnss: None,
        })
    } else {
        SellerIdentifiers::France(FrenchSeller {
            siren: text("732829320"),
            siret: text("73282932000074"),
            rcs_city: text("Lyon"),
            vat_number: text("FR44732829320"),
        })
    };
    let (city, form) = if country == "MA" { ("Casablanca", "SARL") } else { ("Lyon", "SAS") };
    Details {
        seller: Seller {
            name: format!("Sayoo {city}"),
            legal_form: text(form),
            capital: Some(sayoo_document::Capital {
                amount: 100_000.into(),
                currency: if country == "MA" { sayoo_document::Currency::Mad } else { sayoo_document::Currency::Eur },
            }),
            address: Address {
                lines: vec![text("12 rue des Ateliers")],
                postcode: Some(text(if country == "MA" { "20000" } else { "69003" })),
                city: text(city),
                country: text(country),
            },
            identifiers,
            email: text("billing@example.com"),
            phone: None,
            website: None,
            bank: Some(Bank {
                holder: format!("Sayoo {city}"),
                iban: (country == "FR").then(|| text("FR1420041010050500013M02606")),
                rib: (country == "MA").then(|| text("011780000012345678901296")),
                bic: None,
                bank_name: text("Banque"),
            }),
        },
        late_penalties: Some(sayoo_document::LatePenalties::EcbPlusTen),
        recovery_fee: Some(40.into()),
        vat_on_debits: false,
        remark: None,
    }
}

/// Makes our companies; `with_details` fills in what stands on their documents, and nobody gets a trial.
pub async fn sell(world: &World, with_details: bool) {
    sell_in(&world.db, with_details, world.portal.clock.now()).await;
}

/// The same in any database.
pub async fn sell_in(db: &PgPool, with_details: bool, now: DateTime<Utc>) {
    let mut db = db.acquire().await.unwrap();
    sellers::seed(&mut db, now).await.unwrap();
    for seller in sellers::list(&mut db).await.unwrap() {
        if with_details {
            let terms = Terms {
                details: details(&seller.country),
                payment_days: 15,
                trial_days: 0,
                four_eyes: Money::new(1_000_000, seller.currency),
            };
            sellers::change(&mut db, seller.id, &terms).await.unwrap();
        }
    }
    sqlx::query("UPDATE sellers SET trial_days = 0").execute(&mut *db).await.unwrap();
}

/// Says who a customer is on paper.
pub async fn introduce(world: &World, account: AccountId, country: &str) {
    introduce_in(&world.db, account, country, world.portal.clock.now()).await;
}

/// The same in any database.
pub async fn introduce_in(db: &PgPool, account: AccountId, country: &str, now: DateTime<Utc>) {
    let profile = Profile {
        is_business: true,
        legal_name: "Alice & Fils".to_owned(),
        street: "3 rue du Port".to_owned(),
        postcode: "20250".to_owned(),
        city: "Casablanca".to_owned(),
        country: country.to_owned(),
        vat_number: String::new(),
        vat_checked: None,
        siren: String::new(),
        ice: if country == "MA" { "001234567000092".to_owned() } else { String::new() },
        email: String::new(),
        purchase_order: String::new(),
        language: Locale::Fr,
    };
    profiles::save(&mut db.acquire().await.unwrap(), account, &profile, now).await.unwrap();
}

/// Says that so much was used in one hour.
pub async fn used(world: &World, id: EnvironmentId, meter: &str, hour: DateTime<Utc>, quantity: i64) {
    for sql in [
        "INSERT INTO usage_hours (environment_id, meter, hour, quantity, covered_seconds, quality)
         VALUES ($1, $2, $3, $4, 3600, 'measured')
             ON CONFLICT (environment_id, meter, hour) DO UPDATE SET quantity = excluded.quantity",
        "INSERT INTO usage_days (environment_id, meter, day, quantity)
         VALUES ($1, $2, date_trunc('day', $3 AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', $4)
             ON CONFLICT (environment_id, meter, day) DO UPDATE SET quantity = (
                    SELECT sum(quantity) FROM usage_hours u
                     WHERE u.environment_id = excluded.environment_id AND u.meter = excluded.meter
                       AND u.hour >= excluded.day AND u.hour < excluded.day + interval '24 hours')",
    ] {
        let query = sqlx::query(sql).bind(id.uuid()).bind(meter.to_owned()).bind(hour).bind(quantity);
        query.execute(&world.db).await.unwrap();
    }
}

/// Lets time pass until an instant, and does whatever billing is due then.
pub async fn at(world: &World, instant: &str) -> Done {
    let instant: DateTime<Utc> = instant.parse().unwrap();
    let left = instant - world.portal.clock.now();
    assert!(left > TimeDelta::zero(), "{instant} is over");
    world.wait(left);
    // Logins that nobody uses for so long end.
    let now = world.portal.clock.now();
    let used = "UPDATE sessions SET seen_at = $1, expires_at = greatest(expires_at, $1 + interval '1 day')";
    sqlx::query(used).bind(now).execute(&world.db).await.unwrap();
    run::look(&world.portal).await.unwrap()
}

/// One number of the database.
pub async fn number(db: &PgPool, sql: &str) -> i64 {
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned())).fetch_one(db).await.unwrap()
}

/// Texts of the database, in order.
pub async fn texts(db: &PgPool, sql: &str) -> Vec<String> {
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned())).fetch_all(db).await.unwrap()
}

/// What must hold whatever happened: numbers without holes, hashes that fit, entries that add up, and one truth about who owes what.
pub async fn audit(db: &PgPool) {
    for (rule, sql) in [
        (
            "I15: numbers have no hole",
            "SELECT count(*) FROM (SELECT seller_id, series_year, count(*) AS there, max(no) AS newest FROM documents
                WHERE state = 'final' GROUP BY 1, 2) x
              WHERE there + COALESCE((SELECT sum(until_no - from_no + 1) FROM document_gaps g
                WHERE g.seller_id = x.seller_id AND g.year = x.series_year), 0) <> newest",
        ),
        (
            "I15: dates follow numbers",
            "SELECT count(*) FROM (SELECT issued_on < lag(issued_on) OVER (PARTITION BY seller_id ORDER BY series_year, no) AS bad
               FROM documents WHERE state = 'final') x WHERE bad",
        ),
        (
            "I17: the chain is whole",
            "SELECT count(*) FROM (SELECT previous_sha256 IS DISTINCT FROM
                    COALESCE(lag(sha256) OVER (PARTITION BY seller_id ORDER BY series_year, no), '')
                    OR sha256 <> sha256(previous_sha256 || convert_to(canonical, 'UTF8')) AS bad
               FROM documents WHERE state = 'final') x WHERE bad",
        ),
        (
            "I22: entries add up to nothing",
            "SELECT count(*) FROM (SELECT entry_id FROM postings GROUP BY entry_id, currency HAVING sum(amount_minor) <> 0) x",
        ),
        (
            "entries are counted without holes",
            "SELECT count(*) FROM (SELECT seller_id FROM journal_entries GROUP BY 1 HAVING count(*) <> max(seq)) x",
        ),
        (
            "I24: what the ledger says is owed is what is open",
            "SELECT count(*) FROM (
                SELECT a.id
                     , COALESCE((SELECT sum(p.amount_minor) FROM postings p JOIN ledger_accounts l ON l.id = p.ledger_account_id
                                  WHERE p.account_id = a.id AND l.role = 'receivable'), 0) AS owed
                     , COALESCE((SELECT sum(gross_minor) FROM documents WHERE account_id = a.id AND kind = 'invoice' AND state = 'final'), 0)
                     - COALESCE((SELECT sum(amount_minor) FROM allocations WHERE account_id = a.id), 0) AS open
                  FROM accounts a) x WHERE owed <> open",
        ),
        (
            "I25: the ledger's credit is what is free",
            "SELECT count(*) FROM (
                SELECT a.id
                     , -COALESCE((SELECT sum(p.amount_minor) FROM postings p JOIN ledger_accounts l ON l.id = p.ledger_account_id
                                  WHERE p.account_id = a.id AND l.role = 'customer_credit'), 0) AS credit
                     , COALESCE((SELECT sum(amount_minor) FROM payments WHERE account_id = a.id), 0)
                     + COALESCE((SELECT sum(gross_minor) FROM documents WHERE account_id = a.id AND kind = 'credit_note' AND state = 'final'), 0)
                     - COALESCE((SELECT sum(amount_minor) FROM paybacks WHERE account_id = a.id), 0)
                     - COALESCE((SELECT sum(amount_minor) FROM credit_expiries WHERE account_id = a.id), 0)
                     - COALESCE((SELECT sum(amount_minor) FROM allocations WHERE account_id = a.id), 0) AS free
                  FROM accounts a) x WHERE credit <> free",
        ),
        (
            "I25: the ledger's credit is what is left of its lots",
            "SELECT count(*) FROM (
                SELECT a.id
                     , -COALESCE((SELECT sum(p.amount_minor) FROM postings p JOIN ledger_accounts l ON l.id = p.ledger_account_id
                                  WHERE p.account_id = a.id AND l.role = 'customer_credit'), 0) AS credit
                     , COALESCE((SELECT sum(remaining_minor) FROM credit_lots WHERE account_id = a.id), 0) AS lots
                  FROM accounts a) x WHERE credit <> lots",
        ),
        (
            "I29: VAT of the ledger is that of the documents",
            "SELECT count(*) FROM (SELECT
                 -COALESCE((SELECT sum(p.amount_minor) FROM postings p JOIN ledger_accounts l ON l.id = p.ledger_account_id WHERE l.role = 'vat'), 0) AS ledger,
                 COALESCE((SELECT sum(CASE kind WHEN 'invoice' THEN vat_minor ELSE -vat_minor END) FROM documents WHERE state = 'final'), 0) AS papers) x
              WHERE ledger <> papers",
        ),
        (
            "I13: what a closed month costs stands on one line",
            "SELECT count(*) FROM charges c JOIN billing_periods p ON p.id = c.period_id AND p.state = 'closed'
               LEFT JOIN charge_lines l ON l.charge_id = c.id
              WHERE c.class <> 'trial' AND c.net_minor <> 0 AND l.charge_id IS NULL",
        ),
    ] {
        assert_eq!(number(db, sql).await, 0, "{rule}");
    }
}

/// An amount in centimes.
pub fn mad(minor: i64) -> Money {
    Money::new(minor, Currency::Mad)
}
