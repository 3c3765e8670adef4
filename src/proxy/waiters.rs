//! Who waits for a place: addresses take turns, and each is served in the order in which it came. A crowd from one address
//! makes others wait for one of its requests, not for all of them. Pure.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use super::address::Address;

/// How many may wait.
#[derive(Clone, Copy, Debug)]
pub struct Most {
    /// From everywhere.
    pub in_all: u32,
    /// From one address.
    pub of_one: u32,
}

/// Those who wait at one place.
#[derive(Debug, Default)]
pub struct Waiters {
    /// Only those with somebody who waits. The first is next.
    addresses: VecDeque<(Address, VecDeque<Waiter>)>,
    /// How many there were.
    number: u64,
}

#[derive(Debug)]
struct Waiter {
    number: u64,
    call: oneshot::Sender<()>,
}

/// What somebody who waits has in hand.
#[derive(Debug)]
pub struct Ticket {
    address: Address,
    number: u64,
    call: oneshot::Receiver<()>,
}

impl Ticket {
    /// Waits until it is called. False when that will never be.
    pub async fn is_called(&mut self) -> bool {
        (&mut self.call).await.is_ok()
    }
}

impl Waiters {
    /// Lets one more wait; `None` when so many of this address do already.
    pub fn join(&mut self, address: Address, most_of_one: u32) -> Option<Ticket> {
        let place = self.addresses.iter().position(|(known, _)| *known == address);
        let count = place.map_or(0, |place| self.addresses[place].1.len());
        if count >= most_of_one as usize {
            return None;
        }
        self.number += 1;
        let number = self.number;
        let (call, called) = oneshot::channel();
        let waiter = Waiter { number, call };
        match place {
            Some(place) => self.addresses[place].1.push_back(waiter),
            None => self.addresses.push_back((address, VecDeque::from([waiter]))),
        }
        Some(Ticket { address, number, call: called })
    }

    /// Calls whoever is next among those whose address may have a place, and returns the address.
    pub fn call(&mut self, may: impl Fn(Address) -> bool) -> Option<Address> {
        let place = self.addresses.iter().position(|(address, _)| may(*address))?;
        let (address, mut waiting) = self.addresses.remove(place)?;
        if let Some(next) = waiting.pop_front() {
            // Whoever goes away leaves first, so that somebody listens.
            let _ = next.call.send(());
        }
        if !waiting.is_empty() {
            self.addresses.push_back((address, waiting));
        }
        Some(address)
    }

    /// Lets one go away; returns whether it still waited.
    pub fn leave(&mut self, ticket: &Ticket) -> bool {
        let Some(place) = self.addresses.iter().position(|(address, _)| *address == ticket.address) else {
            return false;
        };
        let waiting = &mut self.addresses[place].1;
        let before = waiting.len();
        waiting.retain(|waiter| waiter.number != ticket.number);
        let has_left = waiting.len() < before;
        if waiting.is_empty() {
            self.addresses.remove(place);
        }
        has_left
    }

    /// Returns how many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.addresses.iter().map(|(_, waiting)| waiting.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn from(last: u8) -> Address {
        IpAddr::from([192, 0, 2, last]).into()
    }

    #[test]
    fn addresses_take_turns_and_each_is_served_in_order() {
        let mut waiters = Waiters::default();
        let mut crowd: Vec<_> = (0..3).map(|_| waiters.join(from(1), 3).unwrap()).collect();
        assert!(waiters.join(from(1), 3).is_none(), "one address has so many");
        let mut other = waiters.join(from(2), 3).unwrap();
        let is_called = |ticket: &mut Ticket| ticket.call.try_recv().is_ok();
        assert_eq!(waiters.call(|_| true), Some(from(1)));
        assert_eq!(waiters.call(|_| true), Some(from(2)));
        assert!(is_called(&mut other) && is_called(&mut crowd[0]) && !is_called(&mut crowd[1]));
        assert!(waiters.leave(&crowd[1]) && !waiters.leave(&crowd[0]));
        assert_eq!(waiters.call(|address| address != from(1)), None);
        assert_eq!((waiters.call(|_| true), is_called(&mut crowd[2])), (Some(from(1)), true));
        assert_eq!((waiters.len(), waiters.call(|_| true)), (0, None));
    }
}
