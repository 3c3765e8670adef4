//! How an instance proves that it is the one that is looked for, before anything of a visitor's request is sent to it.
//!
//! Addresses of containers change hands: after a restart of an engine the port of one instance may be another one's, whose
//! owner may be hostile. A proxy or worker that connects says `SAYOO-PROOF` and 16 random bytes; what belongs there answers
//! with their HMAC under a key that is made of its database's password. The other side is `docker/odoo/addons/sayoo/proof.py`.

use std::collections::BTreeMap;
use std::io;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::secret::Secret;

/// Hexadecimal digits of an HMAC-SHA256, and a line feed.
const ANSWER_BYTES: usize = 65;

/// What the proof of one container is checked with. It is of no use for anything else; its `Debug` prints nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProofKey([u8; 32]);

/// The keys of containers, by the `address:port` of each of their ports.
pub type ProofKeys = BTreeMap<String, ProofKey>;

/// What somebody answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is the one that is looked for.
    Proven,
    /// It proves that it is another one.
    Another,
    /// It knows of no proofs: an image from before there were any, or no instance at all.
    Unaware,
}

impl std::fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProofKey(…)")
    }
}

impl From<ProofKey> for String {
    fn from(key: ProofKey) -> Self {
        hex::encode(key.0)
    }
}

impl TryFrom<String> for ProofKey {
    type Error = hex::FromHexError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut key = [0; 32];
        hex::decode_to_slice(text, &mut key)?;
        Ok(Self(key))
    }
}

impl ProofKey {
    /// Returns the key of the container that logs in to its database with this password.
    #[must_use]
    pub fn of_password(password: &Secret<String>) -> Self {
        Self(mac(password.expose().as_bytes(), b"sayoo proof").finalize().into_bytes().into())
    }

    /// Returns the digits that prove it for a question of random bytes.
    #[must_use]
    pub fn answer(&self, question: &[u8]) -> String {
        hex::encode(mac(&self.0, question).finalize().into_bytes())
    }

    /// Asks whoever accepted a connection on which nothing was said yet.
    ///
    /// Errors: those of the connection; one that ends without an answer is [`Answer::Unaware`].
    pub async fn ask(&self, stream: &mut TcpStream) -> io::Result<Answer> {
        let question: [u8; 16] = rand::random();
        stream.write_all(format!("SAYOO-PROOF {}\r\n\r\n", hex::encode(question)).as_bytes()).await?;
        let mut said = [0; ANSWER_BYTES];
        match stream.read_exact(&mut said).await {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Answer::Unaware),
            Err(error) => return Err(error),
        }
        let Some(digits) = said.strip_suffix(b"\n").and_then(|digits| hex::decode(digits).ok()) else {
            return Ok(Answer::Unaware);
        };
        let is_proven = mac(&self.0, &question).verify_slice(&digits).is_ok();
        Ok(if is_proven { Answer::Proven } else { Answer::Another })
    }
}

fn mac(key: &[u8], of: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(of);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_what_the_instance_computes() {
        // Computed with Python's own hmac: hmac(hmac("secret", "sayoo proof"), 16 bytes of 0x07).
        let key = ProofKey::of_password(&Secret::new("secret".to_owned()));
        assert_eq!(key.answer(&[7; 16]), "75b5ddc546ab5f65d9350a72c34fed434f3835a9cc35aac474ec1ce6f674ba94");
        let text = serde_json::to_string(&key).unwrap();
        assert_eq!(serde_json::from_str::<ProofKey>(&text).unwrap(), key);
        assert_eq!(format!("{key:?}"), "ProofKey(…)");
        assert!(serde_json::from_str::<ProofKey>("\"00\"").is_err());
    }
}
