//! What Postgres keeps of a password: made here, so that the password itself never stands in a statement or a server's log.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// What RFC 7677 asks for at least. Our passwords are random, so more would protect nothing.
const ITERATIONS: u32 = 4096;

/// Returns the SCRAM-SHA-256 verifier of a password with a new random salt.
pub(super) fn verifier(password: &str) -> String {
    verifier_with(password, &rand::random::<[u8; 16]>())
}

fn verifier_with(password: &str, salt: &[u8]) -> String {
    let salted = salted(password, salt);
    let stored_key = Sha256::digest(keyed(&salted, b"Client Key"));
    let server_key = keyed(&salted, b"Server Key");
    format!(
        "SCRAM-SHA-256${ITERATIONS}:{}${}:{}",
        STANDARD.encode(salt),
        STANDARD.encode(stored_key),
        STANDARD.encode(server_key)
    )
}

/// PBKDF2 with one block, as RFC 5802 calls it `Hi`.
fn salted(password: &str, salt: &[u8]) -> [u8; 32] {
    let mut block = keyed(password.as_bytes(), &[salt, &[0, 0, 0, 1]].concat());
    let mut result = block;
    for _ in 1..ITERATIONS {
        block = keyed(password.as_bytes(), &block);
        for (sum, byte) in result.iter_mut().zip(block) {
            *sum ^= byte;
        }
    }
    result
}

fn keyed(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifier_agrees_with_rfc_7677() {
        // The example of section 3: user `user`, password `pencil`.
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        assert_eq!(
            verifier_with("pencil", &salt),
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
        );
    }
}
