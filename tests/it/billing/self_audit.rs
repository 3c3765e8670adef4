//! The books look at themselves: clean ones pass, and every sort of damage is found and named.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use sayoo::billing::documents;
use sayoo::billing::payments::{self, Method, Payback, Received};
use sayoo::billing::self_audit::{self, Report};
use sqlx::{Connection, PgConnection, PgPool};

use super::coupons::{coupon, redeem};
use super::world::{CORE_HOUR, at, introduce, mad, number, sell, texts, used};
use crate::metering::world as meters;
use crate::staff::records::{Attempt, Somebody};
use crate::support::invoices::as_the_bank_said;
use crate::support::portal::{Person, World};
use crate::support::process;

/// Three months of a customer with a coupon: an invoice that was paid in part, one with corrections, a credit note, money that went back.
async fn three_months(world: &World) -> Person {
    sell(world, true).await;
    let alice = world.customer("alice").await;
    world.customer("bob").await;
    introduce(world, alice.account, "MA").await;
    coupon(world, "TENTH", ("percent", "10"), ("1", "3")).await;
    redeem(&alice, "TENTH").await;
    let shop = alice.has_running(world, "shop").await;
    let hour = "2026-11-23T10:00:00Z".parse().unwrap();
    used(world, shop, "cpu", hour, 200 * CORE_HOUR + 12_345).await;
    used(world, shop, "requests", hour, 5_000_000).await;
    at(world, "2026-12-01T03:00:00Z").await;
    let now = world.portal.clock.now();
    let mut tx = world.db.begin().await.unwrap();
    let received = Received {
        account: alice.account,
        method: Method::Transfer,
        amount: mad(9_000),
        received_on: now.date_naive(),
        external_ref: "VIR-1",
    };
    let payment = payments::receive(&mut tx, &received, now).await.unwrap().unwrap();
    as_the_bank_said(&mut tx, payment).await;
    payments::settle(&mut tx, alice.account, now).await.unwrap();
    payments::pay_back(&mut tx, payment, Payback::Refund, mad(1_000), "back-1", now).await.unwrap();
    tx.commit().await.unwrap();
    used(world, shop, "cpu", hour, 180 * CORE_HOUR).await;
    used(world, shop, "cpu", "2026-12-20T10:00:00Z".parse().unwrap(), 777 * CORE_HOUR).await;
    at(world, "2027-01-01T03:00:00Z").await;
    at(world, "2027-02-01T03:00:00Z").await;
    measured(world).await;
    let mut db = world.db.acquire().await.unwrap();
    for document in documents::list_all(&mut db, "", 10).await.unwrap() {
        let text = format!("<ID>{}</ID>", document.number);
        // As if they had just been made, whenever it is looked.
        let made_at = now + TimeDelta::days(1_000);
        documents::keep_file(&mut db, document.id, "cii", text.as_bytes(), made_at).await.unwrap();
    }
    assert_eq!(number(&world.db, "SELECT count(*) FROM documents WHERE kind = 'credit_note'").await, 1);
    alice
}

/// Gives every hour a reading of a source of its own, which says just that.
async fn measured(world: &World) {
    for sql in [
        "INSERT INTO meter_epochs (id, environment_id, meter, source, opened_at, base_value, last_seq, last_value, last_observed_at)
         SELECT gen_random_uuid(), environment_id, meter, 'container:' || hour, hour, 0, 1, quantity, hour + interval '1 hour' FROM usage_hours",
        "INSERT INTO meter_samples (epoch_id, seq, from_at, until_at, observed_at, value, quantity, quality)
         SELECT id, 1, opened_at, last_observed_at, last_observed_at, last_value, last_value, 'measured' FROM meter_epochs",
    ] {
        sqlx::query(sql).execute(&world.db).await.unwrap();
    }
}

/// Everybody goes on being logged in.
async fn stays(world: &World) {
    let now = world.portal.clock.now();
    let used = "UPDATE sessions SET seen_at = $1, expires_at = $1 + interval '1 day'";
    sqlx::query(used).bind(now).execute(&world.db).await.unwrap();
}

/// What was measured is not looked at.
async fn audited(db: &mut PgConnection, world: &World) -> Report {
    let now = world.portal.clock.now();
    self_audit::audit(db, now + TimeDelta::days(1), now).await.unwrap()
}

/// The rules that are broken.
fn broken(report: &Report) -> BTreeSet<&str> {
    report.outcomes.iter().filter(|outcome| outcome.wrong > 0).map(|outcome| outcome.code.as_str()).collect()
}

/// Changes rows behind the back of every trigger and constraint between tables, looks, and takes it back.
pub async fn assert_found(db: &mut PgConnection, code: &str, damage: &str, since: DateTime<Utc>, now: DateTime<Utc>) {
    let mut tx = db.begin().await.unwrap();
    sqlx::raw_sql("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
    let done = sqlx::raw_sql(sqlx::AssertSqlSafe(damage.to_owned())).execute(&mut *tx).await.unwrap();
    assert!(done.rows_affected() > 0, "{code}: {damage} changes nothing");
    let report = self_audit::audit(&mut tx, since, now).await.unwrap();
    let outcome = report.outcomes.iter().find(|outcome| outcome.code == code).unwrap();
    assert!(outcome.wrong > 0 && !outcome.examples.is_empty(), "{code}: {damage}: {:?}", broken(&report));
    tx.rollback().await.unwrap();
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn clean_books_pass_and_every_damage_of_them_is_found(db: PgPool) {
    let world = World::new(db).await;
    three_months(&world).await;
    let mut db = world.db.acquire().await.unwrap();
    let report = audited(&mut db, &world).await;
    assert_eq!(
        report.outcomes.iter().filter(|it| it.wrong > 0).collect::<Vec<_>>(),
        Vec::<&self_audit::Outcome>::new()
    );
    let measured = ["counters", "batches", "hours", "coverage", "life", "cards", "clearing"];
    // Whether it is a month's turn that night is chance.
    for outcome in report.outcomes.iter().filter(|outcome| outcome.code != "usage") {
        let is_empty = outcome.looked_at == 0;
        assert_eq!(is_empty, measured.contains(&outcome.code.as_str()), "{outcome:?}");
    }
    let now = world.portal.clock.now();
    let (since, beginning) = (now + TimeDelta::days(1), now - TimeDelta::days(100));
    let report = self_audit::audit(&mut db, beginning, now).await.unwrap();
    assert_eq!(broken(&report), BTreeSet::new());
    for code in ["usage", "counters", "hours", "coverage", "life"] {
        assert!(report.outcomes.iter().any(|it| it.code == code && it.looked_at > 0), "{code}: {report:?}");
    }
    let newest = "(SELECT id FROM documents WHERE state = 'final' ORDER BY series_year DESC, no DESC LIMIT 1)";
    for (code, damage) in [
        ("numbers", "DELETE FROM documents WHERE no = 1".to_owned()),
        ("numbers", format!("DELETE FROM documents WHERE id = {newest}")),
        ("numbers", "UPDATE document_series SET last_no = last_no + 1".to_owned()),
        ("numbers", format!("UPDATE documents SET issued_on = issued_on - 100, due_on = due_on - 100 WHERE id = {newest}")),
        ("chain", "UPDATE documents SET canonical = replace(canonical, 'Ateliers', 'ateliers') WHERE no = 1".to_owned()),
        ("chain", "UPDATE documents SET sha256 = sha256('x') WHERE no = 1".to_owned()),
        ("chain", "UPDATE document_series SET last_sha256 = '\\x00'".to_owned()),
        ("sums", "UPDATE document_lines SET quantity = quantity + 1, net_minor = round((quantity + 1) * unit_price * 100)".to_owned()),
        ("sums", "UPDATE document_vat SET base_minor = base_minor + 100, amount_minor = round((base_minor + 100) * rate / 100)".to_owned()),
        ("sums", "DELETE FROM document_lines WHERE line_no = 1".to_owned()),
        ("sums", "DELETE FROM document_vat".to_owned()),
        ("written", "UPDATE documents SET due_on = due_on + 1 WHERE no = 1".to_owned()),
        ("written", "UPDATE documents SET canonical = 'no more' WHERE no = 1".to_owned()),
        ("written", "UPDATE document_lines SET unit_price = unit_price * 2, quantity = quantity / 2 WHERE line_no = 1".to_owned()),
        ("files", "UPDATE document_files SET content = 'x', sha256 = sha256('x'), created_at = now() + interval '100 years'".to_owned()),
        ("credits", "UPDATE documents SET corrects_id = id WHERE kind = 'credit_note'".to_owned()),
        ("credits", "UPDATE document_vat SET base_minor = 0, amount_minor = 0 WHERE document_id IN (SELECT corrects_id FROM documents)".to_owned()),
        ("once", "UPDATE documents SET account_id = (SELECT id FROM accounts a WHERE a.id <> documents.account_id LIMIT 1) WHERE kind = 'invoice'".to_owned()),
        ("months", "DELETE FROM billing_periods WHERE from_at = (SELECT from_at FROM billing_periods ORDER BY from_at OFFSET 1 LIMIT 1)".to_owned()),
        ("segments", "DELETE FROM charges WHERE meter IS NULL".to_owned()),
        ("segments", "UPDATE charges SET used_raw = used_raw - 1 WHERE meter IS NULL".to_owned()),
        ("segments", "UPDATE environment_segments SET from_at = from_at + interval '1 hour'".to_owned()),
        ("quantities", "UPDATE charges SET used_raw = used_raw + 360000 WHERE meter = 'cpu' AND revision = 0".to_owned()),
        ("remainders", "UPDATE charges SET carry_out_raw = carry_out_raw + 360000 WHERE meter = 'cpu' AND tier = 1".to_owned()),
        ("usage", "UPDATE charges SET used_raw = used_raw + 1 WHERE meter = 'cpu'".to_owned()),
        ("usage", "DELETE FROM charges WHERE meter = 'requests'".to_owned()),
        ("usage", "UPDATE usage_hours SET quantity = quantity * 2".to_owned()),
        ("usage", "DELETE FROM usage_hours WHERE meter = 'cpu'".to_owned()),
        (
            "usage",
            "INSERT INTO usage_hours SELECT environment_id, 'egress', hour, 1, 3600, 'measured' FROM usage_hours LIMIT 1".to_owned(),
        ),
        ("usage", "UPDATE environment_segments SET from_at = from_at + interval '2 days'".to_owned()),
        ("prices", "UPDATE charges SET unit_price = unit_price * 2, net_minor = round(quantity * unit_price * 200) WHERE tier = 1".to_owned()),
        ("prices", "UPDATE charges SET tier = 2 WHERE tier = 1 AND meter = 'cpu'".to_owned()),
        ("prices", "UPDATE charges SET quantity = quantity - 1 WHERE tier = 0 AND meter = 'cpu' AND quantity > 1".to_owned()),
        ("prices", "UPDATE plan_meters SET unit_price = unit_price + 0.01".to_owned()),
        ("prices", "UPDATE plan_meters SET included = included + 1".to_owned()),
        ("lines", "DELETE FROM charge_lines".to_owned()),
        ("lines", "UPDATE charge_lines SET line_no = 3 - line_no WHERE line_no < 3".to_owned()),
        ("discounts", "DELETE FROM discount_lines".to_owned()),
        ("discounts", "DELETE FROM discounts WHERE amount_minor > 0".to_owned()),
        ("discounts", "UPDATE discounts SET amount_minor = amount_minor + 1".to_owned()),
        ("discounts", "UPDATE discounts SET account_id = (SELECT id FROM accounts a WHERE a.id <> discounts.account_id LIMIT 1)".to_owned()),
        ("discounts", "UPDATE discount_lines SET line_no = CASE line_no WHEN 1 THEN 2 ELSE 1 END".to_owned()),
        ("discounts", "INSERT INTO document_lines (document_id, line_no, kind, title, quantity, unit, unit_price, net_minor, vat_category, vat_rate)
                       SELECT id, 99, 'discount', 'a friend', -1, 'one', 5, -500, 'S', 20 FROM documents WHERE no = 1 AND kind = 'invoice'".to_owned()),
        ("frozen", "DELETE FROM period_facts".to_owned()),
        ("frozen", "DELETE FROM document_facts".to_owned()),
        ("frozen", "UPDATE charge_days SET quantities[1] = quantities[1] + 1".to_owned()),
        ("entries", "UPDATE postings SET amount_minor = amount_minor + 1 WHERE position = 1".to_owned()),
        ("entries", "DELETE FROM postings WHERE position = 2".to_owned()),
        ("journal", "DELETE FROM journal_entries WHERE seq = 2".to_owned()),
        ("journal", "UPDATE journal_counters SET last_seq = last_seq + 1".to_owned()),
        ("posted", "UPDATE journal_entries SET source_id = gen_random_uuid() WHERE source_kind = 'payment'".to_owned()),
        ("posted", "DELETE FROM allocations".to_owned()),
        ("allocations", "UPDATE allocations SET amount_minor = amount_minor + 1000000".to_owned()),
        ("allocations", "UPDATE allocations SET account_id = (SELECT id FROM accounts a WHERE a.id <> allocations.account_id LIMIT 1)".to_owned()),
        ("receivable", "DELETE FROM allocations".to_owned()),
        ("credit", "UPDATE payments SET amount_minor = amount_minor + 5".to_owned()),
        ("credit", "DELETE FROM paybacks".to_owned()),
        ("lots", "UPDATE credit_lots SET remaining_minor = remaining_minor + 1 WHERE remaining_minor < amount_minor".to_owned()),
        ("lots", "DELETE FROM credit_lots WHERE source = 'credit_note'".to_owned()),
        ("lots", "DELETE FROM paybacks".to_owned()),
        ("lots_booked", "UPDATE credit_lots SET remaining_minor = remaining_minor + 1 WHERE remaining_minor < amount_minor".to_owned()),
        ("cards", "INSERT INTO payment_attempts (id, document_id, account_id, attempt_no, idempotency_key, amount_minor, currency, request, state
                                              , provider_id, created_at, ended_at)
                   SELECT gen_random_uuid(), id, account_id, 1, 'invoice-' || id || '-1', 100, 'MAD', '[[\"amount\", \"100\"]]', 'succeeded', 'pi_' || id, now(), now()
                     FROM documents WHERE no = 1".to_owned()),
        ("rates", "UPDATE journal_entries SET source_kind = 'another' WHERE source_kind = 'document'".to_owned()),
        // What the sum of the month does not show.
        (
            "rates",
            "UPDATE postings SET amount_minor = amount_minor + CASE documents.kind WHEN 'invoice' THEN 7 ELSE -7 END
               FROM journal_entries entries, ledger_accounts books, documents
              WHERE entries.id = postings.entry_id AND books.id = postings.ledger_account_id AND books.role = 'vat'
                AND documents.id = entries.source_id AND documents.issued_on = '2027-01-01'".to_owned(),
        ),
        ("received", "DELETE FROM bank_receipts".to_owned()),
        ("received", "UPDATE bank_receipts SET amount_minor = amount_minor - 1".to_owned()),
        ("received", "UPDATE payments SET method = 'card'".to_owned()),
        ("clearing", "INSERT INTO payments (id, account_id, seller_id, method, amount_minor, currency, received_on, external_ref, created_at)
                      SELECT gen_random_uuid(), account_id, seller_id, 'card', 100, currency, received_on, 'pi_lost', created_at FROM payments".to_owned()),
        ("clearing", "INSERT INTO card_payouts (id, provider_id, seller_id, amount_minor, fees_minor, currency, arrived_on, created_at)
                      SELECT gen_random_uuid(), 'po_' || code, id, 100, 5, currency, current_date, now() FROM sellers".to_owned()),
        // What a customer paid by card two months ago is still not at our bank.
        ("clearing", "UPDATE payments SET method = 'card';
                      UPDATE postings SET ledger_account_id = (SELECT id FROM ledger_accounts held
                                                                WHERE held.role = 'card_clearing' AND held.seller_id = bank.seller_id)
                        FROM ledger_accounts bank WHERE bank.id = postings.ledger_account_id AND bank.role = 'bank'".to_owned()),
        ("vat", "UPDATE documents SET vat_minor = vat_minor + 1, gross_minor = gross_minor + 1 WHERE no = 1".to_owned()),
    ] {
        assert_found(&mut db, code, &damage, if code == "usage" { beginning } else { since }, now).await;
    }
    assert_eq!(broken(&audited(&mut db, &world).await), BTreeSet::new(), "all of it was taken back");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn every_month_and_every_environment_has_its_turn_within_thirty_nights(db: PgPool) {
    let world = World::new(db).await;
    three_months(&world).await;
    let mut db = world.db.acquire().await.unwrap();
    let now = world.portal.clock.now();
    // Long after they were closed, somebody makes charges and hours of November say less.
    let mut tx = db.begin().await.unwrap();
    for sql in [
        "SET LOCAL session_replication_role = replica",
        "UPDATE charges SET used_raw = used_raw - 1 WHERE meter = 'requests'",
        "UPDATE usage_hours SET quantity = quantity - 1 WHERE hour > '2026-12-01'",
    ] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap();
    }
    let (mut usage, mut hours) = (Vec::new(), Vec::new());
    for night in 1..=30 {
        // The readings of December are still within a month for the first nights.
        let report = self_audit::audit(&mut tx, now + TimeDelta::days(night), now).await.unwrap();
        let late = self_audit::audit(&mut tx, at_noon("2026-12-20") + TimeDelta::days(night), now).await.unwrap();
        let wrong = |report: &Report, code: &str| report.outcomes.iter().find(|it| it.code == code).unwrap().wrong;
        usage.push(wrong(&report, "usage"));
        hours.push(wrong(&late, "hours"));
    }
    assert_eq!(usage.iter().filter(|wrong| **wrong > 0).count(), usage_months(&mut tx).await, "{usage:?}");
    assert_eq!(hours.iter().filter(|wrong| **wrong > 0).count(), 1, "{hours:?}");
}

fn at_noon(day: &str) -> DateTime<Utc> {
    format!("{day}T12:00:00Z").parse().unwrap()
}

/// In how many different nights a month's turn comes in which something is wrong now: November's requests, December's processors.
async fn usage_months(db: &mut PgConnection) -> usize {
    let sql = "SELECT count(DISTINCT (hashtext(id::text) & 2147483647) % 30) FROM billing_periods
                WHERE state = 'closed' AND from_at < '2026-12-15'";
    usize::try_from(sqlx::query_scalar::<_, i64>(sql).fetch_one(db).await.unwrap()).unwrap()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_was_measured_is_derived_again_and_every_damage_of_it_is_found(db: PgPool) {
    let world = meters::World::new(db);
    let (alice, _bob) = (world.instance("alice", 0).await, world.instance("bob", 600).await);
    world.sampler.tick().await;
    for minute in 1..=200 {
        world.traffic(uuid::Uuid::from_u128(7), &alice, minute, minute * 13, minute * 1_001).await;
        world.minutes(1).await;
    }
    // A gap of three hours, by which a counter loses nothing and a gauge does.
    world.advance(3 * 3600 + 17);
    world.minutes(65).await;
    world.derive().await;
    let mut db = world.db.acquire().await.unwrap();
    let now = world.clock.now();
    let since = meters::start() - TimeDelta::days(1);
    let report = self_audit::audit(&mut db, since, now).await.unwrap();
    assert_eq!(
        report.outcomes.iter().filter(|it| it.wrong > 0).collect::<Vec<_>>(),
        Vec::<&self_audit::Outcome>::new()
    );
    for code in ["counters", "batches", "hours", "coverage", "life"] {
        assert!(report.outcomes.iter().any(|it| it.code == code && it.looked_at > 0), "{code}: {report:?}");
    }
    // From the middle of it on it is right as well.
    let half = meters::start() + TimeDelta::minutes(95);
    assert_eq!(broken(&self_audit::audit(&mut db, half, now).await.unwrap()), BTreeSet::new());
    for (code, damage) in [
        ("counters", "UPDATE meter_samples SET quantity = quantity + 1 WHERE seq = 20"),
        ("counters", "UPDATE meter_epochs SET last_value = last_value + 1"),
        ("counters", "DELETE FROM meter_samples WHERE seq = 20"),
        ("batches", "UPDATE meter_batches SET refused = refused + 1, received = received + 1"),
        ("hours", "UPDATE usage_hours SET quantity = quantity + 1 WHERE meter = 'egress'"),
        ("hours", "DELETE FROM usage_hours WHERE meter = 'cpu'"),
        (
            "hours",
            "INSERT INTO usage_hours SELECT environment_id, 'cpu', hour - interval '5 hours', 1, 60, 'measured' FROM usage_hours WHERE meter = 'egress' LIMIT 1",
        ),
        ("coverage", "UPDATE usage_days SET quantity = quantity + 1"),
        ("hours", "UPDATE usage_hours SET covered_seconds = covered_seconds - 1 WHERE covered_seconds > 0"),
        ("hours", "UPDATE usage_hours SET quality = 'measured' WHERE quality = 'interpolated'"),
        ("hours", "UPDATE usage_hours SET quality = 'lower_bound' WHERE meter = 'requests'"),
        ("life", "UPDATE meter_epochs SET opened_at = opened_at + interval '2 hours'"),
        ("life", "UPDATE usage_hours SET hour = hour - interval '8 hours' WHERE meter = 'memory'"),
    ] {
        assert_found(&mut db, code, damage, since, now).await;
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn each_night_is_looked_at_once_and_both_sides_read_what_was_found(db: PgPool) {
    let world = World::new(db).await;
    let alice = three_months(&world).await;
    let staff = world.staff().await;
    staff.get("/staff/billing/audit").await.assert_says(200, "Nothing was looked at yet");
    alice.get("/account/billing/proof").await.assert_says(200, "Nothing of yours was looked at yet");
    assert!(!alice.get("/account/billing").await.words().contains("What was checked"));

    assert_eq!(self_audit::nightly(&world.portal).await.unwrap().unwrap().wrong(), 0);
    assert_eq!(self_audit::nightly(&world.portal).await.unwrap(), None, "the night is done");
    let page = staff.get("/staff/billing/audit").await;
    page.assert_says(200, "and all of them are right");
    page.assert_says(200, "Each document names the hash of the one before");
    assert!(!page.words().contains("Broken"));
    let page = alice.get("/account/billing").await;
    page.assert_says(200, "On 1 February 2027 we checked");
    page.assert_says(200, "all of them are right. What was checked");
    alice.get("/account/billing/proof").await.assert_says(200, "Credit in the books is what is free");
    // Who has no rows reads no numbers of others.
    let eve = world.customer("eve").await;
    eve.get("/account/billing/proof").await.assert_says(200, "Nothing of yours was looked at yet");
    let member = world.person("mia", "member").await;
    assert_eq!(member.get("/account/billing/proof").await.status, 403);

    // A worker that died in the night: another one begins anew after two hours, and not before.
    world.wait(TimeDelta::days(1));
    self_audit::nightly(&world.portal).await.unwrap().unwrap();
    sqlx::query("UPDATE self_audits SET ended_at = NULL WHERE night = '2027-02-02'").execute(&world.db).await.unwrap();
    world.wait(TimeDelta::hours(1));
    assert_eq!(self_audit::nightly(&world.portal).await.unwrap(), None);
    world.wait(TimeDelta::minutes(61));
    assert_eq!(self_audit::nightly(&world.portal).await.unwrap().unwrap().wrong(), 0);
    assert_eq!(number(&world.db, "SELECT count(*) FROM self_audits").await, 2);
    assert_eq!(number(&world.db, "SELECT count(DISTINCT self_audit_id) FROM self_audit_parts").await, 1);

    // Somebody with all rights changes what a customer owes.
    let mut tx = world.db.begin().await.unwrap();
    for sql in ["SET LOCAL session_replication_role = replica", "UPDATE payments SET amount_minor = amount_minor + 5"] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    world.wait(TimeDelta::days(1));
    assert!(self_audit::nightly(&world.portal).await.unwrap().unwrap().wrong() > 0);
    let found =
        texts(&world.db, "SELECT code || ': ' || example FROM self_audit_parts WHERE wrong > 0 ORDER BY 1").await;
    assert!(found.iter().any(|it| it.starts_with("credit: ")), "{found:?}");
    stays(&world).await;
    let staff = world.staff().await;
    let page = staff.get("/staff/billing/audit").await;
    page.assert_says(200, "rows are wrong");
    page.assert_says(200, "Broken");
    page.assert_says(200, "payment VIR-1");
    alice.get("/account/billing/proof").await.assert_says(200, "Our people see it too");
    alice.get("/account/billing").await.assert_says(200, "found something to look into");
    eve.get("/account/billing/proof").await.assert_says(200, "Nothing of yours was looked at yet");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn whoever_shows_what_was_found_cannot_write_it(db: PgPool) {
    let web = Somebody::like_web(&db).await;
    for change in [
        "INSERT INTO self_audits (id, since, began_at, ended_at) VALUES (gen_random_uuid(), now(), now(), now())",
        "UPDATE self_audit_checks SET wrong = 0",
        "DELETE FROM self_audit_parts",
        "INSERT INTO period_proofs SELECT id, 1, '', sha256(''), now() FROM billing_periods",
        "DELETE FROM period_proofs",
    ] {
        Attempt::by(&db, &web).is_refused(change, "42501").await;
    }
    web.gone(&db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_command_asks_at_once_and_ends_with_an_error_when_something_is_wrong(db: PgPool) {
    let world = World::new(db.clone()).await;
    three_months(&world).await;
    let folder = tempfile::tempdir().unwrap();
    let config = process::configuration(&db, folder.path());
    let run = process::run(&config, &["billing", "audit"]).await;
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success(), "{said} {}", String::from_utf8_lossy(&run.stderr));
    assert!(said.contains("the books are right") && said.contains("right  chain        I17, I21"), "{said}");

    let mut tx = db.begin().await.unwrap();
    for sql in ["SET LOCAL session_replication_role = replica", "UPDATE documents SET due_on = due_on + 1 WHERE no = 2"]
    {
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    let run = process::run(&config, &["billing", "audit", "--days", "1"]).await;
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    assert_eq!(run.status.code(), Some(1), "{said}");
    assert!(said.contains("WRONG  written") && said.contains("MA-20"), "{said}");
    assert!(String::from_utf8_lossy(&run.stderr).contains("the books are wrong in 1 rows"));
}
