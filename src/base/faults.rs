//! What goes wrong in a simulated outside world: one call, known by its verb and number, is met by one fault.
//!
//! The simulated engine and the simulated tenants' server share one of these; without a plan it costs a lock that nobody
//! else holds.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// What happens to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Whoever calls dies before anything is done.
    KilledBefore,
    /// It is done, and whoever called dies before the answer comes.
    KilledAfter,
    /// Nothing is done, and there is no answer.
    Failed,
    /// It is done, but the answer is lost.
    Lost,
    /// It is done twice.
    Twice,
    /// The answer is that of a moment ago: without the last change.
    Stale,
    /// The answer is that there is nothing at all.
    Empty,
    /// Whoever calls is held up before anything is done, until [`Faults::let_go`].
    HeldBefore,
    /// It is done, and whoever called is held up before the answer comes, until [`Faults::let_go`].
    HeldAfter,
}

impl Fault {
    /// What can happen to a call that changes something.
    pub const OF_CHANGES: [Self; 5] = [Self::KilledBefore, Self::KilledAfter, Self::Failed, Self::Lost, Self::Twice];
    /// What can happen to a call that only looks.
    pub const OF_LOOKS: [Self; 4] = [Self::KilledBefore, Self::Failed, Self::Stale, Self::Empty];
}

/// An answer that is not true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untrue {
    /// What was so before the last change.
    OfAMomentAgo,
    /// Nothing.
    Empty,
}

/// Whether a call changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It only looks.
    Look,
    /// It changes something.
    Change,
}

/// One call: what was asked, of which kind, and how many of the same there were before it since the plan was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// What was asked.
    pub verb: &'static str,
    /// Whether it changes something.
    pub kind: Kind,
    /// Its number among those with the same verb, from 0.
    pub number: usize,
}

/// The plan, and what has been called since it was made. Copies share it.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    plan: Arc<Mutex<Plan>>,
    killed: Arc<Notify>,
    held: Arc<Notify>,
    let_go: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Plan {
    is_watched: bool,
    armed: Option<(Call, Fault)>,
    counts: BTreeMap<&'static str, usize>,
    calls: Vec<Call>,
}

impl Faults {
    /// Begins to write calls down; with a fault for one of them, if there is one.
    pub fn plan(&self, armed: Option<(Call, Fault)>) {
        *self.lock() = Plan { is_watched: true, armed, ..Plan::default() };
    }

    /// Ends the plan: nothing goes wrong any more. Returns the calls that were made.
    #[must_use]
    pub fn end(&self) -> Vec<Call> {
        std::mem::take(&mut *self.lock()).calls
    }

    /// Whether the fault has not come yet.
    #[must_use]
    pub fn is_armed(&self) -> bool {
        self.lock().armed.is_some()
    }

    /// Returns when whoever calls has died. Its futures must then be dropped: they will never end.
    pub async fn killed(&self) {
        self.killed.notified().await;
    }

    /// Returns when whoever calls is held up.
    pub async fn held(&self) {
        self.held.notified().await;
    }

    /// Lets go whoever is held up.
    pub fn let_go(&self) {
        self.let_go.notify_one();
    }

    /// Whether there is a plan, so that it is worth keeping what an answer of a moment ago needs.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.lock().is_watched
    }

    /// Makes one call. `act` does it, `untrue` answers what is not so, `away` is the error of no answer.
    pub async fn call<T: Send, E: Send>(
        &self,
        verb: &'static str,
        kind: Kind,
        act: impl Fn() -> Result<T, E> + Send,
        untrue: impl FnOnce(Untrue) -> Result<T, E> + Send,
        away: impl FnOnce() -> E + Send,
    ) -> Result<T, E> {
        match self.meet(verb, kind) {
            None => act(),
            Some(Fault::Stale) => untrue(Untrue::OfAMomentAgo),
            Some(Fault::Empty) => untrue(Untrue::Empty),
            Some(Fault::Failed) => Err(away()),
            Some(Fault::Lost) => {
                drop(act());
                Err(away())
            }
            Some(Fault::Twice) => {
                drop(act());
                act()
            }
            Some(Fault::HeldBefore) => {
                self.wait().await;
                act()
            }
            Some(Fault::HeldAfter) => {
                let answer = act();
                self.wait().await;
                answer
            }
            Some(Fault::KilledBefore) => match self.die().await {},
            Some(Fault::KilledAfter) => {
                drop(act());
                match self.die().await {}
            }
        }
    }

    fn meet(&self, verb: &'static str, kind: Kind) -> Option<Fault> {
        let mut plan = self.lock();
        if !plan.is_watched {
            return None;
        }
        let count = plan.counts.entry(verb).or_default();
        let call = Call { verb, kind, number: *count };
        *count += 1;
        plan.calls.push(call);
        plan.armed.take_if(|(of, _)| *of == call).map(|(_, fault)| fault)
    }

    async fn wait(&self) {
        self.held.notify_one();
        self.let_go.notified().await;
    }

    async fn die(&self) -> Infallible {
        self.killed.notify_one();
        std::future::pending().await
    }

    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
