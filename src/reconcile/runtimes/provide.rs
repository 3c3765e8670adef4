//! Makes what is missing of a runtime. Every verb may be repeated; nothing is retried here: the next turn is the retry.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;

use crate::base::ids::RuntimeId;
use crate::base::seal::SealingKey;
use crate::base::secret::Secret;
use crate::engine::{self, ServiceSpec};
use crate::odoo::capacity;
use crate::reconcile::lease::Lease;
use crate::reconcile::{Site, crash, instance};
use crate::tenant_db::{DatabaseName, Member};

use super::{Parts, Runtime, store};

/// Connections that one tenant may have at once.
const CONNECTIONS: u32 = capacity::CONNECTIONS;
/// The secret's file in `/run/secrets`.
const PASSWORD_SECRET: &str = "db_password";
/// How often the Swarm may write to a new service while it is being started.
const MOST_CONFLICTS: usize = 5;
/// How long Odoo may take to end its requests when it is told to stop.
const STOP_GRACE: Duration = Duration::from_secs(15);

/// Makes a password for a login role.
#[must_use]
pub fn new_password() -> Secret<String> {
    crate::base::secret::new_token()
}

/// Seals a password for its row.
#[must_use]
pub fn seal(key: &SealingKey, runtime: RuntimeId, password: &Secret<String>) -> Vec<u8> {
    key.seal(&place_of(runtime), password.expose().as_bytes())
}

/// Returns the password of a runtime's login role.
pub async fn password(site: &Site, runtime: RuntimeId) -> anyhow::Result<Secret<String>> {
    let mut db = site.db.acquire().await.context("reach the control database")?;
    let sealed = store::password_sealed(&mut db, runtime).await?.context("the runtime has no password")?;
    let plain = site.key.open(&place_of(runtime), &sealed)?;
    Ok(Secret::new(String::from_utf8(plain).context("the password is no text")?))
}

fn place_of(runtime: RuntimeId) -> String {
    format!("runtime_secrets/{runtime}")
}

/// Returns what the runtime's service must be like. Without the password only its fingerprint is of use.
pub fn service_spec(site: &Site, runtime: &Runtime, password: Option<&Secret<String>>) -> anyhow::Result<ServiceSpec> {
    let secrets =
        BTreeMap::from([(PASSWORD_SECRET.to_owned(), password.cloned().unwrap_or_else(|| Secret::new(String::new())))]);
    let env = instance::service_env(site, runtime, &format!("/run/secrets/{PASSWORD_SECRET}"))?;
    Ok(ServiceSpec {
        installation: site.installation.clone(),
        name: runtime.service(&site.installation)?,
        runtime: runtime.id,
        generation: runtime.generation(),
        image: runtime.image.clone(),
        user: None,
        command: None,
        args: None,
        env,
        secrets,
        node: runtime.node.clone(),
        replicas: 1,
        cpu_millis: runtime.cpu_millis,
        memory_mb: runtime.memory_mb,
        health: None,
        restarts: u64::try_from(runtime.restarts_done).unwrap_or(0),
        stop_grace: STOP_GRACE,
    })
}

/// Makes the missing parts: first the role, then database and service at the same time.
///
/// The image waits for its database, so a container may start while the clone is being made.
pub async fn provide(site: &Site, lease: &Lease, runtime: &Runtime, missing: Parts) -> anyhow::Result<()> {
    let password = password(site, runtime.id).await?;
    let role = runtime.role()?;
    let database = runtime.database()?;
    if missing.role || missing.database {
        crash::point("role:before");
        site.tenants
            .create_role(&role, &password, CONNECTIONS, runtime.generation())
            .await
            .context("make the login role")?;
        crash::point("role:after");
    }
    let clone = async {
        if !missing.database {
            return Ok(());
        }
        let template = DatabaseName::parse(&runtime.template_database).context("the template's name")?;
        // Nothing is copied for what somebody else has ended meanwhile.
        lease.hold(&site.db, &site.clock).await?;
        crash::point("database:before");
        Box::pin(site.tenants.clone_template(&template, &database, &role)).await.context("clone the template")?;
        crash::point("database:after");
        anyhow::Ok(())
    };
    let serve = async { if missing.service { make_service(site, lease, runtime, &password).await } else { Ok(()) } };
    let (cloned, served) = tokio::join!(clone, serve);
    cloned.and(served)
}

/// Makes the service, or changes it to be as it must.
pub async fn put_service(site: &Site, lease: &Lease, runtime: &Runtime) -> anyhow::Result<()> {
    make_service(site, lease, runtime, &password(site, runtime.id).await?).await
}

/// Makes a replica's login role and its service. The role lets nobody in at first: whoever shuts it out because its machine is
/// lost, or removes it, is not undone by a worker that was held up right here.
pub async fn provide_replica(
    site: &Site,
    lease: &Lease,
    replica: &Runtime,
    password: &Secret<String>,
) -> anyhow::Result<()> {
    crash::point("replica-role:before");
    let member = Member { role: replica.role()?, owner: replica.owner()?, database: replica.database()? };
    site.tenants.create_member(&member).await.context("make a replica's login role")?;
    lease.hold(&site.db, &site.clock).await?;
    site.tenants
        .admit_member(&member.role, password, CONNECTIONS)
        .await
        .context("let a replica in by its login role")?;
    crash::point("replica-role:after");
    make_service(site, lease, replica, password).await
}

/// Puts a replica off the database for good, then removes its service.
pub async fn remove_replica(site: &Site, replica: &Runtime) -> anyhow::Result<()> {
    crash::point("replica-drop:before");
    site.tenants.drop_member(&replica.role()?, &replica.database()?).await.context("drop a replica's login role")?;
    crash::point("replica-drop:after");
    remove_service(site, replica).await
}

/// A new service has no containers at first. Whoever has another one removed sees this one too and removes it, so that a
/// worker that was held up right here starts nothing: either the lease is lost, or the service is.
async fn make_service(site: &Site, lease: &Lease, runtime: &Runtime, password: &Secret<String>) -> anyhow::Result<()> {
    let spec = service_spec(site, runtime, Some(password))?;
    crash::point("service:before");
    if !Box::pin(site.engine.update(&spec)).await.context("change the service")? {
        match Box::pin(site.engine.create(&spec.at_rest())).await {
            // Somebody else has made it meanwhile: it is left as it is until the lease is certain.
            Ok(()) | Err(engine::Error::Conflict(_)) => {}
            Err(error) => return Err(error).context("make the service"),
        }
        let is_there = Box::pin(start(site, lease, &spec)).await.context("start the service")?;
        anyhow::ensure!(is_there, "the service was removed while it was made");
    }
    crash::point("service:after");
    Ok(())
}

/// Starts a service that was just made. The Swarm itself writes to a new one (its ports), and who changes it in that moment is
/// told of a conflict: whether it is still ours to change is looked at again each time.
async fn start(site: &Site, lease: &Lease, spec: &ServiceSpec) -> anyhow::Result<bool> {
    let mut tries = 0;
    loop {
        lease.hold(&site.db, &site.clock).await?;
        tries += 1;
        match Box::pin(site.engine.update(spec)).await {
            Err(engine::Error::Conflict(_)) if tries < MOST_CONFLICTS => {}
            done => return Ok(done?),
        }
    }
}

/// Takes the service's containers away and keeps the service.
pub async fn put_to_rest(site: &Site, runtime: &Runtime) -> anyhow::Result<()> {
    let password = password(site, runtime.id).await?;
    let spec = service_spec(site, runtime, Some(&password))?.at_rest();
    crash::point("rest:before");
    Box::pin(site.engine.apply(&spec)).await.context("take the service's containers away")?;
    crash::point("rest:after");
    Ok(())
}

/// Gives the login role the password that is kept, and ends every session that was begun with another.
pub async fn rotate(site: &Site, runtime: &Runtime) -> anyhow::Result<()> {
    let password = password(site, runtime.id).await?;
    crash::point("rotate:before");
    site.tenants
        .rotate(&runtime.role()?, &password, CONNECTIONS, runtime.generation())
        .await
        .context("give the login role another password")?;
    crash::point("rotate:after");
    Ok(())
}

/// Locks the login role out and ends its sessions.
pub async fn fence(site: &Site, runtime: &Runtime) -> anyhow::Result<()> {
    site.tenants.fence(&runtime.role()?, runtime.generation()).await.context("lock the login role out")?;
    Ok(())
}

/// Removes the service, if it is no newer than the runtime as it was found.
pub async fn remove_service(site: &Site, runtime: &Runtime) -> anyhow::Result<()> {
    crash::point("remove:before");
    site.engine
        .remove(&runtime.service(&site.installation)?, runtime.generation())
        .await
        .context("remove the service")?;
    crash::point("remove:after");
    Ok(())
}

/// Drops the database.
pub async fn drop_database(site: &Site, runtime: &Runtime) -> anyhow::Result<()> {
    crash::point("drop:before");
    site.tenants.drop_database(&runtime.database()?).await.context("drop the database")?;
    crash::point("drop:after");
    Ok(())
}

/// Drops the login roles of every generation.
pub async fn drop_roles(site: &Site, runtime: &Runtime) -> anyhow::Result<()> {
    crash::point("drop-role:before");
    for generation in 1..=runtime.login_generation {
        let role = crate::tenant_db::RoleName::of(&runtime.code, generation).context("the role's name")?;
        site.tenants.drop_role(&role).await.context("drop the login role")?;
    }
    crash::point("drop-role:after");
    Ok(())
}
