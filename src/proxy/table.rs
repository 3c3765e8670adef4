//! The route table: which host name goes where. Pure: built from rows, asked by name, swapped whole.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;
use serde::{Deserialize, Serialize};

use super::counters::{Books, Counters};
use super::upstream::{Upstream, Upstreams};
use crate::base::ids::EnvironmentId;
use crate::base::proof::ProofKeys;
use crate::i18n::Locale;

/// What the proxy does with a host name's requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Sends them to an upstream.
    Serving,
    /// Lets them wait for a moment.
    Starting,
    /// Says that the customer stopped it.
    Stopped,
    /// Says that it is suspended.
    Suspended,
    /// Says that it is worked on.
    Maintenance,
    /// Has it woken, and lets them wait for a moment.
    Asleep,
}

impl State {
    /// Returns the state that the database calls so.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        match text {
            "serving" => Some(Self::Serving),
            "starting" => Some(Self::Starting),
            "stopped" => Some(Self::Stopped),
            "suspended" => Some(Self::Suspended),
            "asleep" => Some(Self::Asleep),
            "maintenance" => Some(Self::Maintenance),
            _ => None,
        }
    }

    /// Whether it is about to serve, so that waiting is worth it.
    #[must_use]
    pub fn is_coming(self) -> bool {
        matches!(self, Self::Starting | Self::Asleep)
    }
}

/// A route as it is kept in the database and in the table file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Lower case, without port and final dot.
    pub hostname: String,
    /// Whose traffic it is.
    pub environment: EnvironmentId,
    /// What to do.
    pub state: State,
    /// `address:port` of each healthy container.
    pub upstreams: Vec<String>,
    /// `address:port` for `/websocket`; empty means the same upstreams.
    pub websockets: Vec<String>,
    /// What those of them must prove that can.
    #[serde(default)]
    pub proofs: ProofKeys,
    /// The language of the pages that the proxy shows itself.
    pub language: String,
    /// How many requests one container works on at once.
    #[serde(default = "usual_requests_at_once")]
    pub requests_at_once: u32,
    /// How many requests in a second staff want it to get.
    #[serde(default)]
    pub requests_per_second: Option<u32>,
}

/// What a table file of before there was a limit means; as the database has it.
fn usual_requests_at_once() -> u32 {
    12
}

/// Where one host name goes.
///
/// In this order in memory: of ten thousand routes hardly one is in the processor's cache when it is asked for, and a request
/// looks at the beginning only.
#[derive(Debug)]
#[repr(C)]
pub struct Route {
    /// The environment's counters.
    pub counters: Arc<Counters>,
    /// Where requests go; what cannot be read as an address is left out.
    pub upstreams: Vec<Arc<Upstream>>,
    state: State,
    /// The language of our own pages.
    pub locale: Locale,
    /// How many requests in a second staff want it to get.
    pub requests_per_second: Option<u32>,
    /// Where `/websocket` goes; empty means the same upstreams.
    pub websockets: Vec<Arc<Upstream>>,
    /// The row it was made from.
    pub row: Row,
}

impl Route {
    /// Returns the state; a route that serves from nowhere is still starting.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    fn everywhere(&self) -> impl Iterator<Item = &Arc<Upstream>> {
        self.upstreams.iter().chain(&self.websockets)
    }

    /// Whether requests of any kind go there.
    #[must_use]
    pub fn leads_to(&self, upstream: &Arc<Upstream>) -> bool {
        self.everywhere().any(|one| Arc::ptr_eq(one, upstream))
    }
}

/// All routes at one moment.
#[derive(Debug, Default)]
pub struct Table {
    /// With a hash that is made for short names: one is asked for with every request.
    routes: HashMap<Box<str>, Arc<Route>, RandomState>,
    /// False until routes were read from anywhere: an unknown name then is our trouble, not the visitor's.
    pub is_loaded: bool,
}

impl Table {
    /// Finds the route of a host name in its normal form.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Arc<Route>> {
        self.routes.get(name)
    }

    /// Returns how many host names are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.routes.len()
    }

    /// Returns whether no host name is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }

    /// Returns the rows that the table was made from, in no particular order.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.routes.values().map(|route| &route.row)
    }

    /// Builds the next table. A route whose row did not change is taken over as it is.
    #[must_use]
    pub fn next(&self, rows: Vec<Row>, upstreams: &mut Upstreams, books: &mut Books) -> Self {
        let mut routes = HashMap::with_capacity_and_hasher(rows.len(), RandomState::default());
        for row in rows {
            let route = match self.routes.get(row.hostname.as_str()) {
                Some(known) if known.row == row => Arc::clone(known),
                _ => Arc::new(route(row, upstreams, books)),
            };
            routes.insert(route.row.hostname.as_str().into(), route);
        }
        Self { routes, is_loaded: true }
    }

    /// Returns the upstreams that this table names for an environment and the next one does not.
    pub fn displaced<'a>(&'a self, next: &'a Self) -> impl Iterator<Item = (EnvironmentId, &'a Arc<Upstream>)> {
        let is_changed =
            |name: &str, route: &Arc<Route>| !next.routes.get(name).is_some_and(|it| Arc::ptr_eq(it, route));
        self.routes.iter().filter(move |(name, route)| is_changed(name, route)).flat_map(|(name, route)| {
            let kept = next.routes.get(name);
            let is_kept = move |upstream: &Arc<Upstream>| {
                kept.is_some_and(|kept| kept.upstreams.iter().any(|other| Arc::ptr_eq(other, upstream)))
            };
            let left = route.upstreams.iter().filter(move |upstream| !is_kept(upstream));
            left.map(|upstream| (route.row.environment, upstream))
        })
    }

    /// Returns the upstreams that this table leads to and the next one does not, for anybody.
    #[must_use]
    pub fn left<'a>(&'a self, next: &Self) -> Vec<&'a Arc<Upstream>> {
        let mut left = Vec::new();
        for (name, route) in &self.routes {
            let now = next.routes.get(name);
            if !now.is_some_and(|now| Arc::ptr_eq(now, route)) {
                left.extend(route.everywhere().filter(|upstream| !now.is_some_and(|now| now.leads_to(upstream))));
            }
        }
        if !left.is_empty() {
            let led_to: HashSet<_> =
                next.routes.values().flat_map(|route| route.everywhere().map(Arc::as_ptr)).collect();
            left.retain(|upstream| !led_to.contains(&Arc::as_ptr(upstream)));
        }
        left
    }

    /// Whether another table was made from the same rows.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.routes.len() == other.routes.len()
            && self
                .routes
                .iter()
                .all(|(name, route)| other.routes.get(name).is_some_and(|found| found.row == route.row))
    }
}

fn route(row: Row, upstreams: &mut Upstreams, books: &mut Books) -> Route {
    let mut known = |texts: &[String]| {
        let addresses = texts.iter().filter_map(|text| Some((text.parse().ok()?, row.proofs.get(text).copied())));
        addresses.map(|(address, proof)| upstreams.get(address, proof, row.requests_at_once)).collect::<Vec<_>>()
    };
    let counters = books.counters(row.environment);
    counters.set_closed(matches!(row.state, State::Suspended | State::Maintenance));
    let upstreams = known(&row.upstreams);
    let is_nowhere = row.state == State::Serving && upstreams.is_empty();
    Route {
        counters,
        websockets: known(&row.websockets),
        state: if is_nowhere { State::Starting } else { row.state },
        upstreams,
        locale: Locale::from_code(&row.language).unwrap_or_default(),
        requests_per_second: row.requests_per_second,
        row,
    }
}

/// Why a `Host` cannot be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the host name is not well formed")]
pub struct BadHost;

/// Splits a `Host` into its name in normal form (lower case, no final dot) and its port.
pub fn host(text: &str) -> Result<(Cow<'_, str>, Option<u16>), BadHost> {
    let (name, port) = match text.strip_prefix('[') {
        // An IPv6 address; its colons are not the port's.
        Some(rest) => {
            let (address, after) = rest.split_once(']').ok_or(BadHost)?;
            address.parse::<std::net::Ipv6Addr>().map_err(|_| BadHost)?;
            (&text[..address.len() + 2], after.strip_prefix(':').or(after.is_empty().then_some("")).ok_or(BadHost)?)
        }
        None => text.split_once(':').unwrap_or((text, "")),
    };
    let port = match port {
        "" => None,
        digits if digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(digits.parse().map_err(|_| BadHost)?)
        }
        _ => return Err(BadHost),
    };
    if name.starts_with('[') {
        return Ok((name.to_ascii_lowercase().into(), port));
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    let (mut before, mut has_capitals) = (b'.', false);
    for byte in name.bytes() {
        match byte {
            // Not at the beginning, and never two of them.
            b'.' if before == b'.' => return Err(BadHost),
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {}
            b'A'..=b'Z' => has_capitals = true,
            _ => return Err(BadHost),
        }
        before = byte;
    }
    if before == b'.' || name.len() > 253 {
        return Err(BadHost);
    }
    Ok((if has_capitals { name.to_ascii_lowercase().into() } else { name.into() }, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(hostname: &str, upstreams: &[&str]) -> Row {
        Row {
            hostname: hostname.to_owned(),
            environment: EnvironmentId::new(chrono::DateTime::UNIX_EPOCH),
            state: State::Serving,
            upstreams: upstreams.iter().map(|text| (*text).to_owned()).collect(),
            websockets: vec![],
            proofs: ProofKeys::new(),
            language: "fr".to_owned(),
            requests_at_once: 12,
            requests_per_second: None,
        }
    }

    #[test]
    fn a_host_has_one_normal_form() {
        for text in [
            "acme.example.net",
            "ACME.Example.net",
            "acme.example.net.",
            "acme.example.net:80",
            "Acme.example.net.:8080",
            "acme.example.net:",
        ] {
            assert_eq!(host(text).unwrap().0, "acme.example.net", "{text}");
        }
        assert_eq!(host("a.b:8080").unwrap().1, Some(8080));
        assert_eq!(host("[::1]:80").unwrap(), ("[::1]".into(), Some(80)));
    }

    #[test]
    fn a_host_that_is_not_one_is_refused() {
        for text in [
            "",
            ".",
            ":80",
            "a..b",
            ".a",
            "a b",
            "a@b",
            "user:pass@a",
            "a:80@b",
            "a:99999",
            "a:-1",
            "a:+1",
            "a:8 0",
            "a/b",
            "a\\b",
            "a,b",
            "a%00b",
            "a?b",
            "a#b",
            "[::1",
            "[zz]",
            "[::1]x",
            "a:80:80",
            "é.net",
            &"a".repeat(254),
            "a..",
        ] {
            assert_eq!(host(text), Err(BadHost), "{text}");
        }
    }

    #[test]
    fn a_route_that_did_not_change_is_taken_over_with_its_counters() {
        let (mut upstreams, mut books) = (Upstreams::default(), Books::default());
        let (a, b) = (row("a.net", &["127.0.0.1:1"]), row("b.net", &["127.0.0.1:2"]));
        let first = Table::default().next(vec![a.clone(), b.clone()], &mut upstreams, &mut books);
        let moved = Row { upstreams: vec!["127.0.0.1:1".to_owned(), "127.0.0.1:3".to_owned()], ..b };
        let second = first.next(vec![a, moved], &mut upstreams, &mut books);

        assert!(Arc::ptr_eq(first.find("a.net").unwrap(), second.find("a.net").unwrap()));
        let (before, after) = (first.find("b.net").unwrap(), second.find("b.net").unwrap());
        assert!(Arc::ptr_eq(&before.counters, &after.counters));
        assert!(Arc::ptr_eq(&second.find("a.net").unwrap().upstreams[0], &after.upstreams[0]));
        assert!(!first.says_the_same(&second));
    }

    #[test]
    fn an_upstream_that_a_route_no_longer_names_is_displaced() {
        let (mut upstreams, mut books) = (Upstreams::default(), Books::default());
        let before = Table::default().next(vec![row("a.net", &["127.0.0.1:1"])], &mut upstreams, &mut books);
        let after = before.next(vec![row("a.net", &["127.0.0.1:2"])], &mut upstreams, &mut books);
        let left: Vec<_> = before.displaced(&after).map(|(_, upstream)| upstream.address.port()).collect();
        assert_eq!(left, [1]);
        assert_eq!(after.displaced(&after).count(), 0);
    }

    #[test]
    fn an_upstream_is_left_when_no_name_leads_there_for_anything() {
        let (mut upstreams, mut books) = (Upstreams::default(), Books::default());
        let mut next = |known: &Table, rows: &[Row]| known.next(rows.to_vec(), &mut upstreams, &mut books);
        let (own, second) = (row("a.net", &["127.0.0.1:1"]), row("b.net", &["127.0.0.1:1"]));
        let gevent = Row { websockets: vec!["127.0.0.1:9".to_owned()], ..own.clone() };
        let both = next(&Table::default(), &[gevent, second.clone()]);
        let ports = |before: &Table, after: &Table| {
            before.left(after).iter().map(|upstream| upstream.address.port()).collect::<Vec<_>>()
        };
        let one = next(&both, std::slice::from_ref(&second));
        assert_eq!(ports(&both, &one), [9], "the other name still leads to the rest of it");
        let moved = next(&one, &[row("b.net", &["127.0.0.1:2"])]);
        assert_eq!(ports(&one, &moved), [1]);
        assert_eq!(ports(&moved, &moved), [0; 0]);
    }

    #[test]
    fn a_route_that_serves_from_nowhere_is_starting() {
        let table =
            Table::default().next(vec![row("a.net", &["nonsense"])], &mut Upstreams::default(), &mut Books::default());
        assert_eq!(table.find("a.net").unwrap().state(), State::Starting);
    }
}
