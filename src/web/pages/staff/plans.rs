//! `/staff/plans`: the catalogue. Versions are drafted and published, never changed.

use actix_web::web::{Data, Path};
use anyhow::Context;
use askama::Template;
use rust_decimal::Decimal;

use super::rows::formats;
use super::second_factor::Nothing;
use crate::audit;
use crate::base::ids::{PlanId, PlanVersionId};
use crate::base::money::{Currency, Money};
use crate::plans::catalogue::{self, CatalogueError, Draft};
use crate::plans::{Plan, Resources, Version};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Posted, Staff};
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

#[derive(Template)]
#[template(path = "pages/staff/plans.html")]
struct PlansPage {
    layout: Layout,
    plans: Vec<PlanLine>,
}

struct PlanLine {
    code: String,
    name: String,
    draft_url: String,
    versions: Vec<VersionLine>,
    next: DraftFields,
}

struct VersionLine {
    number: i32,
    badge: &'static str,
    state: String,
    prices: String,
    limits: String,
    since: String,
    /// Where to publish it; empty for one that is published.
    publish_url: String,
}

struct DraftFields {
    price_eur: String,
    price_mad: String,
    cpu_millis: i32,
    memory_mb: i32,
    storage_mb: i32,
}

/// Shows every plan with every version.
pub async fn get(portal: Data<Portal>, staff: Staff) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let plans = catalogue::everything(&mut db).await?;
    let layout = staff.layout;
    let plans = plans.iter().filter_map(|(plan, versions)| plan_line(&layout, plan, versions)).collect();
    answer::page(&PlansPage { layout, plans })
}

fn plan_line(layout: &Layout, plan: &Plan, versions: &[Version]) -> Option<PlanLine> {
    let newest = versions.first()?;
    let plain =
        |currency| newest.monthly(currency).map(|money| Decimal::new(money.minor, 2).to_string()).unwrap_or_default();
    Some(PlanLine {
        code: plan.code.clone(),
        name: plan.names.of(layout.locale).to_owned(),
        draft_url: urls::staff_plan_draft(plan.id),
        versions: versions.iter().map(|version| version_line(layout, version)).collect(),
        next: DraftFields {
            price_eur: plain(Currency::Eur),
            price_mad: plain(Currency::Mad),
            cpu_millis: newest.resources.cpu_millis,
            memory_mb: newest.resources.memory_mb,
            storage_mb: newest.resources.storage_mb,
        },
    })
}

fn version_line(layout: &Layout, version: &Version) -> VersionLine {
    let formats = formats(layout);
    let prices: Vec<_> = version.prices.iter().map(|price| formats.money(*price)).collect();
    let mebibytes = |mb: i32| formats.mebibytes(u32::try_from(mb).unwrap_or(0));
    let resources = &version.resources;
    let cores = formats.decimal(Decimal::new(i64::from(resources.cpu_millis), 3), 2);
    VersionLine {
        number: version.number,
        badge: if version.published_at.is_some() { "running" } else { "neutral" },
        state: layout.t(if version.published_at.is_some() { "staff-plans-published" } else { "staff-plans-draft" }),
        prices: prices.join(" · "),
        limits: format!("{cores} CPU · {} · {}", mebibytes(resources.memory_mb), mebibytes(resources.storage_mb)),
        since: version.published_at.map(|at| formats.date(at)).unwrap_or_default(),
        publish_url: if version.published_at.is_none() { urls::staff_plan_publish(version.id) } else { String::new() },
    }
}

/// What the form holds.
#[derive(Debug, serde::Deserialize)]
pub struct DraftForm {
    price_eur: String,
    price_mad: String,
    cpu_millis: String,
    memory_mb: String,
    storage_mb: String,
}

/// Drafts a new version: what the form says, the rest as in the newest one.
pub async fn draft(portal: Data<Portal>, staff: Staff, id: Path<PlanId>, posted: Posted<DraftForm>) -> Answer {
    let mut tx = portal.db.begin().await.context("begin")?;
    let everything = catalogue::everything(&mut tx).await?;
    let (_, versions) = everything.iter().find(|(plan, _)| plan.id == *id).ok_or(PageError::NotFound)?;
    let newest = versions.first().ok_or(PageError::NotFound)?;
    let Some(draft) = parse(&posted.form, newest) else {
        return answer::flash(urls::staff_plans(), FlashKind::Bad, "staff-plans-bad-number");
    };
    let version = catalogue::draft(&mut tx, *id, &draft, staff.layout.now).await.map_err(failed)?;
    let entry = audit::Entry::new("plan.drafted").detail(serde_json::json!({ "plan": *id, "version": version }));
    audit::record(&mut tx, &staff.actor(), entry, staff.layout.now).await?;
    tx.commit().await.context("commit")?;
    answer::flash(urls::staff_plans(), FlashKind::Good, "staff-plans-drafted-done")
}

fn parse(form: &DraftForm, newest: &Version) -> Option<Draft> {
    let number = |text: &str| text.trim().parse::<i32>().ok().filter(|number| *number > 0);
    let price = |text: &str, currency| {
        let amount: Decimal = text.trim().replace(',', ".").parse().ok()?;
        (!amount.is_sign_negative() && amount <= Decimal::from(1_000_000)).then(|| Money::rounded(amount, currency))
    };
    Some(Draft {
        resources: Resources {
            cpu_millis: number(&form.cpu_millis)?,
            memory_mb: number(&form.memory_mb).filter(|mb| *mb >= 128)?,
            storage_mb: number(&form.storage_mb)?,
            ..newest.resources.clone()
        },
        prices: vec![price(&form.price_eur, Currency::Eur)?, price(&form.price_mad, Currency::Mad)?],
        allowances: newest.allowances.clone(),
    })
}

/// Publishes a draft: new orders use it from now on.
pub async fn publish(portal: Data<Portal>, staff: Staff, id: Path<PlanVersionId>, _posted: Posted<Nothing>) -> Answer {
    let mut tx = portal.db.begin().await.context("begin")?;
    match catalogue::publish(&mut tx, *id, staff.layout.now).await {
        Ok(()) => {}
        Err(CatalogueError::Refused(_)) => {
            return answer::flash(urls::staff_plans(), FlashKind::Info, "staff-already-so");
        }
        Err(error) => return Err(failed(error)),
    }
    let entry = audit::Entry::new("plan.published").detail(serde_json::json!({ "version": *id }));
    audit::record(&mut tx, &staff.actor(), entry, staff.layout.now).await?;
    crate::db::wake(&mut tx).await?;
    tx.commit().await.context("commit")?;
    answer::flash(urls::staff_plans(), FlashKind::Good, "staff-plans-published-done")
}

fn failed(error: CatalogueError) -> PageError {
    match error {
        CatalogueError::Refused(_) => PageError::NotFound,
        CatalogueError::Failed(cause) => cause.into(),
    }
}
