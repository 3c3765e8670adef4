//! Every link: typed values in, a path out. Addresses are written here and in `routes.rs` only.

use std::fmt::Write as _;

/// The front page.
#[must_use]
pub fn home() -> String {
    "/".to_owned()
}

/// Plans and prices.
#[must_use]
pub fn pricing() -> String {
    "/pricing".to_owned()
}

/// Sign up.
#[must_use]
pub fn sign_up() -> String {
    "/signup".to_owned()
}

/// What to do after signing up: look into the mailbox.
#[must_use]
pub fn check_mail() -> String {
    "/signup/check-mail".to_owned()
}

/// Log in.
#[must_use]
pub fn login() -> String {
    "/login".to_owned()
}

/// Log in, then come back to `next`.
#[must_use]
pub fn login_then(next: &str) -> String {
    if next.is_empty() || next == "/" { login() } else { format!("/login?next={}", encoded(next)) }
}

/// Log out (POST).
#[must_use]
pub fn log_out() -> String {
    "/logout".to_owned()
}

/// Forgotten password.
#[must_use]
pub fn forgot() -> String {
    "/forgot".to_owned()
}

/// The page behind a link that was sent to choose a new password.
#[must_use]
pub fn reset(token: &str) -> String {
    format!("/reset/{}", encoded(token))
}

/// The page behind a link that was sent to prove an e-mail address.
#[must_use]
pub fn verify(token: &str) -> String {
    format!("/verify/{}", encoded(token))
}

/// Sends the link to prove the e-mail address again (POST).
#[must_use]
pub fn resend_verification() -> String {
    "/verify/resend".to_owned()
}

/// The page behind a link that was sent to confirm a new e-mail address.
#[must_use]
pub fn confirm_email(token: &str) -> String {
    format!("/confirm-email/{}", encoded(token))
}

/// The page behind a link that was sent to the old e-mail address, to take a change back.
#[must_use]
pub fn undo_email(token: &str) -> String {
    format!("/undo-email/{}", encoded(token))
}

/// The account: organisation, person, language.
#[must_use]
pub fn account() -> String {
    "/account".to_owned()
}

/// Saves the organisation's settings (POST).
#[must_use]
pub fn account_organisation() -> String {
    "/account/organisation".to_owned()
}

/// Saves the person's name and language (POST).
#[must_use]
pub fn account_person() -> String {
    "/account/person".to_owned()
}

/// E-mail address and password.
#[must_use]
pub fn account_security() -> String {
    "/account/security".to_owned()
}

/// Changes the password (POST).
#[must_use]
pub fn account_password() -> String {
    "/account/security/password".to_owned()
}

/// Changes the e-mail address (POST).
#[must_use]
pub fn account_email() -> String {
    "/account/security/email".to_owned()
}

/// Where the person is logged in.
#[must_use]
pub fn account_sessions() -> String {
    "/account/sessions".to_owned()
}

/// Logs one browser out (POST).
#[must_use]
pub fn revoke_session(session: crate::base::ids::SessionId) -> String {
    format!("/account/sessions/{session}/revoke")
}

/// Logs all other browsers out (POST).
#[must_use]
pub fn revoke_other_sessions() -> String {
    "/account/sessions/revoke-others".to_owned()
}

/// Who belongs to the organisation.
#[must_use]
pub fn account_members() -> String {
    "/account/members".to_owned()
}

/// Closes the account.
#[must_use]
pub fn account_close() -> String {
    "/account/close".to_owned()
}

/// The account is being closed: what happens when, and the way back.
#[must_use]
pub fn account_closing() -> String {
    "/account/closing".to_owned()
}

/// Keeps an account that is being closed (POST).
#[must_use]
pub fn account_keep() -> String {
    "/account/keep".to_owned()
}

/// The list of instances.
#[must_use]
pub fn instances() -> String {
    "/instances".to_owned()
}

/// Chooses a language, then comes back (POST; GET shows the choice without JavaScript).
#[must_use]
pub fn language(code: &str) -> String {
    format!("/language/{}", encoded(code))
}

/// Chooses a theme, then comes back (POST).
#[must_use]
pub fn theme(name: &str) -> String {
    format!("/theme/{}", encoded(name))
}

/// Mails that were caught instead of sent, in development only.
#[must_use]
pub fn caught_mails() -> String {
    "/dev/mails".to_owned()
}

/// Returns a text as it may stand in one part of a path or query.
#[must_use]
pub fn encoded(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            result.push(char::from(byte));
        } else {
            write!(result, "%{byte:02X}").expect("a String grows");
        }
    }
    result
}

/// Returns a path of ours that was given from outside (`next`), or `None` when it could lead elsewhere.
#[must_use]
pub fn local(path: &str) -> Option<&str> {
    let is_path = path.starts_with('/') && !path.starts_with("//") && path.len() <= 500;
    let is_plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    (is_path && is_plain).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_ours_are_come_back_to() {
        for good in ["/", "/instances", "/instances/new?plan=a&b=%20"] {
            assert_eq!(local(good), Some(good));
        }
        for bad in [
            "",
            "instances",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\r\nSet-Cookie: x",
            "/é",
            "javascript:x",
        ] {
            assert_eq!(local(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_query_inside_a_query_is_encoded() {
        assert_eq!(login_then("/instances?a=1&b=2"), "/login?next=/instances%3Fa%3D1%26b%3D2");
        assert_eq!(login_then("/"), "/login");
    }
}
