//! A socket between the program and the engine that delays, cuts and fails calls by rule.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

/// What happens to a call.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// It reaches the engine later.
    Delay(Duration),
    /// It never reaches the engine; the connection breaks.
    CutBefore,
    /// The engine does it; the answer is lost.
    CutAfter,
    /// Taken and never answered, as a hung daemon does.
    Hang,
    /// Answered with this status and a text.
    Answer(u16, &'static str),
}

/// Calls whose request line contains `part` meet the fault, `times` times.
#[derive(Clone, Debug)]
struct Rule {
    part: String,
    fault: Fault,
    times: usize,
}

/// The proxy. Ends with the test.
pub struct FaultProxy {
    folder: tempfile::TempDir,
    rules: Arc<Mutex<Vec<Rule>>>,
    calls: Arc<Mutex<Vec<String>>>,
}

impl FaultProxy {
    /// Listens on a socket of its own in front of another one.
    pub fn before(engine: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("docker.sock")).unwrap();
        let proxy = Self { folder, rules: Arc::default(), calls: Arc::default() };
        let (rules, calls, engine) = (proxy.rules.clone(), proxy.calls.clone(), engine.to_owned());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (rules, calls, engine) = (rules.clone(), calls.clone(), engine.clone());
                tokio::spawn(async move { drop(passed(client, &engine, &rules, &calls).await) });
            }
        });
        proxy
    }

    /// The socket to give to the program.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("docker.sock")
    }

    /// Makes calls whose request line (`POST /v1.41/services/create HTTP/1.1`) contains a text meet a fault.
    pub fn rule(&self, part: &str, fault: Fault, times: usize) {
        self.rules.lock().unwrap().push(Rule { part: part.to_owned(), fault, times });
    }

    /// Forgets every rule.
    pub fn mend(&self) {
        self.rules.lock().unwrap().clear();
    }

    /// Returns the request lines so far.
    pub fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

async fn passed(
    mut client: UnixStream,
    engine: &Path,
    rules: &Mutex<Vec<Rule>>,
    calls: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let mut part = [0; 4096];
        let read = client.read(&mut part).await?;
        if read == 0 {
            return Ok(());
        }
        head.extend_from_slice(&part[..read]);
    }
    let line = String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned();
    calls.lock().unwrap().push(line.clone());
    let fault = {
        let mut rules = rules.lock().unwrap();
        rules.iter_mut().find(|rule| rule.times > 0 && line.contains(&rule.part)).map(|rule| {
            rule.times -= 1;
            rule.fault
        })
    };
    match fault {
        None => {}
        Some(Fault::Delay(time)) => tokio::time::sleep(time).await,
        Some(Fault::CutBefore) => return Ok(()),
        Some(Fault::Hang) => {
            // Until the caller gives up.
            while client.read(&mut [0; 4096]).await? > 0 {}
            return Ok(());
        }
        Some(Fault::Answer(status, text)) => {
            let body = format!("{{\"message\":\"{text}\"}}");
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status} Fault\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
            return client.write_all(answer.as_bytes()).await;
        }
        Some(Fault::CutAfter) => {
            let mut server = UnixStream::connect(engine).await?;
            server.write_all(&head).await?;
            let (mut from_client, _to_client) = client.split();
            let (mut from_server, mut to_server) = server.split();
            let mut first = [0; 1];
            tokio::select! {
                _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
                _ = from_server.read(&mut first) => {}
            }
            return Ok(());
        }
    }
    let mut server = UnixStream::connect(engine).await?;
    server.write_all(&head).await?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await.map(drop)
}
