//! A client of HTTP/2 that sends exactly what it is given, frame by frame.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::secure::{Secure, Stream};
use super::support::PATIENCE;

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PUSH_PROMISE: u8 = 5;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;
pub const END_STREAM: u8 = 1;
pub const ACK: u8 = 1;
pub const END_HEADERS: u8 = 4;
pub const PADDED: u8 = 8;

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub struct Frame {
    pub kind: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

/// A client that sends exactly what it is given.
pub struct Raw(pub Stream);

impl Raw {
    pub async fn open(secure: &Secure, name: &str, settings: &[(u16, u32)]) -> Self {
        let mut raw = Self(secure.connect(name, "h2").await);
        raw.0.write_all(PREFACE).await.unwrap();
        let payload: Vec<u8> = settings.iter().flat_map(|(id, value)| setting(*id, *value)).collect();
        assert!(raw.send(SETTINGS, 0, 0, &payload).await);
        raw
    }

    /// Whether the proxy still takes it.
    pub async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> bool {
        self.0.write_all(&frame(kind, flags, stream, payload)).await.is_ok() && self.0.flush().await.is_ok()
    }

    pub async fn frame(&mut self) -> Option<Frame> {
        let read = async {
            let mut head = [0; 9];
            self.0.read_exact(&mut head).await.ok()?;
            let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
            self.0.read_exact(&mut payload).await.ok()?;
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            Some(Frame { kind: head[3], stream, payload })
        };
        tokio::time::timeout(PATIENCE, read).await.expect("nothing came")
    }

    /// The first frame of this kind; `None` when the proxy closes before.
    pub async fn next(&mut self, kinds: &[u8]) -> Option<Frame> {
        loop {
            let frame = self.frame().await?;
            if kinds.contains(&frame.kind) {
                return Some(frame);
            }
        }
    }

    pub async fn reads_until_closed(&mut self) {
        while self.frame().await.is_some() {}
    }
}

/// A frame as it is sent.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// One setting, as it stands in a frame of them.
pub fn setting(id: u16, value: u32) -> Vec<u8> {
    [&id.to_be_bytes()[..], &value.to_be_bytes()].concat()
}

impl Frame {
    /// Whether it is the head of an answer with the status 200: `0x88` in the static table, after a new size of the
    /// dynamic one perhaps.
    pub fn is_ok(&self) -> bool {
        self.kind == HEADERS && self.payload.iter().find(|byte| **byte & 0xE0 != 0x20) == Some(&0x88)
    }
}

/// HPACK without any compression.
pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    fn text(text: &str) -> Vec<u8> {
        let mut out = match u8::try_from(text.len()) {
            Ok(length) if length < 127 => vec![length],
            _ => {
                let (mut out, mut left) = (vec![127], text.len() - 127);
                while left >= 128 {
                    out.push(u8::try_from(left % 128).unwrap() | 128);
                    left /= 128;
                }
                out.push(u8::try_from(left).unwrap());
                out
            }
        };
        out.extend_from_slice(text.as_bytes());
        out
    }
    fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

pub const GOOD: [(&str, &str); 4] =
    [(":method", "GET"), (":scheme", "https"), (":authority", "a.apps.test"), (":path", "/")];

pub fn good_and(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    [&GOOD[..], more].concat()
}

pub fn good_but(name: &str, value: &'static str) -> Vec<(&'static str, &'static str)> {
    GOOD.iter().map(|field| if field.0 == name { (field.0, value) } else { *field }).collect()
}

pub fn good_without(name: &str) -> Vec<(&'static str, &'static str)> {
    GOOD.into_iter().filter(|field| field.0 != name).collect()
}
