//! Ports, names and mail: what the installation needs of the network.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Finding;
use crate::base::chain;
use crate::config::Config;
use crate::mail::transport;

/// Long enough for a slow name server.
const LIMIT: Duration = Duration::from_secs(5);

/// More than the head of any answer of ours.
const HEAD_BYTES: u64 = 8 * 1024;

/// Looks at ports, names and mail.
pub async fn examine(config: &Config) -> Vec<Finding> {
    let portal = config.public.portal_host();
    let mut findings = vec![
        port("port of the proxy", &config.proxy.listen, Some(&portal)).await,
        port("port of the pages", &config.web.listen, Some(&portal)).await,
    ];
    if let Some(tls) = &config.tls {
        findings.push(port("port for HTTPS", &tls.listen, None).await);
    }
    findings.push(apart(&portal, &config.public.instances_domain()));
    findings.extend(names(&portal, &config.public.instance_host("sayoo-doctor-asks")).await);
    findings.push(mail(config).await);
    findings
}

/// A port is served by us, or free to be. What speaks HTTP in the clear is asked for a page of `host`.
async fn port(what: &'static str, listen: &str, host: Option<&str>) -> Finding {
    if let Ok(Ok(stream)) = tokio::time::timeout(LIMIT, TcpStream::connect(listen)).await {
        let is_ours = match host {
            Some(host) => matches!(tokio::time::timeout(LIMIT, is_ours(stream, host)).await, Ok(Ok(true))),
            None => true,
        };
        return if is_ours {
            Finding::good(what, format!("{listen} answers"))
        } else {
            let remedy = "stop it ('ss -ltnp' names it), or choose another port in the configuration";
            Finding::bad(what, format!("{listen} is taken by another program"), remedy)
        };
    }
    let Err(error) = std::net::TcpListener::bind(listen) else {
        return Finding::weak(what, format!("nothing serves {listen}"), "start it: sayoo all (or bin/up)");
    };
    let remedy = match error.kind() {
        ErrorKind::PermissionDenied => "ports below 1024 are root's: sysctl net.ipv4.ip_unprivileged_port_start=80",
        ErrorKind::AddrInUse => "stop what has it ('ss -ltnp' names it), or choose another port in the configuration",
        _ => "correct listen in the configuration: an address of this machine, and a port",
    };
    Finding::bad(what, format!("{listen} cannot be served: {error}"), remedy)
}

/// Whether one of our own processes answers: each of its answers has a number, or leads to the same host's HTTPS.
async fn is_ours(mut stream: TcpStream, host: &str) -> std::io::Result<bool> {
    let request = format!("GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    stream.take(HEAD_BYTES).read_to_end(&mut head).await?;
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    Ok(head.contains("\r\nx-request-id: ") || head.contains(&format!("\r\nlocation: https://{host}")))
}

/// Both names lead somewhere, and to the same place: one proxy serves them.
async fn names(portal: &str, instances: &str) -> [Finding; 2] {
    let (portal, found_portal) = name("name of the portal", portal).await;
    let (instances, found_instances) = name("names of instances", instances).await;
    if let (Some(one), Some(other)) = (found_portal, found_instances)
        && one.is_disjoint(&other)
    {
        let matter = format!("they lead to {}, the portal's name to {}", listed(&other), listed(&one));
        let remedy =
            "let the A record for * lead to the proxy, as the portal's does, unless a balancer stands before both";
        return [portal, Finding::weak("names of instances", matter, remedy)];
    }
    [portal, instances]
}

/// Instances are strangers to the portal and to each other, and a browser lets names of one registrable domain set cookies
/// for all of it.
fn apart(portal: &str, instances: &str) -> Finding {
    let what = "domains of the portal and of instances";
    match (registrable(portal), registrable(instances)) {
        (Some(one), Some(other)) if one == other => Finding::weak(
            what,
            format!("both are below {one}: a page of an instance can set and use up cookies of the portal's name"),
            "give instances a domain of their own that nothing else uses; docs/operations.md, HTTPS and certificates, says why",
        ),
        (Some(one), Some(other)) => Finding::good(what, format!("{one} and {other}")),
        _ => Finding::good(what, "names of this machine"),
    }
}

/// What can be registered of a name: two labels, or three where a country sells below `co`, `com` and the like. The whole
/// truth is the Public Suffix List; this is enough for an advice.
fn registrable(host: &str) -> Option<String> {
    let labels: Vec<&str> = host.split('.').collect();
    let top = labels.last()?;
    if host.parse::<IpAddr>().is_ok() || host.starts_with('[') || *top == "localhost" {
        return None;
    }
    let sells_below = |label: &&str| matches!(*label, "ac" | "co" | "com" | "edu" | "gov" | "net" | "or" | "org");
    let is_below = top.len() == 2 && labels.len() > 2 && labels.get(labels.len() - 2).is_some_and(sells_below);
    let count = if is_below { 3 } else { 2 };
    Some(labels[labels.len().saturating_sub(count)..].join("."))
}

fn listed(addresses: &BTreeSet<IpAddr>) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

async fn name(what: &'static str, host: &str) -> (Finding, Option<BTreeSet<IpAddr>>) {
    // A browser resolves everything below localhost to this machine by itself (RFC 6761, 6.3).
    if host == "localhost" || host.ends_with(".localhost") {
        return (Finding::good(what, format!("{host} is this machine")), None);
    }
    let remedy = "add an A record for it (for instances: one for *)";
    match tokio::time::timeout(LIMIT, tokio::net::lookup_host((host, 443))).await {
        Ok(Ok(found)) => {
            let found: BTreeSet<IpAddr> = found.map(|address| address.ip()).collect();
            if found.is_empty() {
                return (Finding::bad(what, format!("{host} has no address"), remedy), None);
            }
            (Finding::good(what, format!("{host} is {}", listed(&found))), Some(found))
        }
        Ok(Err(_)) => (Finding::bad(what, format!("{host} is not known"), remedy), None),
        Err(_) => (Finding::bad(what, "the name server does not answer", "correct /etc/resolv.conf"), None),
    }
}

async fn mail(config: &Config) -> Finding {
    let what = "mail";
    let Some(url) = &config.mail.smtp_url else {
        // In development only: a production configuration without it is refused when it is read.
        return Finding::weak(what, "mails are caught at /dev/mails", "set [mail] smtp_url to send them");
    };
    match transport::answers(url, LIMIT).await {
        Ok(true) => Finding::good(what, "the mail server answers"),
        Ok(false) => Finding::bad(what, "the mail server refuses", "check its address, user and password"),
        Err(error) => Finding::bad(what, chain::of_any(&error), "check its address, port and firewall"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn one_registrable_domain_for_portal_and_instances_is_advised_against() {
        for (portal, instances, is_apart) in [
            ("portal.example.com", "example.net", true),
            ("portal.example.com", "apps.example.com", false),
            ("example.com", "example.com", false),
            ("portal.example.co.uk", "example-apps.co.uk", true),
            ("portal.example.co.uk", "apps.example.co.uk", false),
            ("localhost", "localhost", true),
            ("127.0.0.1", "localhost", true),
        ] {
            let is_good = matches!(apart(portal, instances).verdict, Verdict::Good(_));
            assert_eq!(is_good, is_apart, "{portal} {instances}");
        }
    }
}
