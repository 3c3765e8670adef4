//! `sayoo reconcile --dry-run ID`: prints what the worker sees of an environment and what it would do next.

use anyhow::Context;

use crate::base::ids::EnvironmentId;
use crate::config::Config;
use crate::reconcile::environments::{self, plan};

/// Looks, decides, prints; changes nothing.
pub async fn run(config: &Config, id: EnvironmentId) -> anyhow::Result<()> {
    let site = super::worker::site(config)?;
    let sight = environments::look(&site, id.uuid()).await?.context("there is no such environment")?;
    let wanted = sight.wanted(&site.clock);
    println!("wanted: {wanted:?}");
    println!("seen:   {:#?}", sight.world);
    if let Some(runtime) = &sight.runtime {
        println!("runtime {} ({:?}), generation {}", runtime.code, runtime.state, runtime.service_generation);
    }
    if let Some(upstream) = sight.upstream {
        println!("served by {}", upstream.address);
    }
    let next = plan::next(wanted, sight.world);
    println!("next:   {next:?}");
    for (row, member) in sight.replicas.rows.iter().zip(&sight.replicas.members) {
        println!("replica {}: {member:?}", row.number);
    }
    println!("next of replicas: {:?}", sight.of_replicas(wanted, next, site.clock.now()));
    Ok(())
}
