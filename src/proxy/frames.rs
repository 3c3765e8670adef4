//! Where the frames of a websocket begin and end (RFC 6455, 5.2), so that something can be said between two of them.
//! Pure: it is shown the bytes as they pass, and looks no further than at lengths.

/// The kind of the frame that ends a websocket.
const CLOSE: u8 = 8;

/// Its whole head says so, and that two bytes follow: the reason.
const CLOSE_HEAD: [u8; 2] = [0x80 | CLOSE, 2];

/// Why a websocket ends, as browsers are told (RFC 6455, 7.4.1, and the register that it begins).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Reason {
    /// It is not served any more.
    GoingAway = 1001,
    /// It is served elsewhere, or will be again: come back.
    Restart = 1012,
}

impl Reason {
    /// Reads the number that it is.
    #[must_use]
    pub fn of(number: u16) -> Self {
        if number == Self::GoingAway as u16 { Self::GoingAway } else { Self::Restart }
    }

    /// Returns the frame with which a server says so.
    #[must_use]
    pub fn frame(self) -> [u8; 4] {
        let [high, low] = (self as u16).to_be_bytes();
        [CLOSE_HEAD[0], CLOSE_HEAD[1], high, low]
    }
}

/// Follows the frames of one direction.
#[derive(Debug, Default)]
pub struct Frames {
    /// How many bytes of the frame's head were seen.
    head: u8,
    /// How many there are, as far as is known: the second byte says it.
    is_masked: bool,
    length_bytes: u8,
    /// What is still to come of its payload.
    payload: u64,
    has_closed: bool,
}

impl Frames {
    /// Whether nothing of a frame was seen without its end.
    #[must_use]
    pub fn is_between(&self) -> bool {
        self.head == 0
    }

    /// Whether this side has said its goodbye.
    #[must_use]
    pub fn has_closed(&self) -> bool {
        self.has_closed
    }

    /// Looks at bytes that pass.
    pub fn see(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let seen = self.see_one(bytes);
            bytes = &bytes[seen..];
        }
    }

    /// Looks at bytes until the frame ends, and returns how many these are: all where it does not end here.
    pub fn see_one(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        while self.head < 2 + self.length_bytes + if self.is_masked { 4 } else { 0 } {
            let Some((byte, after)) = rest.split_first() else { return bytes.len() };
            self.see_head(*byte);
            rest = after;
        }
        let here = usize::try_from(self.payload).unwrap_or(usize::MAX).min(rest.len());
        self.payload -= here as u64;
        if self.payload == 0 {
            *self = Self { has_closed: self.has_closed, ..Self::default() };
        }
        bytes.len() - rest.len() + here
    }

    fn see_head(&mut self, byte: u8) {
        match self.head {
            0 => self.has_closed |= byte & 0x0F == CLOSE,
            1 => {
                self.is_masked = byte & 0x80 != 0;
                (self.length_bytes, self.payload) = match byte & 0x7F {
                    126 => (2, 0),
                    127 => (8, 0),
                    length => (0, length.into()),
                };
            }
            at if at < 2 + self.length_bytes => self.payload = self.payload << 8 | u64::from(byte),
            // The mask.
            _ => {}
        }
        self.head += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(first: u8, length: usize, is_masked: bool) -> Vec<u8> {
        let mask = if is_masked { 0x80 } else { 0 };
        let mut out = vec![first];
        match u16::try_from(length) {
            Ok(short) if short < 126 => out.push(mask | u8::try_from(short).unwrap()),
            Ok(short) => out.extend([&[mask | 0x7E][..], &short.to_be_bytes()].concat()),
            Err(_) => out.extend([&[mask | 0x7F][..], &(length as u64).to_be_bytes()].concat()),
        }
        if is_masked {
            out.extend([0x88; 4]);
        }
        // Looks like the head of a close frame wherever it is looked at.
        out.resize(out.len() + length, 0x88);
        out
    }

    #[test]
    fn a_frame_ends_where_its_length_says_however_it_is_cut() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
            for is_masked in [false, true] {
                let one = frame(0x82, length, is_masked);
                let two = [one.clone(), one.clone()].concat();
                for size in [1, 2, 3, 7, 4_096, two.len()] {
                    let mut frames = Frames::default();
                    let (mut seen, mut borders) = (0, vec![]);
                    for piece in two.chunks(size) {
                        let mut piece = piece;
                        while !piece.is_empty() {
                            let here = frames.see_one(piece);
                            (seen, piece) = (seen + here, &piece[here..]);
                            if frames.is_between() {
                                borders.push(seen);
                            }
                        }
                    }
                    assert_eq!(borders, [one.len(), two.len()], "{length} {is_masked} {size}");
                    assert!(!frames.has_closed());
                }
            }
        }
    }

    #[test]
    fn pieces_of_a_message_are_frames_and_so_are_pings_between_them() {
        let mut frames = Frames::default();
        for first in [0x01, 0x89, 0x00, 0x8A, 0x80] {
            assert!(frames.is_between());
            let bytes = frame(first, 5, false);
            frames.see(&bytes[..4]);
            assert!(!frames.is_between());
            frames.see(&bytes[4..]);
        }
        assert!(frames.is_between() && !frames.has_closed());
    }

    #[test]
    fn a_goodbye_is_noticed_and_ours_is_one() {
        let mut frames = Frames::default();
        frames.see(&Reason::Restart.frame());
        assert!(frames.is_between() && frames.has_closed());
        assert_eq!(Reason::Restart.frame(), [0x88, 2, 0x03, 0xF4]);
        assert_eq!(Reason::GoingAway.frame(), [0x88, 2, 0x03, 0xE9]);
    }

    #[test]
    fn nonsense_is_never_at_an_end_and_does_no_harm() {
        let mut frames = Frames::default();
        frames.see(&[0xFF; 10_000]);
        assert!(!frames.is_between());
    }
}
