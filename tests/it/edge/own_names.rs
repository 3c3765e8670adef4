//! The certificate of all instances: a real name server (Knot) takes our changes, a real authority (pebble) believes them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use sayoo::acme::Authority;
use sayoo::base::clock::Clock;
use sayoo::base::seal::SealingKey;
use sayoo::config::{Mode, Public};
use sayoo::dns::Resolver;
use sayoo::dns::provider::{NameServer, Provider};
use sayoo::proxy::TlsSettings;
use sayoo::reconcile::driver::Driver;
use sayoo::reconcile::edge::{Edge, Issuer};
use sayoo::reconcile::own_names::OwnNames;
use sqlx::PgPool;

use super::authority::{Pebble, Process, answers, free_port, trusting};
use crate::proxy::support::World as Proxy;

const SECRET: [u8; 32] = [3; 32];

/// A name server for `apps.test` that takes changes of TXT records signed with a key.
async fn knot(folder: &Path) -> (SocketAddr, Process) {
    let port = free_port();
    let secret = base64::engine::general_purpose::STANDARD.encode(SECRET);
    let place = folder.display();
    let zone = "$ORIGIN apps.test.\n@ 60 SOA ns hostmaster 1 3600 600 86400 60\n@ 60 NS ns\nns 60 A 127.0.0.1\n* 60 A 127.0.0.1\n";
    std::fs::write(folder.join("apps.test.zone"), zone).unwrap();
    let config = format!(
        "server:\n    listen: 127.0.0.1@{port}\n    rundir: {place}\n    identity: \"\"\n    version: \"\"\n\
         database:\n    storage: {place}\n\
         log:\n  - target: stdout\n    any: info\n\
         key:\n  - id: sayoo\n    algorithm: hmac-sha256\n    secret: {secret}\n\
         acl:\n  - id: challenge\n    key: sayoo\n    action: update\n    update-type: TXT\n\
         zone:\n  - domain: apps.test\n    storage: {place}\n    file: apps.test.zone\n    acl: challenge\n"
    );
    let file = folder.join("knot.conf");
    std::fs::write(&file, config).unwrap();
    // Not every user's PATH leads there.
    let process = Process::start("/usr/sbin/knotd", &["-c", file.to_str().unwrap()], &[], &folder.join("knot.log"));
    let address = ([127, 0, 0, 1], port).into();
    answers(address).await;
    (address, process)
}

struct World {
    proxy: Proxy,
    edge: Arc<Edge>,
    dns: Resolver,
    pebble: Pebble,
    _knot: Process,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new(db: PgPool, secret: [u8; 32]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = SealingKey::new(&[9; 32]);
        let certificates_file = folder.path().join("certificates.json");
        let proxy = Proxy::with(db.clone(), |settings| {
            settings.scheme = "https";
            "portal.apps.test".clone_into(&mut settings.portal_host);
            settings.tls = Some(TlsSettings {
                listen: ([127, 0, 0, 1], 0).into(),
                public_port: None,
                files: None,
                sealing_key: Some(key.clone()),
                certificates_file,
            });
        })
        .await;
        let (address, knot) = knot(folder.path()).await;
        let pebble = Pebble::start(folder.path(), address, proxy.address.port()).await;
        let dns = Resolver::new(Some(address)).unwrap();
        let secret = base64::engine::general_purpose::STANDARD.encode(secret);
        let server = NameServer {
            address,
            zone: "apps.test".to_owned(),
            key: NameServer::key("sayoo", &secret).unwrap(),
            settle: Duration::ZERO,
            clock: Clock::System,
        };
        let edge = Arc::new(Edge {
            db,
            clock: Clock::manual(Clock::System.now()),
            public: Arc::new(Public {
                portal_url: "https://portal.apps.test".to_owned(),
                instances_url: "https://{name}.apps.test".to_owned(),
                mode: Mode::Production,
                company: "Sayoo".to_owned(),
            }),
            dns: dns.clone(),
            issuer: Some(Issuer {
                authority: Authority {
                    directory: pebble.directory.clone(),
                    contact: None,
                    root_file: Some(pebble.root_file.clone()),
                },
                key,
                provider: Some(Provider::Rfc2136(server)),
                has_files: false,
            }),
            http_port: proxy.address.port(),
            self_check: true,
        });
        Self { proxy, edge, dns, pebble, _knot: knot, _folder: folder }
    }

    async fn settle(&self) -> usize {
        let own = OwnNames::new(Arc::clone(&self.edge));
        Driver::new(own, self.edge.db.clone(), self.edge.clock.clone()).settle().await.unwrap()
    }

    async fn certificate(&self, name: &str) -> Option<Vec<u8>> {
        let stream = trusting(&self.pebble.root().await, self.proxy.tls_address(), name, b"h2").await.ok()?;
        Some(stream.get_ref().1.peer_certificates()?[0].to_vec())
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn one_certificate_for_all_instances_is_got_and_renewed_and_nothing_is_left_in_the_zone(db: PgPool) {
    let world = World::new(db, SECRET).await;
    world.settle().await;
    world.proxy.until(|| async { world.certificate("any.apps.test").await.is_some() }).await;
    let first = world.certificate("any.apps.test").await.unwrap();
    assert_eq!(world.certificate("portal.apps.test").await.as_ref(), Some(&first));
    assert!(world.certificate("a.b.apps.test").await.is_none() && world.certificate("other.test").await.is_none());
    assert_eq!(world.dns.texts("_acme-challenge.apps.test").await.unwrap(), [""; 0]);

    world.edge.clock.advance(chrono::TimeDelta::hours(7));
    world.settle().await;
    assert_eq!(world.certificate("any.apps.test").await.as_ref(), Some(&first), "it is good for long");
    let renew_at = sqlx::query_scalar::<_, chrono::DateTime<chrono::Utc>>("SELECT renew_at FROM certificates");
    world.edge.clock.advance(renew_at.fetch_one(&world.edge.db).await.unwrap() - world.edge.clock.now());
    world.settle().await;
    world.proxy.until(|| async { world.certificate("any.apps.test").await.is_some_and(|next| next != first) }).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_key_that_the_name_server_does_not_know_is_told_to_staff_and_tried_rarely(db: PgPool) {
    let world = World::new(db, [4; 32]).await;
    assert_eq!(world.settle().await, 1);
    let status = sqlx::query_scalar::<_, serde_json::Value>("SELECT status FROM turns WHERE task = 'own-names'");
    let status = status.fetch_one(&world.edge.db).await.unwrap();
    assert_eq!(status["failures"], 1);
    assert!(status["problem"].as_str().unwrap().contains("the name server refuses"), "{status}");
    world.edge.clock.advance(chrono::TimeDelta::minutes(14));
    assert_eq!(world.settle().await, 0);
    world.edge.clock.advance(chrono::TimeDelta::minutes(6));
    assert_eq!(world.settle().await, 1);
}
