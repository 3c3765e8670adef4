//! A message that changes a zone (RFC 2136), signed with a key that both sides know (RFC 8945). Pure.

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const TYPE_SOA: u16 = 6;
const TYPE_TXT: u16 = 16;
const TYPE_TSIG: u16 = 250;
const CLASS_IN: u16 = 1;
const CLASS_ANY: u16 = 255;
const OPCODE_UPDATE: u16 = 5 << 11;

/// How far the two clocks may be apart, in seconds: what everybody uses.
const FUDGE: u16 = 300;

/// The one algorithm that every server has and nobody doubts.
const ALGORITHM: &str = "hmac-sha256";

/// How long a text may be kept by others, in seconds.
const LASTS: u32 = 60;

/// A key that the name server knows as well.
#[derive(Clone)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub secret: Vec<u8>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.name)
    }
}

/// A name that cannot stand in a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no name for a message")]
pub struct BadName(String);

/// Writes the message that leaves a name with exactly these texts, or with none.
pub fn message(
    id: u16,
    zone: &str,
    name: &str,
    texts: &[String],
    key: &Key,
    now: DateTime<Utc>,
) -> Result<Vec<u8>, BadName> {
    let mut message = Vec::new();
    let records = u16::try_from(texts.len() + 1).unwrap_or(u16::MAX);
    for number in [id, OPCODE_UPDATE, 1, 0, records, 0] {
        message.extend_from_slice(&number.to_be_bytes());
    }
    put_name(&mut message, zone)?;
    put(&mut message, &[TYPE_SOA, CLASS_IN]);
    // Whatever there was goes.
    put_name(&mut message, name)?;
    put(&mut message, &[TYPE_TXT, CLASS_ANY]);
    message.extend_from_slice(&[0; 6]);
    for text in texts {
        put_name(&mut message, name)?;
        put(&mut message, &[TYPE_TXT, CLASS_IN]);
        message.extend_from_slice(&LASTS.to_be_bytes());
        let mut data = Vec::new();
        for piece in text.as_bytes().chunks(255) {
            data.push(u8::try_from(piece.len()).unwrap_or(u8::MAX));
            data.extend_from_slice(piece);
        }
        put(&mut message, &[u16::try_from(data.len()).map_err(|_| BadName(text.clone()))?]);
        message.extend_from_slice(&data);
    }
    sign(message, id, key, now)
}

/// Adds the signature. It is over the message as it is without it, and over what the signature says about itself.
fn sign(mut message: Vec<u8>, id: u16, key: &Key, now: DateTime<Utc>) -> Result<Vec<u8>, BadName> {
    let (mut name, mut algorithm) = (Vec::new(), Vec::new());
    put_name(&mut name, &key.name)?;
    put_name(&mut algorithm, ALGORITHM)?;
    let time = u64::try_from(now.timestamp()).unwrap_or(0).to_be_bytes();
    let time = &time[2..];

    let mut mac = Hmac::<Sha256>::new_from_slice(&key.secret).expect("HMAC takes keys of every length");
    mac.update(&message);
    mac.update(&name);
    mac.update(&CLASS_ANY.to_be_bytes());
    mac.update(&0_u32.to_be_bytes());
    mac.update(&algorithm);
    mac.update(time);
    mac.update(&FUDGE.to_be_bytes());
    // No error, and nothing more about it.
    mac.update(&[0; 4]);
    let code = mac.finalize().into_bytes();

    let mut data = algorithm;
    data.extend_from_slice(time);
    put(&mut data, &[FUDGE, u16::try_from(code.len()).unwrap_or(u16::MAX)]);
    data.extend_from_slice(&code);
    put(&mut data, &[id, 0, 0]);

    message[10..12].copy_from_slice(&1_u16.to_be_bytes());
    message.extend_from_slice(&name);
    put(&mut message, &[TYPE_TSIG, CLASS_ANY, 0, 0, u16::try_from(data.len()).unwrap_or(u16::MAX)]);
    message.extend_from_slice(&data);
    Ok(message)
}

fn put(message: &mut Vec<u8>, numbers: &[u16]) {
    for number in numbers {
        message.extend_from_slice(&number.to_be_bytes());
    }
}

/// Writes a name label by label, in lower case, never shortened: signatures want it so.
fn put_name(message: &mut Vec<u8>, name: &str) -> Result<(), BadName> {
    let bad = || BadName(name.to_owned());
    let start = message.len();
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length)).ok_or_else(bad)?;
        message.push(length);
        message.extend(label.bytes().map(|byte| byte.to_ascii_lowercase()));
    }
    message.push(0);
    if message.len() - start > 255 { Err(bad()) } else { Ok(()) }
}

/// What a name server says to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// It is done.
    Done,
    /// It is not, and why: the code of RFC 2136 or 8945.
    Refused(&'static str),
    /// It is no answer to the message.
    Nonsense,
}

/// Reads the head of an answer.
#[must_use]
pub fn read(answer: &[u8], id: u16) -> Said {
    let Some(head) = answer.first_chunk::<12>() else { return Said::Nonsense };
    let is_answer = head[2] & 0x80 != 0 && (head[2] >> 3) & 0x0F == 5;
    if u16::from_be_bytes([head[0], head[1]]) != id || !is_answer {
        return Said::Nonsense;
    }
    match head[3] & 0x0F {
        0 => Said::Done,
        1 => Said::Refused("FORMERR: it does not understand the message"),
        2 => Said::Refused("SERVFAIL: it failed"),
        4 => Said::Refused("NOTIMP: it does not take changes"),
        5 => Said::Refused("REFUSED: the key may not change this name"),
        9 => Said::Refused("NOTAUTH: it does not know the key or the zone, or the clocks differ"),
        10 => Said::Refused("NOTZONE: the name is not in the zone"),
        _ => Said::Refused("a code that has no place here"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key { name: "Sayoo.".to_owned(), secret: vec![1; 32] }
    }

    #[test]
    fn a_message_says_the_zone_then_what_goes_then_what_comes_and_who_says_so() {
        let texts = ["one".to_owned(), "x".repeat(300)];
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let message = message(7, "example.net", "_acme-challenge.Example.net", &texts, &key(), now).unwrap();
        assert_eq!(message[..12], [0, 7, 0x28, 0, 0, 1, 0, 0, 0, 3, 0, 1]);
        assert_eq!(&message[12..29], b"\x07example\x03net\0\0\x06\0\x01");
        let name = b"\x0f_acme-challenge\x07example\x03net\0";
        assert_eq!(&message[29..29 + name.len()], name);
        let rest = &message[29 + name.len()..];
        assert_eq!(rest[..10], [0, 16, 0, 255, 0, 0, 0, 0, 0, 0]);
        let first = &rest[10 + name.len()..];
        assert_eq!(&first[..14], b"\0\x10\0\x01\0\0\0\x3c\0\x04\x03one");
        let second = &first[14 + name.len()..];
        assert_eq!(second[..11], [0, 16, 0, 1, 0, 0, 0, 60, 1, 46, 255]);
        let signature = &second[10 + 302..];
        assert_eq!(&signature[..17], b"\x05sayoo\0\0\xfa\0\xff\0\0\0\0\0\x3d");
        assert_eq!(signature.len(), 17 + 61);
        assert_eq!(signature[17 + 13..][..6], 1_800_000_000_u64.to_be_bytes()[2..]);
    }

    #[test]
    fn names_that_cannot_be_written_are_refused() {
        let write = |name: &str| message(1, "a.net", name, &[], &key(), DateTime::UNIX_EPOCH);
        assert!(write("a.net").is_ok());
        for name in ["", "a..net", &"a".repeat(64), &"abcdefghi.".repeat(26)] {
            assert!(write(name).is_err(), "{name}");
        }
    }

    #[test]
    fn only_an_answer_to_the_message_is_read() {
        let answer = |flags: u8, code: u8| [0, 7, flags, code, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(read(&answer(0xA8, 0), 7), Said::Done);
        assert!(matches!(read(&answer(0xA8, 9), 7), Said::Refused(_)));
        assert_eq!(read(&answer(0xA8, 0), 8), Said::Nonsense);
        assert_eq!(read(&answer(0x28, 0), 7), Said::Nonsense);
        assert_eq!(read(&answer(0x80, 0), 7), Said::Nonsense);
        assert_eq!(read(&[0, 7], 7), Said::Nonsense);
    }
}
