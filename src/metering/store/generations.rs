//! Which generations of a service have been seen: an older container of it counts no more.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnection;

use super::Holders;
use crate::base::ids::EnvironmentId;
use crate::db::StoreError;
use crate::metering::Observation;

/// The generations of each service of an environment, with when each was first seen.
pub type Generations = BTreeMap<(EnvironmentId, String), Vec<(i64, DateTime<Utc>)>>;

/// Notes which generations these numbers are of, and returns all that have been seen of the same services.
pub async fn note(
    tx: &mut PgConnection,
    observations: &[&Observation],
    holders: &Holders,
) -> Result<Generations, StoreError> {
    let mut seen: BTreeMap<(EnvironmentId, &str, i64), DateTime<Utc>> = BTreeMap::new();
    for observation in observations {
        if let Some(holder) = holders.get(&observation.source) {
            let key = (observation.environment, holder.service.as_str(), holder.generation);
            let at = seen.entry(key).or_insert(observation.observed_at);
            *at = (*at).min(observation.observed_at);
        }
    }
    if seen.is_empty() {
        return Ok(Generations::new());
    }
    sqlx::query!(
        r#"
        INSERT INTO meter_generations AS known (environment_id, service, generation, seen_at)
        SELECT environment_id, service, generation, seen_at
          FROM UNNEST($1::uuid[], $2::text[], $3::bigint[], $4::timestamptz[])
            AS seen (environment_id, service, generation, seen_at)
         ORDER BY environment_id, service, generation
            ON CONFLICT (environment_id, service, generation) DO UPDATE
           SET seen_at = excluded.seen_at
         WHERE known.seen_at > excluded.seen_at
        "#,
        &seen.keys().map(|key| key.0.uuid()).collect::<Vec<_>>(),
        &seen.keys().map(|key| key.1.to_owned()).collect::<Vec<_>>(),
        &seen.keys().map(|key| key.2).collect::<Vec<_>>(),
        &seen.values().copied().collect::<Vec<_>>(),
    )
    .execute(&mut *tx)
    .await?;
    let services: BTreeSet<(EnvironmentId, &str)> = seen.keys().map(|key| (key.0, key.1)).collect();
    let rows = sqlx::query!(
        r#"
        SELECT known.environment_id AS "environment: EnvironmentId"
             , known.service
             , known.generation
             , known.seen_at
          FROM meter_generations known
          JOIN UNNEST($1::uuid[], $2::text[]) AS named (environment_id, service)
            ON (known.environment_id, known.service) = (named.environment_id, named.service)
        "#,
        &services.iter().map(|key| key.0.uuid()).collect::<Vec<_>>(),
        &services.iter().map(|key| key.1.to_owned()).collect::<Vec<_>>(),
    )
    .fetch_all(tx)
    .await?;
    let mut all = Generations::new();
    for row in rows {
        all.entry((row.environment, row.service)).or_default().push((row.generation, row.seen_at));
    }
    Ok(all)
}
