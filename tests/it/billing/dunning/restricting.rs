//! What is restricted, what is not, and how it comes back.

use chrono::TimeDelta;
use sqlx::PgPool;

use super::{has, in_days, limits, look, mad, pass, pay, steps, suspended};
use crate::support::invoices::final_invoice;
use crate::support::portal::World;

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn each_step_takes_what_was_announced_and_payment_gives_all_of_it_back_at_once(db: PgPool) {
    let world = World::new(db.clone()).await;
    let (alice, bob) = (world.customer("alice").await, world.customer("bob").await);
    let dev = has(&world, &alice, "development", "devel").await;
    let shop = has(&world, &alice, "production", "shop").await;
    has(&world, &bob, "development", "bobs").await;
    final_invoice(&world, alice.account, mad(12_000), in_days(&world, 0)).await;
    final_invoice(&world, bob.account, mad(1), in_days(&world, 90)).await;
    let dunned = |is_account: bool| (is_account, "dunning".to_owned());

    pass(&world, 9).await;
    assert_eq!((suspended(&world).await, limits(&world).await), (vec![], vec![]));
    pass(&world, 1).await;
    assert_eq!((suspended(&world).await, limits(&world).await), (vec![dunned(false)], vec![]), "development rests");
    assert!(alice.instance(dev).await.suspension.is_some());
    assert!(alice.instance(shop).await.suspension.is_none());
    let browser = world.again(&alice).await;
    browser.get(&format!("/instances/{dev}")).await.assert_says(200, "As soon as it is paid, this runs again");
    // Nobody wakes it, and one that is made now rests too.
    browser.post(&format!("/instances/{dev}/start"), &[]).await;
    has(&world, &alice, "development", "another").await;
    world.wait(TimeDelta::seconds(11));
    look(&world).await;
    assert_eq!(suspended(&world).await, [dunned(false), dunned(false)]);

    pass(&world, 10).await;
    assert_eq!(limits(&world).await, [5]);
    pass(&world, 10).await;
    assert_eq!(limits(&world).await, [1]);
    pass(&world, 15).await;
    assert_eq!(suspended(&world).await, [dunned(false), dunned(false), dunned(true)]);
    pass(&world, 30).await;
    assert_eq!(steps(&world).await, ["warn", "warn_again", "sleep", "throttle", "narrow", "stop"]);
    assert_eq!(world.mails_to("alice@example.com").await.len(), 6);
    assert_eq!(world.mails_to("bob@example.com").await.len(), 0);

    // The portal stays open: the page to pay on is reachable, and says what there is.
    let browser = world.again(&alice).await;
    browser.get("/instances").await.assert_says(200, "MAD 120.00 have been due");
    // A part is not enough.
    pay(&world, alice.account, 11_000).await;
    look(&world).await;
    assert_eq!(suspended(&world).await.len(), 3);
    // The rest: everything at once, though the clock stands still.
    pay(&world, alice.account, 1_000).await;
    look(&world).await;
    assert_eq!((suspended(&world).await, limits(&world).await), (vec![], vec![]));
    let page = browser.get("/instances").await;
    assert!(!page.words().contains("have been due"), "{}", page.words());
    assert!(world.audit().await.contains(&"dunning.restored".to_owned()));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn case_66_a_suspension_by_dunning_deletes_nothing_and_storage_is_counted_on(db: PgPool) {
    let world = World::new(db.clone()).await;
    let alice = world.customer("alice").await;
    let shop = has(&world, &alice, "production", "shop").await;
    final_invoice(&world, alice.account, mad(12_000), in_days(&world, 0)).await;
    let counted = async || -> (String, i64, i64) {
        sqlx::query_as(
            "SELECT wanted, (SELECT count(*) FROM environment_segments WHERE environment_id = $1 AND until_at IS NULL)
                  , (SELECT count(*) FROM environment_segments WHERE environment_id = $1)
               FROM environments WHERE id = $1",
        )
        .bind(shop.uuid())
        .fetch_one(&db)
        .await
        .unwrap()
    };
    let before = counted().await;
    pass(&world, 200).await;
    assert_eq!(suspended(&world).await, [(true, "dunning".to_owned())]);
    // What its customer wants and what it is charged on are as they were: the one changes on the customer's word only, and the
    // other is what storage is counted by.
    assert_eq!(counted().await, before);
    assert_eq!(before, ("running".to_owned(), 1, 1));
    let gone: i64 =
        sqlx::query_scalar("SELECT count(*) FROM environments WHERE status = 'deleted' OR purge_after IS NOT NULL")
            .fetch_one(&db)
            .await
            .unwrap();
    assert_eq!(gone, 0);
    pay(&world, alice.account, 12_000).await;
    look(&world).await;
    assert_eq!(suspended(&world).await, []);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn staff_and_dunning_lift_their_own_suspensions_only(db: PgPool) {
    let world = World::new(db.clone()).await;
    let alice = world.customer("alice").await;
    let shop = has(&world, &alice, "production", "shop").await;
    final_invoice(&world, alice.account, mad(12_000), in_days(&world, 0)).await;
    let (suspend, resume) =
        (format!("/staff/accounts/{}/suspend", alice.account), format!("/staff/accounts/{}/resume", alice.account));
    let by = |who: &str| (true, who.to_owned());

    pass(&world, 46).await;
    assert_eq!(suspended(&world).await, [by("dunning")]);
    let sam = world.staff().await;
    sam.post(&resume, &[("reason", "He is a friend")]).await;
    assert_eq!(suspended(&world).await, [by("dunning")], "staff do not lift it by the way");
    sam.post(&suspend, &[("reason", "Sends spam")]).await;
    assert_eq!(suspended(&world).await, [by("dunning"), by("staff")]);
    sam.get(&format!("/staff/accounts/{}", alice.account)).await.assert_says(200, "An invoice is overdue");

    pay(&world, alice.account, 12_000).await;
    look(&world).await;
    assert_eq!(suspended(&world).await, [by("staff")], "payment does not forgive spam");
    assert!(alice.instance(shop).await.suspension.is_some());
    sam.post(&resume, &[("reason", "Mended")]).await;
    assert_eq!(suspended(&world).await, []);
    // By hand neither: a suspension of dunning has no person, one by staff has.
    for origin in ["'dunning', (SELECT id FROM staff LIMIT 1)", "'staff', NULL"] {
        let statement = format!(
            "INSERT INTO suspensions (id, account_id, reason, origin, suspended_by, suspended_at)
             SELECT gen_random_uuid(), id, 'because', {origin}, now() FROM accounts LIMIT 1"
        );
        assert!(sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&db).await.is_err(), "{origin}");
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_was_taken_stays_taken_until_nothing_is_overdue(db: PgPool) {
    let world = World::new(db.clone()).await;
    let alice = world.customer("alice").await;
    has(&world, &alice, "production", "shop").await;
    final_invoice(&world, alice.account, mad(12_000), in_days(&world, 0)).await;
    final_invoice(&world, alice.account, mad(5_000), in_days(&world, 15)).await;
    final_invoice(&world, alice.account, mad(7_000), in_days(&world, 90)).await;
    pass(&world, 20).await;
    assert_eq!(limits(&world).await, [5]);
    // The oldest one is paid; another one is overdue: it is warned of anew, and the limit stays.
    pay(&world, alice.account, 12_000).await;
    look(&world).await;
    assert_eq!(limits(&world).await, [5]);
    assert_eq!(steps(&world).await, ["warn", "warn_again", "sleep", "throttle", "warn"]);
    // Everything that is overdue is paid; what has time yet is not asked for.
    pay(&world, alice.account, 5_000).await;
    look(&world).await;
    assert_eq!(limits(&world).await, Vec::<i32>::new());
}
