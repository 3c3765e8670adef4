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

/// Looks at everything. Never fails: what could not be seen is `Unknown`.
pub async fn at(site: &Site, runtime: &Runtime) -> anyhow::Result<Look> {
    let database_name = runtime.database()?;
    let role_name = runtime.role()?;
    let (look, database, role) =
        tokio::join!(service(site, runtime), site.tenants.look(&database_name), site.tenants.role_exists(&role_name),);
    let mut look = look?;
    look.database = match database {
        Ok(DatabaseState::Missing) => Seen::Known(Database::Missing),
        Ok(DatabaseState::HalfMade) => Seen::Known(Database::HalfMade),
        Ok(DatabaseState::Ready) => Seen::Known(Database::Ready),
        Err(error) => {
            look.tell(runtime, Trouble::DatabaseAway, &error);
            Seen::Unknown
        }
    };
    look.has_role = match role {
        Ok(has_role) => Seen::Known(has_role),
        Err(error) => {
            look.tell(runtime, Trouble::DatabaseAway, &error);
            Seen::Unknown
        }
    };
    Ok(look)
}

/// Looks at the service and its containers only; the rest is `Unknown`.
pub async fn service(site: &Site, runtime: &Runtime) -> anyhow::Result<Look> {
    let name = runtime.service(&site.installation)?;
    let nodes = runtime.nodes();
    let (service, containers) = tokio::join!(site.engine.observe(&name), site.engine.containers_on(&name, &nodes));
    let mut look = Look {
        database: Seen::Unknown,
        has_role: Seen::Unknown,
        service: Seen::Unknown,
        containers: Vec::new(),
        saw_containers: containers.is_ok(),
        troubles: Vec::new(),
    };
    match service {
        Ok(None) => look.service = Seen::Known(Service::Missing),
        Ok(Some(seen)) => look.service = Seen::Known(state_of(site, runtime, &seen)?),
        Err(error) => look.tell(runtime, Trouble::EngineAway, &error),
    }
    match containers {
        Ok(containers) => look.containers = containers,
        Err(error) => look.tell(runtime, Trouble::EngineAway, &error),
    }
    Ok(look)
}

impl Look {
    fn tell(&mut self, runtime: &Runtime, trouble: Trouble, error: &dyn std::error::Error) {
        tracing::debug!(runtime = %runtime.id, ?trouble, error = %error, "a look failed");
        if !self.troubles.contains(&trouble) {
            self.troubles.push(trouble);
        }
    }
}

fn state_of(site: &Site, runtime: &Runtime, seen: &ServiceSeen) -> anyhow::Result<Service> {
    if seen.replicas == 0 {
        return Ok(Service::AtRest);
    }
    let wanted = super::provide::service_spec(site, runtime, None)?.fingerprint();
    Ok(if seen.fingerprint == wanted { Service::Current } else { Service::Outdated })
}
