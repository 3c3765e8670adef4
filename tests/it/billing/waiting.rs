//! What waits for a person waits alone, with its reason; and everything else goes on.

use sayoo::base::money::{Currency, Money};
use sayoo::billing::payments::{self, Method, Received};
use sayoo::billing::{documents, run};
use sqlx::PgPool;

use super::world::{CORE_HOUR, at, audit, introduce, mad, number, sell, texts, used};
use crate::support::portal::{Person, World};
use crate::support::waiting::waiters;

/// A customer of whom November is billed: 200 core-hours.
async fn billed(world: &World, name: &str) -> (Person, sayoo::base::ids::EnvironmentId) {
    let alice = world.customer(name).await;
    introduce(world, alice.account, "MA").await;
    let shop = alice.has_running(world, name).await;
    used(world, shop, "cpu", "2026-11-23T10:00:00Z".parse().unwrap(), 200 * CORE_HOUR).await;
    (alice, shop)
}

/// Gives back every line of an invoice.
async fn credit_all(world: &World, number: &str) {
    let mut db = world.db.acquire().await.unwrap();
    let found = documents::list_all(&mut db, number, 1).await.unwrap().remove(0);
    let paper = documents::find(&mut db, None, found.id).await.unwrap().unwrap().paper;
    let lines: Vec<(i32, Money)> = paper
        .lines
        .iter()
        .map(|line| (i32::try_from(line.line_no).unwrap(), Money::rounded(line.net, Currency::Mad)))
        .collect();
    documents::credit(&mut db, found.id, &lines, "an outage", world.portal.clock.now()).await.unwrap();
    drop(db);
    assert_eq!(run::look(&world.portal).await.unwrap().finalised, 1);
}

async fn waiting(world: &World) -> Vec<(String, Vec<String>)> {
    let mut db = world.db.acquire().await.unwrap();
    let all = run::list_waiting(&mut db).await.unwrap();
    all.into_iter().map(|waiting| (waiting.reason, waiting.problems)).collect()
}

async fn run_sql(world: &World, statements: &[&str]) {
    for sql in statements {
        sqlx::query(sqlx::AssertSqlSafe((*sql).to_owned())).execute(&world.db).await.unwrap();
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_correction_of_what_was_credited_already_waits_for_a_person_and_nothing_else_does(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let (_, shop) = billed(&world, "shop").await;
    at(&world, "2026-12-01T03:00:00Z").await;
    credit_all(&world, "MA-2026-000001").await;
    used(&world, shop, "cpu", "2026-11-23T10:00:00Z".parse().unwrap(), 150 * CORE_HOUR).await;

    let done = at(&world, "2027-01-01T03:00:00Z").await;
    assert_eq!(done.finalised, 1, "December's invoice is out: {done:?}");
    let told = waiting(&world).await;
    assert_eq!((told.len(), told[0].0.as_str()), (1, "credited"));
    assert_eq!(
        told[0].1,
        ["19.00 MAD are to be given back, and 0.00 of MA-2026-000001 are left that were not credited"]
    );
    assert_eq!(number(&world.db, "SELECT count(*) FROM billing_periods WHERE state = 'open'").await, 1, "only January");
    assert_eq!(at(&world, "2027-02-01T03:00:00Z").await.finalised, 1, "and the next month is billed too");
    assert_eq!(waiting(&world).await.len(), 1);
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_was_billed_by_a_correction_is_given_back_on_the_invoice_that_billed_it(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let (_, shop) = billed(&world, "shop").await;
    let hour = "2026-11-23T10:00:00Z".parse().unwrap();
    at(&world, "2026-12-01T03:00:00Z").await;
    used(&world, shop, "cpu", hour, 400 * CORE_HOUR).await;
    at(&world, "2027-01-01T03:00:00Z").await;
    // All of November's own invoice was given back meanwhile; then it is found that it was 200 after all.
    credit_all(&world, "MA-2026-000001").await;
    used(&world, shop, "cpu", hour, 200 * CORE_HOUR).await;
    assert_eq!(at(&world, "2027-02-01T03:00:00Z").await.finalised, 2);
    let notes = "SELECT i.number || ' ' || n.net_minor FROM documents n JOIN documents i ON i.id = n.corrects_id
                  WHERE n.reason = 'correction'";
    assert_eq!(texts(&world.db, notes).await, ["MA-2027-000001 7600"], "200 at 0.38");
    assert_eq!(waiting(&world).await, []);
    audit(&world.db).await;
}

/// A rule that the database looks at when a transaction is committed, and that one customer's documents break.
const AT_COMMIT: &str =
    "CREATE CONSTRAINT TRIGGER refuse_bad AFTER UPDATE OF state ON documents DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.state = 'final') EXECUTE FUNCTION refuse_bad()";

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn one_document_that_cannot_be_committed_waits_alone(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    for name in ["one", "bad", "two"] {
        billed(&world, name).await;
    }
    let refuse = "CREATE FUNCTION refuse_bad() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF EXISTS (SELECT FROM accounts WHERE id = NEW.account_id AND name LIKE 'bad%') THEN RAISE EXCEPTION 'not this one'; END IF;
        RETURN NULL; END $$";
    run_sql(&world, &[refuse, AT_COMMIT]).await;
    let done = at(&world, "2026-12-01T03:00:00Z").await;
    assert_eq!((done.finalised, done.parked), (2, 1), "{done:?}");
    let told = waiting(&world).await;
    assert_eq!((told.len(), told[0].0.as_str()), (1, "failed"));
    assert!(told[0].1[0].contains("not this one"), "{told:?}");
    audit(&world.db).await;
    // Mended, and released by a person.
    run_sql(&world, &["DROP TRIGGER refuse_bad ON documents"]).await;
    let mut db = world.db.acquire().await.unwrap();
    let draft = run::list_waiting(&mut db).await.unwrap()[0].document.unwrap();
    assert!(run::release_draft(&mut db, draft).await.unwrap());
    assert_eq!(run::look(&world.portal).await.unwrap().finalised, 1);
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn who_was_in_somebody_s_way_is_no_reason_to_wait_for_a_person(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    billed(&world, "one").await;
    billed(&world, "two").await;
    // Deadlocks: of the month that is rated first, of the batch of documents, and of the first of them alone.
    let refuse = |name: &str, times: u32| {
        format!(
            "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF nextval('{name}_times') <= {times} THEN RAISE EXCEPTION 'in the way' USING ERRCODE = 'deadlock_detected'; END IF;
             RETURN NEW; END $$"
        )
    };
    let (of_charges, of_documents) = (refuse("refuse_charges", 1), refuse("refuse_bad", 3));
    let before =
        "CREATE TRIGGER refuse_charges BEFORE INSERT ON charges FOR EACH ROW EXECUTE FUNCTION refuse_charges()";
    let inside =
        "CREATE TRIGGER refuse_inside BEFORE UPDATE OF state ON documents FOR EACH ROW EXECUTE FUNCTION refuse_bad()";
    let sequences = ["CREATE SEQUENCE refuse_charges_times", "CREATE SEQUENCE refuse_bad_times"];
    run_sql(&world, &[sequences[0], sequences[1], &of_charges, &of_documents, before, inside]).await;
    let done = at(&world, "2026-12-01T03:00:00Z").await;
    assert_eq!((done.rated, done.finalised, done.parked), (2, 2, 0), "{done:?}");
    assert_eq!(waiting(&world).await, []);
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn details_that_stay_wrong_are_tried_again_seldom_and_at_once_when_they_change(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let (_, _) = billed(&world, "shop").await;
    // A French business without a SIREN, of the French company: papers refuse it, though the address is complete.
    run_sql(
        &world,
        &[
            "UPDATE accounts SET currency = 'EUR', country = 'FR'",
            "UPDATE billing_profiles SET country = 'FR', ice = ''",
        ],
    )
    .await;
    let tries = "SELECT held_tries FROM documents";
    assert_eq!(at(&world, "2026-12-01T03:00:00Z").await.parked, 1);
    assert_eq!(waiting(&world).await[0].0, "buyer");
    assert_eq!(world.mails_to("shop@example.com").await.len(), 1);
    for _ in 0..3 {
        assert_eq!(run::look(&world.portal).await.unwrap().parked, 0, "nothing changed: nothing is tried");
    }
    assert_eq!(at(&world, "2026-12-01T04:00:30Z").await.parked, 1, "after an hour it is looked at again");
    at(&world, "2026-12-01T05:00:30Z").await;
    assert_eq!(number(&world.db, &format!("SELECT ({tries})::bigint")).await, 2, "and then after two");
    assert_eq!(world.mails_to("shop@example.com").await.len(), 1, "it is asked for once");
    run_sql(&world, &["UPDATE billing_profiles SET siren = '732829320'"]).await;
    assert_eq!(run::look(&world.portal).await.unwrap().finalised, 1, "at once");
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn who_lives_in_another_country_than_last_month_is_looked_at_by_a_person(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let alice = world.customer("alice").await;
    run_sql(&world, &["UPDATE accounts SET currency = 'EUR', country = 'DE'"]).await;
    introduce(&world, alice.account, "DE").await;
    run_sql(&world, &["UPDATE billing_profiles SET is_business = false"]).await;
    alice.has_running(&world, "shop").await;
    at(&world, "2026-12-01T03:00:00Z").await;
    // Where a bank account says it, that is kept beside what was typed.
    let evidence = "SELECT number || ' ' || e.kind || ' ' || e.country FROM document_evidence e
                      JOIN documents d ON d.id = e.document_id ORDER BY number, e.kind";
    assert_eq!(texts(&world.db, evidence).await, ["FR-2026-000001 billing DE"]);
    let paid_from = "INSERT INTO stripe_customers (account_id, seller_id, customer_id, created_at)
        SELECT a.id, s.id, 'cus_1', now() FROM accounts a, sellers s WHERE s.currency = 'EUR'";
    let card = "INSERT INTO payment_methods (id, account_id, customer_id, provider_id, brand, last4, expires, is_default, created_at, country)
        SELECT gen_random_uuid(), id, 'cus_1', 'pm_1', 'visa', '4242', '2030-12', true, now(), 'DE' FROM accounts";
    run_sql(&world, &[paid_from, card, "UPDATE billing_profiles SET country = 'LU'"]).await;

    let done = at(&world, "2027-01-01T03:00:00Z").await;
    assert_eq!((done.finalised, done.parked), (0, 1), "17 % instead of 19: somebody asks");
    let told = waiting(&world).await;
    assert_eq!(told, [("country".to_owned(), vec!["LU where the invoice before said DE".to_owned()])]);
    let mut db = world.db.acquire().await.unwrap();
    let draft = run::list_waiting(&mut db).await.unwrap()[0].document.unwrap();
    assert!(run::release_draft(&mut db, draft).await.unwrap());
    assert_eq!(run::look(&world.portal).await.unwrap().finalised, 1);
    let both = ["FR-2026-000001 billing DE", "FR-2027-000001 billing LU", "FR-2027-000001 card DE"];
    assert_eq!(texts(&world.db, evidence).await, both);
    assert!(sqlx::query("UPDATE document_evidence SET country = 'FR'").execute(&world.db).await.is_err());
    // From now on that is where they live.
    assert_eq!(at(&world, "2027-02-01T03:00:00Z").await.finalised, 1);
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn case_43_a_draft_that_somebody_holds_for_long_keeps_no_other_one_waiting(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    for name in ["one", "held", "two"] {
        billed(&world, name).await;
    }
    // Drafts that are not final yet, as a worker leaves them that was cut off; one of them is held by somebody.
    run_sql(&world, &["UPDATE sellers SET details = '{}'"]).await;
    at(&world, "2026-12-01T03:00:00Z").await;
    sell(&world, true).await;
    let mut holder = world.db.begin().await.unwrap();
    let hold =
        "SELECT d.id FROM documents d JOIN accounts a ON a.id = d.account_id WHERE a.name LIKE 'held%' FOR UPDATE OF d";
    sqlx::query(hold).execute(&mut *holder).await.unwrap();
    let look = tokio::time::timeout(std::time::Duration::from_secs(20), run::look(&world.portal)).await;
    let done = look.expect("nobody waits").unwrap();
    assert_eq!(done.finalised, 2, "{done:?}");
    assert_eq!(number(&world.db, "SELECT max(no) FROM documents").await, 2, "and no number is kept for it");
    holder.rollback().await.unwrap();
    assert_eq!(run::look(&world.portal).await.unwrap().finalised, 1);
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn money_that_comes_in_while_an_invoice_becomes_final_is_on_its_paper_and_in_the_books(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    let (alice, _) = billed(&world, "shop").await;
    run_sql(&world, &["UPDATE sellers SET details = '{}'"]).await;
    at(&world, "2026-12-01T03:00:00Z").await;
    sell(&world, true).await;
    let now = world.portal.clock.now();
    let mut tx = world.db.begin().await.unwrap();
    let received = Received {
        account: alice.account,
        method: Method::Transfer,
        amount: mad(9_000),
        received_on: now.date_naive(),
        external_ref: "VIR-1",
    };
    payments::receive(&mut tx, &received, now).await.unwrap();
    payments::settle(&mut tx, alice.account, now).await.unwrap();
    // It is not there for anybody else yet when the invoice is being made final.
    let booked = async {
        waiters(&world.db, 1).await;
        tx.commit().await.unwrap();
    };
    let (done, ()) = tokio::join!(run::look(&world.portal), booked);
    assert_eq!(done.unwrap().finalised, 1);
    let paid =
        "SELECT canonical::json -> 'totals' ->> 'paid' || ' ' || (gross_minor - left_of(documents)) FROM documents";
    assert_eq!(texts(&world.db, paid).await, ["90.00 9000"]);
    audit(&world.db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn case_53_papers_that_cannot_be_made_are_made_later_and_the_document_is_what_it_is(db: PgPool) {
    let world = World::new(db).await;
    sell(&world, true).await;
    billed(&world, "shop").await;
    // Nothing can be kept: the disk is full, say.
    let refuse =
        "CREATE FUNCTION refuse_files() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no room'; END $$";
    let trigger =
        "CREATE TRIGGER refuse_files BEFORE INSERT ON document_files FOR EACH ROW EXECUTE FUNCTION refuse_files()";
    run_sql(&world, &[refuse, trigger]).await;
    assert_eq!(at(&world, "2026-12-01T03:00:00Z").await.finalised, 1);
    let before = texts(&world.db, "SELECT number || encode(sha256, 'hex') FROM documents").await;
    assert_eq!(world.mails_to("shop@example.com").await.len(), 0, "no mail without its papers");
    let jobs = "SELECT state || ' ' || attempts || ' ' || (last_error LIKE '%no room%')::text FROM jobs WHERE kind = 'make_papers'";
    assert_eq!(texts(&world.db, jobs).await, ["due 1 true"]);
    audit(&world.db).await;

    run_sql(&world, &["DROP TRIGGER refuse_files ON document_files"]).await;
    world.wait(chrono::TimeDelta::minutes(1));
    let told = world.mails_to("shop@example.com").await;
    assert_eq!(told.len(), 1);
    assert_eq!(number(&world.db, "SELECT count(*) FROM document_files").await, 3);
    assert_eq!(texts(&world.db, "SELECT number || encode(sha256, 'hex') FROM documents").await, before);
}
