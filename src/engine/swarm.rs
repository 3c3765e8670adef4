//! Docker in Swarm mode. Only this file and its folder name bollard.

mod containers;
mod daemon;
mod everywhere;
mod images;
mod machines;
mod road;
mod tasks;
mod tls;
mod wire;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use bollard::Docker;
use bollard::models::SecretSpec;
use bollard::query_parameters::{
    InspectServiceOptions, ListNodesOptions, ListSecretsOptionsBuilder, ListServicesOptionsBuilder,
    ListTasksOptionsBuilder, UpdateServiceOptionsBuilder,
};

use super::daemons::Certificates;
use super::{Error, LABEL_INSTALLATION, NodeSeen, RegistryLogin, Result, ServiceName, ServiceSeen, ServiceSpec};
use everywhere::Attended;
use road::Road;

/// The label on secrets: which service they are of.
const LABEL_SERVICE: &str = "sayoo.service";
/// Long enough for a busy manager to answer; a daemon that hangs is away.
const CALL_LIMIT: Duration = Duration::from_secs(10);

/// Docker engines in Swarm mode: one manager that takes orders, and the daemon of each machine. Cheap to copy.
#[derive(Clone, Debug)]
pub struct Swarm {
    endpoint: Arc<str>,
    road: Road,
    certificates: Option<Certificates>,
    installation: String,
    upstream_address: IpAddr,
    limit: Duration,
    /// The daemon of each machine, once they are known. Copies share them.
    daemons: Arc<ArcSwap<Vec<Attended>>>,
    login: Option<Arc<RegistryLogin>>,
}

impl Swarm {
    /// Names an engine; nothing is sent before the first call, so the engine may be away.
    ///
    /// `docker` is `unix:///var/run/docker.sock`; `upstream_address` is where the engine publishes ports.
    pub fn new(docker: &str, installation: &str, upstream_address: IpAddr) -> anyhow::Result<Self> {
        Self::with_certificates(docker, installation, upstream_address, None)
    }

    /// The same, with the files for daemons that are reached over TLS.
    pub fn with_certificates(
        docker: &str,
        installation: &str,
        upstream_address: IpAddr,
        certificates: Option<Certificates>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            endpoint: docker.into(),
            road: Road::to(docker, certificates.as_ref())?,
            certificates,
            installation: installation.to_owned(),
            upstream_address,
            limit: CALL_LIMIT,
            daemons: Arc::default(),
            login: None,
        })
    }

    /// Sets how long a call may take.
    #[must_use]
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Sets who we are to the registry.
    #[must_use]
    pub fn with_login(mut self, login: Option<RegistryLogin>) -> Self {
        self.login = login.map(Arc::new);
        self
    }

    /// Opens the way to the daemon.
    fn docker(&self, limit: Duration) -> Result<Docker> {
        self.road.open(limit)
    }

    /// Makes one call, which must end within the limit.
    async fn call<T, F>(&self, make: impl FnOnce(Docker) -> F) -> Result<T>
    where
        F: Future<Output = std::result::Result<T, bollard::errors::Error>>,
    {
        let docker = self.docker(self.limit)?;
        within(self.limit, make(docker)).await
    }

    /// The filter that finds only what is ours.
    fn ours(&self) -> String {
        format!("{LABEL_INSTALLATION}={}", self.installation)
    }

    pub(super) async fn ping(&self) -> Result<()> {
        self.call(|docker| async move { docker.ping().await }).await.map(drop)
    }

    pub(super) async fn observe(&self, name: &ServiceName) -> Result<Option<ServiceSeen>> {
        let found = self.find(name).await?;
        Ok(found
            .as_ref()
            .and_then(wire::service_seen)
            .filter(|_| found.as_ref().is_some_and(|found| self.is_ours(found))))
    }

    pub(super) async fn list(&self) -> Result<Vec<ServiceSeen>> {
        let options =
            ListServicesOptionsBuilder::default().filters(&HashMap::from([("label", vec![self.ours()])])).build();
        let services = self.call(|docker| async move { docker.list_services(Some(options)).await }).await?;
        Ok(services.iter().filter_map(wire::service_seen).collect())
    }

    pub(super) async fn apply(&self, spec: &ServiceSpec) -> Result<()> {
        if Box::pin(self.update(spec)).await? { Ok(()) } else { self.create(spec).await }
    }

    pub(super) async fn create(&self, spec: &ServiceSpec) -> Result<()> {
        self.remove_secrets(&spec.name, spec.generation).await?;
        let wanted = wire::service(spec, &self.put_secrets(spec).await?);
        let login = self.login_if_readable(&spec.image);
        self.call(|docker| async move { docker.create_service(wanted, login).await }).await.map(drop)
    }

    pub(super) async fn update(&self, spec: &ServiceSpec) -> Result<bool> {
        let Some(found) = self.find(&spec.name).await? else { return Ok(false) };
        let seen = wire::service_seen(&found).filter(|_| self.is_ours(&found));
        let Some(seen) = seen else {
            return Err(Error::Rejected(format!("the service {} is not ours", spec.name).into()));
        };
        if seen.generation > spec.generation {
            let text = format!("{} has generation {}, newer than {}", spec.name, seen.generation, spec.generation);
            return Err(Error::Conflict(text.into()));
        }
        if seen.fingerprint == spec.fingerprint() {
            return Ok(true);
        }
        let wanted = wire::service(spec, &self.put_secrets(spec).await?);
        Box::pin(self.replace(&spec.name, &found, wanted)).await?;
        self.remove_secrets(&spec.name, spec.generation.saturating_sub(1)).await?;
        Ok(true)
    }

    pub(super) async fn restart(&self, name: &ServiceName, restarts: u64) -> Result<()> {
        let found = self.find(name).await?.filter(|found| self.is_ours(found));
        let Some(found) = found else {
            return Err(Error::NotFound(format!("no service {name}").into()));
        };
        let mut wanted = found.spec.clone().unwrap_or_default();
        let template = wanted.task_template.get_or_insert_default();
        if template.force_update.unwrap_or(0) >= restarts {
            return Ok(());
        }
        template.force_update = Some(restarts);
        Box::pin(self.replace(name, &found, wanted)).await
    }

    pub(super) async fn remove(&self, name: &ServiceName, generation: u64) -> Result<()> {
        if let Some(found) = self.find(name).await? {
            let Some(seen) = wire::service_seen(&found).filter(|_| self.is_ours(&found)) else {
                return Err(Error::Rejected(format!("the service {name} is not ours").into()));
            };
            if seen.generation > generation {
                let text = format!("{name} has generation {}, newer than {generation}", seen.generation);
                return Err(Error::Conflict(text.into()));
            }
            // By its id: one that was made again meanwhile has another.
            let id = found.id.as_deref().unwrap_or(name.as_str());
            match self.call(|docker| async move { docker.delete_service(id).await }).await {
                Ok(()) | Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        self.remove_secrets(name, generation).await
    }

    /// Says why the newest try to run the service did not succeed, in the engine's words.
    pub(super) async fn trouble(&self, name: &ServiceName) -> Result<Option<String>> {
        let filters = HashMap::from([("service", vec![name.as_str()]), ("label", vec![])]);
        let options = ListTasksOptionsBuilder::default().filters(&filters).build();
        let tasks = match self.call(|docker| async move { docker.list_tasks(Some(options)).await }).await {
            Ok(tasks) => tasks,
            Err(Error::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let newest = tasks.into_iter().filter(|task| task.status.as_ref().is_some_and(|status| status.err.is_some()));
        Ok(newest.max_by_key(|task| task.created_at).and_then(|task| task.status?.err).filter(|text| !text.is_empty()))
    }

    pub(super) async fn nodes(&self) -> Result<Vec<NodeSeen>> {
        let nodes = self.call(|docker| async move { docker.list_nodes(None::<ListNodesOptions>).await }).await?;
        Ok(nodes.iter().filter_map(wire::node_seen).collect())
    }

    async fn find(&self, name: &ServiceName) -> Result<Option<bollard::models::Service>> {
        let found = self
            .call(|docker| async move { docker.inspect_service(name.as_str(), None::<InspectServiceOptions>).await })
            .await;
        match found {
            // The daemon also answers with a service whose id begins with the text.
            Ok(service) => Ok(Some(service)
                .filter(|it| it.spec.as_ref().and_then(|spec| spec.name.as_deref()) == Some(name.as_str()))),
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn is_ours(&self, service: &bollard::models::Service) -> bool {
        let labels = service.spec.as_ref().and_then(|spec| spec.labels.as_ref());
        labels.and_then(|labels| labels.get(LABEL_INSTALLATION)).is_some_and(|value| *value == self.installation)
    }

    async fn replace(
        &self,
        name: &ServiceName,
        found: &bollard::models::Service,
        wanted: bollard::models::ServiceSpec,
    ) -> Result<()> {
        let index = found.version.as_ref().and_then(|version| version.index).unwrap_or(0);
        let options = UpdateServiceOptionsBuilder::default().version(i32::try_from(index).unwrap_or(i32::MAX)).build();
        let container = wanted.task_template.as_ref().and_then(|task| task.container_spec.as_ref());
        let login = container.and_then(|it| it.image.as_deref()).and_then(|image| self.login_if_readable(image));
        self.call(|docker| async move { docker.update_service(name.as_str(), wanted, options, login).await })
            .await
            .map(drop)
    }

    /// Makes the secrets of this generation and returns their ids by file name.
    async fn put_secrets(&self, spec: &ServiceSpec) -> Result<Vec<wire::SecretFile>> {
        let mut files = Vec::new();
        for (file, value) in &spec.secrets {
            let name = format!("{}-{}-{file}", spec.name, spec.generation);
            let labels = HashMap::from([
                (LABEL_INSTALLATION.to_owned(), self.installation.clone()),
                (LABEL_SERVICE.to_owned(), spec.name.to_string()),
                (super::LABEL_GENERATION.to_owned(), spec.generation.to_string()),
            ]);
            let data = wire::base64(value.expose().as_bytes());
            let wanted = SecretSpec {
                name: Some(name.clone()),
                labels: Some(labels),
                data: Some(data),
                ..SecretSpec::default()
            };
            let id = match self.call(|docker| async move { docker.create_secret(wanted).await }).await {
                Ok(made) => made.id,
                // Of the same generation, so it has the same content.
                Err(Error::Conflict(_)) => self
                    .call(|docker| {
                        let name = &name;
                        async move { docker.inspect_secret(name).await }
                    })
                    .await?
                    .id
                    .ok_or_else(|| Error::NotFound(format!("the secret {name} has no id").into()))?,
                Err(error) => return Err(error),
            };
            files.push(wire::SecretFile { id, name, file: file.clone() });
        }
        Ok(files)
    }

    /// Removes the service's secrets of this generation and of older ones.
    async fn remove_secrets(&self, name: &ServiceName, generation: u64) -> Result<()> {
        let filters = HashMap::from([("label", vec![format!("{LABEL_SERVICE}={name}"), self.ours()])]);
        let options = ListSecretsOptionsBuilder::default().filters(&filters).build();
        let secrets = self.call(|docker| async move { docker.list_secrets(Some(options)).await }).await?;
        for secret in secrets {
            let labels = secret.spec.and_then(|spec| spec.labels).unwrap_or_default();
            let of = labels.get(super::LABEL_GENERATION).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
            let (Some(id), true) = (secret.id, of <= generation) else { continue };
            let id = &id;
            match self.call(|docker| async move { docker.delete_secret(id).await }).await {
                // One that an old container still uses goes at the next time.
                Ok(()) | Err(Error::NotFound(_) | Error::Rejected(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Waits for an answer, but not for ever, and classifies what went wrong.
async fn within<T>(
    limit: Duration,
    answer: impl Future<Output = std::result::Result<T, bollard::errors::Error>>,
) -> Result<T> {
    match tokio::time::timeout(limit, answer).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(wire::classified(error)),
        Err(late) => Err(Error::Unreachable(Box::new(late))),
    }
}
