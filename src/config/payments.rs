//! Cards, through Stripe.

use std::path::PathBuf;

use anyhow::ensure;
use serde::Deserialize;

use super::Mode;
use crate::base::money::Currency;

/// Cards, through Stripe. The worker reads one file, the web process the other.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payments {
    /// Where Stripe's API is.
    #[serde(default = "Payments::default_address")]
    pub address: String,
    /// File with the secret key.
    pub secret_key_file: PathBuf,
    /// File with the secrets that sign webhooks, one a line.
    pub webhook_secrets_file: PathBuf,
    /// What the account at Stripe pays out to the bank. Customers who are billed in another currency pay by transfer: Stripe would
    /// exchange their money, and pay it to another company's bank.
    #[serde(default = "Payments::default_currency")]
    pub currency: Currency,
    /// Whether real money moves. Events of the other mode are noted and ignored.
    #[serde(default = "Payments::default_livemode")]
    pub livemode: bool,
}

impl Payments {
    fn default_address() -> String {
        "https://api.stripe.com".to_owned()
    }

    pub(super) fn default_currency() -> Currency {
        Currency::Eur
    }

    fn default_livemode() -> bool {
        true
    }

    pub(super) fn validate(&self, mode: Mode) -> anyhow::Result<()> {
        let is_whole = !self.address.ends_with('/') && url::Url::parse(&self.address).is_ok();
        ensure!(is_whole, "[payments] address must be an address without a slash at its end");
        let is_safe = mode == Mode::Development || self.address.starts_with("https://");
        ensure!(is_safe, "[payments] address must begin with https:// in production");
        Ok(())
    }
}
