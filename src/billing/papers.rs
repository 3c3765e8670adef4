//! The job that makes a final document's papers and sends them, and the program that makes them.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, bail};
use sayoo_document::{Document, Papers};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::base::ids::DocumentId;
use crate::queue::Job;

/// Makes the papers of a final document and mails them. Done again, it changes nothing.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct MakePapers {
    /// Which document.
    pub document: DocumentId,
}

impl Job for MakePapers {
    const KIND: &'static str = "make_papers";
}

/// The program of `crates/papers`.
const PROGRAM: &str = "sayoo-papers";

/// Has the program make the papers of a document. It takes a fifth of a second of a processor, and is told nothing but the document.
pub async fn make(document: &Document) -> anyhow::Result<Papers> {
    let program = program()?;
    let mut child = Command::new(&program)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("start {}", program.display()))?;
    let text = serde_json::to_vec(document).context("write the document")?;
    let mut input = child.stdin.take().context("the program has no input")?;
    // It reads all before it writes anything. One that ended at once says why on its other end.
    let is_told = input.write_all(&text).await;
    drop(input);
    let said = child.wait_with_output().await.context("wait for the papers")?;
    if !said.status.success() {
        bail!("{}", String::from_utf8_lossy(&said.stderr).trim());
    }
    is_told.context("hand the document over")?;
    Ok(Papers::from_bytes(&said.stdout)?)
}

/// It lies beside this program; tests of cargo lie one folder further down.
fn program() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("find this program's own file")?;
    let places = own.ancestors().skip(1).take(2).map(|folder| folder.join(PROGRAM));
    let mut places = places.filter(|place| place.is_file());
    places.next().with_context(|| format!("{PROGRAM} does not lie beside {}", own.display()))
}
