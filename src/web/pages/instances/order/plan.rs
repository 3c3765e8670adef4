//! `/instances/new`: the first screen of an order, the plan.

use actix_web::HttpRequest;
use actix_web::web::Data;
use askama::Template;

use super::{OrderForm, Shop, connection};
use crate::accounts::policy::Action;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::Member;
use crate::web::layout::Layout;
use crate::web::pages::instances::{facts, formats};
use crate::web::pages::meters::Meters;
use crate::web::urls;

/// Shows the page.
pub async fn get(portal: Data<Portal>, member: Member, request: HttpRequest) -> Answer {
    member.require(Action::OrderInstance)?;
    let form = OrderForm::of_query(&request)?;
    let mut db = connection(&portal).await?;
    let shop = Shop::open(&mut db, &member).await?;
    let layout = member.layout.clone();
    let formats = formats(&layout);
    let chosen = shop.chosen(&form).or(shop.offers.last()).map(|offer| offer.plan.code.clone());
    let plans = shop.offers.iter().map(|offer| PlanCard {
        code: offer.plan.code.clone(),
        name: offer.plan.names.of(layout.locale).to_owned(),
        summary: offer.plan.summaries.of(layout.locale).to_owned(),
        price: formats.price(offer.monthly.exact(), offer.monthly.currency),
        lines: facts::of_plan(&layout, formats, &offer.version),
        is_chosen: chosen.as_ref() == Some(&offer.plan.code),
    });
    answer::page(&PlanPage {
        meters: Meters::of_offers(&layout, formats, &shop.offers, shop.terms.currency),
        plans: plans.collect(),
        is_verified: member.is_verified,
        details_url: urls::order_details(""),
        resend_url: urls::resend_verification(),
        instances_url: urls::instances(),
        form,
        layout,
    })
}

struct PlanCard {
    code: String,
    name: String,
    summary: String,
    price: String,
    lines: Vec<String>,
    is_chosen: bool,
}

#[derive(Template)]
#[template(path = "pages/instances/order/plan.html")]
struct PlanPage {
    layout: Layout,
    plans: Vec<PlanCard>,
    meters: Meters,
    is_verified: bool,
    form: OrderForm,
    details_url: String,
    resend_url: String,
    instances_url: String,
}
