//! The keys of the web process: cookies, form tokens, sealed second factors, logins to Odoo.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use aws_lc_rs::signature::Ed25519KeyPair;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::accounts::throttle;
use crate::base::money::Currency;
use crate::base::seal::{SealingKey, read_hex_key};
use crate::payments::signature::Secrets;

/// Keys of the web process. Each purpose has its own, derived from the cookie key file.
#[derive(Clone)]
pub struct Keys {
    root: [u8; 32],
    /// Seals what the web process alone must read again: second factors of staff.
    pub seal: SealingKey,
    /// Hashes addresses and e-mails for counting tries.
    pub throttle: throttle::Key,
    /// Signs logins to Odoo; instances know the public half.
    pub sso: Arc<Ed25519KeyPair>,
    /// Tell whether Stripe posted an event. Without them nobody is believed.
    pub webhooks: Option<Arc<Secrets>>,
    /// In which currency customers can pay by card.
    cards_in: Option<Currency>,
}

impl Keys {
    /// Reads both key files.
    pub fn load(cookie_key: &Path, sso_key: &Path) -> anyhow::Result<Self> {
        Self::new(read_hex_key(cookie_key)?, &read_hex_key(sso_key)?)
    }

    /// Makes the keys of their bytes.
    pub fn new(root: [u8; 32], sso_seed: &[u8; 32]) -> anyhow::Result<Self> {
        let sso =
            Ed25519KeyPair::from_seed_unchecked(sso_seed).ok().context("the SSO key file holds no Ed25519 seed")?;
        Ok(Self {
            root,
            seal: SealingKey::new(&mac(&root, "seal", &[])),
            throttle: throttle::Key::new(mac(&root, "throttle", &[])),
            sso: Arc::new(sso),
            webhooks: None,
            cards_in: None,
        })
    }

    /// The same, believing events that are signed with one of these, of an account at Stripe that pays out in this currency.
    #[must_use]
    pub fn with_webhooks(self, secrets: Secrets, currency: Currency) -> Self {
        Self { webhooks: Some(Arc::new(secrets)), cards_in: Some(currency), ..self }
    }

    /// Whether what is billed in a currency can be paid by card here.
    #[must_use]
    pub fn takes_cards(&self, currency: Currency) -> bool {
        self.cards_in == Some(currency)
    }

    /// Returns the code of `message` for one purpose.
    #[must_use]
    pub fn sign(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        mac(&self.root, purpose, message)
    }

    /// Whether `code` is what [`Keys::sign`] returns; takes the same time whatever is wrong.
    #[must_use]
    pub fn is_signed(&self, purpose: &str, message: &[u8], code: &[u8]) -> bool {
        subtle::ConstantTimeEq::ct_eq(self.sign(purpose, message).as_slice(), code).into()
    }
}

fn mac(key: &[u8; 32], purpose: &str, message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(purpose.as_bytes());
    mac.update(&[0]);
    mac.update(message);
    mac.finalize().into_bytes().into()
}
