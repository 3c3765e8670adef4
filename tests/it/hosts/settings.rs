//! What is set of a host, and who keeps one from being removed.

use chrono::Utc;
use sayoo::audit::Actor;
use sayoo::base::ids::HostId;
use sayoo::hosts::placement::{Need, Tenant};
use sayoo::hosts::settings::{self, Settings};
use sayoo::hosts::steering::{self, HostError};
use sayoo::hosts::{self, Host, HostState, Pool, Wanted};
use sqlx::PgPool;

use super::placing;
use crate::staff::records::{Attempt, Somebody};
use crate::support::portal::World;

async fn host(db: &PgPool, id: HostId) -> Host {
    hosts::overview(&mut db.acquire().await.unwrap()).await.unwrap().find(id).unwrap().host.clone()
}

/// The form as somebody fills it.
fn form<'a>(zone: &'a str, pool: &'a str, percent: &'a str, kept: &'a str) -> [(&'static str, &'a str); 5] {
    [("zone", zone), ("pool", pool), ("cpu_percent", percent), ("memory_kept_mb", kept), ("address", "127.0.0.1")]
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn staff_set_zone_pool_and_what_may_be_promised_of_the_first_machine_too(db: PgPool) {
    let world = World::new(db.clone()).await;
    let sam = world.staff().await;
    let seen = placing::machine(2048);
    let mut connection = db.acquire().await.unwrap();
    hosts::store::record(&mut connection, &seen, "unix:///x", "127.0.0.1", Utc::now()).await.unwrap();
    let need = Need { cpu_millis: 100, memory_mb: 512, tenant: Tenant::Production, not_on: None, image: None };
    assert!(hosts::take_room(&mut connection, need).await.is_err(), "all of its memory is kept");
    let id = hosts::store::list(&mut connection).await.unwrap()[0].host.id;

    let path = format!("/staff/hosts/{id}/settings");
    sam.get(&path).await.assert_says(200, "Memory kept for the machine");
    for (wrong, said) in [
        (form("Rack 1", "any", "800", "512"), "lower-case letters"),
        (form("rack-1", "any", "99", "512"), "100 to 6400"),
        (form("rack-1", "any", "many", "512"), "100 to 6400"),
        (form("rack-1", "any", "800", "2048"), "smaller than the memory"),
        (form("rack-1", "any", "800", "-1"), "smaller than the memory"),
    ] {
        let again = sam.post(&path, &wrong).await;
        again.assert_says(422, said);
        assert!(again.body.contains("value=\"127.0.0.1\""), "what was typed is there again");
    }
    let good = form("rack-1", "production", "400", "512");
    sam.post(&path, &good).await.assert_redirect(&format!("/staff/hosts/{id}"));
    let one = host(&db, id).await;
    assert_eq!(
        (one.zone.as_str(), one.pool, one.cpu_percent, one.memory_kept_mb),
        ("rack-1", Pool::Production, 400, 512)
    );
    assert_eq!((one.address_wanted, one.state), (None, HostState::Active));
    sam.get(&format!("/staff/hosts/{id}")).await.assert_says(200, "For production only");
    assert_eq!(hosts::take_room(&mut connection, need).await.unwrap().host, id);
    assert!(hosts::take_room(&mut connection, Need { tenant: Tenant::Other, ..need }).await.is_err());

    // Another address is wanted, not taken over; the same again is nothing.
    let moved = [&good[..4], &[("address", "10.0.0.7")]].concat();
    sam.post(&path, &moved).await.assert_redirect(&format!("/staff/hosts/{id}"));
    sam.get(&format!("/staff/hosts/{id}")).await.assert_says(200, "It is to be reached at 10.0.0.7");
    let one = host(&db, id).await;
    assert_eq!((one.upstream_address.as_str(), one.address_wanted.as_deref()), ("127.0.0.1", Some("10.0.0.7")));
    let details: Vec<String> =
        sqlx::query_scalar("SELECT detail::text FROM audit_log WHERE action = 'host.set' ORDER BY seq")
            .fetch_all(&db)
            .await
            .unwrap();
    assert_eq!(details.len(), 2, "{details:?}");
    assert!(
        details[0].contains("rack-1") && details[0].contains("2048") && details[1].contains("10.0.0.7"),
        "{details:?}"
    );
    sam.post(&path, &moved).await.assert_redirect(&format!("/staff/hosts/{id}"));
    assert_eq!(world.audit().await.iter().filter(|action| *action == "host.set").count(), 2);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_pages_may_want_another_address_and_not_write_one(db: PgPool) {
    placing::hosts(&db, 1).await;
    let web = Somebody::like_web(&db).await;
    for column in
        ["upstream_address = '10.6.6.6'", "docker_endpoint = 'tcp://10.6.6.6:2376'", "node = 'x'", "lost_times = '{}'"]
    {
        Attempt::by(&db, &web).is_refused(&format!("UPDATE hosts SET {column}"), "42501").await;
    }
    let allowed = format!(
        "SET LOCAL ROLE {}; UPDATE hosts SET zone = 'a', pool = 'test', cpu_percent = 100, memory_kept_mb = 1, address_wanted = '10.0.0.7'",
        web.name()
    );
    let mut tx = db.begin().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(allowed)).execute(&mut *tx).await.unwrap();
    tx.rollback().await.unwrap();
    web.gone(&db).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn two_hosts_cannot_want_one_address(db: PgPool) {
    let world = World::new(db.clone()).await;
    let ids = placing::hosts(&db, 2).await;
    sqlx::query("UPDATE hosts SET docker_endpoint = 'tcp://' || name, upstream_address = '10.0.0.1' || right(name, 1)")
        .execute(&db)
        .await
        .unwrap();
    let by = Actor::system();
    let to = |address: &str| Settings { address: Some(address.to_owned()), ..Settings::default() };
    let set = async |number: usize, address: &str| settings::set(&world.portal, &by, ids[number], &to(address)).await;
    assert!(matches!(set(0, "10.0.0.11").await, Err(HostError::Taken)));
    set(0, "10.0.0.20").await.unwrap();
    assert!(matches!(set(1, "10.0.0.20").await, Err(HostError::Taken)));
    // Taken back, it is free for the other.
    set(0, "10.0.0.10").await.unwrap();
    assert_eq!(host(&db, ids[0]).await.address_wanted, None);
    set(1, "10.0.0.20").await.unwrap();
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_host_to_which_an_update_is_on_its_way_is_not_removed(db: PgPool) {
    let world = World::new(db.clone()).await;
    let ids = placing::hosts(&db, 2).await;
    let shop = placing::resident(&db, ids[0], "Shop", 512).await;
    let by = Actor::system();
    placing::update(&db, shop, ids[1], "waiting").await;
    let refused = steering::remove(&world.portal, &by, ids[1], None).await;
    assert!(matches!(refused, Err(HostError::NotEmpty(1))), "{refused:?}");
    assert_eq!(host(&db, ids[1]).await.wanted, Wanted::Open);

    sqlx::query("UPDATE environment_updates SET state = 'cancelled', host_id = NULL, ended_at = now()")
        .execute(&db)
        .await
        .unwrap();
    steering::remove(&world.portal, &by, ids[1], None).await.unwrap();
    assert_eq!(host(&db, ids[1]).await.state, HostState::Cordoned);
    // While it is still there it may stay: from its page.
    let sam = world.staff().await;
    let path = format!("/staff/hosts/{}", ids[1]);
    sam.get(&path).await.assert_says(200, "Use it again");
    let refused = steering::drain(&world.portal, &by, ids[1], "a new disk", steering::Consent::None).await;
    assert!(matches!(refused, Err(HostError::NotFound)), "{refused:?}");
    sam.post(&format!("{path}/uncordon"), &[]).await.assert_redirect(&path);
    let kept = host(&db, ids[1]).await;
    assert_eq!((kept.wanted, kept.state), (Wanted::Open, HostState::Active));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_host_that_is_being_emptied_is_not_closed_unseen(db: PgPool) {
    let world = World::new(db.clone()).await;
    let ids = placing::hosts(&db, 2).await;
    let (by, sam) = (Actor::system(), world.staff().await);
    // What is open is not "no longer emptied".
    let nothing = steering::cancel_drain(&world.portal, &by, ids[0]).await;
    assert!(matches!(nothing, Err(HostError::AlreadySo)), "{nothing:?}");
    assert_eq!(host(&db, ids[0]).await.wanted, Wanted::Open);

    steering::drain(&world.portal, &by, ids[0], "a new disk", steering::Consent::None).await.unwrap();
    let refused = steering::cordon(&world.portal, &by, ids[0], "a fan fails").await;
    assert!(matches!(refused, Err(HostError::BeingEmptied)), "{refused:?}");
    let path = format!("/staff/hosts/{}", ids[0]);
    sam.post(&format!("{path}/cordon"), &[("reason", "a fan fails")]).await.assert_says(422, "being emptied");
    assert_eq!(host(&db, ids[0]).await.wanted, Wanted::Empty);
    steering::cancel_drain(&world.portal, &by, ids[0]).await.unwrap();
    assert_eq!(host(&db, ids[0]).await.wanted, Wanted::Closed);
}
