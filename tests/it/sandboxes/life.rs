//! What happens to invented customers.

use std::time::Duration;

use chrono::TimeDelta;
use sayoo::base::ids::SandboxId;
use sayoo::sandboxes::State;
use sayoo::sandboxes::report::Report;
use sqlx::PgPool;

use super::{Yard, rows};
use crate::billing::world::{audit, number, texts};

/// What happened, without the numbers that are a sandbox's own.
fn happened(report: &Report) -> Vec<String> {
    let of = |kind: &str, detail: &str| if kind == "mail" { String::new() } else { detail.to_owned() };
    let line = |it: &sayoo::sandboxes::report::Event| {
        format!("{} {} {} {} {:?}", it.at, it.kind, it.about, of(&it.kind, &it.detail), it.amount_minor)
    };
    report.events.iter().map(line).collect()
}

fn count(report: &Report, kind: &str) -> usize {
    report.events.iter().filter(|event| event.kind == kind).count()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_year_of_a_late_payer_has_its_invoices_reminders_restrictions_and_payments_and_nothing_of_it_is_real(
    db: PgPool,
) {
    let yard = Yard::new(db.clone()).await;
    let before = rows(&db).await;
    let id = yard.make(&[("pays", "late")]).await;
    assert_eq!(yard.sandbox(id).await.unwrap().state(), State::Ready);
    yard.advance(id, "year").await;

    let inside = yard.inside(id).await;
    let numbers = texts(&inside, "SELECT number FROM documents WHERE state = 'final' ORDER BY series_year, no").await;
    let wanted = (1..=11).map(|no| format!("MA-2026-{no:06}")).chain(["MA-2027-000001".to_owned()]);
    assert_eq!(numbers, wanted.collect::<Vec<_>>());
    let issued = "SELECT DISTINCT to_char(issued_on, 'DD') FROM documents";
    assert_eq!(texts(&inside, issued).await, ["01"], "each on the first of the next month");
    // What the customer is told beforehand: 1, 5, 10 and 20 days after the due date. On the 22nd it pays.
    let steps = "SELECT string_agg(step || ' ' || (done_on - due_on), ', ' ORDER BY done_on) FROM dunning_steps
                   JOIN documents ON documents.id = document_id GROUP BY number, series_year, no ORDER BY series_year, no";
    let mut announced = vec!["warn 1, warn_again 5, sleep 10, throttle 20"; 10];
    announced.push("warn 1, warn_again 5, sleep 10");
    assert_eq!(texts(&inside, steps).await, announced);
    let paid = "SELECT DISTINCT (received_on - due_on)::text FROM allocations
                  JOIN payments ON payments.id = payment_id JOIN documents ON documents.id = document_id";
    assert_eq!(texts(&inside, paid).await, ["22"]);
    // Development rests ten days late and is given back with the payment; the last one rests.
    let rests = "SELECT environments.kind || ' ' || count(*) || ' ' || count(lifted_at) FROM suspensions
                   JOIN environments ON environments.id = environment_id GROUP BY environments.kind";
    assert_eq!(texts(&inside, rests).await, ["development 11 10"]);
    // A mail for each invoice and each step, to nobody.
    assert_eq!(number(&inside, "SELECT count(*) FROM caught_mails").await, 12 + 43);
    assert_eq!(
        texts(&inside, "SELECT DISTINCT split_part(recipient, '@', 2) FROM caught_mails").await,
        ["sandbox.invalid"]
    );
    assert_eq!(number(&inside, "SELECT count(*) FROM document_files WHERE kind = 'pdf'").await, 12);
    assert_eq!(number(&inside, "SELECT count(*) FROM jobs WHERE state <> 'done'").await, 0);
    audit(&inside).await;
    inside.close().await;

    let report = yard.report(id).await;
    let kinds = ["invoice", "step", "payment", "rests", "given-back", "restored", "mail", "held", "trial"];
    let counts: Vec<usize> = kinds.iter().map(|kind| count(&report, kind)).collect();
    assert_eq!(counts, [12, 43, 10, 11, 10, 10, 55, 0, 0]);
    assert_eq!((report.documents.len(), report.movements.len()), (12, 22));
    let open: i64 = report.documents.iter().map(|paper| paper.open_minor).sum();
    assert_eq!(report.balance_minor, open, "the statement is what is open");
    assert_eq!(report.documents.iter().filter(|paper| paper.open_minor > 0).count(), 2);
    assert!(report.documents.iter().all(|paper| !paper.lines.is_empty() && paper.gross == paper.net + paper.vat));

    assert_eq!(rows(&db).await, before, "the control database has not one row more");
    let page = yard.staff.get(&format!("/staff/sandboxes/{id}")).await;
    page.assert_says(200, "MA-2026-000007");
    for words in ["development and test instances rest", "Paid by transfer", "would run again", "Stands still"] {
        assert!(page.words().contains(words), "{words}");
    }
    yard.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_trial_ends_a_budget_is_told_and_what_is_beyond_the_plan_is_charged(db: PgPool) {
    let yard = Yard::new(db).await;
    let fields =
        [("trial", "1"), ("usage", "busy"), ("pays", "card"), ("budget", "450"), ("country", "FR"), ("plan2", "")];
    let id = yard.make(&fields).await;
    yard.advance(id, "month-end").await;
    yard.advance(id, "month-end").await;
    let report = yard.report(id).await;
    assert_eq!((count(&report, "trial"), count(&report, "trial-ended")), (1, 1));
    let ended = report.events.iter().find(|event| event.kind == "trial-ended").unwrap();
    assert_eq!(ended.at.to_rfc3339(), "2026-01-15T09:00:00+00:00", "the company gives none, so it is two weeks");
    let mails: Vec<&str> = report.events.iter().filter(|it| it.kind == "mail").map(|it| it.about.as_str()).collect();
    assert!(mails.iter().any(|subject| subject.contains("trial ends")), "{mails:?}");
    assert!(mails.iter().any(|subject| subject.contains("trial has ended")), "{mails:?}");
    // A part of January and the whole of February; paid on the day.
    assert_eq!((count(&report, "invoice"), count(&report, "payment"), report.balance_minor), (2, 2, 0));
    assert!(report.documents[0].gross > report.documents[1].gross);
    assert!(report.documents[0].lines.len() > 1, "more than the base price: {:?}", report.documents[0].lines);
    assert_eq!(count(&report, "step"), 0);

    // A smaller budget is used up.
    let id = yard.make(&[("usage", "idle"), ("budget", "100"), ("pays", "never")]).await;
    yard.advance(id, "month").await;
    let report = yard.report(id).await;
    let levels: Vec<&str> = report.events.iter().filter(|it| it.kind == "budget").map(|it| it.about.as_str()).collect();
    assert!(["forecast", "50", "75", "90", "100"].iter().all(|level| levels.contains(level)), "{levels:?}");
    assert!(count(&report, "rests") >= 1, "development rests when the budget is reached");
    yard.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn who_never_pays_is_stopped_and_a_card_that_is_declined_is_tried_four_times(db: PgPool) {
    let yard = Yard::new(db).await;
    let (never, declined) =
        (yard.make(&[("pays", "never")]).await, yard.make(&[("pays", "declined"), ("country", "FR")]).await);
    // Two at once: the worker gives each its turns.
    for id in [never, declined] {
        assert_eq!(yard.press(id, "month").await.status, 303);
    }
    yard.settle().await;
    for _ in 0..3 {
        for id in [never, declined] {
            yard.advance(id, "month").await;
        }
    }
    let report = yard.report(never).await;
    let stopped = report.events.iter().any(|event| event.kind == "step" && event.about == "stop");
    assert!(stopped && report.events.iter().any(|event| event.kind == "rests" && event.about.is_empty()));
    assert_eq!(count(&report, "payment"), 0);
    let report = yard.report(declined).await;
    let first = &report.documents.last().unwrap().number;
    let tries: Vec<String> = report
        .events
        .iter()
        .filter(|event| event.kind == "refused" && event.about == *first)
        .map(|event| event.at.format("%m-%d").to_string())
        .collect();
    assert_eq!(tries, ["02-01", "02-04", "02-09", "02-16"]);
    // Both begin their own series.
    assert_eq!(first, "FR-2026-000001");
    assert_eq!(yard.report(never).await.documents.last().unwrap().number, "MA-2026-000001");
    yard.end().await;
}

/// Lets the worker work, cut off again and again in the middle of what it does.
async fn settle_with_cuts(yard: &Yard, id: SandboxId) -> u32 {
    let mut cuts = 0;
    for round in 0..2_000 {
        let sandbox = yard.sandbox(id).await.unwrap();
        if sandbox.state() == State::Ready {
            return cuts;
        }
        // Ever longer in the end: a busy machine needs its time for what is not done by halves.
        let limit = Duration::from_millis(150 + round * 137 % 900 + round * 40);
        if tokio::time::timeout(limit, yard.driver().settle()).await.is_err() {
            cuts += 1;
        }
        // The lease of whoever was cut off runs out.
        yard.world.wait(TimeDelta::seconds(11));
    }
    panic!("it gets nowhere: {:?}", yard.sandbox(id).await)
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_is_cut_off_and_done_again_comes_to_the_same(db: PgPool) {
    let yard = Yard::new(db).await;
    let fields = [("pays", "late"), ("trial", "1"), ("budget", "400")];
    let whole = yard.make(&fields).await;
    let cut = yard.asked(&fields).await;
    settle_with_cuts(&yard, cut).await;
    let mut cuts = 0;
    for _ in 0..3 {
        yard.advance(whole, "month").await;
        assert_eq!(yard.press(cut, "month").await.status, 303);
        cuts += settle_with_cuts(&yard, cut).await;
    }
    assert!(cuts >= 5, "it was cut off {cuts} times");
    let (whole, cut, id) = (yard.report(whole).await, yard.report(cut).await, cut);
    assert_eq!(happened(&whole), happened(&cut));
    // Instances that were ordered in one instant stand in either order on an invoice.
    let papers = |report: &Report| {
        let mut papers = report.documents.clone();
        for paper in &mut papers {
            paper.lines.sort_by(|one, other| (&one.detail, &one.text).cmp(&(&other.detail, &other.text)));
        }
        papers
    };
    assert_eq!((papers(&whole), &whole.movements), (papers(&cut), &cut.movements));
    assert!(whole.documents.len() >= 2 && count(&whole, "step") >= 3);
    let inside = yard.inside(id).await;
    audit(&inside).await;
    inside.close().await;
    yard.end().await;
}
