//! `/instances/new/details`: the second screen of an order, name, address and company.

use actix_web::HttpRequest;
use actix_web::web::Data;
use askama::Template;

use super::{OrderForm, Shop, connection};
use crate::accounts::policy::Action;
use crate::i18n::format::Formats;
use crate::odoo::regions;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::Member;
use crate::web::form::Problems;
use crate::web::layout::Layout;
use crate::web::urls;

/// Shows the page, filled in as far as possible.
pub async fn get(portal: Data<Portal>, member: Member, request: HttpRequest) -> Answer {
    member.require(Action::OrderInstance)?;
    let mut form = OrderForm::of_query(&request)?;
    let mut db = connection(&portal).await?;
    let shop = Shop::open(&mut db, &member).await?;
    if shop.chosen(&form).is_none() {
        return answer::see_other(urls::order());
    }
    if form.is_fresh() {
        form.prefill(&mut db, &member, &shop).await?;
    }
    answer::page(&DetailsPage::new(&member.layout, &shop, form, Problems::default()))
}

/// Shows the page again with what is wrong. Everything that was typed is kept.
pub(super) fn again(layout: &Layout, shop: &Shop, form: OrderForm, problems: Problems) -> Answer {
    if shop.chosen(&form).is_none() {
        return answer::see_other(urls::order());
    }
    answer::again(&DetailsPage::new(layout, shop, form, problems))
}

struct Choice {
    value: &'static str,
    label: String,
    is_chosen: bool,
}

#[derive(Template)]
#[template(path = "pages/instances/order/details.html")]
struct DetailsPage {
    layout: Layout,
    plan_name: String,
    form: OrderForm,
    problems: Problems,
    suffix: String,
    languages: Vec<Choice>,
    countries: Vec<Choice>,
    order_url: String,
    apps_url: String,
    check_url: String,
    instances_url: String,
}

impl DetailsPage {
    fn new(layout: &Layout, shop: &Shop, form: OrderForm, problems: Problems) -> Self {
        let languages = regions::LANGUAGES.iter().map(|language| Choice {
            value: language.code,
            label: language.own_name.to_owned(),
            is_chosen: form.language == language.code,
        });
        let mut countries: Vec<Choice> = regions::COUNTRIES
            .iter()
            .map(|country| Choice {
                value: country.code,
                label: layout.t(country.name),
                is_chosen: form.country == country.code,
            })
            .collect();
        Formats::new(layout.locale, "UTC").sort_by_name(&mut countries, |country| &country.label);
        Self {
            plan_name: shop
                .chosen(&form)
                .map(|offer| offer.plan.names.of(layout.locale).to_owned())
                .unwrap_or_default(),
            suffix: layout.public.instance_suffix(),
            languages: languages.collect(),
            countries,
            order_url: urls::order_with_plan(&form.plan),
            apps_url: urls::order_apps(),
            check_url: urls::check_name(),
            instances_url: urls::instances(),
            layout: layout.clone(),
            form,
            problems,
        }
    }
}
