//! Logging in and out.

use chrono::TimeDelta;
use sayoo::accounts::password;
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

/// The time of an answer is that of the hash of a password: it tells nobody whether there is such an account when as much of that
/// work is done for an unknown address as for a known one. What is counted is no clock's matter.
#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_work_of_an_answer_does_not_tell_who_has_an_account(pool: PgPool) {
    let world = World::new(pool).await;
    let alice = world.signed_up("alice").await;
    world.staff().await;
    let with_password = "UPDATE staff SET password_hash = (SELECT password_hash FROM users LIMIT 1) RETURNING email";
    let staff: String = sqlx::query_scalar(with_password).fetch_one(&world.db).await.unwrap();
    for (path, known, status) in
        [("/login", &alice.email, 422), ("/signup", &alice.email, 303), ("/staff/login", &staff, 422)]
    {
        for (network, email) in [(1, known.as_str()), (2, "nobody@example.com"), (3, "no address at all")] {
            if path == "/signup" && network == 3 {
                continue;
            }
            let eve = world.stranger().at_address(&format!("198.51.100.{network}"));
            let token = eve.token().await;
            let mut form = vec![("csrf", token.as_str()), ("email", email), ("password", "an entirely other phrase")];
            if path == "/signup" {
                form.extend([("name", "Eve"), ("company", "Eve")]);
            }
            let before = password::worked();
            assert_eq!(eve.post_raw(path, &form).await.status, status, "{path} {email}");
            assert_eq!(password::worked() - before, 1, "{path} {email}");
        }
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
