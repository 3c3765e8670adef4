//! Somebody who makes the web process run code of theirs: what it has, and what it does not get.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command};

use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};

use crate::support::engine::pause;

/// The user of the web process: nobody else has this number.
const USER: &str = "61001";

/// An installation with `sayoo all`, ended with the test.
struct Installation {
    folder: tempfile::TempDir,
    all: Child,
    port: u16,
}

impl Drop for Installation {
    fn drop(&mut self) {
        let _ = self.all.kill();
        let _ = self.all.wait();
    }
}

impl Installation {
    fn new(owner: &str, web: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // As bin/up makes it: others pass through and see nothing.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
        let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (port, proxy) = (free(), free());
        let at = folder.path().display();
        for (name, bytes) in [("sso.key", 32), ("cookie.key", 64), ("sealing.key", 32)] {
            Self::secret(folder.path(), name, &"ab".repeat(bytes));
        }
        std::fs::write(folder.path().join("sso.public"), "00".repeat(32)).unwrap();
        let config = format!(
            r#"
            installation = {{ name = "stolen", data_dir = "{at}" }}
            public = {{ portal_url = "http://localhost:{proxy}", instances_url = "http://{{name}}.localhost:{proxy}", mode = "development" }}
            database = {{ owner_url = "{owner}", web_url = "{web}", worker_url = "{owner}", proxy_url = "{owner}" }}
            web = {{ listen = "127.0.0.1:{port}", sso_key_file = "{at}/sso.key", cookie_key_file = "{at}/cookie.key", user = {USER} }}
            proxy = {{ listen = "127.0.0.1:{proxy}", web_upstream = "127.0.0.1:{port}", table_file = "{at}/routes.json" }}
            worker = {{ docker = "unix:///var/run/docker.sock", sealing_key_file = "{at}/sealing.key", upstream_address = "127.0.0.1", sso_public_key_file = "{at}/sso.public" }}
            tenants = {{ admin_url = "{owner}", host_for_containers = "127.0.0.1", port_for_containers = 1 }}
            odoo = {{ image = "none" }}
            mail = {{ from = "Sayoo <no-reply@localhost>" }}
            "#
        );
        Self::secret(folder.path(), "sayoo.toml", &config);
        let file = folder.path().join("sayoo.toml");
        let sayoo = |role: &str| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_sayoo"));
            command.arg("--config").arg(&file).arg(role);
            command
        };
        assert!(sayoo("migrate").status().unwrap().success());
        // A secret in the environment is not for the web process either.
        let all = sayoo("all").env("SAYOO__DATABASE__OWNER_URL", owner).spawn().unwrap();
        Self { folder, all, port }
    }

    fn secret(folder: &Path, name: &str, text: &str) {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Waits until the web process answers.
    async fn until_answering(&self) {
        for _ in 0..600 {
            if reqwest::get(format!("http://127.0.0.1:{}/login", self.port)).await.is_ok() {
                return;
            }
            pause().await;
        }
        panic!("the web process does not answer");
    }

    /// The process of a role.
    fn process(&self, role: &str) -> u32 {
        let parent = format!("PPid:\t{}\n", self.all.id());
        let is_it = |id: &u32| {
            let read = |file: &str| std::fs::read_to_string(format!("/proc/{id}/{file}")).unwrap_or_default();
            read("status").contains(&parent) && read("cmdline").split('\0').any(|word| word == role)
        };
        let all = std::fs::read_dir("/proc").unwrap();
        let mut ids = all.filter_map(|entry| entry.unwrap().file_name().to_string_lossy().parse().ok());
        ids.find(is_it).expect("a process of that role")
    }
}

/// Runs a command with what the stolen process has, and returns whether it succeeds.
fn stolen(words: &[&str]) -> bool {
    let as_it = ["--reuid", USER, "--regid", USER, "--clear-groups"];
    Command::new("setpriv")
        .args(as_it)
        .args(words)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap()
        .status
        .success()
}

/// Asks the control database with the stolen login, and returns the code of what it says.
async fn refused(db: &mut PgConnection, statement: &'static str) -> String {
    match sqlx::raw_sql(statement).execute(db).await {
        Ok(_) => "done".to_owned(),
        Err(error) => error.as_database_error().and_then(|error| error.code().map(Into::into)).unwrap_or_default(),
    }
}

#[sqlx::test(migrations = false)]
async fn a_stolen_web_process_starts_no_container_and_reads_no_secret_but_its_own(db: PgPool) {
    sqlx::raw_sql(
        "DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'sayoo_web') THEN DROP OWNED BY sayoo_web; END IF; END $$;
         DROP ROLE IF EXISTS sayoo_web; CREATE ROLE sayoo_web LOGIN PASSWORD 'stolen'",
    )
    .execute(&db)
    .await
    .unwrap();
    let owner = db.connect_options().to_url_lossy();
    let mut web = owner.clone();
    web.set_username("sayoo_web").unwrap();
    web.set_password(Some("stolen")).unwrap();
    let (owner, web) = (owner.to_string(), web.to_string());
    let installation = Installation::new(&owner, &web);
    installation.until_answering().await;
    let at = |name: &str| installation.folder.path().join(name).display().to_string();

    // It is somebody else, with no group and nothing in its environment.
    let (web_process, worker) = (installation.process("web"), installation.process("worker"));
    let status = std::fs::read_to_string(format!("/proc/{web_process}/status")).unwrap();
    let line = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    assert_eq!((line("Uid:"), line("Groups:")), ([USER; 4].join("\t"), String::new()));
    assert_eq!(line("CapEff:"), "0000000000000000");
    assert_eq!(std::fs::read(format!("/proc/{web_process}/environ")).unwrap(), b"");

    // Its own it reads; nobody else's.
    assert!(stolen(&["cat", &at("web/sayoo.toml")]) && stolen(&["cat", &at("web/cookie.key")]));
    let own = std::fs::read_to_string(at("web/sayoo.toml")).unwrap();
    assert!(own.contains(&web) && !own.contains(&owner));
    for file in
        [at("sayoo.toml"), at("sealing.key"), at("sso.key"), at("cookie.key"), format!("/proc/{worker}/environ")]
    {
        assert!(Path::new(&file).exists(), "{file}");
        assert!(!stolen(&["cat", &file]), "it reads {file}");
    }
    assert!(!stolen(&["ls", &at("")]), "it sees what else there is");
    assert!(!stolen(&["kill", "-0", &worker.to_string()]), "it could end the worker");
    // No container.
    assert!(Command::new("docker").arg("version").output().unwrap().status.success());
    assert!(!stolen(&["docker", "--host", "unix:///var/run/docker.sock", "version"]), "it gives Docker orders");

    // Its login reads no tenant's password, no private key, and changes nothing that the worker takes for true.
    let mut login = PgConnection::connect(&web).await.unwrap();
    for statement in [
        "SELECT * FROM runtime_secrets",
        "SELECT * FROM acme_accounts",
        "SELECT key_sealed FROM certificates",
        "INSERT INTO images SELECT * FROM images",
        "UPDATE routes SET upstreams = '{127.0.0.1:1}'",
        "UPDATE runtimes SET host_id = NULL",
        "UPDATE hosts SET docker_endpoint = 'tcp://10.0.0.66:2376'",
        "UPDATE database_servers SET name = 'mine'",
        "DELETE FROM audit_log",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT rolpassword FROM pg_authid",
        "ALTER ROLE sayoo_web SUPERUSER",
        "CREATE TABLE mine ()",
    ] {
        assert_eq!(refused(&mut login, statement).await, "42501", "{statement}");
    }
    login.close().await.unwrap();
    drop(installation);
    sqlx::raw_sql("DROP OWNED BY sayoo_web; DROP ROLE sayoo_web").execute(&db).await.unwrap();
}
