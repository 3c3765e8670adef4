//! Every route of customers, tried by each role in an account. The list comes from the router's own table.

use reqwest::StatusCode;
use sayoo::accounts::password::{self, NewPassword};
use sayoo::web::routes::{Access, TABLE, Verb};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::portal::{PASSWORD, Person, World};

const OWNER: &[&str] = &["owner"];
const OWNER_AND_BILLING: &[&str] = &["owner", "billing"];
const OWNER_AND_DEVELOPER: &[&str] = &["owner", "developer"];
const WHO_WORKS: &[&str] = &["owner", "developer", "member"];
const ALL: &[&str] = &["owner", "developer", "billing", "member"];

/// Who may use a route: written down once more here, so that neither the policy nor a page's use of it changes unseen.
fn roles(verb: Verb, path: &str) -> &'static [&'static str] {
    let path = path.strip_prefix("/instances/{id}").map_or(path, |rest| if rest.is_empty() { "/{id}" } else { rest });
    match (verb, path) {
        (_, "/plan" | "/account/close") | (Verb::Post, "/account/keep") => OWNER,
        (Verb::Post, "/account/organisation") => OWNER_AND_BILLING,
        (_, "/instances/new" | "/instances/new/details" | "/instances/new/apps" | "/rename" | "/delete")
        | (Verb::Post, "/start" | "/stop" | "/restart" | "/wake" | "/containers" | "/scaling" | "/undo-delete")
        | (Verb::Post, "/domains" | "/domains/{domain}/look" | "/domains/{domain}/remove") => OWNER_AND_DEVELOPER,
        (Verb::Post, "/open") => WHO_WORKS,
        (_, "/account" | "/account/security" | "/account/sessions" | "/account/members" | "/account/closing")
        | (Verb::Get, "/instances" | "/instances/check-name" | "/{id}" | "/events" | "/logs" | "/logs/stream")
        | (Verb::Get, "/usage" | "/domains" | "/scaling")
        | (
            Verb::Post,
            "/verify/resend" | "/account/person" | "/account/security/password" | "/account/security/email",
        )
        | (Verb::Post, "/account/sessions/revoke-others" | "/account/sessions/{session}/revoke") => ALL,
        _ => panic!("say here which roles may use {verb:?} {path}"),
    }
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
    let alice = world.customer("alice").await;
    let environment = alice.has_running(&world, "shop").await;
    alice.post(&format!("/instances/{environment}/domains"), &[("hostname", "shop.example.com")]).await;
    let domain: Uuid = sqlx::query_scalar("SELECT id FROM domains").fetch_one(&db).await.unwrap();
    let routes: Vec<_> = TABLE.iter().filter(|route| route.access == Access::Member).collect();
    let path = |path: &str| {
        path.replace("{id}", &environment.to_string())
            .replace("{domain}", &domain.to_string())
            .replace("{session}", &Uuid::nil().to_string())
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
