//! The machines: as the worker found them when it looked last.

use super::Finding;
use crate::base::chain;
use crate::config::Config;
use crate::db;
use crate::hosts::{self, Host, HostState};

/// Says how each host is.
pub async fn examine(config: &Config) -> Vec<Finding> {
    let looked = async {
        let pool = db::pool(&config.database.owner_url, 1)?;
        let mut db = pool.acquire().await?;
        hosts::overview(&mut db).await
    };
    match looked.await {
        Ok(all) => all.loads.iter().map(|load| judge(&load.host)).collect(),
        Err(error) => vec![Finding::weak("host", chain::of_any(&error), "see control database above")],
    }
}

fn judge(host: &Host) -> Finding {
    let what = "host";
    let name = &host.name;
    match (host.state, &host.state_reason) {
        (HostState::Active, _) => Finding::good(what, format!("{name} is in use")),
        (HostState::Down, _) => {
            Finding::bad(what, format!("{name} is lost"), "switch it on, or: sayoo host remove, once it is empty")
        }
        (_, Some(reason)) => {
            Finding::bad(what, format!("{name}: {reason}"), format!("the page of {name} in /staff/hosts says how"))
        }
        (HostState::Joining, None) => Finding::weak(what, format!("{name} is joining"), "wait; is the worker running?"),
        (HostState::Cordoned, None) => Finding::weak(
            what,
            format!("{name} takes nothing new: {}", host.wanted_reason),
            format!("sayoo host uncordon {name}"),
        ),
    }
}
