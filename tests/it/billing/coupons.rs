//! Coupons: who may redeem one and how often, what it takes off, in which order, and that papers, books and files agree to the coin.

use flate2::read::GzDecoder;
use futures_util::TryStreamExt;
use futures_util::future::join_all;
use rust_decimal::Decimal;
use sayoo::billing::documents;
use sayoo::exports::focus::{Set, Version};
use sayoo::exports::{Export, Filter};
use sqlx::PgPool;

use super::dunning::has;
use super::recompute::recompute;
use super::world::{CORE_HOUR, at, audit, introduce, number, sell, texts, used};
use crate::staff::records::{Attempt, Somebody};
use crate::support::portal::{Person, World};

const PATH: &str = "/account/billing/coupons";

/// A coupon by the staff's page: what it takes off (`percent`, `MAD`, `EUR`), of how many accounts, for how many months.
pub async fn coupon(world: &World, code: &str, (of, value): (&str, &str), (most, months): (&str, &str)) {
    let staff = world.staff().await;
    let fields =
        [("code", code), ("of", of), ("value", value), ("until", "2026-12-31"), ("most", most), ("months", months)];
    staff.post("/staff/coupons", &fields).await.assert_redirect("/staff/coupons");
}

pub async fn redeem(person: &Person, code: &str) {
    person.post(PATH, &[("code", code)]).await.assert_redirect(PATH);
}

/// A shop since noon of 22 November that used 200 core-hours the day after: MAD 140.85 until the month's end.
async fn shop(world: &World) -> Person {
    let alice = world.customer("alice").await;
    introduce(world, alice.account, "MA").await;
    let shop = alice.has_running(world, "shop").await;
    used(world, shop, "cpu", "2026-11-23T10:00:00Z".parse().unwrap(), 200 * CORE_HOUR).await;
    alice
}

/// Says that another number of core-hours was used on that day.
async fn known_later(world: &World, core_hours: i64) {
    known_later_of(world, "cpu", core_hours * CORE_HOUR).await;
}

/// The same of any meter, as it is counted.
async fn known_later_of(world: &World, meter: &str, quantity: i64) {
    let id: uuid::Uuid = sqlx::query_scalar("SELECT id FROM environments").fetch_one(&world.db).await.unwrap();
    let hour = "2026-11-23T10:00:00Z".parse().unwrap();
    used(world, id.to_string().parse().unwrap(), meter, hour, quantity).await;
}

/// Computes every month again from the file that was kept with it.
async fn computed_again(db: &PgPool) -> (i32, String) {
    let sql = "SELECT period_id::text, content FROM period_proofs ORDER BY period_id, part";
    let kept: Vec<(String, Vec<u8>)> = sqlx::query_as(sql).fetch_all(db).await.unwrap();
    let mut months = std::collections::BTreeMap::<String, String>::new();
    for (period, part) in kept {
        let line = std::io::read_to_string(GzDecoder::new(part.as_slice())).unwrap();
        let month = months.entry(period).or_default();
        month.push_str(line.trim_end());
        month.push('\n');
    }
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for (period, lines) in months {
        let file = folder.path().join(period);
        std::fs::write(&file, lines).unwrap();
        files.push(file);
    }
    recompute(&files)
}

/// The documents of a customer as kind, net and gross, in the order of their numbers; and the lines' kinds and nets.
async fn papers(db: &PgPool) -> Vec<String> {
    let sql = "SELECT concat_ws(' ', kind, net_minor, vat_minor, (SELECT string_agg(l.kind || ' ' || l.net_minor, ', ' ORDER BY line_no)
                                                         FROM document_lines l WHERE l.document_id = documents.id))
                 FROM documents WHERE state = 'final' ORDER BY series_year, no";
    texts(db, sql).await
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn case_39_a_coupon_takes_off_before_vat_what_page_invoice_books_and_files_say_alike(db: PgPool) {
    let world = World::new(db.clone()).await;
    sell(&world, true).await;
    coupon(&world, "spring-20", ("percent", "20"), ("10", "1")).await;
    let alice = shop(&world).await;
    redeem(&alice, " Spring-20 ").await;
    alice.get(PATH).await.assert_says(200, "Coupon SPRING-20: 20 % off all plans");
    at(&world, "2026-11-24T12:00:00Z").await;
    // MAD 91.33 so far, of which a fifth is 18.27.
    let page = alice.get("/account/billing").await;
    page.assert_says(200, "Cost so far MAD 73.06");
    page.assert_says(200, "Coupon SPRING-20: 20 % off: −MAD 18.27");

    at(&world, "2026-12-01T03:00:00Z").await;
    assert_eq!(papers(&db).await, ["invoice 11268 2254 base_fee 11842, usage 2243, discount -2817"]);
    audit(&db).await;
    let mut conn = db.acquire().await.unwrap();
    let listed = documents::list(&mut conn, alice.account).await.unwrap();
    alice.get(&format!("/account/billing/invoices/{}", listed[0].id)).await.assert_says(200, "MAD -28.17");
    // PDF, CII and UBL are made of it.
    world.settle().await;
    assert_eq!(number(&db, "SELECT count(*) FROM document_files").await, 3);
    let cii: Vec<u8> =
        sqlx::query_scalar("SELECT content FROM document_files WHERE kind = 'cii'").fetch_one(&db).await.unwrap();
    assert!(String::from_utf8(cii).unwrap().contains("-28.17"));

    // The file for cost tools comes to the invoice.
    let filter = Filter { from: "2026-11-15".parse().unwrap(), to: "2026-12-15".parse().unwrap(), account: None };
    let focus = Export::focus(Set::CostAndUsage(Version::V1_4), filter, world.portal.clock.now());
    let parts: Vec<bytes::Bytes> = focus.stream(db.clone()).try_collect().await.unwrap();
    let file = parts.concat();
    let mut reader = csv::Reader::from_reader(file.as_slice());
    let rows: Vec<std::collections::BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    let sum = |category: &str| -> Decimal {
        let of = rows.iter().filter(|row| category.is_empty() || row["ChargeCategory"] == category);
        of.map(|row| row["BilledCost"].parse::<Decimal>().unwrap()).sum()
    };
    assert_eq!(sum("Credit"), Decimal::new(-2817, 2));
    assert!((sum("") - Decimal::new(13_522, 2)).abs() < Decimal::new(5, 3), "{}", sum(""));

    // A month only: December costs what it costs. Looked at ten times, it is taken off once (case 40).
    for _ in 0..10 {
        sayoo::billing::run::look(&world.portal).await.unwrap();
    }
    at(&world, "2027-01-01T03:00:00Z").await;
    assert_eq!(papers(&db).await[1..], ["invoice 42000 8400 base_fee 42000"]);
    assert_eq!(number(&db, "SELECT count(*) FROM discounts").await, 1);
    audit(&db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn percentages_come_first_and_no_month_comes_to_less_than_nothing(db: PgPool) {
    let world = World::new(db.clone()).await;
    sell(&world, true).await;
    coupon(&world, "TWENTY", ("MAD", "20"), ("10", "1")).await;
    coupon(&world, "HALF", ("percent", "50"), ("10", "2")).await;
    coupon(&world, "GIFT", ("MAD", "1000"), ("10", "2")).await;
    let alice = shop(&world).await;
    for code in ["TWENTY", "HALF", "GIFT"] {
        redeem(&alice, code).await;
        world.wait(chrono::TimeDelta::seconds(1));
    }
    at(&world, "2026-12-01T03:00:00Z").await;
    // Half of 140.85 is 70.43; 20 of what is left; and then what is left of that, not a thousand.
    let lines = "base_fee 11842, usage 2243, discount -2000, discount -7043, discount -5042";
    assert_eq!(papers(&db).await, [format!("invoice 0 0 {lines}")]);
    audit(&db).await;
    alice.get("/account/billing/invoices").await.assert_says(200, "Paid");
    // What was left of the thousand is not kept; half counts for a second month, and so does the gift.
    at(&world, "2027-01-01T03:00:00Z").await;
    assert_eq!(papers(&db).await[1..], ["invoice 0 0 base_fee 42000, discount -21000, discount -21000"]);
    at(&world, "2027-02-01T03:00:00Z").await;
    assert_eq!(papers(&db).await[2..], ["invoice 42000 8400 base_fee 42000"]);
    audit(&db).await;
    for wrong in [
        // Nobody gives more than there is, nor changes what was given.
        "INSERT INTO discounts (id, account_id, period_id, of_period_id, redemption_id, revision, currency, amount_minor, created_at)
         SELECT gen_random_uuid(), account_id, period_id, of_period_id, redemption_id, 7, currency, 1, now() FROM discounts LIMIT 1",
        "UPDATE discounts SET amount_minor = 1",
        "DELETE FROM discounts",
        "TRUNCATE discounts CASCADE",
        "DELETE FROM discount_lines",
        "UPDATE coupons SET percent = 99 WHERE percent IS NOT NULL",
        "DELETE FROM coupon_redemptions",
    ] {
        assert!(sqlx::query(sqlx::AssertSqlSafe(wrong.to_owned())).execute(&db).await.is_err(), "{wrong}");
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_coupon_for_a_plan_takes_nothing_off_others(db: PgPool) {
    let world = World::new(db.clone()).await;
    sell(&world, true).await;
    let plan: uuid::Uuid =
        sqlx::query_scalar("SELECT id FROM plans WHERE code = 'development'").fetch_one(&db).await.unwrap();
    let fields =
        [("code", "DEVS"), ("of", "percent"), ("value", "100"), ("until", "2026-12-31"), ("plan", &plan.to_string())];
    let staff = world.staff().await;
    staff.post("/staff/coupons", &fields).await.assert_redirect("/staff/coupons");
    staff.get("/staff/coupons").await.assert_says(200, "Coupon DEVS: 100 % off Development");
    let alice = shop(&world).await;
    has(&world, &alice, "development", "devel").await;
    redeem(&alice, "DEVS").await;
    at(&world, "2026-12-01T03:00:00Z").await;
    // 99 × 203 ÷ 720.
    let lines = texts(&db, "SELECT kind || ' ' || net_minor FROM document_lines WHERE kind = 'discount'").await;
    assert_eq!(lines, ["discount -2791"]);
    assert_eq!(number(&db, "SELECT net_minor FROM documents").await, 14_085);
    audit(&db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_is_known_later_of_a_discounted_month_is_discounted_too(db: PgPool) {
    let world = World::new(db.clone()).await;
    sell(&world, true).await;
    coupon(&world, "SPRING", ("percent", "20"), ("1", "1")).await;
    let alice = shop(&world).await;
    redeem(&alice, "SPRING").await;
    at(&world, "2026-12-01T03:00:00Z").await;
    known_later(&world, 150).await;
    at(&world, "2027-01-01T03:00:00Z").await;
    // 50 core-hours less: 19.00 are given back, of which a fifth was never paid.
    assert_eq!(
        papers(&db).await[1..],
        ["credit_note 1520 304 correction -380, correction 1900", "invoice 42000 8400 base_fee 42000"]
    );
    audit(&db).await;
    known_later(&world, 170).await;
    at(&world, "2027-02-01T03:00:00Z").await;
    let last = papers(&db).await.pop().unwrap();
    // 20 of them are known after all.
    assert_eq!(last, "invoice 42608 8522 correction 760, base_fee 42000, discount -152");
    audit(&db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_correction_of_a_free_month_that_goes_down_and_up_costs_nothing(db: PgPool) {
    let world = World::new(db.clone()).await;
    sell(&world, true).await;
    coupon(&world, "FREE", ("percent", "100"), ("1", "2")).await;
    let alice = shop(&world).await;
    redeem(&alice, "FREE").await;
    at(&world, "2026-12-01T03:00:00Z").await;
    assert_eq!(papers(&db).await, ["invoice 0 0 base_fee 11842, usage 2243, discount -14085"]);

    // 50 core-hours less: 19.00. 1,409.723 thousand requests are included (5,000 × 203 ÷ 720), 863.636 at 0.022 are beyond: 19.00 more.
    known_later(&world, 150).await;
    known_later_of(&world, "requests", 2_273_359).await;
    at(&world, "2027-01-01T03:00:00Z").await;
    assert_eq!(
        papers(&db).await[1..],
        [
            "credit_note 0 0 correction -1900, correction 1900",
            "invoice 0 0 correction 1900, base_fee 42000, discount -1900, discount -42000",
        ]
    );
    let taken = "SELECT revision || ' ' || amount_minor FROM discounts ORDER BY revision, amount_minor";
    assert_eq!(texts(&db, taken).await, ["0 14085", "0 42000", "1 -1900", "2 1900"]);
    audit(&db).await;

    // 20 core-hours more, 7.60, and nothing beyond what is included: 19.00 less. January is paid.
    known_later(&world, 170).await;
    known_later_of(&world, "requests", 1_409_723).await;
    at(&world, "2027-02-01T03:00:00Z").await;
    assert_eq!(
        papers(&db).await[3..],
        [
            "credit_note 0 0 correction -1900, correction 1900",
            "invoice 42000 8400 correction 760, base_fee 42000, discount -760",
        ]
    );
    assert_eq!(number(&db, "SELECT count(*) FROM documents WHERE state <> 'final'").await, 0, "nothing waits");
    assert_eq!(number(&db, "SELECT sum(gross_minor)::bigint FROM documents").await, 50_400);
    audit(&db).await;
    let (code, said) = computed_again(&db).await;
    assert_eq!(code, 0, "{said}");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_published_program_computes_an_invoice_with_a_discount_and_a_correction_again(db: PgPool) {
    let world = World::new(db.clone()).await;
    sell(&world, true).await;
    coupon(&world, "SPRING", ("percent", "20"), ("1", "1")).await;
    coupon(&world, "TENNER", ("MAD", "10"), ("1", "3")).await;
    let alice = shop(&world).await;
    redeem(&alice, "SPRING").await;
    world.wait(chrono::TimeDelta::seconds(1));
    redeem(&alice, "TENNER").await;
    at(&world, "2026-12-01T03:00:00Z").await;
    known_later(&world, 250).await;
    at(&world, "2027-01-01T03:00:00Z").await;
    // 50 core-hours more: 19.00, less a fifth. The ten of each month were taken off already.
    assert_eq!(
        papers(&db).await[1..],
        ["invoice 42520 8504 correction 1900, base_fee 42000, discount -380, discount -1000"]
    );
    audit(&db).await;

    // The file that was kept with the newest month: its charges, then what coupons take off.
    let kept: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT content FROM period_proofs
          WHERE period_id = (SELECT id FROM billing_periods WHERE state = 'closed' ORDER BY from_at DESC LIMIT 1)
          ORDER BY part",
    )
    .fetch_all(&db)
    .await
    .unwrap();
    let mut lines = kept.iter().map(|part| std::io::read_to_string(GzDecoder::new(part.as_slice())).unwrap());
    let (rating, told) = (lines.next().unwrap(), lines.next().unwrap());
    assert_eq!(lines.next(), None);
    let rating = rating.trim_end();
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("december.json");
    let run = |told: &serde_json::Value| {
        std::fs::write(&file, format!("{rating}\n{told}\n")).unwrap();
        recompute(std::slice::from_ref(&file))
    };
    assert_eq!(run(&told).0, 0, "{}", run(&told).1);
    // A coin more, a coupon less, an order turned around, another amount charged before.
    let mut forgeries = vec![told.clone(), told.clone(), told.clone(), told.clone()];
    let taken = forgeries[0]["months"][0]["taken"].as_object_mut().unwrap();
    for amount in taken.values_mut() {
        *amount = "3.81".into();
    }
    forgeries[1]["months"][1]["coupons"] = serde_json::json!([]);
    forgeries[2]["months"][0]["coupons"][0]["percent"] = "25".into();
    for amount in forgeries[3]["months"][0]["charged_before"].as_object_mut().unwrap().values_mut() {
        *amount = "1.00".into();
    }
    for forged in &forgeries {
        let (code, said) = run(forged);
        assert!(code == 1 && said.contains("DIFFERENT"), "{code} {said}: {forged}");
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_coupon_that_many_ask_for_at_once_is_counted_as_often_as_was_promised(db: PgPool) {
    let world = World::new(db.clone()).await;
    sell(&world, true).await;
    coupon(&world, "ONLY-ONE", ("percent", "10"), ("1", "1")).await;
    coupon(&world, "FOR-ALL", ("percent", "10"), ("100", "1")).await;
    let (alice, bob, carol) =
        (world.customer("alice").await, world.customer("bob").await, world.customer("carol").await);
    let answers = join_all([&alice, &bob, &carol].map(|person| person.post(PATH, &[("code", "ONLY-ONE")]))).await;
    assert_eq!(answers.iter().filter(|page| page.status == 303).count(), 1);
    assert_eq!(answers.iter().filter(|page| page.words().contains("Used up")).count(), 2);
    let answers = join_all((0..4).map(|_| alice.post(PATH, &[("code", "FOR-ALL")]))).await;
    assert_eq!(answers.iter().filter(|page| page.status == 303).count(), 1);
    let again = "You have redeemed this coupon already";
    assert_eq!(answers.iter().filter(|page| page.words().contains(again)).count(), 3);
    assert_eq!(number(&db, "SELECT count(*) FROM coupon_redemptions").await, 2);
    // Nor by hand, by whoever.
    let sql = "INSERT INTO coupon_redemptions (id, coupon_id, account_id, redeemed_by, redeemed_at)
               SELECT gen_random_uuid(), coupons.id, members.account_id, members.user_id, coupons.valid_from
                 FROM coupons, members WHERE code = 'ONLY-ONE'";
    let error = sqlx::query(sql).execute(&db).await.unwrap_err().to_string();
    assert!(error.contains("used up"), "{error}");
    let web = Somebody::like_web(&db).await;
    let attempt = Attempt::by(&db, &web);
    for sql in [
        "INSERT INTO discounts SELECT * FROM discounts",
        "INSERT INTO discount_lines SELECT * FROM discount_lines",
        "UPDATE coupons SET percent = 100",
        "UPDATE coupon_redemptions SET redeemed_at = now()",
        "INSERT INTO budget_alerts SELECT * FROM budget_alerts",
    ] {
        attempt.is_refused(sql, "42501").await;
    }
    web.gone(&db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_coupon_that_is_none_for_this_account_is_refused_with_the_reason(db: PgPool) {
    let world = World::new(db.clone()).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    coupon(&world, "IN-EUROS", ("EUR", "5"), ("10", "1")).await;
    coupon(&world, "ENDED", ("percent", "5"), ("10", "1")).await;
    let staff = world.staff().await;
    let later = [("code", "LATER"), ("of", "percent"), ("value", "5"), ("from", "2026-12-01"), ("until", "2026-12-31")];
    staff.post("/staff/coupons", &later).await.assert_redirect("/staff/coupons");
    let id: uuid::Uuid =
        sqlx::query_scalar("SELECT id FROM coupons WHERE code = 'ENDED'").fetch_one(&db).await.unwrap();
    let end = format!("/staff/coupons/{id}/end");
    staff.post(&end, &[]).await.assert_redirect("/staff/coupons");
    assert_eq!(staff.post(&end, &[]).await.status, 404, "once");
    for (code, why) in [
        ("IN-EUROS", "in a currency that you do not pay in"),
        ("ENDED", "no coupon with this code"),
        ("LATER", "no coupon with this code"),
        ("NOBODYS", "no coupon with this code"),
        ("", "no coupon with this code"),
        ("' OR 1=1 --", "no coupon with this code"),
    ] {
        alice.post(PATH, &[("code", code)]).await.assert_says(422, why);
    }
    for _ in 0..14 {
        alice.post(PATH, &[("code", "GUESSED")]).await.assert_says(422, "no coupon with this code");
    }
    alice.post(PATH, &[("code", "IN-EUROS")]).await.assert_says(422, "Too many codes were tried");
    assert_eq!(number(&db, "SELECT count(*) FROM coupon_redemptions").await, 0);

    // What staff cannot promise.
    let right =
        [("code", "RIGHT"), ("of", "percent"), ("value", "5"), ("until", "2026-12-31"), ("most", "1"), ("months", "1")];
    let with = |field: &'static str, value: &'static str| {
        right.iter().copied().filter(|(name, _)| *name != field).chain([(field, value)]).collect::<Vec<_>>()
    };
    for (field, value, why) in [
        ("code", "abc", "4 to 32 letters"),
        ("code", "-ABCD", "4 to 32 letters"),
        ("code", "ÉTÉ-2026", "4 to 32 letters"),
        ("code", "later", "There is a coupon with this code"),
        ("value", "100.01", "at most 100"),
        ("value", "0", "at most 100"),
        ("value", "NaN", "at most 100"),
        ("value", "1.234", "at most two decimals"),
        ("until", "2026-11-20", "ends after it begins"),
        ("until", "2099-01-01", "within ten years"),
        ("until", "soon", "Give a day"),
        ("most", "0", "From 1 to 1,000,000"),
        ("months", "121", "From 1 to 120"),
        ("months", "many", "whole number"),
        ("plan", "2f8a0a34-8f5e-4f0e-9d63-7b1a0c4a2a11", "There is no such plan"),
    ] {
        staff.post("/staff/coupons", &with(field, value)).await.assert_says(422, why);
    }
    assert_eq!(number(&db, "SELECT count(*) FROM coupons").await, 3);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_coupon_of_the_trial_counts_from_the_month_in_which_the_trial_ends(db: PgPool) {
    let world = World::new(db.clone()).await;
    sell(&world, true).await;
    sqlx::query("UPDATE sellers SET trial_days = 14").execute(&db).await.unwrap();
    coupon(&world, "WELCOME", ("percent", "50"), ("10", "1")).await;
    let alice = shop(&world).await;
    at(&world, "2026-11-22T13:00:00Z").await;
    redeem(&alice, "WELCOME").await;
    at(&world, "2026-12-01T03:00:00Z").await;
    assert_eq!(papers(&db).await, [""; 0], "November was free");
    at(&world, "2027-01-01T03:00:00Z").await;
    let december = papers(&db).await;
    assert!(december[0].contains("discount -"), "{december:?}");
    alice.get(PATH).await.assert_says(200, "1 of 1");
    at(&world, "2027-02-01T03:00:00Z").await;
    assert_eq!(papers(&db).await[1..], ["invoice 42000 8400 base_fee 42000"]);
}
