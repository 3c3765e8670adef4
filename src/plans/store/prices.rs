//! Prices of plan versions: by the month, and of each meter.

use std::collections::HashMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;

use crate::base::ids::PlanVersionId;
use crate::base::money::Money;
use crate::db::StoreError;
use crate::plans::{Allowance, Tier};

/// The base prices of some versions.
pub async fn monthly(
    db: &mut PgConnection,
    versions: &[uuid::Uuid],
) -> anyhow::Result<HashMap<PlanVersionId, Vec<Money>>> {
    let rows = sqlx::query!(
        r#"
        SELECT plan_version_id AS "version: PlanVersionId"
             , currency
             , monthly_minor
          FROM plan_prices
         WHERE plan_version_id = ANY($1)
         ORDER BY currency
        "#,
        versions
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    let mut found: HashMap<PlanVersionId, Vec<Money>> = HashMap::new();
    for row in rows {
        found.entry(row.version).or_default().push(Money::new(row.monthly_minor, row.currency.parse()?));
    }
    Ok(found)
}

/// What some versions include and what more costs.
pub async fn allowances(
    db: &mut PgConnection,
    versions: &[uuid::Uuid],
) -> anyhow::Result<HashMap<PlanVersionId, Vec<Allowance>>> {
    let rows = sqlx::query!(
        r#"
        SELECT plan_version_id AS "version: PlanVersionId"
             , meter
             , currency
             , included
             , unit_price
          FROM plan_meters
         WHERE plan_version_id = ANY($1)
        "#,
        versions
    )
    .fetch_all(&mut *db)
    .await
    .map_err(StoreError::from)?;
    let mut further = further(db, versions).await?;
    let mut found: HashMap<PlanVersionId, Vec<Allowance>> = HashMap::new();
    for row in rows {
        found.entry(row.version).or_default().push(Allowance {
            further: further.remove(&(row.version, row.meter.clone(), row.currency.clone())).unwrap_or_default(),
            meter: row.meter.parse()?,
            currency: row.currency.parse()?,
            included: row.included,
            unit_price: row.unit_price,
        });
    }
    Ok(found)
}

/// Further prices by version, meter and currency, in the order in which they begin.
async fn further(
    db: &mut PgConnection,
    versions: &[uuid::Uuid],
) -> Result<HashMap<(PlanVersionId, String, String), Vec<Tier>>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT plan_version_id AS "version: PlanVersionId"
             , meter
             , currency
             , from_quantity
             , unit_price
          FROM plan_tiers
         WHERE plan_version_id = ANY($1)
         ORDER BY from_quantity
        "#,
        versions
    )
    .fetch_all(db)
    .await?;
    let mut found: HashMap<_, Vec<Tier>> = HashMap::new();
    for row in rows {
        let tier = Tier { from: row.from_quantity, unit_price: row.unit_price };
        found.entry((row.version, row.meter, row.currency)).or_default().push(tier);
    }
    Ok(found)
}

/// Inserts the monthly prices of a draft.
pub async fn insert_prices(db: &mut PgConnection, version: PlanVersionId, prices: &[Money]) -> Result<(), StoreError> {
    for price in prices {
        sqlx::query!(
            "INSERT INTO plan_prices (plan_version_id, currency, monthly_minor) VALUES ($1, $2, $3)",
            version as PlanVersionId,
            price.currency.code(),
            price.minor
        )
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

/// Inserts the included usage of a draft.
pub async fn insert_allowances(
    db: &mut PgConnection,
    version: PlanVersionId,
    allowances: &[Allowance],
) -> Result<(), StoreError> {
    for included in allowances {
        sqlx::query!(
            "INSERT INTO plan_meters (plan_version_id, meter, currency, included, unit_price) VALUES ($1, $2, $3, $4, $5)",
            version as PlanVersionId,
            included.meter.code(),
            included.currency.code(),
            included.included as Decimal,
            included.unit_price as Decimal
        )
        .execute(&mut *db)
        .await?;
        for tier in &included.further {
            sqlx::query!(
                "INSERT INTO plan_tiers (plan_version_id, meter, currency, from_quantity, unit_price) VALUES ($1, $2, $3, $4, $5)",
                version as PlanVersionId,
                included.meter.code(),
                included.currency.code(),
                tier.from as Decimal,
                tier.unit_price as Decimal
            )
            .execute(&mut *db)
            .await?;
        }
    }
    Ok(())
}
