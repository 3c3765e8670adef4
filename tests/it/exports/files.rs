//! Files in a folder: whole or not there, whoever else writes and whatever happens in between.

use std::fs;
use std::path::Path;

use chrono::{DateTime, Utc};
use sayoo::exports::files::{self, Wanted};
use sayoo::exports::{Export, Filter, Format, List};
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use super::bill;
use crate::support::process;

fn now() -> DateTime<Utc> {
    "2027-01-02T00:00:00Z".parse().unwrap()
}

fn wanted(list: List) -> Wanted {
    let filter = Filter { from: "2026-01-01".parse().unwrap(), to: "2027-01-01".parse().unwrap(), account: None };
    let export = Export::list(list, filter, Format::Csv);
    Wanted { name: format!("{}.csv", list.word()), export, filter, has_names: true }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn manifest(folder: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_folder_s_manifest_tells_whole_files_from_others(db: PgPool) {
    bill(&db).await;
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("new");
    files::write(&db, &at, vec![wanted(List::Charges), wanted(List::Ledger)], now()).await.unwrap();
    files::write(&db, &at, vec![wanted(List::Payments)], now()).await.unwrap();
    assert_eq!(names(&at), [".lock", "charges.csv", "ledger.csv", "manifest.json", "payments.csv"]);
    let manifest = manifest(&at);
    for list in [List::Charges, List::Ledger, List::Payments] {
        let name = format!("{}.csv", list.word());
        let text = fs::read(at.join(&name)).unwrap();
        assert_eq!(manifest[&name]["sha256"], hex::encode(Sha256::digest(&text)), "{name}");
        assert_eq!(manifest[&name]["bytes"], text.len());
        assert_eq!(manifest[&name]["from"], "2026-01-01");
    }
    assert_eq!(manifest["payments.csv"]["rows"], 2);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_export_without_rows_is_a_file_too(db: PgPool) {
    let folder = tempfile::tempdir().unwrap();
    let entries = files::write(&db, folder.path(), vec![wanted(List::Charges)], now()).await.unwrap();
    assert_eq!(entries[0].rows, 0);
    assert!(fs::read_to_string(folder.path().join("charges.csv")).unwrap().starts_with("charge_id,"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_export_that_is_cut_off_leaves_the_last_one_and_no_half_file(db: PgPool) {
    bill(&db).await;
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    files::write(&db, at, vec![wanted(List::Ledger)], now()).await.unwrap();
    let before = fs::read(at.join("ledger.csv")).unwrap();

    // The database goes away in the middle.
    let closed = PgPool::connect_lazy_with((*db.connect_options()).clone());
    closed.close().await;
    assert!(files::write(&closed, at, vec![wanted(List::Ledger)], now()).await.is_err());
    fs::write(at.join("charges.csv.part"), "half").unwrap();
    assert_eq!(fs::read(at.join("ledger.csv")).unwrap(), before);
    assert_eq!(manifest(at)["ledger.csv"]["sha256"], hex::encode(Sha256::digest(&before)));

    files::write(&db, at, vec![wanted(List::Payments)], now()).await.unwrap();
    assert_eq!(names(at), [".lock", "ledger.csv", "manifest.json", "payments.csv"], "what was left half is gone");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn two_exports_never_write_into_one_folder_at_once(db: PgPool) {
    bill(&db).await;
    let folder = tempfile::tempdir().unwrap();
    let lock = fs::File::create(folder.path().join(".lock")).unwrap();
    lock.lock().unwrap();
    let refused = files::write(&db, folder.path(), vec![wanted(List::Ledger)], now()).await.unwrap_err();
    assert!(format!("{refused:#}").contains("another export is being written"), "{refused:#}");
    assert_eq!(names(folder.path()), [".lock"]);
    drop(lock);
    files::write(&db, folder.path(), vec![wanted(List::Ledger)], now()).await.unwrap();
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_command_writes_every_export(db: PgPool) {
    bill(&db).await;
    let folder = tempfile::tempdir().unwrap();
    let config = process::configuration(&db, folder.path());
    let out = folder.path().join("out");
    let days = ["--from", "2026-01-01", "--to", "2027-01-01"];
    for what in ["focus", "fec", "beancount", "charges", "invoices", "payments", "ledger"] {
        let words = [&["export", what][..], &days, &["--out", out.to_str().unwrap()]].concat();
        let done = process::run(&config, &words).await;
        assert!(done.status.success(), "{what}: {}", String::from_utf8_lossy(&done.stderr));
    }
    let names = names(&out);
    for name in [
        "cost_and_usage.csv",
        "invoice_detail.csv",
        "billing_period.csv",
        "cost_and_usage_1_2.csv",
        "732829320FEC20261231.txt",
    ] {
        assert!(names.iter().any(|other| other == name), "{name} in {names:?}");
    }
    for list in ["focus", "charges"] {
        let words = [&["export", list][..], &days, &["--format", "parquet", "--out", out.to_str().unwrap()]].concat();
        let done = process::run(&config, &words).await;
        assert!(done.status.success(), "{list}: {}", String::from_utf8_lossy(&done.stderr));
    }
    let told = manifest(&out);
    for name in ["cost_and_usage", "charges-2026-01-01-2027-01-01"] {
        // Of CSV, lines are counted; a customer's name has two.
        let rows = csv::Reader::from_path(out.join(format!("{name}.csv"))).unwrap().records().count();
        assert_eq!(told[&format!("{name}.parquet")]["rows"], rows, "{name}");
        assert!(fs::read(out.join(format!("{name}.parquet"))).unwrap().ends_with(b"PAR1"), "{name}");
    }
    let usage = process::run(&config, &[&["export", "usage"][..], &days, &["--format", "parquet"]].concat()).await;
    assert!(usage.stdout.starts_with(b"PAR1") && usage.stdout.ends_with(b"PAR1"), "usage");
    let printed = process::run(&config, &[&["export", "ledger"][..], &days].concat()).await;
    assert_eq!(printed.stdout, fs::read(out.join("ledger-2026-01-01-2027-01-01.csv")).unwrap());
    let refused = process::run(&config, &["export", "ledger", "--from", "2026-02-01", "--to", "2026-02-01"]).await;
    assert!(
        !refused.status.success()
            && String::from_utf8_lossy(&refused.stderr).contains("--from must be a day before --to")
    );
}
