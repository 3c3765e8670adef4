//! Names and attributes of our cookies, and the signed ones.

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::keys::Keys;
use super::layout::FlashKind;
use crate::config::Public;

/// A cookie of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A customer's login.
    Session,
    /// A staff member's login.
    Staff,
    /// A browser that is not logged in: its forms are bound to it.
    Visit,
    /// Who logged in on this device before.
    Device,
    /// A message for the next page.
    Flash,
    /// The chosen language.
    Language,
    /// The chosen theme.
    Theme,
}

/// Returns the cookie's name. The prefix keeps other hosts, even below the same domain, from setting it.
#[must_use]
pub fn name(public: &Public, kind: Kind) -> String {
    let prefix = if public.is_https() { "__Host-" } else { "" };
    let suffix = match kind {
        Kind::Session => "",
        Kind::Staff => "-staff",
        Kind::Visit => "-visit",
        Kind::Device => "-device",
        Kind::Flash => "-flash",
        Kind::Language => "-language",
        Kind::Theme => "-theme",
    };
    format!("{prefix}sayoo{suffix}")
}

/// Returns a cookie of ours; `None` for `lasts` means until the browser is closed.
#[must_use]
pub fn cookie(public: &Public, kind: Kind, value: String, lasts: Option<Duration>) -> Cookie<'static> {
    let mut cookie = Cookie::build(name(public, kind), value)
        .path("/")
        .http_only(true)
        .secure(public.is_https())
        .same_site(if kind == Kind::Staff { SameSite::Strict } else { SameSite::Lax })
        .finish();
    if let Some(lasts) = lasts {
        cookie.set_max_age(lasts);
    }
    cookie
}

/// Returns a cookie that takes ours away.
#[must_use]
pub fn removal(public: &Public, kind: Kind) -> Cookie<'static> {
    cookie(public, kind, String::new(), Some(Duration::ZERO))
}

/// A message for the next page: a text's key and at most one value in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFlash {
    /// How it looks.
    pub kind: FlashKind,
    /// Key of the text.
    pub key: String,
    /// Name and value of what is put into the text.
    pub value: Option<(String, String)>,
}

impl NewFlash {
    /// Returns the signed text for a cookie.
    #[must_use]
    pub fn sealed(&self, keys: &Keys) -> String {
        let (name, value) = self.value.clone().unwrap_or_default();
        let plain = [self.kind.word(), &self.key, &name, &value].join("\n");
        let code = keys.sign("flash", plain.as_bytes());
        URL_SAFE_NO_PAD.encode([&code[..16], plain.as_bytes()].concat())
    }

    /// Reads what [`NewFlash::sealed`] made; `None` for anything else.
    #[must_use]
    pub fn open(keys: &Keys, text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (code, plain) = bytes.split_at_checked(16)?;
        if !bool::from(subtle::ConstantTimeEq::ct_eq(&keys.sign("flash", plain)[..16], code)) {
            return None;
        }
        let mut parts = std::str::from_utf8(plain).ok()?.splitn(4, '\n').map(str::to_owned);
        let kind = FlashKind::from_word(&parts.next()?)?;
        let key = parts.next()?;
        let (name, value) = (parts.next()?, parts.next()?);
        Some(Self { kind, key, value: (!name.is_empty()).then_some((name, value)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_opens_only_as_it_was_signed() {
        let keys = Keys::new([1; 32], &[2; 32]).unwrap();
        let value = Some(("name".to_owned(), "Zoé\n<b>".to_owned()));
        let flash = NewFlash { kind: FlashKind::Good, key: "account-saved".to_owned(), value };
        let text = flash.sealed(&keys);
        assert_eq!(NewFlash::open(&keys, &text), Some(flash));
        assert_eq!(NewFlash::open(&keys, &text[2..]), None);
        assert_eq!(NewFlash::open(&Keys::new([9; 32], &[2; 32]).unwrap(), &text), None);
        assert_eq!(NewFlash::open(&keys, ""), None);
    }
}
