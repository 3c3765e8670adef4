//! Our words in Docker's, and Docker's in ours. Pure.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine as _;
use bollard::errors::Error as DockerError;
use bollard::models::{
    EndpointPortConfig, EndpointPortConfigProtocolEnum, EndpointPortConfigPublishModeEnum, EndpointSpec,
    EndpointSpecModeEnum, HealthConfig, Limit, Mount, MountTmpfsOptions, MountType, Node, NodeSpecAvailabilityEnum,
    NodeState, Service, ServiceSpec as Wanted, ServiceSpecMode, ServiceSpecModeReplicated, ServiceSpecRollbackConfig,
    ServiceSpecRollbackConfigOrderEnum, ServiceSpecUpdateConfig, ServiceSpecUpdateConfigFailureActionEnum,
    ServiceSpecUpdateConfigOrderEnum, TaskSpec, TaskSpecContainerSpec, TaskSpecContainerSpecFile,
    TaskSpecContainerSpecPrivileges, TaskSpecContainerSpecSecrets, TaskSpecLogDriver, TaskSpecPlacement,
    TaskSpecResources, TaskSpecRestartPolicy, TaskSpecRestartPolicyConditionEnum,
};

use crate::engine::spec::{HTTP_PORT, HealthCheck, PIDS_LIMIT, TMP_BYTES, WEBSOCKET_PORT};
use crate::engine::{
    Error, LABEL_FINGERPRINT, LABEL_GENERATION, LABEL_INSTALLATION, LABEL_RUNTIME, NodeSeen, ServiceName, ServiceSeen,
    ServiceSpec,
};

/// A container that has just died is given a moment, so that a crash loop does not eat a core.
const RESTART_DELAY: Duration = Duration::from_secs(3);
/// How long a new container is watched before an update counts as done: Odoo's own start and some more.
const UPDATE_MONITOR: Duration = Duration::from_secs(30);
const MIB: i64 = 1024 * 1024;
/// Read by anyone in the container, who is the tenant anyway; written by nobody.
const SECRET_MODE: u32 = 0o444;

/// A secret that exists, and the file it becomes.
pub(super) struct SecretFile {
    pub id: String,
    pub name: String,
    pub file: String,
}

/// Returns Docker's encoding of bytes.
pub(super) fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// Says a specification in Docker's words.
pub(super) fn service(spec: &ServiceSpec, secrets: &[SecretFile]) -> Wanted {
    let mut labels = container_labels(spec);
    labels.insert(LABEL_FINGERPRINT.to_owned(), spec.fingerprint());
    Wanted {
        name: Some(spec.name.to_string()),
        labels: Some(labels),
        task_template: Some(TaskSpec {
            container_spec: Some(container(spec, secrets)),
            resources: Some(TaskSpecResources {
                // No reservations: where a service goes was decided by our own placement, which knows every promise.
                limits: Some(Limit {
                    nano_cpus: Some(i64::from(spec.cpu_millis) * 1_000_000),
                    memory_bytes: Some(i64::from(spec.memory_mb) * MIB),
                    pids: Some(PIDS_LIMIT),
                }),
                ..TaskSpecResources::default()
            }),
            restart_policy: Some(TaskSpecRestartPolicy {
                condition: Some(TaskSpecRestartPolicyConditionEnum::ANY),
                delay: Some(nanos(RESTART_DELAY)),
                ..TaskSpecRestartPolicy::default()
            }),
            placement: Some(TaskSpecPlacement {
                constraints: spec.node.as_ref().map(|node| vec![format!("node.id=={node}")]),
                ..TaskSpecPlacement::default()
            }),
            force_update: Some(spec.restarts),
            log_driver: Some(TaskSpecLogDriver {
                name: Some("json-file".to_owned()),
                options: Some(HashMap::from([
                    ("max-size".to_owned(), "10m".to_owned()),
                    ("max-file".to_owned(), "3".to_owned()),
                ])),
            }),
            ..TaskSpec::default()
        }),
        mode: Some(ServiceSpecMode {
            replicated: Some(ServiceSpecModeReplicated { replicas: Some(i64::from(spec.replicas)) }),
            ..ServiceSpecMode::default()
        }),
        update_config: Some(ServiceSpecUpdateConfig {
            parallelism: Some(1),
            order: Some(ServiceSpecUpdateConfigOrderEnum::START_FIRST),
            failure_action: Some(ServiceSpecUpdateConfigFailureActionEnum::ROLLBACK),
            monitor: Some(nanos(UPDATE_MONITOR)),
            ..ServiceSpecUpdateConfig::default()
        }),
        rollback_config: Some(ServiceSpecRollbackConfig {
            parallelism: Some(1),
            order: Some(ServiceSpecRollbackConfigOrderEnum::START_FIRST),
            ..ServiceSpecRollbackConfig::default()
        }),
        endpoint_spec: Some(EndpointSpec {
            mode: Some(EndpointSpecModeEnum::DNSRR),
            ports: Some(vec![port("http", HTTP_PORT), port("websocket", WEBSOCKET_PORT)]),
        }),
        ..Wanted::default()
    }
}

fn container(spec: &ServiceSpec, secrets: &[SecretFile]) -> TaskSpecContainerSpec {
    TaskSpecContainerSpec {
        image: Some(spec.image.clone()),
        labels: Some(container_labels(spec)),
        command: spec.command.clone(),
        args: spec.args.clone(),
        // The same for all: a name would tell neighbours something.
        hostname: Some("odoo".to_owned()),
        env: Some(spec.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        user: spec.user.clone(),
        // Engines before API 1.44 do not know this field; `sayoo doctor` asks for the daemon's own setting there.
        privileges: Some(TaskSpecContainerSpecPrivileges {
            no_new_privileges: Some(true),
            ..TaskSpecContainerSpecPrivileges::default()
        }),
        read_only: Some(true),
        // Docker mounts a tmpfs noexec, nosuid and nodev by itself.
        mounts: Some(vec![Mount {
            target: Some("/tmp".to_owned()),
            typ: Some(MountType::TMPFS),
            tmpfs_options: Some(MountTmpfsOptions {
                size_bytes: Some(TMP_BYTES),
                mode: Some(0o1777),
                ..MountTmpfsOptions::default()
            }),
            ..Mount::default()
        }]),
        stop_grace_period: Some(nanos(spec.stop_grace)),
        health_check: spec.health.as_ref().map(health),
        secrets: Some(secrets.iter().map(secret).collect()),
        // The image's own program is the first process, and keeps others from the way to Docker's daemon; a program of ours has
        // Docker's.
        init: Some(spec.command.is_some()),
        capability_drop: Some(vec!["ALL".to_owned()]),
        ..TaskSpecContainerSpec::default()
    }
}

fn container_labels(spec: &ServiceSpec) -> HashMap<String, String> {
    HashMap::from([
        (LABEL_INSTALLATION.to_owned(), spec.installation.clone()),
        (LABEL_RUNTIME.to_owned(), spec.runtime.to_string()),
        (LABEL_GENERATION.to_owned(), spec.generation.to_string()),
    ])
}

fn port(name: &str, target: u16) -> EndpointPortConfig {
    EndpointPortConfig {
        name: Some(name.to_owned()),
        protocol: Some(EndpointPortConfigProtocolEnum::TCP),
        target_port: Some(i64::from(target)),
        // The engine chooses: the only way in which an old and a new container can be on one machine.
        published_port: Some(0),
        publish_mode: Some(EndpointPortConfigPublishModeEnum::HOST),
    }
}

fn health(check: &HealthCheck) -> HealthConfig {
    let command = std::iter::once("CMD".to_owned()).chain(check.command.iter().cloned());
    HealthConfig {
        test: Some(command.collect()),
        interval: Some(nanos(check.interval)),
        timeout: Some(nanos(check.timeout)),
        retries: Some(i64::from(check.retries)),
        start_period: Some(nanos(check.start_period)),
        ..HealthConfig::default()
    }
}

fn secret(secret: &SecretFile) -> TaskSpecContainerSpecSecrets {
    TaskSpecContainerSpecSecrets {
        secret_id: Some(secret.id.clone()),
        secret_name: Some(secret.name.clone()),
        file: Some(TaskSpecContainerSpecFile {
            name: Some(secret.file.clone()),
            uid: Some("0".to_owned()),
            gid: Some("0".to_owned()),
            mode: Some(SECRET_MODE),
        }),
    }
}

/// Reads a service; `None` when it lacks what every service of ours has.
pub(super) fn service_seen(service: &Service) -> Option<ServiceSeen> {
    let spec = service.spec.as_ref()?;
    let labels = spec.labels.as_ref()?;
    let template = spec.task_template.as_ref()?;
    let replicas = spec.mode.as_ref().and_then(|mode| mode.replicated.as_ref()).and_then(|mode| mode.replicas);
    Some(ServiceSeen {
        name: ServiceName::parse(spec.name.as_deref()?).ok()?,
        runtime: labels.get(LABEL_RUNTIME).and_then(|id| id.parse().ok()),
        generation: labels.get(LABEL_GENERATION).and_then(|text| text.parse().ok()).unwrap_or(0),
        fingerprint: labels.get(LABEL_FINGERPRINT).cloned().unwrap_or_default(),
        replicas: replicas.and_then(|count| u32::try_from(count).ok()).unwrap_or(0),
        restarts: template.force_update.unwrap_or(0),
        image: template.container_spec.as_ref().and_then(|container| container.image.clone()).unwrap_or_default(),
        created_at: service.created_at?,
    })
}

/// Reads a machine of the Swarm.
pub(super) fn node_seen(node: &Node) -> Option<NodeSeen> {
    let description = node.description.as_ref()?;
    let resources = description.resources.as_ref()?;
    Some(NodeSeen {
        node: node.id.clone()?,
        hostname: description.hostname.clone().unwrap_or_default(),
        is_ready: node.status.as_ref().and_then(|status| status.state) == Some(NodeState::READY),
        is_lost: node.status.as_ref().and_then(|status| status.state) == Some(NodeState::DOWN),
        is_active: node.spec.as_ref().and_then(|spec| spec.availability) == Some(NodeSpecAvailabilityEnum::ACTIVE),
        cpu_millis: i32::try_from(resources.nano_cpus.unwrap_or(0) / 1_000_000).unwrap_or(i32::MAX),
        memory_mb: i32::try_from(resources.memory_bytes.unwrap_or(0) / MIB).unwrap_or(i32::MAX),
        engine_version: description
            .engine
            .as_ref()
            .and_then(|engine| engine.engine_version.clone())
            .unwrap_or_default(),
    })
}

/// Says in our words what went wrong.
pub(super) fn classified(error: DockerError) -> Error {
    match &error {
        DockerError::DockerResponseServerError { status_code, message } => match status_code {
            404 => Error::NotFound(Box::new(error)),
            409 => Error::Conflict(Box::new(error)),
            // A stale version of a service is answered with 500 and this text.
            _ if message.contains("update out of sequence") => Error::Conflict(Box::new(error)),
            // Managers without a leader, a Swarm that is starting, a daemon that is shutting down.
            503 => Error::Unreachable(Box::new(error)),
            500 if is_passing(message) => Error::Unreachable(Box::new(error)),
            _ => Error::Rejected(Box::new(error)),
        },
        _ => Error::Unreachable(Box::new(error)),
    }
}

/// Whether a failure inside the daemon passes by itself.
fn is_passing(message: &str) -> bool {
    ["deadline exceeded", "does not have a leader", "connection", "context canceled", "shutting down", "unavailable"]
        .iter()
        .any(|part| message.contains(part))
}
