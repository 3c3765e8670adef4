//! Ordering an instance in three screens.

use reqwest::StatusCode;
use sqlx::PgPool;

use sayoo::environments::orders::{self, OrderError, Refusal};
use sayoo::environments::{Status, Wanted, names, removal};

use crate::support::portal::{Person, World};

const DETAILS: [(&str, &str); 6] = [
    ("plan", "production"),
    ("name", "My shop"),
    ("subdomain", "my-shop"),
    ("company", "Acme"),
    ("language", "fr_FR"),
    ("country", "MA"),
];

fn query(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn with<'a>(name: &str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    DETAILS.into_iter().map(|(field, kept)| if field == name { (field, value) } else { (field, kept) }).collect()
}

async fn count(world: &World) -> i64 {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM environments"#).fetch_one(&world.db).await.unwrap()
}

async fn details(person: &Person, fields: &[(&str, &str)]) -> crate::support::portal::Page {
    person.get(&format!("/instances/new/apps?{}", query(fields))).await
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_order_takes_three_screens_and_the_price_is_shown_before_the_click(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;

    let plans = alice.get("/instances/new").await;
    assert_eq!(plans.text(".choice .title"), "Development Test Production");
    assert!(plans.text(".choice .price").contains("MAD"), "an account in Morocco pays in dirhams");

    let details = alice.get("/instances/new/details?plan=production").await;
    assert_eq!(details.attribute("#f-name", "value"), "alice & Fils", "what is known is filled in");
    assert_eq!(details.attribute("#f-subdomain", "value"), "alice-fils");
    assert_eq!(details.attribute("#f-country option[selected]", "value"), "MA");

    let apps = self::details(&alice, &DETAILS).await;
    assert_eq!(apps.status, StatusCode::OK, "{}", apps.body);
    assert!(apps.text("button[type=submit]").contains("MAD"), "{}", apps.text("button[type=submit]"));
    let key = apps.attribute("input[name=key]", "value");

    let fields = [DETAILS.as_slice(), &[("key", &key), ("apps", "crm"), ("apps", "stock"), ("apps", "evil")]].concat();
    let id = alice.post("/instances/new", &fields).await.instance();
    let environment = alice.instance(id).await;
    assert_eq!(
        (environment.name.as_str(), environment.status, environment.wanted),
        ("My shop", Status::Ordered, Wanted::Running)
    );
    assert_eq!(environment.apps, ["crm", "stock"], "only what is offered");
    assert_eq!(environment.admin_email, "alice@example.com");
    let kinds: Vec<String> =
        sqlx::query_scalar!("SELECT kind FROM environment_events ORDER BY id").fetch_all(&world.db).await.unwrap();
    assert_eq!(kinds, ["ordered", "step.queued.started"]);
    assert_eq!(world.audit().await, ["environment.ordered"]);

    let again = alice.post("/instances/new", &fields).await;
    assert_eq!((again.instance(), count(&world).await), (id, 1), "the same form twice is one order");

    let page = alice.get(&format!("/instances/{id}")).await;
    assert!(page.text("h1").contains("My shop"));
    assert!(page.text(".steps .step.running .what").contains("Order received"), "{}", page.text(".steps"));
    assert!(page.text("noscript").contains("refresh"), "without JavaScript the page loads itself anew");
    assert!(alice.get("/instances").await.text("tbody").contains("my-shop.localhost"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_bad_address_is_refused_with_a_reason_and_everything_typed_is_kept(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let long = "a".repeat(64);
    for (typed, why) in [
        ("", "choose a name"),
        ("a", "at least 3"),
        (long.as_str(), "at most 40"),
        ("été", "from a to z"),
        ("шоп", "from a to z"),
        ("xn--80ak6aa92e", "hyphen"),
        ("admin", "reserved"),
        ("paypal-help", "reserved"),
        ("a.b.c", "from a to z"),
        ("<script>alert(1)</script>", "from a to z"),
        ("x'; DROP TABLE environments; --", "from a to z"),
    ] {
        let again = details(&alice, &with("subdomain", typed)).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
        assert!(again.text(".summary").contains(why), "{typed}: {}", again.text(".summary"));
        assert_eq!(again.attribute("#f-subdomain", "value"), typed, "what was typed stays");
        assert_eq!(again.attribute("#f-name", "value"), "My shop");
        assert_eq!(again.attribute(".summary a", "href"), "#f-subdomain");
        let posted = alice.post("/instances/new", &with("subdomain", typed)).await;
        assert_eq!(posted.status, StatusCode::UNPROCESSABLE_ENTITY, "the last screen checks again: {typed}");
        let live = alice.get(&format!("/instances/check-name?{}", query(&[("value", typed)]))).await;
        assert!(live.text(".no").contains(why), "while it is typed: {typed}");
    }
    assert_eq!(count(&world).await, 0);
    let upper = alice.post("/instances/new", &with("subdomain", " My-SHOP ")).await.instance();
    assert_eq!(alice.instance(upper).await.subdomain.unwrap().as_str(), "my-shop", "upper case is folded");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn other_fields_are_checked_too(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let long = "x".repeat(201);
    for (field, typed) in [
        ("name", ""),
        ("name", " \t "),
        ("company", long.as_str()),
        ("language", "xx_YY"),
        ("country", "ZZ"),
        ("name", "a\u{0}b"),
    ] {
        let again = alice.post("/instances/new", &with(field, typed)).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}={typed:?}");
        assert_eq!(again.attribute(".summary a", "href"), format!("#f-{field}"));
    }
    let no_plan = alice.post("/instances/new", &with("plan", "free-lunch")).await;
    assert_eq!(no_plan.location, "/instances/new");
    assert_eq!(count(&world).await, 0);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn html_and_sql_in_names_are_only_text(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let name = "<script>alert('x')</script>'; DROP TABLE users; --";
    let id = alice.post("/instances/new", &with("name", name)).await.instance();
    for path in [
        "/instances".to_owned(),
        format!("/instances/{id}"),
        format!("/instances/{id}/delete"),
        format!("/instances/{id}/logs"),
    ] {
        let page = alice.get(&path).await;
        assert!(!page.body.contains("<script>alert"), "{path}");
        assert!(page.text("body").contains(name), "{path}");
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn of_two_people_who_want_the_same_address_at_once_one_gets_it(db: PgPool) {
    let world = World::new(db).await;
    let (alice, bob) = (world.customer("alice").await, world.customer("bob").await);
    let (of_alice, of_bob) = (alice.order(&world, "shop").await, bob.order(&world, "shop").await);
    let (by_alice, by_bob) = (alice.by(), bob.by());
    let results =
        tokio::join!(orders::place(&world.portal, &by_alice, of_alice), orders::place(&world.portal, &by_bob, of_bob));
    let refused = |result: &Result<_, OrderError>| matches!(result, Err(OrderError::Refused(Refusal::AddressTaken)));
    assert!(results.0.is_ok() != results.1.is_ok(), "{results:?}");
    assert!(refused(&results.0) || refused(&results.1), "{results:?}");
    assert_eq!(count(&world).await, 1, "nothing half done");
    let projects =
        sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM projects"#).fetch_one(&world.db).await.unwrap();
    assert_eq!(projects, 1);

    let loser = if results.0.is_ok() { &bob } else { &alice };
    let again = loser.post("/instances/new", &with("subdomain", "shop")).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.text(".summary").contains("moment ago"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_same_form_sent_five_times_at_once_is_one_order(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let order = alice.order(&world, "shop").await;
    let by = alice.by();
    let places = (0..5).map(|_| orders::place(&world.portal, &by, order.clone()));
    let mut ids: Vec<_> = futures_util::future::join_all(places).await.into_iter().map(Result::unwrap).collect();
    ids.dedup();
    assert_eq!((ids.len(), count(&world).await), (1, 1));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_freed_address_rests_for_everybody_but_its_last_owner(db: PgPool) {
    let world = World::new(db).await;
    let (alice, bob) = (world.customer("alice").await, world.customer("bob").await);
    let id = alice.has_running(&world, "shop").await;
    removal::ask(&world.portal, &alice.by(), id, "shop").await.unwrap().unwrap();
    let mut conn = world.db.acquire().await.unwrap();
    names::free(&mut conn, id, world.portal.clock.now()).await.unwrap();
    drop(conn);

    assert!(bob.get("/instances/check-name?value=shop").await.text(".no").contains("taken"));
    assert!(alice.get("/instances/check-name?value=shop").await.text(".yes").contains("free"));
    world.portal.clock.advance(names::REST + chrono::TimeDelta::seconds(1));
    let order = bob.order(&world, "shop").await;
    orders::place(&world.portal, &bob.by(), order).await.unwrap();
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn who_is_not_verified_suspended_or_at_the_limit_is_told_so(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let refused = async |why: &str| {
        let page = alice.post("/instances/new", &DETAILS).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.text("[role=alert]").contains(why), "{}", page.text("[role=alert]"));
    };
    sqlx::query!("UPDATE users SET verified_at = NULL").execute(&world.db).await.unwrap();
    refused("confirm your e-mail").await;
    assert!(alice.get("/instances/new").await.text(".notice").contains("confirm your e-mail"));
    sqlx::query!("UPDATE users SET verified_at = now()").execute(&world.db).await.unwrap();
    sqlx::query!("UPDATE accounts SET environment_limit = 0").execute(&world.db).await.unwrap();
    refused("can have 0 instances").await;
    assert_eq!(count(&world).await, 0);
}
