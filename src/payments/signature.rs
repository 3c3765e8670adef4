//! Who may say that something happened at Stripe: whoever signs with one of the webhook's secrets, within five minutes.

use std::path::Path;

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::base::secret::Secret;

/// How far apart the clocks may be, in seconds.
const TOLERANCE: u64 = 300;

/// The secrets of a webhook: two while one is being replaced.
#[derive(Clone, Debug)]
pub struct Secrets(Vec<Secret<String>>);

impl Secrets {
    /// Takes secrets as they are.
    #[must_use]
    pub fn new(secrets: &[&str]) -> Self {
        Self(secrets.iter().map(|secret| Secret::new((*secret).to_owned())).collect())
    }

    /// Reads a file with one in each line.
    pub fn load(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        ensure!(!lines.is_empty(), "{} holds no secret", file.display());
        Ok(Self::new(&lines))
    }

    /// Whether a header signs a body with one of them, not long ago.
    #[must_use]
    pub fn is_signed(&self, header: &str, body: &[u8], now: DateTime<Utc>) -> bool {
        let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
        let Some(at) = parts().find(|(name, _)| *name == "t").map(|(_, at)| at) else { return false };
        let Ok(seconds) = at.parse::<i64>() else { return false };
        if now.timestamp().abs_diff(seconds) > TOLERANCE {
            return false;
        }
        let given: Vec<Vec<u8>> =
            parts().filter(|(name, _)| *name == "v1").filter_map(|(_, code)| hex::decode(code).ok()).collect();
        self.0.iter().any(|secret| {
            let mut mac =
                Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).expect("HMAC takes keys of any length");
            mac.update(at.as_bytes());
            mac.update(b".");
            mac.update(body);
            let ours = mac.finalize().into_bytes();
            given.iter().any(|code| bool::from(ours.as_slice().ct_eq(code)))
        })
    }
}
