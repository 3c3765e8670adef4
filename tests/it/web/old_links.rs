//! Links from mails that are followed too late: a clear page, a way on, and nothing is changed.

use chrono::TimeDelta;
use sqlx::PgPool;

use crate::support::portal::{PASSWORD, Page, World};

const OTHER: &str = "a green lamp beside the window";

/// The page of a link that is too old, and where it leads.
#[track_caller]
fn is_gone(page: &Page, leads_to: &str, label: &str) {
    page.assert_says(410, "This link does not work any more");
    page.assert_says(410, "it is too old");
    page.assert_says(410, "Nothing was changed.");
    assert_eq!(page.attribute("main .actions a", "href"), leads_to);
    assert_eq!(page.text("main .actions a").trim(), label);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_link_for_a_new_password_is_too_old_after_an_hour_and_another_one_is_asked_for(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.signed_up("alice").await;
    let stranger = world.stranger();
    stranger.post("/forgot", &[("email", &alice.email)]).await.assert_redirect("/login");
    let link = world.link_to(&alice.email).await;
    world.wait(TimeDelta::minutes(58));
    stranger.get(&link).await.assert_says(200, "Choose a new password");
    world.wait(TimeDelta::minutes(3));
    is_gone(&stranger.get(&link).await, "/forgot", "Ask for a new link");
    is_gone(&stranger.post(&link, &[("password", OTHER)]).await, "/forgot", "Ask for a new link");
    stranger.log_in(&alice.email, OTHER).await.assert_says(422, "not right");
    world.stranger().log_in(&alice.email, PASSWORD).await.assert_redirect("/instances");

    stranger.post("/forgot", &[("email", &alice.email)]).await.assert_redirect("/login");
    let next = world.link_to(&alice.email).await;
    stranger.post(&next, &[("password", OTHER)]).await.assert_redirect("/login");
    stranger.log_in(&alice.email, OTHER).await.assert_redirect("/instances");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_link_that_confirms_an_address_is_too_old_after_a_day_and_the_old_address_stays(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.signed_up("alice").await;
    let ask = [("email", "new@example.com"), ("password", PASSWORD)];
    alice.post("/account/security/email", &ask).await.assert_redirect("/account/security");
    let link = world.link_to("new@example.com").await;
    world.wait(TimeDelta::hours(23));
    alice.get(&link).await.assert_says(200, "new@example.com");
    world.wait(TimeDelta::hours(2));
    let (path, label) = ("/account/security", "Go to sign-in and security");
    is_gone(&alice.get(&link).await, path, label);
    is_gone(&alice.post(&link, &[]).await, path, label);
    // A day is longer than a login lasts that nobody uses.
    alice.browser.log_in(&alice.email, PASSWORD).await.assert_redirect("/instances");
    alice.get(path).await.assert_says(200, &alice.email);
    world.stranger().log_in("new@example.com", PASSWORD).await.assert_says(422, "not right");

    alice.post("/account/security/email", &ask).await.assert_redirect("/account/security");
    let next = world.link_to("new@example.com").await;
    alice.post(&next, &[]).await.assert_redirect("/account/security");
    world.stranger().log_in("new@example.com", PASSWORD).await.assert_redirect("/instances");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_change_of_address_is_taken_back_no_more_after_seven_days(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.signed_up("alice").await;
    let ask = [("email", "new@example.com"), ("password", PASSWORD)];
    alice.post("/account/security/email", &ask).await.assert_redirect("/account/security");
    let confirm = world.link_to("new@example.com").await;
    alice.post(&confirm, &[]).await.assert_redirect("/account/security");
    let undo = world.link_to(&alice.email).await;
    let stranger = world.stranger();
    world.wait(TimeDelta::days(7) - TimeDelta::minutes(1));
    assert_eq!(stranger.get(&undo).await.status, 200);
    world.wait(TimeDelta::minutes(2));
    is_gone(&stranger.get(&undo).await, "/login", "Go to the sign-in page");
    is_gone(&stranger.post(&undo, &[]).await, "/login", "Go to the sign-in page");
    stranger.log_in("new@example.com", PASSWORD).await.assert_redirect("/instances");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_link_that_proves_an_address_is_too_old_after_a_day_and_a_login_gets_another(db: PgPool) {
    let world = World::new(db).await;
    let zoe = world.stranger();
    zoe.sign_up("Zoé", "zoe@example.com", PASSWORD).await.assert_redirect("/signup/check-mail");
    let link = world.link_to("zoe@example.com").await;
    world.wait(TimeDelta::hours(25));
    is_gone(&zoe.get(&link).await, "/login", "Go to the sign-in page");
    is_gone(&zoe.post(&link, &[]).await, "/login", "Go to the sign-in page");
    // What that page leads to is enough to go on.
    zoe.log_in("zoe@example.com", PASSWORD).await.assert_redirect("/instances");
    zoe.post("/verify/resend", &[]).await.assert_redirect("/instances");
    let next = world.link_to("zoe@example.com").await;
    assert_ne!(next, link);
    assert_eq!(zoe.post(&next, &[]).await.location, "/instances");
}
