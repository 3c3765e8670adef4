//! A running web process with a database and a clock of its own, and the people who use it.

use std::net::TcpListener;
use std::sync::Arc;

use chrono::TimeDelta;
use reqwest::Response;
use sayoo::accounts::{Origin, sessions};
use sayoo::audit::Actor;
use sayoo::base::clock::Clock;
use sayoo::base::ids::{AccountId, EnvironmentId, PlanVersionId, UserId};
use sayoo::base::money::Currency;
use sayoo::base::names::Subdomain;
use sayoo::base::secret::Secret;
use sayoo::config::{Mail, Mode, Public};
use sayoo::environments::orders::{self, Order};
use sayoo::environments::{self, By, Environment};
use sayoo::jobs::worker;
use sayoo::mail::store::{self, Caught};
use sayoo::mail::transport::Mailer;
use sayoo::payments::signature::Secrets;
use sayoo::plans;
use sayoo::portal::Portal;
use sayoo::web::{self, Ending, Keys};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio_util::sync::DropGuard;
use uuid::Uuid;

pub use super::browser::{Browser, Page};
use super::gate::Gate;

/// A password that is taken everywhere.
pub const PASSWORD: &str = "quiet river under old stone bridge";

/// What signs webhooks.
pub const WEBHOOK_SECRET: &str = "whsec_standin";

/// Where instances are, unless a test says otherwise.
const INSTANCES: &str = "http://{name}.localhost:8080";

/// The web process and what it stands on. Mails are caught. Ends with the test.
pub struct World {
    pub db: PgPool,
    pub portal: Portal,
    pub url: String,
    /// The pool of the web process.
    pub served: PgPool,
    mailer: Mailer,
    _stop: DropGuard,
}

impl World {
    /// Starts a web process; the catalogue has its first three plans.
    pub async fn new(db: PgPool) -> Self {
        Self::with(db, INSTANCES).await
    }

    /// The same with instances at other addresses.
    pub async fn with(db: PgPool, instances_url: &str) -> Self {
        let options = db.connect_options().as_ref().clone();
        Self::made(db, (instances_url, Mode::Development), options, Currency::Mad).await
    }

    /// The same in another mode. In production mails go to a server that is away.
    pub async fn in_mode(db: PgPool, mode: Mode) -> Self {
        let options = db.connect_options().as_ref().clone();
        Self::made(db, (INSTANCES, mode), options, Currency::Mad).await
    }

    /// The same with a web process that reaches the database through a gate.
    pub async fn behind(db: PgPool, gate: &Gate) -> Self {
        let options = gate.options(db.connect_options().as_ref().clone());
        Self::made(db, (INSTANCES, Mode::Development), options, Currency::Mad).await
    }

    /// The same with a web process whose login may do what this role may.
    pub async fn served_by(db: PgPool, role: &str) -> Self {
        let options = db.connect_options().as_ref().clone().options([("role", role)]);
        Self::made(db, (INSTANCES, Mode::Development), options, Currency::Mad).await
    }

    /// The same with an account at Stripe that pays out in this currency. All others are one in dirhams, as everybody is billed in here.
    pub async fn paid_in(db: PgPool, currency: Currency) -> Self {
        let options = db.connect_options().as_ref().clone();
        Self::made(db, (INSTANCES, Mode::Development), options, currency).await
    }

    async fn made(
        db: PgPool,
        (instances_url, mode): (&str, Mode),
        of_web: PgConnectOptions,
        cards_in: Currency,
    ) -> Self {
        let clock = Clock::manual("2026-11-22T12:00:00Z".parse().unwrap());
        plans::seed(&mut db.acquire().await.unwrap(), clock.now()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let public = Public {
            portal_url: url.clone(),
            instances_url: instances_url.to_owned(),
            mode,
            company: "Sayoo".to_owned(),
        };
        let portal = Portal { db: db.clone(), clock, public: Arc::new(public) };
        let keys = Keys::new([1; 32], &[2; 32]).unwrap();
        let keys = keys.with_webhooks(Secrets::new(&["whsec_old", WEBHOOK_SECRET]), cards_in);
        // A runtime of its own, as the process has; so it needs a pool of its own.
        let served = PgPoolOptions::new().max_connections(8).connect_lazy_with(of_web);
        let ending = Ending::default();
        let stop = ending.stop.clone();
        let serving = web::serve(Portal { db: served.clone(), ..portal.clone() }, keys, listener, ending);
        std::thread::spawn(move || actix_web::rt::System::new().block_on(serving).unwrap());
        let mailer = mailer(&portal, (mode == Mode::Production).then(|| "smtp://127.0.0.1:9".to_owned()));
        Self { db, portal, url, served, mailer, _stop: stop.drop_guard() }
    }

    /// Carries out every job that is due, a second for each: so that mails have an order.
    pub async fn settle(&self) {
        while worker::turn(&self.portal, &self.mailer).await.unwrap() {
            self.wait(TimeDelta::seconds(1));
        }
    }

    /// Moves the time.
    pub fn wait(&self, time: TimeDelta) {
        self.portal.clock.advance(time);
    }

    /// Returns the mails to an address, the oldest first.
    pub async fn mails_to(&self, address: &str) -> Vec<Caught> {
        self.settle().await;
        let mut mails = store::newest(&self.db, 100).await.unwrap();
        mails.retain(|mail| mail.recipient.eq_ignore_ascii_case(address));
        mails.reverse();
        mails
    }

    /// Returns the path of the link in the last mail to an address.
    pub async fn link_to(&self, address: &str) -> String {
        let mails = self.mails_to(address).await;
        let text = &mails.last().unwrap().text_body;
        let link = text.lines().find(|line| line.starts_with(&self.url)).unwrap();
        link[self.url.len()..].to_owned()
    }

    /// Returns a browser that nobody used before.
    pub fn stranger(&self) -> Browser {
        Browser::new(&self.url)
    }

    /// Returns a customer who signed up through the pages, proved the address and is logged in: somebody with a password.
    pub async fn signed_up(&self, name: &str) -> Person {
        let browser = self.stranger();
        let email = format!("{name}@example.com");
        browser.sign_up(name, &email, PASSWORD).await.assert_redirect("/signup/check-mail");
        let link = self.link_to(&email).await;
        browser.post(&link, &[]).await.assert_redirect("/instances");
        let row = sqlx::query!(
            r#"
            SELECT account_id AS "account: AccountId", user_id AS "user: UserId"
              FROM members
              JOIN users ON users.id = user_id
             WHERE email_key = $1
            "#,
            email,
        );
        let row = row.fetch_one(&self.db).await.unwrap();
        let portal = self.portal.clone();
        Person { account: row.account, user: row.user, name: name.to_owned(), email, browser, portal }
    }

    /// A customer who owns an account in Morocco that pays in dirhams, with a verified address, logged in. Much faster
    /// than [`World::signed_up`], and has no password.
    pub async fn customer(&self, name: &str) -> Person {
        self.person(name, "owner").await
    }

    /// The same with another role.
    pub async fn person(&self, name: &str, role: &str) -> Person {
        let now = self.portal.clock.now();
        let (account, user) = (AccountId::new(now), UserId::new(now));
        let email = format!("{name}@example.com");
        sqlx::query!(
            "INSERT INTO accounts (id, name, currency, country, timezone, created_at) VALUES ($1, $2, 'MAD', 'MA', 'Africa/Casablanca', $3)",
            account.uuid(),
            format!("{name} & Fils"),
            now
        )
        .execute(&self.db)
        .await
        .unwrap();
        sqlx::query!(
            "INSERT INTO users (id, email, email_key, name, password_hash, locale, verified_at, created_at) VALUES ($1, $2, $2, $3, '', 'en', $4, $4)",
            user.uuid(),
            email,
            name,
            now
        )
        .execute(&self.db)
        .await
        .unwrap();
        sqlx::query!(
            "INSERT INTO members (account_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)",
            account.uuid(),
            user.uuid(),
            role,
            now
        )
        .execute(&self.db)
        .await
        .unwrap();
        let origin = Origin { address: "192.0.2.1".to_owned(), user_agent: "test".to_owned(), ..Origin::default() };
        let mut db = self.db.acquire().await.unwrap();
        let token = sessions::start(&mut db, (user, account), &origin, now).await.unwrap();
        let browser = Browser::with_cookie(&self.url, &format!("sayoo={}", token.expose()));
        Person { account, user, name: name.to_owned(), email, browser, portal: self.portal.clone() }
    }

    /// Logs somebody in anew, in another browser: the login of before may be over.
    pub async fn again(&self, person: &Person) -> Browser {
        let origin = Origin { address: "192.0.2.1".to_owned(), user_agent: "test".to_owned(), ..Origin::default() };
        let mut db = self.db.acquire().await.unwrap();
        let now = self.portal.clock.now();
        let token = sessions::start(&mut db, (person.user, person.account), &origin, now).await.unwrap();
        Browser::with_cookie(&self.url, &format!("sayoo={}", token.expose()))
    }

    /// Returns the newest version of a plan.
    pub async fn plan(&self, code: &str) -> PlanVersionId {
        let mut db = self.db.acquire().await.unwrap();
        let offers = plans::offered(&mut db, sayoo::base::money::Currency::Eur, self.portal.clock.now()).await.unwrap();
        offers.into_iter().find(|offer| offer.plan.code == code).unwrap().version.id
    }

    /// Says that the worker has made an environment run.
    pub async fn ready(&self, environment: EnvironmentId) {
        sqlx::query!(
            "UPDATE environments SET status = 'running', status_since = $2, first_ready_at = $2 WHERE id = $1",
            environment.uuid(),
            self.portal.clock.now()
        )
        .execute(&self.db)
        .await
        .unwrap();
    }

    /// Returns what the audit log says was done, oldest first.
    pub async fn audit(&self) -> Vec<String> {
        sqlx::query_scalar!("SELECT action FROM audit_log ORDER BY seq").fetch_all(&self.db).await.unwrap()
    }
}

/// Returns a mailer: the catcher, or one that sends to `smtp_url`.
pub fn mailer(portal: &Portal, smtp_url: Option<String>) -> Mailer {
    let mail = Mail { from: "Sayoo <portal@example.com>".to_owned(), smtp_url: smtp_url.map(Secret::new) };
    Mailer::new(&mail, &portal.public, &portal.db).unwrap()
}

/// Somebody with an account and a browser.
pub struct Person {
    pub account: AccountId,
    pub user: UserId,
    pub name: String,
    pub email: String,
    pub browser: Browser,
    portal: Portal,
}

impl Person {
    /// Asks for a page.
    pub async fn get(&self, path: &str) -> Page {
        self.browser.get(path).await
    }

    /// Sends a form, with the token of one of our pages.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.browser.post(path, fields).await
    }

    /// Opens a stream of events.
    pub async fn stream(&self, path: &str, last: Option<&str>) -> Response {
        self.browser.stream(path, last).await
    }

    /// Who asks, for use cases.
    pub fn by(&self) -> By {
        By {
            account: self.account,
            user: self.user,
            name: self.name.clone(),
            actor: Actor::user(self.user, &self.name),
        }
    }

    /// Returns an order for a production instance at an address.
    pub async fn order(&self, world: &World, address: &str) -> Order {
        Order {
            key: Uuid::new_v4(),
            plan_version: world.plan("production").await,
            name: address.to_owned(),
            subdomain: Subdomain::parse(address).unwrap(),
            company: "Acme".to_owned(),
            language: "fr_FR".to_owned(),
            country: "MA".to_owned(),
            currency: "MAD".to_owned(),
            timezone: "Africa/Casablanca".to_owned(),
            apps: vec!["crm".to_owned()],
        }
    }

    /// Orders an instance without the pages.
    pub async fn has_ordered(&self, world: &World, address: &str) -> EnvironmentId {
        let order = self.order(world, address).await;
        orders::place(&self.portal, &self.by(), order).await.unwrap()
    }

    /// Orders an instance and has it running.
    pub async fn has_running(&self, world: &World, address: &str) -> EnvironmentId {
        let environment = self.has_ordered(world, address).await;
        world.ready(environment).await;
        environment
    }

    /// Reads one of the person's instances.
    pub async fn instance(&self, id: EnvironmentId) -> Environment {
        let mut db = self.portal.db.acquire().await.unwrap();
        environments::find(&mut db, self.account, id).await.unwrap().unwrap()
    }
}
