//! What each environment used of the proxy: cumulative since the process began, so that a lost row loses nothing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use uuid::Uuid;

use super::bucket::Bucket;
use super::upstream::Upstream;
use crate::base::ids::EnvironmentId;

/// The counters of one environment. They outlive every table.
///
/// In this order in memory, as a route is: every request touches the first part, hardly any the second.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Counters {
    requests: AtomicU64,
    egress_bytes: AtomicU64,
    ingress_bytes: AtomicU64,
    /// What it may still ask for.
    pub bucket: Bucket,
    /// What is open now: these go up and down.
    open_requests: AtomicU32,
    /// Those of the open requests that wait for a place.
    pub waiting: AtomicU32,
    /// Whether staff closed it: what is open then is ended.
    is_closed: AtomicBool,

    open_websockets: AtomicU32,
    /// Requests that wait until it serves.
    pub held: AtomicU32,
    errors: AtomicU64,
    limited: AtomicU64,
    busy: AtomicU64,
    queued: AtomicU64,
    queued_ms: AtomicU64,
}

/// What can be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request that is worked on: also an upload or a long answer.
    Request,
    /// A websocket.
    Websocket,
}

impl Counters {
    fn open_of(&self, kind: Kind) -> &AtomicU32 {
        match kind {
            Kind::Request => &self.open_requests,
            Kind::Websocket => &self.open_websockets,
        }
    }

    /// Notes that one more is open.
    pub fn begins(&self, kind: Kind) {
        self.open_of(kind).fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that one has ended.
    pub fn ends(&self, kind: Kind) {
        self.open_of(kind).fetch_sub(1, Ordering::Relaxed);
    }

    /// Returns how many are open.
    #[must_use]
    pub fn open(&self, kind: Kind) -> u32 {
        self.open_of(kind).load(Ordering::Relaxed)
    }

    /// Says whether staff closed the environment.
    pub fn set_closed(&self, is_closed: bool) {
        self.is_closed.store(is_closed, Ordering::Relaxed);
    }

    /// Whether staff closed the environment.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    /// Counts a request that is sent on.
    pub fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts bytes written to the visitor and read from the visitor.
    pub fn bytes(&self, egress: u64, ingress: u64) {
        if egress > 0 {
            self.egress_bytes.fetch_add(egress, Ordering::Relaxed);
        }
        if ingress > 0 {
            self.ingress_bytes.fetch_add(ingress, Ordering::Relaxed);
        }
    }

    /// Counts an answer that says that something failed.
    pub fn error(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request that was one too many in a second.
    pub fn limited(&self) {
        self.limited.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request that found no place at its container.
    pub fn busy(&self) {
        self.busy.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request that waited so long for a place at its container, whether it got one or not.
    pub fn queued(&self, time: Duration) {
        self.queued.fetch_add(1, Ordering::Relaxed);
        self.queued_ms.fetch_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn refused(&self) -> Refused {
        Refused {
            limited: self.limited.load(Ordering::Relaxed),
            busy: self.busy.load(Ordering::Relaxed),
            queued: self.queued.load(Ordering::Relaxed),
            queued_ms: self.queued_ms.load(Ordering::Relaxed),
        }
    }

    /// Returns the numbers as they are now.
    #[must_use]
    pub fn totals(&self) -> Totals {
        Totals {
            requests: self.requests.load(Ordering::Relaxed),
            egress_bytes: self.egress_bytes.load(Ordering::Relaxed),
            ingress_bytes: self.ingress_bytes.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
        }
    }
}

/// The numbers of one environment at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests sent on to an upstream.
    pub requests: u64,
    /// Bytes written to visitors: heads, bodies and websockets.
    pub egress_bytes: u64,
    /// Bytes read from visitors.
    pub ingress_bytes: u64,
    /// Answers with a status of 500 or more.
    pub errors: u64,
}

/// What was turned away or had to wait, as of one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// More than so many in a second.
    pub limited: u64,
    /// More than a container works on at once.
    pub busy: u64,
    /// Requests that waited for a place.
    pub queued: u64,
    /// Milliseconds that they waited, all together.
    pub queued_ms: u64,
}

/// One row for `traffic_samples`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Whose numbers.
    pub environment: EnvironmentId,
    /// Grows with every row of the environment in this epoch.
    pub seq: i64,
    /// The numbers.
    pub totals: Totals,
    /// Requests that are worked on.
    pub open_requests: u32,
    /// Websockets that are open.
    pub open_websockets: u32,
    /// Requests that are worked on where the route does not lead any more.
    pub leaving_requests: u32,
}

#[derive(Debug, Default)]
struct Page {
    counters: Arc<Counters>,
    seq: i64,
    saved: Totals,
    refused: Refused,
    /// Upstreams that the route does not name any more and that may still work for it.
    leaving: Vec<Weak<Upstream>>,
}

impl Page {
    fn leaving_requests(&mut self) -> u32 {
        // Whoever found it in the old table holds it, also a request that is not counted yet.
        self.leaving.retain(|upstream| upstream.strong_count() > 0);
        self.leaving.iter().filter_map(Weak::upgrade).map(|upstream| upstream.requests()).sum()
    }
}

/// The counters of every environment that this process has ever known.
///
/// Nothing is ever removed: an environment that comes back must go on where it stopped, in the same epoch.
#[derive(Debug)]
pub struct Books {
    /// Names this run of this process.
    pub epoch: Uuid,
    pages: HashMap<EnvironmentId, Page>,
}

impl Default for Books {
    fn default() -> Self {
        Self { epoch: Uuid::new_v4(), pages: HashMap::new() }
    }
}

impl Books {
    /// Returns the counters of an environment, new ones for a new environment.
    pub fn counters(&mut self, environment: EnvironmentId) -> Arc<Counters> {
        Arc::clone(&self.pages.entry(environment).or_default().counters)
    }

    /// Notes that an environment's route does not name this upstream any more.
    pub fn leaves(&mut self, environment: EnvironmentId, upstream: &Arc<Upstream>) {
        self.arrives(environment, upstream); // Several names of one environment may leave it: it counts once.
        self.pages.entry(environment).or_default().leaving.push(Arc::downgrade(upstream));
    }

    /// Notes that an environment's route names this upstream, for the first time or again.
    pub fn arrives(&mut self, environment: EnvironmentId, upstream: &Arc<Upstream>) {
        if let Some(page) = self.pages.get_mut(&environment) {
            page.leaving.retain(|left| !std::ptr::eq(left.as_ptr(), Arc::as_ptr(upstream)));
        }
    }

    /// Returns a sample of every environment whose numbers changed since they were last saved, and of every one that
    /// somebody is in the middle of leaving; with `is_beat` also of those where something is open and nothing moves.
    ///
    /// A number is used once even if saving fails: whether a failed statement was carried out is not known.
    pub fn due(&mut self, is_beat: bool) -> Vec<Sample> {
        let mut due = Vec::new();
        for (environment, page) in &mut self.pages {
            let totals = page.counters.totals();
            let (open_requests, open_websockets) =
                (page.counters.open(Kind::Request), page.counters.open(Kind::Websocket));
            let leaving_requests = page.leaving_requests();
            let is_open = open_requests > 0 || open_websockets > 0;
            if totals != page.saved || leaving_requests > 0 || (is_beat && is_open) {
                page.seq += 1;
                let (environment, seq) = (*environment, page.seq);
                due.push(Sample { environment, seq, totals, open_requests, open_websockets, leaving_requests });
            }
        }
        due
    }

    /// Returns what was turned away or waited of every environment of which more was since it was last saved. It is no sign of life.
    #[must_use]
    pub fn refused(&self) -> Vec<(EnvironmentId, Refused)> {
        let pages = self.pages.iter();
        let now = pages.map(|(environment, page)| (*environment, page.refused, page.counters.refused()));
        now.filter(|(_, saved, now)| saved != now).map(|(environment, _, now)| (environment, now)).collect()
    }

    /// Notes that this was saved.
    pub fn refused_saved(&mut self, refused: &[(EnvironmentId, Refused)]) {
        for (environment, refused) in refused {
            if let Some(page) = self.pages.get_mut(environment) {
                page.refused = *refused;
            }
        }
    }

    /// Notes that samples were saved.
    pub fn saved(&mut self, samples: &[Sample]) {
        for sample in samples {
            if let Some(page) = self.pages.get_mut(&sample.environment) {
                page.saved = sample.totals;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_due_and_a_failed_save_comes_again_with_newer_numbers() {
        let mut books = Books::default();
        let environment = EnvironmentId::new(chrono::DateTime::UNIX_EPOCH);
        let counters = books.counters(environment);
        assert_eq!(books.due(false), []);

        counters.request();
        counters.bytes(10, 2);
        let first = books.due(false);
        assert_eq!(first[0].seq, 1);
        counters.error();
        let second = books.due(false);
        assert_eq!((second[0].seq, second[0].totals.requests, second[0].totals.errors), (2, 1, 1));
        books.saved(&second);
        assert_eq!(books.due(false), []);
        assert_eq!(books.counters(environment).totals().egress_bytes, 10);
    }

    #[test]
    fn what_was_turned_away_is_told_once_and_is_no_sign_of_life() {
        let mut books = Books::default();
        let environment = EnvironmentId::new(chrono::DateTime::UNIX_EPOCH);
        let counters = books.counters(environment);
        counters.limited();
        counters.busy();
        counters.busy();
        counters.queued(Duration::from_millis(30));
        counters.queued(Duration::from_millis(12));
        let refused = books.refused();
        assert_eq!(refused, [(environment, Refused { limited: 1, busy: 2, queued: 2, queued_ms: 42 })]);
        assert_eq!(books.refused(), refused, "saving it may have failed");
        books.refused_saved(&refused);
        assert_eq!(books.refused(), []);
        assert_eq!(books.due(true), []);
    }

    #[test]
    fn what_is_open_shows_with_every_beat_although_nothing_moves() {
        let mut books = Books::default();
        let environment = EnvironmentId::new(chrono::DateTime::UNIX_EPOCH);
        let counters = books.counters(environment);
        counters.begins(Kind::Websocket);
        assert_eq!(books.due(false), []);
        assert_eq!(books.due(true)[0].open_websockets, 1);
        counters.ends(Kind::Websocket);
        assert_eq!(books.due(true), []);
    }

    #[test]
    fn a_request_at_an_upstream_that_is_left_shows_until_it_ends() {
        let mut books = Books::default();
        let environment = EnvironmentId::new(chrono::DateTime::UNIX_EPOCH);
        let upstream = Arc::new(Upstream::new(([127, 0, 0, 1], 1).into(), None, 1));
        books.leaves(environment, &upstream);
        assert_eq!(books.due(false), [], "nothing was under way");
        let mut request = super::super::upstream::Outstanding::at(&upstream, Some(&books.counters(environment)));
        assert!(request.enter());
        books.leaves(environment, &upstream);
        assert_eq!(books.due(false)[0].leaving_requests, 1);
        drop(request);
        assert_eq!(books.due(false), []);

        let mut again = super::super::upstream::Outstanding::at(&upstream, None);
        assert!(again.enter());
        books.arrives(environment, &upstream);
        assert_eq!(books.due(false), [], "the route leads there again");
        drop(again);
    }
}
