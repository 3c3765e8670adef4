//! Counts tries, so that guessing is slow, without letting a stranger lock anybody out.
//!
//! Tries to log in are counted three times: by network address, by e-mail for unknown devices, and by e-mail and device for devices
//! that logged in before. A stranger can use up the second; the owner's own device still has the third.

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::store;
use crate::portal::Portal;

/// Turns addresses and e-mails into hashes: the table of tries tells nobody who tried.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl Key {
    /// Makes a key of its bytes.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// Returns the code of some parts for one purpose.
    #[must_use]
    pub fn code(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        for part in [purpose.as_bytes()].iter().chain(parts) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    fn subject(&self, limit: Limit, parts: &[&str]) -> Vec<u8> {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        self.code(limit.action(), &parts).to_vec()
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Something that may be tried only so often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Logins from one network address.
    LoginByAddress,
    /// Logins with one e-mail from devices that never logged in with it.
    LoginByEmail,
    /// Logins with one e-mail from one device that did.
    LoginByDevice,
    /// Logins with one staff member's e-mail.
    StaffByEmail,
    /// Codes for one staff member.
    StaffCode,
    /// Sign-ups from one network address.
    SignUpByAddress,
    /// Links asked for from one network address.
    LinksByAddress,
    /// Mails to one e-mail address that a stranger can cause.
    MailsByEmail,
    /// The current password, asked for inside.
    Password,
    /// Mails that a member asks for: the verification again, a new address.
    MailsByUser,
    /// Codes of coupons for one account.
    CouponByAccount,
}

impl Limit {
    /// Returns how many tries are allowed in which time.
    #[must_use]
    pub fn allows(self) -> (i32, TimeDelta) {
        match self {
            Self::LoginByAddress => (60, TimeDelta::hours(1)),
            Self::LoginByEmail | Self::LoginByDevice | Self::StaffByEmail | Self::StaffCode | Self::Password => {
                (10, TimeDelta::hours(1))
            }
            Self::SignUpByAddress | Self::LinksByAddress | Self::CouponByAccount => (20, TimeDelta::hours(1)),
            Self::MailsByEmail | Self::MailsByUser => (4, TimeDelta::hours(1)),
        }
    }

    fn action(self) -> &'static str {
        match self {
            Self::LoginByAddress => "login-address",
            Self::LoginByEmail => "login-email",
            Self::LoginByDevice => "login-device",
            Self::StaffByEmail => "staff-email",
            Self::StaffCode => "staff-code",
            Self::SignUpByAddress => "signup-address",
            Self::LinksByAddress => "links-address",
            Self::MailsByEmail => "mails-email",
            Self::Password => "password",
            Self::MailsByUser => "mails-user",
            Self::CouponByAccount => "coupon-account",
        }
    }
}

/// Counts a try. Returns the seconds to wait when it is one too many. Counted before it is looked at: two at once are two.
pub async fn count(portal: &Portal, key: &Key, limit: Limit, parts: &[&str]) -> anyhow::Result<Option<u32>> {
    let now = portal.clock.now();
    let (allowed, window) = limit.allows();
    let began = window_of(now, window);
    let mut db = store::connection(&portal.db).await?;
    let tries =
        store::count_try(&mut db, limit.action(), &key.subject(limit, parts), began).await.context("count a try")?;
    Ok((tries > allowed).then(|| u32::try_from((began + window - now).num_seconds().max(1)).unwrap_or(u32::MAX)))
}

/// Forgets the tries of somebody who then got it right.
pub async fn forgive(portal: &Portal, key: &Key, limit: Limit, parts: &[&str]) -> anyhow::Result<()> {
    let mut db = store::connection(&portal.db).await?;
    store::forget_tries(&mut db, limit.action(), &key.subject(limit, parts)).await.context("forget tries")
}

/// Returns the network that an address is counted with: a customer of IPv6 has 2⁶⁴ addresses.
#[must_use]
pub fn network(address: &str) -> String {
    match address.parse() {
        Ok(std::net::IpAddr::V6(v6)) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        _ => address.to_owned(),
    }
}

fn window_of(now: DateTime<Utc>, window: TimeDelta) -> DateTime<Utc> {
    let length = window.num_seconds().max(1);
    let began = now.timestamp().div_euclid(length) * length;
    DateTime::from_timestamp(began, 0).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_is_counted_as_one() {
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
    }

    #[test]
    fn parts_are_not_confused() {
        let key = Key::new([1; 32]);
        assert_ne!(key.subject(Limit::LoginByDevice, &["ab", "c"]), key.subject(Limit::LoginByDevice, &["a", "bc"]));
        assert_ne!(key.subject(Limit::Password, &["a"]), key.subject(Limit::LoginByEmail, &["a"]));
    }
}
