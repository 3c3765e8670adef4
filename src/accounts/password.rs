//! Which passwords are taken, and how they are kept.
//!
//! A password is normalised to NFC (so that an é typed on another keyboard is the same é) and otherwise kept as it is: no
//! trimming, no case folding, no cutting. Twelve characters at least, 1024 bytes at most, anything but NUL.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use icu::normalizer::ComposingNormalizerBorrowed;
use tokio::sync::Semaphore;

use crate::base::secret::Secret;

/// Fewer characters are refused.
pub const MIN_CHARACTERS: usize = 12;

/// More bytes are refused before anything is done with them.
pub const MAX_BYTES: usize = 1024;

/// 19 MiB, two passes, one lane: the first choice of OWASP's password storage rules and of ASVS 5.0, appendix C.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;

/// Hashes that may be worked on at once: more would only make all of them slower on two cores.
static HASHING: Semaphore = Semaphore::const_new(2);

/// How often this process has gone through with the work of a hash.
static WORKED: AtomicU64 = AtomicU64::new(0);

/// Returns how often this process has gone through with the work of a hash, for a new password or a typed one: what takes the time
/// of an answer, and must be the same whoever is asked about.
#[must_use]
pub fn worked() -> u64 {
    WORKED.load(Ordering::SeqCst)
}

/// A password that may be set.
#[derive(Clone, Debug)]
pub struct NewPassword(Secret<String>);

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordProblem {
    /// Fewer than twelve characters.
    #[error("the password is too short")]
    TooShort,
    /// More than 1024 bytes.
    #[error("the password is too long")]
    TooLong,
    /// It holds the character NUL.
    #[error("the password holds a character that cannot be typed")]
    Nul,
    /// It is one of the first that somebody would try.
    #[error("the password is easy to guess")]
    Common,
    /// It is made of our name, or of the person's own address or organisation.
    #[error("the password is made of known words")]
    Personal,
}

impl PasswordProblem {
    /// Returns the key of the sentence that says so.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::TooShort => "password-too-short",
            Self::TooLong => "password-too-long",
            Self::Nul => "password-nul",
            Self::Common => "password-common",
            Self::Personal => "password-personal",
        }
    }
}

/// Words of ours: the first that somebody would try here.
const OUR_WORDS: [&str; 8] = ["sayoo", "odoo", "openerp", "hosting", "portal", "password", "motdepasse", "azerty"];

impl NewPassword {
    /// Checks what a person chose. `about` is what is known of the person: e-mail, name, organisation.
    pub fn check(typed: &str, about: &[&str]) -> Result<Self, PasswordProblem> {
        if typed.len() > MAX_BYTES {
            return Err(PasswordProblem::TooLong);
        }
        if typed.contains('\0') {
            return Err(PasswordProblem::Nul);
        }
        let password = normalised(typed);
        if password.chars().count() < MIN_CHARACTERS {
            return Err(PasswordProblem::TooShort);
        }
        let words = known_words(about);
        if is_made_of(&password, &words) {
            return Err(PasswordProblem::Personal);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        // The estimate reads only the beginning: a long password is strong by then.
        let beginning: String = password.chars().take(64).collect();
        if zxcvbn::zxcvbn(&beginning, &words).score() < zxcvbn::Score::Three {
            return Err(PasswordProblem::Common);
        }
        Ok(Self(Secret::new(password)))
    }
}

/// Returns a password in the form in which it is hashed.
fn normalised(typed: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize(typed).into_owned()
}

/// Letters and digits of a text, in lower case.
fn plain(text: &str) -> String {
    text.to_lowercase().chars().filter(|letter| letter.is_alphanumeric()).collect()
}

fn known_words(about: &[&str]) -> Vec<String> {
    let parts = about.iter().flat_map(|text| text.split(|letter: char| !letter.is_alphanumeric()).chain([*text]));
    let mut words: Vec<String> = parts.chain(OUR_WORDS).map(plain).filter(|word| word.chars().count() >= 3).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words.dedup();
    words
}

/// Whether fewer than six letters or digits are left once the known words are taken out.
fn is_made_of(password: &str, words: &[String]) -> bool {
    let whole = plain(password);
    let mut rest = whole.clone();
    for word in words {
        rest = rest.replace(word.as_str(), "");
    }
    rest.len() < whole.len() && rest.chars().count() < 6
}

fn hasher() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).expect("the parameters are within Argon2's limits");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Hashes a new password, away from the threads that serve pages.
pub async fn hash(password: &NewPassword) -> anyhow::Result<String> {
    let password = password.0.clone();
    let _place = HASHING.acquire().await.context("wait for a place to hash")?;
    let hash = tokio::task::spawn_blocking(move || {
        let hash = hasher().hash_password(password.expose().as_bytes()).map(|hash| hash.to_string());
        WORKED.fetch_add(1, Ordering::SeqCst);
        hash
    });
    hash.await.context("hash on another thread")?.ok().context("hash the password")
}

/// A hash of nothing that anyone knows: checked when there is no such person, so that it takes as long.
static NOBODY: LazyLock<String> = LazyLock::new(|| {
    let unknown: [u8; 32] = rand::random();
    hasher().hash_password(&unknown).expect("Argon2 hashes 32 bytes").to_string()
});

/// Whether a typed password is the one of `hash`. Without a hash the answer is no, after the same work.
pub async fn is_right(typed: &str, hash: Option<String>) -> anyhow::Result<bool> {
    if typed.len() > MAX_BYTES {
        return Ok(false);
    }
    let typed = Secret::new(normalised(typed));
    let _place = HASHING.acquire().await.context("wait for a place to hash")?;
    let work = tokio::task::spawn_blocking(move || {
        let is_somebody = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.clone());
        let parsed = PasswordHash::new(&hash).ok()?;
        let fits = hasher().verify_password(typed.expose().as_bytes(), &parsed).is_ok();
        WORKED.fetch_add(1, Ordering::SeqCst);
        Some(fits && is_somebody)
    });
    work.await.context("hash on another thread")?.context("read the kept hash")
}

/// Prepares what the first login would otherwise wait for.
pub fn warm_up() {
    LazyLock::force(&NOBODY);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(typed: &str) -> Result<(), PasswordProblem> {
        NewPassword::check(typed, &["zoe.martin@boulangerie-zoe.fr", "Zoé Martin", "Boulangerie Zoé"]).map(|_| ())
    }

    #[test]
    fn length_is_the_only_rule_of_form() {
        assert_eq!(check("7 bytes"), Err(PasswordProblem::TooShort));
        assert_eq!(check("quiet river under old stone bridge"), Ok(()));
        assert_eq!(check(&"zk9 wum trof ".repeat(6)[..73]), Ok(()), "nothing is cut at 72 bytes");
        assert_eq!(check(&"x".repeat(1_000_000)), Err(PasswordProblem::TooLong));
        assert_eq!(check("river under\0bridge"), Err(PasswordProblem::Nul));
        assert_eq!(check("🦊🌵🧲🎻🪁🫐🛶🪵🧊🪺🦔🥨"), Ok(()), "twelve characters are twelve, however many bytes");
        assert_eq!(check("جسر قديم فوق نهر هادئ"), Ok(()));
    }

    #[test]
    fn what_somebody_would_try_first_is_refused() {
        for typed in ["password1234", "123456789012", "qwertyuiop12", "aaaaaaaaaaaaaaaa"] {
            assert!(check(typed).is_err(), "{typed}");
        }
        for typed in ["sayoo-sayoo-sayoo", "Boulangerie-Zoe-2026", "zoe.martin@boulangerie-zoe.fr", "odooodoo2026!"] {
            assert_eq!(check(typed), Err(PasswordProblem::Personal), "{typed}");
        }
    }

    #[tokio::test]
    async fn the_whole_password_counts_and_its_letters_compare_in_nfc() {
        let long = "zk9 wum trof ".repeat(6);
        let hash = hash(&NewPassword::check(&long[..73], &[]).unwrap()).await.unwrap();
        for hash in [&hash, &*NOBODY] {
            assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "the same work for everybody: {hash}");
        }
        assert!(is_right(&long[..73], Some(hash.clone())).await.unwrap());
        assert!(!is_right(&long[..72], Some(hash.clone())).await.unwrap());
        assert!(!is_right(&long[..73], None).await.unwrap());
        assert!(!is_right(&"x".repeat(1_000_000), Some(hash)).await.unwrap());

        let composed = super::hash(&NewPassword::check("rivi\u{e8}re calme sous le pont", &[]).unwrap()).await.unwrap();
        assert!(is_right("rivie\u{300}re calme sous le pont", Some(composed)).await.unwrap());
    }
}
