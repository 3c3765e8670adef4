//! Gives an environment another name, another address, or both.

use anyhow::Context;
use serde_json::json;

use super::{By, Wanted, history, names, store};
use crate::base::ids::EnvironmentId;
use crate::base::names::Subdomain;
use crate::portal::Portal;
use crate::{audit, db};

/// Why it keeps its name.
#[derive(Debug, thiserror::Error)]
pub enum RenamingError {
    /// Something the customer can understand.
    #[error("the new name was refused")]
    Refused(#[source] Refusal),
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// What stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Somebody else has the address, or had it lately.
    #[error("the address is taken")]
    AddressTaken,
    /// It is being deleted.
    #[error("the environment is being deleted")]
    BeingDeleted,
}

/// Renames an environment. `None` when the account has no such environment. The old address begins its rest.
pub async fn rename(
    portal: &Portal,
    by: &By,
    id: EnvironmentId,
    name: &str,
    address: &Subdomain,
) -> Result<Option<()>, RenamingError> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let Some(environment) = store::lock(&mut tx, by.account, id).await.context("lock an environment")? else {
        return Ok(None);
    };
    if matches!(environment.wanted, Wanted::Deleted { .. }) {
        return Err(RenamingError::Refused(Refusal::BeingDeleted));
    }
    let moves = environment.subdomain.as_ref() != Some(address);
    if !moves && environment.name == name {
        return Ok(Some(()));
    }
    if moves {
        names::free(&mut tx, id, now).await?;
        let is_ours = names::store::claim(&mut tx, by.account, id, address, now).await.context("claim an address")?;
        if !is_ours {
            return Err(RenamingError::Refused(Refusal::AddressTaken));
        }
    }
    store::set_name(&mut tx, by.account, id, name).await.context("set the name")?;
    let detail = json!({
        "name_from": environment.name, "name_to": name,
        "address_from": environment.subdomain, "address_to": address,
    });
    history::record(&mut tx, id, "renamed", &by.name, detail.clone(), now).await?;
    let entry = audit::Entry::new("environment.renamed").account(by.account).environment(id).detail(detail);
    audit::record(&mut tx, &by.actor, entry, now).await?;
    db::wake(&mut tx).await.context("wake the worker")?;
    tx.commit().await.context("commit")?;
    Ok(Some(()))
}
