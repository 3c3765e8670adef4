//! How much memory a core has for bodies that are kept until all of them has come.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The room of one core.
#[derive(Debug)]
pub struct Room {
    free: AtomicUsize,
}

impl Room {
    /// Returns a room for so many bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self { free: AtomicUsize::new(bytes) })
    }
}

/// What one body has of it.
#[derive(Debug)]
pub struct Claim {
    room: Arc<Room>,
    bytes: usize,
}

impl Claim {
    /// Claims nothing yet.
    #[must_use]
    pub fn on(room: &Arc<Room>) -> Self {
        Self { room: Arc::clone(room), bytes: 0 }
    }

    /// Claims so much more; false when there is not so much.
    pub fn grow(&mut self, bytes: usize) -> bool {
        let has_room = self.room.free.fetch_update(Relaxed, Relaxed, |free| free.checked_sub(bytes)).is_ok();
        if has_room {
            self.bytes += bytes;
        }
        has_room
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.room.free.fetch_add(self.bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_so_much_and_it_is_given_back() {
        let room = Room::new(10);
        let (mut one, mut other) = (Claim::on(&room), Claim::on(&room));
        assert!(one.grow(4) && one.grow(4) && !other.grow(3) && other.grow(2));
        drop(one);
        assert!(other.grow(8) && !other.grow(1));
    }
}
