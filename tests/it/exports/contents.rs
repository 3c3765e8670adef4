//! What is in the files, to the coin.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use rust_decimal::Decimal;
use sayoo::base::ids::AccountId;
use sayoo::exports::focus::{Set, Version};
use sayoo::exports::{Export, Filter, Format, List};
use sqlx::PgPool;

use super::{bill, id};

type Row = BTreeMap<String, String>;

fn year(account: Option<AccountId>) -> Filter {
    Filter { from: "2026-01-01".parse().unwrap(), to: "2027-01-01".parse().unwrap(), account }
}

fn now() -> DateTime<Utc> {
    "2027-01-02T00:00:00Z".parse().unwrap()
}

async fn text(db: &PgPool, export: Export) -> String {
    let parts: Vec<bytes::Bytes> = export.stream(db.clone()).try_collect().await.unwrap();
    String::from_utf8(parts.concat()).unwrap()
}

async fn rows(db: &PgPool, export: Export) -> Vec<Row> {
    let text = text(db, export).await;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().map(Result::unwrap).collect()
}

fn sum<'a>(rows: impl IntoIterator<Item = &'a Row>, column: &str) -> Decimal {
    rows.into_iter().map(|row| row[column].parse::<Decimal>().unwrap()).sum()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn every_list_has_each_row_once_with_every_column_and_says_the_same_as_csv_and_as_json(db: PgPool) {
    bill(&db).await;
    for (list, counted) in [
        (List::Charges, "SELECT count(*) FROM charges"),
        (List::Invoices, "SELECT count(*) FROM document_lines"),
        (List::Payments, "SELECT count(*) FROM payments"),
        (List::Ledger, "SELECT count(*) FROM postings"),
    ] {
        let count: i64 = sqlx::query_scalar(counted).fetch_one(&db).await.unwrap();
        let csv = rows(&db, Export::list(list, year(None), Format::Csv)).await;
        assert_eq!(i64::try_from(csv.len()).unwrap(), count, "{list:?}");
        let json: Vec<BTreeMap<String, Option<String>>> =
            serde_json::from_str(&text(&db, Export::list(list, year(None), Format::Json)).await).unwrap();
        assert_eq!(json.len(), csv.len(), "{list:?}");
        for (one, other) in csv.iter().zip(&json) {
            assert_eq!(one.len(), list.columns().len(), "{list:?}");
            assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
            for (name, value) in other {
                let is_people_s =
                    ["customer", "environment", "title", "reason", "reference", "label"].contains(&name.as_str());
                assert!(is_people_s || one[name] == value.clone().unwrap_or_default(), "{list:?} {name}: {value:?}");
            }
        }
    }
    let invoices = rows(&db, Export::list(List::Invoices, year(None), Format::Csv)).await;
    assert!(invoices.iter().any(|row| row["customer"] == "'=HYPERLINK(\"http://evil\") & Zoé, \"Söhne\""));
    assert!(invoices.iter().any(|row| row["customer"] == "شركة الأطلس evil"), "no override of direction");
    assert!(invoices.iter().any(|row| row["reason"] == "'-1 day" && row["corrects"] == "FR-2026-000001"));
    assert!(invoices.iter().any(|row| row["line_net"] == "-2.50"), "a discount is a number, not a formula");
    let ledger = rows(&db, Export::list(List::Ledger, year(None), Format::Csv)).await;
    assert_eq!(sum(&ledger, "debit"), sum(&ledger, "credit"));
    let payments = rows(&db, Export::list(List::Payments, year(None), Format::Csv)).await;
    assert!(payments.iter().any(|row| row["amount"] == "40.00" && row["allocated"] == "35.00"), "{payments:?}");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn one_customer_s_files_hold_nothing_of_another(db: PgPool) {
    bill(&db).await;
    let acme: AccountId = id(&db, "account acme").await;
    let strangers = ["account atlas", "account newby"];
    for name in strangers {
        let stranger: AccountId = id(&db, name).await;
        for list in List::ALL {
            for format in [Format::Csv, Format::Json] {
                let file = text(&db, Export::list(list, year(Some(acme)), format)).await;
                assert!(file.contains(&acme.to_string()), "{list:?}");
                assert!(!file.contains(&stranger.to_string()), "{list:?} {name}");
                assert!(!file.contains("MA-2026") && !file.contains("FR-2026-000002"), "{list:?}: another's documents");
            }
        }
        for set in [Set::CostAndUsage(Version::V1_4), Set::CostAndUsage(Version::V1_2), Set::InvoiceDetail] {
            let file = text(&db, Export::focus(set, year(Some(acme)), now())).await;
            assert!(file.contains(&acme.to_string()) && !file.contains(&stranger.to_string()), "{set:?}");
        }
    }
    let periods = text(&db, Export::focus(Set::BillingPeriod, year(Some(acme)), now())).await;
    assert!(!periods.contains("Maroc"), "{periods}");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_rows_of_every_line_add_up_to_it_and_no_charge_is_missing_or_twice(db: PgPool) {
    bill(&db).await;
    let cost = rows(&db, Export::focus(Set::CostAndUsage(Version::V1_4), year(None), now())).await;
    let details = rows(&db, Export::focus(Set::InvoiceDetail, year(None), now())).await;
    assert_eq!((cost[0].len(), details[0].len()), (65, 22));
    let mut by_line: BTreeMap<&str, Decimal> = BTreeMap::new();
    for row in &cost {
        *by_line.entry(&row["InvoiceDetailId"]).or_default() += row["BilledCost"].parse::<Decimal>().unwrap();
    }
    assert_eq!(by_line.remove(""), Some(Decimal::ZERO), "what is included and what a trial gave costs nothing");
    for row in &details {
        let net: Decimal = row["BilledCost"].parse().unwrap();
        let added = by_line.remove(row["InvoiceDetailId"].as_str()).unwrap();
        assert!((net - added).abs() <= Decimal::new(5, 3), "{}: {net} and {added}", row["InvoiceDetailId"]);
    }
    assert!(by_line.is_empty(), "{by_line:?}");
    let quantity: Decimal = sqlx::query_scalar("SELECT sum(quantity) FROM charges").fetch_one(&db).await.unwrap();
    assert_eq!(sum(cost.iter().filter(|row| !row["SkuPriceId"].is_empty()), "PricingQuantity"), quantity);
    let keys: BTreeSet<[&str; 6]> = cost
        .iter()
        .map(|row| {
            ["ResourceId", "SkuPriceId", "ChargePeriodStart", "ChargeClass", "InvoiceDetailId", "ChargeCategory"]
                .map(|name| row[name].as_str())
        })
        .collect();
    assert_eq!(keys.len(), cost.len(), "each row once");
    // A day row of a plan that began within a day begins there.
    assert!(
        cost.iter()
            .any(|row| row["ChargePeriodStart"] == "2026-10-03T10:20:30Z" && row["ChargeCategory"] == "Purchase")
    );
    assert!(cost.iter().all(|row| row["ChargePeriodStart"] < row["ChargePeriodEnd"]));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_closed_month_s_rows_never_change_whatever_is_known_later(db: PgPool) {
    bill(&db).await;
    let october = Filter { from: "2026-10-15".parse().unwrap(), to: "2026-11-15".parse().unwrap(), account: None };
    let mut before = Vec::new();
    for set in Set::ALL {
        before.push(text(&db, Export::focus(set, october, now())).await);
    }
    assert!(before[0].lines().count() > 100);
    for sql in [
        "UPDATE billing_profiles SET legal_name = 'Another'",
        "UPDATE accounts SET name = 'Another'",
        "UPDATE sellers SET details = '{}'",
        "UPDATE environments SET name = 'Another', kind = 'test'",
        "UPDATE usage_days SET quantity = quantity * 3 + 1",
        "UPDATE usage_hours SET quantity = quantity * 3 + 1",
    ] {
        sqlx::query(sql).execute(&db).await.unwrap();
    }
    for (set, before) in Set::ALL.into_iter().zip(before) {
        assert_eq!(text(&db, Export::focus(set, october, now())).await, before, "{set:?}");
    }
    for sql in [
        "UPDATE charge_days SET quantities = quantities",
        "DELETE FROM charge_days",
        "UPDATE period_facts SET customer = 'x'",
        "DELETE FROM environment_facts",
        "UPDATE document_facts SET issuer = 'x'",
        "TRUNCATE charge_days",
    ] {
        assert!(sqlx::query(sql).execute(&db).await.is_err(), "{sql}");
    }
}

/// What a Parquet file holds, as texts: as CSV would say it, but for needless zeros.
async fn parquet(db: &PgPool, export: Export) -> Vec<Row> {
    let parts: Vec<bytes::Bytes> = export.into_parquet().stream(db.clone()).try_collect().await.unwrap();
    let reader = SerializedFileReader::new(bytes::Bytes::from(parts.concat())).unwrap();
    let rows = reader.get_row_iter(None).unwrap().map(Result::unwrap);
    let text = |field: &Field| match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Decimal(number) => {
            let value = i128::from_be_bytes(number.data().try_into().unwrap());
            let scale = u32::try_from(number.scale()).unwrap();
            Decimal::try_from_i128_with_scale(value, scale).unwrap().normalize().to_string()
        }
        Field::TimestampMicros(micros) => micros.to_string(),
        Field::Long(number) => number.to_string(),
        Field::Date(days) => days.to_string(),
        other => panic!("{other:?}"),
    };
    rows.map(|row| row.get_column_iter().map(|(name, field)| (name.clone(), text(field))).collect()).collect()
}

/// The same of a cell of CSV.
fn plain(text: &str) -> String {
    if let Ok(day) = text.parse::<chrono::NaiveDate>() {
        return (day - DateTime::UNIX_EPOCH.date_naive()).num_days().to_string();
    }
    if let Ok(at) = text.parse::<DateTime<Utc>>() {
        return at.timestamp_micros().to_string();
    }
    text.parse::<Decimal>().map_or_else(|_| text.to_owned(), |number| number.normalize().to_string())
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn parquet_says_what_csv_says_with_exact_types(db: PgPool) {
    bill(&db).await;
    let focus = Set::ALL.map(|set| (format!("{set:?}"), [0; 2].map(|_| Export::focus(set, year(None), now()))));
    let lists =
        List::ALL.map(|list| (format!("{list:?}"), [0; 2].map(|_| Export::list(list, year(None), Format::Csv))));
    for (name, [csv, other]) in focus.into_iter().chain(lists) {
        let (csv, other) = (rows(&db, csv).await, parquet(&db, other).await);
        assert!(!csv.is_empty(), "{name}");
        assert_eq!(csv.len(), other.len(), "{name}");
        for (one, other) in csv.iter().zip(&other) {
            let one: Row = one.iter().map(|(name, cell)| (name.clone(), plain(cell))).collect();
            let other: Row = other.iter().map(|(name, cell)| (name.clone(), plain(cell))).collect();
            assert_eq!(one, other, "{name}");
        }
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn charges_of_a_month_that_is_not_closed_stand_in_no_file(db: PgPool) {
    use crate::billing::world::{at, introduce, sell};
    use crate::support::portal::World;
    let world = World::new(db.clone()).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    alice.has_running(&world, "shop").await;
    // November is rated, and its invoice waits for an address.
    at(&world, "2026-12-01T03:00:00Z").await;
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM charges").fetch_one(&db).await.unwrap();
    assert!(count > 0);
    let charges = async || rows(&db, Export::list(List::Charges, year(Some(alice.account)), Format::Csv)).await;
    assert_eq!(charges().await.len(), 0);
    introduce(&world, alice.account, "MA").await;
    at(&world, "2026-12-01T03:01:00Z").await;
    let closed = charges().await;
    assert_eq!(i64::try_from(closed.len()).unwrap(), count);
    assert!(closed.iter().filter(|row| row["net"] != "0.00").all(|row| row["document"] == "MA-2026-000001"));
}
