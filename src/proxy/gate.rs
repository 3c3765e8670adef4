//! How many requests a container works on at once, who waits for a place, and what is open there without one.
//!
//! First come, first served. All of it is one number, so that a request costs three atomic operations without a crowd: it
//! takes a place, it needs none any more, it has ended. Nothing is allocated for it, whether it waits or not.

use std::future::Future;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};

use tokio::sync::Semaphore;

use super::lock;

/// The numbers in the number, each of them far from the next one: nobody may have a million of anything.
const BITS: u32 = 20;
const PLACE: u64 = 1;
const LASTING: u64 = 1 << BITS;
const WAITING: u64 = 1 << (2 * BITS);

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
    /// Places on their way to those who wait. Its own queue is fair, and who stops waiting leaves it.
    handed: Semaphore,
    /// Held by whoever hands places on, and by whoever leaves the queue without one.
    queue: Mutex<()>,
}

impl Gate {
    /// Returns a gate with so many places.
    #[must_use]
    pub fn new(limit: u32) -> Self {
        Self {
            crowd: AtomicU64::new(0),
            limit: AtomicU32::new(limit),
            handed: Semaphore::new(0),
            queue: Mutex::default(),
        }
    }

    /// Changes how many places there are. One that is taken goes when it is given back.
    pub fn set_limit(&self, limit: u32) {
        if self.limit.load(Relaxed) != limit {
            self.limit.store(limit, SeqCst);
            self.hand_out();
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

    /// Waits for a place behind everybody who waits already; at most `most` wait. False when there is none to be had, or
    /// when `patience` ends first. Dropping the future leaves the queue.
    pub async fn wait(&self, most: u32, patience: impl Future<Output = ()>) -> bool {
        if !self.change(|crowd| (count(crowd, WAITING) < most).then_some(crowd + WAITING)) {
            return false;
        }
        let mut waits = Waits { gate: self, has_place: false };
        // One may have become free after it was looked for.
        self.hand_out();
        tokio::select! {
            biased;
            place = self.handed.acquire() => {
                waits.has_place = place.map(tokio::sync::SemaphorePermit::forget).is_ok();
            }
            () = patience => {}
        }
        waits.has_place
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
            self.hand_out();
        }
    }

    /// Hands free places to those who wait.
    fn hand_out(&self) {
        let _queue = lock(&self.queue);
        while self.change(|crowd| (count(crowd, WAITING) > 0 && self.has_room(crowd)).then(|| crowd - WAITING + PLACE))
        {
            self.handed.add_permits(1);
        }
    }

    /// Leaves the queue. A place that is on its way to somebody who went is given back.
    fn leave_queue(&self) {
        let queue = lock(&self.queue);
        if self.change(|crowd| (count(crowd, WAITING) > 0).then(|| crowd - WAITING)) {
            return;
        }
        let is_handed = self.handed.try_acquire().map(tokio::sync::SemaphorePermit::forget).is_ok();
        drop(queue);
        if is_handed {
            self.leave();
        }
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
    has_place: bool,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        if !self.has_place {
            self.gate.leave_queue();
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

    #[tokio::test]
    async fn a_place_goes_to_whoever_waits_longest_and_nobody_overtakes() {
        let gate = Gate::new(2);
        assert!(gate.enter() && gate.enter() && !gate.enter());
        let (mut first, mut second) = (pin!(gate.wait(9, pending())), pin!(gate.wait(9, pending())));
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
        let mut last = pin!(gate.wait(9, pending()));
        {
            let (mut first, mut second) = (pin!(gate.wait(9, pending())), pin!(gate.wait(9, pending())));
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
        let mut patient = pin!(gate.wait(1, async { drop(time.await) }));
        assert!(poll!(&mut patient).is_pending());
        assert!(!gate.wait(1, pending()).await, "the queue has room for one");
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
                        if gate.enter() || gate.wait(64, patience).await {
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
