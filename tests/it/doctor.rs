//! `sayoo doctor` in set-ups that are broken: each fault is found, and says how to mend it.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use sayoo::config::Config;
use sayoo::doctor::{self, Finding, Verdict};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::support::engine::TestEngine;
use crate::support::portal::World;
use crate::support::tenants::TestTenants;

/// An address at which nothing answers.
const NOWHERE: &str = "127.0.0.1:9";

/// What a set-up is made of.
struct SetUp {
    portal: String,
    database: String,
    tenants: String,
    for_containers: (String, u16),
    web: String,
    proxy: String,
    mode: &'static str,
    smtp: Option<String>,
    docker: String,
    image: String,
}

impl SetUp {
    /// Nothing is where it should be.
    fn broken() -> Self {
        Self {
            portal: "https://portal.invalid".to_owned(),
            database: format!("postgres://sayoo:word@{NOWHERE}/sayoo"),
            tenants: format!("postgres://sayoo:word@{NOWHERE}/postgres"),
            for_containers: ("127.0.0.1".to_owned(), 9),
            web: "192.0.2.1:8081".to_owned(),
            proxy: "192.0.2.1:8080".to_owned(),
            mode: "production",
            smtp: Some(format!("smtp://{NOWHERE}")),
            docker: "unix:///nowhere/docker.sock".to_owned(),
            image: "sayoo/no-such-image:1".to_owned(),
        }
    }

    /// Lets the doctor look; the keys are in `folder`.
    async fn findings(&self, folder: &Path) -> Vec<Finding> {
        let keys = folder.display();
        let smtp = self.smtp.as_ref().map(|url| format!("smtp_url = {url:?}")).unwrap_or_default();
        let Self { portal, database, tenants, web, proxy, mode, docker, image, .. } = self;
        let instances = portal.replace("://", "://{name}.");
        let (host, port) = &self.for_containers;
        let text = format!(
            r#"
            installation = {{ name = "t", data_dir = "{keys}" }}
            public = {{ portal_url = "{portal}", instances_url = "{instances}", mode = "{mode}" }}
            database = {{ owner_url = "{database}", web_url = "{database}", worker_url = "{database}", proxy_url = "{database}" }}
            web = {{ listen = "{web}", sso_key_file = "{keys}/sso.key", cookie_key_file = "{keys}/cookie.key" }}
            proxy = {{ listen = "{proxy}", web_upstream = "127.0.0.1:1", table_file = "{keys}/routes.json" }}
            tenants = {{ admin_url = "{tenants}", host_for_containers = "{host}", port_for_containers = {port} }}
            odoo = {{ image = "{image}" }}
            [worker]
            docker = "{docker}"
            sealing_key_file = "{keys}/sealing.key"
            upstream_address = "127.0.0.1"
            sso_public_key_file = "{keys}/sso.public"
            [mail]
            from = "Sayoo <portal@example.com>"
            {smtp}
            "#
        );
        let file = folder.join("sayoo.toml");
        std::fs::write(&file, text).unwrap();
        let findings = doctor::examine(&Config::load(Some(&file)).unwrap()).await;
        for finding in &findings {
            if let Verdict::Weak(matter, remedy) | Verdict::Bad(matter, remedy) = &finding.verdict {
                assert!(!matter.is_empty() && remedy.len() > 5, "what to do about it: {finding:?}");
                assert!(!matter.contains("word"), "no password is printed: {finding:?}");
            }
        }
        findings
    }
}

/// The finding about a thing: how bad it is, and what it says.
fn about(findings: &[Finding], what: &str) -> (char, String) {
    let finding = findings.iter().find(|finding| finding.what == what);
    match &finding.unwrap_or_else(|| panic!("nothing about {what}: {findings:?}")).verdict {
        Verdict::Good(seen) => ('+', seen.clone()),
        Verdict::Weak(matter, remedy) => ('!', format!("{matter} → {remedy}")),
        Verdict::Bad(matter, remedy) => ('-', format!("{matter} → {remedy}")),
    }
}

#[track_caller]
fn assert_says(findings: &[Finding], what: &str, sign: char, words: &[&str]) {
    let (verdict, text) = about(findings, what);
    assert!(verdict == sign && words.iter().all(|word| text.contains(word)), "{what}: {verdict} {text}");
}

#[tokio::test]
async fn where_nothing_is_right_every_fault_is_found_at_once_and_says_how_to_mend_it() {
    let folder = tempfile::tempdir().unwrap();
    let findings = SetUp::broken().findings(folder.path()).await;
    for (what, words) in [
        ("key of the worker", "openssl rand"),
        ("key of cookies", "openssl rand"),
        ("key of logins to Odoo", "openssl rand"),
        ("control database, schema", "start it (bin/up)"),
        ("control database, web", "[database]"),
        ("control database, worker", "[database]"),
        ("control database, proxy", "[database]"),
        ("tenants' database server", "[tenants] admin_url"),
        ("tenants' database server, for instances", "listen_addresses"),
        ("Docker", "systemctl start docker"),
        ("port of the proxy", "an address of this machine"),
        ("port of the pages", "an address of this machine"),
        ("name of the portal", "A record"),
        ("names of instances", "A record"),
        ("mail", "port and firewall"),
    ] {
        if what.starts_with("name") {
            // Where no name server answers that is the fault.
            assert_eq!(about(&findings, what).0, '-', "{what}");
        } else {
            assert_says(&findings, what, '-', &[words]);
        }
    }
    assert_says(&findings, "certificate", '!', &["set [tls]"]);
    // What else listens on the machine that tests run on is its own business.
    let bad = findings.iter().filter(|finding| finding.is_bad() && finding.what != "ports open to the world");
    assert_eq!(bad.count(), 15, "{findings:?}");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn what_is_right_is_said_to_be_and_each_smaller_fault_is_told_apart(db: PgPool) {
    let world = World::new(db.clone()).await;
    let tenants = TestTenants::new().await;
    let folder = tempfile::tempdir().unwrap();
    for key in ["sso.key", "cookie.key", "sealing.key"] {
        std::fs::write(folder.path().join(key), "ab".repeat(64)).unwrap();
        std::fs::set_permissions(folder.path().join(key), std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let options: &PgConnectOptions = &db.connect_options();
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = stranger.local_addr().unwrap();
    let mut set_up = SetUp {
        portal: "http://localhost:8080".to_owned(),
        database: options.to_url_lossy().to_string(),
        tenants: tenants.url().to_owned(),
        for_containers: (options.get_host().to_owned(), options.get_port()),
        web: world.url.replace("http://", ""),
        proxy: free_address(),
        mode: "development",
        smtp: None,
        ..SetUp::broken()
    };
    let findings = set_up.findings(folder.path()).await;
    for what in ["key of the worker", "control database, schema", "control database, worker", "port of the pages"] {
        assert_says(&findings, what, '+', &[]);
    }
    assert_says(&findings, "tenants' database server, for instances", '+', &[]);
    assert_says(&findings, "name of the portal", '+', &["this machine"]);
    assert_says(&findings, "control database, web", '!', &["may read runtime_secrets", "its own role"]);
    assert_says(&findings, "port of the proxy", '!', &["nothing serves", "sayoo all"]);
    assert_says(&findings, "mail", '!', &["/dev/mails", "smtp_url"]);
    // The database of this very test is open to everybody, as PostgreSQL makes them.
    assert_says(
        &findings,
        "tenants' database server",
        '-',
        &["every tenant may connect", "REVOKE CONNECT ON DATABASE"],
    );

    set_up.tenants.clone_from(&set_up.database);
    set_up.proxy = silent.to_string();
    set_up.smtp = Some(format!("smtp://{silent}"));
    std::fs::set_permissions(folder.path().join("sso.key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    sqlx::raw_sql("DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations)")
        .execute(&db)
        .await
        .unwrap();
    let findings = set_up.findings(folder.path()).await;
    assert_says(&findings, "tenants' database server", '-', &["superuser", "CREATEDB and CREATEROLE only"]);
    assert_says(&findings, "port of the proxy", '-', &["another program", "ss -ltnp"]);
    assert_says(&findings, "mail", '-', &["no answer in 5 seconds", "port and firewall"]);
    assert_says(&findings, "key of logins to Odoo", '-', &["chmod 600"]);
    assert_says(&findings, "control database, schema", '-', &["older than this program", "sayoo migrate"]);

    sqlx::raw_sql(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (99990101000000, 'later', true, '', 1)",
    )
    .execute(&db)
    .await
    .unwrap();
    let mut superuser = tenants.superuser("postgres").await;
    let platform: PgConnectOptions = tenants.url().parse().unwrap();
    let weaken = format!("ALTER ROLE {} NOCREATEDB", platform.get_username());
    sqlx::raw_sql(sqlx::AssertSqlSafe(weaken)).execute(&mut superuser).await.unwrap();
    superuser.close().await.unwrap();
    set_up.tenants = tenants.url().to_owned();
    let findings = set_up.findings(folder.path()).await;
    assert_says(&findings, "control database, schema", '-', &["newer than this program", "install the version"]);
    assert_says(&findings, "tenants' database server", '-', &["may not make databases", "CREATEDB CREATEROLE;"]);
    tenants.forget().await;
}

/// Runs `sayoo doctor` with the set-up that was looked at last, and returns whether it found no fault and what it printed.
fn printed(folder: &Path) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sayoo"));
    let output = command.arg("--config").arg(folder.join("sayoo.toml")).arg("doctor").output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_real_docker_without_the_image_and_with_one_that_is_not_registered_is_told_apart(db: PgPool) {
    let engine = TestEngine::new();
    let folder = tempfile::tempdir().unwrap();
    let mut set_up = SetUp {
        database: db.connect_options().to_url_lossy().to_string(),
        docker: engine.docker.clone(),
        mode: "development",
        ..SetUp::broken()
    };
    let findings = set_up.findings(folder.path()).await;
    assert_says(&findings, "Docker", '+', &["API"]);
    assert_says(&findings, "Swarm", '+', &["this machine is a manager"]);
    assert_says(&findings, "Docker, system calls", '+', &["filtered"]);
    for what in ["Docker, isolation", "Docker, published ports", "Docker, privileges"] {
        let (sign, text) = about(&findings, what);
        assert!(sign == '+' || text.contains("in /etc/docker/daemon.json, then restart Docker"), "{what}: {text}");
    }
    let missing = ["Docker has no sayoo/no-such-image:1", "docker/odoo/build (bin/up does it)"];
    assert_says(&findings, "instance image", '-', &missing);
    let (is_well, text) = printed(folder.path());
    let finding = "✗ instance image: Docker has no sayoo/no-such-image:1\n    docker/odoo/build (bin/up does it)\n";
    assert!(!is_well && text.contains(finding) && text.contains("✓ Swarm: this machine is a manager\n"), "{text}");

    set_up.image.clone_from(&engine.image);
    let findings = set_up.findings(folder.path()).await;
    assert_says(&findings, "instance image", '!', &["is not the registered one", "sayoo setup registers it"]);
    sqlx::query("INSERT INTO images VALUES (gen_random_uuid(), 'standin', $1, '19.0', 'current', now())")
        .bind(engine.image.clone())
        .execute(&db)
        .await
        .unwrap();
    assert_says(&set_up.findings(folder.path()).await, "instance image", '+', &[]);
    let (_, text) = printed(folder.path());
    assert!(text.contains(&format!("✓ instance image: {}\n", engine.image)), "{text}");
}

/// An address that nobody has at this moment.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}
