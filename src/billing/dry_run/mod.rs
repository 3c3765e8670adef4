//! What the open months would come to now, so that staff see a run before it is one. Computed by the worker, again and again;
//! nothing of it stands on a document.

mod store;

use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::{Decimal, RoundingStrategy};
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;

use super::{discounts, run};
use crate::base::chain;
use crate::base::ids::{AccountId, ChargeId, PeriodId, SellerId};
use crate::base::money::{Currency, Money};
use crate::portal::Portal;

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// A month that was computed so long ago is computed again.
const STALE: TimeDelta = TimeDelta::minutes(10);
/// Months that are computed in one look: so many thousand accounts take some looks, and billing itself is not held up.
const AT_ONCE: i64 = 500;
/// Lines of a page.
pub const PAGE: i64 = 50;

/// How far a month of an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It is not rated yet.
    Open,
    /// Its drafts wait to become final.
    Drafted,
    /// A draft waits for a person.
    Held,
    /// It cannot be rated.
    Failed,
    /// It is closed.
    Finalised,
}

impl Standing {
    /// All of them, in the order in which a month goes through them.
    pub const ALL: [Self; 5] = [Self::Open, Self::Drafted, Self::Held, Self::Failed, Self::Finalised];

    /// Returns the word of the database and of addresses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Drafted => "drafted",
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Finalised => "finalised",
        }
    }

    /// Reads it.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.word() == word)
    }
}

/// How many months of a seller are how far, and what they come to without VAT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    /// How far.
    pub standing: Standing,
    /// How many.
    pub count: i64,
    /// What they come to, as far as it is known.
    pub net: Money,
}

/// What an account's month comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which month.
    pub period: PeriodId,
    /// Whose.
    pub account: AccountId,
    /// The customer's name.
    pub account_name: String,
    /// How far it is.
    pub standing: Standing,
    /// What it comes to without VAT; `None` when that is not known yet, or cannot be.
    pub net: Option<Money>,
    /// What the invoice of the month before said without VAT.
    pub before: Option<Money>,
    /// When it was computed.
    pub computed_at: Option<DateTime<Utc>>,
    /// Why it cannot be computed.
    pub problem: String,
}

impl Row {
    /// Returns how much more or less it is than the month before.
    #[must_use]
    pub fn difference(&self) -> Option<Money> {
        let (net, before) = (self.net?, self.before?);
        Some(Money::new(net.minor.checked_sub(before.minor)?, net.currency))
    }

    /// Returns the difference in per cent of the month before, with one decimal; `None` where there was nothing.
    #[must_use]
    pub fn per_cent(&self) -> Option<Decimal> {
        let before = self.before.filter(|before| before.minor > 0)?;
        let share = Decimal::from(self.difference()?.minor) * Decimal::ONE_HUNDRED / Decimal::from(before.minor);
        Some(share.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero))
    }
}

/// Which months are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Filter<'a> {
    /// Of this company.
    pub seller: SellerId,
    /// In which it sells.
    pub currency: Currency,
    /// The months that this instant lies in.
    pub at: DateTime<Utc>,
    /// With this in the customer's name.
    pub text: &'a str,
    /// Only those that are so far.
    pub standing: Option<Standing>,
}

/// Who has a month that is open, and something missing on paper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incomplete {
    /// Whose.
    pub account: AccountId,
    /// The customer's name.
    pub account_name: String,
    /// The fields of the billing profile that are missing: `street`, `city`, `siren`.
    pub lacks: Vec<&'static str>,
}

/// Looks again and again until told to stop.
pub async fn run(portal: Portal, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = look(&portal).await {
            tracing::error!(error = chain::of_any(&error), "the dry run failed and will be tried again");
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Computes the months that were never computed or long ago. Returns how many.
pub async fn look(portal: &Portal) -> anyhow::Result<usize> {
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let now = portal.clock.now();
    store::forget_rated(&mut db).await.context("forget months that are rated")?;
    let stale = store::list_stale(&mut db, now, now - STALE, AT_ONCE).await.context("list months to compute")?;
    for period in &stale {
        let (net, problem) = match net(&mut db, period, now).await {
            Ok(net) => (Some(net), String::new()),
            Err(error) => (None, chain::of_any(&error)),
        };
        store::put(&mut db, period.id, (net, &problem), now).await.context("write down what a month comes to")?;
    }
    Ok(stale.len())
}

/// What a month comes to, in the smallest coin: what it is charged less what coupons take off.
async fn net(db: &mut PgConnection, period: &run::Period, now: DateTime<Utc>) -> anyhow::Result<i64> {
    let run::Rating { charges, closed } = run::charges_of(db, period, None, now).await?;
    let charges: Vec<_> = charges.into_iter().map(|(of, charge)| (ChargeId::new(now), of, charge)).collect();
    let given = discounts::given(db, period, &closed, &charges, now).await?;
    let billable = charges.iter().filter(|(.., charge)| charge.is_billable());
    let mut minors = billable.map(|(.., charge)| charge.net.minor).chain(given.iter().map(|it| -it.amount.minor));
    minors.try_fold(0_i64, i64::checked_add).context("the month is too large")
}

/// Returns how far the months of a company are, and what they come to.
pub async fn sums(db: &mut PgConnection, filter: &Filter<'_>) -> anyhow::Result<Vec<Sum>> {
    store::sums(db, filter).await.context("add the months up")
}

/// Returns months, those that differ most from the month before first: `limit` of them from `offset` on.
pub async fn rows(db: &mut PgConnection, filter: &Filter<'_>, (offset, limit): (i64, i64)) -> anyhow::Result<Vec<Row>> {
    store::rows(db, filter, (offset, limit)).await.context("list the months")
}

/// Returns who has an open month of a company, and something missing on paper: their invoices will wait for it.
pub async fn incomplete(db: &mut PgConnection, filter: &Filter<'_>, limit: i64) -> anyhow::Result<Vec<Incomplete>> {
    store::incomplete(db, filter, limit).await.context("list what is missing on paper")
}

/// Whether a month that was over at an instant is not closed yet: what staff want to see then is the month before.
pub async fn is_under_way(db: &mut PgConnection, now: DateTime<Utc>) -> anyhow::Result<bool> {
    store::is_under_way(db, now).await.context("look for months that are over")
}
