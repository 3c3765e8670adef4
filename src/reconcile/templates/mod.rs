//! Builds the databases that environments are cloned from: one for each image, language, country and set of modules.

pub mod store;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::base::ids::{DatabaseServerId, ImageId, TemplateId};
use crate::base::secret::new_token;
use crate::db::{self, StoreError};
use crate::engine::TaskSpec;
use crate::odoo::commands;
use crate::tenant_db::{DatabaseName, DatabaseState, RoleName};

use super::driver::{Outcome, Task};
use super::lease::Lease;
use super::{Site, crash, instance};
use store::Current;

/// The longest that the installation of many applications may take.
const BUILT_WITHIN: Duration = Duration::from_mins(15);
/// What a building container may use. Memory is of the machine's own part; only a few are built at once.
const BUILD_CPU_MILLIS: i32 = 2000;
const BUILD_MEMORY_MB: i32 = 2048;
/// The lines of a failed building's log that are kept.
const KEPT_CHARACTERS: usize = 4000;
/// After so many tries in a row that something else was to blame for, people are told that it fails.
const PASSING_TRIES: i32 = 4;

/// The filling itself went wrong: the same will happen the next time, until a person does something.
#[derive(Debug, thiserror::Error)]
#[error("filling the template ended with {exit_code:?}: {log_tail}")]
struct Unfilled {
    exit_code: Option<i64>,
    log_tail: String,
}

/// What makes one template different from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Where it is.
    pub database_server: DatabaseServerId,
    /// The version of Odoo it is for.
    pub image: ImageId,
    /// Odoo's code of its language.
    pub language: String,
    /// Its country, where that makes a difference; else empty.
    pub country: String,
    /// Sorted names of modules.
    pub modules: Vec<String>,
}

impl Key {
    /// Makes the key for what a customer chose.
    #[must_use]
    pub fn new(current: &Current, language: &str, country: &str, apps: &[String]) -> Self {
        let modules = instance::modules(apps);
        Self {
            database_server: current.database_server,
            image: current.image,
            language: language.to_owned(),
            country: instance::country_of_template(&modules, country),
            modules,
        }
    }

    /// Whether it is one that is built before anybody asks for it.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.modules.is_empty() && instance::DEFAULT_LANGUAGES.contains(&self.language.as_str())
    }
}

/// A template's row.
#[derive(Clone, Debug)]
pub struct Template {
    /// Which one.
    pub id: TemplateId,
    /// The version of Odoo it is for.
    pub image: ImageId,
    /// Where it is.
    pub database_server: DatabaseServerId,
    /// Odoo's code of its language.
    pub language: String,
    /// Its country, or empty.
    pub country: String,
    /// What is installed.
    pub modules: Vec<String>,
    /// Its database's name.
    pub database_name: String,
    /// `wanted`, `ready`, `failed` or `retired`.
    pub state: String,
    /// The image's content.
    pub image_digest: String,
    /// Whether new environments run that image.
    pub is_current: bool,
}

/// The task.
pub struct Templates {
    site: Arc<Site>,
}

impl Templates {
    /// Makes the task.
    #[must_use]
    pub fn new(site: Arc<Site>) -> Self {
        Self { site }
    }

    async fn build(&self, lease: &Lease, template: &Template) -> anyhow::Result<()> {
        let site = &self.site;
        let name = DatabaseName::parse(&template.database_name).context("the template's name")?;
        let task = format!("template-{name}");
        // A container that a killed worker left may still be filling the database.
        site.engine.remove_task(&task).await.context("remove an earlier building")?;
        lease.hold(&site.db, &site.clock).await?;
        // Or the worker had closed the template already, and died before it could say so.
        let is_closed = site.tenants.look(&name).await.context("look at the template")? == DatabaseState::Ready;
        let took = if is_closed { None } else { Some(self.fill(lease, template, &name, task).await?) };
        let now = site.clock.now();
        let mut tx = lease.begin(&site.db).await?;
        let milliseconds = took.map(|took| i64::try_from(took.as_millis()).unwrap_or(i64::MAX));
        store::set_ready(&mut tx, template.id, milliseconds).await?;
        store::call_waiting(&mut tx, now).await?;
        db::wake(&mut tx).await?;
        tx.commit().await?;
        tracing::info!(template = %template.id, language = template.language, modules = ?template.modules, milliseconds, "a template is ready");
        Ok(())
    }

    /// Makes the template's database, fills it and closes it. Returns how long the filling took.
    async fn fill(
        &self,
        lease: &Lease,
        template: &Template,
        name: &DatabaseName,
        task: String,
    ) -> anyhow::Result<Duration> {
        let site = &self.site;
        let password = new_token();
        crash::point("template:before");
        site.tenants.create_for_template(name, &password).await.context("make the template's database")?;
        crash::point("template:middle");
        let finished = site
            .engine
            .run_once(&TaskSpec {
                installation: site.installation.clone(),
                task,
                image: template.image_digest.clone(),
                user: None,
                args: commands::template_args(),
                env: instance::template_env(site, template, RoleName::builder(name).as_str(), &password),
                cpu_millis: BUILD_CPU_MILLIS,
                memory_mb: BUILD_MEMORY_MB,
                deadline: BUILT_WITHIN,
            })
            .await
            .context("fill the template")?;
        if !finished.is_success() {
            let from = finished.log_tail.len().saturating_sub(KEPT_CHARACTERS);
            let tail = finished.log_tail.get(from..).unwrap_or(&finished.log_tail);
            return Err(Unfilled { exit_code: finished.exit_code, log_tail: tail.to_owned() }.into());
        }
        lease.hold(&site.db, &site.clock).await?;
        site.tenants.seal_template(name).await.context("close the template")?;
        crash::point("template:after");
        Ok(finished.took)
    }
}

impl Task for Templates {
    const NAME: &'static str = "templates";
    // Each building keeps a core busy.
    const AT_ONCE: usize = 2;
    const LIMIT: Duration = Duration::from_mins(16);

    async fn refresh(&self, db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
        store::refresh(db, now).await
    }

    async fn turn(&self, lease: &Lease) -> anyhow::Result<Outcome> {
        let id: TemplateId = lease.subject.to_string().parse()?;
        let mut db = self.site.db.acquire().await?;
        let template = store::get(&mut db, id).await?;
        drop(db);
        let Some(template) = template.filter(|template| matches!(template.state.as_str(), "wanted" | "failed")) else {
            return Ok(Outcome::Over);
        };
        match self.build(lease, &template).await {
            Ok(()) => Ok(Outcome::Over),
            // A daemon or a database that was away for a moment says nothing about the template.
            Err(error) if !error.is::<Unfilled>() && lease.attempts < PASSING_TRIES => Err(error),
            Err(error) => {
                let mut tx = lease.begin(&self.site.db).await?;
                store::set_failed(&mut tx, id, &crate::base::chain::of_any(&error)).await?;
                tx.commit().await?;
                Err(error)
            }
        }
    }
}
