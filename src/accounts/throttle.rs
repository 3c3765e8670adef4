//! Counts tries, so that guessing is slow.

/// Turns addresses and e-mails into hashes: the table of tries tells nobody who tried.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl Key {
    /// Makes a key of its bytes.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }
}
