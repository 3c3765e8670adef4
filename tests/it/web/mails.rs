//! The queue and its mails when things go wrong.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use sayoo::jobs::worker;
use sayoo::queue;
use sqlx::PgPool;

use crate::support::portal::{PASSWORD, World, mailer};

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_mail_waits_until_the_mail_server_is_back(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    let away = mailer(&world.portal, Some("smtp://127.0.0.1:9".to_owned()));
    let zoe = world.stranger();
    zoe.sign_up("Zoé", "zoe@example.com", PASSWORD).await.assert_redirect("/signup/check-mail");

    for _ in 0..3 {
        assert!(worker::turn(&world.portal, &away).await.unwrap());
        assert!(!worker::turn(&world.portal, &away).await.unwrap(), "it waits before the next try");
        world.wait(TimeDelta::hours(1));
    }
    let job = sqlx::query!("SELECT state, attempts, last_error FROM jobs").fetch_one(&pool).await.unwrap();
    assert_eq!((job.state.as_str(), job.attempts), ("due", 3));
    assert!(job.last_error.unwrap().contains("did not leave"));

    zoe.post(&world.link_to("zoe@example.com").await, &[]).await.assert_redirect("/instances");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_mail_that_never_leaves_is_given_up_and_kept_for_staff(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    let away = mailer(&world.portal, Some("smtp://127.0.0.1:9".to_owned()));
    world.stranger().sign_up("Zoé", "zoe@example.com", PASSWORD).await;
    for _ in 0..queue::MAX_ATTEMPTS {
        assert!(worker::turn(&world.portal, &away).await.unwrap());
        world.wait(TimeDelta::hours(2));
    }
    assert!(!worker::turn(&world.portal, &away).await.unwrap());
    let state = sqlx::query_scalar!("SELECT state FROM jobs").fetch_one(&pool).await.unwrap();
    assert_eq!(state, "failed");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_job_of_a_killed_worker_is_done_by_the_next_and_the_killed_one_changes_nothing(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    world.stranger().sign_up("Zoé", "zoe@example.com", PASSWORD).await;
    let killed = queue::take(&pool, world.portal.clock.now()).await.unwrap().unwrap();
    assert!(queue::take(&pool, world.portal.clock.now()).await.unwrap().is_none(), "nobody else takes it meanwhile");
    world.wait(queue::LEASE);
    assert_eq!(world.mails_to("zoe@example.com").await.len(), 1);
    queue::failed(&pool, &killed, "too late", world.portal.clock.now()).await.unwrap();
    let job = sqlx::query!("SELECT state, last_error FROM jobs").fetch_one(&pool).await.unwrap();
    assert_eq!((job.state.as_str(), job.last_error), ("done", None));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn no_link_rests_in_the_queue_or_the_database(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    world.stranger().sign_up("Zoé", "zoe@example.com", PASSWORD).await;
    let link = world.link_to("zoe@example.com").await;
    let token = link.rsplit('/').next().unwrap();
    let found = sqlx::query_scalar!(
        "SELECT count(*) FROM jobs, mail_tokens WHERE jobs.payload::text LIKE '%' || $1 || '%' OR mail_tokens.token_hash = $2",
        token,
        token.as_bytes(),
    );
    assert_eq!(found.fetch_one(&pool).await.unwrap(), Some(0));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_mail_server_that_never_answers_is_given_up_for_now_and_people_do_not_wait_for_it(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let slow = mailer(&world.portal, Some(format!("smtp://{}", silent.local_addr().unwrap())));
    let zoe = world.stranger();
    zoe.sign_up("Zoé", "zoe@example.com", PASSWORD).await.assert_redirect("/signup/check-mail");
    let began = Instant::now();
    let (tried, page) = tokio::join!(worker::turn(&world.portal, &slow), async {
        let page = zoe.get("/signup/check-mail").await;
        (page.status, began.elapsed())
    });
    assert!(tried.unwrap() && began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
    assert!(page.0 == 200 && page.1 < Duration::from_secs(5), "{page:?}");
    let job = sqlx::query!("SELECT state, attempts FROM jobs").fetch_one(&pool).await.unwrap();
    assert_eq!((job.state.as_str(), job.attempts), ("due", 1), "it is tried again");
    world.wait(TimeDelta::hours(1));
    zoe.post(&world.link_to("zoe@example.com").await, &[]).await.assert_redirect("/instances");
}
