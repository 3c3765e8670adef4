//! The work queue: what is stuck, since when, why; and the two ways to hurry it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use sayoo::db::StoreError;
use sayoo::jobs::worker;
use sayoo::queue;
use sayoo::reconcile::driver::{Driver, Outcome, Task};
use sayoo::reconcile::lease::Lease;
use sayoo::reconcile::store;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::portal::{PASSWORD, World, mailer};

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_mail_that_was_given_up_is_seen_with_its_reason_and_leaves_when_staff_say_so(db: PgPool) {
    let world = World::new(db.clone()).await;
    let away = mailer(&world.portal, Some("smtp://127.0.0.1:9".to_owned()));
    world.stranger().sign_up("Zoé", "zoe@example.com", PASSWORD).await;
    for _ in 0..queue::MAX_ATTEMPTS {
        assert!(worker::turn(&world.portal, &away).await.unwrap());
        world.wait(TimeDelta::hours(2));
    }
    let sam = world.staff().await;
    let page = sam.get("/staff/queue").await;
    for said in ["send_letter", "given up", "yesterday", "12", "did not leave"] {
        page.assert_says(200, said);
    }
    let retry = page.attribute("form[action$='/retry']", "action");
    let id = retry.split('/').nth(4).unwrap().to_owned();
    sam.get("/staff").await.assert_says(200, "Jobs given up");

    sam.post(&retry, &[]).await.assert_redirect("/staff/queue");
    assert!(sam.get("/staff/queue").await.text("html").contains("It is tried now"));
    let (state, attempts): (String, i32) =
        sqlx::query_as("SELECT state, attempts FROM jobs").fetch_one(&db).await.unwrap();
    assert_eq!((state.as_str(), attempts), ("due", 0));
    assert_eq!(world.mails_to("zoe@example.com").await.len(), 1, "it leaves now that the server is back");
    sam.get("/staff/queue").await.assert_says(200, "Everything is as it should be");

    // What is done is not done again, and an id that is none changes nothing.
    for path in [&retry, &retry.replace(&id, &Uuid::nil().to_string())] {
        sam.post(path, &[]).await.assert_redirect("/staff/queue");
        assert_eq!(world.mails_to("zoe@example.com").await.len(), 1);
    }
    let actions = world.audit().await;
    assert_eq!(actions.iter().filter(|action| *action == "job.retried").count(), 1, "{actions:?}");
}

/// Fails until it is mended.
struct Broken(Arc<AtomicBool>);

impl Task for Broken {
    const NAME: &'static str = "environments";
    const AT_ONCE: usize = 1;
    const LIMIT: Duration = Duration::from_secs(5);

    async fn refresh(&self, _: &mut sqlx::PgConnection, _: chrono::DateTime<chrono::Utc>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn turn(&self, _: &Lease) -> anyhow::Result<Outcome> {
        anyhow::ensure!(self.0.load(Ordering::SeqCst), "no space left on <device>");
        Ok(Outcome::Settled(Duration::from_secs(60)))
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_environment_that_is_stuck_is_seen_with_its_reason_and_is_turned_at_once_when_staff_say_so(db: PgPool) {
    let world = World::new(db.clone()).await;
    let alice = world.customer("alice").await;
    let id = alice.has_ordered(&world, "shop").await;
    let clock = world.portal.clock.clone();
    let mut connection = db.acquire().await.unwrap();
    store::nudge(&mut connection, "environments", id.uuid(), clock.now()).await.unwrap();
    let is_mended = Arc::new(AtomicBool::new(false));
    let driver = Driver::new(Broken(Arc::clone(&is_mended)), db.clone(), clock);
    for _ in 0..4 {
        driver.settle().await.unwrap();
        world.wait(TimeDelta::minutes(20));
    }
    driver.settle().await.unwrap();

    let sam = world.staff().await;
    let page = sam.get("/staff/queue").await;
    page.assert_says(200, "no space left on <device>");
    assert_eq!(page.attribute("main td a", "href"), format!("/staff/instances/{id}"));
    assert_eq!(page.text("main tbody td.number").trim(), "5", "tries");
    assert!(page.text("main tbody").contains("today at 12:00"), "since when: {}", page.text("main tbody"));
    let subject = page.attribute("main form input[name=subject]", "value");
    assert_eq!(subject, id.to_string());
    let form = [("task", "environments"), ("subject", subject.as_str())];

    // It waits longer and longer between tries; staff do not.
    is_mended.store(true, Ordering::SeqCst);
    assert_eq!(driver.settle().await.unwrap(), 0, "it is not due yet");
    sam.post("/staff/queue/turns", &form).await.assert_redirect("/staff/queue");
    assert!(sam.get("/staff/queue").await.text("html").contains("It is tried now"));
    assert_eq!(driver.settle().await.unwrap(), 1);
    sam.get("/staff/queue").await.assert_says(200, "Everything is as it should be");
    let logged: serde_json::Value =
        sqlx::query_scalar("SELECT detail FROM audit_log WHERE action = 'turn.retried'").fetch_one(&db).await.unwrap();
    assert_eq!(logged, serde_json::json!({ "task": "environments", "subject": id }));

    sam.post("/staff/queue/turns", &[("task", "nothing"), ("subject", &subject)]).await.assert_redirect("/staff/queue");
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM audit_log WHERE action = 'turn.retried'")
        .fetch_one(&db)
        .await
        .unwrap();
    assert_eq!(count, 1, "what is not there was not hurried");
}
