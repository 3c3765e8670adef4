//! Makes the ticket with which a customer is logged in to their own Odoo: single use, one minute, no password.

use anyhow::Context;
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde_json::json;

use super::{By, store};
use crate::audit;
use crate::base::ids::EnvironmentId;
use crate::base::secret::{self, Secret};
use crate::portal::Portal;

/// How long a ticket is good, in seconds. The browser uses it at once; Odoo refuses longer ones.
const LIFETIME_SECONDS: i64 = 45;

/// A ticket and where it is to be posted.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// `https://acme.example.net/sayoo/login`.
    pub address: String,
    /// Logs in once.
    pub token: Secret<String>,
}

/// What came of asking to open Odoo.
#[derive(Clone, Debug)]
pub enum Opening {
    /// The browser may post this.
    Ready(Ticket),
    /// It does not run now.
    NotRunning,
}

/// Makes a ticket and writes it to the audit log. `None` when the account has no such environment.
pub async fn ticket(
    portal: &Portal,
    key: &Ed25519KeyPair,
    by: &By,
    id: EnvironmentId,
    locale: &str,
) -> anyhow::Result<Option<Opening>> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let Some(environment) = store::find(&mut tx, by.account, id).await.context("read an environment")? else {
        return Ok(None);
    };
    let code = store::runtime_code(&mut tx, by.account, id).await.context("read the runtime")?;
    let (Some(code), Some(name)) = (code.filter(|_| environment.can_be_opened()), environment.subdomain.as_ref())
    else {
        return Ok(Some(Opening::NotRunning));
    };
    if environment.is_asleep() {
        // It wakes while the browser is on its way: a ticket does not last long.
        store::insert_wish(&mut tx, id, now).await.context("want it woken")?;
    }
    let token = signed(key, &code, &environment.admin_email, locale, now);
    let entry = audit::Entry::new("environment.opened")
        .account(by.account)
        .environment(id)
        .detail(json!({ "login": environment.admin_email }));
    audit::record(&mut tx, &by.actor, entry, now).await?;
    tx.commit().await.context("commit")?;
    let address = format!("{}/sayoo/login", portal.public.instance_url(name.as_str()));
    Ok(Some(Opening::Ready(Ticket { address, token })))
}

/// Writes base64url(JSON) "." base64url(signature of the first part), as docker/odoo/addons/sayoo/token.py reads it.
fn signed(key: &Ed25519KeyPair, runtime: &str, login: &str, locale: &str, now: DateTime<Utc>) -> Secret<String> {
    let said = json!({
        "aud": runtime,
        "login": login,
        "exp": now.timestamp() + LIFETIME_SECONDS,
        "jti": secret::new_token().expose(),
        "lang": locale,
    });
    let signed = URL_SAFE_NO_PAD.encode(said.to_string());
    let signature = key.sign(signed.as_bytes());
    Secret::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref())))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ED25519, KeyPair, UnparsedPublicKey};

    use super::*;

    #[test]
    fn a_ticket_is_for_one_runtime_one_person_and_one_minute() {
        let key = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap();
        let now = "2026-11-22T21:00:00Z".parse().unwrap();
        let first = signed(&key, "abc", "zoe@example.com", "fr", now);
        let (said, signature) = first.expose().split_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        UnparsedPublicKey::new(&ED25519, key.public_key().as_ref()).verify(said.as_bytes(), &signature).unwrap();
        let said: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(said).unwrap()).unwrap();
        assert_eq!((&said["aud"], &said["login"]), (&json!("abc"), &json!("zoe@example.com")));
        assert!(said["exp"].as_i64().unwrap() - now.timestamp() <= 60);
        assert!(said["jti"].as_str().unwrap().len() >= 16);
        assert_ne!(first, signed(&key, "abc", "zoe@example.com", "fr", now), "each is another one");
    }
}
