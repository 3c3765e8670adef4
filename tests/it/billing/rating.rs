//! What is read from the database for a month, and that pages and files say the same of it.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use sayoo::base::ids::{AccountId, EnvironmentId, PeriodId, PlanVersionId, SellerId};
use sayoo::base::money::Currency;
use sayoo::billing::rating::account::{self, Month};
use sayoo::billing::rating::{Carries, Class, Span, What};
use sayoo::plans::catalogue::{self, Draft};
use sayoo::plans::{self, Meter};
use sqlx::{PgConnection, PgPool};

use super::recompute::recompute;
use crate::support::portal::World;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// November 2026 in Casablanca.
fn november() -> Span {
    Span { from: at("2026-10-31T23:00:00Z"), until: at("2026-11-30T23:00:00Z") }
}

fn month(account: AccountId) -> Month<'static> {
    Month { account, currency: Currency::Mad, period: november(), only: None }
}

/// A published version of a plan that is there, with a second price of its processors from 20 core-hours on.
async fn with_two_prices(db: &mut PgConnection, of: PlanVersionId) -> PlanVersionId {
    let (plan, version) = plans::version(db, of).await.unwrap().unwrap();
    let draft = Draft { resources: version.resources, prices: version.prices, allowances: version.allowances };
    let now = at("2026-11-01T00:00:00Z");
    let id = catalogue::draft(db, plan.id, &draft, now).await.unwrap();
    let tier = "INSERT INTO plan_tiers (plan_version_id, meter, currency, from_quantity, unit_price) VALUES ($1, 'cpu', 'MAD', 20, 0.19)";
    sqlx::query(tier).bind(id.uuid()).execute(&mut *db).await.unwrap();
    catalogue::publish(db, id, now, now).await.unwrap();
    id
}

/// Says when an environment was on which plan, and in the trial.
async fn lives(db: &mut PgConnection, account: AccountId, shop: EnvironmentId) {
    let on: PlanVersionId =
        sqlx::query_scalar::<_, uuid::Uuid>("SELECT plan_version_id FROM environments WHERE id = $1")
            .bind(shop.uuid())
            .fetch_one(&mut *db)
            .await
            .map(|id| id.to_string().parse().unwrap())
            .unwrap();
    let tiered = with_two_prices(db, on).await;
    sqlx::query("DELETE FROM environment_segments").execute(&mut *db).await.unwrap();
    let segments = [
        (on, "2026-11-03T10:20:00.5Z", Some("2026-11-12T08:00:00Z")),
        (tiered, "2026-11-12T08:00:00Z", Some("2026-11-20T17:40:00Z")),
        (on, "2026-11-22T00:00:00Z", None),
    ];
    for (version, from, until) in segments {
        let sql = "INSERT INTO environment_segments (environment_id, account_id, plan_version_id, from_at, until_at) VALUES ($1, $2, $3, $4, $5)";
        let query = sqlx::query(sql).bind(shop.uuid()).bind(account.uuid()).bind(version.uuid());
        query.bind(at(from)).bind(until.map(at)).execute(&mut *db).await.unwrap();
    }
    let trial = "INSERT INTO trials (account_id, from_at, until_at) VALUES ($1, $2, $3)";
    let query = sqlx::query(trial).bind(account.uuid());
    query.bind(at("2026-11-03T10:20:00.5Z")).bind(at("2026-11-08T13:13:00Z")).execute(db).await.unwrap();
}

/// Writes usage of every hour around the month, and adds the days up.
async fn uses(db: &mut PgConnection, shop: EnvironmentId, factor: i64) {
    for sql in [
        "INSERT INTO usage_hours (environment_id, meter, hour, quantity, covered_seconds, quality)
         SELECT $1, meter, hour, (most * (1 + extract(epoch FROM hour)::bigint / 3600 * 7919 % 1000) / 1000 * $2)::bigint, 3600, 'measured'
           FROM (VALUES ('cpu', 9999999999), ('memory', 5), ('database', 7200000000011), ('egress', 120000001), ('requests', 1777)) AS meters (meter, most)
          CROSS JOIN generate_series('2026-10-30T00:00:00Z'::timestamptz, '2026-12-02T00:00:00Z', '1 hour') AS hour
         WHERE $2 > 0
             ON CONFLICT (environment_id, meter, hour) DO UPDATE SET quantity = excluded.quantity",
        "INSERT INTO usage_days (environment_id, meter, day, quantity)
         SELECT environment_id, meter, date_trunc('day', hour AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', sum(quantity)
           FROM usage_hours
          WHERE environment_id = $1 AND $2 > 0
          GROUP BY 1, 2, 3
             ON CONFLICT (environment_id, meter, day) DO UPDATE SET quantity = excluded.quantity",
    ] {
        sqlx::query(sql).bind(shop.uuid()).bind(factor).execute(&mut *db).await.unwrap();
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_month_read_by_stretches_is_the_month_of_its_hours_and_of_its_file(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let shop = alice.has_running(&world, "shop").await;
    let bob = world.customer("bob").await;
    let mut db = world.db.acquire().await.unwrap();
    lives(&mut db, alice.account, shop).await;
    uses(&mut db, shop, 1).await;
    let folder = tempfile::tempdir().unwrap();
    for now in ["2026-11-03T10:20:00.7Z", "2026-11-08T13:13:00Z", "2026-11-25T14:30:00.25Z", "2026-12-01T02:00:00Z"] {
        let rated = account::rate_account(&mut db, month(alice.account), at(now)).await.unwrap();
        let proved =
            account::prove_account(&mut db, month(alice.account), &[], &Carries::new(), at(now)).await.unwrap();
        assert_eq!(proved.rated, rated, "{now}: hour by hour it is the same");
        let proof = proved.proof;
        let file = folder.path().join("month.json");
        std::fs::write(&file, serde_json::to_vec(&proof).unwrap()).unwrap();
        let (code, said) = recompute(&[file]);
        assert_eq!(code, 0, "{now}: {said}");
        let told: Vec<(String, String)> = serde_json::to_value(&proof).unwrap()["charges"]
            .as_array()
            .unwrap()
            .iter()
            .map(|charge| (charge["quantity"].as_str().unwrap().to_owned(), charge["net"].as_str().unwrap().to_owned()))
            .collect();
        let rated_lines: Vec<(String, String)> =
            rated.charges.iter().map(|it| (it.quantity.to_string(), it.net.exact().to_string())).collect();
        assert_eq!(told, rated_lines, "{now}");

        let only = [shop];
        let one = Month { only: Some(&only), ..month(alice.account) };
        let so_far = account::environments_so_far(&mut db, one, at(now)).await.unwrap();
        assert_eq!(so_far[&shop].total, rated.net(Currency::Mad).unwrap(), "{now}: a page says what the month says");
        let strangers = Month { only: Some(&only), ..month(bob.account) };
        assert!(account::environments_so_far(&mut db, strangers, at(now)).await.unwrap().is_empty());
    }
    let whole = account::rate_account(&mut db, month(alice.account), november().until).await.unwrap();
    let classes = |class| whole.charges.iter().filter(|it| it.class == class).count();
    assert!(classes(Class::Trial) > 0 && classes(Class::Usual) > 0);
    let second = whole.charges.iter().find(|it| it.what == What::Beyond(Meter::Cpu, 2)).unwrap();
    assert_eq!(second.unit_price, Decimal::new(190_000, 6), "the plan's second price");

    // The forecast of a month that is over is the month, and of one that is not it is more than the cost so far.
    let (so_far, foreseen) =
        account::forecast_account(&mut db, month(alice.account), at("2026-11-25T14:30:00Z")).await.unwrap();
    let net = |rated: &sayoo::billing::rating::Rated| rated.net(Currency::Mad).unwrap().minor;
    assert!(net(&so_far) < net(&foreseen));
    let off = (net(&foreseen) - net(&whole)).abs();
    assert!(off * 20 < net(&whole), "usage is much the same all month: {} and {}", net(&foreseen), net(&whole));
}

/// Keeps what was charged for a month, as the month's end does before documents.
async fn close(db: &mut PgConnection, account: AccountId) -> PeriodId {
    let now = at("2026-12-01T02:00:00Z");
    let (period, seller) = (PeriodId::new(now), SellerId::new(now));
    let seller: uuid::Uuid = sqlx::query_scalar(
        "INSERT INTO sellers (id, code, country, currency, timezone, created_at) VALUES ($1, 'MA', 'MA', 'MAD', 'Africa/Casablanca', $2)
         ON CONFLICT (code) DO UPDATE SET country = excluded.country RETURNING id",
    )
    .bind(seller.uuid())
    .bind(now)
    .fetch_one(&mut *db)
    .await
    .unwrap();
    let sql = "INSERT INTO billing_periods (id, account_id, seller_id, currency, from_at, until_at, created_at) VALUES ($1, $2, $3, 'MAD', $4, $5, $6)";
    let query = sqlx::query(sql).bind(period.uuid()).bind(account.uuid()).bind(seller).bind(november().from);
    query.bind(november().until).bind(now).execute(&mut *db).await.unwrap();
    let rated = account::rate_account(db, month(account), now).await.unwrap();
    for charge in rated.charges {
        let sql = "INSERT INTO charges (id, account_id, period_id, of_period_id, environment_id, plan_version_id, class, revision, meter, tier
                                      , from_at, until_at, used_raw, carry_in_raw, carry_out_raw, quantity, unit_price, currency, net_minor, created_at)
                   VALUES (gen_random_uuid(), $1, $2, $2, $3, $4, $5, 0, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'MAD', $15, $16)";
        let raw = |value: i128| Decimal::try_from_i128_with_scale(value, 0).unwrap();
        let query = sqlx::query(sql).bind(account.uuid()).bind(period.uuid());
        let query = query.bind(charge.item.environment.uuid()).bind(charge.item.plan_version.uuid());
        let query = query.bind(charge.class.code()).bind(charge.what.meter().map(Meter::code)).bind(charge.what.tier());
        let query = query.bind(charge.span.from).bind(charge.span.until).bind(raw(charge.used_raw));
        let query = query.bind(raw(charge.carry_in_raw)).bind(raw(charge.carry_out_raw));
        let query = query.bind(charge.quantity).bind(charge.unit_price).bind(charge.net.minor).bind(now);
        query.execute(&mut *db).await.unwrap();
    }
    sqlx::query("UPDATE billing_periods SET rated_at = $2 WHERE id = $1")
        .bind(period.uuid())
        .bind(now)
        .execute(db)
        .await
        .unwrap();
    period
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_comes_late_is_corrected_for_and_remainders_go_on(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let shop = alice.has_running(&world, "shop").await;
    let mut db = world.db.acquire().await.unwrap();
    lives(&mut db, alice.account, shop).await;
    uses(&mut db, shop, 1).await;
    let whole = account::rate_account(&mut db, month(alice.account), november().until).await.unwrap();
    let period = close(&mut db, alice.account).await;

    let december = Span { from: november().until, until: at("2026-12-31T23:00:00Z") };
    let carries = account::carries_before(&mut db, alice.account, december).await.unwrap();
    let without_nothing = |carries: Carries| carries.into_iter().filter(|(_, raw)| *raw != 0).collect::<Carries>();
    assert_eq!(carries, without_nothing(whole.carries), "what the charges say remains");
    assert!(!carries.is_empty());
    let none = account::carries_before(&mut db, alice.account, november()).await.unwrap();
    assert!(none.is_empty(), "the month itself begins with what was there before it");

    let of_december = Month { period: december, ..month(alice.account) };
    let closed = [(period, month(alice.account))];
    let then = december.from + TimeDelta::days(3);
    let nothing = account::prove_account(&mut db, of_december, &closed, &carries, then).await.unwrap();
    assert_eq!(nothing.corrections, [], "nothing new is known");

    // Twice as much of everything, as is known later.
    uses(&mut db, shop, 2).await;
    let all = account::environments(&mut db, of_december, &closed).await.unwrap();
    assert_eq!(all, [shop]);
    let of_shop = Month { only: Some(&all), ..of_december };
    let mut proved = account::prove_account(&mut db, of_shop, &closed, &carries, then).await.unwrap();
    let (of, more) = proved.corrections.remove(0);
    assert_eq!(of, period);
    assert!(more.charges.iter().all(|it| (it.class, it.revision, it.item.is_trial) == (Class::Correction, 1, false)));
    let full = account::rate_account(&mut db, month(alice.account), december.from).await.unwrap();
    let net = |charges: &[sayoo::billing::rating::Charge]| {
        charges.iter().filter(|it| it.is_billable()).map(|it| it.net.minor).sum::<i64>()
    };
    let off = net(&whole.charges) + net(&more.charges) - net(&full.charges);
    let lines = i64::try_from(more.charges.len()).unwrap();
    assert!(off.abs() <= lines, "to the coin of each line: {off}");
    assert_eq!(without_nothing(more.carries), without_nothing(full.carries));

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("december.json");
    std::fs::write(&file, serde_json::to_vec(&proved.proof).unwrap()).unwrap();
    let (code, said) = recompute(&[file]);
    assert_eq!(code, 0, "{said}");
    // Of somebody else's instances there is nothing in it.
    let none = account::prove_account(&mut db, Month { only: Some(&[]), ..of_december }, &closed, &carries, then)
        .await
        .unwrap();
    assert!(none.rated.charges.is_empty() && none.corrections.is_empty() && none.rated.carries.is_empty());
}
