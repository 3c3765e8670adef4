//! Docker: it answers, is a Swarm's manager, keeps containers apart, and has the image.

use super::{Finding, store};
use crate::base::chain;
use crate::config::Config;
use crate::db;
use crate::engine::{Certificates, DaemonSeen, Engine, Swarm};

/// Looks at the engine.
pub async fn examine(config: &Config) -> Vec<Finding> {
    let Ok(address) = config.worker.upstream_address.parse() else {
        return vec![Finding::bad(
            "Docker",
            "[worker] upstream_address is no IP address",
            "give the address that dockerd --ip has",
        )];
    };
    let certificates = Some(Certificates::in_folder(&config.docker_certificates()));
    let made = Swarm::with_certificates(&config.worker.docker, &config.installation.name, address, certificates);
    let swarm = match made {
        Ok(swarm) => Engine::Swarm(swarm),
        Err(error) => return vec![Finding::bad("Docker", chain::of_any(&error), "correct [worker] docker")],
    };
    let daemon = match swarm.daemon().await {
        Ok(daemon) => daemon,
        Err(error) => {
            let remedy = "start Docker (systemctl start docker, or bin/up), and let the worker's user reach its socket";
            return vec![Finding::bad("Docker", chain::of(&error), remedy)];
        }
    };
    let mut findings = judge(&daemon, &config.worker.upstream_address);
    findings.push(image(config, &swarm).await);
    findings
}

/// Judges what was seen of a daemon. Pure.
fn judge(daemon: &DaemonSeen, publishes_on: &str) -> Vec<Finding> {
    let restart = "then restart Docker";
    let enforces = |option: &str| daemon.security_options.iter().any(|entry| entry.contains(option));
    vec![
        Finding::good("Docker", format!("{} (API {})", daemon.version, daemon.api_version)),
        if daemon.is_manager {
            Finding::good("Swarm", "this machine is a manager")
        } else {
            Finding::bad(
                "Swarm",
                "this machine is not a manager of a Swarm",
                "docker swarm init --advertise-addr 127.0.0.1",
            )
        },
        if daemon.containers_can_talk {
            let remedy = format!("set \"icc\": false in /etc/docker/daemon.json, {restart}");
            Finding::bad("Docker, isolation", "containers of different tenants can reach each other", remedy)
        } else {
            Finding::good("Docker, isolation", "containers cannot reach each other")
        },
        if daemon.publishes_on == publishes_on {
            Finding::good("Docker, published ports", daemon.publishes_on.clone())
        } else {
            let matter = format!("instances' ports are bound to {}, past the proxy", daemon.publishes_on);
            let remedy = format!("set \"ip\": \"{publishes_on}\" in /etc/docker/daemon.json, {restart}");
            Finding::bad("Docker, published ports", matter, remedy)
        },
        if enforces("no-new-privileges") {
            Finding::good("Docker, privileges", "no process gains privileges")
        } else {
            let remedy = format!("set \"no-new-privileges\": true in /etc/docker/daemon.json, {restart}");
            Finding::weak("Docker, privileges", "a set-user-id program in an image would gain privileges", remedy)
        },
        if enforces("seccomp") {
            Finding::good("Docker, system calls", "filtered")
        } else {
            Finding::bad(
                "Docker, system calls",
                "seccomp is off",
                "install a Docker with seccomp and do not disable its profile",
            )
        },
    ]
}

async fn image(config: &Config, engine: &Engine) -> Finding {
    let what = "instance image";
    let reference = &config.odoo.image;
    let seen = match engine.image(reference).await {
        Err(error) => return Finding::bad(what, chain::of(&error), "see Docker above"),
        Ok(None) => {
            return Finding::bad(what, format!("Docker has no {reference}"), "docker/odoo/build (bin/up does it)");
        }
        Ok(Some(seen)) => seen,
    };
    let registered = async {
        let pool = db::pool(&config.database.owner_url, 1)?;
        let mut db = pool.acquire().await?;
        Ok::<_, anyhow::Error>(store::current_image(&mut db).await?)
    };
    match registered.await {
        Err(_) => Finding::weak(
            what,
            "the control database cannot be asked whether it is registered",
            "see control database above",
        ),
        Ok(Some(digest)) if digest == seen.digest => Finding::good(what, reference.clone()),
        Ok(_) => Finding::weak(
            what,
            format!("{reference} is not the registered one"),
            "sayoo setup registers it; new instances then use it",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn safe() -> DaemonSeen {
        DaemonSeen {
            version: "20.10.24".to_owned(),
            api_version: "1.41".to_owned(),
            is_manager: true,
            containers_can_talk: false,
            publishes_on: "127.0.0.1".to_owned(),
            security_options: vec!["name=seccomp,profile=default".to_owned(), "name=no-new-privileges".to_owned()],
            ..DaemonSeen::default()
        }
    }

    #[test]
    fn a_daemon_with_the_right_flags_has_no_fault() {
        assert!(
            judge(&safe(), "127.0.0.1").iter().all(|finding| matches!(finding.verdict, super::super::Verdict::Good(_)))
        );
    }

    #[test]
    fn each_wrong_flag_is_a_fault_of_its_own() {
        let faults = |daemon: DaemonSeen| judge(&daemon, "127.0.0.1").iter().filter(|finding| finding.is_bad()).count();
        assert_eq!(faults(DaemonSeen { is_manager: false, ..safe() }), 1);
        assert_eq!(faults(DaemonSeen { containers_can_talk: true, ..safe() }), 1);
        assert_eq!(faults(DaemonSeen { publishes_on: "0.0.0.0".to_owned(), ..safe() }), 1);
        assert_eq!(faults(DaemonSeen { security_options: vec![], ..safe() }), 1);
    }
}
