//! Copies new log lines of the environments whose log somebody is looking at.

pub mod store;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use sqlx::PgConnection;

use crate::base::chain;
use crate::base::ids::EnvironmentId;
use crate::db::StoreError;
use crate::engine::{self, LogLine, ServiceName};

use super::Site;
use super::driver::{Outcome, Task};
use super::lease::Lease;

const COPY_EVERY: Duration = Duration::from_secs(1);
/// The first page that a reader sees, and the most that is copied each time: a flood of lines is cut.
const LINES_AT_ONCE: usize = 500;
/// The longest part of a line that is kept.
const LINE_CHARACTERS: usize = 4000;
const KEPT_FOR: TimeDelta = TimeDelta::days(7);

/// The task.
pub struct Logs {
    site: Arc<Site>,
}

impl Logs {
    /// Makes the task.
    #[must_use]
    pub fn new(site: Arc<Site>) -> Self {
        Self { site }
    }
}

impl Task for Logs {
    const NAME: &'static str = "logs";
    const AT_ONCE: usize = 8;
    const LIMIT: Duration = Duration::from_secs(10);

    async fn refresh(&self, db: &mut PgConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
        store::refresh(db, now).await
    }

    async fn turn(&self, lease: &Lease) -> anyhow::Result<Outcome> {
        let site = &self.site;
        let id: EnvironmentId = lease.subject.to_string().parse()?;
        let now = site.clock.now();
        let mut db = site.db.acquire().await?;
        let Some(watch) = store::watch(&mut db, id, now).await? else {
            store::prune(&mut db, now - KEPT_FOR).await?;
            return Ok(Outcome::Over);
        };
        let (sources, names): (Vec<_>, Vec<_>) = services(&site.installation, &watch)?.into_iter().unzip();
        let since = store::since(&mut db, id, &sources).await?;
        drop(db);
        let answers = names.iter().zip(since).map(|(name, since)| site.engine.logs(name, since, LINES_AT_ONCE));
        let answers = join_all(answers).await;
        let lines = those_that_answered(sources, answers)?;
        if !lines.is_empty() {
            let cut = |text: &str| text.chars().filter(|letter| *letter != '\0').take(LINE_CHARACTERS).collect();
            let copied = store::Lines {
                containers: lines.iter().map(|(_, line)| line.container.clone()).collect(),
                sources: lines.iter().map(|(source, _)| source.clone()).collect(),
                at_nanos: lines.iter().map(|(_, line)| line.at_nanos).collect(),
                streams: lines.iter().map(|(_, line)| line.stream.as_str().to_owned()).collect(),
                texts: lines.iter().map(|(_, line)| cut(&line.text)).collect(),
            };
            let mut tx = lease.begin(&site.db).await?;
            store::insert(&mut tx, id, &copied).await?;
            tx.commit().await?;
        }
        Ok(Outcome::Settled(COPY_EVERY))
    }
}

/// Returns the services of an environment, by what their lines are named after.
fn services(installation: &str, watch: &store::Watch) -> anyhow::Result<Vec<(String, ServiceName)>> {
    let Some(code) = &watch.code else { return Ok(Vec::new()) };
    let slot = watch.slot.unwrap_or(0);
    let mut all = vec![(String::new(), ServiceName::of_slot(installation, code, slot)?)];
    if let Some(state) = &watch.update {
        let source = if state == "switched" { "old" } else { "new" };
        all.push((source.to_owned(), ServiceName::of_slot(installation, code, 1 - slot)?));
    }
    for number in &watch.replicas {
        all.push((format!("r{number}"), ServiceName::of_replica(installation, code, *number)?));
    }
    Ok(all)
}

/// Returns what was read, in the order in which it was written. One whose machine does not answer keeps nobody from reading
/// the others.
fn those_that_answered(
    sources: Vec<String>,
    answers: Vec<engine::Result<Vec<LogLine>>>,
) -> anyhow::Result<Vec<(String, LogLine)>> {
    let (mut lines, mut answered, mut failure) = (Vec::new(), 0, None);
    for (source, answer) in sources.into_iter().zip(answers) {
        match answer {
            Ok(read) => lines.extend(read.into_iter().map(|line| (source.clone(), line))),
            // What is stopped has no service and so no log of its own.
            Err(engine::Error::NotFound(_)) => {}
            Err(error) => {
                tracing::debug!(source, error = chain::of(&error), "a log cannot be read");
                failure = Some(error);
                continue;
            }
        }
        answered += 1;
    }
    match failure {
        Some(error) if answered == 0 => Err(error).context("read the log"),
        _ => {
            lines.sort_by_key(|(_, line)| line.at_nanos);
            Ok(lines)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(update: Option<&str>, replicas: Vec<i32>) -> store::Watch {
        store::Watch { code: Some("c".to_owned()), slot: Some(1), update: update.map(str::to_owned), replicas }
    }

    #[test]
    fn every_container_is_read_under_a_name_of_its_own() {
        let of = |watch: store::Watch| {
            let all = services("sayoo", &watch).unwrap();
            all.into_iter().map(|(source, name)| format!("{source}={name}")).collect::<Vec<_>>()
        };
        assert_eq!(of(watch(None, vec![])), ["=sayoo-c-b"]);
        assert_eq!(
            of(watch(Some("starting"), vec![2, 5])),
            ["=sayoo-c-b", "new=sayoo-c", "r2=sayoo-c-r2", "r5=sayoo-c-r5"]
        );
        assert_eq!(of(watch(Some("switched"), vec![])), ["=sayoo-c-b", "old=sayoo-c"]);
        assert_eq!(of(store::Watch { code: None, ..watch(None, vec![]) }), [""; 0]);
    }

    #[test]
    fn one_that_does_not_answer_hides_none_of_the_others() {
        let line = |at_nanos| LogLine {
            container: "c".to_owned(),
            at_nanos,
            stream: engine::Stream::Out,
            text: at_nanos.to_string(),
        };
        let away = || Err(engine::Error::Unreachable("no answer".into()));
        let gone = || Err(engine::Error::NotFound("no such service".into()));
        let read = |answers: Vec<engine::Result<Vec<LogLine>>>| {
            let sources = (0..answers.len()).map(|number| number.to_string()).collect();
            those_that_answered(sources, answers)
        };
        let lines = read(vec![Ok(vec![line(1), line(3)]), away(), Ok(vec![line(2)])]).unwrap();
        let told: Vec<_> = lines.iter().map(|(source, line)| (source.as_str(), line.at_nanos)).collect();
        assert_eq!(told, [("0", 1), ("2", 2), ("0", 3)]);
        assert!(read(vec![gone(), away()]).unwrap().is_empty());
        assert!(read(vec![away(), away()]).is_err());
        assert!(read(vec![]).unwrap().is_empty());
    }
}
