//! A whole installation on a simulated outside world, with a real control database and a clock of its own.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use sayoo::base::clock::Clock;
use sayoo::base::faults::{Call, Fault, Faults};
use sayoo::base::ids::{AccountId, EnvironmentId, ImageId, ProjectId, StaffId};
use sayoo::base::secret::new_code;
use sayoo::engine::{Engine, ServiceName, ServiceSeen, Simulated};
use sayoo::reconcile::driver::Driver;
use sayoo::reconcile::hosts::Nodes;
use sayoo::reconcile::leftovers::Leftovers;
use sayoo::reconcile::{self, Site};
use sayoo::tenant_db::{self, DatabaseName, TenantDb};
use sqlx::{AssertSqlSafe, PgPool, Row};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::support::simulated;

/// More than a dead worker's lease lasts, and more than it takes until all is quiet after a switch.
pub const A_WHILE: TimeDelta = TimeDelta::seconds(31);
/// Longer than any plan lets an environment be idle.
pub const LONG: TimeDelta = TimeDelta::hours(3);
/// After so many whiles everything must be as wanted.
pub const WHILES: usize = 12;

/// An installation.
pub struct World {
    pub faults: Faults,
    pub engine: Simulated,
    pub tenants: tenant_db::Simulated,
    pub site: Arc<Site>,
    /// How the outside world is, whatever accident waits for the worker.
    pub truth: Truth,
    pub db: PgPool,
    pub account: AccountId,
    pub image: ImageId,
    pub staff: StaffId,
    /// Ends with it: there are thousands of worlds in one process.
    _answers: JoinSet<()>,
}

/// The outside world for a test's own looks: no accident meets them.
pub struct Truth {
    pub engine: Engine,
    pub tenants: TenantDb,
}

impl World {
    pub async fn new(db: PgPool) -> Self {
        Self::with(db, &["simulated"], 0).await
    }

    /// Makes an installation with these machines, and so many spares of each kind.
    pub async fn with(db: PgPool, nodes: &[&str], spares: u32) -> Self {
        let clock = Clock::manual("2026-11-22T12:00:00Z".parse().unwrap());
        let faults = Faults::default();
        let engine = Simulated::with_faults(clock.clone(), faults.clone());
        engine.set_nodes(nodes);
        let (port, answers) = answer_everywhere().await;
        engine.set_port(port);
        let tenants = tenant_db::Simulated::with_faults(faults.clone());
        let now = clock.now();
        let site = simulated::site(&db, clock, &engine, &tenants, "matrix");
        let site = Arc::new(Site { spares, ..Site::clone(&site) });
        let (account, staff) = (AccountId::new(now), StaffId::new(now));
        let (image, _template) = simulated::fill(&site, account).await;
        let truth = Truth {
            engine: Engine::Simulated(engine.undisturbed()),
            tenants: TenantDb::Simulated(tenants.undisturbed()),
        };
        let world = Self { faults, engine, tenants, site, truth, db, account, image, staff, _answers: answers };
        world
            .run(&format!(
                "INSERT INTO staff (id, email, email_key, name, password_hash, locale, totp_sealed, created_at)
             VALUES ('{staff}', 'sam@example.com', 'sam@example.com', 'Sam', '', 'en', '', now())"
            ))
            .await;
        for _ in 0..spares * 4 {
            world.work().await;
            world.pass(A_WHILE);
        }
        world
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.site.clock.now()
    }

    /// Runs statements in the control database; `$now` is the clock's time.
    pub async fn run(&self, sql: &str) {
        let sql = sql.replace("$now", &format!("'{}'::timestamptz", self.now().to_rfc3339()));
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&self.db).await.unwrap();
    }

    /// Lets time pass.
    pub fn pass(&self, time: TimeDelta) {
        self.site.clock.advance(time);
    }

    /// Places an order, as the web process does.
    pub async fn order(&self) -> Shop {
        let (id, project) = (EnvironmentId::new(self.now()), ProjectId::new(self.now()));
        let (account, name) = (self.account, format!("shop-{}", new_code(8)));
        self.run(&format!(
            "INSERT INTO projects VALUES ('{project}', '{account}', 'Shop', $now);
             INSERT INTO environments (id, account_id, project_id, kind, name, plan_version_id, wanted, company, language, country
                  , currency, timezone, apps, admin_email, admin_name, order_key, status_since, created_at)
             VALUES ('{id}', '{account}', '{project}', 'test', 'Shop'
                  , (SELECT plan_versions.id FROM plan_versions JOIN plans ON plans.id = plan_versions.plan_id
                      WHERE plans.kind = 'test' LIMIT 1)
                  , 'running', 'Acme', 'fr_FR', 'FR', 'EUR', 'Europe/Paris', '{{}}', 'zoe@example.com', 'Zoe', gen_random_uuid()
                  , $now, $now);
             INSERT INTO subdomains (name, environment_id, account_id) VALUES ('{name}', '{id}', '{account}');"
        ))
        .await;
        Shop { id, name, is_bare: false }
    }

    /// Gives turns until nothing is due; whoever is killed leaves everything as it is.
    pub async fn work(&self) {
        tokio::select! {
            done = self.settle() => done,
            () = self.faults.killed() => {}
        }
    }

    async fn settle(&self) {
        // With one machine there is nothing to see.
        if self.engine.names().len() > 1 {
            let nodes = Driver::new(Nodes::new(self.site.clone()), self.db.clone(), self.site.clock.clone());
            nodes.settle().await.unwrap();
        }
        reconcile::settle(&self.site).await.unwrap();
    }

    /// Finds every machine again, and opens it.
    pub async fn mend(&self) {
        for node in self.engine.names() {
            self.engine.set_lost(&node, false);
        }
        // Nobody checks machines here.
        self.run(
            "UPDATE hosts SET wanted = 'open', state = 'active', state_reason = NULL, lost_at = NULL, lost_times = '{}'",
        )
        .await;
    }

    /// Works until the fault has come, or until there was time enough for it.
    pub async fn meet(&self, fault: (Call, Fault)) -> bool {
        self.faults.plan(Some(fault));
        for _ in 0..WHILES {
            self.work().await;
            if !self.faults.is_armed() {
                return true;
            }
            self.pass(A_WHILE);
        }
        false
    }

    /// Works while nothing happens, and returns the calls that were made. Some of them come only after a while: what ends at
    /// the old container of an update.
    pub async fn watch(&self) -> BTreeSet<Call> {
        self.faults.plan(None);
        for _ in 0..3 {
            self.work().await;
            self.pass(A_WHILE);
        }
        self.faults.end().into_iter().collect()
    }

    /// Lets a worker that nothing happens to go on, until all is as wanted. Returns what is not, after a long time.
    pub async fn converge(&self, shop: &Shop, status: &str) -> Result<(), String> {
        // What somebody seemed to use sleeps once it has not been used for long enough again.
        let a_while = if status == "asleep" { LONG } else { A_WHILE };
        drop(self.faults.end());
        let mut wrong = String::new();
        for _ in 0..WHILES {
            self.pass(a_while);
            self.work().await;
            self.sweep().await;
            wrong = match self.wrong(shop, status).await {
                Ok(()) => return Ok(()),
                Err(wrong) => wrong,
            };
        }
        Err(format!(
            "{wrong}; {:?}",
            self.texts("SELECT task || ': ' || last_error FROM turns WHERE last_error IS NOT NULL").await
        ))
    }

    /// Works until people are told this; false after a long time.
    pub async fn work_until(&self, shop: &Shop, status: &str) -> bool {
        for _ in 0..WHILES {
            self.work().await;
            if self.texts(&format!("SELECT status FROM environments WHERE id = '{}'", shop.id)).await == [status] {
                return true;
            }
            self.pass(A_WHILE);
        }
        false
    }

    pub async fn sweep(&self) {
        let driver = Driver::new(Leftovers::new(self.site.clone()), self.db.clone(), self.site.clock.clone());
        driver.settle().await.unwrap();
    }

    /// Removes an environment, so that the next one finds the world as this one did.
    pub async fn remove(&self, shop: &Shop) -> Result<(), String> {
        let id = shop.id;
        self.run(&format!(
            "UPDATE suspensions SET lifted_at = $now, lifted_by = '{}' WHERE lifted_at IS NULL",
            self.staff
        ))
        .await;
        self.run(&format!(
            "UPDATE environments SET wanted = 'deleted', purge_after = $now, wanted_generation = wanted_generation + 1 WHERE id = '{id}'"
        ))
        .await;
        self.converge(shop, "deleted").await
    }

    /// Says what is not as it must be: exactly one of everything, and nothing left over.
    async fn wrong(&self, shop: &Shop, status: &str) -> Result<(), String> {
        self.wrong_of_all(&[(shop, status)]).await
    }

    /// The same of several environments, which are all that there are.
    pub async fn wrong_of_all(&self, all: &[(&Shop, &str)]) -> Result<(), String> {
        let mut wanted = self.spares().await?;
        for (shop, status) in all {
            wanted.add(self.wanted_of(shop, status).await?);
        }
        let seen = self.truth.engine.list().await.map_err(|error| error.to_string())?;
        let name = |seen: &ServiceSeen| match seen.replicas {
            0 => format!("{} at rest", seen.name),
            _ => format!("{} {}", seen.name, seen.generation),
        };
        let names = seen.iter().map(name).collect();
        same("services", names, wanted.services)?;
        let inventory = self.truth.tenants.list().await.map_err(|error| error.to_string())?;
        let templates = self.texts("SELECT database_name FROM templates WHERE state = 'ready'").await;
        let databases = inventory.databases.iter().map(ToString::to_string).filter(|name| !templates.contains(name));
        same("databases", databases.collect(), wanted.databases)?;
        let is_made = |role: &String| !templates.iter().any(|name| role.starts_with(name.as_str()));
        same("roles", inventory.roles.iter().map(ToString::to_string).filter(is_made).collect(), wanted.roles)?;
        let routes = "SELECT hostname || ' ' || state || ' '
                            || coalesce((SELECT string_agg(it, ' ' ORDER BY it COLLATE \"C\") FROM unnest(upstreams) AS it), '')
                        FROM routes";
        same("routes", self.texts(routes).await, wanted.routes)?;
        same("room", self.texts("SELECT code FROM runtimes WHERE host_id IS NOT NULL").await, wanted.room)
    }

    /// Says what there must be of spares: as many as are kept, each ready to be handed out.
    async fn spares(&self) -> Result<Things, String> {
        let of = "FROM runtimes WHERE environment_id IS NULL AND state <> 'gone' ORDER BY code";
        let states = self.texts(&format!("SELECT state || ' ' || wanted {of}")).await;
        let kinds = self.texts("SELECT DISTINCT cpu_millis || ' ' || memory_mb FROM plan_versions").await.len();
        let kept = kinds * usize::try_from(self.site.spares).unwrap();
        same("spares", states, vec!["ready running".to_owned(); kept])?;
        let codes = self.texts(&format!("SELECT code {of}")).await;
        Ok(Things {
            services: self.texts(&format!("SELECT 'matrix-' || code || ' ' || service_generation {of}")).await,
            roles: self.texts(&format!("SELECT code || '_' || login_generation {of}")).await,
            databases: codes.clone(),
            room: codes,
            routes: Vec::new(),
        })
    }

    /// Says what there must be of one environment.
    async fn wanted_of(&self, shop: &Shop, status: &str) -> Result<Things, String> {
        let id = shop.id;
        let texts_of = async |sql: &str| self.texts_of(sql, id).await;
        let said = texts_of("SELECT status FROM environments WHERE id = $1").await;
        same("status", said, vec![status.to_owned()])?;
        let open = "SELECT coalesce(last_error, 'unsettled') FROM turns WHERE task = 'environments' AND subject = $1
                       AND (unsettled_at IS NOT NULL OR lease_token IS NOT NULL)";
        same("turns", texts_of(open).await, Vec::new())?;
        let alive = "FROM runtimes WHERE environment_id = $1 AND state <> 'gone'";
        let codes = texts_of(&format!("SELECT code {alive}")).await;
        // What was stopped before it was ever made has nothing.
        let unmade = texts_of("SELECT 'unmade' FROM environments WHERE id = $1 AND first_ready_at IS NULL").await;
        let may_be_unmade = !unmade.is_empty() && !matches!(status, "running" | "asleep" | "deleted");
        if codes.len() != usize::from(status != "deleted") && !(codes.is_empty() && may_be_unmade) {
            return Err(format!("{} runtimes of what is {status}", codes.len()));
        }
        let mut things = Things { databases: codes.clone(), ..Things::default() };
        things.roles = texts_of(&format!("SELECT code || '_' || login_generation {alive}")).await;
        if may_be_unmade {
            // Or only a part: it was stopped while it was being made.
            let made = self.truth.tenants.list().await.map_err(|error| error.to_string())?;
            things.databases.retain(|code| made.databases.iter().any(|it| it.to_string() == *code));
            things.roles.retain(|role| made.roles.iter().any(|it| it.to_string() == *role));
        }
        let numbers =
            "SELECT number::text FROM replicas JOIN runtimes ON runtimes.id = runtime_id WHERE environment_id = $1";
        let replicas = texts_of(numbers).await;
        let of_replicas = "FROM replicas JOIN runtimes ON runtimes.id = runtime_id WHERE environment_id = $1";
        let roles = format!("SELECT code || '_' || runtimes.login_generation || '_r' || number {of_replicas}");
        things.roles.extend(texts_of(&roles).await);
        if matches!(status, "running" | "asleep") {
            // What sleeps keeps the generation with which it fell asleep until it is woken.
            let how = if status == "asleep" { "'at rest'" } else { "service_generation" };
            let name = format!("'matrix-' || code || CASE service_slot WHEN 1 THEN '-b' ELSE '' END || ' ' || {how}");
            things.services = texts_of(&format!("SELECT {name} {alive}")).await;
            let name = "'matrix-' || code || '-r' || number || ' 1'";
            things.services.extend(texts_of(&format!("SELECT {name} {of_replicas}")).await);
            if status == "asleep" && shop.is_bare {
                let seen = self.truth.engine.list().await.map_err(|error| error.to_string())?;
                things.services.retain(|it| seen.iter().any(|seen| it.starts_with(&format!("{} ", seen.name))));
            }
        }
        let mut addresses = Vec::new();
        let slots = replicas.iter().map(|number| format!("-r{number}"));
        for slot in ["", "-b"].map(str::to_owned).into_iter().chain(slots) {
            for code in &codes {
                let name = ServiceName::parse(&format!("matrix-{code}{slot}")).unwrap();
                let seen = self.truth.engine.containers(&name).await.map_err(|error| error.to_string())?;
                addresses.extend(seen.iter().filter(|it| it.state.is_alive()).filter_map(|it| it.address));
            }
        }
        let host = format!("{}.localhost", shop.name);
        let count = texts_of("SELECT replicas::text FROM environments WHERE id = $1").await;
        let is_as_many = count == [addresses.len().to_string()];
        match (status, addresses.as_slice()) {
            ("running", all) if is_as_many => {
                let stranded = "SELECT hosts.name FROM runtimes LEFT JOIN replicas ON replicas.runtime_id = runtimes.id
                                  JOIN hosts ON hosts.id IN (runtimes.host_id, replicas.host_id)
                                 WHERE environment_id = $1 AND (hosts.state = 'down' OR hosts.wanted = 'empty')";
                same("left on a machine", texts_of(stranded).await, Vec::new())?;
                let shared = "SELECT host_id::text
                                FROM (SELECT id, host_id FROM runtimes WHERE environment_id = $1
                                       UNION ALL
                                      SELECT runtime_id, replicas.host_id FROM replicas
                                        JOIN runtimes ON runtimes.id = runtime_id WHERE environment_id = $1) AS places
                               GROUP BY host_id HAVING count(*) > 1";
                same("hosts with two containers", texts_of(shared).await, Vec::new())?;
                let mut led: Vec<String> = all.iter().map(ToString::to_string).collect();
                led.sort();
                things.routes.push(format!("{host} serving {}", led.join(" ")));
                things.room.clone_from(&codes);
                let told = self.tenants.told(&DatabaseName::parse(&codes[0]).unwrap()).join(";");
                // Texts go into a database in hexadecimal.
                if !told.contains(&hex::encode(&host)) {
                    return Err(format!("its database does not know that it is {host}"));
                }
            }
            ("running", many) => return Err(format!("{} containers instead of {count:?}", many.len())),
            (_, [_, ..]) => return Err(format!("{} containers of what is {status}", addresses.len())),
            ("deleting", _) => {
                let logins = self.tenants.logins();
                let open =
                    logins.keys().map(ToString::to_string).filter(|role| codes.iter().any(|it| role.starts_with(it)));
                same("let in", open.collect(), Vec::new())?;
            }
            ("deleted", _) => {}
            (state, _) => things.routes.push(format!("{host} {state} ")),
        }
        Ok(things)
    }

    pub async fn texts(&self, sql: &str) -> Vec<String> {
        let rows = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(&self.db).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The same of one environment, `$1`: a connection remembers how such a text is answered.
    pub async fn texts_of(&self, sql: &str, id: EnvironmentId) -> Vec<String> {
        let query = sqlx::query(AssertSqlSafe(sql.to_owned())).bind(id.uuid());
        query.fetch_all(&self.db).await.unwrap().iter().map(|row| row.get(0)).collect()
    }
}

/// What there is, by name.
#[derive(Default)]
struct Things {
    services: Vec<String>,
    databases: Vec<String>,
    roles: Vec<String>,
    routes: Vec<String>,
    /// Codes of what has room on a machine.
    room: Vec<String>,
}

impl Things {
    fn add(&mut self, more: Self) {
        self.services.extend(more.services);
        self.databases.extend(more.databases);
        self.roles.extend(more.roles);
        self.routes.extend(more.routes);
        self.room.extend(more.room);
    }
}

fn same(what: &str, mut seen: Vec<String>, mut wanted: Vec<String>) -> Result<(), String> {
    seen.sort();
    wanted.sort();
    if seen == wanted { Ok(()) } else { Err(format!("{what}: {seen:?} instead of {wanted:?}")) }
}

/// An environment of a test.
pub struct Shop {
    pub id: EnvironmentId,
    pub name: String,
    /// Whether somebody removed its service by hand. While it sleeps it goes without: waking makes another one.
    pub is_bare: bool,
}

/// Answers every question at one port of all of this machine's own addresses, as a container that serves does.
async fn answer_everywhere() -> (u16, JoinSet<()>) {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut answers = JoinSet::new();
    answers.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = service_fn(|request: Request<hyper::body::Incoming>| async move {
                // There is no process of its own for websockets.
                let status = if request.uri().path().starts_with("/websocket") { 404 } else { 200 };
                Ok::<_, Infallible>(Response::builder().status(status).body(Empty::<Bytes>::new()).unwrap())
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    });
    (port, answers)
}
