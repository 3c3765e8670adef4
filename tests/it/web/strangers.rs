//! Every route, tried by people who must not use it. The list comes from the router's own table.

use sayoo::web::routes::{Access, TABLE, Verb};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::world::{Browser, Customer, Page, World};

/// Fields that forms ask for: with them a request reaches the question whose thing it is.
const FIELDS: &[(&str, &str)] =
    &[("name", "stolen"), ("typed", "stolen"), ("subdomain", "stolen-name"), ("address", "stolen-name")];

async fn ask(browser: &Browser, verb: Verb, path: &str) -> Page {
    match verb {
        Verb::Get => browser.get(path).await,
        Verb::Post => browser.post(path, FIELDS).await,
    }
}

fn filled(path: &str, id: &str) -> String {
    let is_hole = |part: &str| part.starts_with('{');
    path.split('/').map(|part| if is_hole(part) { id } else { part }).collect::<Vec<_>>().join("/")
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn who_is_not_logged_in_is_asked_to(pool: PgPool) {
    let world = World::new(pool).await;
    let stranger = world.stranger();
    for route in TABLE.iter().filter(|route| route.access == Access::Member) {
        let path =
            if route.path.contains('{') { filled(route.path, &Uuid::nil().to_string()) } else { route.path.to_owned() };
        let page = ask(&stranger, route.verb, &path).await;
        assert_eq!(page.status, 303, "{:?} {path}: {}", route.verb, page.text());
        assert!(page.header("location").starts_with("/login"), "{path} leads to {}", page.header("location"));
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_belongs_to_another_account_is_not_there(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    let (alice, eve) = (world.customer("alice").await, world.customer("eve").await);
    let environment = environment_of(&pool, &alice).await;
    let session = sqlx::query_scalar!(
        "SELECT sessions.id FROM sessions JOIN users ON users.id = user_id WHERE email_key = $1",
        alice.email
    );
    let session = session.fetch_one(&pool).await.unwrap();
    for route in TABLE.iter().filter(|route| route.access == Access::Member && route.path.contains('{')) {
        let id = if route.path.contains("{session}") { session } else { environment };
        for id in [id.to_string(), Uuid::nil().to_string(), "x'--".to_owned()] {
            let path = filled(route.path, &id);
            let page = ask(&eve.browser, route.verb, &path).await;
            assert_eq!(page.status, 404, "{:?} {path}: {}", route.verb, page.text());
        }
    }
    alice.get("/account").await.assert_says(200, "Your organisation");
    let wanted = sqlx::query!("SELECT wanted, name, restarts FROM environments WHERE id = $1", environment);
    let wanted = wanted.fetch_one(&pool).await.unwrap();
    assert_eq!((wanted.wanted.as_str(), wanted.name.as_str(), wanted.restarts), ("running", "Shop", 0));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn staff_s_pages_are_not_for_customers(pool: PgPool) {
    let world = World::new(pool).await;
    let alice = world.customer("alice").await;
    for route in TABLE.iter().filter(|route| route.access == Access::Staff) {
        let path =
            if route.path.contains('{') { filled(route.path, &Uuid::nil().to_string()) } else { route.path.to_owned() };
        let page = ask(&alice.browser, route.verb, &path).await;
        assert!([303, 404].contains(&page.status.as_u16()), "{:?} {path}: {}", route.verb, page.status);
        if page.status == 303 {
            assert!(page.header("location").starts_with("/staff"), "{path} leads to {}", page.header("location"));
        }
    }
}

/// Gives a customer a running instance, without the order and without a worker.
#[expect(clippy::disallowed_methods, reason = "one statement for five tables, in a test only")]
async fn environment_of(pool: &PgPool, customer: &Customer) -> Uuid {
    let id = Uuid::now_v7();
    let statement = "
        WITH owner AS (
            SELECT members.account_id, users.id AS user_id FROM users JOIN members ON members.user_id = users.id WHERE users.email_key = $2
        ), plan AS (
            INSERT INTO plans (id, code, kind, position, names, summaries, created_at)
            VALUES ($1, 'stranger-test', 'production', 1, '{\"en\": \"P\"}', '{\"en\": \"P\"}', now())
         RETURNING id
        ), version AS (
            INSERT INTO plan_versions (id, plan_id, version, state, cpu_millis, memory_mb, storage_mb, daily_backups, weekly_backups,
                                       monthly_backups, published_at, created_at)
            SELECT $1, plan.id, 1, 'published', 500, 512, 1024, 1, 1, 1, now(), now() FROM plan
         RETURNING id
        ), project AS (
            INSERT INTO projects (id, account_id, name, created_at) SELECT $1, account_id, 'Shop', now() FROM owner
         RETURNING id, account_id
        )
        INSERT INTO environments (id, account_id, project_id, kind, name, plan_version_id, wanted, company, language, country, currency,
                                  timezone, apps, admin_email, admin_name, order_key, status, status_since, created_at)
        SELECT $1, project.account_id, project.id, 'production', 'Shop', version.id, 'running', 'Shop', 'en_US', 'FR', 'EUR',
               'Europe/Paris', '{}', $2, 'Alice', $1, 'running', now(), now()
          FROM project, version";
    sqlx::query(statement).bind(id).bind(&customer.email).execute(pool).await.unwrap();
    id
}
