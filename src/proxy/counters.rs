//! What each environment used of the proxy: cumulative since the process began, so that a lost row loses nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

use crate::base::ids::EnvironmentId;

/// The counters of one environment. They only grow, and outlive every table.
#[derive(Debug, Default)]
pub struct Counters {
    requests: AtomicU64,
    egress_bytes: AtomicU64,
    ingress_bytes: AtomicU64,
    errors: AtomicU64,
}

impl Counters {
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

/// One row for `traffic_samples`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Whose numbers.
    pub environment: EnvironmentId,
    /// Grows with every row of the environment in this epoch.
    pub seq: i64,
    /// The numbers.
    pub totals: Totals,
}

#[derive(Debug, Default)]
struct Page {
    counters: Arc<Counters>,
    seq: i64,
    saved: Totals,
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

    /// Returns a sample of every environment whose numbers changed since they were last saved.
    ///
    /// A number is used once even if saving fails: whether a failed statement was carried out is not known.
    pub fn due(&mut self) -> Vec<Sample> {
        let mut due = Vec::new();
        for (environment, page) in &mut self.pages {
            let totals = page.counters.totals();
            if totals != page.saved {
                page.seq += 1;
                due.push(Sample { environment: *environment, seq: page.seq, totals });
            }
        }
        due
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
        assert_eq!(books.due(), []);

        counters.request();
        counters.bytes(10, 2);
        let first = books.due();
        assert_eq!(first[0].seq, 1);
        counters.error();
        let second = books.due();
        assert_eq!((second[0].seq, second[0].totals.requests, second[0].totals.errors), (2, 1, 1));
        books.saved(&second);
        assert_eq!(books.due(), []);
        assert_eq!(books.counters(environment).totals().egress_bytes, 10);
    }
}
