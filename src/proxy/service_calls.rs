//! Reads JSON-RPC calls as they stream by and stops those to Odoo's database service. Pure.
//!
//! Nothing is buffered: the piece that shows what a call is after is held back, so the upstream never has a whole
//! call to carry out. A later duplicate of a key counts as well, because Python obeys the last one.

/// Nobody nests deeper than this for a good reason.
const DEEPEST: usize = 512;

/// Longer strings are neither `params` nor `service` nor `db`.
const LONGEST_KEPT: usize = 64;

/// Follows one body.
#[derive(Debug, Default)]
pub struct Inspector {
    /// `true` for an object, `false` for an array, from the outside in.
    nesting: Vec<bool>,
    /// Whether the next string at each place is a key.
    expects_key: bool,
    string: Option<Text>,
    /// The last string that ended; a colon makes it a key.
    last: Vec<u8>,
    /// The keys on the way to here, of the two outer objects.
    keys: [Vec<u8>; 2],
    is_refused: bool,
}

#[derive(Debug, Default)]
struct Text {
    kept: Vec<u8>,
    /// What of an escape was read: nothing, the backslash, or `u` and so many digits.
    escape: Escape,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Escape {
    #[default]
    None,
    Backslash,
    Unicode(u8, u32),
}

impl Inspector {
    /// Looks at the next piece; `false` means that it must not be sent on.
    pub fn see(&mut self, piece: &[u8]) -> bool {
        for byte in piece {
            if self.is_refused {
                break;
            }
            self.byte(*byte);
        }
        !self.is_refused
    }

    fn byte(&mut self, byte: u8) {
        if let Some(text) = &mut self.string {
            if text.byte(byte) {
                let text = self.string.take().unwrap_or_default();
                self.string_ended(text.kept);
            }
            return;
        }
        match byte {
            b'"' => self.string = Some(Text::default()),
            b'{' | b'[' => self.open(byte == b'{'),
            b'}' | b']' => {
                // A bracket too many: not JSON, and not for us to guess at.
                self.is_refused |= self.nesting.pop().is_none();
                self.expects_key = false;
            }
            b':' => {
                if let depth @ 1..=2 = self.nesting.len() {
                    self.keys[depth - 1] = std::mem::take(&mut self.last);
                    if depth == 1 {
                        self.keys[1].clear();
                    }
                }
                self.expects_key = false;
            }
            b',' => self.expects_key = self.nesting.last().copied().unwrap_or_default(),
            b' ' | b'\t' | b'\r' | b'\n' => {}
            // A number, true, false or null.
            _ => self.other_value(),
        }
    }

    fn open(&mut self, is_object: bool) {
        match self.nesting.len() {
            // Lists of calls do not exist in Odoo, and `params` as a list of pairs would hide what it says.
            0 => self.is_refused |= !is_object,
            1 => self.is_refused |= self.keys[0] == b"params" && !is_object,
            2 => self.is_refused |= self.is_at_service(),
            DEEPEST.. => self.is_refused = true,
            _ => {}
        }
        self.nesting.push(is_object);
        self.expects_key = is_object;
    }

    fn string_ended(&mut self, text: Vec<u8>) {
        if self.expects_key {
            self.last = text;
        } else if self.nesting.len() == 1 {
            self.is_refused |= self.keys[0] == b"params";
        } else if self.is_at_service() {
            self.is_refused |= text.trim_ascii().eq_ignore_ascii_case(b"db");
        } else if self.nesting.is_empty() {
            self.is_refused = true;
        }
    }

    fn other_value(&mut self) {
        self.is_refused |= self.nesting.is_empty() || self.is_at_service();
    }

    fn is_at_service(&self) -> bool {
        self.nesting.len() == 2 && self.keys[0] == b"params" && self.keys[1] == b"service"
    }
}

impl Text {
    /// Takes one byte; returns whether the string ended.
    fn byte(&mut self, byte: u8) -> bool {
        match (self.escape, byte) {
            (Escape::None, b'"') => return true,
            (Escape::None, b'\\') => self.escape = Escape::Backslash,
            (Escape::None, _) => self.keep(byte),
            (Escape::Backslash, b'u') => self.escape = Escape::Unicode(0, 0),
            (Escape::Backslash, _) => {
                self.escape = Escape::None;
                self.keep(byte);
            }
            (Escape::Unicode(digits, code), _) => {
                let code = code * 16 + char::from(byte).to_digit(16).unwrap_or(0);
                self.escape = if digits == 3 {
                    // Only ASCII matters here; anything else only has to be something else.
                    self.keep(u8::try_from(code).unwrap_or(b'?'));
                    Escape::None
                } else {
                    Escape::Unicode(digits + 1, code)
                };
            }
        }
        false
    }

    fn keep(&mut self, byte: u8) {
        if self.kept.len() < LONGEST_KEPT {
            self.kept.push(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(body: &str) -> bool {
        let answers: Vec<_> = [1, 3, 4096]
            .into_iter()
            .map(|size| {
                let mut inspector = Inspector::default();
                body.as_bytes().chunks(size).all(|piece| inspector.see(piece))
            })
            .collect();
        assert!(answers.windows(2).all(|two| two[0] == two[1]), "{body}");
        answers[0]
    }

    #[test]
    fn a_call_to_the_database_service_is_stopped() {
        for body in [
            r#"{"jsonrpc":"2.0","method":"call","params":{"service":"db","method":"list","args":[]}}"#,
            r#"{"params":{"method":"list","args":[],"service":"db"}}"#,
            r#"{"params":{"service":"\u0064b"}}"#,
            r#"{"par\u0061ms":{"s\u0065rvice":"db"}}"#,
            r#"{"params":{"service":"common","service":"db"}}"#,
            r#"{"params":{"service":"common"},"params":{"service":"db"}}"#,
            r#"{"params":{"args":[{"service":"x"}],"service" : "db"}}"#,
            r#"{"params":[["service","db"]]}"#,
            r#"{"params":{"service":["db"]}}"#,
            r#"{"params":{"service":{"a":"db"}}}"#,
            r#"[{"params":{"service":"db"}}]"#,
            r#""x""#,
            r#"{"params":"x"}"#,
            r#"{"a":1}}{"params":{"service":"db"}}"#,
            "{\"params\":\t{\n\"service\"\r:\"DB \"}}",
        ] {
            assert!(!passes(body), "{body}");
        }
    }

    #[test]
    fn every_other_call_passes() {
        for body in [
            r#"{"jsonrpc":"2.0","id":1,"params":{"service":"object","method":"execute_kw","args":["x",2,"db","res.partner","read",[{"service":"db"}]]}}"#,
            r#"{"params":{"service":"common","method":"version","args":[]},"id":"service"}"#,
            r#"{"params":{"args":["{\"params\":{\"service\":\"db\"}}"],"service":"object"}}"#,
            r#"{"service":"db"}"#,
            "",
        ] {
            assert!(passes(body), "{body}");
        }
    }
}
