//! Looks at what there is of a runtime: its database, role, service and containers, all at the same time.

use crate::engine::{ContainerSeen, ServiceSeen};
use crate::reconcile::Site;
use crate::tenant_db::DatabaseState;

use super::{Database, Runtime, Seen, Service};

/// What there is of a runtime.
#[derive(Clone, Debug)]
pub struct Look {
    /// Its database.
    pub database: Seen<Database>,
    /// Whether its login role may log in.
    pub has_role: Seen<bool>,
    /// Its service.
    pub service: Seen<Service>,
    /// Its service's containers, newest first.
    pub containers: Vec<ContainerSeen>,
    /// Whether the containers were seen.
    pub saw_containers: bool,
    /// Why a look failed, for the log and for people.
    pub troubles: Vec<Trouble>,
}

/// What kept a look from being made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// The engine did not answer.
    EngineAway,
    /// The tenants' database server did not answer.
    DatabaseAway,
}

/// Looks. Never fails: what could not be seen is `Unknown`.
pub async fn at(site: &Site, runtime: &Runtime) -> anyhow::Result<Look> {
    let name = runtime.service(&site.installation)?;
    let database_name = runtime.database()?;
    let role_name = runtime.role()?;
    let nodes = runtime.nodes();
    let (service, containers, database, role) = tokio::join!(
        site.engine.observe(&name),
        site.engine.containers_on(&name, &nodes),
        site.tenants.look(&database_name),
        site.tenants.role_exists(&role_name),
    );
    let mut troubles = Vec::new();
    let mut tell = |trouble: Trouble, error: &dyn std::error::Error| {
        tracing::debug!(runtime = %runtime.id, ?trouble, error = %error, "a look failed");
        if !troubles.contains(&trouble) {
            troubles.push(trouble);
        }
    };
    let service = match service {
        Ok(None) => Seen::Known(Service::Missing),
        Ok(Some(seen)) => Seen::Known(state_of(site, runtime, &seen)?),
        Err(error) => {
            tell(Trouble::EngineAway, &error);
            Seen::Unknown
        }
    };
    let saw_containers = containers.is_ok();
    let containers = containers.unwrap_or_else(|error| {
        tell(Trouble::EngineAway, &error);
        Vec::new()
    });
    let database = match database {
        Ok(DatabaseState::Missing) => Seen::Known(Database::Missing),
        Ok(DatabaseState::HalfMade) => Seen::Known(Database::HalfMade),
        Ok(DatabaseState::Ready) => Seen::Known(Database::Ready),
        Err(error) => {
            tell(Trouble::DatabaseAway, &error);
            Seen::Unknown
        }
    };
    let has_role = match role {
        Ok(has_role) => Seen::Known(has_role),
        Err(error) => {
            tell(Trouble::DatabaseAway, &error);
            Seen::Unknown
        }
    };
    Ok(Look { database, has_role, service, containers, saw_containers, troubles })
}

fn state_of(site: &Site, runtime: &Runtime, seen: &ServiceSeen) -> anyhow::Result<Service> {
    let wanted = super::provide::service_spec(site, runtime, None)?.fingerprint();
    Ok(if seen.fingerprint == wanted { Service::Current } else { Service::Outdated })
}
