//! A real Docker engine with the stand-in instance image, under an installation's name of the test's own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sayoo::base::clock::Clock;
use sayoo::base::ids::RuntimeId;
use sayoo::base::secret::new_code;
use sayoo::engine::{Certificates, ContainerSeen, Engine, HealthCheck, ServiceName, ServiceSpec, Swarm, TaskSpec};
use sha2::{Digest, Sha256};

/// The engine that tests use.
pub const DOCKER: &str = "/var/run/docker.sock";

/// An engine in which this test has made everything that carries its installation's name; dropped with all of it.
pub struct TestEngine {
    pub engine: Engine,
    pub installation: String,
    pub image: String,
    /// How its first daemon is reached, and where that one's containers are.
    pub docker: String,
    pub upstream_address: String,
}

impl TestEngine {
    /// Builds the stand-in image if it is not there yet.
    pub fn new() -> Self {
        Self::through(Path::new(DOCKER), Duration::from_secs(10))
    }

    /// The same, with another socket between it and the engine.
    pub fn through(socket: &Path, limit: Duration) -> Self {
        let installation = format!("t{}", new_code(9));
        let swarm = Swarm::new(socket.to_str().unwrap(), &installation, "127.0.0.1".parse().unwrap()).unwrap();
        Self {
            engine: Engine::Swarm(swarm.with_limit(limit)),
            installation,
            image: standin_image(),
            docker: format!("unix://{DOCKER}"),
            upstream_address: "127.0.0.1".to_owned(),
        }
    }

    /// An engine elsewhere.
    pub fn at(docker: &str, upstream_address: &str, certificates: Option<Certificates>) -> Self {
        let installation = format!("t{}", new_code(9));
        let address = upstream_address.parse().unwrap();
        let swarm = Swarm::with_certificates(docker, &installation, address, certificates).unwrap();
        Self {
            engine: Engine::Swarm(swarm),
            installation,
            image: standin_image(),
            docker: docker.to_owned(),
            upstream_address: upstream_address.to_owned(),
        }
    }

    /// Returns a service of the stand-in that behaves well.
    pub fn service(&self, env: &[(&str, &str)]) -> ServiceSpec {
        ServiceSpec {
            installation: self.installation.clone(),
            name: ServiceName::of(&self.installation, &new_code(20)).unwrap(),
            runtime: RuntimeId::new(Clock::System.now()),
            generation: 1,
            image: self.image.clone(),
            user: None,
            command: None,
            args: None,
            env: env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            secrets: BTreeMap::new(),
            node: None,
            replicas: 1,
            cpu_millis: 500,
            memory_mb: 64,
            health: None,
            restarts: 0,
            stop_grace: Duration::from_secs(2),
        }
    }

    /// Returns a task of the stand-in.
    pub fn task(&self, args: &[&str], deadline: Duration) -> TaskSpec {
        TaskSpec {
            installation: self.installation.clone(),
            task: "test".to_owned(),
            image: self.image.clone(),
            user: None,
            args: args.iter().map(|word| (*word).to_owned()).collect(),
            env: BTreeMap::new(),
            cpu_millis: 500,
            memory_mb: 64,
            deadline,
        }
    }

    /// Waits until the service's containers are as the test wants them, and returns them.
    pub async fn until(&self, name: &ServiceName, is_so: impl Fn(&[ContainerSeen]) -> bool) -> Vec<ContainerSeen> {
        let mut seen = Vec::new();
        for _ in 0..900 {
            seen = self.engine.containers(name).await.unwrap_or_default();
            if is_so(&seen) {
                return seen;
            }
            pause().await;
        }
        panic!("the containers of {name} are not as wanted: {seen:#?}");
    }

    /// Waits until one container of the service answers, and returns it.
    pub async fn until_answering(&self, name: &ServiceName) -> ContainerSeen {
        for _ in 0..900 {
            let seen = self.engine.containers(name).await.unwrap_or_default();
            if let Some(container) = seen.into_iter().find(|container| container.address.is_some())
                && get(&container, "/web/login").await.is_some()
            {
                return container;
            }
            pause().await;
        }
        panic!("{name} does not answer: {:#?}", self.engine.containers(name).await);
    }
}

impl Drop for TestEngine {
    fn drop(&mut self) {
        let filter = format!("label=sayoo.installation={}", self.installation);
        for (list, remove) in [
            (vec!["service", "ls"], vec!["service", "rm"]),
            (vec!["secret", "ls"], vec!["secret", "rm"]),
            (vec!["container", "ls", "--all"], vec!["container", "rm", "--force"]),
        ] {
            let at = ["--host", self.docker.as_str()];
            let found = docker(&[&at, &list[..], &["--quiet", "--filter", &filter]].concat());
            let ids: Vec<&str> = found.split_whitespace().collect();
            if !ids.is_empty() {
                docker(&[&at, &remove[..], &ids].concat());
            }
        }
    }
}

/// A health check that says soon whether the stand-in is well.
pub fn quick_health() -> HealthCheck {
    HealthCheck {
        command: vec!["/standin".to_owned(), "health".to_owned()],
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
        retries: 2,
        start_period: Duration::from_secs(1),
    }
}

/// Asks a container for a page; `None` when it does not answer in time.
pub async fn get(container: &ContainerSeen, path: &str) -> Option<String> {
    let address = container.address?;
    let answer = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .build()
        .unwrap()
        .get(format!("http://{address}{path}"))
        .send()
        .await
        .ok()?;
    answer.text().await.ok()
}

/// The only pause in the tests: between two looks at something that is on its way.
pub async fn pause() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// Runs the Docker client and returns what it wrote.
pub fn docker(words: &[&str]) -> String {
    let output = Command::new("docker").args(words).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Returns the stand-in image's content, built when its source has changed.
fn standin_image() -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/standin");
    let source = ["standin.c", "Dockerfile"].map(|file| std::fs::read(folder.join(file)).unwrap()).concat();
    let tag = format!("sayoo-standin:{}", hex::encode(&Sha256::digest(source)[..6]));
    let find = || docker(&["image", "inspect", "--format", "{{.Id}}", &tag]).trim().to_owned();
    if find().is_empty() {
        let place = tempfile::tempdir().unwrap();
        std::fs::copy(folder.join("Dockerfile"), place.path().join("Dockerfile")).unwrap();
        let program = place.path().join("standin");
        let built = Command::new("gcc")
            .args(["-static", "-Os", "-s", "-o"])
            .arg(&program)
            .arg(folder.join("standin.c"))
            .status()
            .unwrap();
        assert!(built.success(), "gcc cannot build the stand-in");
        docker(&["build", "--quiet", "--tag", &tag, place.path().to_str().unwrap()]);
    }
    let image = find();
    assert!(image.starts_with("sha256:"), "the stand-in image was not built");
    image
}
