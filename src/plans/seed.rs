//! The first catalogue: three plans that a new installation sells. Staff change them afterwards.

use anyhow::Context;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::{Connection, PgConnection};

use super::catalogue::{self, Draft};
use super::{Allowance, Kind, Meter, Plan, Resources, Translated, store};
use crate::base::ids::PlanId;
use crate::base::money::{Currency, Money};

/// Creates the three plans that are not there yet, each with a published version. Safe to run again: what is there stays.
pub async fn seed(db: &mut PgConnection, now: DateTime<Utc>) -> anyhow::Result<()> {
    let mut tx = db.begin().await.context("begin")?;
    for (position, first) in FIRST.iter().enumerate() {
        let plan = first.plan(i32::try_from(position).unwrap_or(0), now);
        let Some(id) = store::insert_plan(&mut tx, &plan, now).await.context("insert a plan")? else { continue };
        let version = catalogue::draft(&mut tx, id, &first.draft(), now).await?;
        catalogue::publish(&mut tx, version, now, now).await?;
    }
    tx.commit().await.context("commit")
}

/// Euro cents, then centimes of a dirham.
type Prices = (i64, i64);

struct First {
    kind: Kind,
    names: [&'static str; 3],
    summaries: [&'static str; 3],
    resources: Resources,
    monthly: Prices,
    /// Core-hours, GB of database kept all month, GB sent, thousand requests.
    included: [i64; 4],
}

/// Hours of the month that prices are made with: 365 × 24 ÷ 12.
const HOURS_OF_MONTH: i64 = 730;

/// What one unit beyond the included usage costs, in millionths of a euro and of a dirham.
/// Database is priced by the GB-hour: 0.25 € a GB and month is 0.000342 € an hour.
const UNIT_MICROS: [(Meter, i64, i64); 4] = [
    (Meter::Cpu, 35_000, 380_000),
    (Meter::Database, 342, 3_700),
    (Meter::Egress, 40_000, 430_000),
    (Meter::Requests, 2_000, 22_000),
];

static FIRST: [First; 3] = [
    First {
        kind: Kind::Development,
        names: ["Development", "Développement", "تطوير"],
        summaries: [
            "For building and trying things out. Sleeps when nobody uses it.",
            "Pour développer et essayer. Se met en veille quand personne ne l’utilise.",
            "للتطوير والتجربة. يدخل في وضع السكون عندما لا يستخدمه أحد.",
        ],
        resources: Resources {
            cpu_millis: 500,
            memory_mb: 768,
            storage_mb: 2_048,
            sleep_after_seconds: Some(1_800),
            max_replicas: 1,
            daily_backups: 1,
            weekly_backups: 0,
            monthly_backups: 0,
        },
        monthly: (900, 9_900),
        included: [60, 2, 5, 200],
    },
    First {
        kind: Kind::Test,
        names: ["Test", "Test", "اختبار"],
        summaries: [
            "For trying a change before it goes live.",
            "Pour essayer un changement avant la mise en production.",
            "لتجربة أي تغيير قبل اعتماده.",
        ],
        resources: Resources {
            cpu_millis: 1_000,
            memory_mb: 1_024,
            storage_mb: 10_240,
            sleep_after_seconds: Some(7_200),
            max_replicas: 1,
            daily_backups: 3,
            weekly_backups: 1,
            monthly_backups: 0,
        },
        monthly: (1_900, 19_900),
        included: [150, 10, 20, 1_000],
    },
    First {
        kind: Kind::Production,
        names: ["Production", "Production", "إنتاج"],
        summaries: [
            "For running your business. Always awake.",
            "Pour faire tourner votre entreprise. Toujours actif.",
            "لتشغيل شركتك. يعمل دائمًا.",
        ],
        resources: Resources {
            cpu_millis: 2_000,
            memory_mb: 2_048,
            storage_mb: 51_200,
            sleep_after_seconds: None,
            max_replicas: 2,
            daily_backups: 7,
            weekly_backups: 4,
            monthly_backups: 3,
        },
        monthly: (3_900, 42_000),
        included: [500, 50, 100, 5_000],
    },
];

impl First {
    fn plan(&self, position: i32, now: DateTime<Utc>) -> Plan {
        let translated = |[en, fr, ar]: [&str; 3]| Translated { en: en.into(), fr: fr.into(), ar: ar.into() };
        Plan {
            id: PlanId::new(now),
            code: self.kind.code().to_owned(),
            kind: self.kind,
            position,
            names: translated(self.names),
            summaries: translated(self.summaries),
            is_offered: true,
        }
    }

    fn draft(&self) -> Draft {
        let (eur, mad) = self.monthly;
        let [cpu, database, egress, requests] = self.included;
        let included = [cpu, database * HOURS_OF_MONTH, egress, requests];
        let allowances = UNIT_MICROS
            .iter()
            .zip(included)
            .flat_map(|(&(meter, eur, mad), included)| {
                [(Currency::Eur, eur), (Currency::Mad, mad)].map(|(currency, micros)| Allowance {
                    meter,
                    currency,
                    included: Decimal::from(included),
                    unit_price: Decimal::new(micros, 6),
                    further: Vec::new(),
                })
            })
            .collect();
        Draft {
            resources: self.resources.clone(),
            prices: vec![Money::new(eur, Currency::Eur), Money::new(mad, Currency::Mad)],
            allowances,
        }
    }
}
