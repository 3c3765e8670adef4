//! Worker, web process and connections are killed while usage comes in, months are billed and invoices are paid: whenever a seed says.
//!
//! Nothing may be lost, nothing be there twice, no number be left out. After each kill the self-audit says whether the books are
//! right; at the end everything has to have happened once. `bin/bench money-kills` for many more (`SAYOO_KILLS`, `SAYOO_KILLS_SEED`).

use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use rustix::process::Signal;
use sayoo::base::ids::AccountId;
use sayoo::billing::self_audit;
use serde_json::json;
use sqlx::{AssertSqlSafe, ConnectOptions, PgPool};
use uuid::Uuid;

use super::recompute::Dice;
use super::world::{introduce_in, number, sell_in, texts};
use crate::support::engine::pause;
use crate::support::process::Process;
use crate::support::stripe::StandIn;

/// Every place of counting and billing where a worker may die.
const PLACES: [&str; 6] =
    ["traffic:middle", "traffic:after", "hours:middle", "hours:after", "billing:rated", "billing:finalised"];
/// Months of each customer that are over and not billed.
const MONTHS: i64 = 2;

fn asked(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().map_or(usual, |text| text.parse().unwrap())
}

/// Customers, a stand-in for Stripe, and what the processes are told. The engine is away all the time.
struct Town {
    db: PgPool,
    standin: StandIn,
    folder: tempfile::TempDir,
    began_at: DateTime<Utc>,
    web_port: u16,
    /// Environments with what a proxy has counted for them up to now.
    shops: Vec<(Uuid, i64)>,
    round: i64,
}

impl Town {
    async fn new(db: PgPool) -> Self {
        let now = Utc::now();
        sayoo::plans::seed(&mut db.acquire().await.unwrap(), now).await.unwrap();
        sell_in(&db, true, now).await;
        let folder = tempfile::tempdir().unwrap();
        // A socket that nobody answers at.
        drop(UnixListener::bind(folder.path().join("docker.sock")).unwrap());
        let web_port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let began_at = now - TimeDelta::hours(2);
        Self { db, standin: StandIn::start(), folder, began_at, web_port, shops: Vec::new(), round: 0 }
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
public = {{ portal_url = "http://localhost:8080", instances_url = "http://{{name}}.localhost:8080", mode = "development" }}
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

    fn start(&self, role: &str, crash_at: Option<&str>) -> Process {
        let mut environment = vec![("RUST_LOG", "off")];
        environment.extend(crash_at.map(|place| ("SAYOO_CRASH_AT", place)));
        Process::start(&self.configuration(), role, &environment)
    }

    async fn run(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&self.db).await.unwrap();
    }

    /// A customer since two months, who pays by card, and what a proxy counted for some.
    async fn busy(&mut self, dice: &mut Dice) {
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
             -- Longer ago than hours are derived again from readings, of which there are none.
             SELECT '{shop}', 'cpu', date_trunc('month', now()) - interval '35 days' - n * interval '3 days', 900000000000 + n, 3600, 'measured' FROM generate_series(1, 3) n;
             INSERT INTO usage_days (environment_id, meter, day, quantity)
             SELECT environment_id, meter, date_trunc('day', hour, 'UTC'), quantity FROM usage_hours WHERE environment_id = '{shop}';
             INSERT INTO stripe_customers (account_id, seller_id, customer_id, created_at)
             SELECT '{account}', id, 'cus_{card}', now() FROM sellers WHERE currency = 'MAD';
             INSERT INTO payment_methods (id, account_id, customer_id, provider_id, brand, last4, expires, is_default, created_at)
             VALUES (gen_random_uuid(), '{account}', 'cus_{card}', 'pm_{card}', 'visa', '4242', '2030-12', true, now())"
        ))
        .await;
        introduce_in(&self.db, account, "MA", now).await;
        self.shops.push((shop, 0));
        self.round += 1;
        let newest = self.shops.len().saturating_sub(5);
        for (shop, counted) in &mut self.shops[newest..] {
            *counted += 1 + dice.below(100);
            sqlx::query(
                "INSERT INTO traffic_samples (proxy_epoch, environment_id, seq, observed_at, requests, egress_bytes, ingress_bytes, errors)
                 VALUES ($1, $2, $3, now(), $4, $4 * 1000, 0, 0)",
            )
            .bind(Uuid::from_u128(7))
            .bind(*shop)
            .bind(self.round)
            .bind(*counted)
            .execute(&self.db)
            .await
            .unwrap();
        }
        self.hasten().await;
    }

    /// Nobody waits for minutes: everything is due. Papers are another story, and take most of the time.
    async fn hasten(&self) {
        self.run(
            "DELETE FROM meter_looks; UPDATE usage_due SET due_at = now(); DELETE FROM stripe_polls;
             UPDATE payment_attempts SET next_at = now() WHERE ended_at IS NULL;
             DELETE FROM jobs WHERE state = 'due'",
        )
        .await;
    }

    /// Kills something, in a way and at a moment that the dice say. Returns what it was.
    async fn kill(&self, dice: &mut Dice) -> String {
        let moment = |dice: &mut Dice, most| Duration::from_millis(u64::try_from(dice.below(most)).unwrap());
        match dice.below(5) {
            0 | 1 => {
                let place = PLACES[usize::try_from(dice.below(6)).unwrap()];
                let mut worker = self.start("worker", Some(place));
                let began = Instant::now();
                // It may have nothing more to do there.
                while !worker.is_over() && began.elapsed() < Duration::from_secs(4) {
                    pause().await;
                }
                drop(worker);
                place.to_owned()
            }
            2 => {
                let worker = self.start("worker", None);
                let after = moment(dice, 2_500);
                tokio::time::sleep(after).await;
                worker.send(Signal::KILL);
                drop(worker);
                format!("the worker after {after:?}")
            }
            3 => {
                let worker = self.start("worker", None);
                for _ in 0..4 {
                    tokio::time::sleep(moment(dice, 700)).await;
                    // One of them, as if the server had ended it; never ours, which asks.
                    self.run(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                          WHERE datname = current_database() AND pid <> pg_backend_pid()
                            AND query NOT LIKE '%pg_terminate%' AND xact_start IS NOT NULL
                          ORDER BY random() LIMIT 1",
                    )
                    .await;
                }
                worker.send(Signal::KILL);
                drop(worker);
                "connections of the worker".to_owned()
            }
            _ => self.kill_web(moment(dice, 40)).await,
        }
    }

    /// Lets Stripe tell the web process what happened, and kills it meanwhile. Stripe tells it again to whom it asks.
    async fn kill_web(&self, after: Duration) -> String {
        let web = self.start("web", None);
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.web_port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "the web process does not listen");
            pause().await;
        }
        let state = self.standin.state().await;
        let events = state["events"].as_array().unwrap();
        let told = events.iter().rev().take(8).map(|event| {
            let order =
                json!({ "do": "sign", "event": event["id"], "secret": "whsec_standin", "at": Utc::now().timestamp() });
            async move {
                let made = self.standin.order(order).await;
                let request = reqwest::Client::new()
                    .post(format!("http://127.0.0.1:{}/webhooks/stripe", self.web_port))
                    .header("stripe-signature", made["header"].as_str().unwrap())
                    .body(made["body"].as_str().unwrap().to_owned());
                // Answered or not: it was killed.
                drop(request.send().await);
            }
        });
        let telling = futures_util::future::join_all(told.collect::<Vec<_>>());
        let killing = async {
            tokio::time::sleep(after).await;
            web.send(Signal::KILL);
        };
        tokio::join!(telling, killing);
        format!("the web process after {after:?}")
    }

    /// The books are right at any moment.
    async fn assert_sound(&self, killed: &str) {
        let now = Utc::now();
        let report = self_audit::audit(&mut self.db.acquire().await.unwrap(), self.began_at, now).await.unwrap();
        let wrong: Vec<_> = report.outcomes.iter().filter(|outcome| outcome.wrong > 0).collect();
        assert!(wrong.is_empty(), "after {killed}: {wrong:#?}");
    }

    /// Lets one worker end what all those before began.
    async fn finish(&self) {
        let left = "SELECT (SELECT count(*) FROM traffic_samples) + (SELECT count(*) FROM usage_due)
             + (SELECT count(*) FROM billing_periods WHERE state = 'open' AND until_at < now() - interval '4 hours')
             + (SELECT count(*) FROM documents WHERE state = 'draft') + (SELECT count(*) FROM payment_attempts WHERE ended_at IS NULL)
             + (SELECT count(*) FROM documents WHERE kind = 'invoice' AND state = 'final' AND left_of(documents) > 0)";
        let most = Duration::from_secs(120 + u64::try_from(self.shops.len()).unwrap());
        let began = Instant::now();
        while number(&self.db, left).await > 0 {
            assert!(began.elapsed() < most, "{} are left", number(&self.db, left).await);
            self.hasten().await;
            // Each look is the first one of a worker: nobody waits for the next.
            let worker = self.start("worker", None);
            let looked = Instant::now();
            while looked.elapsed() < Duration::from_secs(8) && number(&self.db, left).await > 0 {
                pause().await;
            }
            drop(worker);
        }
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn whatever_is_killed_whenever_nothing_is_lost_doubled_or_left_out(db: PgPool) {
    let (kills, seed) = (asked("SAYOO_KILLS", 10), asked("SAYOO_KILLS_SEED", 20_261_128));
    let mut dice = Dice::new(seed);
    let mut town = Town::new(db.clone()).await;
    for kill in 1..=kills {
        town.busy(&mut dice).await;
        let killed = town.kill(&mut dice).await;
        town.assert_sound(&killed).await;
        println!("kill {kill} of seed {seed}: {killed}");
    }
    town.finish().await;
    town.assert_sound("all").await;

    let customers = i64::try_from(town.shops.len()).unwrap();
    // The months that are over: as many as the calendar says, each once, and the same for everybody.
    let months = number(&db, "SELECT count(DISTINCT from_at) FROM billing_periods WHERE state = 'closed'").await;
    assert!(months >= MONTHS, "{months}");
    let invoices = number(&db, "SELECT count(*) FROM documents WHERE kind = 'invoice' AND state = 'final'").await;
    let amounts = number(&db, "SELECT count(DISTINCT (p.from_at, d.gross_minor)) FROM documents d JOIN billing_periods p ON p.id = d.period_id").await;
    let (mut lost, mut doubled) = (customers * months - invoices, amounts - months);
    let state = town.standin.state().await;
    let charged: Vec<_> =
        state["intents"].as_array().unwrap().iter().filter(|intent| intent["status"] == "succeeded").collect();
    let mut documents: Vec<_> = charged.iter().map(|intent| intent["metadata"]["document"].to_string()).collect();
    documents.sort_unstable();
    documents.dedup();
    doubled += i64::try_from(charged.len() - documents.len()).unwrap();
    lost += i64::try_from(charged.len()).unwrap() - number(&db, "SELECT count(*) FROM payments").await;
    let taken: i64 = charged.iter().map(|intent| intent["amount_received"].as_i64().unwrap()).sum();
    lost += taken - number(&db, "SELECT sum(gross_minor)::bigint FROM documents WHERE kind = 'invoice'").await;
    for (shop, counted) in &town.shops {
        let used = format!(
            "SELECT COALESCE(sum(quantity), 0)::bigint FROM usage_hours WHERE environment_id = '{shop}' AND meter = 'requests'"
        );
        lost += (counted - number(&db, &used).await).abs();
    }
    let holes = number(&db, "SELECT (max(no) - count(*))::bigint FROM documents WHERE state = 'final'").await;
    println!(
        "money-kills: {kills} kills, {lost} lost, {doubled} doubled, {holes} holes, {invoices} invoices, {} payments",
        charged.len()
    );
    assert_eq!((lost, doubled, holes), (0, 0, 0), "{:?}", texts(&db, "SELECT number FROM documents ORDER BY no").await);
}
