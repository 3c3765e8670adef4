//! How many requests a container works on at once, and who waits for a place: first come, first served.
//!
//! Without a crowd a request costs two atomic operations here, and nothing is allocated for it, whether it waits or not.

use std::future::Future;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use tokio::sync::Semaphore;

use super::lock;

/// The places at one container, and the queue before it. Who is handed a place gives it back with [`Gate::leave`].
#[derive(Debug)]
pub struct Gate {
    /// Places that nobody has. Its own queue is fair, and who stops waiting leaves it.
    free: Semaphore,
    /// How many places there are to be.
    limit: AtomicU32,
    /// How many there are: more than the limit while those that are too many are still taken.
    made: AtomicU32,
    /// Held by whoever changes `made`.
    change: Mutex<()>,
    waiting: AtomicU32,
}

impl Gate {
    /// Returns a gate with so many places.
    #[must_use]
    pub fn new(limit: u32) -> Self {
        Self {
            free: Semaphore::new(limit as usize),
            limit: AtomicU32::new(limit),
            made: AtomicU32::new(limit),
            change: Mutex::default(),
            waiting: AtomicU32::new(0),
        }
    }

    /// Changes how many places there are. One that is taken goes when it is given back.
    pub fn set_limit(&self, limit: u32) {
        if self.limit.load(Relaxed) == limit {
            return;
        }
        let _change = lock(&self.change);
        self.limit.store(limit, Relaxed);
        let made = self.made.load(Relaxed);
        if made < limit {
            self.made.store(limit, Relaxed);
            self.free.add_permits((limit - made) as usize);
        } else {
            let gone = self.free.forget_permits((made - limit) as usize);
            self.made.store(made - u32::try_from(gone).unwrap_or(made - limit), Relaxed);
        }
    }

    /// Takes a place, unless none is free or others wait for one.
    pub fn enter(&self) -> bool {
        // A place that is given back while somebody waits is never free: it is handed on.
        self.free.try_acquire().map(tokio::sync::SemaphorePermit::forget).is_ok()
    }

    /// Waits for a place behind everybody who waits already; at most `most` wait. False when there is none to be had, or
    /// when `patience` ends first. Dropping the future leaves the queue.
    pub async fn wait(&self, most: u32, patience: impl Future<Output = ()>) -> bool {
        let before = self.waiting.fetch_add(1, Relaxed);
        let _waits = Waits(self);
        if before >= most {
            return false;
        }
        tokio::select! {
            biased;
            place = self.free.acquire() => place.map(tokio::sync::SemaphorePermit::forget).is_ok(),
            () = patience => false,
        }
    }

    /// Gives a place back.
    pub fn leave(&self) {
        if self.made.load(Relaxed) > self.limit.load(Relaxed) {
            let _change = lock(&self.change);
            let made = self.made.load(Relaxed);
            if made > self.limit.load(Relaxed) {
                self.made.store(made - 1, Relaxed);
                return;
            }
        }
        self.free.add_permits(1);
    }

    /// Returns how many wait for a place.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        self.waiting.load(Relaxed)
    }
}

/// One who waits, and is counted.
struct Waits<'a>(&'a Gate);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Relaxed);
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
    }
}
