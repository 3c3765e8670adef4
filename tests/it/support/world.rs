//! A portal of the test's own, and the people who use it: everything goes through its pages.

use std::net::TcpListener;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use sayoo::base::clock::Clock;
use sayoo::config::{Mail, Mode, Public};
use sayoo::jobs::worker;
use sayoo::mail::store::{self, Caught};
use sayoo::mail::transport::Mailer;
use sayoo::portal::Portal;
use sayoo::web::{self, Keys};
use scraper::{Html, Selector};
use sqlx::PgPool;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A password that is taken everywhere.
pub const PASSWORD: &str = "quiet river under old stone bridge";

/// A portal with its own database and clock. Mails are caught.
pub struct World {
    pub portal: Portal,
    pub url: String,
    mailer: Mailer,
    _stop: DropGuard,
}

impl World {
    /// Starts a portal.
    #[expect(clippy::unused_async, reason = "made like every other world of the tests, with await")]
    pub async fn new(pool: PgPool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let public = Public {
            portal_url: url.clone(),
            instances_url: "http://{name}.localhost:8080".to_owned(),
            mode: Mode::Development,
            company: "Sayoo".to_owned(),
        };
        let start = DateTime::from_timestamp(1_795_338_000, 0).unwrap();
        let portal = Portal { db: pool.clone(), clock: Clock::manual(start), public: Arc::new(public) };
        let keys = Keys::new([7; 32], &[8; 32]).unwrap();
        let stop = CancellationToken::new();
        let (served, stopped) = (portal.clone(), stop.clone());
        std::thread::spawn(move || {
            let serve = web::serve(served, keys, listener, stopped);
            actix_web::rt::System::new().block_on(serve).unwrap();
        });
        let mailer = mailer(&portal, None);
        Self { portal, url, mailer, _stop: stop.drop_guard() }
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
        let mut mails = store::newest(&self.portal.db, 100).await.unwrap();
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
        let client = Client::builder().cookie_store(true).redirect(Policy::none()).build().unwrap();
        Browser { client, url: self.url.clone(), forwarded: None }
    }

    /// Returns a customer who signed up, proved the address and is logged in.
    pub async fn customer(&self, name: &str) -> Customer {
        let browser = self.stranger();
        let email = format!("{name}@example.com");
        browser.sign_up(name, &email, PASSWORD).await.assert_redirect("/signup/check-mail");
        let link = self.link_to(&email).await;
        browser.post(&link, &[]).await.assert_redirect("/instances");
        Customer { browser, email }
    }
}

/// Returns a mailer: the catcher, or one that sends to `smtp_url`.
pub fn mailer(portal: &Portal, smtp_url: Option<String>) -> Mailer {
    let mail = Mail {
        from: "Sayoo <portal@example.com>".to_owned(),
        smtp_url: smtp_url.map(sayoo::base::secret::Secret::new),
    };
    Mailer::new(&mail, &portal.public, &portal.db).unwrap()
}

/// Somebody with an account.
pub struct Customer {
    pub browser: Browser,
    pub email: String,
}

impl Customer {
    /// Looks at a page.
    pub async fn get(&self, path: &str) -> Page {
        self.browser.get(path).await
    }

    /// Sends a form.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.browser.post(path, fields).await
    }
}

/// A browser with its cookies.
#[derive(Clone)]
pub struct Browser {
    pub client: Client,
    pub url: String,
    forwarded: Option<String>,
}

impl Browser {
    /// The same browser, with the address that the proxy says it has.
    pub fn at_address(mut self, address: &str) -> Self {
        self.forwarded = Some(address.to_owned());
        self
    }

    /// Looks at a page.
    pub async fn get(&self, path: &str) -> Page {
        self.send(self.client.get(format!("{}{path}", self.url))).await
    }

    /// Sends a form, with the token of a page that this browser got.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let token = self.token().await;
        let mut form = vec![("csrf", token.as_str())];
        form.extend(fields);
        self.post_raw(path, &form).await
    }

    /// Sends a form as it is.
    pub async fn post_raw(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.send(self.client.post(format!("{}{path}", self.url)).form(fields)).await
    }

    /// Returns a form token of this browser.
    pub async fn token(&self) -> String {
        self.get("/dev/mails").await.attribute("input[name=csrf]", "value").unwrap()
    }

    /// Signs somebody up.
    pub async fn sign_up(&self, name: &str, email: &str, password: &str) -> Page {
        let company = format!("Works of {name}");
        let fields = [("name", name), ("email", email), ("company", company.as_str()), ("password", password)];
        self.post("/signup", &fields).await
    }

    /// Logs somebody in.
    pub async fn log_in(&self, email: &str, password: &str) -> Page {
        self.post("/login", &[("email", email), ("password", password)]).await
    }

    /// Sends a request as it is.
    pub async fn send(&self, mut request: reqwest::RequestBuilder) -> Page {
        if let Some(address) = &self.forwarded {
            request = request.header("x-forwarded-for", address);
        }
        let response = request.send().await.unwrap();
        Page { status: response.status(), headers: response.headers().clone(), body: response.text().await.unwrap() }
    }
}

/// What a browser got.
#[derive(Debug)]
pub struct Page {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: String,
}

impl Page {
    /// Returns a header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Fails unless the browser is sent to a path.
    #[track_caller]
    pub fn assert_redirect(&self, path: &str) {
        assert_eq!((self.status, self.header("location")), (StatusCode::SEE_OTHER, path), "{}", self.text());
    }

    /// Fails unless the page has this status and says this.
    #[track_caller]
    pub fn assert_says(&self, status: u16, words: &str) {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert!(self.text().contains(words), "{words:?} is not in: {}", self.text());
    }

    /// Returns what a person reads.
    pub fn text(&self) -> String {
        let html = Html::parse_document(&self.body);
        let main = Selector::parse("main").unwrap();
        let words: Vec<&str> = match html.select(&main).next() {
            Some(main) => main.text().collect(),
            None => html.root_element().text().collect(),
        };
        words.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Returns an attribute of the first element that a selector finds.
    pub fn attribute(&self, selector: &str, name: &str) -> Option<String> {
        let selector = Selector::parse(selector).unwrap();
        let html = Html::parse_document(&self.body);
        html.select(&selector).next()?.value().attr(name).map(str::to_owned)
    }
}
