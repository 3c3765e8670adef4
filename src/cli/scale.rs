//! `sayoo scale NAME [COUNT]`: in how many containers an instance runs, and another number of them.

use std::fmt::Write;
use std::sync::Arc;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::audit::Actor;
use crate::base::clock::Clock;
use crate::base::ids::EnvironmentId;
use crate::base::money::Currency;
use crate::config::Config;
use crate::db;
use crate::environments::scaling::{self, MOST, Refusal, Scaled, ScalingError, Standing};
use crate::i18n::Locale;
use crate::plans;
use crate::portal::Portal;

/// What is wanted.
#[derive(Debug, clap::Args)]
pub struct Scale {
    /// The first part of the instance's address: `acme` for acme.example.com.
    name: String,
    /// How many containers are wanted. Without it nothing is changed.
    #[arg(value_parser = count)]
    count: Option<i32>,
    /// Why, for the audit log.
    #[arg(long, default_value = "")]
    reason: String,
}

fn count(text: &str) -> Result<i32, String> {
    let number = text.parse().ok().filter(|number| (1..=MOST).contains(number));
    number.ok_or_else(|| format!("give a whole number from 1 to {MOST}; to have none, stop the instance"))
}

/// Does it and prints what happens next.
pub async fn run(config: &Config, wish: &Scale) -> anyhow::Result<()> {
    let portal = Portal {
        db: db::pool(&config.database.owner_url, 2)?,
        clock: Clock::System,
        public: Arc::new(config.public.clone()),
    };
    print!("{}", answer(&portal, wish).await?);
    Ok(())
}

/// Does it and returns what is to be printed.
pub async fn answer(portal: &Portal, wish: &Scale) -> anyhow::Result<String> {
    let id = {
        let mut db = portal.db.acquire().await.context("reach the control database")?;
        named(portal, &mut db, &wish.name).await?
    };
    let Some(number) = wish.count else {
        let mut db = portal.db.acquire().await.context("reach the control database")?;
        return shown(&mut db, &wish.name, id).await;
    };
    let scaled = match scaling::scale_of_any_account(portal, &Actor::system(), id, number, wish.reason.trim()).await {
        Ok(scaled) => scaled.with_context(|| format!("there is no instance called {}", wish.name))?,
        Err(ScalingError::Refused(why)) => {
            let mut db = portal.db.acquire().await.context("reach the control database")?;
            bail!("{}: {}", wish.name, refused(&mut db, why, portal.clock.now()).await?)
        }
        Err(ScalingError::Failed(cause)) => return Err(cause),
    };
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let standing = found(&mut db, id).await?;
    Ok(next(&wish.name, scaled, &standing))
}

async fn named(portal: &Portal, db: &mut PgConnection, name: &str) -> anyhow::Result<EnvironmentId> {
    let address = portal.public.instance_host("acme");
    let found = scaling::named(db, &name.trim().to_lowercase()).await?;
    found.with_context(|| {
        format!("there is no instance called {name}: give the first part of its address, as acme in {address}")
    })
}

async fn found(db: &mut PgConnection, id: EnvironmentId) -> anyhow::Result<Standing> {
    scaling::find_of_any_account(db, id).await?.context("it was there a moment ago")
}

/// Says what is wanted, and by which rule.
async fn shown(db: &mut PgConnection, name: &str, id: EnvironmentId) -> anyhow::Result<String> {
    let standing = found(db, id).await?;
    let mut text = format!(
        "{name}: {} wanted, {} in use, at most {} on its plan\n",
        containers(standing.replicas),
        standing.serving,
        standing.most
    );
    match standing.rule.as_ref().filter(|rule| rule.is_on) {
        Some(rule) => {
            let (low, high) = rule.bounds(standing.most);
            writeln!(
                text,
                "automatic: from {low} to {high}; one more above {} % of the processor or {} % of requests that wait",
                rule.target_percent, rule.queue_percent
            )?;
            writeln!(
                text,
                "after a change: nothing is added for {} minutes, nothing taken away for {}",
                rule.pause_more.num_minutes(),
                rule.pause_fewer.num_minutes()
            )?;
            if let Some(budget) = rule.budget {
                let hours = standing.month.map_or(0, |month| month.container_seconds / 3600);
                let (amount, currency) = (budget.exact(), budget.currency);
                writeln!(text, "budget: {amount} {currency} a month; added so far: {hours} hours of containers")?;
            }
        }
        None => writeln!(text, "automatic: off")?,
    }
    Ok(text)
}

/// Says what happens next.
fn next(name: &str, scaled: Scaled, standing: &Standing) -> String {
    let Scaled { from, to, is_minimum } = scaled;
    let mut text = match to.cmp(&from) {
        std::cmp::Ordering::Equal => format!("{name}: {} wanted already\n", containers(to)),
        _ => format!("{name}: {} wanted, before {from}\n", containers(to)),
    };
    if to != from {
        text.push_str(match (standing.is_running, to > from) {
            (false, _) => "It is not running now: it starts with that number.\n",
            (true, true) => "The worker makes them on other machines; each gets requests once it answers.\n",
            (true, false) => "The worker takes them out of use; what they are working on is finished first.\n",
        });
    }
    if is_minimum {
        text.push_str("Its automatic scaling goes on, and never below that number.\n");
    }
    text
}

async fn refused(db: &mut PgConnection, why: Refusal, now: DateTime<Utc>) -> anyhow::Result<String> {
    let Refusal::BeyondPlan { most } = why else { return Ok(why.to_string()) };
    let offers = plans::offered(db, Currency::Eur, now).await?;
    Ok(match scaling::roomier(&offers, most) {
        Some(offer) => format!(
            "its plan allows at most {most}; the plan {} allows {}",
            offer.plan.names.of(Locale::En),
            offer.version.resources.max_replicas
        ),
        None => format!("its plan allows at most {most}, and no plan on offer allows more"),
    })
}

fn containers(number: i32) -> String {
    if number == 1 { "1 container".to_owned() } else { format!("{number} containers") }
}
