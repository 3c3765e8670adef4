//! Every route of customers, tried by each role in an account. The list comes from the router's own table.

use reqwest::StatusCode;
use sayoo::accounts::password::{self, NewPassword};
use sayoo::web::routes::{Access, TABLE, Verb};
use sqlx::PgPool;
use uuid::Uuid;

use crate::billing::world as billing;
use crate::support::portal::{PASSWORD, Person, World};

const OWNER: &[&str] = &["owner"];
const OWNER_AND_BILLING: &[&str] = &["owner", "billing"];
const OWNER_AND_DEVELOPER: &[&str] = &["owner", "developer"];
const WHO_WORKS: &[&str] = &["owner", "developer", "member"];
const ALL: &[&str] = &["owner", "developer", "billing", "member"];

/// Which roles may use a route: written down once more here, so that neither the policy nor a page's use of it changes unseen.
const ROLES: &[(Verb, &[&str], &[&str])] = &[
    (Verb::Get, OWNER, &["/account/close", "/instances/{id}/plan"]),
    (Verb::Get, OWNER_AND_DEVELOPER, &["/instances/new", "/instances/new/details", "/instances/new/apps"]),
    (Verb::Get, OWNER_AND_DEVELOPER, &["/instances/{id}/rename", "/instances/{id}/delete"]),
    (Verb::Get, ALL, &["/account", "/account/security", "/account/sessions", "/account/members", "/account/closing"]),
    (Verb::Get, ALL, &["/instances", "/instances/check-name", "/instances/{id}", "/instances/{id}/events"]),
    (Verb::Get, ALL, &["/instances/{id}/logs", "/instances/{id}/logs/stream", "/instances/{id}/usage"]),
    (Verb::Get, ALL, &["/instances/{id}/domains", "/instances/{id}/scaling"]),
    (Verb::Get, OWNER_AND_BILLING, &["/account/billing/exports", "/account/billing/exports/file"]),
    (Verb::Get, OWNER_AND_BILLING, &["/account/billing", "/account/billing/statement", "/account/billing/details"]),
    (Verb::Get, OWNER_AND_BILLING, &["/account/billing/budget", "/account/billing/coupons", "/instances/{id}/what-if"]),
    (Verb::Get, OWNER_AND_BILLING, &["/account/billing/credit"]),
    (
        Verb::Get,
        OWNER_AND_BILLING,
        &[
            "/account/billing/invoices",
            "/account/billing/invoices/{document}",
            "/account/billing/invoices/{document}/files/{kind}",
            "/account/billing/invoices/{document}/lines/{line}",
            "/account/billing/invoices/{document}/lines/{line}/hours.csv",
            "/account/billing/invoices/{document}/lines/{line}/readings.csv",
            "/account/billing/invoices/{document}/recompute.json.gz",
            "/account/billing/proof",
        ],
    ),
    (
        Verb::Get,
        OWNER_AND_BILLING,
        &["/account/billing/methods", "/account/billing/cards/{wish}", "/account/billing/cards/{wish}/events"],
    ),
    (
        Verb::Post,
        OWNER_AND_BILLING,
        &[
            "/account/billing/methods",
            "/account/billing/methods/{method}/default",
            "/account/billing/methods/{method}/remove",
            "/account/billing/invoices/{document}/pay",
            "/account/billing/credit",
        ],
    ),
    (Verb::Post, OWNER, &["/account/close", "/account/keep", "/instances/{id}/plan"]),
    (Verb::Post, OWNER_AND_BILLING, &["/account/organisation", "/account/billing/details"]),
    (
        Verb::Post,
        OWNER_AND_BILLING,
        &["/account/billing/budget", "/account/billing/budget/remove", "/account/billing/coupons"],
    ),
    (Verb::Post, OWNER_AND_DEVELOPER, &["/instances/new", "/instances/{id}/rename", "/instances/{id}/delete"]),
    (
        Verb::Post,
        OWNER_AND_DEVELOPER,
        &["/instances/{id}/undo-delete", "/instances/{id}/start", "/instances/{id}/stop"],
    ),
    (
        Verb::Post,
        OWNER_AND_DEVELOPER,
        &["/instances/{id}/restart", "/instances/{id}/wake", "/instances/{id}/containers"],
    ),
    (Verb::Post, OWNER_AND_DEVELOPER, &["/instances/{id}/scaling", "/instances/{id}/domains"]),
    (
        Verb::Post,
        OWNER_AND_DEVELOPER,
        &["/instances/{id}/domains/{domain}/look", "/instances/{id}/domains/{domain}/remove"],
    ),
    (Verb::Post, WHO_WORKS, &["/instances/{id}/open"]),
    (Verb::Post, ALL, &["/verify/resend", "/account/person", "/account/security/password", "/account/security/email"]),
    (Verb::Post, ALL, &["/account/sessions/revoke-others", "/account/sessions/{session}/revoke"]),
];

fn roles(verb: Verb, path: &str) -> &'static [&'static str] {
    let found = ROLES.iter().find(|(of, _, paths)| *of == verb && paths.contains(&path));
    found.unwrap_or_else(|| panic!("say here which roles may use {verb:?} {path}")).1
}

/// With these a request that is allowed is carried out, or asks for something else.
const FIELDS: &[(&str, &str)] = &[
    ("name", "Renamed"),
    ("subdomain", "renamed"),
    ("typed", "shop"),
    ("count", "2"),
    ("hostname", "www.example.org"),
    ("plan", "test"),
    ("company", "Stolen"),
    ("country", "FR"),
    ("currency", "EUR"),
    ("timezone", "Europe/Paris"),
    ("locale", "fr"),
    ("current", "wrong"),
    ("new", "wrong"),
    ("email", "other@example.com"),
    ("password", "wrong"),
];

/// Somebody else in the account of `owner`.
async fn colleague(world: &World, owner: &Person, role: &str) -> Person {
    let mut person = world.person(role, role).await;
    for sql in [
        "UPDATE members SET account_id = $1 WHERE user_id = $2",
        "UPDATE sessions SET account_id = $1 WHERE user_id = $2",
    ] {
        sqlx::query(sql).bind(owner.account.uuid()).bind(person.user.uuid()).execute(&world.db).await.unwrap();
    }
    person.account = owner.account;
    person
}

/// The status of an answer; its body may never end.
async fn status(person: &Person, verb: Verb, path: &str) -> StatusCode {
    let (client, url) = (&person.browser.client, format!("{}{path}", person.browser.url));
    let request = match verb {
        Verb::Get => client.get(url),
        Verb::Post => {
            let token = person.browser.token().await;
            client.post(url).form(&[&[("csrf", token.as_str())], FIELDS].concat())
        }
    };
    request.send().await.unwrap().status()
}

/// All that the account's people could change, as one text.
async fn everything(db: &PgPool) -> String {
    let sql = "SELECT concat( (SELECT string_agg(e::text, ';' ORDER BY e.id) FROM environments e)
                            , (SELECT string_agg(d::text, ';' ORDER BY d.id) FROM domains d)
                            , (SELECT string_agg(a::text, ';' ORDER BY a.id) FROM accounts a)
                            , (SELECT string_agg(s::text, ';' ORDER BY s.name) FROM subdomains s)
                            , (SELECT count(*) FROM audit_log)
                            , (SELECT count(*) FROM jobs) )";
    sqlx::query_scalar(sql).fetch_one(db).await.unwrap()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn each_role_may_use_its_routes_and_no_others(db: PgPool) {
    let world = World::new(db.clone()).await;
    billing::sell(&world, true).await;
    let alice = world.customer("alice").await;
    billing::introduce(&world, alice.account, "MA").await;
    let environment = alice.has_running(&world, "shop").await;
    let hour = "2026-11-23T10:00:00Z".parse().unwrap();
    billing::used(&world, environment, "cpu", hour, 200 * billing::CORE_HOUR).await;
    billing::at(&world, "2026-12-01T03:00:00Z").await;
    let document: Uuid = sqlx::query_scalar("SELECT id FROM documents").fetch_one(&db).await.unwrap();
    alice.post(&format!("/instances/{environment}/domains"), &[("hostname", "shop.example.com")]).await;
    let domain: Uuid = sqlx::query_scalar("SELECT id FROM domains").fetch_one(&db).await.unwrap();
    alice.post("/account/billing/methods", &[]).await;
    let wish: Uuid = sqlx::query_scalar("SELECT id FROM card_wishes").fetch_one(&db).await.unwrap();
    sqlx::raw_sql(
        "INSERT INTO stripe_customers (account_id, seller_id, customer_id, created_at)
         SELECT accounts.id, sellers.id, 'cus_1', now() FROM accounts, sellers WHERE sellers.currency = 'MAD';
         INSERT INTO payment_methods (id, account_id, customer_id, provider_id, brand, last4, expires, created_at)
         SELECT gen_random_uuid(), account_id, customer_id, 'pm_1', 'visa', '4242', '2030-12', now() FROM stripe_customers",
    )
    .execute(&db)
    .await
    .unwrap();
    let method: Uuid = sqlx::query_scalar("SELECT id FROM payment_methods").fetch_one(&db).await.unwrap();
    let routes: Vec<_> = TABLE.iter().filter(|route| route.access == Access::Member).collect();
    let path = |path: &str| {
        path.replace("{id}", &environment.to_string())
            .replace("{domain}", &domain.to_string())
            .replace("{session}", &Uuid::nil().to_string())
            .replace("{document}", &document.to_string())
            .replace("{method}", &method.to_string())
            .replace("{wish}", &wish.to_string())
            .replace("{line}", "2")
            .replace("{kind}", "pdf")
    };
    let mut people = vec![alice];
    for role in ["developer", "billing", "member"] {
        people.push(colleague(&world, &people[0], role).await);
    }
    let names = ["owner", "developer", "billing", "member"];
    let hash = password::hash(&NewPassword::check(PASSWORD, &[]).unwrap()).await.unwrap();
    sqlx::query("UPDATE users SET password_hash = $1").bind(hash).execute(&db).await.unwrap();

    let before = everything(&db).await;
    let mut refused = 0;
    for (person, role) in people.iter().zip(names) {
        for route in routes.iter().filter(|route| !roles(route.verb, route.path).contains(&role)) {
            let path = path(route.path);
            assert_eq!(
                status(person, route.verb, &path).await,
                StatusCode::FORBIDDEN,
                "{role}: {:?} {path}",
                route.verb
            );
            refused += 1;
        }
    }
    assert!(refused > 30, "{refused} were tried");
    assert_eq!(everything(&db).await, before, "what was refused changed nothing");

    // Those who look first, then those who change; the owner, who closes everything, at the end.
    for (person, role) in people.iter().zip(names).rev() {
        for route in routes.iter().filter(|route| roles(route.verb, route.path).contains(&role)) {
            let path = path(route.path);
            let status = status(person, route.verb, &path).await;
            assert!(
                status != StatusCode::FORBIDDEN && !status.is_server_error(),
                "{role}: {:?} {path}: {status}",
                route.verb
            );
        }
    }
    assert_ne!(everything(&db).await, before, "what was allowed was done");
}
