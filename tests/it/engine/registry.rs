//! A registry that asks for a login, on this machine, and what the engine does with it.

use std::process::{Child, Command, Stdio};

use sayoo::base::secret::new_code;
use sayoo::engine::{Daemon, Engine, RegistryLogin, Swarm};
use tempfile::TempDir;

use crate::reconcile::updating::image_with;
use crate::support::engine::{DOCKER, TestEngine, docker, pause};

/// `sayoo` with the password `correct-horse`, as `htpasswd -B` writes it.
const USERS: &str = "sayoo:$2y$05$wwlKfFTwqDw8CgJU0Ifna.BOWo8FB35JzutMzT9L5vpgFI.Ns5ccW\n";

/// Debian's registry, on a port of the loopback network: Docker asks there without TLS.
struct Registry {
    program: Child,
    address: String,
    folder: TempDir,
}

impl Registry {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name).display().to_string();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        std::fs::write(place("users"), USERS).unwrap();
        std::fs::write(
            place("registry.yml"),
            format!(
                "version: 0.1\nlog: {{ level: error }}\nstorage: {{ filesystem: {{ rootdirectory: {} }} }}\n\
                 http: {{ addr: '{address}' }}\nauth: {{ htpasswd: {{ realm: sayoo, path: {} }} }}\n",
                place("data"),
                place("users")
            ),
        )
        .unwrap();
        let program = Command::new("docker-registry")
            .args(["serve", &place("registry.yml")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("docker-registry is not installed: bin/test installs it");
        while std::net::TcpStream::connect(&address).is_err() {
            pause().await;
        }
        Self { program, address, folder }
    }

    /// An engine that shows this file's login.
    fn engine(&self, test: &TestEngine, password: &str) -> Engine {
        let file = self.folder.path().join(new_code(6));
        std::fs::write(&file, format!("sayoo:{password}\n")).unwrap();
        let login = RegistryLogin { registry: self.address.clone(), file };
        let swarm = Swarm::new(DOCKER, &test.installation, "127.0.0.1".parse().unwrap()).unwrap();
        Engine::Swarm(swarm.with_login(Some(login)))
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

fn this_machine() -> Daemon {
    Daemon {
        node: String::new(),
        endpoint: format!("unix://{DOCKER}"),
        upstream_address: "127.0.0.1".parse().unwrap(),
        is_lost: false,
    }
}

#[tokio::test]
async fn a_registry_with_a_login_is_sent_to_fetched_from_and_used_by_services() {
    let (test, registry) = (TestEngine::new(), Registry::new().await);
    let image = image_with(&test.image, &format!("LABEL of={}", new_code(8)));
    let (right, wrong) = (registry.engine(&test, "correct-horse"), registry.engine(&test, "battery-staple"));
    let (repository, daemon) = (format!("{}/sayoo/odoo", registry.address), this_machine());

    for stranger in [&test.engine, &wrong] {
        let refused = stranger.publish(&image, &repository, "sha-1").await.unwrap_err();
        let said = format!("{refused:?} {}", sayoo::base::chain::of(&refused));
        assert!(said.contains("no basic auth credentials") || said.contains("unauthorized"), "{said}");
        assert!(!said.contains("battery-staple"), "{said}");
    }
    let pinned = right.publish(&image, &repository, "sha-1").await.unwrap();
    assert!(pinned.starts_with(&format!("{repository}@sha256:")), "{pinned}");
    assert!(right.is_published(&pinned).await.unwrap());
    let another = format!("{repository}@sha256:{}", "0".repeat(64));
    assert!(!right.is_published(&another).await.unwrap(), "a digest that is not there is certainly not there");
    assert!(wrong.is_published(&pinned).await.is_err(), "a login that is refused says nothing of the image");

    // As on a machine that has never had it.
    let forget = || async {
        for name in [format!("{repository}:sha-1"), pinned.clone(), image.clone()] {
            right.drop_image_on(&daemon, &name).await.unwrap();
        }
        assert_eq!(right.image_on(&daemon, &pinned).await.unwrap(), None);
    };
    forget().await;
    assert!(wrong.fetch_on(&daemon, &pinned).await.is_err());
    right.fetch_on(&daemon, &pinned).await.unwrap();
    assert_eq!(right.image_on(&daemon, &pinned).await.unwrap().map(|seen| seen.digest), Some(image.clone()));

    forget().await;
    let mut service = test.service(&[]);
    service.image = pinned.clone();
    right.apply(&service).await.unwrap();
    test.until(&service.name, |seen| seen.iter().any(|container| container.state.is_alive())).await;
    docker(&["service", "rm", service.name.as_str()]);
}
