//! How staff join and log in: one link, a password, a second factor; and how that ends.

use chrono::TimeDelta;
use futures_util::future::join_all;
use sayoo::staff::{Stage, invitations, second_factor};
use sayoo::web::Keys;
use sayoo::web::routes::{Access, TABLE, Verb};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::portal::{Browser, PASSWORD, Page, World};
use crate::support::waiting::waiters;

const EMAIL: &str = "karim@example.com";

/// A staff member who joined by the first link.
struct Karim<'a> {
    world: &'a World,
    browser: Browser,
    secret: Vec<u8>,
}

impl<'a> Karim<'a> {
    /// Joins, and sets up the second factor.
    async fn joined(world: &'a World) -> Self {
        let browser = world.stranger();
        join(&browser, &first_link(world).await, EMAIL).await.assert_redirect("/staff/enrol");
        let (id, sealed): (Uuid, Vec<u8>) =
            sqlx::query_as("SELECT id, totp_sealed FROM staff").fetch_one(&world.db).await.unwrap();
        let keys = Keys::new([1; 32], &[2; 32]).unwrap();
        let karim = Self { world, browser, secret: keys.seal.open(&format!("staff/{id}"), &sealed).unwrap() };
        let enrolled = karim.browser.post("/staff/enrol", &[("code", &karim.code())]).await;
        assert_eq!(enrolled.status, 200, "{}", enrolled.words());
        karim
    }

    /// The code of this moment.
    fn code(&self) -> String {
        second_factor::code_at(&self.secret, self.world.portal.clock.now())
    }

    /// A browser that gave the password only.
    async fn half(&self) -> Browser {
        let browser = self.world.stranger();
        log_in(&browser, PASSWORD).await.assert_redirect("/staff/second-factor");
        browser
    }
}

async fn first_link(world: &World) -> String {
    let token = invitations::first_link(&world.portal).await.unwrap().unwrap();
    format!("/staff/join/{}", token.expose())
}

async fn join(browser: &Browser, link: &str, email: &str) -> Page {
    browser.post(link, &[("name", "Karim"), ("email", email), ("password", PASSWORD)]).await
}

async fn log_in(browser: &Browser, password: &str) -> Page {
    browser.post("/staff/login", &[("email", EMAIL), ("password", password)]).await
}

async fn prove(browser: &Browser, code: &str) -> Page {
    browser.post("/staff/second-factor", &[("code", code)]).await
}

async fn staff_members(db: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM staff").fetch_one(db).await.unwrap()
}

/// Everything that any form of the staff's asks for: with it a request would be carried out.
const FIELDS: &[(&str, &str)] = &[
    ("reason", "Unpaid since March"),
    ("why", "Unpaid since March"),
    ("count", "2"),
    ("requests_per_second", "7"),
    ("task", "environments"),
    ("subject", "00000000-0000-0000-0000-000000000000"),
    ("which", "all"),
    ("at_once", "1"),
    ("address", "10.0.0.9"),
    ("name", "nine"),
    ("zone", "rack-9"),
    ("pool", "any"),
    ("cpu_percent", "800"),
    ("memory_kept_mb", "2048"),
    ("to", "down"),
    ("code", "small"),
    ("kind", "test"),
    ("position", "1"),
    ("name_en", "Small"),
    ("name_fr", "Petite"),
    ("name_ar", "Small"),
];

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_password_alone_opens_no_page_and_does_nothing(db: PgPool) {
    let world = World::new(db.clone()).await;
    let alice = world.customer("alice").await;
    let environment = alice.has_running(&world, "shop").await;
    let plan: Uuid = sqlx::query_scalar("SELECT id FROM plans LIMIT 1").fetch_one(&db).await.unwrap();
    let before = world.audit().await;
    for (stage, page) in [(Stage::MustProve, "/staff/second-factor"), (Stage::MustEnrol, "/staff/enrol")] {
        let half = world.staff_at(stage).await;
        for route in TABLE.iter().filter(|route| route.access == Access::Staff) {
            let path = route
                .path
                .replace("{account}", &alice.account.to_string())
                .replace("{environment}", &environment.to_string())
                .replace("{plan}", &plan.to_string());
            let nobody = Uuid::nil().to_string();
            let part = |part: &str| if part.starts_with('{') { nobody.clone() } else { part.to_owned() };
            let path = path.split('/').map(part).collect::<Vec<_>>().join("/");
            // Also what lacks every field is no reason for another answer than the way to the login.
            let answers = match route.verb {
                Verb::Get => vec![half.browser.get(&path).await],
                Verb::Post => vec![half.browser.post(&path, FIELDS).await, half.browser.post(&path, &[]).await],
            };
            for answer in answers {
                assert_eq!((answer.status.as_u16(), answer.location.as_str()), (303, page), "{:?} {path}", route.verb);
            }
        }
    }
    assert_eq!(world.audit().await, before, "nothing was done");

    // The same requests by somebody with both factors do something.
    let sam = world.staff().await;
    sam.post(&format!("/staff/accounts/{}/suspend", alice.account), FIELDS).await;
    assert_eq!(world.audit().await.last().unwrap(), "suspended");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_way_from_the_link_to_the_pages_leads_over_both_factors(db: PgPool) {
    let world = World::new(db).await;
    let karim = Karim::joined(&world).await;
    assert_eq!(karim.browser.get("/staff").await.status, 200);
    karim.browser.post("/staff/logout", &[]).await.assert_redirect("/staff/login");
    karim.browser.get("/staff").await.assert_redirect("/staff/login");

    let half = karim.half().await;
    half.get("/staff").await.assert_redirect("/staff/second-factor");
    // Setting it up anew is no way around it.
    half.get("/staff/enrol").await.assert_redirect("/staff/second-factor");
    world.wait(TimeDelta::seconds(60));
    for code in ["", "000000", &karim.code()] {
        let page = half.post("/staff/enrol", &[("code", code)]).await;
        page.assert_redirect("/staff/second-factor");
        assert!(!page.body.contains("<svg"), "the secret is shown to nobody again");
    }
    half.get("/staff").await.assert_redirect("/staff/second-factor");
    prove(&half, "000000").await.assert_says(422, "This code is wrong");
    prove(&half, &karim.code()).await.assert_redirect("/staff");
    assert_eq!(half.get("/staff").await.status, 200);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_code_logs_in_once_also_in_the_same_instant(db: PgPool) {
    let world = World::new(db.clone()).await;
    let karim = Karim::joined(&world).await;
    // The code that the set-up used is used.
    let half = karim.half().await;
    prove(&half, &karim.code()).await.assert_says(422, "This code is wrong, too old, or was used already");

    world.wait(TimeDelta::seconds(30));
    let code = karim.code();
    let browsers = [karim.half().await, karim.half().await];
    let mut held = db.begin().await.unwrap();
    sqlx::query("SELECT FROM staff FOR UPDATE").execute(&mut *held).await.unwrap();
    let let_go = async {
        waiters(&db, 2).await;
        held.commit().await.unwrap();
    };
    let (answers, ()) = tokio::join!(join_all(browsers.iter().map(|browser| prove(browser, &code))), let_go);
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 422]);

    // Replayed while it is still right by the clock, and one that is older than the last one used.
    prove(&half, &code).await.assert_says(422, "used already");
    let older = second_factor::code_at(&karim.secret, world.portal.clock.now() - TimeDelta::seconds(30));
    prove(&half, &older).await.assert_says(422, "used already");
    world.wait(TimeDelta::seconds(30));
    prove(&half, &karim.code()).await.assert_redirect("/staff");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_login_ends_after_half_an_hour_unused_and_after_twelve_hours_in_any_case(db: PgPool) {
    let world = World::new(db).await;
    let karim = Karim::joined(&world).await;
    let later = async |minutes: i64| {
        world.wait(TimeDelta::minutes(minutes));
        karim.browser.get("/staff").await
    };
    assert_eq!(later(29).await.status, 200);
    assert_eq!(later(29).await.status, 200, "each use counts");
    later(30).await.assert_redirect("/staff/login");
    assert_eq!(karim.browser.post("/staff/invitations", &[]).await.location, "/staff/login");

    log_in(&karim.browser, PASSWORD).await.assert_redirect("/staff/second-factor");
    prove(&karim.browser, &karim.code()).await.assert_redirect("/staff");
    // 24 times 29 minutes are 11 hours 36 minutes.
    for _ in 0..24 {
        assert_eq!(later(29).await.status, 200);
    }
    assert_eq!(later(23).await.status, 200, "one minute is left");
    later(1).await.assert_redirect("/staff/login");

    // Half a login ends as well: whoever found it later does not go on with a code.
    let half = karim.half().await;
    world.wait(TimeDelta::minutes(30));
    prove(&half, &karim.code()).await.assert_redirect("/staff/login");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn whoever_guesses_a_password_or_a_code_is_stopped(db: PgPool) {
    let world = World::new(db).await;
    let karim = Karim::joined(&world).await;
    for guess in 0..10 {
        let eve = world.stranger().at_address(&format!("198.51.100.{guess}"));
        log_in(&eve, "one guess of very many").await.assert_says(422, "do not match");
    }
    let eve = world.stranger().at_address("198.51.100.77");
    log_in(&eve, PASSWORD).await.assert_says(422, "Too many tries");
    // Who is logged in stays so; the next hour everybody may try again.
    assert_eq!(karim.browser.get("/staff").await.status, 200);
    world.wait(TimeDelta::hours(1));
    let half = karim.half().await;

    for guess in 0..10 {
        prove(&half, &format!("{guess:06}")).await.assert_says(422, "This code is wrong");
    }
    prove(&half, &karim.code()).await.assert_says(422, "Too many tries");
    // Another half login has no tries of its own.
    let other = karim.half().await;
    prove(&other, &karim.code()).await.assert_says(422, "Too many tries");
    world.wait(TimeDelta::hours(1));
    let half = karim.half().await;
    prove(&half, &karim.code()).await.assert_redirect("/staff");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_link_to_join_that_is_forged_used_or_a_day_old_makes_nobody_staff(db: PgPool) {
    let world = World::new(db.clone()).await;
    let eve = world.stranger();
    let said = "This link was used or is too old";
    let refused = async |link: &str| {
        eve.get(link).await.assert_says(200, said);
        assert!(!eve.get(link).await.body.contains("f-password"), "{link} shows a form");
        join(&eve, link, "eve@example.com").await.assert_says(422, said);
    };
    let link = first_link(&world).await;
    let last = if link.ends_with('A') { "B" } else { "A" };
    let changed = format!("{}{last}", &link[..link.len() - 1]);
    for forged in ["/staff/join/x", "/staff/join/%27%20OR%201=1", "/staff/join/%00", &changed] {
        refused(forged).await;
    }
    world.wait(TimeDelta::hours(24));
    refused(&link).await;
    // A newer link takes the place of the one before.
    let before = first_link(&world).await;
    let link = first_link(&world).await;
    refused(&before).await;
    assert_eq!(staff_members(&db).await, 0);

    world.wait(TimeDelta::hours(23));
    let karim = world.stranger();
    join(&karim, &link, EMAIL).await.assert_redirect("/staff/enrol");
    refused(&link).await;
    assert_eq!(staff_members(&db).await, 1);
    assert!(invitations::first_link(&world.portal).await.unwrap().is_none(), "the first one has joined");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn of_two_who_use_the_first_link_in_one_instant_one_joins(db: PgPool) {
    let world = World::new(db.clone()).await;
    let link = first_link(&world).await;
    let people = [(world.stranger(), "karim@example.com"), (world.stranger(), "eve@example.com")];
    let mut held = db.begin().await.unwrap();
    sqlx::query("SELECT FROM staff_invitations FOR UPDATE").execute(&mut *held).await.unwrap();
    let let_go = async {
        waiters(&db, 2).await;
        held.commit().await.unwrap();
    };
    let joining = join_all(people.iter().map(|(browser, email)| join(browser, &link, email)));
    let (answers, ()) = tokio::join!(joining, let_go);
    let (mut joined, mut late) = (0, 0);
    for answer in &answers {
        if answer.status == 303 {
            answer.assert_redirect("/staff/enrol");
            joined += 1;
        } else {
            answer.assert_says(422, "This link was used or is too old");
            late += 1;
        }
    }
    assert_eq!((joined, late, staff_members(&db).await), (1, 1, 1));
    assert_eq!(world.audit().await, ["staff.joined"]);
}
