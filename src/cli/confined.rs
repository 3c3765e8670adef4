//! What the web process is given when it runs as another user than the rest: a folder with its own secrets and no other.
//!
//! Whoever makes it run code of their own then has its database role and its two keys, and no way to Docker, to the tenants'
//! databases or to another role's secrets.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::config::Config;

/// Makes the folder anew, and returns the configuration in it.
pub fn web(config: &Config, user: u32) -> anyhow::Result<PathBuf> {
    let folder = config.installation.data_dir.join("web");
    if !folder.exists() {
        fs::DirBuilder::new().mode(0o700).create(&folder).with_context(|| format!("make {}", folder.display()))?;
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).context("close the web process's folder")?;
    chown(&folder, Some(user), Some(user)).context("give the web process its folder")?;
    for (name, from) in [("sso.key", &config.web.sso_key_file), ("cookie.key", &config.web.cookie_key_file)] {
        let key = fs::read(from).with_context(|| format!("read {}", from.display()))?;
        write(&folder.join(name), &key, user)?;
    }
    let file = folder.join("sayoo.toml");
    write(&file, own_part(config, &folder).as_bytes(), user)?;
    Ok(file)
}

/// The configuration without what is the others'. Where a key must be there, it leads nowhere.
fn own_part(config: &Config, folder: &Path) -> String {
    // A text of JSON is one of TOML too.
    let text = |value: &str| serde_json::Value::from(value).to_string();
    let path = |name: &str| text(&folder.join(name).to_string_lossy());
    let nowhere = text("postgres://nobody@127.0.0.1:1/nothing");
    let public = &config.public;
    let mode = match public.mode {
        crate::config::Mode::Development => "development",
        crate::config::Mode::Production => "production",
    };
    format!(
        r#"# Written by `sayoo all` at each start: the part of the configuration that the web process may know.
[installation]
name = {name}
data_dir = {data}
[public]
portal_url = {portal}
instances_url = {instances}
mode = "{mode}"
company = {company}
[database]
owner_url = {nowhere}
web_url = {web}
worker_url = {nowhere}
proxy_url = {nowhere}
[web]
listen = {listen}
sso_key_file = {sso}
cookie_key_file = {cookie}
[proxy]
listen = "127.0.0.1:0"
web_upstream = "127.0.0.1:0"
table_file = {table}
[worker]
docker = "unix:///nowhere"
sealing_key_file = "/nowhere"
upstream_address = "127.0.0.1"
sso_public_key_file = "/nowhere"
[tenants]
admin_url = {nowhere}
host_for_containers = "127.0.0.1"
port_for_containers = 1
[odoo]
image = "none"
[mail]
from = {from}
smtp_url = "smtp://127.0.0.1:1"
"#,
        name = text(&config.installation.name),
        data = text(&folder.to_string_lossy()),
        portal = text(&public.portal_url),
        instances = text(&public.instances_url),
        company = text(&public.company),
        web = text(config.database.web_url.expose()),
        listen = text(&config.web.listen),
        sso = path("sso.key"),
        cookie = path("cookie.key"),
        table = path("routes.json"),
        from = text(&config.mail.from),
    )
}

fn write(path: &Path, content: &[u8], user: u32) -> anyhow::Result<()> {
    let new = path.with_extension("new");
    let write = || {
        let _ = fs::remove_file(&new);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o400).open(&new)?;
        file.write_all(content)?;
        chown(&new, Some(user), Some(user))?;
        fs::rename(&new, path)
    };
    write().with_context(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_web_process_s_part_is_a_configuration_without_the_secrets_of_others() {
        let config = Config::load(Some(Path::new("docs/sayoo.example.toml"))).unwrap();
        let part = own_part(&config, Path::new("/var/lib/sayoo/web"));
        let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
        fs::write(file.path(), &part).unwrap();
        let own = Config::load(Some(file.path())).unwrap();
        assert_eq!(own.database.web_url.expose(), config.database.web_url.expose());
        assert_eq!((own.web.listen, own.public.portal_url), (config.web.listen, config.public.portal_url));
        let others = [&config.database.owner_url, &config.database.worker_url, &config.tenants.admin_url];
        for secret in others.into_iter().chain(&config.mail.smtp_url).chain(&config.database.sandbox_url) {
            assert!(!part.contains(secret.expose().as_str()));
        }
        assert!(!part.contains(config.worker.docker.as_str()));
    }
}
