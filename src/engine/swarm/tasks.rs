//! Containers that run once: plain ones, not services, so that nothing starts them again. And one service for a line.

use std::collections::HashMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use bollard::errors::Error as DockerError;
use bollard::models::{ContainerCreateBody, HostConfig, HostConfigLogConfig};
use bollard::query_parameters::{
    CreateContainerOptions, ListContainersOptionsBuilder, LogsOptionsBuilder, RemoveContainerOptionsBuilder,
    StartContainerOptions, WaitContainerOptions,
};
use futures_util::{StreamExt, TryStreamExt};

use super::{Swarm, within};
use crate::engine::spec::{PIDS_LIMIT, TMP_BYTES};
use crate::engine::{Daemon, Error, Finished, LABEL_INSTALLATION, LABEL_TASK, Result, ServiceSpec, TaskSpec};

/// How many of the last lines are kept: a traceback and what led to it.
const TAIL: &str = "80";
/// How often a service that is to write a line is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// On top of the task's own deadline, for the daemon to answer.
const MARGIN: Duration = Duration::from_secs(30);

impl Swarm {
    pub(in crate::engine) async fn run_once(&self, task: &TaskSpec) -> Result<Finished> {
        let started = Instant::now();
        let body = self.body(task);
        let made = self
            .call(|docker| async move { docker.create_container(None::<CreateContainerOptions>, body).await })
            .await?;
        let ended = self.started_and_waited_for(&made.id, task.deadline).await;
        let log_tail = self.tail(&made.id).await;
        self.remove_container(&made.id).await?;
        Ok(Finished { exit_code: ended?, log_tail: log_tail?, took: started.elapsed() })
    }

    pub(in crate::engine) async fn first_line(
        &self,
        daemon: &Daemon,
        spec: &ServiceSpec,
        within: Duration,
    ) -> Result<String> {
        let machine = self.through(daemon)?;
        Box::pin(self.apply(spec)).await?;
        let found = tokio::time::timeout(within, self.line_of(&machine, spec)).await;
        self.remove(&spec.name, spec.generation).await?;
        found.unwrap_or_else(|late| Err(Error::Unreachable(Box::new(late))))
    }

    async fn line_of(&self, machine: &Self, spec: &ServiceSpec) -> Result<String> {
        loop {
            if let Some(line) = machine.logs_here(&spec.name, 0, 1).await?.pop() {
                return Ok(line.text);
            }
            if let Some(trouble) = self.trouble(&spec.name).await? {
                return Err(Error::Rejected(trouble.into()));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    pub(in crate::engine) async fn remove_task(&self, task: &str) -> Result<usize> {
        self.remove_tasks(format!("{LABEL_TASK}={task}"), None).await
    }

    pub(in crate::engine) async fn remove_leftover_tasks(&self, age: Duration) -> Result<usize> {
        self.remove_tasks(LABEL_TASK.to_owned(), Some(age)).await
    }

    async fn remove_tasks(&self, label: String, age: Option<Duration>) -> Result<usize> {
        let filters = HashMap::from([("label", vec![label, self.ours()])]);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        let found = self.call(|docker| async move { docker.list_containers(Some(options)).await }).await?;
        let now = crate::base::clock::Clock::System.now().timestamp();
        let mut removed = 0;
        for container in found {
            let seconds = container.created.map_or(0, |created| now.saturating_sub(created));
            let is_old = age.is_none_or(|age| seconds >= i64::try_from(age.as_secs()).unwrap_or(i64::MAX));
            if let (Some(id), true) = (container.id, is_old) {
                self.remove_container(&id).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn body(&self, task: &TaskSpec) -> ContainerCreateBody {
        ContainerCreateBody {
            hostname: Some("odoo".to_owned()),
            image: Some(task.image.clone()),
            user: task.user.clone(),
            cmd: Some(task.args.clone()),
            env: Some(task.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
            labels: Some(HashMap::from([
                (LABEL_INSTALLATION.to_owned(), self.installation.clone()),
                (LABEL_TASK.to_owned(), task.task.clone()),
            ])),
            host_config: Some(HostConfig {
                nano_cpus: Some(i64::from(task.cpu_millis) * 1_000_000),
                memory: Some(i64::from(task.memory_mb) * 1024 * 1024),
                pids_limit: Some(PIDS_LIMIT),
                cap_drop: Some(vec!["ALL".to_owned()]),
                security_opt: Some(vec!["no-new-privileges".to_owned()]),
                readonly_rootfs: Some(true),
                tmpfs: Some(HashMap::from([(
                    "/tmp".to_owned(),
                    format!("rw,noexec,nosuid,nodev,mode=1777,size={TMP_BYTES}"),
                )])),
                init: Some(true),
                log_config: Some(HostConfigLogConfig {
                    typ: Some("json-file".to_owned()),
                    config: Some(HashMap::from([("max-size".to_owned(), "10m".to_owned())])),
                }),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        }
    }

    /// Returns the exit code, or `None` when the deadline passed.
    async fn started_and_waited_for(&self, id: &str, deadline: Duration) -> Result<Option<i64>> {
        self.call(|docker| async move { docker.start_container(id, None::<StartContainerOptions>).await }).await?;
        let docker = self.docker(deadline + MARGIN)?;
        let mut waiting = std::pin::pin!(docker.wait_container(id, None::<WaitContainerOptions>));
        match tokio::time::timeout(deadline, waiting.next()).await {
            Err(_late) => Ok(None),
            Ok(Some(Ok(ended))) => Ok(Some(ended.status_code)),
            // bollard makes an error of an exit code that is not 0.
            Ok(Some(Err(DockerError::DockerContainerWaitError { code, .. }))) => Ok(Some(code)),
            Ok(Some(Err(error))) => Err(super::wire::classified(error)),
            Ok(None) => Err(Error::Unreachable("the daemon stopped telling about the container".into())),
        }
    }

    async fn tail(&self, id: &str) -> Result<String> {
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).tail(TAIL).build();
        let docker = self.docker(self.limit)?;
        let output: Vec<_> = within(self.limit, docker.logs(id, Some(options)).try_collect()).await?;
        Ok(output.iter().fold(String::new(), |mut text, part| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{part}");
            text
        }))
    }

    async fn remove_container(&self, id: &str) -> Result<()> {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        match self.call(|docker| async move { docker.remove_container(id, Some(options)).await }).await {
            // A conflict says that it is being removed already.
            Ok(()) | Err(Error::NotFound(_) | Error::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
