//! A browser with its cookies, and what it gets.

use std::sync::Arc;

use reqwest::cookie::Jar;
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use sayoo::base::ids::EnvironmentId;
use scraper::{Html, Selector};

/// A browser with its cookies.
#[derive(Clone)]
pub struct Browser {
    pub client: Client,
    pub url: String,
    forwarded: Option<String>,
}

impl Browser {
    /// A browser that nobody used before.
    pub fn new(url: &str) -> Self {
        Self::with_cookie(url, "")
    }

    /// A browser that has a cookie of the portal at `url`.
    pub fn with_cookie(url: &str, cookie: &str) -> Self {
        let jar = Jar::default();
        jar.add_cookie_str(cookie, &url.parse().unwrap());
        let client = Client::builder().cookie_provider(Arc::new(jar)).redirect(Policy::none()).build().unwrap();
        Self { client, url: url.to_owned(), forwarded: None }
    }

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

    /// Sends a form that may have files in it, as it is.
    pub async fn post_parts(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let mut body = String::new();
        for (name, value) in fields {
            let file = if *name == "file" { "; filename=\"statement\"" } else { "" };
            body += &format!("--bound\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n");
        }
        body += "--bound--\r\n";
        let request = self.client.post(format!("{}{path}", self.url)).body(body);
        self.send(request.header("content-type", "multipart/form-data; boundary=bound")).await
    }

    /// Opens a stream of events.
    pub async fn stream(&self, path: &str, last: Option<&str>) -> Response {
        let mut request = self.client.get(format!("{}{path}", self.url));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        request.send().await.unwrap()
    }

    /// Returns a form token of this browser.
    pub async fn token(&self) -> String {
        self.get("/dev/mails").await.attribute("input[name=csrf]", "value")
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
    pub async fn send(&self, mut request: RequestBuilder) -> Page {
        if let Some(address) = &self.forwarded {
            request = request.header("x-forwarded-for", address);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let location = headers.get("location").map(|path| path.to_str().unwrap().to_owned()).unwrap_or_default();
        Page { status, headers, location, body: response.text().await.unwrap() }
    }
}

/// What a browser got.
#[derive(Debug)]
pub struct Page {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Where it is sent.
    pub location: String,
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
        assert_eq!((self.status, self.location.as_str()), (StatusCode::SEE_OTHER, path), "{}", self.words());
    }

    /// Fails unless the page has this status and says this.
    #[track_caller]
    pub fn assert_says(&self, status: u16, words: &str) {
        assert_eq!(self.status.as_u16(), status, "{}", self.words());
        assert!(self.words().contains(words), "{words:?} is not in: {}", self.words());
    }

    /// Returns what a person reads in the middle of the page, or on all of a page that has no middle.
    pub fn words(&self) -> String {
        let main = self.text("main");
        let text = if main.is_empty() { self.text("html") } else { main };
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The text of everything that fits a CSS selector.
    pub fn text(&self, selector: &str) -> String {
        let selector = Selector::parse(selector).unwrap();
        let html = Html::parse_document(&self.body);
        html.select(&selector).flat_map(|element| element.text()).collect::<Vec<_>>().join(" ")
    }

    /// An attribute of the first element that fits a CSS selector.
    #[track_caller]
    pub fn attribute(&self, selector: &str, name: &str) -> String {
        let selector = Selector::parse(selector).unwrap();
        let html = Html::parse_document(&self.body);
        let element = html.select(&selector).next().unwrap_or_else(|| panic!("no {selector:?} in {}", self.body));
        element.value().attr(name).unwrap_or_default().to_owned()
    }

    /// The id of the instance that the browser is sent to.
    #[track_caller]
    pub fn instance(&self) -> EnvironmentId {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        self.location.strip_prefix("/instances/").unwrap().parse().unwrap()
    }
}
