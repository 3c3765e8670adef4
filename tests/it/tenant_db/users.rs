//! Who used an Odoo, asked of its own database: what counts, and what a tenant gains by answers of its own.

use chrono::{DateTime, TimeDelta, Utc};
use sayoo::tenant_db::{Activity, Error, Result};

use super::{Tenant, inside, run, tenant};
use crate::support::tenants::TestTenants;

/// As much of Odoo's tables as is asked for: seven people, of whom two are internal users with a session of these days.
const ODOO: &str = "
ALTER TABLE res_users ADD active boolean DEFAULT true, ADD share boolean DEFAULT false;
UPDATE res_users SET active = false, login = '__system__' WHERE id = 1;
UPDATE res_users SET share = true WHERE id IN (4, 5);
UPDATE res_users SET active = false WHERE id = 6;
CREATE TABLE res_device_log (id serial, user_id integer, first_activity timestamp, last_activity timestamp);
INSERT INTO res_device_log (user_id, first_activity, last_activity) VALUES
    (2, '2026-11-20 09:00', '2026-11-20 10:00'), (2, '2026-11-20 09:00', '2026-11-21 08:00'),
    (3, '2026-11-21 23:59:59', '2026-11-21 23:59:59'), (3, '2026-11-22 00:30', '2026-11-22 00:30'),
    (1, '2026-11-21 10:00', '2026-11-21 10:00'), (4, '2026-11-21 10:00', '2026-11-21 10:00'),
    (6, '2026-11-21 10:00', '2026-11-21 10:00'), (7, '2026-10-01 10:00', '2026-10-01 10:00'),
    (7, '2027-01-01 10:00', '2027-01-01 10:00'), (99, '2026-11-21 10:00', '2026-11-21 10:00')";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

async fn ask(tenants: &TestTenants, tenant: &Tenant) -> Result<Vec<Activity>> {
    let between = (at("2026-11-20T00:00:00Z"), at("2026-11-22T12:00:00Z"));
    tenants.server.active_users(&tenant.database, &tenant.role, &tenant.password, between).await
}

#[tokio::test]
async fn internal_users_count_who_had_a_session_and_nobody_else() {
    let tenants = TestTenants::new().await;
    let template = tenants.template(7).await;
    let shop = tenant(&tenants, &template).await;
    assert!(ask(&tenants, &shop).await.is_err(), "no Odoo's database is not an Odoo without users");
    run(&mut inside(&tenants, &shop).await, ODOO).await.unwrap();
    let mut seen: Vec<_> = ask(&tenants, &shop).await.unwrap().iter().map(|seen| (seen.user, seen.at)).collect();
    seen.sort_unstable();
    seen.dedup();
    let wanted = [
        (2, "2026-11-20T09:00:00Z"),
        (2, "2026-11-20T10:00:00Z"),
        (2, "2026-11-21T08:00:00Z"),
        (3, "2026-11-21T23:59:59Z"),
        (3, "2026-11-22T00:30:00Z"),
    ];
    assert_eq!(seen, wanted.map(|(user, text)| (user, at(text))));
    tenants.forget().await;
}

#[tokio::test]
async fn a_tenant_that_answers_in_its_own_way_gains_nothing_and_holds_nobody_up() {
    let tenants = TestTenants::new().await;
    let template = tenants.template(7).await;
    let device = |columns: &str| format!("DROP TABLE res_device_log; CREATE VIEW res_device_log AS {columns}");
    let times = "timestamp '2026-11-21 10:00' AS first_activity, timestamp '2026-11-21 10:00' AS last_activity";
    for (attack, statements) in [
        ("it never ends", device(&format!("SELECT 2 AS user_id, {times} FROM (SELECT pg_sleep(60)) AS slow"))),
        ("it fails", device(&format!("SELECT (1 / (random() * 0)::int) AS user_id, {times}"))),
        ("other types", device("SELECT 'x'::text AS user_id, 'y'::text AS first_activity, 'z'::text AS last_activity")),
        (
            "too many",
            format!(
                "{}; INSERT INTO res_users (id, login) SELECT n, n::text FROM generate_series(1000, 60000) n",
                device(&format!("SELECT n AS user_id, {times} FROM generate_series(1000, 60000) n"))
            ),
        ),
        (
            "it writes",
            format!(
                "CREATE FUNCTION mark() RETURNS int LANGUAGE plpgsql AS $$BEGIN CREATE TABLE marked (); RETURN 2; END$$; {}",
                device(&format!("SELECT public.mark() AS user_id, {times}"))
            ),
        ),
        ("it takes a lock", "LOCK TABLE res_device_log".to_owned()),
    ] {
        let evil = tenant(&tenants, &template).await;
        let mut session = inside(&tenants, &evil).await;
        run(&mut session, ODOO).await.unwrap();
        let mut other = inside(&tenants, &evil).await;
        run(&mut session, "BEGIN").await.unwrap();
        run(&mut session, &statements).await.unwrap();
        if attack != "it takes a lock" {
            run(&mut session, "COMMIT").await.unwrap();
        }
        let answer = ask(&tenants, &evil).await;
        assert!(
            matches!(answer, Err(Error::Rejected(_) | Error::Conflict(_) | Error::Unreachable(_))),
            "{attack}: {answer:?}"
        );
        let marked: Option<String> =
            sqlx::query_scalar("SELECT to_regclass('public.marked')::text").fetch_one(&mut other).await.unwrap();
        assert_eq!(marked, None, "{attack}");
    }
    // A user of its own invention is its own: it pays for one more.
    let odd = tenant(&tenants, &template).await;
    run(&mut inside(&tenants, &odd).await, ODOO).await.unwrap();
    run(&mut inside(&tenants, &odd).await, "INSERT INTO res_users (id, login) VALUES (99, 'me')").await.unwrap();
    let seen = ask(&tenants, &odd).await.unwrap();
    assert!(seen.iter().any(|seen| seen.user == 99 && seen.at - at("2026-11-21T10:00:00Z") == TimeDelta::zero()));
    tenants.forget().await;
}
