//! The same through the real path: hours in the database with outages and parts, months that are run, corrected and made final, and
//! the files that the portal offers, computed again by the published program.

use std::path::Path;
use std::process::Command;

use sayoo::base::ids::DocumentId;
use sqlx::{AssertSqlSafe, PgPool};

use super::world::{at, audit, introduce, number, sell};
use crate::support::portal::{Person, World};

const CUSTOMERS: usize = 20;

/// What each environment used in each hour of some time: a number that looks random and is the same each time. In some hours of
/// some days nothing is known (an outage), in some a part; the quantity of the rest differs by meter and hour.
const HOURS: &str = "
    INSERT INTO usage_hours (environment_id, meter, hour, quantity, covered_seconds, quality)
    SELECT e.id, m.meter, h.hour
         , CASE WHEN roll % 13 = 0 THEN m.most / 7 * (roll % 100) / 100 ELSE m.most * (roll % 100) / 100 END
         , CASE WHEN roll % 13 = 0 THEN 514 WHEN roll % 11 = 0 THEN 1800 ELSE 3600 END
         , CASE WHEN roll % 13 = 0 THEN 'lower_bound' WHEN roll % 11 = 0 THEN 'interpolated' ELSE 'measured' END
      FROM environments e
     CROSS JOIN (VALUES ('cpu', 10800000000), ('database', 40000000000000), ('egress', 500000000), ('requests', 10000)) AS m (meter, most)
     CROSS JOIN generate_series('FROM'::timestamptz, 'UNTIL'::timestamptz - interval '1 hour', interval '1 hour') AS h (hour)
     CROSS JOIN LATERAL (SELECT abs(hashtext(e.name || e.order_no || m.meter || h.hour)) AS roll
                              , abs(hashtext(e.name || e.order_no || date_trunc('day', h.hour, 'UTC'))) AS day) AS dice
     WHERE NOT (day % 5 = 0 AND extract(hour FROM h.hour AT TIME ZONE 'UTC') BETWEEN day % 17 AND day % 17 + 6)
       AND NOT (day % 23 = 0 AND m.meter = 'database')";

/// Days are what their hours add up to.
const DAYS: &str = "
    INSERT INTO usage_days (environment_id, meter, day, quantity)
    SELECT environment_id, meter, date_trunc('day', hour, 'UTC'), sum(quantity) FROM usage_hours GROUP BY 1, 2, 3
        ON CONFLICT (environment_id, meter, day) DO UPDATE SET quantity = excluded.quantity";

async fn run(world: &World, sql: &str) {
    sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&world.db).await.unwrap();
}

async fn hours(world: &World, from: &str, until: &str) {
    let places = "(SELECT environments.*, row_number() OVER (ORDER BY created_at, id) AS order_no FROM environments)";
    let sql = HOURS.replace("FROM environments e", &format!("FROM {places} e"));
    run(world, &sql.replace("'FROM'", &format!("'{from}'")).replace("'UNTIL'", &format!("'{until}'"))).await;
    run(world, DAYS).await;
}

/// Runs the published program over all files; returns what it says of each.
fn computed(folder: &Path, files: &[String]) -> Vec<String> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/recompute/recompute.py");
    let run = Command::new("python3").arg(program).args(files).current_dir(folder).output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}");
    let starts: Vec<usize> = files.iter().map(|file| said.find(file.as_str()).unwrap()).collect();
    let end = |no: usize| starts.get(no + 1).copied().unwrap_or(said.len());
    starts.iter().enumerate().map(|(no, start)| said[*start..end(no)].to_owned()).collect()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn every_invoice_of_twenty_customers_is_computed_again_from_the_portal_s_files(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let mut people: Vec<Person> = Vec::new();
    for no in 0..CUSTOMERS {
        let person = world.customer(&format!("person{no}")).await;
        introduce(&world, person.account, "MA").await;
        person.has_running(&world, &format!("shop{no}")).await;
        if no % 5 == 0 {
            person.has_running(&world, &format!("second{no}")).await;
        }
        people.push(person);
    }
    let many = u64::try_from(CUSTOMERS).unwrap();
    hours(&world, "2026-11-22T12:00:00Z", "2026-11-30T23:00:00Z").await;
    assert_eq!(at(&world, "2026-12-01T03:00:00Z").await.finalised, many);
    hours(&world, "2026-11-30T23:00:00Z", "2026-12-31T23:00:00Z").await;
    // An outage of November turns out to be none for some, and one for others.
    run(
        &world,
        "UPDATE usage_hours SET quantity = quantity / 3, covered_seconds = 1200, quality = 'lower_bound'
                  WHERE hour < '2026-11-27' AND environment_id IN (SELECT id FROM environments WHERE name ~ '[02468]$')",
    )
    .await;
    run(&world, "UPDATE usage_hours SET quantity = quantity * 2 WHERE hour < '2026-11-27' AND environment_id IN (SELECT id FROM environments WHERE name ~ '[13579]$')").await;
    run(&world, DAYS).await;
    assert!(at(&world, "2027-01-01T03:00:00Z").await.finalised >= many, "and what November's corrections give back");
    hours(&world, "2026-12-31T23:00:00Z", "2027-01-31T23:00:00Z").await;
    assert!(at(&world, "2027-02-01T03:00:00Z").await.finalised >= many);

    let folder = tempfile::tempdir().unwrap();
    let documents: Vec<(uuid::Uuid, uuid::Uuid, Option<i64>)> = sqlx::query_as(
        "SELECT d.id, d.account_id
              , (SELECT sum(net_minor)::bigint FROM charges c WHERE c.period_id = d.period_id AND d.kind = 'invoice')
           FROM documents d WHERE d.state = 'final' ORDER BY d.id",
    )
    .fetch_all(&world.db)
    .await
    .unwrap();
    assert!(documents.len() >= 3 * CUSTOMERS);
    let mut files = Vec::new();
    for (document, account, _) in &documents {
        let document: DocumentId = document.to_string().parse().unwrap();
        let owner = people.iter().find(|person| person.account.uuid() == *account).unwrap();
        let path = format!("/account/billing/invoices/{document}/recompute.json.gz");
        let answer = owner.browser.stream(&path, None).await;
        assert_eq!(answer.status().as_u16(), 200);
        let name = format!("{document}.json.gz");
        std::fs::write(folder.path().join(&name), answer.bytes().await.unwrap()).unwrap();
        files.push(name);
    }
    for ((document, _, charged), said) in documents.iter().zip(computed(folder.path(), &files)) {
        if let Some(charged) = charged {
            let sum = format!("taxes: {}.{:02} MAD", charged / 100, charged % 100);
            assert!(said.contains(&sum), "{document}: {sum} is not in {said}");
        }
    }
    // What all documents say is what was charged, and there were corrections both ways.
    let papers = "SELECT sum(CASE kind WHEN 'invoice' THEN net_minor ELSE -net_minor END)::bigint FROM documents";
    assert_eq!(number(&world.db, papers).await, number(&world.db, "SELECT sum(net_minor)::bigint FROM charges").await);
    let corrections = "SELECT count(DISTINCT net_minor > 0) FROM charges WHERE class = 'correction' AND net_minor <> 0";
    assert_eq!(number(&world.db, corrections).await, 2);
    assert!(number(&world.db, "SELECT count(*) FROM usage_hours WHERE quality = 'lower_bound'").await > 1_000);
    audit(&world.db).await;
}
