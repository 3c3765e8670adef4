//! Kills a real worker process while it makes a sandbox and while it moves a clock, and lets another one go on.

use std::time::{Duration, Instant};

use chrono::Utc;
use sayoo::base::ids::SandboxId;
use sayoo::sandboxes::State;
use sqlx::PgPool;

use super::Yard;
use crate::billing::world::{audit, number};
use crate::support::engine::pause;
use crate::support::process::Process;

/// Every place where a worker that works on a sandbox may die.
pub const PLACES: [&str; 2] = ["sandbox:made", "sandbox:stepped"];

fn configuration(yard: &Yard, folder: &std::path::Path) -> std::path::PathBuf {
    let (at, sandbox) = (folder.display(), &yard.url);
    let url = sqlx::ConnectOptions::to_url_lossy(yard.world.db.connect_options().as_ref());
    for (name, text) in [("sealing.key", "11".repeat(32)), ("sso.public", "00".repeat(32))] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let text = format!(
        r#"
        installation = {{ name = "{installation}", data_dir = "{at}" }}
        public = {{ portal_url = "http://localhost:8080", instances_url = "http://{{name}}.localhost:8080", mode = "development" }}
        database = {{ owner_url = "{url}", web_url = "{url}", worker_url = "{url}", proxy_url = "{url}", sandbox_url = "{sandbox}" }}
        web = {{ listen = "127.0.0.1:0", sso_key_file = "{at}/none", cookie_key_file = "{at}/none" }}
        proxy = {{ listen = "127.0.0.1:0", web_upstream = "127.0.0.1:1", table_file = "{at}/routes.json" }}
        worker = {{ docker = "unix:///none", sealing_key_file = "{at}/sealing.key", upstream_address = "127.0.0.1", sso_public_key_file = "{at}/sso.public" }}
        tenants = {{ admin_url = "{url}", host_for_containers = "127.0.0.1", port_for_containers = 1 }}
        odoo = {{ image = "none" }}
        mail = {{ from = "Sayoo <no-reply@localhost>" }}
        "#,
        installation = yard.installation
    );
    let file = folder.join("sayoo.toml");
    std::fs::write(&file, text).unwrap();
    file
}

async fn until_ready(yard: &Yard, id: SandboxId) {
    let began = Instant::now();
    loop {
        let sandbox = yard.sandbox(id).await.unwrap();
        if sandbox.state() == State::Ready {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(120), "{sandbox:?}");
        pause().await;
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_worker_that_is_killed_in_the_middle_of_a_sandbox_leaves_it_to_the_next(db: PgPool) {
    let yard = Yard::new(db.clone()).await;
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(&yard, folder.path());
    let id = yard.asked(&[("pays", "card")]).await;
    // The process goes by the real time.
    sqlx::query("UPDATE sandboxes SET touched_at = $1").bind(Utc::now()).execute(&db).await.unwrap();
    for place in PLACES {
        let mut first = Process::start(&config, "worker", &[("SAYOO_CRASH_AT", place)]);
        first.killed(place).await;
        let sandbox = yard.sandbox(id).await.unwrap();
        assert_ne!(sandbox.state(), State::Ready, "{place}: what was done was not noted yet");
        let second = Process::start(&config, "worker", &[]);
        until_ready(&yard, id).await;
        drop(second);
        if place == "sandbox:made" {
            assert_eq!(yard.press(id, "month-end").await.status, 303);
        }
    }
    let inside = yard.inside(id).await;
    assert_eq!(number(&inside, "SELECT count(*) FROM accounts").await, 1);
    assert_eq!(number(&inside, "SELECT count(*) FROM environments").await, 2);
    assert_eq!(number(&inside, "SELECT count(*) FROM documents WHERE state = 'final'").await, 1);
    assert_eq!(number(&inside, "SELECT count(*) FROM payments").await, 1);
    audit(&inside).await;
    inside.close().await;
    assert_eq!(number(&db, "SELECT count(*) FROM documents").await, 0);
    yard.end().await;
}
