//! A login that ends in the middle of an order: nothing is ordered, and nothing typed is lost.

use chrono::TimeDelta;
use sqlx::PgPool;

use crate::support::portal::{PASSWORD, Page, Person, World};

/// Names in a script that takes three times as much room in an address.
const TYPED: [(&str, &str); 7] = [
    ("plan", "production"),
    ("name", "متجر الأطلس <b>"),
    ("subdomain", "atlas-shop"),
    ("company", "شركة الأطلس للتجارة والتوزيع"),
    ("language", "ar_001"),
    ("country", "MA"),
    ("apps", "stock"),
];

fn path(screen: &str, fields: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    format!("/instances/new/{screen}?{query}")
}

/// The last screen of an order, as the person sees it.
async fn last_screen(person: &Person) -> Page {
    let page = person.get(&path("apps", &TYPED)).await;
    page.assert_says(200, "atlas-shop");
    page
}

/// Presses the button of a last screen that was opened before.
async fn press(person: &Person, page: &Page) -> Page {
    let (token, key) = (page.attribute("input[name=csrf]", "value"), page.attribute("input[name=key]", "value"));
    let form = [&[("csrf", token.as_str()), ("key", key.as_str()), ("apps", "crm")], TYPED.as_slice()].concat();
    person.browser.post_raw("/instances/new", &form).await
}

async fn orders(world: &World) -> i64 {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM environments"#).fetch_one(&world.db).await.unwrap()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn after_logging_in_again_an_order_goes_on_where_it_was(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.signed_up("alice").await;
    let open = last_screen(&alice).await;
    world.wait(TimeDelta::hours(13));

    press(&alice, &open).await.assert_redirect("/login");
    alice.get("/login").await.assert_says(200, "Your session has ended");
    alice.browser.log_in(&alice.email, "not her password at all").await.assert_says(422, "not right");
    let back = alice.browser.log_in(&alice.email, PASSWORD).await;
    assert!(back.location.starts_with("/instances/new/apps?"), "{}", back.location);
    let cookies: Vec<_> = back.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect();
    let lasts = "Max-Age=1296000";
    assert!(cookies.iter().any(|cookie| cookie.contains(lasts)), "the cookie outlives the login by a day: {cookies:?}");
    assert_eq!(orders(&world).await, 0, "nothing is ordered that was not seen again");

    let shown = alice.get(&back.location).await;
    shown.assert_says(200, "nothing was sent");
    for (name, value) in TYPED.iter().filter(|(name, _)| *name != "apps") {
        assert_eq!(shown.attribute(&format!("input[name={name}]"), "value"), *value);
    }
    assert_eq!(shown.attribute("input[name=key]", "value"), open.attribute("input[name=key]", "value"));
    for app in ["crm", "stock"] {
        shown.attribute(&format!("input[name=apps][value={app}][checked]"), "value");
    }
    let id = press(&alice, &shown).await.instance();
    let made = alice.instance(id).await;
    assert_eq!(
        (made.name.as_str(), made.apps.as_slice()),
        (TYPED[1].1, ["crm".to_owned(), "stock".to_owned()].as_slice())
    );
    assert_eq!(orders(&world).await, 1);
}

/// Another password that is taken everywhere.
const OTHER: &str = "seven otters juggle bright lanterns";

/// Ways to end the login of alice's browser; each returns the password after it.
async fn ended(world: &World, alice: &Person, how: &str) -> &'static str {
    let phone = world.stranger();
    match how {
        "the list" => {
            let own = alice.get("/account/sessions").await.attribute("form[action$='/revoke']", "action");
            phone.log_in(&alice.email, PASSWORD).await.assert_redirect("/instances");
            phone.post(&own, &[]).await.assert_redirect("/account/sessions");
            PASSWORD
        }
        "all others" => {
            phone.log_in(&alice.email, PASSWORD).await.assert_redirect("/instances");
            for _ in 0..2 {
                phone.post("/account/sessions/revoke-others", &[]).await.assert_redirect("/account/sessions");
            }
            PASSWORD
        }
        "another password" => {
            phone.log_in(&alice.email, PASSWORD).await.assert_redirect("/instances");
            let change = [("current", PASSWORD), ("new", OTHER)];
            phone.post("/account/security/password", &change).await.assert_redirect("/account/security");
            OTHER
        }
        _ => {
            let browser = if how == "a reset here" { &alice.browser } else { &phone };
            browser.post("/forgot", &[("email", &alice.email)]).await;
            let link = world.link_to(&alice.email).await;
            browser.post(&link, &[("password", OTHER)]).await.assert_redirect("/login");
            OTHER
        }
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_login_that_was_ended_lets_nobody_in_and_loses_nothing_that_was_typed(db: PgPool) {
    let world = World::new(db).await;
    for (number, how) in ["the list", "all others", "another password", "a reset", "a reset here"].iter().enumerate() {
        let alice = world.signed_up(&format!("alice{number}")).await;
        let open = last_screen(&alice).await;
        let password = ended(&world, &alice, how).await;
        // Nor does it by the clock of a process that is behind.
        world.wait(TimeDelta::minutes(-1));
        alice.get("/account").await.assert_redirect("/login?next=/account");
        world.wait(TimeDelta::minutes(1));

        press(&alice, &open).await.assert_redirect("/login");
        assert!(!alice.get("/login").await.body.contains("atlas-shop"));
        let back = alice.browser.log_in(&alice.email, password).await;
        assert!(back.location.starts_with("/instances/new/apps?"), "after {how}: {}", back.location);
        alice.get(&back.location).await.assert_says(200, "nothing was sent");
        assert_eq!(orders(&world).await, 0);
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_was_typed_outlives_a_reset_in_the_same_browser_for_the_same_person_alone(db: PgPool) {
    let world = World::new(db).await;
    let (alice, bob) = (world.signed_up("alice").await, world.signed_up("bob").await);
    let open = last_screen(&alice).await;
    ended(&world, &alice, "a reset").await;
    press(&alice, &open).await.assert_redirect("/login");
    ended(&world, &alice, "a reset here").await;
    let back = alice.browser.log_in(&alice.email, OTHER).await;
    assert!(back.location.starts_with("/instances/new/apps?"), "{}", back.location);

    let open = last_screen(&alice).await;
    ended(&world, &alice, "a reset").await;
    press(&alice, &open).await.assert_redirect("/login");
    alice.browser.log_in(&bob.email, PASSWORD).await.assert_redirect("/instances");
    alice.post("/logout", &[]).await.assert_redirect("/login");
    alice.browser.log_in(&alice.email, OTHER).await.assert_redirect("/instances");
    let kept = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM sessions WHERE resume_path IS NOT NULL"#);
    assert_eq!(kept.fetch_one(&world.db).await.unwrap(), 0, "it is forgotten");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn every_screen_of_an_order_is_come_back_to_and_no_address_of_the_login_tells_it(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.signed_up("alice").await;
    let long = "م".repeat(200);
    let fields = [&[("company", long.as_str())], &TYPED[..3]].concat();
    for asked in [path("details", &fields), path("apps", &fields), "/instances/new?plan=test&name=Atlas".to_owned()] {
        world.wait(TimeDelta::hours(13));
        alice.get(&asked).await.assert_redirect("/login");
        alice.browser.log_in(&alice.email, PASSWORD).await.assert_redirect(&asked);
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn whoever_else_logs_in_with_the_same_browser_sees_nothing_of_it(db: PgPool) {
    let world = World::new(db).await;
    let (alice, bob) = (world.signed_up("alice").await, world.signed_up("bob").await);
    let open = last_screen(&alice).await;
    world.wait(TimeDelta::hours(13));
    press(&alice, &open).await.assert_redirect("/login");

    let login = alice.get("/login").await;
    alice.browser.log_in(&bob.email, PASSWORD).await.assert_redirect("/instances");
    for page in [
        login,
        alice.get("/instances").await,
        alice.get("/instances/new").await,
        alice.get("/instances/new/apps").await,
    ] {
        assert!(!page.body.contains("atlas-shop"), "{}", page.body);
    }
    alice.post("/logout", &[]).await.assert_redirect("/login");
    alice.browser.log_in(&alice.email, PASSWORD).await.assert_redirect("/instances");
    let kept = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM sessions WHERE resume_path IS NOT NULL"#);
    assert_eq!(kept.fetch_one(&world.db).await.unwrap(), 0, "it is forgotten");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_was_typed_waits_for_a_day(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.signed_up("alice").await;
    let open = last_screen(&alice).await;
    world.wait(TimeDelta::hours(13));
    press(&alice, &open).await.assert_redirect("/login");
    world.wait(TimeDelta::hours(25));
    alice.browser.log_in(&alice.email, PASSWORD).await.assert_redirect("/instances");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_screen_of_the_login_before_is_shown_again_and_not_carried_out(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.signed_up("alice").await;
    let open = last_screen(&alice).await;
    // In another tab.
    alice.browser.log_in(&alice.email, PASSWORD).await.assert_redirect("/instances");

    let back = press(&alice, &open).await;
    assert!(back.location.starts_with("/instances/new/apps?"), "{back:?}");
    assert!(!back.location.contains("csrf"), "{back:?}");
    assert_eq!(orders(&world).await, 0);
    press(&alice, &alice.get(&back.location).await).await.instance();
    assert_eq!(orders(&world).await, 1);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_form_of_another_site_or_of_nobody_is_not_kept(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.signed_up("alice").await;
    let form = [&[("csrf", "forged")], TYPED.as_slice()].concat();
    let send = async |browser: &crate::support::portal::Browser, site: &str| {
        let request = browser.client.post(format!("{}/instances/new", world.url)).form(&form);
        browser.send(request.header("sec-fetch-site", site)).await
    };
    assert_eq!(send(&alice.browser, "cross-site").await.status, 403);
    send(&world.stranger(), "same-origin").await.assert_redirect("/login?next=/instances/new");
    world.wait(TimeDelta::hours(13));
    assert_eq!(send(&alice.browser, "cross-site").await.status, 403);
    alice.browser.log_in(&alice.email, PASSWORD).await.assert_redirect("/instances");
}
