//! What staff see of hosts and do with them.

use chrono::TimeDelta;
use sayoo::audit::Actor;
use sayoo::base::ids::HostId;
use sayoo::hosts::checks::{Check, Subject};
use sayoo::hosts::probes::{self, Probes, Proof, Verdict};
use sayoo::hosts::steering::{self, HostError, NewMachine};
use sayoo::hosts::{self, HostState, Wanted};
use sqlx::PgPool;

use super::placing;
use crate::support::portal::World;

async fn host(world: &World, id: HostId) -> hosts::Host {
    let mut db = world.portal.db.acquire().await.unwrap();
    hosts::overview(&mut db).await.unwrap().find(id).unwrap().host.clone()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn staff_add_a_host_and_see_what_is_wrong_with_it(db: PgPool) {
    let world = World::new(db.clone()).await;
    let sam = world.staff().await;
    let form = |address: &'static str, name: &'static str| {
        [("address", address), ("name", name), ("zone", "rack-2"), ("pool", "production")]
    };
    for address in ["example.com", "127.0.0.1", "", "10.0.0.2/24"] {
        sam.post("/staff/hosts/new", &form(address, "")).await.assert_says(422, "An IP address is needed");
    }
    sam.post("/staff/hosts/new", &form("10.0.0.2", "Å b")).await.assert_says(422, "lower-case letters");
    let made = sam.post("/staff/hosts/new", &form("10.0.0.2", "two")).await;
    let path = made.header("location").to_owned();
    let id: HostId = path.strip_prefix("/staff/hosts/").unwrap().parse().unwrap();
    sam.post("/staff/hosts/new", &form("10.0.0.2", "other")).await.assert_says(422, "Another host has this name");

    let two = host(&world, id).await;
    assert_eq!((two.state, two.docker_endpoint.as_str()), (HostState::Joining, "tcp://10.0.0.2:2376"));
    sam.get(&path).await.assert_says(200, "Joining");
    sam.get(&path).await.assert_says(200, "For production only");
    let findings = [Check::good(Subject::Version, "20.10.24 (API 1.41)"), Check::bad(Subject::Isolation, "icc=true")];
    let now = world.portal.clock.now();
    let mut connection = db.acquire().await.unwrap();
    hosts::store::set_findings(&mut connection, id, &findings, Some("isolation: icc=true"), now).await.unwrap();
    let page = sam.get(&path).await;
    page.assert_says(200, "Instances cannot reach each other");
    page.assert_says(200, "Set \"icc\": false in /etc/docker/daemon.json");
    // Nobody else sees any of it.
    for path in [path.as_str(), "/staff/hosts", "/staff/hosts/new"] {
        assert_eq!(world.stranger().get(path).await.header("location"), "/staff/login");
    }
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn staff_close_and_open_a_host_with_a_reason(db: PgPool) {
    let world = World::new(db.clone()).await;
    let sam = world.staff().await;
    let ids = placing::hosts(&db, 2).await;
    let path = format!("/staff/hosts/{}", ids[0]);
    sam.post(&format!("{path}/cordon"), &[("reason", "")]).await.assert_says(422, "reason");
    sam.post(&format!("{path}/cordon"), &[("reason", "a fan fails")]).await.assert_redirect(&path);
    sam.get(&path).await.assert_says(200, "a fan fails");
    assert_eq!(host(&world, ids[0]).await.state, HostState::Cordoned);
    sam.post(&format!("{path}/uncordon"), &[]).await.assert_redirect(&path);
    assert_eq!(host(&world, ids[0]).await.state, HostState::Active);
    let actions: Vec<String> = sqlx::query_scalar("SELECT action FROM audit_log WHERE actor_name = 'Sam' ORDER BY seq")
        .fetch_all(&db)
        .await
        .unwrap();
    assert_eq!(actions, ["host.cordoned", "host.uncordoned"]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_page_before_a_drain_says_who_goes_where_and_who_finds_no_room(db: PgPool) {
    let world = World::new(db.clone()).await;
    let sam = world.staff().await;
    let ids = placing::hosts(&db, 2).await;
    for number in 0..2 {
        placing::resident(&db, ids[0], &format!("Shop {number}"), 5000).await;
    }
    let path = format!("/staff/hosts/{}", ids[0]);
    let page = sam.get(&format!("{path}/drain")).await;
    page.assert_says(200, "2 instances move");
    page.assert_says(200, "One instance would find no room elsewhere");
    sam.post(&format!("{path}/drain"), &[("reason", "a new disk")]).await.assert_says(422, "no room elsewhere");
    assert_eq!(host(&world, ids[0]).await.wanted, Wanted::Open);
    sam.get("/staff/hosts").await.assert_says(200, "If host-0 is lost, one instance finds no room elsewhere");

    // One fewer, and it can be emptied; that is taken back as easily.
    sqlx::query("UPDATE runtimes SET memory_mb = 512 WHERE environment_id IS NOT NULL").execute(&db).await.unwrap();
    sam.get("/staff/hosts").await.assert_says(200, "If host-0 is lost, every instance on it finds room elsewhere");
    sam.post(&format!("{path}/drain"), &[("reason", "a new disk")]).await.assert_redirect(&path);
    sam.get(&path).await.assert_says(200, "Being emptied");
    assert_eq!(host(&world, ids[0]).await.wanted, Wanted::Empty);
    sam.post(&format!("{path}/cancel-drain"), &[]).await.assert_redirect(&path);
    assert_eq!(host(&world, ids[0]).await.wanted, Wanted::Closed);
    // A host with instances cannot be removed.
    sam.post(&format!("{path}/remove"), &[]).await.assert_says(422, "2 instances are still here");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_host_that_a_check_closed_stays_closed_whatever_staff_say(db: PgPool) {
    let world = World::new(db.clone()).await;
    let ids = placing::hosts(&db, 1).await;
    let (now, by) = (world.portal.clock.now(), Actor::system());
    let bad = [Check::bad(Subject::Clock, "9000 ms")];
    let mut connection = db.acquire().await.unwrap();
    hosts::store::set_findings(&mut connection, ids[0], &bad, Some("clock: 9000 ms"), now).await.unwrap();
    assert_eq!(host(&world, ids[0]).await.state, HostState::Cordoned);
    steering::cordon(&world.portal, &by, ids[0], "as well").await.unwrap();
    steering::uncordon(&world.portal, &by, ids[0]).await.unwrap();
    assert_eq!(host(&world, ids[0]).await.state, HostState::Cordoned);
    let good = [Check::good(Subject::Clock, "3 ms")];
    hosts::store::set_findings(&mut connection, ids[0], &good, None, now + TimeDelta::seconds(10)).await.unwrap();
    assert_eq!(host(&world, ids[0]).await.state, HostState::Active);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn staff_see_what_a_container_could_do_and_how_to_mend_it(db: PgPool) {
    let world = World::new(db.clone()).await;
    let sam = world.staff().await;
    let ids = placing::hosts(&db, 1).await;
    let path = format!("/staff/hosts/{}", ids[0]);
    sam.get(&path).await.assert_says(200, "Tried from inside an instance");
    let proof = |subject, verdict, seen: &str| Proof { subject, verdict, seen: seen.to_owned() };
    let proofs = vec![
        proof(probes::Subject::Neighbours, Verdict::Bad, "172.17.0.3 open"),
        proof(probes::Subject::Users, Verdict::Weak, "uid_map 0 0"),
        proof(probes::Subject::Seccomp, Verdict::Good, "filter 1"),
    ];
    let now = world.portal.clock.now();
    let probes = Probes::found(proofs, now).failed("the engine does not answer".to_owned(), now);
    let mut connection = db.acquire().await.unwrap();
    hosts::store::set_probes(&mut connection, ids[0], &probes).await.unwrap();
    let page = sam.get(&path).await;
    for text in
        ["It reaches no instance beside it", "172.17.0.3 open", "modprobe br_netfilter", "Advised", "userns-remap"]
    {
        page.assert_says(200, text);
    }
    page.assert_says(200, "The last try came to nothing: the engine does not answer");
    assert_eq!(host(&world, ids[0]).await.probes, probes);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn staff_see_that_the_manager_does_not_answer_until_it_does(db: PgPool) {
    let world = World::new(db.clone()).await;
    let sam = world.staff().await;
    let said = "Changes are queued; what runs goes on running.";
    assert!(!sam.get("/staff/hosts").await.words().contains(said));
    let silent = "INSERT INTO turns (task, subject, due_at, attempts, unsettled_at)
                  VALUES ('hosts', '00000000-0000-0000-0000-000000000000', now(), 2, now())";
    sqlx::query(silent).execute(&db).await.unwrap();
    for page in ["/staff", "/staff/hosts"] {
        sam.get(page).await.assert_says(200, said);
    }
    sqlx::query("UPDATE turns SET attempts = 0").execute(&db).await.unwrap();
    assert!(!sam.get("/staff").await.words().contains(said));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn two_people_who_add_one_machine_at_once_add_it_once(db: PgPool) {
    let world = World::new(db).await;
    let machine = NewMachine { address: "10.0.0.9".to_owned(), ..NewMachine::default() };
    let by = Actor::system();
    let adding = (0..8).map(|_| steering::add(&world.portal, &by, &machine));
    let added = futures_util::future::join_all(adding).await;
    assert_eq!(added.iter().filter(|added| added.is_ok()).count(), 1);
    assert!(added.iter().filter_map(|added| added.as_ref().err()).all(|error| matches!(error, HostError::Taken)));
}
