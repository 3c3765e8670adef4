//! Heads that announce an answer without being one (1xx): how many of them an upstream sends. Pure.
//!
//! hyper reads over them for as long as they come, which is work for a thread that serves others too.

/// Some servers say that they still work every few seconds, for a quarter of an hour at most.
const MOST_HEADS: u32 = 256;

/// All of them together.
const MOST_BYTES: usize = 64 * 1024;

/// `HTTP/1.1 103`: what tells them from an answer.
const BEGINNING: usize = 12;

/// Follows the answers of one connection.
#[derive(Debug, Default)]
pub struct Interim {
    state: State,
    heads: u32,
    bytes: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Whatever comes belongs to an answer.
    #[default]
    Blind,
    /// Whatever comes is no HTTP any more.
    Switched,
    /// A head may begin here. So many of its first bytes were seen.
    Beginning([u8; BEGINNING], usize),
    /// Within such a head; whether the line has anything in it.
    Head { is_line_empty: bool },
}

impl Interim {
    /// A request is sent: an answer comes next.
    pub fn is_asked(&mut self) {
        if self.state == State::Blind {
            self.state = State::Beginning([0; BEGINNING], 0);
        }
    }

    /// Whether what is said here is no HTTP any more.
    #[must_use]
    pub fn has_switched(&self) -> bool {
        self.state == State::Switched
    }

    /// Looks at bytes that arrived. False when there were too many such heads.
    pub fn see(&mut self, bytes: &[u8]) -> bool {
        if matches!(self.state, State::Blind | State::Switched) {
            return true;
        }
        // What nearly every answer looks like.
        if matches!(self.state, State::Beginning(_, 0)) && self.bytes == 0 && is_answer(bytes) {
            self.state = State::Blind;
            return true;
        }
        for byte in bytes {
            self.bytes += 1;
            self.state = match self.state {
                State::Blind | State::Switched => break,
                // Empty lines before a head are read over too.
                State::Beginning(_, 0) if matches!(byte, b'\r' | b'\n') => self.state,
                State::Beginning(mut seen, count) => {
                    seen[count] = *byte;
                    if count + 1 < BEGINNING {
                        State::Beginning(seen, count + 1)
                    } else if !seen.starts_with(b"HTTP/1.") || seen[9] != b'1' {
                        State::Blind
                    } else if seen.ends_with(b"101") {
                        State::Switched
                    } else {
                        self.heads += 1;
                        State::Head { is_line_empty: false }
                    }
                }
                State::Head { is_line_empty: true } if *byte == b'\n' => State::Beginning([0; BEGINNING], 0),
                State::Head { .. } if *byte == b'\n' => State::Head { is_line_empty: true },
                State::Head { is_line_empty } => State::Head { is_line_empty: is_line_empty && *byte == b'\r' },
            };
        }
        if self.state == State::Blind {
            (self.heads, self.bytes) = (0, 0);
        }
        self.heads <= MOST_HEADS && self.bytes <= MOST_BYTES
    }
}

/// Whether these bytes begin with the whole beginning of an answer that is one.
fn is_answer(bytes: &[u8]) -> bool {
    bytes.len() >= BEGINNING && bytes.starts_with(b"HTTP/1.1 ") && bytes[9] != b'1'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a connection may go on after its upstream sent this, in pieces of every size.
    fn is_borne(text: &str) -> bool {
        let outcomes: Vec<_> = [1, 5, 12, 4096]
            .into_iter()
            .map(|size| {
                let mut interim = Interim::default();
                interim.is_asked();
                text.as_bytes().chunks(size).all(|piece| interim.see(piece))
            })
            .collect();
        assert!(outcomes.windows(2).all(|two| two[0] == two[1]), "{outcomes:?}");
        outcomes[0]
    }

    #[test]
    fn a_few_are_borne_and_answers_may_be_as_long_as_they_like() {
        let hint = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
        let large = "x".repeat(100_000);
        assert!(is_borne(&hint.repeat(20)));
        assert!(is_borne(&format!("{}HTTP/1.1 200 OK\r\n\r\n{}", hint.repeat(20), hint.repeat(2_000))));
        assert!(is_borne(&format!("HTTP/1.1 101 Switching Protocols\r\n\r\n{}", hint.repeat(2_000))));
        assert!(is_borne(&large), "hyper knows what to do with nonsense");
        assert!(!is_borne(&hint.repeat(300)));
        assert!(!is_borne(&"HTTP/1.1 100 Continue\n\n".repeat(300)));
        assert!(!is_borne(&format!("HTTP/1.0 199 x\r\nx: {large}")));
        assert!(!is_borne(&"\r\n".repeat(40_000)));
    }

    #[test]
    fn each_answer_of_a_connection_may_have_a_few() {
        let mut interim = Interim::default();
        for _ in 0..300 {
            interim.is_asked();
            assert!(interim.see(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"));
        }
    }
}
