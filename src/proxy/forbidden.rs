//! Addresses of an instance that are never public: Odoo's database manager, and where certificate authorities look. Pure.
//!
//! One address has many spellings; all of them are brought to one form first. What cannot be told apart is refused.

/// Whether a path leads to the database manager or to the remote calls that do the same.
#[must_use]
pub fn is_forbidden(path: &str) -> bool {
    !is_harmless(path) && spellings(path).iter().any(|segments| leads_to_databases(segments))
}

/// Whether a path takes JSON-RPC calls that name their service in the body.
#[must_use]
pub fn takes_service_calls(path: &str) -> bool {
    !is_harmless(path)
        && spellings(path)
            .iter()
            .any(|segments| without_language(segments).any(|rest| rest.first().is_some_and(|first| first == "jsonrpc")))
}

/// Whether this is where certificate authorities look for a proof that a name is its holder's (RFC 8555, 8.3; Baseline
/// Requirements, 3.2.2.4.18). Whoever answers there gets a certificate for the name, which outlives their right to it.
#[must_use]
pub fn is_proof_for_authorities(path: &str) -> bool {
    !is_harmless(path)
        && spellings(path).iter().any(|segments| {
            without_language(segments).any(|rest| match rest {
                [known, place, ..] if known == ".well-known" => {
                    matches!(place.as_str(), "acme-challenge" | "pki-validation")
                }
                _ => false,
            })
        })
}

/// The quick way out for nearly every request: nothing is encoded, and none of the words is there.
fn is_harmless(path: &str) -> bool {
    let path = path.as_bytes();
    let begins =
        |at: usize, word: &[u8]| path.get(at..at + word.len()).is_some_and(|here| here.eq_ignore_ascii_case(word));
    let is_notable = |at: usize| match path[at] {
        b'd' | b'D' => begins(at, b"database"),
        b'r' | b'R' => begins(at, b"rpc"),
        b'.' => begins(at, b".well-known"),
        _ => true,
    };
    !(0..path.len()).any(|at| NOTABLE[usize::from(path[at])] && is_notable(at))
}

/// What a path that is looked at more closely has in it: something encoded, or the beginning of a word.
const NOTABLE: [bool; 256] = {
    let (mut notable, bytes, mut at) = ([false; 256], b"%\\;.dDrR", 0);
    while at < bytes.len() {
        notable[bytes[at] as usize] = true;
        at += 1;
    }
    notable
};

fn leads_to_databases(segments: &[String]) -> bool {
    without_language(segments).any(|rest| match rest {
        [web, database, ..] if web == "web" => database == "database",
        [xmlrpc, service] if xmlrpc == "xmlrpc" => service == "db",
        [xmlrpc, _, service] if xmlrpc == "xmlrpc" => service == "db",
        _ => false,
    })
}

/// The segments, and the segments after something that looks like a language (`fr`, `en_US`, `sr@latin`).
fn without_language(segments: &[String]) -> impl Iterator<Item = &[String]> {
    let rest = match segments {
        [first, rest @ ..] if looks_like_language(first) => Some(rest),
        _ => None,
    };
    std::iter::once(segments).chain(rest)
}

fn looks_like_language(segment: &str) -> bool {
    let letters = segment.bytes().take_while(u8::is_ascii_alphabetic).count();
    let rest = &segment[letters..];
    (2..=3).contains(&letters)
        && segment.len() <= 16
        && (rest.is_empty() || rest.starts_with(['_', '-', '@']))
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'@'))
}

/// The path's segments, decoded and in lower case: once with `..` followed, once with `..` left out.
fn spellings(path: &str) -> [Vec<String>; 2] {
    let mut decoded = path.as_bytes().to_vec();
    // Decoded again and again: who decodes once too often must not find another address than we did.
    for _ in 0..8 {
        let again = percent_decoded(&decoded);
        if again == decoded {
            break;
        }
        decoded = again;
    }
    let text = String::from_utf8_lossy(&decoded).to_lowercase().replace('\\', "/");
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let (mut followed, mut left_out) = (Vec::new(), Vec::new());
    for segment in text.split('/') {
        let segment: String =
            segment.split(';').next().unwrap_or_default().chars().filter(|c| !c.is_control()).collect();
        match segment.trim() {
            "" | "." => {}
            ".." => {
                followed.pop();
            }
            name => {
                followed.push(name.to_owned());
                left_out.push(name.to_owned());
            }
        }
    }
    [followed, left_out]
}

fn percent_decoded(bytes: &[u8]) -> Vec<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code =
            (bytes[at] == b'%').then(|| Some(digit(bytes.get(at + 1)?)? * 16 + digit(bytes.get(at + 2)?)?)).flatten();
        decoded.push(code.unwrap_or(bytes[at]));
        at += if code.is_some() { 3 } else { 1 };
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_manager_is_forbidden_in_every_spelling() {
        for path in [
            "/web/database/manager",
            "/web/database",
            "/web/database/",
            "/web/database/selector",
            "//web/database/manager",
            "/web//database/manager",
            "/web/./database/backup",
            "/WEB/Database/Manager",
            "/web/%64atabase/manager",
            "/web%2fdatabase/manager",
            "/web%2Fdatabase%2fmanager",
            "/web/%2564atabase/manager",
            "/%77%65%62/database/drop",
            "/web;x=1/database/manager",
            "/web/database;jsessionid=1/manager",
            "/fr/web/database/manager",
            "/en_US/web/database/manager",
            "/sr@latin/web/database/create",
            "/odoo/../web/database/manager",
            "/web/x/../database/manager",
            "/web/%2e%2e/web/database/manager",
            "/web/%2e/database/manager",
            "\\web\\database\\manager",
            "/web\\database",
            "/web/database%00/manager",
            "/web/database%20/manager",
            "/./web/database/restore",
            "/fr//web/./database/change_password",
            "/web/database/manager?x=1",
            "/web%09/database",
            "/xmlrpc/db",
            "/xmlrpc/2/db",
            "/xmlrpc/db/",
            "/XMLRPC/2/DB",
            "/xmlrpc/%64b",
            "/xmlrpc//2//db",
            "/fr/xmlrpc/2/db",
            "/xmlrpc/2/x/../db",
        ] {
            assert!(is_forbidden(path), "{path}");
        }
    }

    #[test]
    fn everything_else_stays_open() {
        for path in [
            "/",
            "/web",
            "/web/login",
            "/odoo/action-123",
            "/web/content/12/database.pdf",
            "/shop/database-tools",
            "/web/databases",
            "/xmlrpc/2/object",
            "/xmlrpc/2/common",
            "/xmlrpc/common",
            "/jsonrpc",
            "/blog/web/database",
            "/web/image/%20a;b",
            "/web/assets/1/web.js",
        ] {
            assert!(!is_forbidden(path), "{path}");
        }
        assert!(
            takes_service_calls("/jsonrpc")
                && takes_service_calls("/fr/jsonrpc/")
                && takes_service_calls("//%6asonrpc")
        );
        assert!(!takes_service_calls("/web/dataset/call_kw"));
    }

    #[test]
    fn where_authorities_look_nobody_else_answers_in_any_spelling() {
        for path in [
            "/.well-known/acme-challenge/token",
            "/.well-known/acme-challenge/",
            "/.well-known/acme-challenge",
            "/.WELL-KNOWN/Acme-Challenge/token",
            "//.well-known//acme-challenge/token",
            "/./.well-known/./acme-challenge/token",
            "/%2ewell-known/acme-challenge/token",
            "/%252ewell-known/acme%2dchallenge/token",
            "/.well%2Dknown%2facme-challenge%2ftoken",
            "/x/../.well-known/acme-challenge/token",
            "/.well-known/x/../acme-challenge/token",
            "/.well-known;a=b/acme-challenge;c/token",
            "\\.well-known\\acme-challenge\\token",
            "/.well-known%00/acme-challenge/token",
            "/fr/.well-known/acme-challenge/token",
            "/.well-known/pki-validation/fileauth.txt",
        ] {
            assert!(is_proof_for_authorities(path), "{path}");
        }
        for path in [
            "/",
            "/.well-known/change-password",
            "/.well-known/openid-configuration",
            "/blog/well-known/acme-challenge",
            "/web/assets/1/web.min.js",
            "/acme-challenge/token",
        ] {
            assert!(!is_proof_for_authorities(path), "{path}");
        }
    }
}
