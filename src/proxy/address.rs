//! Whom a visitor counts as where one visitor is not to have everything: one IPv4 address, or the network of IPv6 that one
//! household gets.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use super::lock;

/// Before the bits of an IPv4 address: no visitor comes from IPv6's multicast.
const FOUR: u64 = 0xFFFF << 48;

/// A visitor's address: all of IPv4, the first half of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address(u64);

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(four) => Self(FOUR | u64::from(four.to_bits())),
            IpAddr::V6(six) => Self(u64::try_from(six.to_bits() >> 64).unwrap_or_default()),
        }
    }
}

/// How many of something each address has. Only for what is rare: it takes a lock.
#[derive(Debug, Default)]
pub struct Tally(Mutex<HashMap<Address, u32>>);

impl Tally {
    /// Counts one more for this address, until it is dropped; `None` when it has so many already.
    pub fn take(self: &Arc<Self>, address: Address, most: u32) -> Option<Seat> {
        let mut taken = lock(&self.0);
        let count = taken.entry(address).or_default();
        if *count >= most {
            // With a limit of none the entry may be new.
            if *count == 0 {
                taken.remove(&address);
            }
            return None;
        }
        *count += 1;
        Some(Seat { tally: Arc::clone(self), address })
    }
}

/// One of an address.
#[derive(Debug)]
pub struct Seat {
    tally: Arc<Tally>,
    address: Address,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = lock(&self.tally.0);
        if let Some(count) = taken.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn a_household_is_one_address_and_others_are_others() {
        assert_eq!(address("2001:db8:1:2::1"), address("2001:db8:1:2:ffff::9"));
        assert_ne!(address("2001:db8:1:2::1"), address("2001:db8:1:3::1"));
        assert_eq!(address("192.0.2.1"), address("::ffff:192.0.2.1"));
        assert_ne!(address("192.0.2.1"), address("192.0.2.2"));
        assert_ne!(address("0.0.0.1"), address("::1"));
    }

    #[test]
    fn an_address_has_so_many_and_gives_them_back() {
        let tally = Arc::<Tally>::default();
        let (one, other) = (address("192.0.2.1"), address("192.0.2.2"));
        let seats: Vec<_> = (0..3).filter_map(|_| tally.take(one, 2)).collect();
        assert_eq!(seats.len(), 2);
        assert!(tally.take(other, 2).is_some() && tally.take(other, 0).is_none());
        drop(seats);
        assert!(tally.take(one, 1).is_some());
        assert!(lock(&tally.0).is_empty(), "nothing is kept of who has nothing");
    }
}
