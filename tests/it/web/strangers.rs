//! Every route, tried by people who must not use it. The list comes from the router's own table.

use sayoo::web::routes::{Access, TABLE, Verb};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::portal::{Browser, Page, World};

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
        let mut pages = vec![ask(&stranger, route.verb, &path).await];
        if route.verb == Verb::Post {
            // Without a single field that its form has: who asks is looked at before what was sent.
            pages.push(stranger.post(&path, &[]).await);
        }
        for page in pages {
            assert_eq!(page.status, 303, "{:?} {path}: {}", route.verb, page.words());
            assert!(page.header("location").starts_with("/login"), "{path} leads to {}", page.header("location"));
        }
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_belongs_to_another_account_is_not_there(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    let alice = world.customer("alice").await;
    let environment = alice.has_running(&world, "shop").await;
    let session = sqlx::query_scalar!("SELECT id FROM sessions WHERE user_id = $1", alice.user.uuid());
    let session = session.fetch_one(&pool).await.unwrap();
    for (name, role) in [("eve", "owner"), ("trudy", "member")] {
        let stranger = world.person(name, role).await;
        for route in TABLE.iter().filter(|route| route.access == Access::Member && route.path.contains('{')) {
            let id = if route.path.contains("{session}") { session } else { environment.uuid() };
            for id in [id.to_string(), Uuid::nil().to_string(), "x'--".to_owned()] {
                let path = filled(route.path, &id);
                let page = ask(&stranger.browser, route.verb, &path).await;
                assert_eq!(page.status, 404, "{role}: {:?} {path}: {}", route.verb, page.words());
            }
        }
        assert!(!stranger.get("/instances").await.body.contains("shop"));
    }
    alice.get("/account").await.assert_says(200, "Your organisation");
    assert_eq!(world.audit().await, ["environment.ordered"], "nothing was done");
}

/// Something with an own place in paths: the person's, and somebody else's.
struct Thing {
    hole: &'static str,
    own: Uuid,
    other: Uuid,
}

/// Every way to fill the path's holes in which at least one thing is not the person's own.
fn foreign(path: &str, things: &[Thing]) -> Vec<String> {
    let mut filled = vec![(String::new(), true)];
    for part in path.split('/').skip(1) {
        let choices = if part.starts_with('{') {
            let thing = things.iter().find(|thing| thing.hole == part);
            let thing = thing.unwrap_or_else(|| panic!("say whose {part} is whose"));
            vec![
                (thing.own.to_string(), true),
                (thing.other.to_string(), false),
                (Uuid::nil().to_string(), false),
                ("x'--".to_owned(), false),
            ]
        } else {
            vec![(part.to_owned(), true)]
        };
        let longer = |(path, is_own): &(String, bool)| {
            let (path, is_own) = (path.clone(), *is_own);
            choices
                .iter()
                .map(move |(part, is_this)| (format!("{path}/{part}"), is_own && *is_this))
                .collect::<Vec<_>>()
        };
        filled = filled.iter().flat_map(longer).collect();
    }
    filled.into_iter().filter(|(_, is_own)| !is_own).map(|(path, _)| path).collect()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_is_somebody_else_s_is_not_there_below_what_is_one_s_own_either(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    let mut found = Vec::new();
    for name in ["alice", "eve"] {
        let person = world.customer(name).await;
        let environment = person.has_running(&world, name).await;
        let host = format!("www.{name}.example");
        let added = person.post(&format!("/instances/{environment}/domains"), &[("hostname", host.as_str())]).await;
        assert_eq!(added.status, 303, "{}", added.words());
        let domain: Uuid = sqlx::query_scalar("SELECT id FROM domains WHERE environment_id = $1")
            .bind(environment.uuid())
            .fetch_one(&pool)
            .await
            .unwrap();
        let session: Uuid = sqlx::query_scalar("SELECT id FROM sessions WHERE user_id = $1")
            .bind(person.user.uuid())
            .fetch_one(&pool)
            .await
            .unwrap();
        found.push((person, [environment.uuid(), domain, session]));
    }
    let everything = async || -> String {
        let sql = "SELECT concat( (SELECT string_agg(e::text, ';' ORDER BY e.id) FROM environments e)
                                , (SELECT string_agg(d::text, ';' ORDER BY d.id) FROM domains d)
                                , (SELECT string_agg(id::text, ';' ORDER BY id) FROM sessions)
                                , (SELECT count(*) FROM audit_log) )";
        sqlx::query_scalar(sql).fetch_one(&pool).await.unwrap()
    };
    // Past the pause between two looks for a domain's record: it must not be what refuses.
    world.wait(chrono::TimeDelta::minutes(1));
    let before = everything().await;
    let (alice, eve) = (&found[0], &found[1]);
    let names = ["{id}", "{domain}", "{session}"].into_iter().zip(eve.1).zip(alice.1);
    let mut things: Vec<_> = names.map(|((hole, own), other)| Thing { hole, own, other }).collect();
    // What is billed has its own story (billing/pages.rs): here nobody has a document.
    // What is billed and paid by card (payments/pages.rs), too.
    let papers = ["{document}", "{line}", "{kind}", "{method}", "{wish}"];
    things.extend(papers.map(|hole| Thing { hole, own: Uuid::new_v4(), other: Uuid::new_v4() }));
    let (mut tried, mut mixed) = (0, 0);
    for route in TABLE.iter().filter(|route| route.access == Access::Member && route.path.contains('{')) {
        for path in foreign(route.path, &things) {
            let page = ask(&eve.0.browser, route.verb, &path).await;
            assert_eq!(page.status, 404, "{:?} {path}: {}", route.verb, page.words());
            tried += 1;
            mixed += i32::from(path.contains(&eve.1[0].to_string()));
        }
    }
    assert!(tried > 50 && mixed >= 6, "{tried} paths, {mixed} of them below an own instance");
    assert_eq!(everything().await, before, "nothing was done");
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
