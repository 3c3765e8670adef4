//! The program as a process of its own, which ends with the test.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use sqlx::{ConnectOptions, PgPool};

use super::engine::pause;

/// How long anything may take that ends by itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process.
pub struct Process(Child);

impl Process {
    /// Starts a role of the program.
    pub fn start(config: &Path, role: &str, environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sayoo"));
        command.arg("--config").arg(config).arg(role).stdin(Stdio::null()).env("RUST_LOG", "warn");
        Self(command.envs(environment.iter().copied()).spawn().unwrap())
    }

    /// Whether it has ended.
    pub fn is_over(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    /// Waits until it has ended, and returns its code; `None` when a signal ended it.
    pub async fn ended(&mut self) -> Option<i32> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            assert!(began.elapsed() < PATIENCE, "it never ended");
            pause().await;
        }
    }

    /// Waits until it was killed: by SIGKILL, and by nothing else.
    pub async fn killed(&mut self, place: &str) {
        let code = self.ended().await;
        let status = self.0.try_wait().unwrap();
        let signal = status.and_then(|status| status.signal());
        assert_eq!(signal, Some(Signal::KILL.as_raw()), "{place}: it ended with {code:?}");
    }

    /// Waits until it was stopped by a signal.
    pub async fn stopped(&self) {
        let (began, stat) = (Instant::now(), format!("/proc/{}/stat", self.0.id()));
        // After the name in brackets comes the letter of its state.
        while !std::fs::read_to_string(&stat).unwrap().rsplit_once(") ").unwrap().1.starts_with('T') {
            assert!(began.elapsed() < PATIENCE, "it was never stopped");
            pause().await;
        }
    }

    /// Sends it a signal.
    pub fn send(&self, signal: Signal) {
        let id = Pid::from_raw(i32::try_from(self.0.id()).unwrap()).unwrap();
        rustix::process::kill_process(id, signal).unwrap();
    }
}

/// Writes a configuration for commands that need the control database only; nothing else in it is there.
pub fn configuration(db: &PgPool, folder: &Path) -> PathBuf {
    let (at, url) = (folder.display(), db.connect_options().to_url_lossy());
    let text = format!(
        r#"
        installation = {{ name = "command", data_dir = "{at}" }}
        public = {{ portal_url = "http://localhost:8080", instances_url = "http://{{name}}.localhost:8080", mode = "development" }}
        database = {{ owner_url = "{url}", web_url = "{url}", worker_url = "{url}", proxy_url = "{url}" }}
        web = {{ listen = "127.0.0.1:0", sso_key_file = "{at}/none", cookie_key_file = "{at}/none" }}
        proxy = {{ listen = "127.0.0.1:0", web_upstream = "127.0.0.1:1", table_file = "{at}/routes.json" }}
        worker = {{ docker = "unix:///none", sealing_key_file = "{at}/none", upstream_address = "127.0.0.1", sso_public_key_file = "{at}/none" }}
        tenants = {{ admin_url = "{url}", host_for_containers = "127.0.0.1", port_for_containers = 1 }}
        odoo = {{ image = "none" }}
        mail = {{ from = "Sayoo <no-reply@localhost>" }}
        "#
    );
    let file = folder.join("sayoo.toml");
    std::fs::write(&file, text).unwrap();
    file
}

/// Runs a command of the program until it ends.
pub async fn run(config: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sayoo"));
    command.arg("--config").arg(config).args(words);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be dead already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
