//! The control database with each role, and the tenants' server.

use std::time::Duration;

use anyhow::Context;
use sqlx::{Connection, PgConnection};

use super::{Finding, store};
use crate::base::chain;
use crate::base::secret::Secret;
use crate::config::{Config, Tenants};
use crate::db::MIGRATOR;

/// Longer than a server that is well takes.
const LIMIT: Duration = Duration::from_secs(5);

/// Looks at both clusters.
pub async fn examine(config: &Config) -> Vec<Finding> {
    let database = &config.database;
    vec![
        schema(&database.owner_url).await,
        role("control database, web", &database.web_url, "environments", Some("runtime_secrets")).await,
        role("control database, worker", &database.worker_url, "runtimes", None).await,
        role("control database, proxy", &database.proxy_url, "routes", Some("users")).await,
        sandboxes(config).await,
        tenants(&config.tenants.admin_url).await,
        for_containers(&config.tenants).await,
    ]
}

async fn connect(url: &Secret<String>) -> anyhow::Result<PgConnection> {
    let connecting = PgConnection::connect(url.expose());
    tokio::time::timeout(LIMIT, connecting).await.context("no answer in 5 seconds")?.context("connect")
}

async fn schema(url: &Secret<String>) -> Finding {
    let what = "control database, schema";
    let looked = async {
        let mut db = connect(url).await?;
        Ok::<_, anyhow::Error>(store::newest_migration(&mut db).await?)
    };
    let newest = MIGRATOR.iter().map(|migration| migration.version).max();
    match looked.await {
        Err(error) => Finding::bad(
            what,
            chain::of_any(&error),
            "start it (bin/up), or correct [database] owner_url; then sayoo migrate",
        ),
        Ok(applied) if applied < newest => Finding::bad(what, "it is older than this program", "sayoo migrate"),
        Ok(applied) if applied > newest => Finding::bad(
            what,
            "it is newer than this program",
            "install the version of sayoo that made it, or a newer one",
        ),
        Ok(_) => Finding::good(what, "up to date"),
    }
}

/// A role reads what it needs, and not what it must not.
async fn role(what: &'static str, url: &Secret<String>, needs: &str, must_not: Option<&str>) -> Finding {
    let looked = async {
        let mut db = connect(url).await?;
        let reads_needed = store::may_read(&mut db, needs).await?;
        let reads_forbidden = match must_not {
            Some(table) => store::may_read(&mut db, table).await?,
            None => false,
        };
        Ok::<_, anyhow::Error>((store::role(&mut db).await?, reads_needed, reads_forbidden))
    };
    match looked.await {
        Err(error) => Finding::bad(what, chain::of_any(&error), "correct its address in [database], or run bin/up"),
        Ok((_, false, _)) => {
            Finding::bad(what, format!("it may not read {needs}"), "sayoo migrate gives the roles their rights")
        }
        Ok((role, _, true)) => {
            let matter = format!("{} may read {}", role.name, must_not.unwrap_or_default());
            Finding::weak(
                what,
                matter,
                "give each process its own role: sayoo_web, sayoo_worker, sayoo_proxy; then sayoo migrate",
            )
        }
        Ok((role, true, false)) => Finding::good(what, role.name),
    }
}

/// Sandboxes are made by a role that can do nothing else, and enters no database of ours.
async fn sandboxes(config: &Config) -> Finding {
    let what = "sandboxes";
    let Some(url) = &config.database.sandbox_url else {
        return Finding::good(what, "none: [database] sandbox_url is not given");
    };
    let looked = async {
        let mut control = connect(&config.database.worker_url).await?;
        let name = store::database(&mut control).await?;
        let mut db = connect(url).await?;
        // On another server there may be none of that name.
        let enters = store::may_enter(&mut db, &name).await?.unwrap_or(false);
        Ok::<_, anyhow::Error>((store::role(&mut db).await?, name, enters))
    };
    match looked.await {
        Err(error) => Finding::bad(what, chain::of_any(&error), "correct [database] sandbox_url, or run bin/up"),
        Ok((role, ..)) if role.is_superuser || role.makes_roles => Finding::bad(
            what,
            format!("{} may do more than make databases", role.name),
            "use a role of its own: CREATE ROLE sayoo_sandbox LOGIN CREATEDB (docs/operations.md)",
        ),
        Ok((role, ..)) if !role.makes_databases => {
            Finding::bad(what, "the role may not make databases", format!("ALTER ROLE {} CREATEDB;", role.name))
        }
        Ok((role, name, true)) => Finding::bad(
            what,
            format!("{} may enter the control database", role.name),
            format!("REVOKE CONNECT ON DATABASE {name} FROM PUBLIC, {};", role.name),
        ),
        Ok((role, ..)) => Finding::good(what, role.name),
    }
}

/// Instances reach the tenants' server at an address of its own: Docker's bridge, on one machine.
async fn for_containers(tenants: &Tenants) -> Finding {
    let what = "tenants' database server, for instances";
    let address = format!("{}:{}", tenants.host_for_containers, tenants.port_for_containers);
    match tokio::time::timeout(LIMIT, tokio::net::TcpStream::connect(&address)).await {
        Ok(Ok(_)) => Finding::good(what, address),
        Ok(Err(error)) => {
            let remedy = "let the server listen there (listen_addresses; bin/up does it), or correct [tenants] host_for_containers and \
                          port_for_containers";
            Finding::bad(what, format!("{address}: {error}"), remedy)
        }
        Err(_) => Finding::bad(what, format!("{address} does not answer"), "let the firewall pass it"),
    }
}

async fn tenants(url: &Secret<String>) -> Finding {
    let what = "tenants' database server";
    let looked = async {
        let mut db = connect(url).await?;
        Ok::<_, anyhow::Error>((store::role(&mut db).await?, store::open_databases(&mut db).await?))
    };
    match looked.await {
        Err(error) => Finding::bad(what, chain::of_any(&error), "start it (bin/up), or correct [tenants] admin_url"),
        Ok((role, _)) if role.is_superuser => {
            let matter =
                format!("{} is a superuser: a tenant's trap in its own database could take it over", role.name);
            Finding::bad(what, matter, "use a role with CREATEDB and CREATEROLE only")
        }
        Ok((role, _)) if !role.makes_databases || !role.makes_roles => {
            let remedy = format!("ALTER ROLE {} CREATEDB CREATEROLE;", role.name);
            Finding::bad(what, "the role may not make databases and roles", remedy)
        }
        Ok((_, open)) if !open.is_empty() => {
            let remedy =
                open.iter().map(|name| format!("REVOKE CONNECT ON DATABASE {name} FROM PUBLIC;")).collect::<Vec<_>>();
            Finding::bad(what, format!("every tenant may connect to {}", open.join(", ")), remedy.join(" "))
        }
        Ok((role, _)) => Finding::good(what, role.name),
    }
}
