//! `/instances/new/apps`: the last screen of an order, applications and the price. Its form places the order.

use actix_web::HttpRequest;
use actix_web::web::Data;
use askama::Template;
use uuid::Uuid;

use super::{OrderForm, Shop, connection, details};
use crate::accounts::policy::Action;
use crate::accounts::sessions;
use crate::environments::orders::{self, Order, OrderError, Refusal};
use crate::odoo::{apps as odoo_apps, regions};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Member, Sent, Visitor};
use crate::web::form::Problems;
use crate::web::layout::{FlashKind, Layout};
use crate::web::pages::instances::{by, facts, formats};
use crate::web::urls;

/// Shows the page, or the one before with what is wrong there.
pub async fn get(portal: Data<Portal>, member: Member, request: HttpRequest) -> Answer {
    member.require(Action::OrderInstance)?;
    let mut form = OrderForm::of_query(&request)?;
    let mut db = connection(&portal).await?;
    let shop = Shop::open(&mut db, &member).await?;
    match form.check(&mut db, &member, &shop).await? {
        Err(problems) => details::again(&member.layout, &shop, form, problems),
        Ok(order) => {
            if form.key.parse::<Uuid>().is_err() {
                form.key = Uuid::new_v4().to_string();
            }
            answer::page(&AppsPage::new(&member.layout, &shop, form, &order, String::new()))
        }
    }
}

/// Places the order and leads to the new instance. The same form a second time leads to the same instance.
///
/// When the login is over, nothing is ordered: after the next one the person is on this screen again with everything typed.
pub async fn post(
    portal: Data<Portal>,
    visitor: Visitor,
    member: Result<Member, PageError>,
    sent: Sent<OrderForm>,
) -> Answer {
    let (member, form) = match (member, sent) {
        (Ok(member), Sent::InTime(form)) => (member, form),
        (Ok(_), Sent::Late(form)) => return answer::flash(again(&form), FlashKind::Info, "login-resumed"),
        (Err(PageError::LogIn(_)), Sent::InTime(form) | Sent::Late(form)) => {
            let is_kept = sessions::keep_path(&portal, visitor.lapsed.as_ref(), &again(&form)).await?;
            return Err(PageError::LogIn(if is_kept { String::new() } else { urls::order() }));
        }
        (Err(error), _) => return Err(error),
    };
    member.require(Action::OrderInstance)?;
    let mut db = connection(&portal).await?;
    let shop = Shop::open(&mut db, &member).await?;
    let order = match form.parse(&member.layout, &shop) {
        Ok(order) => order,
        Err(problems) => return details::again(&member.layout, &shop, form, problems),
    };
    drop(db);
    match orders::place(&portal, &by(&member), order.clone()).await {
        Ok(environment) => answer::see_other(urls::instance(environment)),
        Err(OrderError::Refused(Refusal::AddressTaken)) => {
            let mut problems = Problems::default();
            problems.add("subdomain", super::refusal(&member.layout, Refusal::AddressTaken));
            details::again(&member.layout, &shop, form, problems)
        }
        Err(OrderError::Refused(why)) => {
            let text = super::refusal(&member.layout, why);
            answer::again(&AppsPage::new(&member.layout, &shop, form, &order, text))
        }
        Err(OrderError::Failed(cause)) => Err(PageError::Failed(cause)),
    }
}

struct Tile {
    app: &'static str,
    name: String,
    detail: String,
    is_chosen: bool,
}

#[derive(Template)]
#[template(path = "pages/instances/order/apps.html")]
struct AppsPage {
    layout: Layout,
    form: OrderForm,
    refusal: String,
    tiles: Vec<Tile>,
    plan_name: String,
    plan_lines: Vec<String>,
    price: String,
    host: String,
    language_name: String,
    country_name: String,
    place_url: String,
    order_url: String,
    details_url: String,
    instances_url: String,
}

impl AppsPage {
    fn new(layout: &Layout, shop: &Shop, form: OrderForm, order: &Order, refusal: String) -> Self {
        let formats = formats(layout);
        let offer = shop.chosen(&form);
        let tiles = odoo_apps::ALL.iter().map(|app| Tile {
            app: app.module,
            name: layout.t(app.name),
            detail: layout.t(app.about),
            is_chosen: form.apps.iter().any(|chosen| chosen == app.module),
        });
        let language = regions::find_language(&form.language);
        Self {
            tiles: tiles.collect(),
            plan_name: offer.map(|offer| offer.plan.names.of(layout.locale).to_owned()).unwrap_or_default(),
            plan_lines: offer.map(|offer| facts::of_plan(layout, formats, &offer.version)).unwrap_or_default(),
            price: offer.map(|offer| formats.price(offer.monthly.exact(), offer.monthly.currency)).unwrap_or_default(),
            host: layout.public.instance_host(order.subdomain.as_str()),
            language_name: language.map(|language| language.own_name.to_owned()).unwrap_or_default(),
            country_name: regions::find_country(&form.country)
                .map(|country| layout.t(country.name))
                .unwrap_or_default(),
            place_url: urls::order(),
            order_url: urls::order_with_plan(&form.plan),
            details_url: urls::order_details(&query(&form)),
            instances_url: urls::instances(),
            layout: layout.clone(),
            form,
            refusal,
        }
    }
}

/// Returns the address of this screen with everything in it, and still the same order.
fn again(form: &OrderForm) -> String {
    let key = url::form_urlencoded::Serializer::new(query(form)).append_pair("key", &form.key).finish();
    urls::order_apps_with(&key)
}

/// Returns what was given so far as the query of an address: the way back to the screen before.
fn query(form: &OrderForm) -> String {
    let fields = [
        ("plan", &form.plan),
        ("name", &form.name),
        ("subdomain", &form.subdomain),
        ("company", &form.company),
        ("language", &form.language),
        ("country", &form.country),
    ];
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        query.append_pair(name, value);
    }
    for app in &form.apps {
        query.append_pair("apps", app);
    }
    query.finish()
}
