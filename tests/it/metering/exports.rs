//! Usage for invoicing, as CSV and JSON.

use chrono::TimeDelta;
use futures_util::TryStreamExt;
use sayoo::metering::Meter;
use sayoo::metering::export::{Filter, Format, stream};
use sayoo::metering::readings::{self, Wanted};
use sqlx::PgPool;

use super::world::{World, start};

async fn text(world: &World, filter: Filter, format: Format) -> String {
    let parts: Vec<bytes::Bytes> = stream(world.db.clone(), filter, format).try_collect().await.unwrap();
    String::from_utf8(parts.concat()).unwrap()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_export_has_every_hour_once_and_adds_up(db: PgPool) {
    let world = World::new(db);
    let (alice, bob) = (world.instance("=alice", 0).await, world.instance("bob", 0).await);
    world.sampler.tick().await;
    world.minutes(120).await;
    world.derive().await;
    let mut filter = Filter { from: start(), until: start() + TimeDelta::days(1), account: None, environment: None };

    let csv = text(&world, filter, Format::Csv).await;
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 4, "{csv}");
    let cpu: i64 = rows.iter().map(|row| row[8].parse::<i64>().unwrap()).sum();
    assert_eq!(cpu, world.used(&alice, Meter::Cpu).await + world.used(&bob, Meter::Cpu).await);
    assert!(rows.iter().any(|row| &row[1] == "'=alice") && rows.iter().all(|row| &row[13] == "3600"), "{csv}");

    // Each meter has its own coverage and quality: databases are looked at more rarely, and nobody counted a request.
    let names = reader.headers().unwrap().clone();
    let of = |row: &csv::StringRecord, name: &str| row[names.iter().position(|it| it == name).unwrap()].to_owned();
    for row in &rows {
        let covered = |meter: &str| of(row, &format!("{meter}_covered_seconds"));
        let quality = |meter: &str| of(row, &format!("{meter}_quality"));
        assert_eq!([covered("cpu"), covered("requests")], ["3600", "0"], "{csv}");
        assert_eq!([quality("cpu"), quality("requests")], ["measured", ""], "{csv}");
        assert_ne!([quality("memory"), quality("database")], ["", ""], "{csv}");
        assert_eq!(of(row, "active_users_of_day"), "", "nobody asked its database who used it");
    }

    let json: Vec<serde_json::Value> = serde_json::from_str(&text(&world, filter, Format::Json).await).unwrap();
    assert_eq!(json.len(), 4);
    assert!(json.iter().any(|row| row["account"] == "=alice"));

    filter.account = Some(bob.account);
    let json: Vec<serde_json::Value> = serde_json::from_str(&text(&world, filter, Format::Json).await).unwrap();
    assert!(json.len() == 2 && json.iter().all(|row| row["account"] == "bob"));
    filter.environment = Some(alice.environment);
    assert_eq!(text(&world, filter, Format::Json).await, "[\n]\n");
    assert_eq!(text(&world, filter, Format::Csv).await.lines().count(), 1);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn each_meter_says_what_is_known_of_its_hour_and_people_count_once_a_day(db: PgPool) {
    let world = World::new(db);
    let alice = world.instance("alice", 0).await;
    for (meter, covered, quality) in
        [("cpu", 3600, "measured"), ("egress", 1200, "interpolated"), ("requests", 60, "lower_bound")]
    {
        sqlx::query("INSERT INTO usage_hours SELECT $1, $2, h, 7, $3, $4 FROM generate_series($5::timestamptz, $5 + interval '1 day', '1 day') h")
            .bind(alice.environment.uuid())
            .bind(meter)
            .bind(covered)
            .bind(quality)
            .bind(start())
            .execute(&world.db)
            .await
            .unwrap();
    }
    let asked = "INSERT INTO user_looks (environment_id, looked_at, read_until) VALUES ($1, $2, $2)";
    sqlx::query(asked).bind(alice.environment.uuid()).bind(start()).execute(&world.db).await.unwrap();
    let seen = "INSERT INTO user_days SELECT $1, ($2::timestamptz AT TIME ZONE 'UTC')::date, sha256(n::text::bytea), $2, $2 FROM generate_series(1, 3) n";
    sqlx::query(seen).bind(alice.environment.uuid()).bind(start()).execute(&world.db).await.unwrap();

    let filter = Filter { from: start(), until: start() + TimeDelta::days(3), account: None, environment: None };
    let json: Vec<serde_json::Value> = serde_json::from_str(&text(&world, filter, Format::Json).await).unwrap();
    assert_eq!(json.len(), 2);
    for (row, users) in json.iter().zip([serde_json::json!(3), serde_json::Value::Null]) {
        let known = |meter: &str| {
            let of = |what: &str| row[format!("{meter}_{what}")].clone();
            (of("covered_seconds"), of("quality"))
        };
        assert_eq!(known("cpu"), (3600.into(), "measured".into()));
        assert_eq!(known("egress"), (1200.into(), "interpolated".into()));
        assert_eq!(known("requests"), (60.into(), "lower_bound".into()));
        assert_eq!(known("memory"), (0.into(), "".into()));
        assert_eq!(row["active_users_of_day"], users, "the second day's are not known yet");
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_export_of_many_pages_has_each_row_once(db: PgPool) {
    let world = World::new(db);
    let instance = world.instance("alice", 0).await;
    sqlx::query(
        "INSERT INTO usage_hours SELECT $1, 'cpu', $2::timestamptz + n * interval '1 hour', n, 3600, 'measured' FROM generate_series(0, 4999) n",
    )
    .bind(instance.environment.uuid())
    .bind(start())
    .execute(&world.db)
    .await
    .unwrap();
    let filter = Filter { from: start(), until: start() + TimeDelta::days(1000), account: None, environment: None };
    let json: Vec<serde_json::Value> = serde_json::from_str(&text(&world, filter, Format::Json).await).unwrap();
    let hours: std::collections::BTreeSet<&str> = json.iter().map(|row| row["hour"].as_str().unwrap()).collect();
    assert_eq!((json.len(), hours.len()), (5000, 5000));
    assert_eq!(text(&world, filter, Format::Csv).await.lines().count(), 5001);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_readings_of_a_time_add_up_to_what_was_used_in_it_source_after_source(db: PgPool) {
    let world = World::new(db);
    let alice = world.instance("alice", 0).await;
    world.sampler.tick().await;
    world.minutes(30).await;
    // Another container of the same instance: another counter.
    world.engine.kill_containers(&alice.service);
    world.minutes(30).await;
    world.derive().await;
    let wanted = Wanted {
        environment: alice.environment,
        meter: "cpu".to_owned(),
        from: start(),
        until: start() + TimeDelta::days(1),
    };
    let parts: Vec<bytes::Bytes> = readings::stream(world.db.clone(), wanted.clone()).try_collect().await.unwrap();
    let text = String::from_utf8(parts.concat()).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let sources: std::collections::BTreeSet<&str> = rows.iter().map(|row| row.get(0).unwrap()).collect();
    assert_eq!(sources.len(), 2, "{text}");
    let sum: i64 = rows.iter().map(|row| row[6].parse::<i64>().unwrap()).sum();
    assert_eq!(sum, world.used(&alice, Meter::Cpu).await);
    let none = Wanted { from: start() - TimeDelta::days(2), until: start() - TimeDelta::days(1), ..wanted };
    let parts: Vec<bytes::Bytes> = readings::stream(world.db.clone(), none).try_collect().await.unwrap();
    assert_eq!(String::from_utf8(parts.concat()).unwrap().lines().count(), 1);
}
