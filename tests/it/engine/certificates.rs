//! The way to a machine's daemon: a certificate that is renewed is shown at once, and the daemon's own is remembered.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use sayoo::certificates::Dates;
use sayoo::engine::{Certificates, Daemon, Engine, Swarm};
use sayoo::hosts::certificates::Folder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A daemon that has nothing to say, over TLS, and remembers until when the certificates are good that it was shown.
async fn daemon(folder: &Path) -> (u16, Arc<Mutex<Vec<DateTime<Utc>>>>) {
    let files = folder.join("hosts").join(HERE.to_string());
    let read = |name: &str| std::fs::read(files.join(name)).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&read("ca.pem")).unwrap()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let chain = vec![CertificateDer::from_pem_slice(&read("server-cert.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(&read("server-key.pem")).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .unwrap();
    let (acceptor, listener) = (TlsAcceptor::from(Arc::new(config)), TcpListener::bind((HERE, 0)).await.unwrap());
    let (port, shown) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(Vec::new())));
    let seen = Arc::clone(&shown);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let leaf = stream.get_ref().1.peer_certificates().unwrap()[0].clone();
            seen.lock().unwrap().push(Dates::of(&leaf).unwrap().not_after);
            let Ok(1..) = stream.read(&mut [0; 4096]).await else { continue };
            let answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
        }
    });
    (port, shown)
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_by_a_worker_that_runs_and_a_broken_one_is_not() {
    let place = tempfile::tempdir().unwrap();
    let (folder, now) = (Folder::new(place.path()), Utc::now());
    // Made so long ago that a quarter of its life is left.
    folder.prepare("test", now - TimeDelta::days(619)).unwrap();
    folder.issue("test", HERE, now).unwrap();
    let (port, shown) = daemon(place.path()).await;
    let endpoint = format!("tcp://{HERE}:{port}");
    let certificates = Certificates::in_folder(place.path());
    let engine = Engine::Swarm(Swarm::with_certificates(&endpoint, "test", HERE, Some(certificates)).unwrap());
    engine.ping().await.unwrap();

    assert!(folder.renew("test", now).unwrap());
    engine.ping().await.unwrap();
    let renewed = folder.own().unwrap().unwrap().not_after;
    {
        let shown = shown.lock().unwrap();
        assert!(shown[0] < now + TimeDelta::days(207), "{shown:?}");
        assert_eq!(shown.last(), Some(&renewed));
    }

    // Half a file, by whoever: the last good one goes on.
    std::fs::write(place.path().join("cert.pem"), "-----BEGIN CERTIFICATE-----").unwrap();
    engine.ping().await.unwrap();
    assert_eq!(shown.lock().unwrap().last(), Some(&renewed));
}

#[tokio::test]
async fn what_a_daemon_shows_is_known_until_when_it_is_good() {
    let place = tempfile::tempdir().unwrap();
    let (folder, now) = (Folder::new(place.path()), Utc::now());
    folder.prepare("test", now).unwrap();
    let files = folder.issue("test", HERE, now - TimeDelta::days(800)).unwrap();
    let (port, _shown) = daemon(place.path()).await;
    let certificates = Certificates::in_folder(place.path());
    let engine = Engine::Swarm(Swarm::with_certificates("/nowhere", "test", HERE, Some(certificates)).unwrap());
    let endpoint = format!("tcp://{HERE}:{port}");
    let daemon = Daemon { node: String::new(), endpoint, upstream_address: HERE, is_lost: false };
    let seen = engine.daemon_of(&daemon).await.unwrap();
    let theirs = Dates::in_file(&files.join("server-cert.pem")).unwrap();
    assert_eq!(seen.certificate_until, Some(theirs.not_after));
    assert_eq!(seen.own_certificate_until, folder.own().unwrap().map(|dates| dates.not_after));
    let checks = sayoo::hosts::checks::judge(&seen, "127.0.0.1", now);
    let ends = checks.iter().find(|check| check.subject == sayoo::hosts::checks::Subject::Certificate).unwrap();
    assert!(!ends.is_good && !ends.closes(), "{ends:?}");
}
