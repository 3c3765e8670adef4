//! `/instances/{id}`: one instance. While it is being made the same page shows each step as it happens.

use actix_web::web::{Data, Path};
use anyhow::Context;
use askama::Template;
use rust_decimal::Decimal;

use super::containers::{self, Card};
use super::{costs_so_far, facts, formats, id};
use crate::accounts::policy::{self, Action};
use crate::base::money::Money;
use crate::billing::rating::{self, SoFar};
use crate::environments::history::{self, Event};
use crate::environments::progress::{self, Step, StepState};
use crate::environments::{self, Environment, Status, Wanted, maintenance, orders, sentence};
use crate::hosts;
use crate::i18n::format::{Formats, When};
use crate::odoo::{apps, regions};
use crate::plans;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::Member;
use crate::web::layout::Layout;
use crate::web::urls;

/// How many events the page shows.
const EVENTS: i64 = 12;

/// Shows the page.
pub async fn get(portal: Data<Portal>, member: Member, path: Path<String>) -> Answer {
    let environment = id(&path)?;
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    // The version first: what changes while the page is made is then told by the stream.
    let version = history::version(&mut db, member.account, environment).await?.ok_or(PageError::NotFound)?;
    let environment = environments::find(&mut db, member.account, environment).await?.ok_or(PageError::NotFound)?;
    let steps = history::steps(&mut db, member.account, environment.id).await?;
    let events = history::latest(&mut db, member.account, environment.id, EVENTS).await?;
    let usual = environments::usual_seconds(&mut db).await?;
    let currency = orders::terms(&mut db, member.account).await?.currency;
    let plan = plans::version(&mut db, environment.plan_version).await?;
    let layout = &member.layout;
    let formats = formats(layout);
    let worked_on_since = maintenance::begun_at(&mut db, environment.id).await?;
    let is_queued = hosts::silent_since(&mut db).await?.is_some();
    let costs = costs_so_far(&mut db, &member, currency, &[environment.id]).await;
    let containers = match &plan {
        Some((_, version)) => Card::read(&mut db, &member, &environment, (version, currency), formats).await?,
        None => None,
    };
    drop(db);

    let said = sentence::of(&environment);
    let may = |action| policy::may(member.role, action);
    let cost = plan.as_ref().filter(|_| may(Action::SeeCosts)).and_then(|(_, version)| {
        let so_far = costs.as_ref()?.get(&environment.id).cloned();
        let so_far = so_far.unwrap_or_else(|| SoFar::nothing(version, currency, layout.now));
        Some(CostLine::new(layout, formats, &so_far, version.monthly(currency)?))
    });
    let is_deleting = matches!(environment.wanted, Wanted::Deleted { .. });
    let can_steer = may(Action::SteerInstance) && !is_deleting && environment.suspension.is_none();
    let steps = progress::of(&steps);
    let failed = steps.iter().find_map(|step| match &step.state {
        StepState::Failed { reason } => Some(facts::reason(layout, reason)),
        _ => None,
    });
    let failing = (environment.status == Status::Failing)
        .then(|| said.reason_key.as_deref().map(|key| facts::reason(layout, key)));
    answer::page(&ShowPage {
        badge: said.badge,
        word: layout.t(said.word),
        sentence: facts::of_state(layout, formats, &said, usual),
        since: formats.iso(said.at),
        is_being_made: environment.is_being_made(),
        is_queued,
        is_moving: environment.is_being_made() || said.badge == "working",
        steps: steps.iter().map(|step| StepLine::new(layout, formats, step)).collect(),
        usual: facts::usual_words(formats, usual),
        delay: delay(layout, &environment),
        maintenance: worked_on_since
            .map(|at| layout.t1("instances-maintenance", "when", formats.spoken(at, layout.now)))
            .unwrap_or_default(),
        failure: failed.filter(|_| environment.is_being_made()).or(failing.flatten()).unwrap_or_default(),
        can_open: environment.can_be_opened() && may(Action::OpenInstance),
        can_start: can_steer && environment.wanted == Wanted::Stopped,
        can_wake: can_steer && environment.is_asleep(),
        can_stop: can_steer && environment.wanted == Wanted::Running,
        can_restart: can_steer
            && environment.wanted == Wanted::Running
            && environment.first_ready_at.is_some()
            && !matches!(environment.status, Status::Asleep | Status::Waking),
        can_change_plan: may(Action::ChangePlan) && !is_deleting && environment.first_ready_at.is_some(),
        can_rename: may(Action::SteerInstance) && !is_deleting,
        can_delete: may(Action::DeleteInstance) && !is_deleting,
        can_undo: may(Action::DeleteInstance) && is_deleting && environment.status != Status::Deleted,
        details: Details::new(layout, formats, &environment, plan.as_ref()),
        cost,
        containers,
        events: events.iter().filter_map(|event| EventLine::new(layout, formats, event)).collect(),
        addresses: Addresses::new(&environment, &version),
        number: environment.id.to_string(),
        name: environment.name.clone(),
        layout: member.layout.clone(),
    })
}

/// Why it takes longer than usual until it runs, when something keeps it that will pass.
fn delay(layout: &Layout, environment: &Environment) -> String {
    let is_on_its_way = environment.wanted == Wanted::Running
        && environment.suspension.is_none()
        && matches!(environment.status, Status::Preparing | Status::Starting | Status::Waking);
    let reason = environment.status_reason.as_deref().filter(|_| is_on_its_way);
    reason.map(|key| facts::reason(layout, key)).unwrap_or_default()
}

struct StepLine {
    state: &'static str,
    label: String,
    detail: String,
    time: String,
    since: String,
}

impl StepLine {
    fn new(layout: &Layout, formats: Formats, step: &Step) -> Self {
        let (state, time, since) = match &step.state {
            StepState::Waiting => ("waiting", String::new(), String::new()),
            StepState::Running { since } => ("running", formats.stopwatch(layout.now - since), formats.iso(*since)),
            StepState::Done { took } => ("done", formats.stopwatch(*took), String::new()),
            StepState::Failed { .. } => ("failed", String::new(), String::new()),
        };
        let detail = match (&step.state, step.expected) {
            (StepState::Failed { reason }, _) => facts::reason(layout, reason),
            (StepState::Running { .. }, Some(seconds)) => {
                layout.t1("step-expected", "time", formats.duration(chrono::TimeDelta::seconds(seconds)))
            }
            _ => String::new(),
        };
        Self { state, label: layout.t(format!("step-{}", step.name.code())), detail, time, since }
    }
}

struct Details {
    url: String,
    plan: String,
    plan_lines: Vec<String>,
    kind_word: String,
    company: String,
    language: String,
    country: String,
    apps: String,
    created: When,
    admin: String,
}

impl Details {
    fn new(
        layout: &Layout,
        formats: Formats,
        environment: &Environment,
        plan: Option<&(plans::Plan, plans::Version)>,
    ) -> Self {
        let address = environment.subdomain.as_ref();
        let language = regions::find_language(&environment.language);
        let country = regions::find_country(&environment.country);
        let apps: Vec<String> =
            environment.apps.iter().filter_map(|app| apps::find(app)).map(|app| layout.t(app.name)).collect();
        Self {
            url: address.map(|name| layout.public.instance_url(name.as_str())).unwrap_or_default(),
            plan: plan.map(|(plan, _)| plan.names.of(layout.locale).to_owned()).unwrap_or_default(),
            plan_lines: plan.map(|(_, version)| facts::of_plan(layout, formats, version)).unwrap_or_default(),
            kind_word: layout.t(format!("kind-{}", environment.kind.code())),
            company: environment.company.clone(),
            language: language.map_or(environment.language.clone(), |language| language.own_name.to_owned()),
            country: country.map_or(environment.country.clone(), |country| layout.t(country.name)),
            apps: apps.join(&layout.t("instances-list-separator")),
            created: formats.when(environment.created_at, layout.now),
            admin: environment.admin_email.clone(),
        }
    }
}

struct CostLine {
    total: String,
    base: String,
    monthly: String,
    from: String,
    meters: Vec<MeterLine>,
}

/// What was used of one meter: how much, how much of it is included, what the rest costs.
struct MeterLine {
    name: String,
    used: String,
    charge: String,
}

impl CostLine {
    fn new(layout: &Layout, formats: Formats, cost: &SoFar, monthly: Money) -> Self {
        /// Hours of the month that prices are made with: people think of a database in GB that stay the month.
        const HOURS_OF_MONTH: i64 = 730;
        let quantity = |line: &rating::Line, value: Decimal| {
            let value =
                if line.meter == plans::Meter::Database { value / Decimal::from(HOURS_OF_MONTH) } else { value };
            formats.decimal(value, 2)
        };
        let meters = cost.lines.iter().map(|line| MeterLine {
            name: layout.t(format!("public-meter-{}", line.meter.code())),
            used: layout.t2("cost-used", "used", quantity(line, line.used), "included", quantity(line, line.included)),
            charge: formats.money(line.charge),
        });
        Self {
            total: formats.money(cost.total),
            base: formats.money(cost.base),
            monthly: formats.price(monthly.exact(), monthly.currency),
            from: formats.day(cost.from),
            meters: meters.collect(),
        }
    }
}

/// Something that happened, in words.
pub(super) struct EventLine {
    /// When.
    pub when: When,
    /// What.
    pub text: String,
    /// Who did it.
    pub who: String,
    /// The look of its mark.
    pub kind: &'static str,
}

impl EventLine {
    /// Events that this program does not know (an older or newer worker wrote them) are not shown.
    pub fn new(layout: &Layout, formats: Formats, event: &Event) -> Option<Self> {
        let kind = match event.kind.as_str() {
            "started" | "recovered" | "resumed" | "woken" => "running",
            "stopped" => "stopped",
            "asleep" => "sleeping",
            "failing" => "failed",
            "suspended" | "maintenance.begun" | "deletion.asked" | "deleted" | "update.failed" | "scaling.budget"
            | "database.ended" => "warning",
            _ => "neutral",
        };
        if event.kind == "scaled" {
            let text = containers::told(layout, formats, event)?;
            return Some(Self { when: formats.when(event.at, layout.now), text, who: event.actor.clone(), kind });
        }
        let key = facts::key("event-", &event.kind);
        let key = match event.detail["by"].as_str() {
            Some(by) => format!("{key}-{by}"),
            None => key,
        };
        let mut text = layout.t(&key);
        if text == key {
            return None;
        }
        if let Some(reason) = event.detail["reason"].as_str() {
            let reason = if reason.starts_with("reason-") { facts::reason(layout, reason) } else { reason.to_owned() };
            text = layout.t2("event-because", "what", text, "reason", reason);
        }
        if let Some(hostname) = event.detail["hostname"].as_str() {
            text = layout.t2("event-because", "what", text, "reason", hostname);
        }
        if let (Some(from), Some(to)) = (event.detail["address_from"].as_str(), event.detail["address_to"].as_str())
            && from != to
        {
            text = layout.t2("event-moved", "from", from, "to", to);
        }
        Some(Self { when: formats.when(event.at, layout.now), text, who: event.actor.clone(), kind })
    }
}

/// The links of the page.
struct Addresses {
    list: String,
    this: String,
    live: String,
    open: String,
    start: String,
    stop: String,
    restart: String,
    wake: String,
    plan: String,
    what_if: String,
    rename: String,
    delete: String,
    undo: String,
    logs: String,
    usage: String,
    domains: String,
}

impl Addresses {
    fn new(environment: &Environment, version: &str) -> Self {
        let id = environment.id;
        Self {
            list: urls::instances(),
            this: urls::instance(id),
            live: urls::instance_events(id, version),
            open: urls::open_instance(id),
            start: urls::start_instance(id),
            stop: urls::stop_instance(id),
            restart: urls::restart_instance(id),
            wake: urls::wake_instance(id),
            plan: urls::change_plan(id),
            what_if: urls::instance_what_if(id),
            rename: urls::rename_instance(id),
            delete: urls::delete_instance(id),
            undo: urls::undo_delete_instance(id),
            logs: urls::instance_logs(id),
            usage: urls::instance_usage(id, ""),
            domains: urls::instance_domains(id),
        }
    }
}

#[derive(Template)]
#[template(path = "pages/instances/show.html")]
struct ShowPage {
    layout: Layout,
    name: String,
    badge: &'static str,
    word: String,
    sentence: String,
    since: String,
    is_being_made: bool,
    /// Whether the machines take no orders now.
    is_queued: bool,
    is_moving: bool,
    steps: Vec<StepLine>,
    /// How long creations usually take here; nothing before the first one.
    usual: Option<String>,
    delay: String,
    /// That visitors read that it is worked on, and since when; empty when they do not.
    maintenance: String,
    failure: String,
    can_open: bool,
    can_start: bool,
    can_wake: bool,
    can_stop: bool,
    can_restart: bool,
    can_change_plan: bool,
    can_rename: bool,
    can_delete: bool,
    can_undo: bool,
    details: Details,
    cost: Option<CostLine>,
    containers: Option<Card>,
    events: Vec<EventLine>,
    addresses: Addresses,
    number: String,
}
