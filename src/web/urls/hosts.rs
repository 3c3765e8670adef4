//! Links to machines, for staff.

use crate::base::ids::HostId;

/// Hosts.
#[must_use]
pub fn staff_hosts() -> String {
    "/staff/hosts".to_owned()
}

/// Adds a host.
#[must_use]
pub fn staff_host_new() -> String {
    "/staff/hosts/new".to_owned()
}

/// One host.
#[must_use]
pub fn staff_host(host: HostId) -> String {
    format!("/staff/hosts/{host}")
}

/// Closes, opens or removes a host, or ends its emptying (POST).
#[must_use]
pub fn staff_host_act(host: HostId, act: &str) -> String {
    format!("/staff/hosts/{host}/{act}")
}

/// Who would move where if a host were emptied.
#[must_use]
pub fn staff_host_drain(host: HostId) -> String {
    format!("/staff/hosts/{host}/drain")
}
