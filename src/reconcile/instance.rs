//! What the worker tells an instance: its surroundings, and the words of its database.

use std::collections::BTreeMap;

use crate::base::secret::Secret;
use crate::odoo::{apps, commands, personalise};
use crate::tenant_db::Words;

use super::Site;
use super::environments::store::Environment;
use super::runtimes::Runtime;
use super::templates::Template;

/// The languages for which an empty Odoo is kept ready.
pub const DEFAULT_LANGUAGES: [&str; 3] = ["fr_FR", "en_US", "ar_001"];

/// Returns the environment variables of a runtime's service.
pub fn service_env(site: &Site, runtime: &Runtime, password_file: &str) -> anyhow::Result<BTreeMap<String, String>> {
    Ok(commands::service_env(&commands::Service {
        runtime: &runtime.code,
        database: runtime.database()?.as_str(),
        role: runtime.role()?.as_str(),
        password_file,
        server: &site.server,
        portal: &site.front,
        memory_mb: runtime.memory_mb,
    }))
}

/// Returns the environment variables of the container that fills a template.
#[must_use]
pub fn template_env(
    site: &Site,
    template: &Template,
    role: &str,
    password: &Secret<String>,
) -> BTreeMap<String, String> {
    commands::template_env(&commands::Template {
        database: &template.database_name,
        role,
        password,
        server: &site.server,
        language: &template.language,
        country: &template.country,
        modules: &template.modules,
    })
}

/// Returns the statements that make a database the customer's own.
#[must_use]
pub fn personal_statements(site: &Site, environment: &Environment) -> Words {
    let personal = personalise::Personal {
        owner: &environment.id.to_string(),
        admin_email: &environment.admin_email,
        admin_name: &environment.admin_name,
        language: &environment.language,
        timezone: &environment.timezone,
        company: &environment.company,
        country: &environment.country,
        currency: &environment.currency,
        address: &site.public.instance_url(&environment.subdomain),
    };
    words(environment, personalise::statements(&personal, &std::array::from_fn(|_| rand::random())))
}

/// Returns the statements that tell a database its address.
#[must_use]
pub fn address_statements(site: &Site, environment: &Environment) -> Words {
    words(environment, personalise::readdress(&site.public.instance_url(&environment.subdomain)))
}

fn words(environment: &Environment, statements: Vec<String>) -> Words {
    let generation = environment.wanted_generation;
    Words { generation, statements: [vec![personalise::guard(generation)], statements].concat() }
}

/// Returns the sorted modules of a template for these applications.
#[must_use]
pub fn modules(apps: &[String]) -> Vec<String> {
    apps::chosen(apps.iter().map(String::as_str))
}

/// Returns the country that a template with these modules is made for; empty when it makes no difference.
#[must_use]
pub fn country_of_template(modules: &[String], country: &str) -> String {
    apps::template_country(modules, country).to_owned()
}
