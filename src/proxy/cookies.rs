//! What becomes of tenants' cookies. Pure.
//!
//! Tenants are siblings below one domain, and a page of one may set cookies for all of them (`Domain=` by script, which no
//! proxy sees). A cookie whose name begins with `__Host-` a browser takes from its own host only, over HTTPS only, without
//! `Domain`: so Odoo's session goes by such a name between the browser and us, and by Odoo's own between us and Odoo.

use http::header::{self, HeaderMap, HeaderValue};

/// Odoo's session, as Odoo calls it.
const SESSION: &[u8] = b"session_id";

/// The same as browsers keep it.
const KEPT_SESSION: &[u8] = b"__Host-session_id";

/// Gives an instance the session that it set itself over HTTPS, and none that a sibling's page could have set. To be called
/// when there is one `Cookie` at most.
pub fn bring_session_home(headers: &mut HeaderMap) {
    let Some(said) = headers.get(header::COOKIE) else { return };
    if memchr::memmem::find(said.as_bytes(), SESSION).is_none() {
        return;
    }
    let mut kept: Vec<u8> = Vec::with_capacity(said.len());
    let mut has_session = false;
    for part in said.as_bytes().split(|byte| *byte == b';') {
        let (name, value) = part.split_at(part.iter().position(|byte| *byte == b'=').unwrap_or(part.len()));
        let is_session = without_spaces(name) == KEPT_SESSION;
        // A browser has one of them only.
        if looks_like(name, SESSION) || is_session && has_session || without_spaces(part).is_empty() {
            continue;
        }
        if !kept.is_empty() {
            kept.extend_from_slice(b"; ");
        }
        if is_session {
            has_session = true;
            kept.extend_from_slice(SESSION);
            kept.extend_from_slice(value);
        } else {
            kept.extend_from_slice(without_spaces(part));
        }
    }
    headers.remove(header::COOKIE);
    // Made of what stood in a header value.
    if !kept.is_empty()
        && let Ok(kept) = HeaderValue::from_bytes(&kept)
    {
        headers.insert(header::COOKIE, kept);
    }
}

/// What browsers take away from the ends of a name, and nothing else.
fn without_spaces(text: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = text.iter().position(|byte| !is_space(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !is_space(byte)).map_or(start, |last| last + 1);
    &text[start..end]
}

/// Whether somebody may read a name as this one: programs take away more than browsers do, such as spaces of other alphabets.
fn looks_like(name: &[u8], wanted: &[u8]) -> bool {
    let start = name.iter().position(u8::is_ascii_graphic).unwrap_or(name.len());
    let end = name.iter().rposition(u8::is_ascii_graphic).map_or(start, |last| last + 1);
    &name[start..end] == wanted
}

/// A cookie with `Domain` would be sent to other customers' instances too, and one without `Secure` in the clear.
pub fn keep_at_home(headers: &mut HeaderMap, is_secure: bool) {
    if !headers.contains_key(header::SET_COOKIE) {
        return;
    }
    let has = |value: &HeaderValue, attribute: &[u8]| {
        value.as_bytes().windows(attribute.len()).any(|word| word.eq_ignore_ascii_case(attribute))
    };
    let is_right = |value: &HeaderValue| !is_secure && !has(value, b"domain");
    if headers.get_all(header::SET_COOKIE).iter().all(is_right) {
        return;
    }
    let cookies: Vec<HeaderValue> =
        headers.get_all(header::SET_COOKIE).iter().filter_map(|cookie| at_home(cookie, is_secure)).collect();
    headers.remove(header::SET_COOKIE);
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
}

fn at_home(cookie: &HeaderValue, is_secure: bool) -> Option<HeaderValue> {
    let mut kept: Vec<u8> = Vec::with_capacity(cookie.len() + "__Host-; Path=/; Secure".len());
    let mut lacks_secure = is_secure;
    let mut is_session = false;
    for (place, part) in cookie.as_bytes().split(|byte| *byte == b';').enumerate() {
        let end = part.iter().position(|byte| *byte == b'=');
        let name = part[..end.unwrap_or(part.len())].trim_ascii();
        // The first part is the cookie itself, which may be called anything.
        if place == 0 {
            is_session = is_secure && end.is_some() && name == SESSION;
            if let Some(end) = end.filter(|_| is_session) {
                kept.extend_from_slice(KEPT_SESSION);
                kept.extend_from_slice(&part[end..]);
                continue;
            }
        } else if name.eq_ignore_ascii_case(b"domain") || is_session && name.eq_ignore_ascii_case(b"path") {
            continue;
        }
        if place > 0 {
            kept.push(b';');
            lacks_secure &= !name.eq_ignore_ascii_case(b"secure");
        }
        kept.extend_from_slice(part);
    }
    if is_session {
        kept.extend_from_slice(b"; Path=/");
    }
    if lacks_secure {
        kept.extend_from_slice(b"; Secure");
    }
    HeaderValue::from_bytes(&kept).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(cookie: &[u8]) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_bytes(cookie).unwrap());
        bring_session_home(&mut headers);
        headers.get(header::COOKIE).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    #[test]
    fn an_instance_reads_the_session_that_only_its_own_host_can_set() {
        for (cookie, expected) in [
            ("__Host-session_id=mine", Some("session_id=mine")),
            ("a=b; __Host-session_id=mine; c=d", Some("a=b; session_id=mine; c=d")),
            ("session_id=tossed; __Host-session_id=mine", Some("session_id=mine")),
            ("__Host-session_id=mine; session_id=tossed", Some("session_id=mine")),
            ("__Host-session_id=mine;session_id=tossed;", Some("session_id=mine")),
            ("__Host-session_id=mine; __Host-session_id=other", Some("session_id=mine")),
            ("session_id=tossed", None),
            ("\tsession_id =tossed;  session_id\t=tossed", None),
            ("session_id", None),
            ("a=b; session_id=tossed; frontend_lang=fr_FR", Some("a=b; frontend_lang=fr_FR")),
            // Python's strip() takes these away; a browser does not, and lets a sibling set them.
            ("\u{2000}session_id=tossed", None),
            ("\u{a0}session_id\u{3000}=tossed", None),
            ("\u{2000}__Host-session_id=tossed", Some("\u{2000}__Host-session_id=tossed")),
            // Other names, and values that only look like it.
            ("Session_id=x; xsession_id=y; a=session_id", Some("Session_id=x; xsession_id=y; a=session_id")),
            ("cids=1-2; tz=Europe/Paris", Some("cids=1-2; tz=Europe/Paris")),
        ] {
            assert_eq!(home(cookie.as_bytes()).as_deref(), expected, "{cookie:?}");
        }
    }

    #[test]
    fn browsers_keep_the_session_for_one_host_only() {
        let kept = |cookie: &'static str, is_secure| {
            at_home(&HeaderValue::from_static(cookie), is_secure).unwrap().to_str().unwrap().to_owned()
        };
        for (cookie, expected) in [
            ("session_id=x; HttpOnly; Path=/", "__Host-session_id=x; HttpOnly; Path=/; Secure"),
            (" session_id =x;Secure; path=/web; SameSite=Lax", "__Host-session_id=x;Secure; SameSite=Lax; Path=/"),
            (
                "session_id=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Domain=example.net; Path=/",
                "__Host-session_id=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; Secure",
            ),
            ("session_id", "session_id; Secure"),
            ("frontend_lang=fr_FR; Path=/", "frontend_lang=fr_FR; Path=/; Secure"),
        ] {
            assert_eq!(kept(cookie, true), expected, "{cookie}");
        }
        // In the clear no browser would take the other name.
        assert_eq!(kept("session_id=x; Path=/; Domain=a", false), "session_id=x; Path=/");
    }
}
