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
        let page = ask(&stranger, route.verb, &path).await;
        assert_eq!(page.status, 303, "{:?} {path}: {}", route.verb, page.words());
        assert!(page.header("location").starts_with("/login"), "{path} leads to {}", page.header("location"));
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
