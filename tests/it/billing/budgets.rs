//! What a month may cost: mails on the way there, each once, and rest that deletes nothing and ends by itself.

use chrono::TimeDelta;
use sayoo::reconcile::budgets::Budgets;
use sayoo::reconcile::driver::Driver;
use sqlx::PgPool;

use super::dunning::{has, suspended};
use super::world::{at, number, sell, texts};
use crate::support::portal::World;

const PATH: &str = "/account/billing/budget";

/// Lets the worker look until nothing is due.
async fn look(world: &World) {
    world.wait(TimeDelta::seconds(11));
    let task = Budgets::new(world.db.clone(), world.portal.clock.clone());
    Driver::new(task, world.db.clone(), world.portal.clock.clone()).settle().await.unwrap();
}

/// Lets time pass until an instant, on which billing and the worker look.
async fn look_at(world: &World, instant: &str) {
    at(world, instant).await;
    look(world).await;
}

/// The subjects of the mails that somebody got.
async fn subjects(world: &World, address: &str) -> Vec<String> {
    let mails = world.mails_to(address).await;
    mails.into_iter().map(|mail| mail.subject.replace(['\u{2068}', '\u{2069}'], "")).collect()
}

async fn levels(world: &World) -> Vec<String> {
    texts(&world.db, "SELECT level FROM budget_alerts ORDER BY alerted_at, level").await
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn each_part_of_a_budget_is_told_once_and_what_rests_comes_back_when_the_month_ends(db: PgPool) {
    let world = World::new(db.clone()).await;
    sell(&world, true).await;
    let (alice, bob) = (world.customer("alice").await, world.customer("bob").await);
    has(&world, &alice, "production", "shop").await;
    let dev = has(&world, &alice, "development", "devel").await;
    has(&world, &bob, "development", "bobs").await;
    // Together MAD 17.30 a day until the end of November: 146 in all.
    look_at(&world, "2026-11-22T12:30:00Z").await;
    alice.get(PATH).await.assert_says(200, "Set a budget");
    alice.post(PATH, &[("amount", "100"), ("is_cap", "yes")]).await.assert_redirect(PATH);
    look(&world).await;
    look(&world).await;
    let told = ["This month will probably cost more than your budget"];
    assert_eq!(subjects(&world, "alice@example.com").await, told);

    look_at(&world, "2026-11-25T13:00:00Z").await;
    look_at(&world, "2026-11-25T13:30:00Z").await;
    assert_eq!(levels(&world).await, ["forecast", "50"]);
    assert_eq!(subjects(&world, "alice@example.com").await.last().unwrap(), "50 % of this month’s budget is used");
    alice.get(PATH).await.assert_says(200, "52 % of MAD 100.00");
    alice.get("/account/billing").await.assert_says(200, "Budget MAD 100.00 52 % of it is used");

    // Nobody looked for two days: of what was reached meanwhile, one mail tells the last.
    look_at(&world, "2026-11-27T19:00:00Z").await;
    assert_eq!(levels(&world).await, ["forecast", "50", "75", "90"]);
    let subjects_now = subjects(&world, "alice@example.com").await;
    assert_eq!(subjects_now[2..], ["90 % of this month’s budget is used"]);
    assert_eq!(suspended(&world).await, []);

    look_at(&world, "2026-11-28T13:00:00Z").await;
    let rests = (false, "budget".to_owned());
    assert_eq!(suspended(&world).await, std::slice::from_ref(&rests), "development only");
    assert!(alice.instance(dev).await.suspension.is_some());
    let told = subjects(&world, "alice@example.com").await;
    assert_eq!(told[3..], ["The budget is reached: development and test instances rest"]);
    let page = format!("/instances/{dev}");
    alice.get(&page).await.assert_says(200, "The month’s budget is reached. It runs again when the month ends");
    alice.get(PATH).await.assert_says(200, "Instances rest: the budget is reached");
    // Nobody wakes it, one that is made now rests too; what is charged and counted goes on.
    alice.post(&format!("{page}/start"), &[]).await;
    assert!(alice.instance(dev).await.suspension.is_some());
    has(&world, &alice, "development", "another").await;
    world.wait(TimeDelta::minutes(5));
    look(&world).await;
    assert_eq!(suspended(&world).await, [rests.clone(), rests.clone()]);
    let open = "SELECT count(*) FROM environment_segments WHERE until_at IS NULL";
    assert_eq!(number(&db, open).await, 4, "what rests is charged on");
    assert_eq!(number(&db, "SELECT count(*) FROM environments WHERE wanted <> 'running'").await, 0);

    // Raised, it gives back at once; lowered again, it takes again, and nobody is told twice of the same.
    alice.post(PATH, &[("amount", "1000"), ("is_cap", "yes")]).await.assert_redirect(PATH);
    look(&world).await;
    assert_eq!(suspended(&world).await, []);
    alice.post(PATH, &[("amount", "100.00"), ("is_cap", "yes")]).await.assert_redirect(PATH);
    look(&world).await;
    assert_eq!(suspended(&world).await.len(), 2);
    assert_eq!(subjects(&world, "alice@example.com").await.len(), 4);

    // With the month everything comes back, and counting begins anew.
    look_at(&world, "2026-11-30T22:59:00Z").await;
    assert_eq!(suspended(&world).await.len(), 2);
    look_at(&world, "2026-11-30T23:00:00Z").await;
    assert_eq!(suspended(&world).await, []);
    let told = subjects(&world, "alice@example.com").await;
    assert_eq!(told[4..], ["This month will probably cost more than your budget"], "December's own");
    assert_eq!(subjects(&world, "bob@example.com").await, [""; 0]);
    let done = world.audit().await;
    let of = |action: &str| done.iter().filter(|entry| *entry == action).count();
    assert_eq!(of("billing.budget-changed"), 3);
    assert_eq!((of("billing.budget-rests"), of("billing.budget-lifted")), (3, 2));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn production_rests_only_when_that_was_ticked_and_what_others_suspended_stays(db: PgPool) {
    let world = World::new(db.clone()).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    let shop = has(&world, &alice, "production", "shop").await;
    look_at(&world, "2026-11-25T12:00:00Z").await;
    // Alerts alone let nothing rest; production without the first box is no wish.
    alice.post(PATH, &[("amount", "10"), ("caps_production", "yes")]).await.assert_redirect(PATH);
    look(&world).await;
    assert_eq!(suspended(&world).await, []);
    assert_eq!(subjects(&world, "alice@example.com").await, ["100 % of this month’s budget is used"]);
    alice.post(PATH, &[("amount", "10"), ("is_cap", "yes")]).await.assert_redirect(PATH);
    look(&world).await;
    assert_eq!(suspended(&world).await, [], "there is production only");
    alice.post(PATH, &[("amount", "10"), ("is_cap", "yes"), ("caps_production", "yes")]).await.assert_redirect(PATH);
    look(&world).await;
    assert_eq!(suspended(&world).await, [(false, "budget".to_owned())]);
    assert!(alice.instance(shop).await.suspension.is_some());
    let told = subjects(&world, "alice@example.com").await;
    assert_eq!(
        told[1..],
        [
            "The budget is reached: development and test instances rest",
            "The budget is reached: all instances rest, production too"
        ]
    );

    // What rests for another reason too goes on resting for it.
    let sql = "INSERT INTO suspensions (id, account_id, environment_id, reason, origin, suspended_at)
               VALUES (gen_random_uuid(), $1, $2, 'reason-unpaid', 'dunning', $3)";
    let now = world.portal.clock.now();
    sqlx::query(sql).bind(alice.account.uuid()).bind(shop.uuid()).bind(now).execute(&db).await.unwrap();
    alice.post(&format!("{PATH}/remove"), &[]).await.assert_redirect(PATH);
    look(&world).await;
    assert_eq!(suspended(&world).await, [(false, "dunning".to_owned())]);
    assert_eq!(number(&db, "SELECT count(*) FROM budgets").await, 0);
    let staff = world.staff().await;
    let page = staff.get(&format!("/staff/accounts/{}", alice.account)).await;
    page.assert_says(200, "The month ended, or the budget was changed");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_is_no_budget_is_refused_and_a_stranger_sets_one_for_nobody_else(db: PgPool) {
    let world = World::new(db.clone()).await;
    sell(&world, true).await;
    let (alice, eve) = (world.customer("alice").await, world.customer("eve").await);
    for wrong in
        ["", "0", "0.99", "-5", "NaN", "1e3", "12.345", "99999999999999999999999999999", "1000000000.01", "dix"]
    {
        alice.post(PATH, &[("amount", wrong)]).await.assert_says(422, "at most two decimals");
    }
    assert_eq!(number(&db, "SELECT count(*) FROM budgets").await, 0);
    alice.post(PATH, &[("amount", "12,50")]).await.assert_redirect(PATH);
    assert_eq!(number(&db, "SELECT amount_minor FROM budgets").await, 1250);
    eve.get(PATH).await.assert_says(200, "Set a budget");
    eve.post(&format!("{PATH}/remove"), &[]).await.assert_redirect(PATH);
    assert_eq!(number(&db, "SELECT amount_minor FROM budgets").await, 1250);
    // An amount in euros says nothing of dirhams.
    sqlx::query("UPDATE budgets SET currency = 'EUR', is_cap = true, amount_minor = 100").execute(&db).await.unwrap();
    has(&world, &alice, "development", "devel").await;
    look_at(&world, "2026-11-29T12:00:00Z").await;
    assert_eq!(number(&db, "SELECT count(*) FROM budget_alerts").await, 0);
    assert_eq!(suspended(&world).await, []);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_turn_reads_only_the_budgets_that_are_due_whatever_their_number(db: PgPool) {
    let world = World::new(db.clone()).await;
    sell(&world, true).await;
    let sql = "WITH made AS (INSERT INTO accounts (id, name, currency, country, timezone, created_at)
                             SELECT gen_random_uuid(), 'account ' || number, 'MAD', 'MA', 'Africa/Casablanca', $1
                               FROM generate_series(1, 10000) AS number RETURNING id)
               INSERT INTO budgets (account_id, amount_minor, currency, look_at, changed_at)
               SELECT id, 10000, 'MAD', $1::timestamptz + interval '1 day', $1 FROM made";
    sqlx::query(sql).bind(world.portal.clock.now()).execute(&db).await.unwrap();
    sqlx::query("ANALYZE budgets").execute(&db).await.unwrap();
    let plan = texts(
        &db,
        "EXPLAIN SELECT account_id FROM budgets WHERE look_at <= '2026-11-22T13:00:00Z' ORDER BY look_at LIMIT 100",
    )
    .await
    .join("\n");
    assert!(plan.contains("budgets_by_look"), "{plan}");
    // Those that are due come in turns of a hundred, the longest waiting first, until none is left.
    sqlx::query(
        "UPDATE budgets SET look_at = changed_at WHERE account_id IN (SELECT account_id FROM budgets LIMIT 250)",
    )
    .execute(&db)
    .await
    .unwrap();
    look(&world).await;
    let due = "SELECT count(*) FROM budgets WHERE look_at <= changed_at";
    assert_eq!(number(&db, due).await, 0);
}
