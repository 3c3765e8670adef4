//! `sayoo doctor`: prints what was found, and what to do about it.

use anyhow::bail;

use crate::config::Config;
use crate::doctor::{self, Verdict};

/// Prints every finding. Fails when one is a fault.
pub async fn run(config: &Config) -> anyhow::Result<()> {
    let findings = doctor::examine(config).await;
    for finding in &findings {
        let what = finding.what;
        match &finding.verdict {
            Verdict::Good(seen) => println!("✓ {what}: {seen}"),
            Verdict::Weak(matter, remedy) => println!("! {what}: {matter}\n    {remedy}"),
            Verdict::Bad(matter, remedy) => println!("✗ {what}: {matter}\n    {remedy}"),
        }
    }
    match findings.iter().filter(|finding| finding.is_bad()).count() {
        0 => Ok(()),
        1 => bail!("one fault was found; what to do stands below it"),
        faults => bail!("{faults} faults were found; what to do stands below each"),
    }
}
