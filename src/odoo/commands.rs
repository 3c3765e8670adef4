//! What the instance image is told: environment variables and arguments, as `docker/odoo/bin/sayoo-odoo` reads them.

use std::collections::BTreeMap;

use crate::base::secret::Secret;

/// Answers 200 once Odoo serves its database. Costs next to nothing.
pub const READY_PATH: &str = "/sayoo/ready";
/// What a spare is asked once: rendering the first page fills the caches that the customer's first visit needs.
pub const WARM_PATH: &str = "/web/login";
/// Odoo keeps its limits on virtual memory, which is several times what a process uses: below this they would strike
/// healthy ones. The container's own limit is the one that counts.
const LEAST_VIRTUAL_MEMORY_MB: i32 = 2048;

/// The tenants' database server, as containers see it.
#[derive(Clone, Debug)]
pub struct Server {
    /// An address or name.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// What an instance knows of the portal.
#[derive(Clone, Debug)]
pub struct Front {
    /// Where "back to the portal" leads.
    pub url: String,
    /// The Ed25519 key that logins are checked with: 32 bytes in hexadecimal.
    pub sso_public_key: String,
}

/// A service that serves one database.
#[derive(Clone, Copy, Debug)]
pub struct Service<'a> {
    /// The runtime's code: whom a login from the portal must be meant for.
    pub runtime: &'a str,
    /// The tenant's database.
    pub database: &'a str,
    /// The tenant's login.
    pub role: &'a str,
    /// Where the login's password is mounted.
    pub password_file: &'a str,
    /// Where the database is.
    pub server: &'a Server,
    /// Whose logins are accepted.
    pub portal: &'a Front,
    /// The plan's memory in MiB.
    pub memory_mb: i32,
}

/// Returns the environment of a service's containers. It has no secret in it.
#[must_use]
pub fn service_env(service: &Service<'_>) -> BTreeMap<String, String> {
    let soft = LEAST_VIRTUAL_MEMORY_MB.max(service.memory_mb.saturating_mul(2));
    let mut env = database_env(service.server, service.database, service.role);
    env.extend(owned([
        ("SAYOO_DB_PASSWORD_FILE", service.password_file),
        ("SAYOO_RUNTIME", service.runtime),
        ("SAYOO_SSO_PUBLIC_KEY", &service.portal.sso_public_key),
        ("SAYOO_PORTAL_URL", &service.portal.url),
        ("SAYOO_MEMORY_SOFT_MB", &soft.to_string()),
        ("SAYOO_MEMORY_HARD_MB", &soft.saturating_add(soft / 4).to_string()),
    ]));
    env
}

/// The making of a template in a database that is empty.
#[derive(Clone, Copy, Debug)]
pub struct Template<'a> {
    /// The empty database.
    pub database: &'a str,
    /// The role that fills it.
    pub role: &'a str,
    /// Its password. The role cannot log in any more once the template is sealed.
    pub password: &'a Secret<String>,
    /// Where the database is.
    pub server: &'a Server,
    /// Odoo's code: `fr_FR`.
    pub language: &'a str,
    /// ISO 3166 code, or empty when it does not matter.
    pub country: &'a str,
    /// Technical names of modules.
    pub modules: &'a [String],
}

/// Returns the arguments of the container that makes a template.
#[must_use]
pub fn template_args() -> Vec<String> {
    vec!["template".to_owned()]
}

/// Returns the environment of the container that makes a template.
#[must_use]
pub fn template_env(template: &Template<'_>) -> BTreeMap<String, String> {
    let mut env = database_env(template.server, template.database, template.role);
    env.extend(owned([
        ("PGPASSWORD", template.password.expose()),
        ("SAYOO_LANGUAGE", template.language),
        ("SAYOO_COUNTRY", template.country),
        ("SAYOO_MODULES", &template.modules.join(",")),
    ]));
    env
}

fn database_env(server: &Server, database: &str, role: &str) -> BTreeMap<String, String> {
    owned([
        ("PGHOST", &server.host),
        ("PGPORT", &server.port.to_string()),
        ("PGUSER", role),
        ("SAYOO_DATABASE", database),
    ])
    .collect()
}

fn owned<const N: usize>(pairs: [(&str, &str); N]) -> impl Iterator<Item = (String, String)> {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> Server {
        Server { host: "172.17.0.1".to_owned(), port: 5441 }
    }

    #[test]
    fn a_service_is_told_where_its_password_is_and_not_what_it_is() {
        let portal = Front { url: "https://portal.example.com".to_owned(), sso_public_key: "00".repeat(32) };
        let env = service_env(&Service {
            runtime: "abc",
            database: "abc",
            role: "abc_1",
            password_file: "/run/secrets/db_password",
            server: &server(),
            portal: &portal,
            memory_mb: 512,
        });
        assert_eq!(env["SAYOO_DB_PASSWORD_FILE"], "/run/secrets/db_password");
        assert_eq!((env["PGHOST"].as_str(), env["PGPORT"].as_str()), ("172.17.0.1", "5441"));
        assert_eq!(env["SAYOO_MEMORY_SOFT_MB"], "2048");
        assert!(!env.contains_key("PGPASSWORD"));
    }

    #[test]
    fn a_template_is_told_its_language_country_and_modules() {
        let env = template_env(&Template {
            database: "t1",
            role: "t1_builder",
            password: &Secret::new("secret".to_owned()),
            server: &server(),
            language: "fr_FR",
            country: "MA",
            modules: &["contacts".to_owned(), "crm".to_owned()],
        });
        assert_eq!(env["SAYOO_MODULES"], "contacts,crm");
        assert_eq!((env["SAYOO_LANGUAGE"].as_str(), env["SAYOO_COUNTRY"].as_str()), ("fr_FR", "MA"));
    }
}
