//! Start, stop, restart, rename.

use reqwest::StatusCode;
use sqlx::PgPool;

use sayoo::base::ids::EnvironmentId;
use sayoo::environments::Wanted;

use crate::support::portal::World;

async fn counters(world: &World, id: EnvironmentId) -> (i64, i64) {
    let row = sqlx::query!("SELECT wanted_generation, restarts FROM environments WHERE id = $1", id.uuid())
        .fetch_one(&world.db)
        .await
        .unwrap();
    (row.wanted_generation, row.restarts)
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_click_says_what_is_wanted_and_the_page_shows_it_at_once(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = alice.has_running(&world, "shop").await;
    let page = format!("/instances/{id}");
    assert!(alice.get(&page).await.text(".badge").contains("Running"));

    assert_eq!(alice.post(&format!("{page}/stop"), &[]).await.location, page);
    assert_eq!(alice.instance(id).await.wanted, Wanted::Stopped);
    assert!(alice.get(&page).await.text(".badge").contains("Stopping"), "before the worker has seen it");

    alice.post(&format!("{page}/stop"), &[]).await;
    assert_eq!(counters(&world, id).await, (2, 0), "twice is once");
    let refused = alice.post(&format!("{page}/restart"), &[]).await;
    assert_eq!(refused.location, page);
    assert_eq!(counters(&world, id).await, (2, 0), "what is stopped is not restarted");

    alice.post(&format!("{page}/start"), &[]).await;
    alice.post(&format!("{page}/restart"), &[]).await;
    assert_eq!(counters(&world, id).await, (4, 1));
    let expected =
        ["environment.ordered", "environment.stop-asked", "environment.start-asked", "environment.restart-asked"];
    assert_eq!(world.audit().await, expected);
    assert!(alice.get(&page).await.text(".events").contains("Restart asked for"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_suspended_instance_says_why_and_cannot_be_started(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = alice.has_running(&world, "shop").await;
    let now = world.portal.clock.now();
    let staff = uuid::Uuid::new_v4();
    sqlx::query!(
        "INSERT INTO staff (id, email, email_key, name, password_hash, locale, totp_sealed, created_at) VALUES ($1, 's', 's', 'Sam', '', 'en', '', $2)",
        staff,
        now
    )
    .execute(&world.db)
    .await
    .unwrap();
    sqlx::query!(
        "INSERT INTO suspensions (id, account_id, reason, suspended_by, suspended_at) VALUES ($1, $2, 'Unpaid <b>bill</b>', $1, $3)",
        staff,
        alice.account.uuid(),
        now
    )
    .execute(&world.db)
    .await
    .unwrap();
    let page = alice.get(&format!("/instances/{id}")).await;
    assert!(page.text("#instance").contains("Suspended by Sayoo: Unpaid <b>bill</b>"), "{}", page.text("#instance"));
    alice.post(&format!("/instances/{id}/restart"), &[]).await;
    assert_eq!(counters(&world, id).await, (1, 0));
    let opened = alice.post(&format!("/instances/{id}/open"), &[]).await;
    assert_eq!(opened.location, format!("/instances/{id}"), "nor opened");
    let ordered = alice
        .post(
            "/instances/new",
            &[
                ("plan", "test"),
                ("name", "x"),
                ("subdomain", "xyz"),
                ("company", "x"),
                ("language", "fr_FR"),
                ("country", "FR"),
            ],
        )
        .await;
    assert!(ordered.text("[role=alert]").contains("suspended"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_new_address_frees_the_old_one_and_a_taken_one_changes_nothing(db: PgPool) {
    let world = World::new(db).await;
    let (alice, bob) = (world.customer("alice").await, world.customer("bob").await);
    let id = alice.has_running(&world, "shop").await;
    bob.has_running(&world, "store").await;
    let path = format!("/instances/{id}/rename");

    let taken = alice.post(&path, &[("name", "New name"), ("subdomain", "store")]).await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(taken.text(".summary").contains("store.localhost is taken"), "{}", taken.text(".summary"));
    assert_eq!(taken.attribute("#f-name", "value"), "New name", "what was typed stays");
    assert_eq!(alice.instance(id).await.subdomain.unwrap().as_str(), "shop");

    let done = alice.post(&path, &[("name", "New name"), ("subdomain", "boutique")]).await;
    assert_eq!(done.location, format!("/instances/{id}"));
    let environment = alice.instance(id).await;
    assert_eq!((environment.name.as_str(), environment.subdomain.unwrap().as_str()), ("New name", "boutique"));
    assert!(bob.get("/instances/check-name?value=shop").await.text(".no").contains("taken"), "the old one rests");
    let page = alice.get(&format!("/instances/{id}")).await;
    assert!(page.text(".events").contains("Address changed from"), "{}", page.text(".events"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_member_looks_and_opens_but_does_not_steer(db: PgPool) {
    let world = World::new(db).await;
    let mia = world.person("mia", "member").await;
    let id = mia.has_running(&world, "shop").await;
    let page = mia.get(&format!("/instances/{id}")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text("button").contains("Open Odoo") && !page.text("button").contains("Stop"));
    assert!(!page.body.contains("Cost so far"));
    for act in ["start", "stop", "restart", "rename", "delete", "undo-delete"] {
        let refused = mia.post(&format!("/instances/{id}/{act}"), &[("typed", "shop")]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{act}");
    }
    assert_eq!(mia.get("/instances/new").await.status, StatusCode::FORBIDDEN);
    assert_eq!(counters(&world, id).await, (1, 0));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn while_the_machines_take_no_changes_a_customer_reads_that_they_are_queued(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = alice.has_running(&world, "shop").await;
    let said = "what you change is queued and follows by itself";
    let page = format!("/instances/{id}");
    assert!(!alice.get(&page).await.words().contains(said));
    let silent = "INSERT INTO turns (task, subject, due_at, attempts, unsettled_at)
                  VALUES ('hosts', '00000000-0000-0000-0000-000000000000', now(), 2, now())";
    sqlx::query(silent).execute(&world.db).await.unwrap();
    alice.get(&page).await.assert_says(200, said);
    // What is asked for meanwhile is kept.
    alice.post(&format!("{page}/stop"), &[]).await.assert_redirect(&page);
    assert_eq!(alice.instance(id).await.wanted, Wanted::Stopped);
    sqlx::query("UPDATE turns SET attempts = 0").execute(&world.db).await.unwrap();
    assert!(!alice.get(&page).await.words().contains(said));
}
