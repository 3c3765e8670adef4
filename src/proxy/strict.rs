//! A second opinion on where each request begins and ends. Pure: it is shown the bytes as they arrive.
//!
//! hyper repairs some ambiguous requests (`Content-Length` beside `Transfer-Encoding`, the same length twice, lines
//! that end without CR). Two programs that repair differently are how requests are smuggled, so anything ambiguous
//! is refused here instead.

/// No line of a head that hyper accepts is longer: it gives up at the same size.
const LONGEST_LINE: usize = 64 * 1024;

/// Follows the requests of one connection.
#[derive(Debug, Default)]
pub struct Scanner {
    state: State,
    /// The beginning of a line whose end has not arrived yet.
    partial: Vec<u8>,
    head: Head,
    verdict: Verdict,
}

/// What was seen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// Every request so far can be read in one way only.
    #[default]
    Plain,
    /// The last request has a chunked body; what follows it is not looked at, so the connection must end with it.
    LastRequest,
    /// A request can be read in more than one way.
    Ambiguous,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    RequestLine,
    Headers,
    /// So many bytes of a body are still to come.
    Body(u64),
    /// Nothing is looked at any more.
    Blind,
}

#[derive(Clone, Copy, Debug, Default)]
struct Head {
    length: Option<u64>,
    is_chunked: bool,
    hosts: u8,
}

impl Scanner {
    /// Returns what was seen so far.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Stops looking: the connection is a tunnel now.
    pub fn go_blind(&mut self) {
        self.state = State::Blind;
    }

    /// Looks at bytes that arrived.
    pub fn see(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.state {
                State::Blind => return,
                State::Body(left) => {
                    let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    bytes = &bytes[here..];
                    let left = left - here as u64;
                    self.state = if left == 0 { State::RequestLine } else { State::Body(left) };
                }
                State::RequestLine | State::Headers => {
                    let Some(end) = memchr::memchr(b'\n', bytes) else {
                        self.partial.extend_from_slice(bytes);
                        if self.partial.len() > LONGEST_LINE {
                            self.refuse();
                        }
                        return;
                    };
                    let (line, rest) = bytes.split_at(end + 1);
                    bytes = rest;
                    if self.partial.is_empty() {
                        self.line(line);
                    } else {
                        let mut whole = std::mem::take(&mut self.partial);
                        whole.extend_from_slice(line);
                        self.line(&whole);
                        whole.clear();
                        self.partial = whole;
                    }
                }
            }
        }
    }

    fn refuse(&mut self) {
        self.verdict = Verdict::Ambiguous;
        self.state = State::Blind;
    }

    fn line(&mut self, line: &[u8]) {
        let Some(line) = line.strip_suffix(b"\r\n") else { return self.refuse() };
        match self.state {
            // Empty lines before a request are allowed (RFC 9112, 2.2).
            State::RequestLine if line.is_empty() => {}
            State::RequestLine => {
                self.head = Head::default();
                self.state = State::Headers;
            }
            _ if line.is_empty() => self.end_of_head(),
            _ => self.header(line),
        }
    }

    fn header(&mut self, line: &[u8]) {
        // A line that begins with a space continues the one before it: nobody agrees on how.
        if line[0] == b' ' || line[0] == b'\t' {
            return self.refuse();
        }
        if !matches!(line[0].to_ascii_lowercase(), b'c' | b't' | b'h') {
            return;
        }
        let Some(colon) = memchr::memchr(b':', line) else { return self.refuse() };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            match number(value) {
                Some(length) if self.head.length.is_none() => self.head.length = Some(length),
                _ => self.refuse(),
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.head.is_chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return self.refuse();
            }
            self.head.is_chunked = true;
        } else if name.eq_ignore_ascii_case(b"host") {
            self.head.hosts += 1;
            if self.head.hosts > 1 {
                self.refuse();
            }
        } else if name.trim_ascii_end().len() != name.len() {
            self.refuse();
        }
    }

    fn end_of_head(&mut self) {
        match (self.head.is_chunked, self.head.length) {
            (true, Some(_)) => self.refuse(),
            (true, None) => {
                self.verdict = Verdict::LastRequest;
                self.state = State::Blind;
            }
            (false, None | Some(0)) => self.state = State::RequestLine,
            (false, Some(length)) => self.state = State::Body(length),
        }
    }
}

/// Reads a length: digits and nothing else, no sign, no list, no space.
#[must_use]
pub fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 18 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows the bytes in pieces of every size, which must never matter.
    fn verdict(text: &str) -> Verdict {
        let verdicts: Vec<_> = [1, 2, 3, 7, 4096]
            .into_iter()
            .map(|size| {
                let mut scanner = Scanner::default();
                text.as_bytes().chunks(size).for_each(|piece| scanner.see(piece));
                scanner.verdict()
            })
            .collect();
        assert!(verdicts.windows(2).all(|two| two[0] == two[1]), "{text:?}: {verdicts:?}");
        verdicts[0]
    }

    #[test]
    fn plain_requests_are_plain_one_after_the_other() {
        for text in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\nGET / HTTP/1.1\r\nHost: a\r\nCookie: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n\n: GET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nhost:a\r\ncontent-length:\t0 \r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n",
        ] {
            assert_eq!(verdict(text), Verdict::Plain, "{text:?}");
        }
        assert_eq!(
            verdict("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n"),
            Verdict::LastRequest
        );
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_ambiguous() {
        for lines in [
            "Content-Length: 3\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 3",
            "Content-Length: 3\r\nContent-Length: 3",
            "Content-Length: 3\r\nContent-Length: 4",
            "Content-Length: 3, 3",
            "Content-Length: +3",
            "Content-Length: -0",
            "Content-Length: 0x3",
            "Content-Length: 3 3",
            "Content-Length:",
            "Content-Length: 9999999999999999999999",
            "Content-Length : 3",
            "Transfer-Encoding: identity",
            "Transfer-Encoding: chunked, identity",
            "Transfer-Encoding: gzip, chunked",
            "Transfer-Encoding: xchunked",
            "Transfer-Encoding : chunked",
            "Transfer-Encoding:\u{b}chunked",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: \"chunked\"",
            "Cookie: a\r\n Transfer-Encoding: chunked",
            "Cookie: a\r\n\tb",
            "Cookie: a\nContent-Length: 3",
            "Host: b",
            "Host : b",
        ] {
            assert_eq!(
                verdict(&format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\nabc")),
                Verdict::Ambiguous,
                "{lines:?}"
            );
        }
    }
}
