//! Invented customers, each in a database of its own: what happens to them is what would, and nothing of it is anywhere else.

pub mod killed;
mod life;
mod pages;
mod walls;

use std::sync::Arc;

use sayoo::base::ids::SandboxId;
use sayoo::base::secret::{Secret, new_code};
use sayoo::reconcile::driver::Driver;
use sayoo::reconcile::sandboxes::{Databases, Sandboxes};
use sayoo::sandboxes::report::Report;
use sayoo::sandboxes::{self, Sandbox};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, PgPool};

use crate::billing::world::sell;
use crate::support::portal::{Page, World};
use crate::support::staff::StaffPerson;

/// A portal with our companies, one of our people, and a role that makes databases and may do nothing else.
pub struct Yard {
    pub world: World,
    pub staff: StaffPerson,
    pub databases: Databases,
    pub url: String,
    pub installation: String,
    superuser: PgConnectOptions,
    role: String,
}

impl Yard {
    /// Makes it, and has the worker look at the server once.
    pub async fn new(db: PgPool) -> Self {
        let world = World::new(db.clone()).await;
        sell(&world, true).await;
        let staff = world.staff().await;
        let superuser = db.connect_options().as_ref().clone().database("postgres");
        let (role, password) = (format!("sandbox_{}", new_code(8)), new_code(20));
        let mut server = superuser.connect().await.unwrap();
        for statement in [
            format!("CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEROLE CREATEDB PASSWORD '{password}'"),
            format!("GRANT CONNECT ON DATABASE postgres TO {role}"),
        ] {
            // Others may be saying something of the same database at this moment.
            loop {
                match sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(&mut server).await {
                    Err(error) if error.to_string().contains("concurrently") => {}
                    done => {
                        done.unwrap();
                        break;
                    }
                }
            }
        }
        let url = superuser.clone().username(&role).password(&password).to_url_lossy().to_string();
        let installation = format!("t{}", new_code(9));
        let databases = Databases::new(&Secret::new(url.clone()), &installation).unwrap();
        let yard = Self { world, staff, databases, url, installation, superuser, role };
        yard.settle().await;
        yard
    }

    /// The worker's task with its driver.
    pub fn driver(&self) -> Arc<Driver<Sandboxes>> {
        let (db, clock) = (self.world.db.clone(), self.world.portal.clock.clone());
        let public = Arc::clone(&self.world.portal.public);
        Driver::new(Sandboxes::new(db.clone(), clock.clone(), public, Some(self.databases.clone())), db, clock)
    }

    /// Lets the worker work until nothing is due.
    pub async fn settle(&self) {
        self.driver().settle().await.unwrap();
    }

    /// The newest version of a plan, as the form names it.
    pub async fn plan(&self, code: &str) -> String {
        self.world.plan(code).await.to_string()
    }

    /// Sends the form for a new sandbox with these fields instead of the usual ones.
    pub async fn ask(&self, changed: &[(&str, &str)]) -> Page {
        let (production, development) = (self.plan("production").await, self.plan("development").await);
        let mut fields = vec![
            ("name", "Atlas"),
            ("country", "MA"),
            ("plan", production.as_str()),
            ("plan2", development.as_str()),
            ("usage", "shop"),
            ("pays", "in_time"),
            ("starts", "2026-01-01"),
        ];
        for &(name, value) in changed {
            fields.retain(|(field, _)| *field != name);
            fields.push((name, value));
        }
        self.staff.post("/staff/sandboxes/new", &fields).await
    }

    /// Makes a sandbox as our people do, and lets the worker make its database.
    pub async fn make(&self, changed: &[(&str, &str)]) -> SandboxId {
        let id = self.asked(changed).await;
        self.settle().await;
        id
    }

    /// Asks for a sandbox, and leaves the worker alone.
    pub async fn asked(&self, changed: &[(&str, &str)]) -> SandboxId {
        let page = self.ask(changed).await;
        assert_eq!(page.status, 303, "{}", page.words());
        page.header("location").rsplit('/').next().unwrap().parse().unwrap()
    }

    /// Presses one of the buttons that move the clock.
    pub async fn press(&self, id: SandboxId, by: &str) -> Page {
        self.staff.post(&format!("/staff/sandboxes/{id}/advance"), &[("by", by)]).await
    }

    /// Moves the clock as our people do, and lets the worker work.
    pub async fn advance(&self, id: SandboxId, by: &str) {
        let page = self.press(id, by).await;
        assert_eq!(page.status, 303, "{}", page.words());
        self.settle().await;
        let sandbox = self.sandbox(id).await.unwrap();
        assert_eq!((sandbox.clock_at, sandbox.problem.as_str()), (Some(sandbox.wanted_at), ""), "it got there");
    }

    /// The sandbox's row.
    pub async fn sandbox(&self, id: SandboxId) -> Option<Sandbox> {
        sandboxes::find(&mut self.world.db.acquire().await.unwrap(), id).await.unwrap()
    }

    /// What our people read of it.
    pub async fn report(&self, id: SandboxId) -> Report {
        sandboxes::report(&mut self.world.db.acquire().await.unwrap(), id).await.unwrap()
    }

    /// Looks into a sandbox from behind.
    pub async fn inside(&self, id: SandboxId) -> PgPool {
        PgPool::connect_with(self.superuser.clone().database(&self.databases.name(id))).await.unwrap()
    }

    /// Connects as the superuser.
    pub async fn server(&self) -> PgConnection {
        self.superuser.connect().await.unwrap()
    }

    /// The databases of this installation's sandboxes.
    pub async fn there(&self) -> Vec<String> {
        sqlx::query_scalar("SELECT datname::text FROM pg_database WHERE datname LIKE $1 ORDER BY 1")
            .bind(format!("{}_sandbox_%", self.installation))
            .fetch_all(&mut self.server().await)
            .await
            .unwrap()
    }

    /// Takes everything away that the test made on the server.
    pub async fn end(self) {
        let mut server = self.server().await;
        for name in self.there().await {
            let drop = format!("DROP DATABASE \"{name}\" WITH (FORCE)");
            sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut server).await.unwrap();
        }
        let drop = format!("DROP OWNED BY {role}; DROP ROLE {role}", role = self.role);
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut server).await.unwrap();
    }
}

/// How many rows the control database has of everything that money, mails or instances are made of.
pub async fn rows(db: &PgPool) -> Vec<(String, i64)> {
    let mut counted = Vec::new();
    for table in [
        "accounts",
        "users",
        "environments",
        "environment_segments",
        "usage_hours",
        "usage_days",
        "billing_periods",
        "charges",
        "charge_days",
        "documents",
        "document_lines",
        "document_series",
        "document_files",
        "journal_entries",
        "postings",
        "payments",
        "allocations",
        "trials",
        "budget_alerts",
        "dunning_steps",
        "suspensions",
        "jobs",
        "caught_mails",
        "period_facts",
        "document_facts",
    ] {
        let sql = format!("SELECT count(*) FROM {table}");
        counted.push((table.to_owned(), sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(db).await.unwrap()));
    }
    counted
}
