//! Encryption of secrets that rest in the database, with a key that does not.

use anyhow::{Context, bail};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

/// A 256-bit key from a file of 64 hexadecimal digits.
#[derive(Clone)]
pub struct SealingKey(XChaCha20Poly1305);

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealingKey(…)")
    }
}

/// Length of the random nonce that stands before each sealed value.
const NONCE_BYTES: usize = 24;

impl SealingKey {
    /// Makes a key of its bytes.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(key.into()))
    }

    /// Reads a key from a file of 64 hexadecimal digits.
    pub fn from_file(path: &std::path::Path) -> anyhow::Result<Self> {
        Ok(Self::new(&read_hex_key(path)?))
    }

    /// Encrypts `plain`, bound to `place` (such as `runtime_secrets/<id>`): moved to another row it does not open.
    #[must_use]
    pub fn seal(&self, place: &str, plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let payload = Payload { msg: plain, aad: place.as_bytes() };
        let sealed =
            self.0.encrypt(&XNonce::from(nonce), payload).expect("sealing a short value in memory cannot fail");
        [nonce.as_slice(), &sealed].concat()
    }

    /// Decrypts what [`SealingKey::seal`] made for the same place.
    pub fn open(&self, place: &str, sealed: &[u8]) -> anyhow::Result<Vec<u8>> {
        let Some((nonce, rest)) = sealed.split_first_chunk::<NONCE_BYTES>() else {
            bail!("the sealed value is too short");
        };
        let payload = Payload { msg: rest, aad: place.as_bytes() };
        self.0
            .decrypt(&XNonce::from(*nonce), payload)
            .ok()
            .context("the sealed value does not open with this key: was the key file replaced?")
    }
}

/// Reads 32 bytes from a file of 64 hexadecimal digits.
pub fn read_hex_key(path: &std::path::Path) -> anyhow::Result<[u8; 32]> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read the key file {}", path.display()))?;
    let bytes =
        hex::decode(text.trim()).ok().with_context(|| format!("{} must hold hexadecimal digits", path.display()))?;
    bytes
        .get(..32)
        .and_then(|first| first.try_into().ok())
        .with_context(|| format!("{} must hold at least 64 hexadecimal digits", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_only_in_its_own_place() {
        let key = SealingKey::new(&[7; 32]);
        let sealed = key.seal("a/1", b"hush");
        assert_eq!(key.open("a/1", &sealed).unwrap(), b"hush");
        assert!(key.open("a/2", &sealed).is_err());
        assert!(SealingKey::new(&[8; 32]).open("a/1", &sealed).is_err());
        assert!(key.open("a/1", &sealed[..10]).is_err());
    }
}
