//! Who we are to a registry that asks for a login.

use std::path::PathBuf;

use crate::base::secret::Secret;

/// The login at one registry. Nobody else is ever told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryLogin {
    /// `address:port` of the registry.
    pub registry: String,
    /// The file with `user:password`; read at each use, so that another password is used at once.
    pub file: PathBuf,
}

impl RegistryLogin {
    /// Whether an image, by its name, is in this registry.
    #[must_use]
    pub fn is_for(&self, image: &str) -> bool {
        image.strip_prefix(self.registry.as_str()).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Reads user and password. The error names the file and nothing of what is in it.
    pub fn read(&self) -> Result<(String, Secret<String>), String> {
        let place = self.file.display();
        let text = std::fs::read_to_string(&self.file).map_err(|error| format!("read {place}: {error}"))?;
        // These would not arrive: bollard writes them in an alphabet that Docker does not read.
        if text.contains(['?', '>', '~']) || !text.is_ascii() {
            return Err(format!("{place}: neither ? > ~ nor letters outside ASCII can be used in user and password"));
        }
        match text.trim().split_once(':') {
            Some((user, password)) if !user.is_empty() => Ok((user.to_owned(), Secret::new(password.to_owned()))),
            _ => Err(format!("{place} must hold user:password in one line")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_login_is_for_its_own_registry_only() {
        let login = RegistryLogin { registry: "10.0.0.1:5000".to_owned(), file: PathBuf::from("/nowhere") };
        assert!(login.is_for("10.0.0.1:5000/sayoo/odoo@sha256:00"));
        for stranger in ["10.0.0.1:50001/sayoo/odoo", "10.0.0.1:5000.example.com/odoo", "sayoo/odoo:19.0", "sha256:00"]
        {
            assert!(!login.is_for(stranger), "{stranger}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named_and_its_content_is_not() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let login = RegistryLogin { registry: "r".to_owned(), file: file.path().to_owned() };
        std::fs::write(file.path(), "hunter2\n").unwrap();
        let said = login.read().unwrap_err();
        assert!(said.contains(&file.path().display().to_string()) && !said.contains("hunter2"), "{said}");
        std::fs::write(file.path(), "sayoo:hunter2~\n").unwrap();
        let said = login.read().unwrap_err();
        assert!(said.contains("neither ?") && !said.contains("hunter2"), "{said}");
        std::fs::write(file.path(), "sayoo:hunter2:x\n").unwrap();
        let (user, password) = login.read().unwrap();
        assert_eq!((user.as_str(), password.expose().as_str()), ("sayoo", "hunter2:x"));
        assert!(!format!("{password:?} {login:?}").contains("hunter2"));
    }
}
