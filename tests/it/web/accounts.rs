//! What people do with their account: password, address, logins, closing.

use chrono::TimeDelta;
use sqlx::PgPool;

use crate::support::portal::{PASSWORD, World};

const OTHER: &str = "a green lamp beside the window";

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_forgotten_password_is_replaced_once_and_every_browser_is_signed_out(pool: PgPool) {
    let world = World::new(pool).await;
    let alice = world.signed_up("alice").await;
    let browser = world.stranger();
    browser.post("/forgot", &[("email", "ALICE@example.com")]).await.assert_redirect("/login");
    let link = world.link_to(&alice.email).await;
    assert!(link.starts_with("/reset/"), "{link}");
    browser.get(&link).await.assert_says(200, "Choose a new password");
    browser.post(&link, &[("password", "short")]).await.assert_says(422, "at least 12 characters");
    browser.post(&link, &[("password", OTHER)]).await.assert_redirect("/login");
    browser.post(&link, &[("password", OTHER)]).await.assert_says(410, "does not work any more");

    alice.get("/account").await.assert_redirect("/login?next=/account");
    browser.log_in(&alice.email, PASSWORD).await.assert_says(422, "not right");
    browser.log_in(&alice.email, OTHER).await.assert_redirect("/instances");
    let mails = world.mails_to(&alice.email).await;
    assert!(mails.iter().any(|mail| mail.subject == "Your password was changed"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_forgotten_password_of_nobody_is_answered_alike_and_sends_nothing(pool: PgPool) {
    let world = World::new(pool).await;
    let alice = world.signed_up("alice").await;
    let eve = world.stranger();
    let known = eve.post("/forgot", &[("email", &alice.email)]).await;
    let unknown = eve.post("/forgot", &[("email", "nobody@example.com")]).await;
    assert_eq!((known.status, known.header("location")), (unknown.status, unknown.header("location")));
    assert!(world.mails_to("nobody@example.com").await.is_empty());

    // Nobody's mailbox is flooded: four mails an hour that a stranger can cause.
    for _ in 0..6 {
        eve.post("/forgot", &[("email", &alice.email)]).await.assert_redirect("/login");
    }
    let resets =
        world.mails_to(&alice.email).await.iter().filter(|mail| mail.subject == "Choose a new password").count();
    assert!(resets <= 4, "{resets}");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_new_password_needs_the_current_one_and_ends_other_logins(pool: PgPool) {
    let world = World::new(pool).await;
    let alice = world.signed_up("alice").await;
    let phone = world.stranger();
    phone.log_in(&alice.email, PASSWORD).await.assert_redirect("/instances");
    let change = async |current: &str, new: &str| {
        alice.post("/account/security/password", &[("current", current), ("new", new)]).await
    };
    change("wrong", OTHER).await.assert_says(422, "not your current password");
    change(PASSWORD, "alice-alice-alice").await.assert_says(422, "made of your own names");
    change(PASSWORD, OTHER).await.assert_redirect("/account/security");
    alice.get("/account").await.assert_says(200, "Your organisation");
    phone.get("/account").await.assert_redirect("/login?next=/account");
    phone.log_in(&alice.email, OTHER).await.assert_redirect("/instances");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_new_address_is_confirmed_there_and_can_be_taken_back_from_the_old_one(pool: PgPool) {
    let world = World::new(pool).await;
    let alice = world.signed_up("alice").await;
    let ask = async |email: &str, password: &str| {
        alice.post("/account/security/email", &[("email", email), ("password", password)]).await
    };
    ask("new@example.com", "wrong").await.assert_says(422, "not your current password");
    ask("new@example.com", PASSWORD).await.assert_redirect("/account/security");
    let link = world.link_to("new@example.com").await;
    world.stranger().log_in("new@example.com", PASSWORD).await.assert_says(422, "not right");
    world.stranger().post(&link, &[]).await.assert_redirect("/account/security");
    world.stranger().post(&link, &[]).await.assert_says(410, "does not work any more");
    let eve = world.stranger();
    eve.log_in("new@example.com", PASSWORD).await.assert_redirect("/instances");

    let undo = world.link_to(&alice.email).await;
    assert!(undo.starts_with("/undo-email/"), "{undo}");
    world.wait(TimeDelta::days(6));
    world.stranger().post(&undo, &[]).await.assert_redirect("/forgot");
    eve.get("/account").await.assert_redirect("/login?next=/account");
    world.stranger().log_in(&alice.email, PASSWORD).await.assert_redirect("/instances");
    world.stranger().post(&undo, &[]).await.assert_says(410, "does not work any more");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_address_that_somebody_has_is_not_told_and_not_taken(pool: PgPool) {
    let world = World::new(pool).await;
    let (alice, bob) = (world.signed_up("alice").await, world.signed_up("bob").await);
    let before = world.mails_to(&bob.email).await.len();
    let asked = alice.post("/account/security/email", &[("email", &bob.email), ("password", PASSWORD)]).await;
    asked.assert_redirect("/account/security");
    assert_eq!(world.mails_to(&bob.email).await.len(), before);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn logins_are_listed_and_ended_one_by_one_or_all_but_this(pool: PgPool) {
    let world = World::new(pool).await;
    let alice = world.signed_up("alice").await;
    let (phone, tablet) = (world.stranger(), world.stranger());
    for browser in [&phone, &tablet] {
        browser.log_in(&alice.email, PASSWORD).await.assert_redirect("/instances");
    }
    let page = alice.get("/account/sessions").await;
    assert_eq!(page.body.matches("/revoke\"").count(), 3);
    alice.post("/account/sessions/revoke-others", &[]).await.assert_redirect("/account/sessions");
    phone.get("/account").await.assert_redirect("/login?next=/account");
    tablet.get("/account").await.assert_redirect("/login?next=/account");
    alice.get("/account").await.assert_says(200, "Your organisation");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_organisation_s_settings_are_checked_and_kept(pool: PgPool) {
    let world = World::new(pool).await;
    let alice = world.signed_up("alice").await;
    let save = async |country: &str, zone: &str| {
        let fields = [("company", "Atlas <SARL>"), ("country", country), ("currency", "MAD"), ("timezone", zone)];
        alice.post("/account/organisation", &fields).await
    };
    save("XX", "Africa/Casablanca").await.assert_says(422, "choose one of the list");
    save("MA", "Mars/Olympus").await.assert_says(422, "choose one of the list");
    save("MA", "Africa/Casablanca").await.assert_redirect("/account");
    let page = alice.get("/account").await;
    assert_eq!(page.attribute("#f-company", "value"), "Atlas <SARL>");
    assert_eq!(page.attribute("#f-country option[selected]", "value"), "MA");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_account_closes_after_its_name_and_password_and_comes_back_within_seven_days(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    let alice = world.signed_up("alice").await;
    let close = async |typed: &str, password: &str| {
        alice.post("/account/close", &[("typed", typed), ("password", password)]).await
    };
    close("Works of bob", PASSWORD).await.assert_says(422, "not the name of your organisation");
    close("works of alice", "wrong").await.assert_says(422, "not your current password");
    close("works of alice", PASSWORD).await.assert_redirect("/account/closing");
    close("works of alice", PASSWORD).await.assert_redirect("/account/closing");
    alice.get("/instances").await.assert_redirect("/account/closing");
    alice.get("/account/closing").await.assert_says(200, "being closed");
    assert!(world.mails_to(&alice.email).await.last().unwrap().subject.starts_with("Your account will be closed"));
    alice.post("/account/keep", &[]).await.assert_redirect("/instances");
    alice.get("/account").await.assert_says(200, "Your organisation");

    close("works of alice", PASSWORD).await.assert_redirect("/account/closing");
    world.wait(TimeDelta::days(8));
    world.settle().await;
    world.stranger().log_in(&alice.email, PASSWORD).await.assert_says(422, "not right");
    let left =
        sqlx::query_scalar!("SELECT count(*) FROM users WHERE email_key LIKE 'alice%'").fetch_one(&pool).await.unwrap();
    assert_eq!(left, Some(0), "personal data is gone");
    let mut db = pool.acquire().await.unwrap();
    assert!(sayoo::audit::verify(&mut db).await.unwrap().unwrap() > 5, "the audit log holds");
}
