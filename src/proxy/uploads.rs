//! Requests whose body is still on its way while a container works on them: they have no more than half of its places, and
//! one address no more than half of those, so that whoever is slow cannot keep everybody out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::address::Address;
use super::lock;
use super::waiters::{Most, Ticket, Waiters};

/// The uploads to one container.
#[derive(Debug)]
pub struct Uploads(Mutex<State>);

#[derive(Debug)]
struct State {
    /// How many there may be.
    most: u32,
    count: u32,
    by_address: HashMap<Address, u32>,
    waiters: Waiters,
}

impl State {
    fn begin_next(&mut self) {
        let most_of_one = self.most.div_ceil(2);
        while self.count < self.most {
            let by_address = &self.by_address;
            let may = |address: Address| by_address.get(&address).is_none_or(|count| *count < most_of_one);
            let Some(address) = self.waiters.call(may) else { return };
            self.count += 1;
            *self.by_address.entry(address).or_default() += 1;
        }
    }

    fn end(&mut self, address: Address) {
        self.count -= 1;
        if let Some(count) = self.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
        self.begin_next();
    }
}

impl Uploads {
    /// Returns the uploads to a container with so many places.
    #[must_use]
    pub fn new(places: u32) -> Self {
        let most = Self::of(places);
        Self(Mutex::new(State { most, count: 0, by_address: HashMap::new(), waiters: Waiters::default() }))
    }

    fn of(places: u32) -> u32 {
        (places / 2).max(1)
    }

    /// Changes how many places the container has.
    pub fn set_places(&self, places: u32) {
        let mut state = lock(&self.0);
        state.most = Self::of(places);
        state.begin_next();
    }

    /// Waits until one more upload may begin. `None` when too many wait, or when `patience` ends first.
    pub async fn begin(
        self: &Arc<Self>,
        address: Address,
        most: Most,
        patience: impl Future<Output = ()>,
    ) -> Option<Upload> {
        let mut waits = self.join(address, most)?;
        tokio::select! {
            biased;
            is_called = waits.ticket.is_called() => waits.is_called = is_called,
            () = patience => {}
        }
        waits.is_called.then(|| Upload { uploads: Arc::clone(self), address })
    }

    fn join(&self, address: Address, most: Most) -> Option<Waits<'_>> {
        let mut state = lock(&self.0);
        if state.waiters.len() >= most.in_all as usize {
            return None;
        }
        let ticket = state.waiters.join(address, most.of_one)?;
        state.begin_next();
        Some(Waits { uploads: self, address, ticket, is_called: false })
    }
}

/// One who waits. A beginning that nobody takes is given back.
struct Waits<'a> {
    uploads: &'a Uploads,
    address: Address,
    ticket: Ticket,
    is_called: bool,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        if !self.is_called {
            let mut state = lock(&self.uploads.0);
            if !state.waiters.leave(&self.ticket) {
                state.end(self.address);
            }
        }
    }
}

/// One upload, until its last byte has come.
#[derive(Debug)]
pub struct Upload {
    uploads: Arc<Uploads>,
    address: Address,
}

impl Drop for Upload {
    fn drop(&mut self) {
        lock(&self.uploads.0).end(self.address);
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::net::IpAddr;
    use std::pin::pin;

    use futures_util::poll;

    use super::*;

    const MOST: Most = Most { in_all: 9, of_one: 2 };

    fn from(last: u8) -> Address {
        IpAddr::from([192, 0, 2, last]).into()
    }

    async fn at_once(uploads: &Arc<Uploads>, last: u8) -> Option<Upload> {
        uploads.begin(from(last), MOST, ready(())).await
    }

    #[tokio::test]
    async fn uploads_have_half_of_the_places_and_one_address_half_of_those() {
        let uploads = Arc::new(Uploads::new(12));
        let mut begun = Vec::new();
        for _ in 0..9 {
            begun.extend(at_once(&uploads, 1).await);
        }
        assert_eq!(begun.len(), 3);
        for last in 2..9 {
            begun.extend(at_once(&uploads, last).await);
        }
        assert_eq!(begun.len(), 6);
        drop(begun);
        let state = lock(&uploads.0);
        assert_eq!((state.count, state.by_address.len(), state.waiters.len()), (0, 0, 0));
    }

    #[tokio::test]
    async fn who_waits_begins_when_another_ends_and_who_goes_away_begins_nothing() {
        let uploads = Arc::new(Uploads::new(1));
        let first = at_once(&uploads, 1).await.unwrap();
        let mut next = Box::pin(uploads.begin(from(2), MOST, pending()));
        let mut last = pin!(uploads.begin(from(3), MOST, pending()));
        assert!(poll!(&mut next).is_pending() && poll!(&mut last).is_pending());
        drop(first);
        // It was called and never knew.
        drop(next);
        assert!(poll!(&mut last).is_ready());
        assert!(at_once(&uploads, 1).await.is_some(), "nothing was lost");
    }
}
