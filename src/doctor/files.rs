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
    keys.into_iter().map(|(what, path)| key(what, path)).collect()
}

fn key(what: &'static str, path: &Path) -> Finding {
    if let Err(error) = read_hex_key(path) {
        let remedy = "make it once, with 64 bytes: openssl rand -hex 64 > FILE (or run bin/up); keep a copy elsewhere";
        return Finding::bad(what, chain::of_any(&error), remedy);
    }
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
}
