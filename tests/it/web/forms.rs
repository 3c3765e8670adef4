//! What every page and every form has: headers, tokens, limits, error pages.

use reqwest::StatusCode;
use sqlx::PgPool;

use crate::support::portal::{PASSWORD, World};

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_form_without_its_token_or_from_another_site_is_refused(pool: PgPool) {
    let world = World::new(pool).await;
    let (alice, eve) = (world.signed_up("alice").await, world.stranger());
    let foreign = eve.token().await;
    for token in ["", "x", foreign.as_str()] {
        let page =
            alice.browser.post_raw("/account/person", &[("csrf", token), ("name", "Eve"), ("locale", "en")]).await;
        page.assert_says(403, "This page was open too long");
    }
    let own = alice.browser.token().await;
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example"), ("origin", "null")] {
        let form = [("csrf", own.as_str()), ("name", "Eve"), ("locale", "en")];
        let request =
            alice.browser.client.post(format!("{}/account/person", world.url)).form(&form).header(name, value);
        assert_eq!(alice.browser.send(request).await.status, StatusCode::FORBIDDEN, "{name}: {value}");
    }
    let text = format!("csrf={own}&name=Eve&locale=en");
    let request = alice
        .browser
        .client
        .post(format!("{}/account/person", world.url))
        .header("content-type", "text/plain")
        .body(text);
    assert_eq!(alice.browser.send(request).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(alice.get("/account").await.attribute("#f-name", "value"), "alice");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_field_given_twice_or_not_at_all_is_refused(pool: PgPool) {
    let world = World::new(pool).await;
    let alice = world.signed_up("alice").await;
    let twice = alice.post("/login", &[("email", &alice.email), ("password", PASSWORD), ("password", "x")]).await;
    twice.assert_says(400, "could not read the form");
    alice.post("/account/person", &[("name", "Eve")]).await.assert_says(400, "could not read the form");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn every_page_carries_the_security_headers(pool: PgPool) {
    let world = World::new(pool).await;
    let alice = world.signed_up("alice").await;
    for path in ["/", "/login", "/account", "/nothing/here"] {
        let page = alice.get(path).await;
        if page.status == StatusCode::SEE_OTHER {
            continue;
        }
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{path}: {policy}");
        assert!(policy.contains("form-action 'self' http://*.localhost:8080"), "{path}: {policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("referrer-policy", "strict-origin-when-cross-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(page.header(name), value, "{path}");
        }
        assert!(!page.header("x-request-id").is_empty());
        assert!(!page.headers.contains_key("server"));
        for inline in ["style=", "<style", "onclick=", "<script>"] {
            assert!(!page.body.contains(inline), "{path} has {inline}");
        }
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_unknown_address_gets_a_page_with_a_number_in_the_reader_s_language(pool: PgPool) {
    let world = World::new(pool).await;
    let stranger = world.stranger();
    let request = stranger
        .client
        .get(format!("{}/nothing", world.url))
        .header("accept-language", "fr")
        .header("x-request-id", "abc-12345");
    let page = stranger.send(request).await;
    page.assert_says(404, "Il n’y a rien ici");
    page.assert_says(404, "abc-12345");
    let forged = stranger
        .client
        .get(format!("{}/nothing", world.url))
        .header("x-request-id", "<b>x</b>\u{7f}".replace('\u{7f}', ""));
    assert!(!stranger.send(forged).await.body.contains("<b>x</b>"));
    assert_eq!(stranger.send(stranger.client.head(format!("{}/login", world.url))).await.status, StatusCode::OK);
    assert_eq!(
        stranger.send(stranger.client.request(reqwest::Method::TRACE, format!("{}/login", world.url))).await.status,
        404
    );
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_portal_says_that_it_is_away_when_its_database_is(pool: PgPool) {
    let world = World::new(pool).await;
    let alice = world.signed_up("alice").await;
    world.served.close().await;
    let page = alice.get("/account").await;
    page.assert_says(503, "briefly unavailable");
    assert_eq!(page.header("retry-after"), "5");
    assert_eq!(world.stranger().get("/login").await.status, StatusCode::OK, "what needs no database still works");
}
