//! `sayoo all`: the three processes in one tree, and as root the governor. Starts them, starts again what dies, and ends them all together.
//!
//! Another `sayoo all` of the same installation relieves this one: its web and proxy take over the listening sockets
//! (`handover.rs`). With the proxy goes the rest; two workers may be at work meanwhile, because of their leases.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::confined;
use crate::config::Config;

/// The processes, each a subcommand of this program.
const ROLES: [&str; 3] = ["web", "worker", "proxy"];
/// The one that only root may be.
const ROLE_OF_ROOT: &str = "governor";
/// The shortest and the longest pause before a dead process is started again.
const PAUSE_FROM: Duration = Duration::from_millis(250);
const PAUSE_TO: Duration = Duration::from_secs(15);
/// A process that lived this long did not die of its start: the next pause is short again.
const HEALTHY_AFTER: Duration = Duration::from_mins(1);
/// How long a process may take to end by itself: the proxy lets requests go on for 30 seconds.
const END_WITHIN: Duration = Duration::from_secs(40);

/// The exit code of a process whose successor serves: there is nothing to start again.
pub const RELIEVED: u8 = 10;

/// How a process is started.
struct Way {
    program: PathBuf,
    /// The file that this process was told to read.
    config: Option<PathBuf>,
    /// The user that the web process runs as, with what it may know.
    confined: Option<(u32, Config)>,
}

/// Runs all processes until `stop`, or until others have taken over.
pub async fn run(file: Option<&Path>, config: &Config, stop: CancellationToken) -> anyhow::Result<()> {
    let program = std::env::current_exe().context("find this program's own file")?;
    let is_root = rustix::process::geteuid().is_root();
    let confined = config.web.user.filter(|_| is_root);
    let way = Arc::new(Way {
        program,
        config: file.map(Path::to_owned),
        confined: confined.map(|user| (user, config.clone())),
    });
    let mut roles = JoinSet::new();
    for role in ROLES.into_iter().chain(is_root.then_some(ROLE_OF_ROOT)) {
        let (way, stop) = (Arc::clone(&way), stop.clone());
        roles.spawn(async move { keep(role, &way, &stop).await });
    }
    while let Some(ended) = roles.join_next().await {
        ended.context("a supervisor panicked")?;
    }
    Ok(())
}

/// Keeps one process running until `stop`, then waits for its end.
async fn keep(role: &str, way: &Way, stop: &CancellationToken) {
    let mut pause = PAUSE_FROM;
    while !stop.is_cancelled() {
        let began = Instant::now();
        match start(role, way) {
            Ok(mut child) => {
                // Held here, because waiting for a process closes its input.
                let life = child.stdin.take();
                tokio::select! {
                    status = child.wait() => {
                        if matches!(&status, Ok(status) if status.code() == Some(RELIEVED.into())) {
                            tracing::info!(role, "a process was relieved by its successor");
                            // The last of them: until here the successor's was not ready.
                            if role == "proxy" {
                                stop.cancel();
                            }
                            return;
                        }
                        tracing::error!(role, ?status, "a process died and is started again");
                    }
                    () = stop.cancelled() => {
                        drop(life);
                        return end(role, child).await;
                    }
                }
            }
            Err(error) => {
                let error = crate::base::chain::of_any(&error);
                tracing::error!(role, error, "a process does not start");
            }
        }
        pause = if began.elapsed() > HEALTHY_AFTER { PAUSE_FROM } else { (pause * 2).min(PAUSE_TO) };
        tokio::select! {
            () = sleep(pause) => {}
            () = stop.cancelled() => {}
        }
    }
}

fn start(role: &str, way: &Way) -> anyhow::Result<Child> {
    let mut command = Command::new(&way.program);
    match (&way.confined, &way.config) {
        (Some((user, config)), _) if role == "web" => {
            // Nor does it get the environment, which may set any key.
            command.arg("--config").arg(confined::web(config, *user)?).env_clear().uid(*user).gid(*user);
        }
        (_, Some(file)) => {
            command.arg("--config").arg(file);
        }
        (_, None) => {}
    }
    // The pipe is never written to: its end tells the process that this one is gone, however it ended.
    Ok(command.arg(role).arg("--with-parent").stdin(Stdio::piped()).kill_on_drop(true).spawn()?)
}

async fn end(role: &str, mut child: Child) {
    if timeout(END_WITHIN, child.wait()).await.is_err() {
        tracing::warn!(role, "a process did not end by itself and is killed");
        let _ = child.kill().await;
    }
}

/// Cancels `stop` when the process that started this one is gone.
pub fn stop_with_parent(stop: &CancellationToken) {
    let stop = stop.clone();
    // A thread of its own, because reading standard input cannot be interrupted.
    std::thread::spawn(move || {
        let mut nothing = [0];
        while matches!(std::io::stdin().read(&mut nothing), Ok(1..)) {}
        stop.cancel();
    });
}
