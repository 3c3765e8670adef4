//! Secrets that print as nothing, and random tokens that are kept as hashes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// A value that must not appear in logs: its `Debug` prints nothing.
#[derive(Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(transparent)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// Returns the value. Every use of this word is a place to review.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> std::fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Returns a new random token of 256 bits, safe in URLs and cookies.
#[must_use]
pub fn new_token() -> Secret<String> {
    let bytes: [u8; 32] = rand::random();
    Secret(URL_SAFE_NO_PAD.encode(bytes))
}

/// Returns the SHA-256 of a token: what the database keeps of it.
///
/// A plain hash is enough because the token itself has 256 random bits.
#[must_use]
pub fn token_hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// Returns `length` random lower-case letters and digits, beginning with a letter: for names of roles and databases.
#[must_use]
pub fn new_code(length: usize) -> String {
    const LETTERS: &[u8; 26] = b"abcdefghijklmnopqrstuvwxyz";
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    (0..length)
        .map(|place| {
            let choices: &[u8] = if place == 0 { LETTERS } else { ALPHABET };
            char::from(choices[rand::random_range(0..choices.len())])
        })
        .collect()
}
