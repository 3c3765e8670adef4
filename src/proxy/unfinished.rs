//! Whether a visitor is in the middle of a head, in HTTP/2: nothing else can come before its end. Pure.

/// What the visitor begins with.
const PREFACE: usize = 24;

const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// Follows the frames of one connection.
#[derive(Debug)]
pub struct Unfinished {
    /// What is still to be passed over: the preface, or the rest of a frame.
    left: usize,
    /// The nine bytes before a frame, as far as they came.
    before: [u8; 9],
    count: usize,
    /// Whether the frame under way is a part of a head.
    is_head: bool,
    /// Whether it is not the last one.
    goes_on: bool,
}

impl Default for Unfinished {
    fn default() -> Self {
        Self { left: PREFACE, before: [0; 9], count: 0, is_head: false, goes_on: false }
    }
}

impl Unfinished {
    /// Looks at bytes that arrived; returns whether they end in the middle of a head.
    pub fn see(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            if self.left > 0 {
                let here = self.left.min(bytes.len());
                bytes = &bytes[here..];
                self.left -= here;
                continue;
            }
            let here = (self.before.len() - self.count).min(bytes.len());
            self.before[self.count..self.count + here].copy_from_slice(&bytes[..here]);
            self.count += here;
            bytes = &bytes[here..];
            if self.count == self.before.len() {
                self.count = 0;
                let [one, two, three, kind, flags, ..] = self.before;
                self.left = u32::from_be_bytes([0, one, two, three]) as usize;
                self.is_head = matches!(kind, HEADERS | CONTINUATION);
                if self.is_head {
                    self.goes_on = flags & END_HEADERS == 0;
                }
            }
        }
        self.goes_on || self.is_head && self.left > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        [&[0, 0, u8::try_from(payload.len()).unwrap(), kind, flags, 0, 0, 0, 1][..], payload].concat()
    }

    #[test]
    fn a_head_is_unfinished_from_its_first_frame_to_the_end_of_its_last() {
        let mut unfinished = Unfinished::default();
        let mut is_after = |bytes: &[u8]| bytes.iter().fold(false, |_, byte| unfinished.see(&[*byte]));
        assert!(!is_after(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
        assert!(!is_after(&frame(4, 0, b"settin")) && !is_after(&frame(0, 0, b"\0\0\0\x01\0")));
        let whole = frame(HEADERS, END_HEADERS, b"head");
        assert!(is_after(&whole[..12]) && !is_after(&whole[12..]));
        assert!(is_after(&frame(HEADERS, 0, b"head")) && is_after(&frame(CONTINUATION, 0, b"more")));
        assert!(!is_after(&frame(CONTINUATION, END_HEADERS, b"more")));
        assert!(!is_after(&frame(HEADERS, END_HEADERS, b"")) && !is_after(&frame(0, 0, b"body")));
    }
}
