//! What staff see of revenue: what recurs and how it moves, what was billed and is unpaid, and what machines cost and earn.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sayoo::base::ids::EnvironmentId;
use sayoo::base::money::{Currency, Money};
use sayoo::billing::revenue::aging::Age;
use sayoo::billing::revenue::margin::Margin;
use sayoo::billing::revenue::{self, Month, Move, Report, hosts};
use sqlx::PgPool;

use super::world::{at, number, sell};
use crate::exports::{bill, id};
use crate::hosts::placing;
use crate::staff::records::{Attempt, Somebody};
use crate::support::portal::World;

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// What is told in a currency at an instant.
async fn report(world: &World, currency: Currency, now: DateTime<Utc>) -> Report {
    let reports = revenue::reports(&world.portal, now).await.unwrap();
    reports.into_iter().find(|report| report.currency == currency).unwrap()
}

/// The ways in which a month moved, with how much and of how many customers.
fn moved(month: &Month) -> Vec<(&'static str, i64, i64)> {
    let each = Move::ALL.into_iter().map(|kind| (kind.word(), month.moved(kind)));
    each.filter(|(_, total)| total.customers > 0).map(|(word, total)| (word, total.minor, total.customers)).collect()
}

async fn change(world: &World, id: EnvironmentId, sql: &str) {
    let sql = format!("UPDATE environments SET charged_since = $2, {sql} WHERE id = $1");
    let now = world.portal.clock.now();
    sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.uuid()).bind(now).execute(&world.db).await.unwrap();
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn months_tell_who_came_grew_shrank_left_and_came_back_and_add_up(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let (alice, bob) = (world.customer("alice").await, world.customer("bob").await);
    let shop = alice.has_running(&world, "shop").await;
    // Bob tries until Christmas.
    bob.has_running(&world, "tries").await;
    sqlx::query("INSERT INTO trials (account_id, from_at, until_at) VALUES ($1, '2026-11-22T00:00:00Z', '2026-12-25T12:00:00Z')")
        .bind(bob.account.uuid())
        .execute(&world.db)
        .await
        .unwrap();
    at(&world, "2026-12-10T12:00:00Z").await;
    let store = alice.has_running(&world, "store").await;
    at(&world, "2027-01-10T12:00:00Z").await;
    change(&world, store, "wanted = 'deleted', purge_after = $2 + interval '7 days'").await;
    at(&world, "2027-02-10T12:00:00Z").await;
    change(&world, shop, "wanted = 'deleted', purge_after = $2 + interval '7 days'").await;
    at(&world, "2027-03-10T12:00:00Z").await;
    let dev = format!("plan_version_id = '{}'", world.plan("development").await);
    change(&world, shop, &format!("wanted = 'running', purge_after = NULL, {dev}")).await;
    at(&world, "2027-04-20T12:00:00Z").await;

    let now = world.portal.clock.now();
    let told = report(&world, Currency::Mad, now).await;
    let [nov, dec, jan, feb, mar, apr] = &told.months[6..] else { panic!("{told:?}") };
    assert_eq!(moved(nov), [("new", 42_000, 1)], "Bob is on trial");
    assert_eq!(moved(dec), [("new", 42_000, 1), ("expansion", 42_000, 1)], "Bob's trial is over, and Alice has two");
    assert_eq!((dec.end.minor, dec.end.customers), (126_000, 2));
    assert_eq!(moved(jan), [("contraction", -42_000, 1)]);
    assert_eq!(moved(feb), [("churn", -42_000, 1)]);
    assert_eq!(moved(mar), [("reactivation", 9_900, 1)], "she was here before");
    assert_eq!((moved(apr), apr.end.minor, apr.span.until), (Vec::new(), 51_900, now));
    // Of nothing else anything recurs.
    let euros = report(&world, Currency::Eur, now).await;
    assert!(euros.months.iter().all(|month| month.end == revenue::Total::default()));

    let sam = world.staff().await;
    let page = sam.get("/staff/revenue").await;
    for words in
        ["Monthly recurring revenue", "MAD 519.00", "2 customers", "April 2027", "An account on trial counts from"]
    {
        page.assert_says(200, words);
    }
    page.assert_says(
        200,
        "December 2026 MAD 420.00 MAD 420.00 one customer – MAD 420.00 one customer – – MAD 1,260.00 2",
    );
    let file = sam.get("/staff/revenue/movements.csv").await;
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"revenue-movements.csv\"");
    assert!(
        file.body.starts_with("month,currency,start,new,reactivation,expansion,contraction,churn,end,start_customers,")
    );
    let lines: Vec<Vec<&str>> = file.body.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(lines.len(), 2 * revenue::MONTHS);
    for line in &lines {
        let sum = |range: std::ops::Range<usize>| {
            line[range].iter().map(|it| it.parse::<rust_decimal::Decimal>().unwrap()).sum()
        };
        let (whole, end): (rust_decimal::Decimal, rust_decimal::Decimal) = (sum(2..8), sum(8..9));
        assert_eq!(whole, end, "{line:?}");
    }
    assert!(
        file.body.contains("2027-02,MAD,840.00,0.00,0.00,0.00,0.00,-420.00,420.00,2,0,0,0,0,1,1\n"),
        "{}",
        file.body
    );
}

/// Customers, plans and times at random, put where the database keeps who is charged since when.
const AT_RANDOM: &str = "
    SELECT setseed(0.42);
    INSERT INTO accounts (id, name, currency, country, timezone, created_at)
    SELECT gen_random_uuid(), 'random', CASE WHEN n % 3 = 0 THEN 'EUR' ELSE 'MAD' END, 'MA', 'Africa/Casablanca', '2025-01-01'
      FROM generate_series(1, 60) n;
    INSERT INTO trials (account_id, from_at, until_at, ended_at)
    SELECT id, at, at + interval '30 days', CASE WHEN random() < 0.4 THEN at + random() * interval '30 days' END
      FROM (SELECT id, '2026-01-01'::timestamptz + random() * interval '300 days' AS at FROM accounts
             WHERE name = 'random' AND random() < 0.5) x;
    INSERT INTO environments
    SELECT (jsonb_populate_record(NULL::environments, to_jsonb(one) || jsonb_build_object(
            'id', gen_random_uuid(), 'order_key', gen_random_uuid(), 'name', 'random'))).*
      FROM (SELECT * FROM environments LIMIT 1) one, generate_series(1, 150);
    DELETE FROM environment_segments WHERE environment_id IN (SELECT id FROM environments WHERE name = 'random');
    INSERT INTO environment_segments (environment_id, account_id, plan_version_id, from_at, until_at)
    SELECT e.id, (SELECT id FROM accounts WHERE name = 'random' AND e.id IS NOT NULL ORDER BY random() LIMIT 1)
         , (SELECT id FROM plan_versions WHERE e.id IS NOT NULL ORDER BY random() LIMIT 1)
         , b.at + b.pause, CASE WHEN n < 4 OR random() < 0.5 THEN b.at + b.pause + b.length END
      FROM environments e
     CROSS JOIN generate_series(1, 4) n
     CROSS JOIN LATERAL (SELECT '2025-12-01'::timestamptz + n * interval '80 days' AS at, e.id IS NOT NULL AND random() < 2 AS ok
                              , random() * interval '40 days' AS pause, interval '1 hour' + random() * interval '38 days' AS length) b
     WHERE e.name = 'random';
    -- Some begin and end at the first instant of a month.
    UPDATE environment_segments SET from_at = '2026-04-30T23:00:00Z'
     WHERE id IN (SELECT id FROM environment_segments s
                   WHERE from_at > '2026-05-01' AND from_at < '2026-05-15'
                     AND NOT EXISTS (SELECT FROM environment_segments o WHERE o.environment_id = s.environment_id
                                        AND o.from_at < s.from_at AND o.until_at > '2026-04-30T23:00:00Z')
                   LIMIT 8);
";

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn whatever_happened_movements_lead_from_each_month_to_the_next(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    alice.has_running(&world, "shop").await;
    sqlx::raw_sql(AT_RANDOM).execute(&world.db).await.unwrap();
    let mut kinds = Vec::new();
    for now in ["2026-11-20T11:00:00Z", "2026-05-31T23:00:00Z", "2027-03-01T00:00:00Z"] {
        for currency in Currency::ALL {
            // Would be an error if movements did not lead to what is counted now.
            let told = report(&world, currency, instant(now)).await;
            for month in &told.months {
                // The definition once more, in other words: who is charged in the last microsecond before.
                let counted = number(
                    &world.db,
                    &format!(
                        "SELECT COALESCE(sum(p.monthly_minor), 0)::bigint
                           FROM environment_segments s
                           JOIN accounts a ON a.id = s.account_id
                           JOIN plan_prices p ON p.plan_version_id = s.plan_version_id AND p.currency = a.currency
                          WHERE a.currency = '{currency}'
                            AND tstzrange(s.from_at, s.until_at) @> ('{at}'::timestamptz - interval '1 microsecond')
                            AND NOT EXISTS (SELECT FROM trials t WHERE t.account_id = a.id
                                AND tstzrange(t.from_at, LEAST(t.until_at, t.ended_at)) @> ('{at}'::timestamptz - interval '1 microsecond'))",
                        at = month.span.until.to_rfc3339()
                    ),
                )
                .await;
                assert_eq!(month.end.minor, counted, "{currency} until {}", month.span.until);
                kinds.extend(moved(month).into_iter().map(|(kind, _, _)| kind));
            }
        }
    }
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), Move::ALL.len(), "everything happens: {kinds:?}");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_was_billed_adds_up_by_plan_and_by_meter_and_what_is_unpaid_grows_older(db: PgPool) {
    let world = World::new(db.clone()).await;
    bill(&db).await;
    for sql in [
        r#"UPDATE plans SET names = '{"en": "Pro", "fr": "Pro", "ar": "Pro"}' WHERE code = 'pro'"#,
        "INSERT INTO plan_prices SELECT id, 'EUR', 1900 FROM plan_versions WHERE state = 'draft'",
        // These companies' details are made up for exports.
        "UPDATE sellers SET details = '{}'",
    ] {
        sqlx::query(sql).execute(&db).await.unwrap();
    }
    let now = instant("2026-12-20T12:00:00Z");
    for currency in Currency::ALL {
        let told = report(&world, currency, now).await;
        for billed in &told.billed {
            let on_papers = number(
                &db,
                &format!(
                    "SELECT COALESCE(sum(CASE kind WHEN 'invoice' THEN net_minor ELSE -net_minor END), 0)::bigint FROM documents
                      WHERE currency = '{currency}' AND date_trunc('month', issued_on) = '{}'",
                    billed.month
                ),
            )
            .await;
            assert_eq!(billed.net.minor, on_papers);
            let parts = revenue::parts(&mut db.acquire().await.unwrap(), currency, billed.month).await.unwrap();
            assert_eq!(parts.iter().map(|part| part.net.minor).sum::<i64>(), on_papers, "{currency} {}", billed.month);
        }
        let sql = format!(
            "SELECT sum(left_of(d))::bigint FROM documents d WHERE kind = 'invoice' AND currency = '{currency}'"
        );
        let open = number(&db, &sql).await;
        let told: i64 = told.unpaid.iter().map(|(_, unpaid)| unpaid.left.minor).sum();
        assert_eq!(told, open);
    }
    let told = report(&world, Currency::Eur, now).await;
    let acme = id(&db, "account acme").await;
    assert_eq!((told.top[0].account, told.top[0].recurring.minor), (acme, 3_800), "two instances on a plan of 19");
    let of = |report: &Report, age: Age| report.unpaid.iter().find(|(it, _)| *it == age).unwrap().1.documents;
    let aged = [Age::NotDue, Age::Month, Age::TwoMonths, Age::ThreeMonths, Age::Longer];
    let all =
        number(&db, "SELECT count(*) FROM documents d WHERE kind = 'invoice' AND currency = 'EUR' AND left_of(d) > 0")
            .await;
    assert_eq!(aged.iter().map(|age| of(&told, *age)).sum::<i64>(), all);
    let later = report(&world, Currency::Eur, instant("2027-06-01T12:00:00Z")).await;
    assert_eq!(of(&later, Age::Longer), all);

    world.wait(now - world.portal.clock.now());
    let sam = world.staff().await;
    let page = sam.get("/staff/revenue?month=2026-12").await;
    for words in ["By plan: December 2026", "Given back", "CPU, core-hours", "more than 90 days", "acme"] {
        page.assert_says(200, words);
    }
    let file = sam.get("/staff/revenue/billed.csv").await;
    assert!(file.body.starts_with("month,currency,plan,what,net\n"), "{}", file.body);
    for line in ["2026-11,EUR,,discount,-2.50\n", "2026-12,EUR,,credit,-3.33\n", "2026-11,MAD,pro,base,199.00\n"] {
        assert!(file.body.contains(line), "{line} in {}", file.body);
    }
}

/// Says that an environment had room on a host.
async fn stayed(db: &PgPool, host: uuid::Uuid, environment: Option<EnvironmentId>, (from, until): (&str, &str)) {
    sqlx::query(
        "INSERT INTO host_stays (host_id, runtime_id, environment_id, cpu_millis, memory_mb, from_at, until_at)
         VALUES ($1, gen_random_uuid(), $2, 1000, 1024, $3, $4)",
    )
    .bind(host)
    .bind(environment.map(EnvironmentId::uuid))
    .bind(instant(from))
    .bind(instant(until))
    .execute(db)
    .await
    .unwrap();
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_host_earns_what_its_instances_were_charged_by_their_time_on_it(db: PgPool) {
    let world = World::new(db.clone()).await;
    bill(&db).await;
    world.wait(instant("2026-12-20T12:00:00Z") - world.portal.clock.now());
    let ids = placing::hosts(&db, 3).await;
    let (prod, test): (EnvironmentId, EnvironmentId) =
        (id(&db, "environment acme-prod").await, id(&db, "environment +acme-test").await);
    let atlas: EnvironmentId = id(&db, "environment atlas-prod").await;
    // In October: production a third of its time on the first host; test on the second only; a spare there; Atlas on the first.
    stayed(&db, ids[0].uuid(), Some(prod), ("2026-10-05T00:00:00Z", "2026-10-10T00:00:00Z")).await;
    stayed(&db, ids[1].uuid(), Some(prod), ("2026-10-10T00:00:00Z", "2026-10-20T00:00:00Z")).await;
    stayed(&db, ids[1].uuid(), Some(test), ("2026-09-01T00:00:00Z", "2026-12-01T00:00:00Z")).await;
    stayed(&db, ids[1].uuid(), None, ("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z")).await;
    stayed(&db, ids[0].uuid(), Some(atlas), ("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z")).await;

    let sam = world.staff().await;
    let cost = |host: usize, amount: &'static str, currency: &'static str| {
        [
            ("host", ids[host].to_string()),
            ("amount", amount.to_owned()),
            ("currency", currency.to_owned()),
            ("from_on", "2026-09-15".to_owned()),
        ]
    };
    for (host, amount, currency) in [(0, "30,00", "EUR"), (1, "5.00", "EUR"), (1, "20.00", "EUR")] {
        let form = cost(host, amount, currency);
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        sam.post("/staff/revenue/hosts/costs", &form).await.assert_redirect("/staff/revenue/hosts");
    }
    for wrong in [("host", "x"), ("amount", "-1"), ("currency", "USD"), ("from_on", "1900-01-01")] {
        let form = cost(0, "1", "EUR");
        let form: Vec<(&str, &str)> =
            form.iter().map(|(name, value)| if *name == wrong.0 { wrong } else { (*name, value.as_str()) }).collect();
        assert_eq!(sam.post("/staff/revenue/hosts/costs", &form).await.status, 422, "{wrong:?}");
    }

    let now = world.portal.clock.now();
    let october = hosts::margins(&world.portal, day("2026-10-01"), now).await.unwrap();
    let [first, second, third] = &october.hosts[..] else { panic!("{october:?}") };
    let charged = async |environment: EnvironmentId| {
        let sql = format!(
            "SELECT sum(c.net_minor)::bigint FROM charges c JOIN billing_periods p ON p.id = c.of_period_id
              WHERE c.environment_id = '{environment}' AND c.class <> 'trial' AND p.until_at < '2026-11-15'"
        );
        number(&db, &sql).await
    };
    let (of_prod, of_test) = (charged(prod).await, charged(test).await);
    let eur = |minor: i64| Money::new(minor, Currency::Eur);
    assert_eq!(
        first.revenue[&Currency::Eur].minor + second.revenue[&Currency::Eur].minor,
        of_prod + of_test,
        "nothing is lost in between"
    );
    assert!((first.revenue[&Currency::Eur].minor * 3 - of_prod).abs() < 3, "five days of fifteen");
    assert_eq!(first.revenue[&Currency::Mad].minor, charged(atlas).await);
    assert_eq!(first.margin, Margin::NoRate, "it earns dirhams too");
    let left = second.revenue[&Currency::Eur].minor - 2_000;
    assert_eq!(second.margin, Margin::Known(eur(left), false), "what was said last counts");
    assert_eq!((third.margin, third.environments), (Margin::NoCost, 0));
    assert_eq!((second.environments, first.environments), (2, 2));
    // A core each: two all the time, one for ten days of thirty-one.
    let cores = (second.reserved_cores - rust_decimal::Decimal::new(232_258, 5)).abs();
    assert!(cores < rust_decimal::Decimal::new(1, 4), "{}", second.reserved_cores);
    assert!(first.used_cores > rust_decimal::Decimal::ZERO && first.used_bytes.is_zero());
    // Newby had room nowhere.
    let newby: EnvironmentId = id(&db, "environment newby-prod").await;
    assert_eq!(october.nowhere[&Currency::Eur].minor, charged(newby).await);

    sam.get("/staff/revenue/hosts?month=2026-10").await.assert_says(200, "needs a rate");
    sam.get("/staff/revenue/hosts?month=2026-10").await.assert_says(200, "nobody said what it costs");
    let rate = [("month", "2026-10"), ("rate", "10,80")];
    sam.post("/staff/revenue/hosts/rates", &rate).await.assert_redirect("/staff/revenue/hosts?month=2026-10");
    for wrong in [
        [("month", "October"), ("rate", "10")],
        [("month", "2026-10"), ("rate", "0")],
        [("month", "2026-10"), ("rate", "1.0000001")],
    ] {
        assert_eq!(sam.post("/staff/revenue/hosts/rates", &wrong).await.status, 422, "{wrong:?}");
    }
    let page = sam.get("/staff/revenue/hosts?month=2026-10").await;
    page.assert_says(200, "10.8 dirhams for one euro, as Sam said");
    page.assert_says(200, "with the month’s rate");
    sam.get("/staff/revenue/hosts?month=2026-12").await.assert_says(200, "This month is not over");
    // A machine that is taken away keeps its past.
    sqlx::query("DELETE FROM hosts WHERE id = $1").bind(ids[1].uuid()).execute(&db).await.unwrap();
    let again = hosts::margins(&world.portal, day("2026-10-01"), now).await.unwrap();
    assert!(
        again.hosts.iter().any(|host| host.host == ids[1]
            && host.name.as_deref() == Some("host-1")
            && host.revenue == second.revenue)
    );
    let actions = world.audit().await;
    assert_eq!(actions, ["host.cost-set", "host.cost-set", "host.cost-set", "rate.set"]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_database_writes_who_had_room_where_and_nobody_changes_what_was_said(db: PgPool) {
    let ids = placing::hosts(&db, 2).await;
    let runtime = placing::resident(&db, ids[0], "Shop", 1_024).await;
    let stays =
        "SELECT count(*) FROM host_stays WHERE until_at IS NULL AND environment_id IS NOT NULL AND memory_mb = 1024";
    assert_eq!(number(&db, stays).await, 1);
    let step = async |sql: &str| {
        sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).bind(runtime.uuid()).execute(&db).await.unwrap();
    };
    step(&format!("UPDATE runtimes SET host_id = '{}' WHERE id = $1", ids[1])).await;
    step("UPDATE runtimes SET wanted = 'running' WHERE id = $1").await;
    let of =
        |host: usize| format!("SELECT count(*) FROM host_stays WHERE host_id = '{}' AND until_at IS NULL", ids[host]);
    assert_eq!((number(&db, &of(0)).await, number(&db, &of(1)).await), (0, 1));
    // Asleep: no room anywhere. Awake again, then gone.
    step("UPDATE runtimes SET host_id = NULL, state = 'stopped' WHERE id = $1").await;
    assert_eq!(number(&db, "SELECT count(*) FROM host_stays WHERE until_at IS NULL").await, 0);
    step(&format!("UPDATE runtimes SET host_id = '{}', state = 'ready' WHERE id = $1", ids[0])).await;
    step(&format!(
        "INSERT INTO replicas (id, runtime_id, number, host_id, explanation, image_id, cpu_millis, memory_mb, restarts, login_generation, began_at)
         SELECT gen_random_uuid(), id, 1, '{}', '', image_id, 500, 512, 0, 1, now() FROM runtimes WHERE id = $1",
        ids[1]
    ))
    .await;
    let replicas = "SELECT count(*) FROM host_stays WHERE replica_id IS NOT NULL AND environment_id IS NOT NULL AND until_at IS NULL";
    assert_eq!(number(&db, replicas).await, 1);
    step("DELETE FROM replicas WHERE runtime_id = $1").await;
    step("UPDATE runtimes SET wanted = 'gone', state = 'gone', host_id = NULL, gone_at = now() WHERE id = $1").await;
    assert_eq!(number(&db, "SELECT count(*) FROM host_stays WHERE until_at IS NULL").await, 0);
    assert!(number(&db, "SELECT count(*) FROM host_stays").await >= 4);

    let web = Somebody::like_web(&db).await;
    for sql in [
        "DELETE FROM host_stays",
        "UPDATE host_stays SET until_at = NULL",
        "INSERT INTO host_stays DEFAULT VALUES",
        "UPDATE host_costs SET monthly_minor = 0",
        "DELETE FROM month_rates",
    ] {
        Attempt::by(&db, &web).is_refused(sql, "42501").await;
    }
    web.gone(&db).await;
    let staff = "INSERT INTO staff (id, email, email_key, name, password_hash, locale, totp_sealed, created_at)
                 VALUES (gen_random_uuid(), 'x', 'x', 'Sam', '', 'en', '', now()) RETURNING id";
    let sam: uuid::Uuid = sqlx::query_scalar(staff).fetch_one(&db).await.unwrap();
    for sql in [
        format!(
            "INSERT INTO host_costs (host_id, host_name, from_on, monthly_minor, currency, entered_by, entered_at)
                 VALUES ('{sam}', 'one', '2026-01-01', 100, 'EUR', '{sam}', now())"
        ),
        format!(
            "INSERT INTO month_rates (month, mad_per_eur, entered_by, entered_at) VALUES ('2026-01-01', 10.8, '{sam}', now())"
        ),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&db).await.unwrap();
    }
    for sql in ["UPDATE host_costs SET monthly_minor = 0", "DELETE FROM month_rates", "TRUNCATE host_costs"] {
        Attempt::as_owner(&db).is_refused(sql, "23000").await;
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn nobody_but_staff_sees_revenue(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    world.wait(TimeDelta::minutes(1));
    for path in ["/staff/revenue", "/staff/revenue/hosts", "/staff/revenue/movements.csv", "/staff/revenue/billed.csv"]
    {
        for page in [world.stranger().get(path).await, alice.get(path).await] {
            assert_eq!((page.status.as_u16(), page.header("location")), (303, "/staff/login"), "{path}");
            assert!(!page.body.contains("MAD"), "{path}");
        }
    }
    for path in ["/staff/revenue/hosts/costs", "/staff/revenue/hosts/rates"] {
        let page = alice.post(path, &[("month", "2026-10"), ("rate", "10.8")]).await;
        assert_eq!((page.status.as_u16(), page.header("location")), (303, "/staff/login"), "{path}");
    }
    assert_eq!(
        number(&world.db, "SELECT count(*) FROM host_costs").await
            + number(&world.db, "SELECT count(*) FROM month_rates").await,
        0
    );
    let sam = world.staff().await;
    for lang in ["fr", "ar", "en"] {
        sam.post("/preferences", &[("lang", lang), ("back", "/staff/revenue")]).await.assert_redirect("/staff/revenue");
        assert_eq!(sam.get("/staff/revenue").await.status, 200, "{lang}");
        assert_eq!(sam.get("/staff/revenue/hosts").await.status, 200, "{lang}");
    }
    sam.get("/staff/revenue").await.assert_says(200, "Revenue");
}
