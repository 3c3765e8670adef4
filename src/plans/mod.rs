//! The catalogue: plans, their versions, prices and included usage. A published version never changes.

pub mod catalogue;
pub mod cost;
mod seed;
mod store;
pub mod words;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use crate::base::ids::{PlanId, PlanVersionId};
use crate::base::money::{Currency, Money};
use crate::i18n::Locale;

pub use catalogue::{CatalogueError, Refusal, is_sold, names, offered, version};
pub use seed::seed;

/// What an environment is for; each plan is for one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A developer's own.
    Development,
    /// Where changes are tried before production.
    Test,
    /// Where the business works.
    Production,
}

impl Kind {
    /// All of them, smallest first.
    pub const ALL: [Self; 3] = [Self::Development, Self::Test, Self::Production];

    /// Returns the word used in rows, keys and CSS.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Test => "test",
            Self::Production => "production",
        }
    }
}

impl std::str::FromStr for Kind {
    type Err = anyhow::Error;

    fn from_str(code: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|kind| kind.code() == code);
        found.ok_or_else(|| anyhow::anyhow!("{code:?} is no kind of environment"))
    }
}

/// Something that is counted while an environment runs. The unit is the one that prices are given in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Meter {
    /// Processor time, in core-hours.
    Cpu,
    /// Size of the database, in GB-hours (1 GB = 10⁹ bytes).
    Database,
    /// What is sent to browsers, in GB.
    Egress,
    /// Requests, in thousands.
    Requests,
}

impl Meter {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Cpu, Self::Database, Self::Egress, Self::Requests];

    /// Returns the word used in rows and keys.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Database => "database",
            Self::Egress => "egress",
            Self::Requests => "requests",
        }
    }
}

impl std::str::FromStr for Meter {
    type Err = anyhow::Error;

    fn from_str(code: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|meter| meter.code() == code);
        found.ok_or_else(|| anyhow::anyhow!("{code:?} is no meter"))
    }
}

/// A short text in each language.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Translated {
    /// English.
    pub en: String,
    /// French.
    pub fr: String,
    /// Arabic.
    pub ar: String,
}

impl Translated {
    /// Returns the text of a language.
    #[must_use]
    pub fn of(&self, locale: Locale) -> &str {
        match locale {
            Locale::En => &self.en,
            Locale::Fr => &self.fr,
            Locale::Ar => &self.ar,
        }
    }
}

/// Something that can be bought.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Which one.
    pub id: PlanId,
    /// A stable word for addresses: `production`.
    pub code: String,
    /// What it is for.
    pub kind: Kind,
    /// Place in the list.
    pub position: i32,
    /// Shown name.
    pub names: Translated,
    /// One sentence about it.
    pub summaries: Translated,
    /// Whether new environments may be ordered on it.
    pub is_offered: bool,
}

/// What an environment on a plan gets.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Resources {
    /// Thousandths of a core.
    pub cpu_millis: i32,
    /// MiB of memory.
    pub memory_mb: i32,
    /// MiB of database.
    pub storage_mb: i32,
    /// Seconds of idleness before it sleeps; `None` when it never does.
    pub sleep_after_seconds: Option<i32>,
    /// How many containers it may have at most.
    pub max_replicas: i32,
    /// Backups kept of the last days.
    pub daily_backups: i32,
    /// Backups kept of the last weeks.
    pub weekly_backups: i32,
    /// Backups kept of the last months.
    pub monthly_backups: i32,
}

/// Included usage a month, and the price of each unit beyond it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Of what.
    pub meter: Meter,
    /// In which currency the price is.
    pub currency: Currency,
    /// How much is in the base price, in the meter's unit.
    pub included: Decimal,
    /// What one unit beyond it costs.
    pub unit_price: Decimal,
    /// What one unit costs from so many beyond it on, in the order in which they begin.
    pub further: Vec<Tier>,
}

/// A further price of a meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tier {
    /// From so many units beyond what is included, in the meter's unit.
    pub from: Decimal,
    /// What one unit costs that lies there.
    pub unit_price: Decimal,
}

/// One version of a plan. Immutable once published.
#[derive(Clone, Debug)]
pub struct Version {
    /// Which one.
    pub id: PlanVersionId,
    /// 1, 2, 3 …
    pub number: i32,
    /// When staff made it final; `None` for a draft.
    pub published_at: Option<DateTime<Utc>>,
    /// From when on it is sold; `None` for a draft.
    pub valid_from: Option<DateTime<Utc>>,
    /// When staff withdrew it, before it was ever sold.
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// What it gives.
    pub resources: Resources,
    /// The base price per month in each currency.
    pub prices: Vec<Money>,
    /// Included usage and what more costs, in each currency.
    pub allowances: Vec<Allowance>,
}

/// How far a version is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Not published yet.
    Draft,
    /// Published, and sold from an instant that is to come.
    Scheduled,
    /// It is sold, or was until another one came.
    Valid,
    /// It was withdrawn before anybody could buy it.
    Withdrawn,
}

impl Version {
    /// Returns how far it is at an instant.
    #[must_use]
    pub fn stage(&self, now: DateTime<Utc>) -> Stage {
        match (self.valid_from, self.withdrawn_at) {
            (None, _) => Stage::Draft,
            (Some(_), Some(_)) => Stage::Withdrawn,
            (Some(from), None) if from > now => Stage::Scheduled,
            (Some(_), None) => Stage::Valid,
        }
    }

    /// Returns the price per month in `currency`, if it is sold in it.
    #[must_use]
    pub fn monthly(&self, currency: Currency) -> Option<Money> {
        self.prices.iter().copied().find(|price| price.currency == currency)
    }

    /// Returns the included usage priced in `currency`, in the order of the meters.
    #[must_use]
    pub fn allowances_in(&self, currency: Currency) -> Vec<&Allowance> {
        let mut found: Vec<_> = self.allowances.iter().filter(|allowance| allowance.currency == currency).collect();
        found.sort_by_key(|allowance| allowance.meter);
        found
    }
}

/// A plan with the version that is sold now, at its price in the currency that was asked for.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The plan.
    pub plan: Plan,
    /// The version that is sold at the moment.
    pub version: Version,
    /// The base price per month.
    pub monthly: Money,
}
