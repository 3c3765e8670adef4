//! What the world reaches on this machine: only what is for it.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::{Command, Stdio};

use super::Finding;
use crate::config::{Config, Mode};

const WHAT: &str = "ports open to the world";
/// The state of a socket that listens, in the kernel's tables.
const LISTENS: &str = "0A";

/// Whether the rules of `sayoo host firewall` are in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rules {
    InPlace,
    Missing,
    /// Only root may look.
    Unknown,
}

/// Looks at what listens on this machine, and at its rules.
pub fn examine(config: &Config) -> Finding {
    let mut open = BTreeSet::new();
    let mut is_ipv6 = false;
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let listeners = listeners(&std::fs::read_to_string(table).unwrap_or_default());
        is_ipv6 |= listeners.iter().any(|(address, _)| address.is_ipv6());
        open.extend(listeners.into_iter().filter(|(address, _)| is_for_the_world(*address)).map(|(_, port)| port));
    }
    let surplus: BTreeSet<u16> = open.difference(&config.public_ports()).copied().collect();
    judge(&surplus, rules(is_ipv6), config.public.mode == Mode::Production)
}

fn judge(surplus: &BTreeSet<u16>, rules: Rules, is_production: bool) -> Finding {
    if surplus.is_empty() {
        return Finding::good(WHAT, "none but those of the proxy and SSH");
    }
    let ports: Vec<String> = surplus.iter().map(ToString::to_string).collect();
    let ports = ports.join(", ");
    let remedy = "as root: sayoo host firewall install (docs/operations.md, \"The rules of a machine\")";
    match rules {
        Rules::InPlace => Finding::good(WHAT, format!("{ports} listen, and the machine's rules close them")),
        Rules::Unknown => {
            let matter = format!("{ports} listen on every address; only root can see whether rules close them");
            Finding::weak(WHAT, matter, "sudo sayoo doctor; where there are no rules, sudo sayoo host firewall install")
        }
        Rules::Missing => {
            let matter = format!("whoever reaches this machine reaches {ports}: no rules close them");
            if is_production { Finding::bad(WHAT, matter, remedy) } else { Finding::weak(WHAT, matter, remedy) }
        }
    }
}

fn rules(is_ipv6: bool) -> Rules {
    let hook = |tables: &str| {
        let words = ["-w", "5", "-C", "INPUT", "!", "-i", "lo", "-j", "SAYOO-WORLD"];
        let quiet = Command::new(tables).args(words).stdout(Stdio::null()).stderr(Stdio::null()).status();
        quiet.ok().and_then(|status| status.code())
    };
    let tables: &[&str] =
        if is_ipv6 { &["/usr/sbin/iptables", "/usr/sbin/ip6tables"] } else { &["/usr/sbin/iptables"] };
    let codes: Vec<Option<i32>> = tables.iter().map(|tables| hook(tables)).collect();
    match codes.as_slice() {
        codes if codes.iter().all(|code| *code == Some(0)) => Rules::InPlace,
        // 4 and 3 say that we may not look, or that there is nothing to look with.
        codes if codes.contains(&Some(1)) || codes.contains(&Some(2)) => Rules::Missing,
        _ => Rules::Unknown,
    }
}

/// Addresses that only this machine, or machines beside it, can mean are not the world's.
fn is_for_the_world(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            !(address.is_loopback() || address.is_private() || address.is_link_local() || is_shared(address))
        }
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_for_the_world(IpAddr::V4(mapped)),
            None => !(address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()),
        },
    }
}

/// 100.64.0.0/10, between a provider and its customers.
fn is_shared(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    first == 100 && second & 0xc0 == 64
}

/// Reads addresses and ports of what listens from a table of the kernel.
fn listeners(table: &str) -> Vec<(IpAddr, u16)> {
    let of = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        let (local, state) = (words.next()?, words.nth(1)?);
        let (address, port) = local.split_once(':')?;
        (state == LISTENS).then_some(())?;
        Some((address_of(address)?, u16::from_str_radix(port, 16).ok()?))
    };
    table.lines().skip(1).filter_map(of).collect()
}

/// The kernel writes words of four bytes as numbers of this machine's own order.
fn address_of(text: &str) -> Option<IpAddr> {
    let words: Vec<[u8; 4]> = (0..text.len() / 8)
        .map(|at| u32::from_str_radix(text.get(at * 8..at * 8 + 8)?, 16).ok().map(u32::to_ne_bytes))
        .collect::<Option<_>>()?;
    match words.as_slice() {
        [word] => Some(IpAddr::V4(Ipv4Addr::from(*word))),
        [a, b, c, d] => {
            let bytes: [u8; 16] = [*a, *b, *c, *d].concat().try_into().ok()?;
            Some(IpAddr::V6(Ipv6Addr::from(bytes)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    const TABLE: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000   107        0 1
   1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2
   2: 00000000:0BB8 0A00000A:0016 01 00000000:00000000 00:00000000 00000000     0        0 3
";
    const TABLE6: &str = "  sl  local_address rem_address st
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000
   1: 00000000000000000000000001000000:1538 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000
";

    #[test]
    fn the_kernels_tables_are_read_and_what_only_this_machine_reaches_is_not_the_worlds() {
        let text = |address: &str| address.parse::<IpAddr>().unwrap();
        assert_eq!(listeners(TABLE), [(text("127.0.0.1"), 0x1538), (text("0.0.0.0"), 0x1f90)]);
        assert_eq!(listeners(TABLE6), [(text("::"), 80), (text("::1"), 0x1538)]);
        for inside in
            ["127.0.0.1", "10.1.2.3", "172.17.0.1", "100.64.1.1", "::1", "fd00::1", "fe80::1", "::ffff:10.0.0.1"]
        {
            assert!(!is_for_the_world(text(inside)), "{inside}");
        }
        for outside in ["0.0.0.0", "::", "203.0.113.9", "100.128.0.1", "2001:db8::1", "::ffff:203.0.113.9"] {
            assert!(is_for_the_world(text(outside)), "{outside}");
        }
    }

    #[test]
    fn a_machine_whose_ports_the_world_reaches_is_a_fault_in_production_only() {
        let surplus = BTreeSet::from([5432, 32768]);
        assert!(judge(&surplus, Rules::Missing, true).is_bad());
        assert!(matches!(judge(&surplus, Rules::Missing, false).verdict, Verdict::Weak(..)));
        assert!(matches!(judge(&surplus, Rules::Unknown, true).verdict, Verdict::Weak(..)));
        for fine in [judge(&surplus, Rules::InPlace, true), judge(&BTreeSet::new(), Rules::Missing, true)] {
            assert!(matches!(fine.verdict, Verdict::Good(_)), "{fine:?}");
        }
    }
}
