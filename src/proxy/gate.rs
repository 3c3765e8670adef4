//! How many requests a container works on at once, who waits for a place, and what is open there without one.
//!
//! All of it is one number, so that a request costs three atomic operations without a crowd: it takes a place, it needs none
//! any more, it has ended. Nothing is allocated for it unless it waits, in the order of `waiters.rs`.

use std::future::Future;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};

use super::address::Address;
use super::lock;
use super::waiters::{Most, Ticket, Waiters};

/// The numbers in the number, each of them far from the next one: nobody may have a million of anything.
const BITS: u32 = 20;
const PLACE: u64 = 1;
const LASTING: u64 = 1 << BITS;
const WAITING: u64 = 1 << (2 * BITS);

/// What `lasts` cannot count beyond.
pub const MOST: u32 = (1 << BITS) - 1;

/// Returns one of the numbers.
fn count(crowd: u64, unit: u64) -> u32 {
    u32::try_from(crowd / unit % (1 << BITS)).unwrap_or(u32::MAX)
}

/// The places at one container, and the queue before it. Who is handed a place gives it back with [`Gate::leave`].
///
/// Apart from what is only read, because all cores write here.
#[derive(Debug)]
#[repr(align(64))]
pub struct Gate {
    /// How many have a place, are open without one, and wait.
    crowd: AtomicU64,
    /// How many places there are. While more are taken those that are given back are gone.
    limit: AtomicU32,
    /// Those who wait. There are as many as the number says whenever this is not locked.
    queue: Mutex<Waiters>,
}

impl Gate {
    /// Returns a gate with so many places.
    #[must_use]
    pub fn new(limit: u32) -> Self {
        Self { crowd: AtomicU64::new(0), limit: AtomicU32::new(limit), queue: Mutex::default() }
    }

    /// Changes how many places there are. One that is taken goes when it is given back.
    pub fn set_limit(&self, limit: u32) {
        if self.limit.load(Relaxed) != limit {
            self.limit.store(limit, SeqCst);
            self.hand_out(&mut lock(&self.queue));
        }
    }

    /// Changes the number as long as `next` knows how; returns whether it did.
    fn change(&self, next: impl Fn(u64) -> Option<u64>) -> bool {
        self.crowd.fetch_update(SeqCst, Relaxed, next).is_ok()
    }

    fn has_room(&self, crowd: u64) -> bool {
        count(crowd, PLACE) < self.limit.load(SeqCst)
    }

    /// Takes a place, unless none is free or others wait for one.
    pub fn enter(&self) -> bool {
        self.change(|crowd| (count(crowd, WAITING) == 0 && self.has_room(crowd)).then_some(crowd + PLACE))
    }

    /// Waits for a place: behind those of the same address who wait already, and in turn with other addresses. False when
    /// there is none to be had, or when `patience` ends first. Dropping the future leaves the queue.
    pub async fn wait(&self, address: Address, most: Most, patience: impl Future<Output = ()>) -> bool {
        let Some(mut waits) = self.join(address, most) else { return false };
        tokio::select! {
            biased;
            is_called = waits.ticket.is_called() => waits.has_place = is_called,
            () = patience => {}
        }
        waits.has_place
    }

    fn join(&self, address: Address, most: Most) -> Option<Waits<'_>> {
        let mut queue = lock(&self.queue);
        if self.waiting() >= most.in_all {
            return None;
        }
        let ticket = queue.join(address, most.of_one)?;
        self.crowd.fetch_add(WAITING, SeqCst);
        // One may have become free after it was looked for.
        self.hand_out(&mut queue);
        Some(Waits { gate: self, ticket, has_place: false })
    }

    /// Gives a place back.
    pub fn leave(&self) {
        self.give_back(0);
    }

    /// Counts one that needs no place, and gives back the one that it had. False, and nothing changes, when `most` are open
    /// already.
    pub fn lasts(&self, most: u32, has_place: bool) -> bool {
        if self.lasting() >= most {
            return false;
        }
        if has_place {
            self.give_back(LASTING);
        } else {
            self.crowd.fetch_add(LASTING, Relaxed);
        }
        true
    }

    /// One that needed no place has ended.
    pub fn ends(&self) {
        self.crowd.fetch_sub(LASTING, Relaxed);
    }

    /// Gives a place back, to whoever waits longest if anybody does.
    fn give_back(&self, and: u64) {
        if !self.change(|crowd| (count(crowd, WAITING) == 0).then(|| crowd - PLACE + and)) {
            self.change(|crowd| Some(crowd - PLACE + and));
            self.hand_out(&mut lock(&self.queue));
        }
    }

    /// Hands free places to those who wait.
    fn hand_out(&self, queue: &mut Waiters) {
        while self.change(|crowd| (count(crowd, WAITING) > 0 && self.has_room(crowd)).then(|| crowd - WAITING + PLACE))
        {
            queue.call(|_| true);
        }
    }

    /// Leaves the queue. A place that is on its way to somebody who went is given back.
    fn leave_queue(&self, ticket: &Ticket) {
        let mut queue = lock(&self.queue);
        if queue.leave(ticket) {
            self.crowd.fetch_sub(WAITING, SeqCst);
            return;
        }
        drop(queue);
        self.leave();
    }

    /// Returns how many wait for a place.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        count(self.crowd.load(Relaxed), WAITING)
    }

    /// Returns how many are open and need no place.
    #[must_use]
    pub fn lasting(&self) -> u32 {
        count(self.crowd.load(Relaxed), LASTING)
    }

    /// Returns how many there are in all.
    #[must_use]
    pub fn crowd(&self) -> u32 {
        let crowd = self.crowd.load(Relaxed);
        count(crowd, PLACE) + count(crowd, LASTING) + count(crowd, WAITING)
    }
}

/// One who waits, and is counted.
struct Waits<'a> {
    gate: &'a Gate,
    ticket: Ticket,
    has_place: bool,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        if !self.has_place {
            self.gate.leave_queue(&self.ticket);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::pin::pin;
    use std::task::Poll;

    use futures_util::poll;
    use tokio::sync::oneshot;

    use super::*;

    fn from(last: u8) -> Address {
        std::net::IpAddr::from([192, 0, 2, last]).into()
    }

    fn at_most(in_all: u32) -> Most {
        Most { in_all, of_one: in_all }
    }

    /// Waits as somebody of the same address as everybody else.
    async fn wait(gate: &Gate, patience: impl Future<Output = ()>) -> bool {
        gate.wait(from(1), at_most(9), patience).await
    }

    #[tokio::test]
    async fn a_crowd_from_one_address_neither_fills_the_queue_nor_keeps_another_waiting_for_all_of_it() {
        let gate = Gate::new(1);
        assert!(gate.enter());
        let most = Most { in_all: 4, of_one: 2 };
        let crowd = || gate.wait(from(1), most, pending());
        let (mut first, mut second) = (pin!(crowd()), pin!(crowd()));
        assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
        assert!(!crowd().await, "two of an address wait");
        let mut other = pin!(gate.wait(from(2), most, pending()));
        assert!(poll!(&mut other).is_pending());
        gate.leave();
        assert_eq!(poll!(&mut first), Poll::Ready(true));
        gate.leave();
        assert!(poll!(&mut second).is_pending());
        assert_eq!(poll!(&mut other), Poll::Ready(true));
        gate.leave();
        assert_eq!(poll!(&mut second), Poll::Ready(true));
    }

    #[tokio::test]
    async fn a_place_goes_to_whoever_waits_longest_and_nobody_overtakes() {
        let gate = Gate::new(2);
        assert!(gate.enter() && gate.enter() && !gate.enter());
        let (mut first, mut second) = (pin!(wait(&gate, pending())), pin!(wait(&gate, pending())));
        assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
        assert_eq!(gate.waiting(), 2);

        gate.leave();
        assert!(!gate.enter(), "the place is the first one's, although it has not taken it yet");
        assert!(poll!(&mut second).is_pending());
        assert_eq!(poll!(&mut first), Poll::Ready(true));
        gate.leave();
        assert_eq!(poll!(&mut second), Poll::Ready(true));
        assert_eq!(gate.waiting(), 0);
        gate.leave();
        gate.leave();
        assert!(gate.enter() && gate.enter() && !gate.enter(), "no place was lost and none was made");
    }

    #[tokio::test]
    async fn who_goes_away_leaves_the_queue_also_when_a_place_was_just_handed_over() {
        let gate = Gate::new(1);
        assert!(gate.enter());
        let mut last = pin!(wait(&gate, pending()));
        {
            let (mut first, mut second) = (pin!(wait(&gate, pending())), pin!(wait(&gate, pending())));
            assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending() && poll!(&mut last).is_pending());
            gate.leave();
        }
        assert_eq!(poll!(&mut last), Poll::Ready(true));
        gate.leave();
        assert!(gate.enter() && !gate.enter());
    }

    #[tokio::test]
    async fn a_queue_is_as_long_as_it_may_be_and_patience_ends() {
        let gate = Gate::new(1);
        assert!(gate.enter());
        let (clock, time) = oneshot::channel::<()>();
        let mut patient = pin!(gate.wait(from(1), at_most(1), async { drop(time.await) }));
        assert!(poll!(&mut patient).is_pending());
        assert!(!gate.wait(from(1), at_most(1), pending()).await, "the queue has room for one");
        clock.send(()).unwrap();
        assert_eq!(poll!(&mut patient), Poll::Ready(false));
        assert_eq!(gate.waiting(), 0);
        gate.leave();
        assert!(gate.enter(), "who lost patience took no place");
    }

    #[test]
    fn places_come_and_go_with_the_limit_and_taken_ones_go_when_they_are_given_back() {
        let gate = Gate::new(3);
        assert!(gate.enter() && gate.enter());
        gate.set_limit(1);
        assert!(!gate.enter());
        gate.leave();
        assert!(!gate.enter(), "it was one too many");
        gate.leave();
        assert!(gate.enter() && !gate.enter());
        gate.set_limit(2);
        assert!(gate.enter() && !gate.enter());
        gate.leave();
        gate.leave();
        assert!(gate.enter() && gate.enter() && !gate.enter());
    }

    #[test]
    fn threads_that_come_and_go_while_the_limit_changes_lose_no_place() {
        let gate = Gate::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20_000 {
                        if gate.enter() {
                            gate.leave();
                        }
                    }
                });
            }
            for limit in (1..=6).cycle().take(3_000) {
                gate.set_limit(limit);
            }
        });
        gate.set_limit(5);
        assert_eq!((0..9).filter(|_| gate.enter()).count(), 5);
        assert_eq!((gate.crowd(), gate.waiting()), (5, 0));
    }

    #[test]
    fn threads_that_wait_and_give_up_while_the_limit_changes_lose_no_place() {
        let gate = Gate::new(2);
        std::thread::scope(|scope| {
            for thread in 0..4_u32 {
                let gate = &gate;
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    let visit = async |turn: u32| {
                        // Some give up at once, some after a moment, most wait.
                        let patience = async {
                            for _ in 0..turn % 7 * 3 {
                                tokio::task::yield_now().await;
                            }
                            if turn % 7 > 2 {
                                pending::<()>().await;
                            }
                        };
                        let address = from(u8::try_from(turn % 5).unwrap());
                        if gate.enter() || gate.wait(address, at_most(64), patience).await {
                            tokio::task::yield_now().await;
                            if turn.is_multiple_of(3) && gate.lasts(1_000, true) { gate.ends() } else { gate.leave() }
                        }
                    };
                    runtime.block_on(async {
                        for turn in (0..6_000).step_by(4) {
                            tokio::join!(visit(turn + thread), visit(turn + 1), visit(turn + 2), visit(turn + 3));
                        }
                    });
                });
            }
            for limit in (1..=6).cycle().take(3_000) {
                gate.set_limit(limit);
            }
        });
        gate.set_limit(5);
        assert_eq!((gate.crowd(), gate.waiting(), gate.lasting()), (0, 0, 0));
        assert_eq!((0..9).filter(|_| gate.enter()).count(), 5);
    }
}
