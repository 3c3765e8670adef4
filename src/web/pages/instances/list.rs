//! `/instances`: the list.

use actix_web::web::{Data, Query};
use anyhow::Context;
use askama::Template;
use serde::Deserialize;

use super::{costs_so_far, facts, formats};
use crate::accounts::policy::{self, Action};
use crate::base::money::Money;
use crate::environments::{self, listing, orders, sentence};
use crate::plans;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::extract::Member;
use crate::web::layout::Layout;
use crate::web::urls;

/// What is looked for.
#[derive(Debug, Deserialize)]
#[serde(default)]
#[derive(Default)]
pub struct Wish {
    q: String,
    state: String,
    page: usize,
}

/// The states that can be chosen.
const STATES: [&str; 6] = ["running", "working", "sleeping", "stopped", "warning", "failed"];

/// Shows the page.
pub async fn get(portal: Data<Portal>, member: Member, wish: Query<Wish>) -> Answer {
    let wish = wish.into_inner();
    let state = STATES.into_iter().find(|state| *state == wish.state).unwrap_or_default();
    let words: String = wish.q.chars().take(100).collect();
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let page = listing::page(&mut db, member.account, &words, state, wish.page).await?;
    let usual = environments::usual_seconds(&mut db).await?;
    let currency = orders::terms(&mut db, member.account).await?.currency;
    let catalogue = plans::catalogue::everything(&mut db).await?;
    let layout = &member.layout;
    let formats = formats(layout);
    let sees_costs = policy::may(member.role, Action::SeeCosts);
    let costs = if sees_costs {
        let shown: Vec<_> = page.environments.iter().map(|environment| environment.id).collect();
        costs_so_far(&mut db, &member, currency, &shown).await
    } else {
        None
    };
    drop(db);

    let rows = page.environments.iter().map(|environment| {
        let said = sentence::of(environment);
        let plan = catalogue.iter().find_map(|(plan, versions)| {
            versions.iter().find(|version| version.id == environment.plan_version).map(|version| (plan, version))
        });
        let cost = costs.as_ref().map(|costs| {
            // One that began this moment is not among them.
            costs.get(&environment.id).map_or(Money::new(0, currency), |cost| cost.total)
        });
        Row {
            url: urls::instance(environment.id),
            name: environment.name.clone(),
            host: environment
                .subdomain
                .as_ref()
                .map(|name| layout.public.instance_host(name.as_str()))
                .unwrap_or_default(),
            badge: said.badge,
            word: layout.t(said.word),
            sentence: facts::of_state(layout, formats, &said, usual),
            plan: plan.map(|(plan, _)| plan.names.of(layout.locale).to_owned()).unwrap_or_default(),
            cost: cost.map(|cost| formats.money(cost)).unwrap_or_default(),
        }
    });
    let address = |number: usize| urls::instances_page(&words, state, number);
    answer::page(&ListPage {
        rows: rows.collect(),
        is_empty: page.total == 0,
        count: page.found,
        states: STATES.map(|code| State {
            code,
            label: layout.t(format!("instances-filter-{code}")),
            is_chosen: code == state,
        }),
        has_filter: page.total > 5 || !words.is_empty() || !state.is_empty(),
        newer: if page.number > 0 { address(page.number - 1) } else { String::new() },
        older: if page.has_more() { address(page.number + 1) } else { String::new() },
        may_order: policy::may(member.role, Action::OrderInstance),
        sees_costs,
        order_url: urls::order(),
        list_url: urls::instances(),
        words,
        layout: member.layout.clone(),
    })
}

struct Row {
    url: String,
    name: String,
    host: String,
    badge: &'static str,
    word: String,
    sentence: String,
    plan: String,
    cost: String,
}

struct State {
    code: &'static str,
    label: String,
    is_chosen: bool,
}

#[derive(Template)]
#[template(path = "pages/instances/list.html")]
struct ListPage {
    layout: Layout,
    rows: Vec<Row>,
    is_empty: bool,
    count: usize,
    words: String,
    states: [State; 6],
    has_filter: bool,
    newer: String,
    older: String,
    may_order: bool,
    sees_costs: bool,
    order_url: String,
    list_url: String,
}
