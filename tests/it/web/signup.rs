//! Signing up and proving an e-mail address.

use chrono::TimeDelta;
use sqlx::PgPool;

use crate::support::portal::{PASSWORD, World};

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_link_logs_in_the_browser_that_signed_up_and_works_once(pool: PgPool) {
    let world = World::new(pool).await;
    let zoe = world.stranger();
    zoe.sign_up("Zoé", "zoe@example.com", PASSWORD).await.assert_redirect("/signup/check-mail");
    let link = world.link_to("zoe@example.com").await;

    // Programs that check mails open every link.
    for _ in 0..3 {
        zoe.get(&link).await.assert_says(200, "zoe@example.com");
    }
    zoe.get("/account").await.assert_redirect("/login?next=/account");
    zoe.post(&link, &[]).await.assert_redirect("/instances");
    zoe.get("/account").await.assert_says(200, "Your organisation");

    world.stranger().get(&link).await.assert_says(410, "does not work any more");
    world.stranger().post(&link, &[]).await.assert_says(410, "does not work any more");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_link_opened_in_another_browser_proves_the_address_and_logs_nobody_in(pool: PgPool) {
    let world = World::new(pool).await;
    world.stranger().sign_up("Zoé", "zoe@example.com", PASSWORD).await;
    let phone = world.stranger();
    phone.post(&world.link_to("zoe@example.com").await, &[]).await.assert_redirect("/login");
    phone.get("/login").await.assert_says(200, "Now sign in with your password");
    phone.get("/account").await.assert_redirect("/login?next=/account");
    phone.log_in("zoe@example.com", PASSWORD).await.assert_redirect("/instances");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn links_that_are_old_or_forged_change_nothing(pool: PgPool) {
    let world = World::new(pool).await;
    let zoe = world.stranger();
    zoe.sign_up("Zoé", "zoe@example.com", PASSWORD).await;
    let link = world.link_to("zoe@example.com").await;
    for forged in ["/verify/x", "/verify/%00", "/reset/' OR 1=1 --", "/confirm-email/AAAA", "/undo-email/AAAA"] {
        zoe.get(forged).await.assert_says(410, "does not work any more");
        zoe.post(forged, &[("password", PASSWORD)]).await.assert_says(410, "does not work any more");
    }
    // A link for one thing does not do another.
    zoe.get(&link.replace("/verify/", "/reset/")).await.assert_says(410, "does not work any more");
    world.wait(TimeDelta::hours(25));
    zoe.post(&link, &[]).await.assert_says(410, "does not work any more");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn signing_up_with_a_known_address_looks_the_same_to_the_stranger_and_warns_the_owner(pool: PgPool) {
    let world = World::new(pool).await;
    let alice = world.signed_up("alice").await;
    let (known, unknown) = (world.stranger(), world.stranger());
    let first = known.sign_up("Eve", &alice.email, "an entirely other phrase of words").await;
    let second = unknown.sign_up("Eve", "eve@example.com", "an entirely other phrase of words").await;
    assert_eq!(
        (first.status, first.header("location"), &first.body),
        (second.status, second.header("location"), &second.body)
    );
    assert_eq!(first.headers.contains_key("set-cookie"), second.headers.contains_key("set-cookie"));
    let mails = world.mails_to(&alice.email).await;
    assert_eq!(mails.last().unwrap().subject, "You already have an account");
    let account = alice.get("/account").await;
    assert_eq!(account.attribute("#f-company", "value"), "Works of alice", "nothing of hers was changed");
    known.log_in(&alice.email, "an entirely other phrase of words").await.assert_says(422, "not right");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_form_sent_twice_makes_one_account(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    let zoe = world.stranger();
    // One page, pressed twice: the browser is known before either press.
    zoe.get("/signup").await;
    let (one, other) =
        tokio::join!(zoe.sign_up("Zoé", "zoe@example.com", PASSWORD), zoe.sign_up("Zoé", "ZOE@example.com", PASSWORD),);
    one.assert_redirect("/signup/check-mail");
    other.assert_redirect("/signup/check-mail");
    let people = sqlx::query_scalar!("SELECT count(*) FROM users").fetch_one(&pool).await.unwrap();
    let accounts = sqlx::query_scalar!("SELECT count(*) FROM accounts").fetch_one(&pool).await.unwrap();
    assert_eq!((people, accounts), (Some(1), Some(1)));
    zoe.post(&world.link_to("zoe@example.com").await, &[]).await.assert_redirect("/instances");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_password_is_refused_with_the_reason_or_kept_whole(pool: PgPool) {
    let world = World::new(pool).await;
    let long = "zk9 wum trof ".repeat(6);
    for (typed, says) in [
        ("7 bytes", "at least 12 characters"),
        ("quiet river\0under old bridge", "no keyboard types"),
        (&"x".repeat(1025), "longer than 1024 bytes"),
        ("Works-of-eve-2026", "made of your own names"),
        ("123456789012", "one of the first"),
    ] {
        let page = world.stranger().sign_up("eve", "eve@example.com", typed).await;
        page.assert_says(422, says);
        assert!(!page.body.contains(typed), "a password is never shown again");
        assert_eq!(page.attribute("#f-email", "value"), "eve@example.com", "the rest is kept");
    }
    let million = "x".repeat(1_000_000);
    world.stranger().sign_up("eve", "eve@example.com", &million).await.assert_says(413, "larger than a form may be");

    for (name, typed) in [("bytes73", &long[..73]), ("emoji", "🦊🌵🧲🎻🪁🫐🛶🪵🧊🪺🦔🥨")] {
        let browser = world.stranger();
        let email = format!("{name}@example.com");
        browser.sign_up(name, &email, typed).await.assert_redirect("/signup/check-mail");
        browser.log_in(&email, &typed[..typed.len() - 4]).await.assert_says(422, "not right");
        browser.log_in(&email, typed).await.assert_redirect("/instances");
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn names_with_markup_and_sql_are_names(pool: PgPool) {
    let world = World::new(pool).await;
    let browser = world.stranger();
    let name = "<script>alert(1)</script>'; DROP TABLE users; --";
    browser.sign_up(name, "bobby@example.com", PASSWORD).await.assert_redirect("/signup/check-mail");
    let link = world.link_to("bobby@example.com").await;
    browser.post(&link, &[]).await.assert_redirect("/instances");
    for path in ["/account", "/account/members", "/account/sessions", "/dev/mails"] {
        let page = browser.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(!page.body.contains("<script>alert"), "{path}");
    }
    assert_eq!(browser.get("/account").await.attribute("#f-name", "value"), name);
    let mail = world.mails_to("bobby@example.com").await.remove(0);
    assert!(!mail.html_body.contains("<script>"), "{}", mail.html_body);

    let broken = world.stranger().sign_up("a\r\nBcc: all@example.com", "eve@example.com", PASSWORD).await;
    broken.assert_says(422, "cannot be shown");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn everything_that_is_wrong_is_said_at_once_in_the_reader_s_language(pool: PgPool) {
    let world = World::new(pool).await;
    let zoe = world.stranger();
    zoe.post("/preferences", &[("lang", "fr"), ("back", "/signup")]).await.assert_redirect("/signup");
    let page = zoe.post("/signup", &[("name", " "), ("email", "zoe"), ("company", ""), ("password", "court")]).await;
    for says in ["Veuillez remplir", "ne ressemble pas à une adresse", "au moins 12 caractères"] {
        page.assert_says(422, says);
    }
    assert_eq!(page.attribute("html", "lang"), "fr");
    zoe.post("/preferences", &[("lang", "ar"), ("back", "//evil.example")]).await.assert_redirect("/");
    assert_eq!(zoe.get("/signup").await.attribute("html", "dir"), "rtl");
}
