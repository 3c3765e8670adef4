//! Reads what is sold, and lets staff draft, publish, offer and withdraw.

use std::collections::BTreeMap;

use anyhow::Context;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::{Allowance, Kind, Offer, Plan, Resources, Stage, Tier, Translated, Version, store};
use crate::base::ids::{PlanId, PlanVersionId};
use crate::base::money::{Currency, Money};

/// Why the catalogue was not changed.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// Something the person can understand and change.
    #[error("the catalogue was not changed")]
    Refused(#[source] Refusal),
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// What a person must change first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such plan or version.
    #[error("there is no such plan")]
    Unknown,
    /// Published versions never change.
    #[error("the version is already published")]
    AlreadyPublished,
    /// A currency has no price.
    #[error("a price is missing in a currency")]
    PriceMissing,
    /// Each further price of a meter begins above zero and beyond the one before.
    #[error("the prices of a meter do not follow each other")]
    TiersNotRising,
    /// A version is sold from now on, or from an instant that is to come.
    #[error("the version would be sold from an instant that has passed")]
    BadInstant,
    /// What is sold already is not withdrawn.
    #[error("the version is sold already")]
    AlreadySold,
    /// A code has 2 to 31 small letters, digits and hyphens, and begins with a letter.
    #[error("the code cannot be used")]
    BadCode,
    /// Another plan has this code.
    #[error("the code is taken")]
    CodeTaken,
}

/// A plan that staff make. It can be bought once a version of it is published.
#[derive(Clone, Debug)]
pub struct NewPlan {
    /// A stable word for it; never changes.
    pub code: String,
    /// What it is for.
    pub kind: Kind,
    /// Shown names.
    pub names: Translated,
    /// Where it stands in the list, from 0; anything beyond the end is the end.
    pub position: usize,
}

/// Where a plan is moved in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Nearer to the beginning.
    Up,
    /// Nearer to the end.
    Down,
}

/// A version that staff prepare. It can be bought once it is published.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What it gives.
    pub resources: Resources,
    /// One price per currency.
    pub prices: Vec<Money>,
    /// Included usage and prices beyond it, in each currency.
    pub allowances: Vec<Allowance>,
}

/// Returns what can be ordered at an instant, priced in `currency`, in the order of the list.
pub async fn offered(db: &mut PgConnection, currency: Currency, now: DateTime<Utc>) -> anyhow::Result<Vec<Offer>> {
    let mut offers = Vec::new();
    for (plan, version) in sold(db, now).await? {
        if let Some(monthly) = version.monthly(currency) {
            offers.push(Offer { plan, version, monthly });
        }
    }
    Ok(offers)
}

/// The version of each offered plan that is sold at an instant.
async fn sold(db: &mut PgConnection, now: DateTime<Utc>) -> anyhow::Result<Vec<(Plan, Version)>> {
    let everything = everything(db).await?.into_iter().filter(|(plan, _)| plan.is_offered);
    Ok(everything.filter_map(|(plan, versions)| Some((plan, sold_of(versions, now)?))).collect())
}

/// Of a plan's versions the one that is sold at an instant: the one that is valid since the latest; of those that began
/// together, the one that was published last.
fn sold_of(versions: Vec<Version>, now: DateTime<Utc>) -> Option<Version> {
    let valid = versions.into_iter().filter(|version| version.stage(now) == Stage::Valid);
    valid.max_by_key(|version| (version.valid_from, version.number))
}

/// Returns one version with its plan: what an environment runs on, also when it is no longer sold.
pub async fn version(db: &mut PgConnection, id: PlanVersionId) -> anyhow::Result<Option<(Plan, Version)>> {
    store::find_version(db, id).await.context("read a plan version")
}

/// Returns what the plans of some versions are called.
pub async fn names(
    db: &mut PgConnection,
    versions: &[PlanVersionId],
) -> anyhow::Result<BTreeMap<PlanVersionId, Translated>> {
    store::names(db, versions).await.context("read the names of plans")
}

/// Whether a version is the one that its plan is sold in at an instant.
pub async fn is_sold(db: &mut PgConnection, version: PlanVersionId, now: DateTime<Utc>) -> anyhow::Result<bool> {
    Ok(sold(db, now).await?.iter().any(|(_, sold)| sold.id == version))
}

/// Returns the version that a plan is sold in at an instant, also of one that is no longer offered: those who come after it are
/// compared with it.
pub async fn current(db: &mut PgConnection, plan: PlanId, now: DateTime<Utc>) -> anyhow::Result<Option<Version>> {
    let found = everything(db).await?.into_iter().find(|(it, _)| it.id == plan);
    Ok(found.and_then(|(_, versions)| sold_of(versions, now)))
}

/// Returns every plan with every version, newest first, for staff.
pub async fn everything(db: &mut PgConnection) -> anyhow::Result<Vec<(Plan, Vec<Version>)>> {
    store::everything(db).await.context("read the catalogue")
}

/// Makes a plan, without a version yet.
pub async fn create(db: &mut PgConnection, new: NewPlan, now: DateTime<Utc>) -> Result<PlanId, CatalogueError> {
    if !is_code(&new.code) {
        return Err(CatalogueError::Refused(Refusal::BadCode));
    }
    let mut order = store::lock_order(db).await.context("read the order of the plans")?;
    let none = || Translated { en: String::new(), fr: String::new(), ar: String::new() };
    let plan = Plan {
        id: PlanId::new(now),
        code: new.code,
        kind: new.kind,
        // Written right below, with all the others.
        position: 0,
        names: new.names,
        summaries: none(),
        is_offered: true,
    };
    let id = store::insert_plan(db, &plan, now).await.context("insert a plan")?;
    let id = id.ok_or(CatalogueError::Refused(Refusal::CodeTaken))?;
    order.insert(new.position.min(order.len()), id);
    store::set_order(db, &order).await.context("write the order of the plans")?;
    Ok(id)
}

fn is_code(code: &str) -> bool {
    let is_rest = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    (2..=31).contains(&code.len())
        && code.starts_with(|letter: char| letter.is_ascii_lowercase())
        && code.chars().all(is_rest)
}

/// Moves a plan by one place. False when there is nothing beyond it.
pub async fn shift(db: &mut PgConnection, plan: PlanId, direction: Direction) -> Result<bool, CatalogueError> {
    let mut order = store::lock_order(db).await.context("read the order of the plans")?;
    let from = order.iter().position(|id| *id == plan).ok_or(CatalogueError::Refused(Refusal::Unknown))?;
    let to = match direction {
        Direction::Up => from.checked_sub(1),
        Direction::Down => Some(from + 1).filter(|to| *to < order.len()),
    };
    let Some(to) = to else { return Ok(false) };
    order.swap(from, to);
    store::set_order(db, &order).await.context("write the order of the plans")?;
    Ok(true)
}

/// Saves a new draft version of a plan.
pub async fn draft(
    db: &mut PgConnection,
    plan: PlanId,
    draft: &Draft,
    now: DateTime<Utc>,
) -> Result<PlanVersionId, CatalogueError> {
    if Currency::ALL.iter().any(|currency| draft.prices.iter().filter(|price| price.currency == *currency).count() != 1)
    {
        return Err(CatalogueError::Refused(Refusal::PriceMissing));
    }
    if !draft.allowances.iter().all(|allowance| is_rising(&allowance.further)) {
        return Err(CatalogueError::Refused(Refusal::TiersNotRising));
    }
    if !store::lock_plan(db, plan).await.context("lock the plan")? {
        return Err(CatalogueError::Refused(Refusal::Unknown));
    }
    let id = PlanVersionId::new(now);
    store::insert_draft(db, plan, id, &draft.resources, now).await.context("insert a draft")?;
    store::insert_prices(db, id, &draft.prices).await.context("insert the prices")?;
    store::insert_allowances(db, id, &draft.allowances).await.context("insert the included usage")?;
    Ok(id)
}

/// Whether each further price begins above zero and beyond the one before.
fn is_rising(further: &[Tier]) -> bool {
    let bounds = std::iter::once(Decimal::ZERO).chain(further.iter().map(|tier| tier.from));
    bounds.clone().zip(bounds.skip(1)).all(|(before, next)| before < next)
}

/// Publishes a draft: from `valid_from` on it is what new environments get, and it never changes again.
///
/// Returns its number, which is another one when a later draft was published before it: numbers tell the order of publication.
pub async fn publish(
    db: &mut PgConnection,
    id: PlanVersionId,
    valid_from: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<i32, CatalogueError> {
    let unknown = || CatalogueError::Refused(Refusal::Unknown);
    if valid_from < now {
        return Err(CatalogueError::Refused(Refusal::BadInstant));
    }
    let (plan, _) = version(db, id).await?.ok_or_else(unknown)?;
    store::lock_plan(db, plan.id).await.context("lock the plan")?;
    // Again, now that nobody else publishes it.
    let (_, version) = version(db, id).await?.ok_or_else(unknown)?;
    if version.published_at.is_some() {
        return Err(CatalogueError::Refused(Refusal::AlreadyPublished));
    }
    Ok(store::publish(db, id, valid_from, now).await.context("publish a plan version")?)
}

/// Withdraws a version that is published and not sold yet. It stays as it is, and is never sold.
///
/// False when it was withdrawn before.
pub async fn withdraw(
    db: &mut PgConnection,
    id: PlanVersionId,
    by: &str,
    now: DateTime<Utc>,
) -> Result<bool, CatalogueError> {
    let unknown = || CatalogueError::Refused(Refusal::Unknown);
    let (plan, _) = version(db, id).await?.ok_or_else(unknown)?;
    store::lock_plan(db, plan.id).await.context("lock the plan")?;
    let (_, version) = version(db, id).await?.ok_or_else(unknown)?;
    match version.stage(now) {
        Stage::Draft => Err(unknown()),
        Stage::Valid => Err(CatalogueError::Refused(Refusal::AlreadySold)),
        Stage::Withdrawn => Ok(false),
        Stage::Scheduled => Ok(store::withdraw(db, id, by, now).await.context("withdraw a plan version")?),
    }
}

/// Changes what a plan is called and whether it is offered. Environments that run on it are not touched.
pub async fn describe(
    db: &mut PgConnection,
    plan: PlanId,
    names: &Translated,
    summaries: &Translated,
    is_offered: bool,
) -> Result<(), CatalogueError> {
    let is_found = store::describe(db, plan, names, summaries, is_offered).await.context("describe a plan")?;
    is_found.then_some(()).ok_or(CatalogueError::Refused(Refusal::Unknown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_prices_begin_one_after_the_other() {
        let from = |bounds: &[&str]| {
            let tier = |text: &&str| Tier { from: text.parse().unwrap(), unit_price: Decimal::ONE };
            bounds.iter().map(tier).collect::<Vec<_>>()
        };
        for good in [&[][..], &["0.0001"], &["10", "10.0001", "1000000000"]] {
            assert!(is_rising(&from(good)), "{good:?}");
        }
        for bad in [&["0"][..], &["-1"], &["10", "10.0"], &["10", "9"], &["10", "20", "20"]] {
            assert!(!is_rising(&from(bad)), "{bad:?}");
        }
    }

    #[test]
    fn a_code_is_what_the_schema_takes() {
        for good in ["ab", "a1", "production", "small-2", &"a".repeat(31)] {
            assert!(is_code(good), "{good}");
        }
        for bad in ["", "a", "1a", "-a", "Ab", "a b", "a_b", "é", "a\n", "<b>", &"a".repeat(32)] {
            assert!(!is_code(bad), "{bad:?}");
        }
    }
}
