//! `/instances/{id}/scaling`: the rule by which containers are added and taken away, and what it did.

use actix_web::web::{Data, Path};
use anyhow::Context;
use askama::Template;
use chrono::TimeDelta;
use serde::Deserialize;

use super::show::EventLine;
use super::{by, containers, find, forbidden_or_missing, formats, id};
use crate::accounts::policy::{self, Action};
use crate::base::money::{Currency, Money};
use crate::billing::transfers::statement;
use crate::environments::scaling::{self, Refusal, Rule, ScalingError, Standing, Wish};
use crate::environments::{Environment, history, orders};
use crate::i18n::format::Formats;
use crate::plans;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Member, Posted};
use crate::web::form::Problems;
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

/// What happened lately is looked for among so many events.
const EVENTS: i64 = 300;

/// How many are shown.
const SHOWN: usize = 10;

/// More is no budget but a slip.
const MOST_BUDGET: i64 = 1_000_000;

/// What is typed, by its people or by staff.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RuleForm {
    pub(in crate::web::pages) is_on: String,
    pub(in crate::web::pages) minimum: String,
    pub(in crate::web::pages) maximum: String,
    pub(in crate::web::pages) target_percent: String,
    pub(in crate::web::pages) queue_percent: String,
    /// In minutes.
    pub(in crate::web::pages) pause_more: String,
    /// In minutes.
    pub(in crate::web::pages) pause_fewer: String,
    pub(in crate::web::pages) budget: String,
}

impl RuleForm {
    /// Returns the fields of a rule as it is.
    pub(in crate::web::pages) fn of(rule: &Rule, most: i32) -> Self {
        let (minimum, maximum) = rule.bounds(most);
        Self {
            is_on: if rule.is_on { "yes".to_owned() } else { String::new() },
            minimum: minimum.to_string(),
            maximum: maximum.to_string(),
            target_percent: rule.target_percent.to_string(),
            queue_percent: rule.queue_percent.to_string(),
            pause_more: rule.pause_more.num_minutes().to_string(),
            pause_fewer: rule.pause_fewer.num_minutes().to_string(),
            budget: rule.budget.map(|budget| budget.exact().normalize().to_string()).unwrap_or_default(),
        }
    }

    /// Reads the fields; what is wrong with them becomes problems.
    pub(in crate::web::pages) fn parse(&self, layout: &Layout, currency: Currency, problems: &mut Problems) -> Wish {
        let mut whole = |field: &'static str, text: &str| {
            text.trim().parse().unwrap_or_else(|_| {
                problems.add(field, layout.t("scaling-whole"));
                1
            })
        };
        let (minimum, maximum) = (whole("minimum", &self.minimum), whole("maximum", &self.maximum));
        let target_percent = whole("target_percent", &self.target_percent);
        // Fields that a page of before did not have leave what is usual.
        let usual = Rule::usual(maximum);
        let mut or_usual = |field, text: &str, usual| if text.trim().is_empty() { usual } else { whole(field, text) };
        let queue_percent = or_usual("queue_percent", &self.queue_percent, usual.queue_percent);
        let mut minutes = |field, text: &str, usual: TimeDelta| {
            let usual = i32::try_from(usual.num_minutes()).unwrap_or(1);
            TimeDelta::minutes(i64::from(or_usual(field, text, usual)))
        };
        let pause_more = minutes("pause_more", &self.pause_more, usual.pause_more);
        let pause_fewer = minutes("pause_fewer", &self.pause_fewer, usual.pause_fewer);
        Wish {
            is_on: !self.is_on.is_empty(),
            minimum,
            maximum,
            target_percent,
            queue_percent,
            pause_more,
            pause_fewer,
            budget: self.budget(currency, layout, problems),
        }
    }

    fn budget(&self, currency: Currency, layout: &Layout, problems: &mut Problems) -> Option<Money> {
        if self.budget.trim().is_empty() {
            return None;
        }
        let most = MOST_BUDGET * 100;
        let minor = statement::minor(&self.budget).filter(|minor| (0..=most).contains(minor));
        if minor.is_none() {
            problems.add("budget", layout.t("scaling-refused-budget"));
        }
        minor.map(|minor| Money::new(minor, currency))
    }
}

/// Shows the page.
pub async fn get(portal: Data<Portal>, member: Member, path: Path<String>) -> Answer {
    let environment = find(&portal, &member, id(&path)?).await?;
    answer::page(&ScalingPage::read(&portal, &member, &environment, None, Problems::default()).await?)
}

/// Sets the rule, or says why not.
pub async fn post(portal: Data<Portal>, member: Member, path: Path<String>, posted: Posted<RuleForm>) -> Answer {
    let environment = id(&path)?;
    if let Err(error) = member.require(Action::ScaleInstance) {
        return Err(forbidden_or_missing(&portal, &member, environment, error).await);
    }
    let environment = find(&portal, &member, environment).await?;
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let currency = orders::terms(&mut db, member.account).await?.currency;
    drop(db);
    let (layout, mut problems) = (&member.layout, Problems::default());
    let wish = posted.form.parse(layout, currency, &mut problems);
    if problems.is_empty() {
        match scaling::set_rule(&portal, &by(&member), environment.id, &wish).await {
            Ok(Some(())) => {
                let key = if wish.is_on { "scaling-saved-on" } else { "scaling-saved-off" };
                return answer::flash(urls::instance_scaling(environment.id), FlashKind::Good, key);
            }
            Ok(None) => return Err(PageError::NotFound),
            Err(ScalingError::Refused(Refusal::BeingDeleted)) => {
                return answer::flash(urls::instance(environment.id), FlashKind::Bad, "instances-refused-deleting");
            }
            Err(ScalingError::Refused(why)) => {
                refuse(layout, why, &wish, &mut problems);
            }
            Err(ScalingError::Failed(cause)) => return Err(PageError::Failed(cause)),
        }
    }
    answer::again(&ScalingPage::read(&portal, &member, &environment, Some(posted.form), problems).await?)
}

/// Says what a refusal is about.
pub(in crate::web::pages) fn refuse(layout: &Layout, why: Refusal, wish: &Wish, problems: &mut Problems) {
    let (key, most) = containers::refusal(why);
    problems.add(field(why, wish), layout.t1(key, "most", formats(layout).number(most)));
}

/// The field that a refusal is about.
fn field(why: Refusal, wish: &Wish) -> &'static str {
    match why {
        Refusal::BeyondPlan { most } if wish.minimum <= most => "maximum",
        Refusal::Target => "target_percent",
        Refusal::Queue => "queue_percent",
        Refusal::Pause if Rule::is_pause(wish.pause_more) => "pause_fewer",
        Refusal::Pause => "pause_more",
        Refusal::Budget => "budget",
        Refusal::Crossed => "maximum",
        _ => "minimum",
    }
}

#[derive(Template)]
#[template(path = "pages/instances/scaling.html")]
struct ScalingPage {
    layout: Layout,
    name: String,
    badge: &'static str,
    word: String,
    /// How many containers there are, in a sentence.
    now: String,
    how: String,
    price: String,
    /// What the rule added this month, and of how much.
    spent: String,
    can_change: bool,
    /// The plan allows one container only.
    is_pointless: bool,
    form: RuleForm,
    problems: Problems,
    currency: String,
    most: String,
    events: Vec<EventLine>,
    list_url: String,
    instance_url: String,
    this_url: String,
}

impl ScalingPage {
    async fn read(
        portal: &Portal,
        member: &Member,
        environment: &Environment,
        typed: Option<RuleForm>,
        problems: Problems,
    ) -> Result<Self, PageError> {
        let mut db = portal.db.acquire().await.context("acquire a connection")?;
        let standing = scaling::find(&mut db, member.account, environment.id).await?.ok_or(PageError::NotFound)?;
        let currency = orders::terms(&mut db, member.account).await?.currency;
        let plan = plans::version(&mut db, environment.plan_version).await?;
        let events = history::latest(&mut db, member.account, environment.id, EVENTS).await?;
        drop(db);
        let layout = &member.layout;
        let formats = formats(layout);
        let rule = standing.rule_or_usual();
        let version = plan.as_ref().map(|(_, version)| version);
        let (badge, word) = if rule.is_on { ("running", "scaling-on") } else { ("neutral", "scaling-off") };
        let about = events.iter().filter(|event| event.kind.starts_with("scal"));
        Ok(Self {
            name: environment.name.clone(),
            badge,
            word: layout.t(word),
            now: layout.t1("scaling-wanted", "count", standing.replicas),
            how: layout.t2(
                "scaling-how",
                "more",
                formats.duration(rule.pause_more),
                "fewer",
                formats.duration(rule.pause_fewer),
            ),
            price: version
                .and_then(|version| containers::price(layout, formats, (version, currency)))
                .unwrap_or_default(),
            spent: spent(layout, formats, &standing, (version, currency)).unwrap_or_default(),
            can_change: policy::may(member.role, Action::ScaleInstance) && !standing.is_going,
            is_pointless: standing.most < 2,
            form: typed.unwrap_or_else(|| RuleForm::of(&rule, standing.most)),
            problems,
            currency: currency.code().to_owned(),
            most: layout.t1("scaling-most", "most", formats.number(standing.most)),
            events: about.filter_map(|event| EventLine::new(layout, formats, event)).take(SHOWN).collect(),
            list_url: urls::instances(),
            instance_url: urls::instance(environment.id),
            this_url: urls::instance_scaling(environment.id),
            layout: layout.clone(),
        })
    }
}

/// Says what the rule added to the month's cost at most.
pub(in crate::web::pages) fn spent(
    layout: &Layout,
    formats: Formats,
    standing: &Standing,
    (version, currency): (Option<&plans::Version>, Currency),
) -> Option<String> {
    let (began, _) = plans::cost::month(layout.now, formats.zone());
    // The worker writes the new month with its first look.
    let month = standing.month.filter(|month| month.began_at >= began);
    let seconds = month.map_or(0, |month| month.container_seconds);
    let budget = standing.rule.as_ref().filter(|rule| rule.is_on)?.budget?;
    let cost = scaling::cost_of(seconds, scaling::an_hour(version?, currency));
    let spent = formats.money(Money::rounded(cost, currency));
    Some(layout.t2("scaling-spent", "spent", spent, "budget", formats.money(budget)))
}
