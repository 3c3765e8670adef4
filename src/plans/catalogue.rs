//! Reads what is sold, and lets staff draft, publish, offer and withdraw.

use anyhow::Context;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{Allowance, Offer, Plan, Resources, Translated, Version, store};
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

/// Returns what can be ordered now, priced in `currency`, in the order of the list.
pub async fn offered(db: &mut PgConnection, currency: Currency) -> anyhow::Result<Vec<Offer>> {
    let mut offers = Vec::new();
    for (plan, version) in store::newest_published(db).await.context("read the plans on offer")? {
        if let Some(monthly) = version.monthly(currency) {
            offers.push(Offer { plan, version, monthly });
        }
    }
    Ok(offers)
}

/// Returns one version with its plan: what an environment runs on, also when it is no longer sold.
pub async fn version(db: &mut PgConnection, id: PlanVersionId) -> anyhow::Result<Option<(Plan, Version)>> {
    store::find_version(db, id).await.context("read a plan version")
}

/// Whether a version is the one that its plan is sold in now.
pub async fn is_newest(db: &mut PgConnection, version: &Version) -> anyhow::Result<bool> {
    let offers = store::newest_published(db).await.context("read the plans on offer")?;
    Ok(offers.iter().any(|(_, newest)| newest.id == version.id))
}

/// Returns every plan with every version, newest first, for staff.
pub async fn everything(db: &mut PgConnection) -> anyhow::Result<Vec<(Plan, Vec<Version>)>> {
    store::everything(db).await.context("read the catalogue")
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
    let id = PlanVersionId::new(now);
    let is_saved = store::insert_draft(db, plan, id, &draft.resources, now).await.context("insert a draft")?;
    if !is_saved {
        return Err(CatalogueError::Refused(Refusal::Unknown));
    }
    store::insert_prices(db, id, &draft.prices).await.context("insert the prices")?;
    store::insert_allowances(db, id, &draft.allowances).await.context("insert the included usage")?;
    Ok(id)
}

/// Publishes a draft: from now on it is what new environments get, and it never changes again.
pub async fn publish(db: &mut PgConnection, id: PlanVersionId, now: DateTime<Utc>) -> Result<(), CatalogueError> {
    let (_, version) = version(db, id).await?.ok_or(CatalogueError::Refused(Refusal::Unknown))?;
    if version.published_at.is_some() {
        return Err(CatalogueError::Refused(Refusal::AlreadyPublished));
    }
    store::publish(db, id, now).await.context("publish a plan version")?;
    Ok(())
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
