//! The probe in a container of a real engine, and what its findings do to a host.

use std::process::{Command, Stdio};
use std::sync::Arc;

use sayoo::config::{Mode, Public};
use sayoo::hosts::probes::{Probes, Subject, Verdict};
use sayoo::hosts::{self, Host, HostState};
use sayoo::odoo::commands::Server;
use sayoo::reconcile::Site;
use sayoo::reconcile::driver::Driver;
use sayoo::reconcile::hosts::machines::Machines;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

use crate::reconcile::support::{World, public};
use crate::support::engine::{TestEngine, docker};

/// Makes an image of this machine's own Python, for this user; the stand-in has none.
pub fn python_image(user: &str) -> String {
    let tag = format!("sayoo-python:{user}");
    let find = || docker(&["image", "inspect", "--format", "{{.Id}}", &tag]).trim().to_owned();
    if find().is_empty() {
        let files = r#"
            python=/usr/bin/python3
            folder=$($python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
            set -- $(ldd $(readlink -f $python) "$folder"/lib-dynload/*.so 2>/dev/null | grep -o '/[^ ]*\.so[^ ]*' | grep -v : | sort -u)
            tar -C / -ch --exclude='*/test' --exclude='*-packages' --exclude='*/config-*' --exclude='*/__pycache__' --exclude='*/idlelib' --exclude='*/lib-dynload/_tkinter*' $python "$folder" "$@" 2>/dev/null
        "#;
        let mut tar = Command::new("sh").args(["-c", files]).stdout(Stdio::piped()).spawn().unwrap();
        let imported = Command::new("docker")
            .args(["import", "--change", &format!("USER {user}:{user}"), "-", &tag])
            .stdin(tar.stdout.take().unwrap())
            .stdout(Stdio::null())
            .status()
            .unwrap();
        tar.wait().unwrap();
        assert!(imported.success(), "an image of Python cannot be made");
    }
    find()
}

/// Lets the worker look at its machine, and returns the host.
async fn looked_at(world: &World) -> Host {
    let scratch: PgConnectOptions = world.tenants.url().parse().unwrap();
    let site = Site {
        public: Arc::new(Public { mode: Mode::Production, ..public() }),
        // The address of the gateway takes its place inside.
        server: Server { host: "127.0.0.1".to_owned(), port: scratch.get_port() },
        ..Site::clone(&world.site)
    };
    let (db, clock) = (site.db.clone(), site.clock.clone());
    Driver::new(Machines::new(Arc::new(site)), db, clock).settle().await.unwrap();
    let all = hosts::overview(&mut world.db.acquire().await.unwrap()).await.unwrap();
    all.loads.into_iter().next().unwrap().host
}

fn verdict(probes: &Probes, subject: Subject) -> Verdict {
    probes.proofs.iter().find(|proof| proof.subject == subject).unwrap().verdict
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_container_proves_what_it_may_not_do_and_one_that_may_closes_its_host(db: PgPool) {
    let mut engine = TestEngine::new();
    engine.image = python_image("0");
    let world = World::with(db, engine).await;
    world.run("UPDATE hosts SET probes = '{}'", |query| query).await;
    let host = looked_at(&world).await;
    assert_eq!(host.probes.failure, None);
    assert_eq!(verdict(&host.probes, Subject::Root), Verdict::Bad);
    assert_eq!(host.state, HostState::Cordoned);
    let reason = host.state_reason.unwrap_or_default();
    assert!(reason.contains("probe root: uid 0"), "{reason}");

    // With the right user there is no fault, and that is found out soon.
    let right = python_image("10001");
    world.run("UPDATE images SET digest = $1", |query| query.bind(right)).await;
    let earlier = "UPDATE hosts SET probes = jsonb_set(probes, '{tried_at}', to_jsonb(now() - interval '3 minutes'))";
    world.run(earlier, |query| query).await;
    world.run("UPDATE turns SET due_at = now()", |query| query).await;
    let host = looked_at(&world).await;
    assert_eq!((host.probes.complaint(), &host.probes.failure), (None, &None), "{:#?}", host.probes);
    assert!(!host.state_reason.unwrap_or_default().contains("probe"));
    for subject in
        [Subject::Files, Subject::Processes, Subject::Memory, Subject::Bombs, Subject::Neighbours, Subject::Tenants]
    {
        assert_eq!(verdict(&host.probes, subject), Verdict::Good, "{:#?}", host.probes);
    }
    // The server of the tests lets everybody into some databases: that is found, and is no fault of the machine.
    let database = host.probes.proofs.iter().find(|proof| proof.subject == Subject::Database).unwrap();
    let is_known = database.seen.split(", ").all(|seen| seen.starts_with("connects to ") || seen.starts_with("0 / "));
    assert!(database.verdict != Verdict::Untried && is_known, "{database:?}");
    assert_eq!(world.site.engine.list().await.unwrap(), [], "a probe leaves nothing");
    world.end().await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_probe_that_cannot_be_made_closes_nothing_and_is_said(db: PgPool) {
    // The stand-in has no Python.
    let world = World::new(db).await;
    world.run("UPDATE hosts SET probes = '{}'", |query| query).await;
    let host = looked_at(&world).await;
    assert!(host.probes.failure.is_some() && host.probes.proofs.is_empty(), "{:#?}", host.probes);
    assert!(!host.state_reason.unwrap_or_default().contains("probe"));
    assert_eq!(world.site.engine.list().await.unwrap(), []);
    world.end().await;
}
