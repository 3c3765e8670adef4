//! `/instances/{id}/plan`: another plan for an instance that exists, with its price.

use actix_web::web::{Data, Path};
use anyhow::Context;
use askama::Template;
use serde::Deserialize;

use super::what_if::LastMonth;
use super::{by, facts, find, forbidden_or_missing, formats, id};
use crate::accounts::policy::Action;
use crate::base::chain;
use crate::base::ids::PlanVersionId;
use crate::environments::plan_changes::{self, PlanChangeError, Refusal};
use crate::environments::{Wanted, orders, plan_moves};
use crate::plans;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Member, Posted};
use crate::web::layout::{FlashKind, Layout};
use crate::web::pages::meters::Meters;
use crate::web::urls;

/// Which version of which plan: the price that was shown.
#[derive(Debug, Deserialize)]
pub struct PlanForm {
    #[serde(default)]
    plan: String,
}

/// Shows the page.
pub async fn get(portal: Data<Portal>, member: Member, path: Path<String>) -> Answer {
    let environment = find(&portal, &member, id(&path)?).await?;
    member.require(Action::ChangePlan)?;
    if matches!(environment.wanted, Wanted::Deleted { .. }) {
        return answer::flash(urls::instance(environment.id), FlashKind::Bad, "instances-refused-deleting");
    }
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let currency = orders::terms(&mut db, member.account).await?.currency;
    let offers = plans::offered(&mut db, currency, member.layout.now).await?;
    let current = plans::version(&mut db, environment.plan_version).await?;
    let coming = match plan_moves::coming(&mut db, member.account, environment.id).await? {
        Some((version, month)) => plans::version(&mut db, version).await?.map(|(_, version)| (version, month)),
        None => None,
    };
    let is_under_way = plan_changes::is_under_way(&mut db, &environment).await?;
    // Without it the plan can be changed all the same.
    let last = LastMonth::read(&mut db, &member, environment.id, &offers).await.unwrap_or_else(|error| {
        tracing::error!(account = %member.account, error = chain::of_any(&error), "last month cannot be compared");
        None
    });
    drop(db);
    let layout = member.layout.clone();
    let formats = formats(&layout);
    let price = |money: crate::base::money::Money| formats.price(money.exact(), money.currency);
    let plans: Vec<PlanCard> = offers
        .iter()
        .map(|offer| PlanCard {
            version: offer.version.id.to_string(),
            name: offer.plan.names.of(layout.locale).to_owned(),
            summary: offer.plan.summaries.of(layout.locale).to_owned(),
            price: price(offer.monthly),
            lines: facts::of_plan(&layout, formats, &offer.version),
            last_month: last.as_ref().and_then(|last| last.sentence(&layout, offer.version.id)).unwrap_or_default(),
            is_current: offer.version.id == environment.plan_version,
        })
        .collect();
    let coming = coming.and_then(|(version, month)| {
        let price = price(version.monthly(currency)?);
        Some(layout.t2("instances-plan-coming", "date", formats.calendar_day(month), "price", price))
    });
    // What it is on may be no longer sold, or at another price: it comes first then.
    let own = current.as_ref().filter(|(_, version)| offers.iter().all(|offer| offer.version.id != version.id));
    let own = own.map(|(_, version)| (layout.t("instances-plan-own"), version));
    let offered = offers.iter().map(|offer| (offer.plan.names.of(layout.locale).to_owned(), &offer.version));
    let columns: Vec<_> = own.into_iter().chain(offered).collect();
    answer::page(&PlanPage {
        coming: coming.unwrap_or_default(),
        meters: Meters::new(formats, &columns, currency),
        name: environment.name.clone(),
        current: current.as_ref().map(|(plan, _)| plan.names.of(layout.locale).to_owned()).unwrap_or_default(),
        current_price: current.and_then(|(_, version)| version.monthly(currency)).map(price).unwrap_or_default(),
        plans,
        is_under_way,
        what_if_url: urls::instance_what_if(environment.id),
        change_url: urls::change_plan(environment.id),
        instance_url: urls::instance(environment.id),
        list_url: urls::instances(),
        layout,
    })
}

/// Asks for the other plan, or says why not.
pub async fn post(portal: Data<Portal>, member: Member, path: Path<String>, posted: Posted<PlanForm>) -> Answer {
    let environment = id(&path)?;
    if let Err(error) = member.require(Action::ChangePlan) {
        return Err(forbidden_or_missing(&portal, &member, environment, error).await);
    }
    let environment = find(&portal, &member, environment).await?.id;
    let Ok(version) = posted.form.plan.parse::<PlanVersionId>() else {
        return answer::flash(urls::change_plan(environment), FlashKind::Bad, "instances-plan-choose");
    };
    match plan_changes::change(&portal, &by(&member), environment, version).await {
        Ok(Some(())) => answer::flash(urls::instance(environment), FlashKind::Good, "instances-plan-asked"),
        Ok(None) => Err(PageError::NotFound),
        Err(PlanChangeError::Refused(why)) => {
            let key = match why {
                Refusal::BeingDeleted => "instances-refused-deleting",
                Refusal::Suspended => "instances-refused-suspended",
                Refusal::BeingMade => "instances-plan-being-made",
                Refusal::SamePlan => "instances-plan-same",
                Refusal::PlanNotOffered => "instances-plan-not-offered",
                Refusal::UnderWay => "instances-plan-under-way",
                Refusal::NoRoom => "instances-plan-no-room",
            };
            answer::flash(urls::change_plan(environment), FlashKind::Bad, key)
        }
        Err(PlanChangeError::Failed(cause)) => Err(PageError::Failed(cause)),
    }
}

struct PlanCard {
    version: String,
    name: String,
    summary: String,
    price: String,
    lines: Vec<String>,
    /// What last month would have cost with it.
    last_month: String,
    is_current: bool,
}

#[derive(Template)]
#[template(path = "pages/instances/plan.html")]
struct PlanPage {
    layout: Layout,
    name: String,
    current: String,
    current_price: String,
    /// That it will be on another version, and at which price; empty when it stays.
    coming: String,
    plans: Vec<PlanCard>,
    meters: Meters,
    is_under_way: bool,
    what_if_url: String,
    change_url: String,
    instance_url: String,
    list_url: String,
}
