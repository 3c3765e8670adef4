//! What the proxy reads and writes in the control database. The only SQL about routes and traffic on its side.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::counters::{Refused, Sample};
use super::table;
use crate::base::ids::EnvironmentId;
use crate::base::proof::ProofKeys;
use crate::db::StoreError;

/// Reads all routes. One that this version of the program does not understand is left out.
pub async fn list(db: &mut PgConnection) -> Result<Vec<table::Row>, StoreError> {
    let rows = sqlx::query!(
        r#"
        WITH names AS (
            SELECT hostname
                 , environment_id
                 , state
                 , upstreams
                 , websockets
                 , language
                 , requests_at_once
              FROM routes
             UNION ALL
            -- A customer's own domain leads where the environment's own name leads.
            SELECT *
              FROM (SELECT DISTINCT ON (domains.hostname)
                           domains.hostname
                         , routes.environment_id
                         , routes.state
                         , routes.upstreams
                         , routes.websockets
                         , routes.language
                         , routes.requests_at_once
                      FROM domains
                      JOIN routes ON routes.environment_id = domains.environment_id
                     WHERE domains.state = 'serving'
                       AND domains.removed_at IS NULL
                       AND NOT EXISTS (SELECT FROM routes AS own WHERE own.hostname = domains.hostname)
                     ORDER BY domains.hostname, routes.updated_at DESC) AS aliases
        )
        SELECT names.hostname AS "hostname!"
             , names.environment_id AS "environment!: EnvironmentId"
             -- What staff closed is closed, also while no worker gets to it.
             , CASE WHEN names.environment_id IN (SELECT environment_id FROM suspended_environments)
                    THEN 'suspended'
                    WHEN names.state <> 'stopped' AND names.environment_id IN (SELECT environment_id FROM maintenances)
                    THEN 'maintenance'
                    ELSE names.state
               END AS "state!"
             , names.upstreams AS "upstreams!"
             , names.websockets AS "websockets!"
             , route_proofs.proofs AS "proofs?: sqlx::types::Json<ProofKeys>"
             , names.language AS "language!"
             , names.requests_at_once AS "requests_at_once!"
             -- What staff set, or what is left to somebody who has not paid: the smaller one. LEAST leaves out what is not there.
             , least(traffic_limits.requests_per_second, dunning_limits.requests_per_second) AS "requests_per_second?"
          FROM names
          LEFT JOIN route_proofs ON route_proofs.environment_id = names.environment_id
          LEFT JOIN traffic_limits ON traffic_limits.environment_id = names.environment_id
          LEFT JOIN dunning_limits ON dunning_limits.environment_id = names.environment_id
        "#
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            Some(table::Row {
                state: table::State::from_text(&row.state)?,
                hostname: row.hostname,
                environment: row.environment,
                upstreams: row.upstreams,
                websockets: row.websockets,
                proofs: row.proofs.map(|proofs| proofs.0).unwrap_or_default(),
                language: row.language,
                requests_at_once: u32::try_from(row.requests_at_once).unwrap_or(1),
                requests_per_second: row.requests_per_second.and_then(|limit| u32::try_from(limit).ok()),
            })
        })
        .collect())
}

/// Appends samples of what this process counted.
pub async fn insert_samples(
    db: &mut PgConnection,
    epoch: Uuid,
    now: DateTime<Utc>,
    samples: &[Sample],
) -> Result<(), StoreError> {
    // Counters stay below 2^63: that many bytes take a century at 10 Gbit/s.
    let column = |number: fn(&Sample) -> u64| -> Vec<i64> {
        samples.iter().map(|sample| i64::try_from(number(sample)).unwrap_or(i64::MAX)).collect()
    };
    let open = |number: fn(&Sample) -> u32| -> Vec<i32> {
        samples.iter().map(|sample| i32::try_from(number(sample)).unwrap_or(i32::MAX)).collect()
    };
    let environments: Vec<Uuid> = samples.iter().map(|sample| sample.environment.uuid()).collect();
    let seqs: Vec<i64> = samples.iter().map(|sample| sample.seq).collect();
    sqlx::query!(
        r#"
        INSERT INTO traffic_samples
             ( proxy_epoch
             , environment_id
             , seq
             , observed_at
             , requests
             , egress_bytes
             , ingress_bytes
             , errors
             , open_requests
             , open_websockets
             , leaving_requests
             )
        SELECT $1, environment_id, seq, $2, requests, egress_bytes, ingress_bytes, errors
             , open_requests, open_websockets, leaving_requests
          FROM UNNEST( $3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[]
                     , $9::integer[], $10::integer[], $11::integer[] )
            AS counted ( environment_id, seq, requests, egress_bytes, ingress_bytes, errors
                       , open_requests, open_websockets, leaving_requests )
        "#,
        epoch,
        now,
        &environments,
        &seqs,
        &column(|sample| sample.totals.requests),
        &column(|sample| sample.totals.egress_bytes),
        &column(|sample| sample.totals.ingress_bytes),
        &column(|sample| sample.totals.errors),
        &open(|sample| sample.open_requests),
        &open(|sample| sample.open_websockets),
        &open(|sample| sample.leaving_requests),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Appends what this process turned away, and what it let wait.
pub async fn insert_refused(
    db: &mut PgConnection,
    epoch: Uuid,
    now: DateTime<Utc>,
    refused: &[(EnvironmentId, Refused)],
) -> Result<(), StoreError> {
    let column = |number: fn(&Refused) -> u64| -> Vec<i64> {
        refused.iter().map(|(_, refused)| i64::try_from(number(refused)).unwrap_or(i64::MAX)).collect()
    };
    let environments: Vec<Uuid> = refused.iter().map(|(environment, _)| environment.uuid()).collect();
    sqlx::query!(
        r#"
        INSERT INTO traffic_refusals (environment_id, proxy_epoch, observed_at, limited, busy, queued, queued_ms)
        SELECT environment_id, $1, $2, limited, busy, queued, queued_ms
          FROM UNNEST($3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
            AS counted (environment_id, limited, busy, queued, queued_ms)
        "#,
        epoch,
        now,
        &environments,
        &column(|refused| refused.limited),
        &column(|refused| refused.busy),
        &column(|refused| refused.queued),
        &column(|refused| refused.queued_ms),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Asks the worker to wake environments. One that somebody asked for already stays asked for.
pub async fn insert_wakes(
    db: &mut PgConnection,
    environments: &[EnvironmentId],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let environments: Vec<Uuid> = environments.iter().map(|environment| environment.uuid()).collect();
    sqlx::query!(
        r#"
        INSERT INTO wake_requests (environment_id, source, requested_at)
        SELECT environment_id, 'request', $2
          FROM UNNEST($1::uuid[]) AS asked (environment_id)
            ON CONFLICT DO NOTHING
        "#,
        &environments,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}
