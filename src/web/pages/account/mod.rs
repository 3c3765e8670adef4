//! The customer's account: organisation, person, security, logins, members, closing.

pub mod close;
pub mod closing;
pub mod exports;
pub mod members;
pub mod overview;
pub mod security;
pub mod sessions;

use crate::accounts::policy::{self, Action};
use crate::web::layout::Layout;
use crate::web::urls;

/// A tab of the account's pages.
struct Tab {
    label: String,
    href: String,
    is_current: bool,
}

/// Returns the tabs; the one with `current` as address is the present one. Who may not see what is paid has no tab for it.
fn tabs(layout: &Layout, current: &str) -> Vec<Tab> {
    let sees_costs = layout.person.as_ref().is_some_and(|person| policy::may(person.role, Action::SeeCosts));
    [
        ("account-tab-overview", urls::account()),
        ("account-tab-security", urls::account_security()),
        ("account-tab-sessions", urls::account_sessions()),
        ("account-tab-members", urls::account_members()),
        ("nav-billing", urls::billing()),
    ]
    .into_iter()
    .filter(|(key, _)| sees_costs || *key != "nav-billing")
    .map(|(key, href)| Tab { label: layout.t(key), is_current: href == current, href })
    .collect()
}
