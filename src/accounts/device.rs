//! Devices that somebody logged in on before: a signed cookie says so. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::throttle::Key;
use crate::base::ids::UserId;

/// How many people can share a browser without being strangers to it.
const KEPT: usize = 4;

/// Returns the part of the cookie that is this person's, when there is one: it names the device.
#[must_use]
pub fn known(key: &Key, cookie: &str, user: UserId) -> Option<String> {
    cookie.split('.').take(KEPT).find(|part| is_of(key, part, user)).map(str::to_owned)
}

/// Returns the cookie after this person logged in: others stay known, the oldest is forgotten.
#[must_use]
pub fn remember(key: &Key, cookie: &str, user: UserId) -> String {
    let mine = known(key, cookie, user).unwrap_or_else(|| new_part(key, user));
    let others = cookie.split('.').filter(|part| *part != mine && part.len() == mine.len()).take(KEPT - 1);
    std::iter::once(mine.as_str()).chain(others).collect::<Vec<_>>().join(".")
}

fn new_part(key: &Key, user: UserId) -> String {
    let id: [u8; 16] = rand::random();
    let code = key.code("device", &[user.uuid().as_bytes(), &id]);
    URL_SAFE_NO_PAD.encode([id.as_slice(), &code[..16]].concat())
}

fn is_of(key: &Key, part: &str, user: UserId) -> bool {
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(part) else { return false };
    let Some((id, code)) = bytes.split_first_chunk::<16>() else { return false };
    let expected = key.code("device", &[user.uuid().as_bytes(), id]);
    subtle::ConstantTimeEq::ct_eq(&expected[..16], code).into()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn a_device_knows_the_last_four_people() {
        let key = Key::new([1; 32]);
        let people: Vec<UserId> = (0..5).map(|_| UserId::new(DateTime::UNIX_EPOCH)).collect();
        let cookie = people.iter().fold(String::new(), |cookie, user| remember(&key, &cookie, *user));
        assert!(known(&key, &cookie, people[0]).is_none());
        assert!(people[1..].iter().all(|user| known(&key, &cookie, *user).is_some()));
        assert_eq!(known(&key, &remember(&key, &cookie, people[2]), people[2]), known(&key, &cookie, people[2]));
        assert!(known(&Key::new([2; 32]), &cookie, people[4]).is_none());
        assert!(known(&key, "....x", people[4]).is_none());
    }
}
