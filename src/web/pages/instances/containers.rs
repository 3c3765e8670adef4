//! In how many containers an instance runs: the card on its page, the form in it, and what history says of changes.

use actix_web::web::{Data, Path};
use serde::Deserialize;
use sqlx::PgConnection;

use super::{by, forbidden_or_missing, id};
use crate::accounts::policy::{self, Action};
use crate::base::money::Currency;
use crate::environments::history::Event;
use crate::environments::scaling::{self, Refusal, ScalingError, Standing};
use crate::environments::{Environment, Wanted};
use crate::i18n::format::Formats;
use crate::plans::{self, Meter, Version};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Member, Posted};
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

/// How many are chosen.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CountForm {
    count: String,
}

/// Wants another number, or says why not.
pub async fn post(portal: Data<Portal>, member: Member, path: Path<String>, posted: Posted<CountForm>) -> Answer {
    let environment = id(&path)?;
    if let Err(error) = member.require(Action::ScaleInstance) {
        return Err(forbidden_or_missing(&portal, &member, environment, error).await);
    }
    let page = urls::instance(environment);
    let Some(number) = number(&posted.form.count) else {
        super::find(&portal, &member, environment).await?;
        return answer::flash(page, FlashKind::Bad, "scaling-refused-number");
    };
    match scaling::scale(&portal, &by(&member), environment, number).await {
        Ok(Some(done)) => {
            let key = match done.to.cmp(&done.from) {
                std::cmp::Ordering::Greater => "scaling-done-more",
                std::cmp::Ordering::Equal => "scaling-done-same",
                std::cmp::Ordering::Less => "scaling-done-fewer",
            };
            answer::flash_with(page, FlashKind::Good, key, ("count", &number.to_string()))
        }
        Ok(None) => Err(PageError::NotFound),
        Err(ScalingError::Refused(why)) => {
            let (key, most) = refusal(why);
            answer::flash_with(page, FlashKind::Bad, key, ("most", &most.to_string()))
        }
        Err(ScalingError::Failed(cause)) => Err(PageError::Failed(cause)),
    }
}

/// Reads a number of containers. One that is far too great is a number too, and refused as one.
#[must_use]
pub fn number(typed: &str) -> Option<i32> {
    let typed = typed.trim();
    let is_great = typed.len() > 9 && typed.bytes().all(|digit| digit.is_ascii_digit());
    if is_great { Some(i32::MAX) } else { typed.parse().ok() }
}

/// Returns the key of a refusal, and what is put into its text.
#[must_use]
pub fn refusal(why: Refusal) -> (&'static str, i32) {
    match why {
        Refusal::BeingDeleted => ("instances-refused-deleting", 0),
        Refusal::Suspended => ("scaling-refused-suspended", 0),
        Refusal::TooFew => ("scaling-refused-few", 0),
        Refusal::BeyondPlan { most } => ("scaling-refused-plan", most),
        Refusal::Crossed => ("scaling-refused-crossed", 0),
        Refusal::Target => ("scaling-refused-target", 0),
        Refusal::Queue => ("scaling-refused-queue", 0),
        Refusal::Pause => ("scaling-refused-pause", 0),
        Refusal::Budget => ("scaling-refused-budget", 0),
    }
}

/// The card.
pub(super) struct Card {
    /// How many are wanted, in words.
    pub wanted: String,
    /// How many answer, when it is not as many.
    pub serving: String,
    /// The numbers to choose from; empty for who may not choose, or has no choice.
    pub choices: Vec<(i32, bool)>,
    /// What each further one costs.
    pub price: String,
    /// Which plan allows more.
    pub roomier: String,
    /// Whether containers are added by themselves.
    pub automatic: String,
    /// Where a number is sent.
    pub post_url: String,
    /// The page of the rule; empty where the plan leaves it nothing to do.
    pub scaling_url: String,
}

impl Card {
    /// Reads what the card shows.
    pub async fn read(
        db: &mut PgConnection,
        member: &Member,
        environment: &Environment,
        (version, currency): (&Version, Currency),
        formats: Formats,
    ) -> anyhow::Result<Option<Self>> {
        let Some(standing) = scaling::find(db, member.account, environment.id).await? else { return Ok(None) };
        let offers = plans::offered(db, currency, member.layout.now).await?;
        let layout = &member.layout;
        let most = standing.most;
        let has_choice = most > 1 || standing.replicas > 1;
        let may = policy::may(member.role, Action::ScaleInstance);
        let can = may && has_choice && standing.refuse().is_ok();
        let roomier = scaling::roomier(&offers, most).map(|offer| {
            let count = offer.version.resources.max_replicas;
            layout.t2("scaling-roomier", "plan", offer.plan.names.of(layout.locale), "count", formats.number(count))
        });
        let is_gone = matches!(environment.wanted, Wanted::Deleted { .. });
        Ok((!is_gone && (has_choice || roomier.is_some())).then(|| Self {
            wanted: layout.t1("scaling-wanted", "count", standing.replicas),
            serving: serving(layout, formats, &standing),
            choices: if can {
                (1..=most).map(|number| (number, number == standing.replicas)).collect()
            } else {
                vec![]
            },
            price: if has_choice {
                price(layout, formats, (version, currency)).unwrap_or_default()
            } else {
                String::new()
            },
            roomier: roomier.unwrap_or_default(),
            automatic: if has_choice { automatic(layout, formats, &standing) } else { String::new() },
            post_url: urls::instance_containers(environment.id),
            scaling_url: if has_choice { urls::instance_scaling(environment.id) } else { String::new() },
        }))
    }
}

/// Says how many answer, while it is not as many as are wanted.
fn serving(layout: &Layout, formats: Formats, standing: &Standing) -> String {
    let is_less = standing.is_running && standing.serving < standing.replicas;
    if is_less {
        let (serving, count) = (formats.number(standing.serving), formats.number(standing.replicas));
        layout.t2("scaling-serving", "serving", serving, "count", count)
    } else {
        String::new()
    }
}

/// Says what each further container costs; nothing where processor time has no price.
pub(super) fn price(layout: &Layout, formats: Formats, (version, currency): (&Version, Currency)) -> Option<String> {
    let cpu = version.allowances_in(currency).into_iter().find(|allowance| allowance.meter == Meter::Cpu)?;
    let price = formats.price(cpu.unit_price, currency);
    let month = formats.money(scaling::a_month(version, currency));
    Some(layout.t2("scaling-price", "price", price, "month", month))
}

fn automatic(layout: &Layout, formats: Formats, standing: &Standing) -> String {
    let Some(rule) = standing.rule.as_ref().filter(|rule| rule.is_on) else { return layout.t("scaling-is-off") };
    let (low, high) = rule.bounds(standing.most);
    layout.t2("scaling-is-on", "minimum", formats.number(low), "maximum", formats.number(high))
}

/// Says what an event tells of the number of containers, and why.
pub(super) fn told(layout: &Layout, formats: Formats, event: &Event) -> Option<String> {
    let (from, to) = (event.detail["from"].as_i64()?, event.detail["to"].as_i64()?);
    let what = layout.t2("event-scaled", "from", from, "to", to);
    let Some(why) = event.detail["why"].as_str() else { return Some(what) };
    let key = format!("scaling-why-{why}");
    let number = |name: &str| event.detail[name].as_i64().map(|number| formats.number(number)).unwrap_or_default();
    let (percent, minutes) = (number("percent"), number("minutes"));
    let reason = layout.t2(&key, "percent", percent, "minutes", minutes);
    Some(if reason == key { what } else { layout.t2("event-because", "what", what, "reason", reason) })
}
