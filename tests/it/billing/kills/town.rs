//! Customers whose months are over, who use and pay; what the processes that serve them are told; and what is left to do.

use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use sayoo::accounts::{Origin, sessions};
use sayoo::base::ids::{AccountId, UserId};
use sayoo::billing::self_audit;
use sayoo::metering::sampling::Sampler;
use serde_json::json;
use sqlx::{AssertSqlSafe, ConnectOptions, PgPool};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::billing::recompute::Dice;
use crate::billing::world::{introduce_in, number, sell_in};
use crate::metering::world::{Instance, World as Metering};
use crate::support::engine::pause;
use crate::support::portal::Browser;
use crate::support::process::Process;
use crate::support::stripe::StandIn;

/// Months of each customer that are over and not billed.
pub const MONTHS: i64 = 2;
/// Of so many documents one gets papers: they take most of the time.
pub const PAPERS_OF: i64 = 9;
/// Of so many customers one has saved no card, and pays on Stripe's pages.
const BY_PAGE: i64 = 3;
/// Environments whose containers and databases are sampled.
const SAMPLED: usize = 3;

/// A customer's environment.
pub struct Shop {
    pub environment: Uuid,
    /// What a proxy has counted for it up to now.
    pub counted: i64,
    account: AccountId,
    /// What logs its owner in, where the owner pays on pages.
    cookie: Option<String>,
}

/// Customers, a stand-in for Stripe, a simulated engine, and what the processes are told. The engine of the processes is away all
/// the time: containers and databases are sampled by the same code beside them.
pub struct Town {
    pub db: PgPool,
    pub standin: StandIn,
    pub shops: Vec<Shop>,
    pub sampled: Metering,
    instances: Vec<Instance>,
    folder: tempfile::TempDir,
    began_at: DateTime<Utc>,
    web_port: u16,
    round: i64,
}

impl Town {
    pub async fn new(db: PgPool) -> Self {
        let now = Utc::now();
        let began_at = now - TimeDelta::hours(3);
        sayoo::plans::seed(&mut db.acquire().await.unwrap(), now).await.unwrap();
        sell_in(&db, true, now).await;
        let sampled = Metering::at(db.clone(), now - TimeDelta::hours(2));
        let mut instances = Vec::new();
        for no in 0..SAMPLED {
            instances.push(sampled.instance(&format!("sampled{no}"), 0).await);
        }
        let folder = tempfile::tempdir().unwrap();
        // A socket that nobody answers at.
        drop(UnixListener::bind(folder.path().join("docker.sock")).unwrap());
        let web_port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (standin, shops, round) = (StandIn::start(), Vec::new(), 0);
        Self { db, standin, shops, sampled, instances, folder, began_at, web_port, round }
    }

    fn web_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.web_port)
    }

    fn configuration(&self) -> PathBuf {
        let at = self.folder.path().display().to_string();
        let file = |name: &str, text: String| std::fs::write(self.folder.path().join(name), text).unwrap();
        file("sealing.key", "33".repeat(32));
        file("cookie.key", "11".repeat(64));
        file("sso.key", "22".repeat(32));
        file("sso.public", "00".repeat(32));
        file("stripe.key", "sk_test_standin".to_owned());
        file("stripe.webhooks", "whsec_standin".to_owned());
        let (url, port, stripe) = (self.db.connect_options().to_url_lossy(), self.web_port, self.standin.address());
        file(
            "sayoo.toml",
            format!(
                r#"
installation = {{ name = "kills", data_dir = "{at}" }}
public = {{ portal_url = "http://127.0.0.1:{port}", instances_url = "http://{{name}}.localhost:8080", mode = "development" }}
database = {{ owner_url = "{url}", web_url = "{url}", worker_url = "{url}", proxy_url = "{url}" }}
web = {{ listen = "127.0.0.1:{port}", sso_key_file = "{at}/sso.key", cookie_key_file = "{at}/cookie.key" }}
proxy = {{ listen = "127.0.0.1:0", web_upstream = "127.0.0.1:1", table_file = "{at}/routes.json" }}
worker = {{ docker = "unix://{at}/docker.sock", sealing_key_file = "{at}/sealing.key", upstream_address = "127.0.0.1", sso_public_key_file = "{at}/sso.public" }}
tenants = {{ admin_url = "{url}", host_for_containers = "127.0.0.1", port_for_containers = 1 }}
odoo = {{ image = "none" }}
pool = {{ spares = 0 }}
mail = {{ from = "Sayoo <no-reply@localhost>" }}
payments = {{ address = "{stripe}", secret_key_file = "{at}/stripe.key", webhook_secrets_file = "{at}/stripe.webhooks", currency = "MAD", livemode = false }}
"#
            ),
        );
        self.folder.path().join("sayoo.toml")
    }

    /// Starts a process of ours.
    pub fn start(&self, role: &str, crash_at: Option<&str>) -> Process {
        let mut environment = vec![("RUST_LOG", "off")];
        environment.extend(crash_at.map(|place| ("SAYOO_CRASH_AT", place)));
        Process::start(&self.configuration(), role, &environment)
    }

    async fn run(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&self.db).await.unwrap();
    }

    /// A customer since two months, who pays by card, and what a proxy counted for some.
    pub async fn busy(&mut self, dice: &mut Dice) {
        let now = Utc::now();
        let (account, card) = (AccountId::new(now), Uuid::new_v4().simple().to_string());
        let shop = Uuid::new_v4();
        self.run(&format!(
            "INSERT INTO accounts (id, name, currency, country, timezone, created_at) VALUES ('{account}', '{card}', 'MAD', 'MA', 'Africa/Casablanca', now());
             INSERT INTO users (id, email, email_key, name, password_hash, locale, verified_at, created_at)
             VALUES ('{account}', '{card}@example.com', '{card}@example.com', 'A', '', 'fr', now(), now());
             INSERT INTO members (account_id, user_id, role, created_at) VALUES ('{account}', '{account}', 'owner', now());
             INSERT INTO projects (id, account_id, name, created_at) VALUES ('{account}', '{account}', 'Shop', now());
             INSERT INTO environments (id, account_id, project_id, kind, name, plan_version_id, wanted, company, language, country, currency
                  , timezone, apps, admin_email, admin_name, order_key, status, status_since, created_at)
             SELECT '{shop}', '{account}', '{account}', 'production', 'Shop', v.id, 'stopped', 'A', 'fr_FR', 'MA', 'MAD', 'Africa/Casablanca', '{{}}'
                  , 'a@example.com', 'A', gen_random_uuid(), 'stopped', now(), date_trunc('month', now()) - interval '{MONTHS} months' + interval '1 day'
               FROM plan_versions v JOIN plans p ON p.id = v.plan_id WHERE v.state = 'published' AND p.kind = 'production' ORDER BY v.id LIMIT 1;
             INSERT INTO usage_hours (environment_id, meter, hour, quantity, covered_seconds, quality)
             -- All of them in the first month.
             SELECT '{shop}', 'cpu', date_trunc('month', now()) - interval '35 days' - n * interval '3 days', 900000000000 + n, 3600, 'measured' FROM generate_series(1, 3) n;
             INSERT INTO usage_days (environment_id, meter, day, quantity)
             SELECT environment_id, meter, date_trunc('day', hour, 'UTC'), quantity FROM usage_hours WHERE environment_id = '{shop}';
             -- And the samples that they are derived from.
             INSERT INTO meter_epochs (id, environment_id, meter, source, opened_at, base_value, last_seq, last_value, last_observed_at)
             SELECT '{shop}', '{shop}', 'cpu', 'container:{shop}', min(hour), 0, count(*), sum(quantity), max(hour) + interval '1 hour'
               FROM usage_hours WHERE environment_id = '{shop}';
             INSERT INTO meter_samples (epoch_id, seq, from_at, until_at, observed_at, value, quantity, quality)
             SELECT '{shop}', row_number() OVER by_hour, hour, hour + interval '1 hour', hour + interval '1 hour', sum(quantity) OVER by_hour
                  , quantity, quality
               FROM usage_hours WHERE environment_id = '{shop}' WINDOW by_hour AS (ORDER BY hour)"
        ))
        .await;
        introduce_in(&self.db, account, "MA", now).await;
        self.round += 1;
        let cookie = if self.round % BY_PAGE == 0 { Some(self.logs_in(account, now).await) } else { None };
        if cookie.is_none() {
            self.run(&format!(
                "INSERT INTO stripe_customers (account_id, seller_id, customer_id, created_at)
                 SELECT '{account}', id, 'cus_{card}', now() FROM sellers WHERE currency = 'MAD';
                 INSERT INTO payment_methods (id, account_id, customer_id, provider_id, brand, last4, expires, is_default, created_at)
                 VALUES (gen_random_uuid(), '{account}', 'cus_{card}', 'pm_{card}', 'visa', '4242', '2030-12', true, now())"
            ))
            .await;
        }
        self.shops.push(Shop { environment: shop, counted: 0, account, cookie });
        let newest = self.shops.len().saturating_sub(5);
        // By the clock of whoever samples: what was counted in its future it would refuse.
        let counted_at = self.sampled.clock.now();
        for shop in &mut self.shops[newest..] {
            shop.counted += 1 + dice.below(100);
            sqlx::query(
                "INSERT INTO traffic_samples (proxy_epoch, environment_id, seq, observed_at, requests, egress_bytes, ingress_bytes, errors)
                 VALUES ($1, $2, $3, $5, $4, $4 * 1000, 0, 0)",
            )
            .bind(Uuid::from_u128(7))
            .bind(shop.environment)
            .bind(self.round)
            .bind(shop.counted)
            .bind(counted_at)
            .execute(&self.db)
            .await
            .unwrap();
        }
        self.end_leases().await;
    }

    async fn logs_in(&self, account: AccountId, now: DateTime<Utc>) -> String {
        let origin = Origin { address: "192.0.2.1".to_owned(), user_agent: "test".to_owned(), ..Origin::default() };
        let user: UserId = account.to_string().parse().unwrap();
        let token =
            sessions::start(&mut self.db.acquire().await.unwrap(), (user, account), &origin, now).await.unwrap();
        format!("sayoo={}", token.expose())
    }

    /// Whoever held something is dead: nobody waits until that is noticed, nor for the next look. Mails are another story, and so are
    /// most papers.
    pub async fn end_leases(&self) {
        self.run(&format!(
            "DELETE FROM meter_looks; UPDATE usage_due SET due_at = now() - interval '1 day'; DELETE FROM stripe_polls;
             UPDATE payment_attempts SET next_at = now() WHERE ended_at IS NULL AND next_at IS NOT NULL;
             UPDATE stripe_events SET next_at = now() WHERE processed_at IS NULL;
             UPDATE card_wishes SET held_until = NULL, next_at = now() WHERE state IN ('asked', 'ready');
             DELETE FROM jobs WHERE state = 'due' AND NOT EXISTS (
                    SELECT FROM documents d WHERE jobs.kind = 'make_papers' AND d.id::text = payload ->> 'document' AND d.no % {PAPERS_OF} = 0);
             UPDATE jobs SET due_at = now(), attempts = 0, lease_token = NULL, leased_until = NULL WHERE state = 'due'"
        ))
        .await;
    }

    /// One of the connections that are in a transaction is ended; never ours, which asks.
    pub async fn end_a_connection(&self) {
        self.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE datname = current_database() AND pid <> pg_backend_pid()
                AND query NOT LIKE '%pg_terminate%' AND xact_start IS NOT NULL
              ORDER BY random() LIMIT 1",
        )
        .await;
    }

    /// Samples containers, databases and proxies and derives hours, again and again, until it is cut off. It has connections of its
    /// own, which end with it.
    pub fn sample(&self) -> JoinHandle<()> {
        let options = self.db.connect_options().as_ref().clone();
        let db = sayoo::db::pool_options(2).acquire_timeout(Duration::from_secs(5)).connect_lazy_with(options);
        let sampler = Sampler { db, ..self.sampled.sampler.clone() };
        tokio::spawn(async move {
            loop {
                sampler.clock.advance(TimeDelta::seconds(5));
                // What fails is tried again, as the worker does.
                drop(sampler.take_containers().await);
                drop(sampler.take_databases().await);
                drop(sampler.take_traffic().await);
                drop(sampler.derive_hours().await);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
    }

    /// Samples once more, undisturbed: what was missed stands in the counters.
    pub async fn sample_last(&self) {
        self.sampled.clock.advance(TimeDelta::seconds(60));
        self.sampled.sampler.take_containers().await.unwrap();
        self.sampled.sampler.take_databases().await.unwrap();
        self.sampled.sampler.take_traffic().await.unwrap();
    }

    /// The processor time that all containers used by the engine's word, and by our hours.
    pub async fn processor_time(&self) -> (i64, i64) {
        let readings = sayoo::engine::Engine::Simulated(self.sampled.engine.clone()).readings().await.unwrap();
        let used: u64 = readings.iter().map(|reading| reading.cpu_nanos / 1000).sum();
        let mut counted = 0;
        for instance in &self.instances {
            counted += self.sampled.used(instance, sayoo::metering::Meter::Cpu).await;
        }
        (i64::try_from(used).unwrap(), counted)
    }

    /// Waits until the web process takes requests.
    pub async fn until_web_listens(&self) {
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.web_port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "the web process does not listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What comes in from outside, again and again until nobody waits for it: Stripe tells what happened, twice and the newest first,
    /// and customers without a card ask for pages, pay on them and come back. Whatever is not answered is done again.
    pub async fn trade(&self) {
        loop {
            self.until_web_listens().await;
            let _: (Option<()>, Option<()>) = tokio::join!(self.tell(), self.pay());
            pause().await;
        }
    }

    async fn tell(&self) -> Option<()> {
        let http = reqwest::Client::new();
        let state = self.standin.state().await;
        for event in state["events"].as_array()?.iter().rev().take(6) {
            let order =
                json!({ "do": "sign", "event": event["id"], "secret": "whsec_standin", "at": Utc::now().timestamp() });
            let made = self.standin.order(order).await;
            for _ in 0..2 {
                let request = http
                    .post(format!("{}/webhooks/stripe", self.web_url()))
                    .header("stripe-signature", made["header"].as_str()?)
                    .body(made["body"].as_str()?.to_owned());
                request.send().await.ok()?;
            }
        }
        Some(())
    }

    async fn pay(&self) -> Option<()> {
        let mut owing = Vec::new();
        let mut ready = Vec::new();
        for shop in self.shops.iter().filter(|shop| shop.cookie.is_some()) {
            let account = shop.account.uuid();
            let sql = "SELECT id::text FROM documents WHERE account_id = $1 AND kind = 'invoice' AND state = 'final' AND left_of(documents) > 0
                          AND NOT EXISTS (SELECT FROM card_wishes w WHERE w.document_id = documents.id AND w.state IN ('asked', 'ready'))";
            let all: Vec<String> = sqlx::query_scalar(sql).bind(account).fetch_all(&self.db).await.ok()?;
            owing.extend(all.into_iter().map(|document| (shop, document)));
            let sql = "SELECT page_url FROM card_wishes WHERE account_id = $1 AND state = 'ready'";
            let all: Vec<String> = sqlx::query_scalar(sql).bind(account).fetch_all(&self.db).await.ok()?;
            ready.extend(all.into_iter().map(|page| (shop, page)));
        }
        for (shop, page) in ready {
            let (back, _) = self.standin.visit(&page, &[("card", "4242424242424242"), ("act", "give")]).await;
            // Empty: it was paid on before, and whoever came back was not heard.
            if !back.is_empty() {
                self.browser(shop)?.client.get(back).send().await.ok()?;
            }
        }
        for (shop, document) in owing {
            let browser = self.browser(shop)?;
            let page = browser.client.get(format!("{}/dev/mails", browser.url)).send().await.ok()?.text().await.ok()?;
            let token = page.split_once("name=\"csrf\" value=\"")?.1.split_once('"')?.0.to_owned();
            let pay = format!("{}/account/billing/invoices/{document}/pay", browser.url);
            browser.client.post(pay).form(&[("csrf", token)]).send().await.ok()?;
        }
        Some(())
    }

    fn browser(&self, shop: &Shop) -> Option<Browser> {
        Some(Browser::with_cookie(&self.web_url(), shop.cookie.as_deref()?))
    }

    /// The books are right at any moment.
    pub async fn assert_sound(&self, killed: &str) {
        let mut db = self.db.acquire().await.unwrap();
        let report = self_audit::audit(&mut db, self.began_at, Utc::now()).await.unwrap();
        let wrong: Vec<_> = report.outcomes.iter().filter(|outcome| outcome.wrong > 0).collect();
        assert!(wrong.is_empty(), "after {killed}: {wrong:#?}");
    }

    /// How much is left to do.
    pub async fn left(&self) -> i64 {
        let mut left = 0;
        for (_, sql) in TO_DO {
            left += number(&self.db, sql).await;
        }
        left
    }

    /// The same in words.
    pub async fn what_is_left(&self) -> String {
        let mut words = String::new();
        for (what, sql) in TO_DO {
            words += &format!("{} {what}, ", number(&self.db, sql).await);
        }
        words
    }
}

/// What a worker does, and how much of it there is.
const TO_DO: [(&str, &str); 7] = [
    ("proxies' numbers", "SELECT count(*) FROM traffic_samples"),
    ("hours", "SELECT count(*) FROM usage_due"),
    ("months", "SELECT count(*) FROM billing_periods WHERE state = 'open' AND until_at < now() - interval '4 hours'"),
    ("drafts", "SELECT count(*) FROM documents WHERE state = 'draft'"),
    ("attempts", "SELECT count(*) FROM payment_attempts WHERE ended_at IS NULL"),
    (
        "unpaid invoices",
        "SELECT count(*) FROM documents WHERE kind = 'invoice' AND state = 'final' AND left_of(documents) > 0",
    ),
    ("papers", "SELECT count(*) FROM jobs WHERE state = 'due' AND kind = 'make_papers'"),
];
