//! The program as a process of its own, which ends with the test.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

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

impl Drop for Process {
    fn drop(&mut self) {
        // It may be dead already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
