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
use sayoo::base::ids::{AccountId, EnvironmentId, ImageId, ProjectId, StaffId, TemplateId};
use sayoo::base::seal::SealingKey;
use sayoo::base::secret::{Secret, new_code};
use sayoo::engine::{Engine, Simulated};
use sayoo::odoo::commands::{Front, Server};
use sayoo::reconcile::driver::Driver;
use sayoo::reconcile::leftovers::Leftovers;
use sayoo::reconcile::{self, Site};
use sayoo::tenant_db::{self, DatabaseName, TenantDb};
use sqlx::{AssertSqlSafe, PgPool, Row};
use tokio::net::TcpListener;

use crate::reconcile::support::public;

/// More than a dead worker's lease lasts, and more than it takes until all is quiet after a switch.
const A_WHILE: TimeDelta = TimeDelta::seconds(31);
/// Longer than any plan lets an environment be idle.
pub const LONG: TimeDelta = TimeDelta::hours(3);
/// After so many whiles everything must be as wanted.
const WHILES: usize = 12;

/// An installation.
pub struct World {
    pub faults: Faults,
    tenants: tenant_db::Simulated,
    site: Arc<Site>,
    db: PgPool,
    account: AccountId,
    pub image: ImageId,
    pub staff: StaffId,
}

impl World {
    pub async fn new(db: PgPool) -> Self {
        let clock = Clock::manual(Clock::System.now());
        let faults = Faults::default();
        let engine = Simulated::with_faults(clock.clone(), faults.clone());
        engine.set_port(answer_everywhere().await);
        let tenants = tenant_db::Simulated::with_faults(faults.clone());
        let site = Arc::new(Site {
            db: db.clone(),
            clock: clock.clone(),
            engine: Engine::Simulated(engine),
            tenants: TenantDb::Simulated(tenants.clone()),
            key: SealingKey::new(&rand::random()),
            installation: "matrix".to_owned(),
            public: Arc::new(public()),
            server: Server { host: "127.0.0.1".to_owned(), port: 5432 },
            front: Front { url: "http://localhost".to_owned(), sso_public_key: "00".repeat(32) },
            pages: "127.0.0.1:8081".to_owned(),
            spares: 0,
            docker: String::new(),
            upstream_address: "127.0.0.1".to_owned(),
        });
        let now = clock.now();
        let (account, image, staff) = (AccountId::new(now), ImageId::new(now), StaffId::new(now));
        let world = Self { faults, tenants, site, db, account, image, staff };
        world.fill().await;
        world
    }

    async fn fill(&self) {
        let now = self.now();
        let mut db = self.db.acquire().await.unwrap();
        for node in self.site.engine.nodes().await.unwrap() {
            sayoo::hosts::store::record(&mut db, &node, "", "127.0.0.1", now).await.unwrap();
        }
        sayoo::plans::seed(&mut db, now).await.unwrap();
        drop(db);
        let (image, account, staff) = (self.image, self.account, self.staff);
        let template = DatabaseName::parse(&new_code(20)).unwrap();
        self.site.tenants.create_for_template(&template, &Secret::new(String::new())).await.unwrap();
        for sql in [
            format!("INSERT INTO images VALUES ('{image}', 'odoo', 'sha256:00', '19.0', 'current', now())"),
            "INSERT INTO database_servers VALUES (gen_random_uuid(), 'embedded', 'active', now())".to_owned(),
            format!(
                "INSERT INTO templates (id, database_server_id, image_id, language, modules, database_name, state, used_at, created_at)
                 SELECT '{}', id, '{image}', 'fr_FR', '{{}}', '{template}', 'ready', now(), now() FROM database_servers",
                TemplateId::new(now)
            ),
            // The other default templates are not wanted.
            format!(
                "INSERT INTO templates (id, database_server_id, image_id, language, modules, database_name, state, used_at, created_at)
                 SELECT gen_random_uuid(), id, '{image}', language, '{{}}', 'none_' || language, 'retired', now(), now()
                   FROM database_servers, unnest(ARRAY['en_US', 'ar_001']) AS language"
            ),
            format!("INSERT INTO accounts VALUES ('{account}', 'Acme', 'EUR', 'FR', 'Europe/Paris', 'active', now())"),
            format!(
                "INSERT INTO staff (id, email, email_key, name, password_hash, locale, totp_sealed, created_at)
                 VALUES ('{staff}', 'sam@example.com', 'sam@example.com', 'Sam', '', 'en', '', now())"
            ),
        ] {
            self.run(&sql).await;
        }
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
        Shop { id, name }
    }

    /// Gives turns until nothing is due; whoever is killed leaves everything as it is.
    pub async fn work(&self) {
        tokio::select! {
            done = reconcile::settle(&self.site) => done.unwrap(),
            () = self.faults.killed() => {}
        }
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

    async fn sweep(&self) {
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
        let same = |what: &str, seen: &[String], wanted: &[String]| {
            if seen == wanted { Ok(()) } else { Err(format!("{what}: {seen:?} instead of {wanted:?}")) }
        };
        let id = shop.id;
        let of = |sql: &str| sql.replace("$1", &format!("'{id}'"));
        let said = self.texts(&of("SELECT status FROM environments WHERE id = $1")).await;
        same("status", &said, &[status.to_owned()])?;
        let open = "SELECT coalesce(last_error, 'unsettled') FROM turns WHERE task = 'environments' AND subject = $1
                       AND (unsettled_at IS NOT NULL OR lease_token IS NOT NULL)";
        same("turns", &self.texts(&of(open)).await, &[])?;
        let codes = self.texts(&of("SELECT code FROM runtimes WHERE environment_id = $1 AND state <> 'gone'")).await;
        let service =
            "SELECT 'matrix-' || code || CASE service_slot WHEN 1 THEN '-b' ELSE '' END || ' ' || service_generation
                         FROM runtimes WHERE environment_id = $1 AND state <> 'gone'
              UNION ALL
             SELECT 'matrix-' || code || '-r' || number || ' 1'
               FROM replicas JOIN runtimes ON runtimes.id = runtime_id WHERE environment_id = $1";
        let mut services = self.texts(&of(service)).await;
        services.sort();
        let mut roles = self
            .texts(&of(
                "SELECT code || '_' || login_generation AS role FROM runtimes WHERE environment_id = $1 AND state <> 'gone'
                  UNION ALL
                 SELECT code || '_' || runtimes.login_generation || '_r' || number
                   FROM replicas JOIN runtimes ON runtimes.id = runtime_id WHERE environment_id = $1",
            ))
            .await;
        let has_database = status != "deleted";
        let has_service = matches!(status, "running" | "asleep");
        same("runtimes", &vec!["one".to_owned(); codes.len()], &vec!["one".to_owned(); usize::from(has_database)])?;

        let seen = self.site.engine.list().await.map_err(|error| error.to_string())?;
        let mut names: Vec<String> = seen.iter().map(|seen| format!("{} {}", seen.name, seen.generation)).collect();
        names.sort();
        same("services", &names, if has_service { &services } else { &[] })?;
        let inventory = self.site.tenants.list().await.map_err(|error| error.to_string())?;
        let templates = self.texts("SELECT database_name FROM templates WHERE state = 'ready'").await;
        let databases: Vec<String> =
            inventory.databases.iter().map(ToString::to_string).filter(|name| !templates.contains(name)).collect();
        same("databases", &databases, &codes)?;
        let made: Vec<String> = inventory
            .roles
            .iter()
            .map(ToString::to_string)
            .filter(|role| !templates.iter().any(|name| role.starts_with(name.as_str())))
            .collect();
        roles.sort();
        same("roles", &made, &roles)?;

        let mut alive = Vec::new();
        for seen in &seen {
            let containers = self.site.engine.containers(&seen.name).await.map_err(|error| error.to_string())?;
            alive.extend(
                containers.iter().filter(|it| it.state.is_alive()).filter_map(|it| it.address).map(|it| it.to_string()),
            );
        }
        let routes = self.texts(&of("SELECT hostname || ' ' || state || ' ' || coalesce((SELECT string_agg(it, ' ' ORDER BY it COLLATE \"C\") FROM unnest(upstreams) AS it), '')
                                              FROM routes WHERE environment_id = $1")).await;
        let host = format!("{}.localhost", shop.name);
        let count = self.texts(&of("SELECT replicas::text FROM environments WHERE id = $1")).await;
        let is_as_many = count == [alive.len().to_string()];
        alive.sort();
        let wanted = match (status, alive.as_slice()) {
            ("running", all) if is_as_many => vec![format!("{host} serving {}", all.join(" "))],
            ("running", many) => return Err(format!("{} containers instead of {count:?}", many.len())),
            (_, [_, ..]) => return Err(format!("{} containers", alive.len())),
            ("deleting" | "deleted", _) => Vec::new(),
            (state, _) => vec![format!("{host} {state} ")],
        };
        same("routes", &routes, &wanted)?;
        if has_database && status == "running" {
            let told = self.tenants.told(&DatabaseName::parse(&codes[0]).unwrap()).join(";");
            // Texts go into a database in hexadecimal.
            if !told.contains(&hex::encode(&host)) {
                return Err(format!("its database does not know that it is {host}"));
            }
        }
        let shared = "SELECT host_id::text FROM (SELECT host_id FROM runtimes UNION ALL SELECT host_id FROM replicas) AS all_of_them
                       WHERE host_id IS NOT NULL GROUP BY host_id HAVING count(*) > 1";
        same("hosts with two containers", &self.texts(shared).await, &[])?;
        let promised = self.texts("SELECT code FROM runtimes WHERE host_id IS NOT NULL").await;
        let holds_room = status == "running";
        same("room", &promised, if holds_room { &codes } else { &[] })
    }

    pub async fn texts(&self, sql: &str) -> Vec<String> {
        let rows = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(&self.db).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }
}

/// An environment of a test.
pub struct Shop {
    pub id: EnvironmentId,
    pub name: String,
}

/// Answers every question at one port of all of this machine's own addresses, as a container that serves does.
async fn answer_everywhere() -> u16 {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = service_fn(|request: Request<hyper::body::Incoming>| async move {
                // There is no process of its own for websockets.
                let status = if request.uri().path().starts_with("/websocket") { 404 } else { 200 };
                Ok::<_, Infallible>(Response::builder().status(status).body(Empty::<Bytes>::new()).unwrap())
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    });
    port
}
