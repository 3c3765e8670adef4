//! Logging in and out.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use sqlx::PgPool;

use crate::support::portal::{PASSWORD, World};

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_wrong_password_and_an_unknown_address_are_answered_alike(pool: PgPool) {
    let world = World::new(pool).await;
    let alice = world.signed_up("alice").await;
    let eve = world.stranger();
    let known = eve.log_in(&alice.email, "not her password at all").await;
    let unknown = eve.log_in("nobody@example.com", "not her password at all").await;
    known.assert_says(422, "The e-mail address or the password is not right");
    assert_eq!((known.status, known.words()), (unknown.status, unknown.words()));
    let names = |page: &crate::support::portal::Page| page.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&known), names(&unknown));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_time_of_an_answer_does_not_tell_who_has_an_account(pool: PgPool) {
    let world = World::new(pool).await;
    let alice = world.signed_up("alice").await;
    let network = std::sync::atomic::AtomicU8::new(1);
    // The quickest of three: what a stranger would measure, too.
    let quickest = async |emails: [&str; 3], path: &str| {
        let mut quickest = Duration::MAX;
        for email in emails {
            let network = network.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let eve = world.stranger().at_address(&format!("198.51.100.{network}"));
            let token = eve.token().await;
            let mut form = vec![("csrf", token.as_str()), ("email", email), ("password", "an entirely other phrase")];
            if path == "/signup" {
                form.extend([("name", "Eve"), ("company", "Eve")]);
            }
            let began = Instant::now();
            let status = eve.post_raw(path, &form).await.status.as_u16();
            quickest = quickest.min(began.elapsed());
            assert_eq!(status, if path == "/signup" { 303 } else { 422 });
        }
        quickest.as_secs_f64()
    };
    for path in ["/login", "/signup"] {
        let known = quickest([&alice.email; 3], path).await;
        let unknown = quickest(["one@example.com", "two@example.com", "three@example.com"], path).await;
        assert!((0.5..2.0).contains(&(known / unknown)), "{path}: {known} s and {unknown} s");
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_login_leads_back_to_pages_of_ours_only(pool: PgPool) {
    let world = World::new(pool).await;
    let alice = world.signed_up("alice").await;
    for (next, goes) in [
        ("/account/members", "/account/members"),
        ("https://evil.example", "/instances"),
        ("//evil.example", "/instances"),
        ("/\\evil.example", "/instances"),
    ] {
        let fields = [("email", alice.email.as_str()), ("password", PASSWORD), ("next", next)];
        world.stranger().post("/login", &fields).await.assert_redirect(goes);
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn strangers_who_guess_are_stopped_and_the_owner_s_own_device_is_not(pool: PgPool) {
    let world = World::new(pool).await;
    let alice = world.signed_up("alice").await;
    for guess in 0..10 {
        let eve = world.stranger().at_address(&format!("198.51.100.{guess}"));
        eve.log_in(&alice.email, "one guess of very many").await.assert_says(422, "not right");
    }
    let eve = world.stranger().at_address("198.51.100.77");
    let stopped = eve.log_in(&alice.email, PASSWORD).await;
    stopped.assert_says(429, "Too many tries");
    assert!(stopped.header("retry-after").parse::<u32>().unwrap() <= 3600);

    alice.post("/logout", &[]).await.assert_redirect("/login");
    alice.browser.log_in(&alice.email, PASSWORD).await.assert_redirect("/instances");

    world.wait(TimeDelta::hours(1));
    eve.log_in(&alice.email, PASSWORD).await.assert_redirect("/instances");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn logging_out_ends_the_login_on_the_server_too(pool: PgPool) {
    let world = World::new(pool).await;
    let alice = world.signed_up("alice").await;
    alice.get("/account").await.assert_says(200, "Your organisation");
    let out = alice.post("/logout", &[]).await;
    out.assert_redirect("/login");
    assert_eq!(out.header("clear-site-data"), "\"storage\"");
    alice.get("/account").await.assert_redirect("/login?next=/account");
    alice.post("/logout", &[]).await.assert_redirect("/login");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_login_ends_when_unused_for_half_a_day_and_after_two_weeks_in_any_case(pool: PgPool) {
    let world = World::new(pool).await;
    let alice = world.signed_up("alice").await;
    world.wait(TimeDelta::hours(13));
    alice.get("/account").await.assert_redirect("/login?next=/account");
    alice.browser.log_in(&alice.email, PASSWORD).await.assert_redirect("/instances");
    for _ in 0..33 {
        world.wait(TimeDelta::hours(10));
        alice.get("/account").await.assert_says(200, "Your organisation");
    }
    world.wait(TimeDelta::hours(10));
    alice.get("/account").await.assert_redirect("/login?next=/account");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_login_from_a_new_device_is_told_by_mail_and_one_from_a_known_device_is_not(pool: PgPool) {
    let world = World::new(pool).await;
    let alice = world.signed_up("alice").await;
    world.wait(TimeDelta::days(1));
    let before = world.mails_to(&alice.email).await.len();
    alice.browser.log_in(&alice.email, PASSWORD).await.assert_redirect("/instances");
    assert_eq!(world.mails_to(&alice.email).await.len(), before);
    world.stranger().at_address("203.0.113.9").log_in(&alice.email, PASSWORD).await.assert_redirect("/instances");
    let mails = world.mails_to(&alice.email).await;
    assert_eq!(mails.len(), before + 1);
    assert_eq!(mails.last().unwrap().subject, "A new sign-in to your account");
    assert!(mails.last().unwrap().text_body.contains("203.0.113.9"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_login_gets_a_new_cookie_and_the_old_one_is_worth_nothing(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    let alice = world.signed_up("alice").await;
    let fixed = world.stranger();
    let token = fixed.token().await;
    let fields = [("csrf", token.as_str()), ("email", alice.email.as_str()), ("password", PASSWORD)];
    let request =
        fixed.client.post(format!("{}/login", world.url)).form(&fields).header("cookie", "sayoo=chosen-by-eve");
    // The visit's cookie is lost by that header, so the form is refused: nothing of eve's choosing gets in.
    assert_eq!(fixed.send(request).await.status, 403);
    let count = || sqlx::query_scalar!("SELECT count(*) FROM sessions").fetch_one(&pool);
    let before = count().await.unwrap();
    alice.browser.log_in(&alice.email, PASSWORD).await.assert_redirect("/instances");
    assert_eq!(count().await.unwrap(), before, "the new login replaces the old one");
}
