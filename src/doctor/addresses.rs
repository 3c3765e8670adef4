//! Ports, names and mail: what the installation needs of the network.

use std::time::Duration;

use tokio::net::TcpStream;

use super::Finding;
use crate::base::chain;
use crate::config::{Config, Mode};
use crate::mail::transport;

/// Long enough for a slow name server.
const LIMIT: Duration = Duration::from_secs(5);

/// Looks at ports, names and mail.
pub async fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = vec![
        port("port of the proxy", &config.proxy.listen).await,
        port("port of the pages", &config.web.listen).await,
        name("name of the portal", &config.public.portal_host()).await,
        name("names of instances", &config.public.instance_host("sayoo-doctor-asks")).await,
        mail(config).await,
    ];
    if let Some(tls) = &config.tls {
        findings.insert(1, port("port for HTTPS", &tls.listen).await);
    }
    findings
}

/// A port is served, or free to be.
async fn port(what: &'static str, listen: &str) -> Finding {
    let asked = tokio::time::timeout(LIMIT, TcpStream::connect(listen)).await;
    if matches!(asked, Ok(Ok(_))) {
        return Finding::good(what, format!("{listen} answers"));
    }
    match std::net::TcpListener::bind(listen) {
        Ok(_) => Finding::weak(what, format!("nothing serves {listen}"), "start it: sayoo all (or bin/up)"),
        Err(error) => {
            Finding::bad(what, format!("{listen} cannot be served: {error}"), "correct listen in the configuration")
        }
    }
}

async fn name(what: &'static str, host: &str) -> Finding {
    // A browser resolves everything below localhost to this machine by itself (RFC 6761, 6.3).
    if host == "localhost" || host.ends_with(".localhost") {
        return Finding::good(what, format!("{host} is this machine"));
    }
    match tokio::time::timeout(LIMIT, tokio::net::lookup_host((host, 443))).await {
        Ok(Ok(mut found)) => match found.next() {
            Some(address) => Finding::good(what, format!("{host} is {}", address.ip())),
            None => Finding::bad(
                what,
                format!("{host} has no address"),
                "add an A record for it (for instances: one for *)",
            ),
        },
        Ok(Err(_)) => {
            Finding::bad(what, format!("{host} is not known"), "add an A record for it (for instances: one for *)")
        }
        Err(_) => Finding::bad(what, "the name server does not answer", "correct /etc/resolv.conf"),
    }
}

async fn mail(config: &Config) -> Finding {
    let what = "mail";
    let Some(url) = &config.mail.smtp_url else {
        return match config.public.mode {
            Mode::Development => {
                Finding::weak(what, "mails are caught at /dev/mails", "set [mail] smtp_url to send them")
            }
            Mode::Production => Finding::bad(what, "mails cannot be sent", "set [mail] smtp_url"),
        };
    };
    match transport::answers(url, LIMIT).await {
        Ok(true) => Finding::good(what, "the mail server answers"),
        Ok(false) => Finding::bad(what, "the mail server refuses", "check its address, user and password"),
        Err(error) => Finding::bad(what, chain::of_any(&error), "check its address, port and firewall"),
    }
}
