//! Environments, their routes and their history, as far as the worker reads and writes them.
//!
//! Customers' accounts do not limit anything here: the worker works for all of them.

mod routes;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::base::ids::{AccountId, EnvironmentId, HostId, RuntimeId, TemplateId};
use crate::db::StoreError;
use crate::reconcile::templates::Key;

use super::plan::Template;
pub use routes::{RouteRow, delete_routes, remove_upstream, routes, set_route};

/// An environment's row, with what belongs to it.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Which one.
    pub id: EnvironmentId,
    /// Whose it is.
    pub account: AccountId,
    /// `development`, `test` or `production`.
    pub kind: String,
    /// What the customer wants.
    pub wanted: String,
    /// Grows with every change of what is wanted, its name included.
    pub wanted_generation: i64,
    /// The restarts that were asked for.
    pub restarts: i64,
    /// Whether staff closed it or its whole account.
    pub is_suspended: bool,
    /// When a deletion can no longer be undone.
    pub purge_after: Option<DateTime<Utc>>,
    /// The name it is reached by; empty once it is deleted.
    pub subdomain: String,
    /// Its plan's thousandths of a core.
    pub cpu_millis: i32,
    /// Its plan's MiB of memory.
    pub memory_mb: i32,
    /// The company's name.
    pub company: String,
    /// Odoo's code of the language.
    pub language: String,
    /// The country's code.
    pub country: String,
    /// The currency's code.
    pub currency: String,
    /// The time zone's name.
    pub timezone: String,
    /// The applications that were chosen.
    pub apps: Vec<String>,
    /// The first user's e-mail.
    pub admin_email: String,
    /// The first user's name.
    pub admin_name: String,
    /// What people are told.
    pub status: String,
    /// Why.
    pub status_reason: Option<Value>,
    /// Since when that is so.
    pub status_since: DateTime<Utc>,
    /// Seconds of idleness before it sleeps, if its plan lets it sleep.
    pub sleep_after_seconds: Option<i32>,
    /// Whether it has an update that has not ended.
    pub has_update: bool,
    /// In how many containers it is to run; its plan says how many at most.
    pub replicas: i32,
    /// Whether it has replicas, or it is written down that some are missing.
    pub has_replicas: bool,
    /// Whether it is written down that it has no room, or that the engine cannot start it.
    pub has_troubles: bool,
    /// When it answered for the first time.
    pub first_ready_at: Option<DateTime<Utc>>,
    /// Its runtime, if it has one.
    pub runtime: Option<RuntimeId>,
}

impl Environment {
    /// Returns how long it must not be used before it may sleep; `None` when it never does.
    #[must_use]
    pub fn sleep_after(&self) -> Option<TimeDelta> {
        self.sleep_after_seconds.map(|seconds| TimeDelta::seconds(i64::from(seconds)))
    }
}

/// Makes due every environment of which something else is wanted than when it was last looked at.
pub async fn refresh(db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO turns (task, subject, due_at, marker)
        SELECT 'environments', wanted.id, $1, wanted.marker
          FROM (SELECT environments.id
                     , concat_ws( '/', environments.wanted, environments.wanted_generation, environments.restarts
                                , subdomains.name, environments.purge_after, environments.plan_version_id
                                , wake_requests.requested_at
                                , environments.replicas
                                , (SELECT max(replicas.moves_at)
                                     FROM replicas
                                     JOIN runtimes ON runtimes.id = replicas.runtime_id
                                    WHERE runtimes.environment_id = environments.id)
                                , (SELECT string_agg(concat(environment_updates.id, rollouts.state), ',' ORDER BY environment_updates.id)
                                     FROM environment_updates
                                     LEFT JOIN rollouts ON rollouts.id = environment_updates.rollout_id
                                    WHERE environment_updates.environment_id = environments.id
                                      AND environment_updates.ended_at IS NULL)
                                , EXISTS (SELECT FROM suspensions
                                           WHERE suspensions.account_id = environments.account_id
                                             AND (suspensions.environment_id IS NULL OR suspensions.environment_id = environments.id)
                                             AND suspensions.lifted_at IS NULL) ) AS marker
                  FROM environments
                  LEFT JOIN subdomains ON subdomains.environment_id = environments.id
                  LEFT JOIN wake_requests ON wake_requests.environment_id = environments.id
                 WHERE environments.status <> 'deleted') AS wanted
          LEFT JOIN turns ON turns.task = 'environments' AND turns.subject = wanted.id
         WHERE turns.subject IS NULL
            OR turns.marker <> wanted.marker
            ON CONFLICT (task, subject)
            DO UPDATE SET marker = excluded.marker
                        , due_at = excluded.due_at
                        , attempts = 0
                        , unsettled_at = NULL
        "#,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns an environment as the worker needs it.
pub async fn find(db: &mut PgConnection, id: EnvironmentId) -> Result<Option<Environment>, StoreError> {
    let row = sqlx::query_as!(
        Environment,
        r#"
        SELECT environments.id AS "id: EnvironmentId"
             , environments.account_id AS "account: AccountId"
             , environments.kind
             , environments.wanted
             , environments.wanted_generation
             , environments.restarts
             , EXISTS (SELECT FROM suspensions
                        WHERE suspensions.account_id = environments.account_id
                          AND (suspensions.environment_id IS NULL OR suspensions.environment_id = environments.id)
                          AND suspensions.lifted_at IS NULL) AS "is_suspended!"
             , environments.purge_after
             , coalesce(subdomains.name, '') AS "subdomain!"
             , plan_versions.cpu_millis
             , plan_versions.memory_mb
             , environments.company
             , environments.language
             , environments.country
             , environments.currency
             , environments.timezone
             , environments.apps
             , environments.admin_email
             , environments.admin_name
             , environments.status
             , environments.status_reason
             , environments.status_since
             , plan_versions.sleep_after_seconds
             , EXISTS (SELECT FROM environment_updates
                        WHERE environment_updates.environment_id = environments.id
                          AND environment_updates.ended_at IS NULL) AS "has_update!"
             , environments.replicas
             , EXISTS (SELECT FROM replicas WHERE replicas.runtime_id = runtimes.id)
               OR EXISTS (SELECT FROM replica_troubles WHERE replica_troubles.runtime_id = runtimes.id) AS "has_replicas!"
             , EXISTS (SELECT FROM environment_troubles
                        WHERE environment_troubles.environment_id = environments.id
                          AND environment_troubles.kind IN ('room', 'engine')) AS "has_troubles!"
             , environments.first_ready_at
             , runtimes.id AS "runtime?: RuntimeId"
          FROM environments
          JOIN plan_versions ON plan_versions.id = environments.plan_version_id
          LEFT JOIN subdomains ON subdomains.environment_id = environments.id
          LEFT JOIN runtimes ON runtimes.environment_id = environments.id AND runtimes.wanted <> 'gone'
         WHERE environments.id = $1
        "#,
        id as EnvironmentId
    )
    .fetch_optional(db)
    .await?;
    Ok(row)
}

/// How far a template is.
pub async fn template_state(db: &mut PgConnection, key: &Key) -> Result<Template, StoreError> {
    Ok(match crate::reconcile::templates::store::find(db, key).await? {
        None => Template::Missing,
        Some(found) => match found.state.as_str() {
            "ready" => Template::Ready,
            "failed" => Template::Failed,
            _ => Template::Building,
        },
    })
}

/// Gives the environment a ready spare of this template and size, if there is one on none of the hosts whose spares make room
/// for somebody else.
pub async fn claim_spare(
    db: &mut PgConnection,
    environment: &Environment,
    template: TemplateId,
    not_on: &[HostId],
    now: DateTime<Utc>,
) -> Result<Option<RuntimeId>, StoreError> {
    let claimed = sqlx::query_scalar!(
        r#"
        UPDATE runtimes
           SET environment_id = $1
             , claimed_at = $2
             , restarts_done = $3
         WHERE id = (SELECT id
                       FROM runtimes
                      WHERE environment_id IS NULL
                        AND state = 'ready'
                        AND wanted = 'running'
                        AND template_id = $4
                        AND cpu_millis = $5
                        AND memory_mb = $6
                        AND host_id <> ALL ($8)
                        AND host_id IN (SELECT id
                                          FROM hosts
                                         WHERE state = 'active'
                                           AND pool IN ('any', CASE $7 WHEN 'production' THEN 'production' ELSE 'test' END))
                      ORDER BY created_at
                      LIMIT 1
                        FOR UPDATE SKIP LOCKED)
        RETURNING id AS "id: RuntimeId"
        "#,
        environment.id as EnvironmentId,
        now,
        // Its service was made without restarts; the environment's count begins at what it is now.
        environment.restarts,
        template as TemplateId,
        environment.cpu_millis,
        environment.memory_mb,
        environment.kind,
        not_on as &[HostId],
    )
    .fetch_optional(&mut *db)
    .await?;
    if let Some(id) = claimed {
        // Whoever looks after it as a spare loses the lease with the row.
        sqlx::query!("DELETE FROM turns WHERE task = 'spares' AND subject = $1", id.uuid()).execute(db).await?;
    }
    Ok(claimed)
}

/// Writes what people are told; returns whether the status itself changed.
pub async fn set_status(
    db: &mut PgConnection,
    id: EnvironmentId,
    status: &str,
    reason: Option<&Value>,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let before = sqlx::query_scalar!("SELECT status FROM environments WHERE id = $1 FOR UPDATE", id as EnvironmentId)
        .fetch_optional(&mut *db)
        .await?;
    let has_changed = before.as_deref() != Some(status);
    sqlx::query!(
        r#"
        UPDATE environments
           SET status = $2
             , status_reason = $3
             , status_since = CASE WHEN $4 THEN $5 ELSE status_since END
             , first_ready_at = CASE WHEN $2 = 'running' THEN coalesce(first_ready_at, $5) ELSE first_ready_at END
         WHERE id = $1
        "#,
        id as EnvironmentId,
        status,
        reason,
        has_changed,
        now
    )
    .execute(db)
    .await?;
    Ok(has_changed)
}

/// Adds to the environment's history.
pub async fn add_event(
    db: &mut PgConnection,
    id: EnvironmentId,
    kind: &str,
    detail: &Value,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO environment_events (environment_id, at, kind, detail) VALUES ($1, $2, $3, $4)",
        id as EnvironmentId,
        now,
        kind,
        detail
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Adds steps of the creation to the history, each once: a step that is taken again is the same step.
pub async fn add_steps(
    db: &mut PgConnection,
    id: EnvironmentId,
    kinds: &[String],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO environment_events (environment_id, at, kind)
        SELECT $1, $2, step.kind
          FROM unnest($3::text[]) WITH ORDINALITY AS step (kind, place)
         WHERE NOT EXISTS (SELECT FROM environment_events AS known
                            WHERE known.environment_id = $1 AND known.kind = step.kind)
         ORDER BY step.place
        "#,
        id as EnvironmentId,
        now,
        kinds
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes the last step back out of reach, right before the data goes: false when the deletion was taken back meanwhile.
///
/// From then on it was due a day ago: no clock of another process is that late.
pub async fn begin_purge(db: &mut PgConnection, id: EnvironmentId, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        UPDATE environments
           SET purge_after = least(purge_after, $3)
         WHERE id = $1
           AND wanted = 'deleted'
           AND purge_after <= $2
        "#,
        id as EnvironmentId,
        now,
        now - TimeDelta::days(1)
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Frees the environment's name: it rests before anybody else can have it.
pub async fn free_name(
    db: &mut PgConnection,
    id: EnvironmentId,
    now: DateTime<Utc>,
    free_after: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE subdomains SET environment_id = NULL, freed_at = $2, free_after = $3 WHERE environment_id = $1",
        id as EnvironmentId,
        now,
        free_after
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes the owners of these runtimes due at once.
pub async fn hasten(db: &mut PgConnection, runtimes: &[RuntimeId], now: DateTime<Utc>) -> Result<(), StoreError> {
    let ids: Vec<uuid::Uuid> = runtimes.iter().map(|id| id.uuid()).collect();
    sqlx::query!(
        r#"
        UPDATE turns
           SET due_at = $2
          FROM runtimes
         WHERE runtimes.id = ANY ($1)
           AND turns.task = 'environments'
           AND turns.subject = runtimes.environment_id
           AND turns.due_at > $2
        "#,
        &ids,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Adds the end of a restart to the history, when one was asked for since the last one.
pub async fn add_restarted(db: &mut PgConnection, id: EnvironmentId, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        INSERT INTO environment_events (environment_id, at, kind)
        SELECT $1, $2, 'restarted'
         WHERE (SELECT kind
                  FROM environment_events
                 WHERE environment_id = $1
                   AND kind IN ('restart.asked', 'restarted')
                 ORDER BY id DESC
                 LIMIT 1) = 'restart.asked'
        "#,
        id as EnvironmentId,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether the history has an event of this kind.
pub async fn has_event(db: &mut PgConnection, id: EnvironmentId, kind: &str) -> Result<bool, StoreError> {
    let has = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM environment_events WHERE environment_id = $1 AND kind = $2) AS "has!""#,
        id as EnvironmentId,
        kind
    )
    .fetch_one(db)
    .await?;
    Ok(has)
}
