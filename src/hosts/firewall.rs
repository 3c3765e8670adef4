//! The rules that keep instances on a machine apart from all that is not theirs: a script for the machine's root. Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;

/// The rules, as a script that wants to know the addresses.
const RULES: &str = include_str!("firewall.sh");

/// What the machine must let through.
#[derive(Clone, Debug)]
pub struct Ways<'a> {
    /// The tenants' database server, as containers reach it.
    pub tenants: &'a str,
    /// Its port.
    pub tenants_port: u16,
    /// Who reaches instances: the machines with the worker and the proxies.
    pub proxies: Vec<IpAddr>,
    /// The ports of the machine that are for the world.
    pub ports: BTreeSet<u16>,
}

/// Returns the script for a machine.
#[must_use]
pub fn script(ways: &Ways) -> String {
    let proxies: Vec<String> = ways.proxies.iter().map(ToString::to_string).collect();
    let ports: Vec<String> = ways.ports.iter().map(ToString::to_string).collect();
    format!(
        "#!/bin/sh\n# Made by sayoo for one machine.\nSAYOO_TENANTS={}\nSAYOO_TENANTS_PORT={}\nSAYOO_PROXIES=\"{}\"\nSAYOO_PORTS=\"{}\"\n{RULES}",
        quoted(ways.tenants),
        ways.tenants_port,
        proxies.join(" "),
        ports.join(" ")
    )
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_begins_with_the_addresses_and_a_strange_one_stays_a_word() {
        let proxies = vec!["10.0.0.1".parse().unwrap(), "10.0.0.9".parse().unwrap()];
        let made = script(&Ways { tenants: "10.0.0.1", tenants_port: 5441, proxies, ports: [22, 80, 443].into() });
        let head: Vec<&str> = made.lines().skip(2).take(4).collect();
        assert_eq!(
            head,
            [
                "SAYOO_TENANTS='10.0.0.1'",
                "SAYOO_TENANTS_PORT=5441",
                "SAYOO_PROXIES=\"10.0.0.1 10.0.0.9\"",
                "SAYOO_PORTS=\"22 80 443\""
            ]
        );
        assert_eq!(quoted("x'; reboot #"), r"'x'\''; reboot #'");
    }
}
