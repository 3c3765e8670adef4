//! `/staff/plans/versions/{version}/publish`: a version beside the one that is sold, what it would mean for those who are on that,
//! and from when on it is sold; later how far that is, and how to withdraw it.

use actix_web::web::{Data, Path, Query};
use anyhow::Context;
use askama::Template;
use chrono::{DateTime, Days, Months, NaiveDate, Utc};
use serde::Deserialize;
use sqlx::PgConnection;

use super::plans::{failed, stage};
use super::rows::formats;
use crate::audit;
use crate::base::ids::PlanVersionId;
use crate::base::money::{Currency, Money};
use crate::billing::previews::{self, Preview};
use crate::billing::sellers;
use crate::billing::transfers::statement;
use crate::environments::plan_moves::{self, Move, MoveError};
use crate::plans::catalogue::{self, CatalogueError, Refusal};
use crate::plans::{self, Plan, Stage, Version, cost};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Button, Posted, Staff};
use crate::web::form::Problems;
use crate::web::layout::{FlashKind, Layout};
use crate::web::pages::meters::Meters;
use crate::web::urls;

/// A version may be published for so many days ahead.
const FURTHEST: Days = Days::new(731);
/// Months that a move can be asked to begin with.
const MONTHS: usize = 12;

/// From when on it is sold, and what becomes of those who are on the present one. Empty: from now on, and they stay.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PublishForm {
    /// `now` or `day`.
    when: String,
    /// The day.
    day: String,
    /// `yes`: they are moved.
    moves: String,
    /// From which month on: its first day.
    month: String,
}

/// Which page of the preview, from 0.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PageQuery {
    page: u16,
}

#[derive(Template)]
#[template(path = "pages/staff/plan_publish.html")]
struct PublishPage {
    layout: Layout,
    title: String,
    list_url: String,
    publish_url: String,
    preview_url: String,
    withdraw_url: String,
    badge: &'static str,
    state: String,
    /// From when on it is sold; empty for a draft.
    since: String,
    is_draft: bool,
    /// What a withdrawal is called; empty where nothing can be withdrawn.
    withdraw: String,
    /// By currency: on the version that is sold, and on this one.
    prices: Vec<(String, String)>,
    has_current: bool,
    tables: Vec<(&'static str, Meters)>,
    form: PublishForm,
    months: Vec<(String, String)>,
    problems: Problems,
    /// How far the move is, in sentences.
    move_lines: Vec<String>,
    preview: Option<PreviewPart>,
}

struct PreviewPart {
    /// Whether the worker is still at it.
    progress: Option<String>,
    facts: Vec<(String, String)>,
    sums: Vec<SumLine>,
    rows: Vec<RowLine>,
    newer: String,
    older: String,
}

struct SumLine {
    count: String,
    before: String,
    after: String,
    difference: String,
}

struct RowLine {
    account: String,
    account_url: String,
    name: String,
    url: String,
    before: String,
    after: String,
    difference: String,
    /// Instead of amounts.
    note: String,
}

/// A version with all that its page and its forms ask for.
struct Found {
    plan: Plan,
    version: Version,
    /// The version that is sold; `None` when nothing is, or it is this one.
    current: Option<Version>,
    moved: Option<Move>,
}

async fn find(db: &mut PgConnection, id: PlanVersionId, now: DateTime<Utc>) -> Result<Found, PageError> {
    let (plan, version) = plans::version(db, id).await?.ok_or(PageError::NotFound)?;
    let current = catalogue::current(db, plan.id, now).await?.filter(|current| current.id != version.id);
    let moved = plan_moves::find(db, id).await?;
    Ok(Found { plan, version, current, moved })
}

/// Shows the page.
pub async fn get(portal: Data<Portal>, staff: Staff, id: Path<PlanVersionId>, query: Query<PageQuery>) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let found = find(&mut db, *id, staff.layout.now).await?;
    let form = (PublishForm { when: "now".to_owned(), ..PublishForm::default() }, Problems::default());
    answer::page(&PublishPage::new(&mut db, staff.layout, found, form, query.page.into()).await?)
}

/// Publishes a draft, or says what is wrong.
pub async fn post(portal: Data<Portal>, staff: Staff, id: Path<PlanVersionId>, posted: Posted<PublishForm>) -> Answer {
    let (form, now) = (posted.form, staff.layout.now);
    let mut tx = portal.db.begin().await.context("begin")?;
    let found = find(&mut tx, *id, now).await?;
    let mut problems = Problems::default();
    let valid_from = valid_from(&mut tx, &staff.layout, &form, &mut problems).await?;
    let month = month(&staff.layout, &form, valid_from, &mut problems);
    let (Some(valid_from), true) = (valid_from, problems.is_empty()) else {
        return answer::again(&PublishPage::new(&mut tx, staff.layout, found, (form, problems), 0).await?);
    };
    let number = match catalogue::publish(&mut tx, *id, valid_from, now).await {
        Ok(number) => number,
        Err(CatalogueError::Refused(Refusal::AlreadyPublished)) => {
            return answer::flash(urls::staff_plans(), FlashKind::Info, "staff-plans-published-already");
        }
        Err(error) => return Err(failed(error)),
    };
    if let Some(month) = month {
        let from = found.current.as_ref().map(|current| current.id);
        let (_, version) = plans::version(&mut tx, *id).await?.ok_or(PageError::NotFound)?;
        let asked = plan_moves::ask(&mut tx, (&found.plan, &version), (from, month), &staff.member.name, now).await;
        if let Err(error) = asked {
            let key = match error {
                MoveError::Refused(plan_moves::Refusal::TooEarly) => "staff-publish-month-bad",
                MoveError::Refused(plan_moves::Refusal::NothingBefore) => "staff-publish-nobody",
                MoveError::Failed(cause) => return Err(cause.into()),
            };
            tx.rollback().await.context("roll back")?;
            problems.add("month", staff.layout.t(key));
            let mut db = portal.db.acquire().await.context("reach the control database")?;
            return answer::again(&PublishPage::new(&mut db, staff.layout, found, (form, problems), 0).await?);
        }
    }
    let detail = serde_json::json!({ "version": *id, "number": number, "valid_from": valid_from, "moves_from": month });
    audit::record(&mut tx, &staff.actor(), audit::Entry::new("plan.published").detail(detail), now).await?;
    crate::db::wake(&mut tx).await?;
    tx.commit().await.context("commit")?;
    let said = if valid_from > now { "staff-plans-scheduled-done" } else { "staff-plans-published-done" };
    answer::flash_with(urls::staff_plans(), FlashKind::Good, said, ("number", &number.to_string()))
}

/// Reads from when on it is sold: from now on, or from midnight of a day. Where our companies' midnights differ it is the later
/// one, so that nobody pays a new price before the day has begun for them.
async fn valid_from(
    db: &mut PgConnection,
    layout: &Layout,
    form: &PublishForm,
    problems: &mut Problems,
) -> Result<Option<DateTime<Utc>>, PageError> {
    match form.when.as_str() {
        "" | "now" => return Ok(Some(layout.now)),
        "day" => {}
        _ => return Err(PageError::BadForm),
    }
    let day = statement::date(&form.day).filter(|day| *day <= layout.now.date_naive() + FURTHEST);
    let zones: Vec<_> = sellers::list(db).await?.into_iter().map(|seller| seller.zone).collect();
    let midnight = day.and_then(|day| {
        let here = zones.iter().map(|zone| cost::midnight(day, *zone)).max();
        here.or_else(|| Some(cost::midnight(day, chrono_tz::UTC))).filter(|at| *at > layout.now)
    });
    if midnight.is_none() {
        problems.add("day", layout.t("staff-publish-day-bad"));
    }
    Ok(midnight)
}

/// Reads from which month on those who are on the present version are moved, if they are.
fn month(
    layout: &Layout,
    form: &PublishForm,
    valid_from: Option<DateTime<Utc>>,
    problems: &mut Problems,
) -> Option<NaiveDate> {
    if form.moves != "yes" {
        return None;
    }
    let month = form.month.parse().ok().filter(|month| plan_moves::may_begin(*month, valid_from, layout.now));
    if month.is_none() {
        problems.add("month", layout.t("staff-publish-month-bad"));
    }
    month
}

/// Asks what it would mean for those who are on the version that is sold.
pub async fn preview(portal: Data<Portal>, staff: Staff, id: Path<PlanVersionId>, _: Posted<Button>) -> Answer {
    let mut tx = portal.db.begin().await.context("begin")?;
    let found = find(&mut tx, *id, staff.layout.now).await?;
    let current = found.current.ok_or(PageError::NotFound)?;
    previews::ask(&mut tx, (*id, current.id), &staff.member.name, staff.layout.now).await?;
    crate::db::wake(&mut tx).await?;
    tx.commit().await.context("commit")?;
    answer::flash(urls::staff_plan_publish(*id), FlashKind::Good, "staff-preview-asked")
}

/// Withdraws a version that is not sold yet with the move to it; or only the move, while its month is to come.
pub async fn withdraw(portal: Data<Portal>, staff: Staff, id: Path<PlanVersionId>, _: Posted<Button>) -> Answer {
    let now = staff.layout.now;
    let mut tx = portal.db.begin().await.context("begin")?;
    let is_version_withdrawn = match catalogue::withdraw(&mut tx, *id, &staff.member.name, now).await {
        Ok(is_withdrawn) => is_withdrawn,
        Err(CatalogueError::Refused(Refusal::AlreadySold)) => false,
        Err(error) => return Err(failed(error)),
    };
    let is_move_withdrawn = plan_moves::withdraw(&mut tx, *id, now).await?;
    if !is_version_withdrawn && !is_move_withdrawn {
        return answer::flash(urls::staff_plan_publish(*id), FlashKind::Info, "staff-publish-nothing-to-withdraw");
    }
    let detail = serde_json::json!({ "version": *id, "is_sold": !is_version_withdrawn, "move": is_move_withdrawn });
    audit::record(&mut tx, &staff.actor(), audit::Entry::new("plan.withdrawn").detail(detail), now).await?;
    crate::db::wake(&mut tx).await?;
    tx.commit().await.context("commit")?;
    answer::flash(urls::staff_plan_publish(*id), FlashKind::Good, "staff-publish-withdrawn-done")
}

impl PublishPage {
    async fn new(
        db: &mut PgConnection,
        layout: Layout,
        found: Found,
        (form, problems): (PublishForm, Problems),
        page: i64,
    ) -> Result<Self, PageError> {
        let Found { plan, version, current, moved } = found;
        let formats = formats(&layout);
        let preview = previews::find(db, version.id).await?;
        let preview = preview.filter(|it| {
            let is_of_current = current.as_ref().is_some_and(|current| current.id == it.compared);
            is_of_current || version.published_at.is_some()
        });
        let preview = match preview {
            Some(preview) => Some(PreviewPart::read(db, &layout, (version.id, &preview), page).await?),
            None => None,
        };
        let column = |version: &Version| layout.t1("staff-publish-version", "number", version.number);
        let columns: Vec<_> = current.iter().chain([&version]).map(|it| (column(it), it)).collect();
        let price = |version: Option<&Version>, currency| {
            version.and_then(|it| it.monthly(currency)).map(|price| formats.money(price)).unwrap_or_default()
        };
        let (badge, state) = stage(&layout, &version);
        let is_move_to_come = moved.as_ref().is_some_and(|it| {
            it.withdrawn_at.is_none()
                && it.month.and_time(chrono::NaiveTime::MIN).and_utc() - chrono::TimeDelta::days(1) > layout.now
        });
        let withdraw = match version.stage(layout.now) {
            Stage::Scheduled => layout.t("staff-publish-withdraw"),
            Stage::Valid if is_move_to_come => layout.t("staff-publish-withdraw-move"),
            _ => String::new(),
        };
        Ok(Self {
            title: layout.t2(
                "staff-publish-title",
                "plan",
                plan.names.of(layout.locale).to_owned(),
                "number",
                version.number,
            ),
            list_url: urls::staff_plans(),
            publish_url: urls::staff_plan_publish(version.id),
            preview_url: urls::staff_plan_preview(version.id),
            withdraw_url: urls::staff_plan_withdraw(version.id),
            badge,
            state,
            since: version.valid_from.map(|at| formats.date_time(at)).unwrap_or_default(),
            is_draft: version.published_at.is_none(),
            withdraw,
            prices: Currency::ALL
                .map(|currency| (price(current.as_ref(), currency), price(Some(&version), currency)))
                .into(),
            has_current: current.is_some(),
            tables: Currency::ALL.map(|currency| (currency.code(), Meters::new(formats, &columns, currency))).into(),
            months: months(&layout),
            move_lines: moved.map(|it| move_lines(&layout, &it)).unwrap_or_default(),
            preview,
            form,
            problems,
            layout,
        })
    }
}

/// The months that a move can begin with: the first day, and the month in words.
fn months(layout: &Layout) -> Vec<(String, String)> {
    let formats = formats(layout);
    let today = layout.now.date_naive();
    let first = chrono::Datelike::with_day(&today, 1).unwrap_or(today);
    let coming = (1..).filter_map(|count| first.checked_add_months(Months::new(count)));
    let coming = coming.filter(|month| plan_moves::may_begin(*month, None, layout.now));
    coming.take(MONTHS).map(|month| (month.to_string(), formats.month(month))).collect()
}

fn move_lines(layout: &Layout, moved: &Move) -> Vec<String> {
    let formats = formats(layout);
    let mut lines = vec![layout.t1("staff-move-from", "date", formats.calendar_day(moved.month))];
    if moved.withdrawn_at.is_some() {
        lines.push(layout.t("staff-move-withdrawn"));
    }
    for (key, count) in [
        ("staff-move-all", moved.all),
        ("staff-move-told", moved.told),
        ("staff-move-moved", moved.moved),
        ("staff-move-left", moved.left),
    ] {
        lines.push(layout.t1(key, "count", formats.number(count)));
    }
    lines
}

impl PreviewPart {
    async fn read(
        db: &mut PgConnection,
        layout: &Layout,
        (version, preview): (PlanVersionId, &Preview),
        page: i64,
    ) -> anyhow::Result<Self> {
        let formats = formats(layout);
        let sums = previews::sums(db, preview.id).await?;
        let mut rows = previews::rows(db, preview.id, (page * previews::PAGE, previews::PAGE + 1)).await?;
        let has_more = i64::try_from(rows.len()).unwrap_or(i64::MAX) > previews::PAGE;
        rows.truncate(usize::try_from(previews::PAGE).unwrap_or(usize::MAX));
        let count = |key: &str, count: i64| (layout.t(key), formats.number(count));
        let mut facts = vec![
            count("staff-preview-accounts", preview.accounts),
            count("staff-preview-environments", preview.environments),
        ];
        if preview.without_month > 0 {
            facts.push(count("staff-preview-without", preview.without_month));
        }
        if preview.failed > 0 {
            facts.push(count("staff-preview-failed", preview.failed));
        }
        facts.push((layout.t("staff-preview-asked-at"), formats.date_time(preview.asked_at)));
        let other = |page: i64| urls::staff_plan_publish_page(version, page);
        Ok(Self {
            progress: preview.done_at.is_none().then(|| {
                let (done, all) = (formats.number(preview.looked_at), formats.number(preview.environments));
                layout.t2("staff-preview-progress", "count", done, "all", all)
            }),
            facts,
            sums: sums
                .iter()
                .map(|sum| SumLine {
                    count: formats.number(sum.count),
                    before: formats.money(sum.before),
                    after: formats.money(sum.after),
                    difference: difference(layout, sum.before, sum.after),
                })
                .collect(),
            rows: rows.iter().map(|row| RowLine::new(layout, row)).collect(),
            newer: if page > 0 { other(page - 1) } else { String::new() },
            older: if has_more { other(page + 1) } else { String::new() },
        })
    }
}

impl RowLine {
    fn new(layout: &Layout, row: &previews::Row) -> Self {
        let formats = formats(layout);
        let (before, after, difference) = match row.parts {
            Some((before, after)) => (formats.money(before), formats.money(after), difference(layout, before, after)),
            None => (String::new(), String::new(), String::new()),
        };
        Self {
            account: row.account_name.clone(),
            account_url: urls::staff_account(row.account),
            name: row.name.clone(),
            url: urls::staff_instance(row.environment),
            before,
            after,
            difference,
            note: match (row.parts, row.problem.as_str()) {
                (Some(_), _) => String::new(),
                (None, "") => layout.t("staff-preview-no-month"),
                (None, problem) => problem.to_owned(),
            },
        }
    }
}

/// How much more it is, with its sign.
fn difference(layout: &Layout, before: Money, after: Money) -> String {
    let minor = after.minor.saturating_sub(before.minor);
    let amount = formats(layout).money(Money::new(minor, before.currency));
    if minor > 0 { format!("+{amount}") } else { amount }
}
