//! A time-out that costs a request next to nothing: it rings at the first tick after its time.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::Poll;

use futures_util::task::AtomicWaker;

/// What one request at a time waits for.
#[derive(Debug, Default)]
pub struct Alarm {
    /// In the core's time; 0 while nobody waits.
    due: AtomicU64,
    has_rung: AtomicBool,
    waker: AtomicWaker,
}

impl Alarm {
    /// Waits for a future until the core's time is `due`; `None` when that comes first.
    pub async fn before<F: Future>(&self, due: u64, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        self.has_rung.store(false, Relaxed);
        self.due.store(due.max(1), Relaxed);
        let outcome = std::future::poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            self.waker.register(cx.waker());
            if self.has_rung.load(Relaxed) { Poll::Ready(None) } else { Poll::Pending }
        })
        .await;
        self.due.store(0, Relaxed);
        outcome
    }

    /// Rings if it is time.
    pub fn tick(&self, now: u64) {
        let due = self.due.load(Relaxed);
        if due != 0 && now >= due {
            self.due.store(0, Relaxed);
            self.has_rung.store(true, Relaxed);
            self.waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures_util::poll;

    use super::*;

    #[tokio::test]
    async fn it_rings_at_the_first_tick_after_its_time_and_only_for_whoever_waits() {
        let alarm = Alarm::default();
        assert_eq!(alarm.before(10, ready(7)).await, Some(7));
        alarm.tick(99);
        let mut waiting = pin!(alarm.before(200, pending::<()>()));
        assert_eq!(poll!(&mut waiting), Poll::Pending);
        alarm.tick(199);
        assert_eq!(poll!(&mut waiting), Poll::Pending);
        alarm.tick(205);
        assert_eq!(poll!(&mut waiting), Poll::Ready(None));
    }
}
