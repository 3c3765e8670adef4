//! Key files: they exist, hold a key, and nobody else reads them.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Finding;
use crate::base::chain;
use crate::base::seal::read_hex_key;
use crate::config::Config;

/// Looks at every key file.
pub fn examine(config: &Config) -> Vec<Finding> {
    let mut keys = vec![
        ("key of the worker", &config.worker.sealing_key_file),
        ("key of cookies", &config.web.cookie_key_file),
        ("key of logins to Odoo", &config.web.sso_key_file),
    ];
    if let Some(file) = config.tls.as_ref().and_then(|tls| tls.sealing_key_file.as_ref()) {
        keys.push(("key of certificates", file));
    }
    let of_books = config.books.values().map(|books| words("key of our books", &books.api_key_file));
    keys.into_iter().map(|(what, path)| key(what, path)).chain(of_books).collect()
}

/// A key that somebody else made, in whatever letters.
fn words(what: &'static str, path: &Path) -> Finding {
    match std::fs::read_to_string(path) {
        Ok(text) if !text.trim().is_empty() => private(what, path),
        Ok(_) => Finding::bad(what, format!("{} is empty", path.display()), "make a key in Odoo (docs/books.md)"),
        Err(error) => {
            Finding::bad(what, format!("{}: {error}", path.display()), "put a key of Odoo there (docs/books.md)")
        }
    }
}

fn key(what: &'static str, path: &Path) -> Finding {
    if let Err(error) = read_hex_key(path) {
        let remedy = "make it once, with 64 bytes: openssl rand -hex 64 > FILE (or run bin/up); keep a copy elsewhere";
        return Finding::bad(what, chain::of_any(&error), remedy);
    }
    private(what, path)
}

/// Nobody else may read it.
fn private(what: &'static str, path: &Path) -> Finding {
    let mode = std::fs::metadata(path).map_or(0, |about| about.permissions().mode() & 0o777);
    if mode & 0o077 != 0 {
        let matter = format!("{} can be read by others (mode {mode:o})", path.display());
        return Finding::bad(what, matter, format!("chmod 600 {}", path.display()));
    }
    Finding::good(what, path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_others_can_read_is_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.key");
        assert!(key("k", &path).is_bad(), "it does not exist");
        std::fs::write(&path, "ab".repeat(32)).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(key("k", &path).is_bad(), "others can read it");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(!key("k", &path).is_bad());
    }

    #[test]
    fn a_key_of_another_program_is_any_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.key");
        assert!(words("k", &path).is_bad(), "it does not exist");
        for (text, is_bad) in [("\n", true), ("8f2e-key\n", false)] {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            assert_eq!(words("k", &path).is_bad(), is_bad, "{text:?}");
        }
    }
}
