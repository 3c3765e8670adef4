//! Every link: typed values in, a path out. Addresses are written here and in `routes.rs` only.

mod billing;
mod staff;
mod staff_billing;

use std::fmt::Write as _;

pub use billing::*;
pub use staff::*;
pub use staff_billing::*;

use crate::accounts::sessions::LONGEST_PATH;
use crate::base::ids::{DomainId, EnvironmentId};

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

/// What an organisation owes and pays. Open in every state.
#[must_use]
pub fn account_billing() -> String {
    "/account/billing".to_owned()
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

/// The organisation's files for accountants.
#[must_use]
pub fn account_exports() -> String {
    "/account/billing/exports".to_owned()
}

/// One of them.
#[must_use]
pub fn account_exports_file() -> String {
    "/account/billing/exports/file".to_owned()
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

/// A page of the list that is left of a search.
#[must_use]
pub fn instances_page(words: &str, state: &str, number: usize) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("q", words).append_pair("state", state).append_pair("page", &number.to_string());
    format!("/instances?{}", query.finish())
}

/// Order an instance: the plan, and where the order is sent (POST).
#[must_use]
pub fn order() -> String {
    "/instances/new".to_owned()
}

/// Order an instance, with a plan already chosen.
#[must_use]
pub fn order_with_plan(code: &str) -> String {
    format!("/instances/new?plan={}", encoded(code))
}

/// Order an instance: name, address, company. `query` holds what was given before.
#[must_use]
pub fn order_details(query: &str) -> String {
    if query.is_empty() { "/instances/new/details".to_owned() } else { format!("/instances/new/details?{query}") }
}

/// Order an instance: applications, and the price.
#[must_use]
pub fn order_apps() -> String {
    "/instances/new/apps".to_owned()
}

/// The same, with everything that was given before.
#[must_use]
pub fn order_apps_with(query: &str) -> String {
    format!("{}?{query}", order_apps())
}

/// Whether a path carries what somebody typed: it is kept for them alone, not for whoever logs in next.
#[must_use]
pub fn is_typed(path: &str) -> bool {
    path.starts_with(&order()) && path.contains('?')
}

/// Says whether a name is free.
#[must_use]
pub fn check_name() -> String {
    "/instances/check-name".to_owned()
}

/// One instance.
#[must_use]
pub fn instance(id: EnvironmentId) -> String {
    format!("/instances/{id}")
}

/// Tells an open page that its instance changed since `version`.
#[must_use]
pub fn instance_events(id: EnvironmentId, version: &str) -> String {
    format!("/instances/{id}/events?since={}", encoded(version))
}

/// Opens Odoo (POST).
#[must_use]
pub fn open_instance(id: EnvironmentId) -> String {
    format!("/instances/{id}/open")
}

/// Starts an instance (POST).
#[must_use]
pub fn start_instance(id: EnvironmentId) -> String {
    format!("/instances/{id}/start")
}

/// Stops an instance (POST).
#[must_use]
pub fn stop_instance(id: EnvironmentId) -> String {
    format!("/instances/{id}/stop")
}

/// Restarts an instance (POST).
#[must_use]
pub fn restart_instance(id: EnvironmentId) -> String {
    format!("/instances/{id}/restart")
}

/// Puts an instance on another plan.
#[must_use]
pub fn change_plan(id: EnvironmentId) -> String {
    format!("/instances/{id}/plan")
}

/// What last month would have cost on other plans.
#[must_use]
pub fn instance_what_if(id: EnvironmentId) -> String {
    format!("/instances/{id}/what-if")
}

/// Wakes an instance (POST).
#[must_use]
pub fn wake_instance(id: EnvironmentId) -> String {
    format!("/instances/{id}/wake")
}

/// Gives an instance another name or address.
#[must_use]
pub fn rename_instance(id: EnvironmentId) -> String {
    format!("/instances/{id}/rename")
}

/// Wants another number of containers for an instance (POST).
#[must_use]
pub fn instance_containers(id: EnvironmentId) -> String {
    format!("/instances/{id}/containers")
}

/// The rule by which an instance gets more and fewer containers; setting it is a POST to the same address.
#[must_use]
pub fn instance_scaling(id: EnvironmentId) -> String {
    format!("/instances/{id}/scaling")
}

/// Deletes an instance.
#[must_use]
pub fn delete_instance(id: EnvironmentId) -> String {
    format!("/instances/{id}/delete")
}

/// Takes a deletion back (POST).
#[must_use]
pub fn undo_delete_instance(id: EnvironmentId) -> String {
    format!("/instances/{id}/undo-delete")
}

/// An instance's log.
#[must_use]
pub fn instance_logs(id: EnvironmentId) -> String {
    format!("/instances/{id}/logs")
}

/// An instance's own domains; adding one is a POST to the same address.
#[must_use]
pub fn instance_domains(id: EnvironmentId) -> String {
    format!("/instances/{id}/domains")
}

/// Looks at a domain at once (POST).
#[must_use]
pub fn look_at_domain(id: EnvironmentId, domain: DomainId) -> String {
    format!("/instances/{id}/domains/{domain}/look")
}

/// Removes a domain (POST).
#[must_use]
pub fn remove_domain(id: EnvironmentId, domain: DomainId) -> String {
    format!("/instances/{id}/domains/{domain}/remove")
}

/// The new lines of an instance's log, behind line `after`.
#[must_use]
pub fn instance_log_stream(id: EnvironmentId, after: i64) -> String {
    format!("/instances/{id}/logs/stream?after={after}")
}

/// An instance's graphs, over `period` (`1h`, `24h`, `7d`, `30d`; empty for the usual one).
#[must_use]
pub fn instance_usage(id: EnvironmentId, period: &str) -> String {
    if period.is_empty() { format!("/instances/{id}/usage") } else { format!("/instances/{id}/usage?period={period}") }
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
    let is_path = path.starts_with('/') && !path.starts_with("//") && path.len() <= LONGEST_PATH;
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
