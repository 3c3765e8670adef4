//! Requests that two programs might read differently, in thousands of combinations: whatever reaches an instance can be read
//! in one way only, and nothing in a body ever becomes a request.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use sqlx::PgPool;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::support::{World, ok};

/// How a length is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// It is one: what follows the body is another request, and everybody agrees.
    Length,
    /// The body says itself where it ends, and the connection ends with it.
    Chunks,
    /// Not at all.
    Nothing,
}

use Meaning::{Chunks, Length, Nothing};

/// What says how long a body is, or seems to.
const FRAMINGS: [(Meaning, &str); 36] = [
    (Length, ""),
    (Length, "Content-Length: 5\r\n"),
    (Length, "Content-Length: 0\r\n"),
    (Length, "Content-Length: 05\r\n"),
    (Length, "Content-Length:5\r\n"),
    (Length, "Content-Length:\t5\r\n"),
    (Length, "Content-Length: 5 \r\n"),
    (Nothing, "Content-Length : 5\r\n"),
    (Nothing, "Content-Length: +5\r\n"),
    (Nothing, "Content-Length: 5,5\r\n"),
    (Nothing, "Content-Length: 5;x\r\n"),
    (Nothing, "Content-Length: 5\r\nContent-Length: 5\r\n"),
    (Nothing, "Content-Length: 5\r\nContent-Length: 0\r\n"),
    (Nothing, "Content-Length: 5\nX: y\r\n"),
    (Nothing, "Content-Length:\r\n 5\r\n"),
    (Length, "Content_Length: 5\r\n"),
    (Length, "CONTENT-LENGTH: 5\r\n"),
    (Nothing, "X: y\r\n\tContent-Length: 5\r\n"),
    (Chunks, "Transfer-Encoding: chunked\r\n"),
    (Chunks, "transfer-encoding: CHUNKED\r\n"),
    (Chunks, "Transfer-Encoding:chunked\r\n"),
    (Chunks, "Transfer-Encoding: chunked \r\n"),
    (Chunks, "Transfer-Encoding:\tchunked\r\n"),
    (Nothing, "Transfer-Encoding : chunked\r\n"),
    (Nothing, "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
    (Nothing, "Transfer-Encoding: identity, chunked\r\n"),
    (Nothing, "Transfer-Encoding: chunked, identity\r\n"),
    (Nothing, "Transfer-Encoding: chunked;q=1\r\n"),
    (Nothing, "Transfer-Encoding: 'chunked'\r\n"),
    (Nothing, "Transfer-Encoding: \x0bchunked\r\n"),
    (Nothing, "Transfer-Encoding: chun\x00ked\r\n"),
    (Length, "Transfer_Encoding: chunked\r\n"),
    (Nothing, "Transfer-Encoding:\r\n chunked\r\n"),
    (Nothing, "X: y\rTransfer-Encoding: chunked\r\n"),
    (Nothing, "\u{a0}Transfer-Encoding: chunked\r\n"),
    (Nothing, "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
];

/// What comes after the head: each hides a request in it.
const BODIES: [&str; 10] = [
    "0\r\n\r\nGET /smuggled-N HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "xxxxxGET /smuggled-N HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "5\r\nxxxxx\r\n0\r\n\r\nGET /smuggled-N HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "5;x=\"\r\n\"\r\nxxxxx\r\n0\r\n\r\nGET /smuggled-N HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "5 \r\nxxxxx\r\n0\r\nX: y\r\n\r\nGET /smuggled-N HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "0005\r\nxxxxx\r\n00\r\n\r\nGET /smuggled-N HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "5\nxxxxx\n0\n\nGET /smuggled-N HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "1_0\r\nxxxxx\r\n0\r\n\r\nGET /smuggled-N HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "\r\nGET /smuggled-N HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "fffffffffffffffb\r\nxxxxx0\r\n\r\nGET /smuggled-N HTTP/1.1\r\nHost: a.test\r\n\r\n",
];

/// How a request begins.
const STARTS: [&str; 14] = [
    "POST /N HTTP/1.1\r\nHost: a.test\r\n",
    "GET /N HTTP/1.1\r\nHost: a.test\r\n",
    "POST /N HTTP/1.0\r\nHost: a.test\r\n",
    "POST /N HTTP/1.1\r\nHost: a.test\r\nConnection: close, Content-Length\r\n",
    "POST /N HTTP/1.1\r\nHost: a.test\r\nConnection: Transfer-Encoding\r\n",
    "POST /N HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\n",
    "POST http://a.test/N HTTP/1.1\r\nHost: a.test\r\n",
    "POST /N HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
    "HEAD /N HTTP/1.1\r\nHost: a.test\r\n",
    "\r\n\r\nPOST /N HTTP/1.1\r\nHost: a.test\r\n",
    "POST /N?x=\u{7f} HTTP/1.1\r\nHost: a.test\r\n",
    "POST /N HTTP/1.1 \r\nHost: a.test\r\n",
    "POST /N  HTTP/1.1\r\nHost: a.test\r\n",
    "POST\t/N HTTP/1.1\r\nHost: a.test\r\n",
];

/// A body that ended too soon.
const CUT: &str = "cut";

/// Reads one request as the strictest of programs would, and says what is wrong with it otherwise.
fn read_strictly(bytes: &[u8]) -> Result<&[u8], String> {
    let wrong = |what: &str| Err(format!("{what}: {:?}", String::from_utf8_lossy(bytes)));
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return wrong("no head") };
    let Ok(head) = std::str::from_utf8(&bytes[..end]) else { return wrong("not text") };
    let mut lines = head.split("\r\n");
    let start: Vec<_> = lines.next().unwrap_or_default().split(' ').collect();
    let [method, path, "HTTP/1.1"] = start[..] else { return wrong("first line") };
    if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_alphabetic()) || !path.starts_with('/') {
        return wrong("first line");
    }
    let (mut length, mut is_chunked, mut names) = (None, false, HashSet::new());
    for line in lines {
        let Some((name, value)) = line.split_once(": ") else { return wrong("header") };
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        if !is_name || value.bytes().any(|byte| byte.is_ascii_control()) || !names.insert(name.to_owned()) {
            return wrong("header");
        }
        match name {
            "content-length" => length = Some(value.parse::<usize>().map_err(|_| format!("length {value:?}"))?),
            "transfer-encoding" if value == "chunked" => is_chunked = true,
            "host" if value == "a.test" => {}
            "host" | "transfer-encoding" | "te" | "trailer" | "expect" => return wrong(name),
            _ => {}
        }
    }
    let mut rest = &bytes[end + 4..];
    if length.is_some() && is_chunked || !names.contains("host") {
        return wrong("framing");
    }
    if let Some(length) = length {
        return rest.get(length..).ok_or_else(|| CUT.to_owned());
    }
    while is_chunked {
        let Some(line) = rest.windows(2).position(|two| two == b"\r\n") else { return Err(CUT.to_owned()) };
        let digits = std::str::from_utf8(&rest[..line]).unwrap_or("-");
        let Ok(size) = usize::from_str_radix(digits, 16) else { return wrong("chunk") };
        let Some(after) = rest.get(line + 2 + size..).filter(|after| after.len() >= 2) else {
            return Err(CUT.to_owned());
        };
        let Some(after) = after.strip_prefix(b"\r\n") else { return wrong("chunk") };
        (rest, is_chunked) = (after, size > 0);
    }
    Ok(rest)
}

/// An upstream that keeps everything that arrives, connection by connection, and answers as soon as it can.
async fn recorder() -> (std::net::SocketAddr, Arc<Mutex<Vec<Vec<u8>>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, kept) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<Vec<u8>>>>::default());
    let connections = Arc::clone(&kept);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let connections = Arc::clone(&connections);
            tokio::spawn(async move {
                let number = {
                    let mut connections = connections.lock().unwrap();
                    connections.push(Vec::new());
                    connections.len() - 1
                };
                let (mut piece, mut answered) = (vec![0; 4_096], 0);
                while let Ok(count @ 1..) = stream.read(&mut piece).await {
                    let whole = {
                        let mut connections = connections.lock().unwrap();
                        connections[number].extend_from_slice(&piece[..count]);
                        let (mut rest, mut whole) = (&connections[number][..], 0);
                        while let Ok(after) = read_strictly(rest) {
                            (rest, whole) = (after, whole + 1);
                        }
                        whole
                    };
                    for _ in answered..whole {
                        let _ = stream.write_all(ok("").as_bytes()).await;
                    }
                    answered = whole;
                }
            });
        }
    });
    (address, kept)
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn whatever_reaches_an_instance_can_be_read_in_one_way_only(db: PgPool) {
    let world = World::with(db, |settings| {
        settings.limits.tick = Duration::from_millis(5);
        // Nobody says more than it has said at once: whoever waits for more is not waited for.
        settings.limits.idle_ms = 60;
        settings.limits.slow_ms = 100;
        settings.limits.head_ms = 100;
    })
    .await;
    let (address, kept) = recorder().await;
    world.route("a.test", "serving", &[address]).await;
    world.knows("a.test").await;
    let mut meanings = Vec::new();
    let mut tricks = Vec::new();
    for start in STARTS {
        for (meaning, framing) in FRAMINGS {
            for body in BODIES {
                let name = meanings.len().to_string();
                meanings.push(meaning);
                let trick = format!("{start}{framing}\r\n{body}");
                tricks.push(trick.replace("/N", &format!("/{name}")).replace("-N", &format!("-{name}")));
            }
        }
    }
    assert!(tricks.len() > 5_000);
    let sending = tricks.iter().map(|trick| world.send(trick));
    futures_util::stream::iter(sending).buffer_unordered(100).for_each(|_| async {}).await;

    let mut arrived = HashSet::new();
    for connection in kept.lock().unwrap().iter() {
        let mut rest = &connection[..];
        while !rest.is_empty() {
            let (head, path) = path_of(rest);
            assert!(!head.is_empty(), "{:?}", String::from_utf8_lossy(rest));
            arrived.insert(path.to_owned());
            match read_strictly(rest) {
                Ok(after) => rest = after,
                // The visitor went in the middle of a body: nothing comes after it.
                Err(what) => {
                    assert!(what == CUT, "{what}");
                    break;
                }
            }
        }
    }
    let mut seen = [0; 3];
    for (number, meaning) in meanings.iter().enumerate() {
        let is_there = arrived.contains(&format!("/{number}"));
        let has_smuggled = arrived.contains(&format!("/smuggled-{number}"));
        assert!(!is_there || *meaning != Nothing, "{:?} arrived", tricks[number]);
        assert!(!has_smuggled || *meaning == Length, "{:?} arrived as two", tricks[number]);
        seen[*meaning as usize] += usize::from(is_there);
    }
    assert!(seen[0] > 300 && seen[1] > 100, "what is plain arrives: {seen:?}");
}

/// The head of a request, as far as it goes, and the path in it.
fn path_of(bytes: &[u8]) -> (&str, &str) {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(0);
    let head = std::str::from_utf8(&bytes[..end]).unwrap_or_default();
    (head, head.split(' ').nth(1).unwrap_or_default().split('?').next().unwrap_or_default())
}
