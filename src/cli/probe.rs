//! `sayoo probe URL`: whether something answers over plain HTTP. For health checks in images that have no shell.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, bail};

/// Longer than a healthy process ever takes, shorter than any health check's own limit.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks once. Any answer below 500 is one: a redirect or a refusal shows that the process lives.
pub fn run(address: &str) -> anyhow::Result<()> {
    let url = url::Url::parse(address).with_context(|| format!("{address} is not an address"))?;
    let host = url.host_str().context("the address has no host")?;
    let port = url.port_or_known_default().context("the address has no port")?;
    let socket =
        (host, port).to_socket_addrs().context("look the host up")?.next().context("the host has no address")?;
    let mut stream = TcpStream::connect_timeout(&socket, PATIENCE).with_context(|| format!("connect to {socket}"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET {} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n", url.path())
        .context("send the request")?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).context("read the answer")?;
    match status(&line) {
        Some(status) if status < 500 => Ok(()),
        Some(status) => bail!("{address} answered {status}"),
        None => bail!("{address} does not speak HTTP"),
    }
}

/// Reads the status out of `HTTP/1.1 200 OK`.
fn status(line: &str) -> Option<u16> {
    let (version, rest) = line.split_once(' ')?;
    version.starts_with("HTTP/1.").then_some(())?;
    rest.get(..3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::status;

    #[test]
    fn a_status_is_read_from_an_http_answer_only() {
        assert_eq!(status("HTTP/1.1 200 OK\r\n"), Some(200));
        assert_eq!(status("HTTP/1.0 503\r\n"), Some(503));
        assert_eq!(status("SSH-2.0-OpenSSH_9.2\r\n"), None);
        assert_eq!(status("HTTP/1.1 2\r\n"), None);
        assert_eq!(status(""), None);
    }
}
