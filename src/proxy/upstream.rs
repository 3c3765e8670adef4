//! Where requests are sent to: how busy each place is, and what one request takes of it.

use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Notify;

use super::address::{Address, Seat, Tally};
use super::counters::{Counters, Kind};
use super::gate::Gate;
use super::health::Health;
use super::uploads::Uploads;
use super::waiters::Most;
use crate::base::proof::ProofKey;

/// How many upstreams there have been.
static MADE: AtomicU64 = AtomicU64::new(0);

/// A place to send requests to. Shared by all tables, so that its number of open requests survives a swap.
#[derive(Debug)]
pub struct Upstream {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it must prove with each new connection that it is the one that is meant: the address alone may be another's by now.
    pub proof: Option<ProofKey>,
    /// No other upstream of this process has this number, also none at the same address.
    pub number: u64,
    /// Who may come in.
    pub gate: Gate,
    /// Requests here whose body is still on its way.
    pub uploads: Arc<Uploads>,
    /// Whose websockets and long polls are open here.
    seats: Arc<Tally>,
    /// Whether it takes connections.
    pub health: Health,
    /// Requests here that became websockets: they end when the other side wants, not soon.
    tunnels: AtomicU32,
    /// Wakes those websockets when no route leads here any more.
    departure: Arc<Notify>,
}

impl Upstream {
    /// Returns an upstream that nobody uses yet and that works on so many requests at once.
    #[must_use]
    pub fn new(address: SocketAddr, proof: Option<ProofKey>, requests_at_once: u32) -> Self {
        Self {
            address,
            proof,
            number: MADE.fetch_add(1, Ordering::Relaxed),
            gate: Gate::new(requests_at_once),
            uploads: Arc::new(Uploads::new(requests_at_once)),
            seats: Arc::default(),
            health: Health::default(),
            tunnels: AtomicU32::new(0),
            departure: Arc::default(),
        }
    }

    /// Returns how many requests are here: in the queue, worked on, websockets.
    #[must_use]
    pub fn outstanding(&self) -> u32 {
        self.gate.crowd()
    }

    /// Returns how many of them end by themselves.
    #[must_use]
    pub fn requests(&self) -> u32 {
        self.outstanding().saturating_sub(self.tunnels.load(Ordering::Relaxed))
    }

    /// Returns how many of them are open and need no place.
    #[must_use]
    pub fn lasting(&self) -> u32 {
        self.gate.lasting()
    }

    /// No route leads here any more.
    pub fn is_left(&self) {
        self.departure.notify_waiters();
    }

    /// Waits until that is so, from this call on.
    pub fn left(&self) -> impl Future<Output = ()> + Send + 'static {
        Arc::clone(&self.departure).notified_owned()
    }
}

/// What a request takes of its upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Share {
    /// It waits before the gate.
    Nothing,
    /// A place: it is worked on.
    Place,
    /// It is open and needs no place: a long poll, a websocket, an answer on its way to the visitor.
    Lasting,
}

/// One request at an upstream, from its choice until the last byte of its answer.
#[derive(Debug)]
pub struct Outstanding {
    upstream: Arc<Upstream>,
    /// The environment's; the portal has none.
    counters: Option<Arc<Counters>>,
    share: Share,
    /// What a websocket or a long poll has of what its address may have.
    seat: Option<Seat>,
    is_tunnel: bool,
}

impl Outstanding {
    /// One more request, which has no place yet.
    #[must_use]
    pub fn at(upstream: &Arc<Upstream>, counters: Option<&Arc<Counters>>) -> Self {
        if let Some(counters) = counters {
            counters.begins(Kind::Request);
        }
        Self {
            upstream: Arc::clone(upstream),
            counters: counters.cloned(),
            share: Share::Nothing,
            seat: None,
            is_tunnel: false,
        }
    }

    /// Returns where it is.
    #[must_use]
    pub fn upstream(&self) -> &Arc<Upstream> {
        &self.upstream
    }

    /// Whether it is at this upstream.
    #[must_use]
    pub fn is_at(&self, upstream: &Arc<Upstream>) -> bool {
        Arc::ptr_eq(&self.upstream, upstream)
    }

    /// Takes a place if one is free.
    pub fn enter(&mut self) -> bool {
        let is_in = self.upstream.gate.enter();
        if is_in {
            self.share = Share::Place;
        }
        is_in
    }

    /// Takes a place when it is this request's turn. False when there was none to be had.
    pub async fn wait(&mut self, address: Address, most: Most, patience: impl Future<Output = ()>) -> bool {
        let is_in = self.upstream.gate.wait(address, most, patience).await;
        if is_in {
            self.share = Share::Place;
        }
        is_in
    }

    /// Takes one of so many that an address may have open for as long as it likes.
    pub fn sits_down(&mut self, address: Address, most_of_one: u32) -> bool {
        self.seat = self.upstream.seats.take(address, most_of_one);
        self.seat.is_some()
    }

    /// Goes on without a place; what has one gives it back. False, and nothing changes, when `most` do so already.
    pub fn lasts(&mut self, most: u32) -> bool {
        if self.share != Share::Lasting && self.upstream.gate.lasts(most, self.share == Share::Place) {
            self.share = Share::Lasting;
        }
        self.share == Share::Lasting
    }

    /// Counts it as a websocket from now on.
    pub fn becomes_tunnel(&mut self) {
        if !std::mem::replace(&mut self.is_tunnel, true) {
            self.upstream.tunnels.fetch_add(1, Ordering::Relaxed);
            if let Some(counters) = &self.counters {
                counters.ends(Kind::Request);
                counters.begins(Kind::Websocket);
            }
        }
    }
}

impl Drop for Outstanding {
    fn drop(&mut self) {
        match self.share {
            Share::Nothing => {}
            Share::Place => self.upstream.gate.leave(),
            Share::Lasting => self.upstream.gate.ends(),
        }
        if self.is_tunnel {
            self.upstream.tunnels.fetch_sub(1, Ordering::Relaxed);
        }
        if let Some(counters) = &self.counters {
            counters.ends(if self.is_tunnel { Kind::Websocket } else { Kind::Request });
        }
    }
}

/// Chooses where a request goes: to the upstream with the fewest open requests among those that are well, leaving out one
/// that just failed. `turn` grows with each request, so that those that are as busy take turns.
///
/// When none is well, one of them is tried all the same: a page with an error is no better than another try.
#[must_use]
pub fn choose(
    upstreams: &[Arc<Upstream>],
    failed: Option<SocketAddr>,
    turn: u64,
    now: impl FnOnce() -> Duration,
) -> Option<&Arc<Upstream>> {
    if upstreams.len() < 2 {
        return upstreams.first();
    }
    let now = now();
    let first = usize::try_from(turn % upstreams.len() as u64).unwrap_or(0);
    let others = || {
        let in_turn = upstreams[first..].iter().chain(&upstreams[..first]);
        in_turn.filter(|upstream| Some(upstream.address) != failed)
    };
    others()
        .find(|upstream| upstream.health.is_to_be_tried(now))
        .or_else(|| {
            let well = others().filter(|upstream| upstream.health.is_in());
            well.min_by_key(|upstream| upstream.health.load(upstream.outstanding(), now))
        })
        .or_else(|| others().min_by_key(|upstream| upstream.outstanding()))
        .or_else(|| upstreams.first())
}

/// Every upstream that some table still names.
#[derive(Debug, Default)]
pub struct Upstreams {
    known: HashMap<(SocketAddr, Option<ProofKey>), Weak<Upstream>>,
}

impl Upstreams {
    /// Returns the upstream at an address, which works on so many requests at once from now on. Whoever must prove something
    /// else is another upstream.
    pub fn get(&mut self, address: SocketAddr, proof: Option<ProofKey>, requests_at_once: u32) -> Arc<Upstream> {
        if let Some(known) = self.known.get(&(address, proof)).and_then(Weak::upgrade) {
            known.gate.set_limit(requests_at_once);
            known.uploads.set_places(requests_at_once);
            return known;
        }
        let made = Arc::new(Upstream::new(address, proof, requests_at_once));
        self.known.insert((address, proof), Arc::downgrade(&made));
        made
    }

    /// Forgets those that no table names any more.
    pub fn tidy(&mut self) {
        self.known.retain(|_, upstream| upstream.strong_count() > 0);
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::net::IpAddr;

    use super::*;

    fn upstream(port: u16, requests_at_once: u32) -> Arc<Upstream> {
        Arc::new(Upstream::new(([127, 0, 0, 1], port).into(), None, requests_at_once))
    }

    fn request_at(upstream: &Arc<Upstream>) -> Outstanding {
        let mut request = Outstanding::at(upstream, None);
        assert!(request.enter());
        request
    }

    const NOW: Duration = Duration::from_secs(60);
    const MOST: Most = Most { in_all: 9, of_one: 9 };

    /// The port of the upstream that is chosen.
    fn chosen(upstreams: &[Arc<Upstream>], failed: Option<u16>, turn: u64, now: Duration) -> u16 {
        let failed = failed.map(|port| ([127, 0, 0, 1], port).into());
        choose(upstreams, failed, turn, || now).unwrap().address.port()
    }

    #[test]
    fn the_upstream_with_the_fewest_open_requests_is_chosen_and_equals_take_turns() {
        let some: Vec<_> = (1..4).map(|port| upstream(port, 9)).collect();
        assert_eq!([0, 1, 2, 3].map(|turn| chosen(&some, None, turn, NOW)), [1, 2, 3, 1]);
        let at = |number: usize| request_at(&some[number]);
        let _held = (at(0), at(1), at(1));
        for turn in 0..3 {
            assert_eq!(chosen(&some, None, turn, NOW), 3);
            assert_eq!(chosen(&some, Some(3), turn, NOW), 1);
            assert_eq!(chosen(&some[..1], Some(1), turn, NOW), 1, "there is no other");
        }
        assert!(choose(&[], None, 0, || NOW).is_none());
    }

    #[test]
    fn an_upstream_that_refuses_is_left_out_until_one_request_finds_it_well() {
        let some: Vec<_> = (1..3).map(|port| upstream(port, 9)).collect();
        some[0].health.refused(NOW);
        let soon = NOW + Duration::from_millis(1_000);
        for turn in 0..4 {
            assert_eq!(chosen(&some, None, turn, NOW), 2);
        }
        assert_eq!([1, 1, 0].map(|turn| chosen(&some, None, turn, soon)), [1, 2, 2], "one tries");
        some[0].health.answered(soon);
        let _busy: Vec<_> = (0..5).map(|_| request_at(&some[1])).collect();
        assert_eq!(chosen(&some, None, 0, soon), 2, "it begins with less than its share");
        assert_eq!(chosen(&some, None, 0, soon + Duration::from_secs(9)), 1);

        some[1].health.refused(soon);
        some[0].health.refused(soon);
        assert_eq!(chosen(&some, None, 0, soon), 1, "when none is well one is asked all the same");
    }

    #[tokio::test]
    async fn what_lasts_needs_no_place_and_what_ends_gives_back_what_it_took() {
        let upstream = upstream(1, 1);
        let mut request = Outstanding::at(&upstream, None);
        assert!(request.enter());
        assert!(!Outstanding::at(&upstream, None).enter(), "there is one place");
        assert!(request.lasts(1));
        assert!(request.lasts(1), "it does already");
        let mut next = Outstanding::at(&upstream, None);
        assert!(next.enter());
        assert!(!next.lasts(1), "one may last, and one does");
        assert!(
            !Outstanding::at(&upstream, None).wait(IpAddr::from([192, 0, 2, 1]).into(), MOST, ready(())).await,
            "so it keeps its place"
        );
        drop(next);
        request.becomes_tunnel();
        assert_eq!((upstream.outstanding(), upstream.requests(), upstream.lasting()), (1, 0, 1));
        drop(request);
        assert_eq!((upstream.outstanding(), upstream.requests(), upstream.lasting()), (0, 0, 0));
        assert!(Outstanding::at(&upstream, None).enter());
    }
}
