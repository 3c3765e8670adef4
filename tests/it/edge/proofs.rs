//! Domains whose proof goes away: sold, expired, pointed elsewhere; and those who make the authority and us work for nothing.

use chrono::TimeDelta;
use sayoo::base::ids::EnvironmentId;
use sqlx::PgPool;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::world::World;
use crate::proxy::support::World as Proxy;
use crate::support::portal::Person;

const DOMAIN: &str = "shop.customer.test";

async fn page(person: &Person, id: EnvironmentId) -> String {
    person.get(&format!("/instances/{id}/domains")).await.body
}

/// Adds the domain; the text that proves it.
async fn add(world: &World, person: &Person, id: EnvironmentId, domain: &str) -> String {
    person.post(&format!("/instances/{id}/domains"), &[("hostname", domain)]).await;
    let token = sqlx::query_scalar::<_, String>(
        "SELECT token FROM domains WHERE hostname = $1 AND environment_id = $2 AND removed_at IS NULL",
    )
    .bind(domain)
    .bind(id.uuid())
    .fetch_one(&world.portal.db)
    .await
    .unwrap();
    format!("sayoo-domain={token}")
}

async fn serves(proxy: &Proxy, domain: &str) {
    proxy.until(|| async { proxy.get(domain, "/").await.starts_with("HTTP/1.1 308") }).await;
}

async fn count(world: &World, rows: &'static str) -> i64 {
    sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {rows}")))
        .fetch_one(&world.portal.db)
        .await
        .unwrap()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_domain_whose_record_is_gone_leads_nowhere_after_a_second_look_and_comes_back_with_it(db: PgPool) {
    let world = World::new(db).await;
    let (alice, id) = world.customer("alice", "shop").await;
    let text = add(&world, &alice, id, DOMAIN).await;
    world.names.text(&format!("_sayoo.{DOMAIN}"), &text).await;
    world.settle().await;
    serves(&world.proxy, DOMAIN).await;
    let certificate = world.certificate(DOMAIN).await.unwrap();

    world.names.forget_text(&format!("_sayoo.{DOMAIN}")).await;
    world.later(TimeDelta::hours(7));
    world.settle().await;
    let warned = page(&alice, id).await;
    assert!(warned.contains("The record that proves this domain is gone") && warned.contains(&text), "{warned}");
    world.later(TimeDelta::minutes(30));
    world.settle().await;
    serves(&world.proxy, DOMAIN).await;

    world.later(TimeDelta::minutes(31));
    world.settle().await;
    world.proxy.until(|| async { world.proxy.get(DOMAIN, "/").await.starts_with("HTTP/1.1 404") }).await;
    assert!(page(&alice, id).await.contains("the domain leads here no longer"));
    assert!(
        alice.get(&format!("/instances/{id}")).await.body.contains("Domain leads here no longer: shop.customer.test")
    );
    let mails = world.portal.mails_to(&alice.email).await;
    let told: Vec<_> = mails.iter().filter(|mail| mail.subject.contains(DOMAIN)).collect();
    assert_eq!(told.len(), 1, "{mails:?}");
    assert!(told[0].text_body.contains(&format!("/instances/{id}/domains")), "{}", told[0].text_body);

    world.names.text(&format!("_sayoo.{DOMAIN}"), &text).await;
    world.later(TimeDelta::minutes(1));
    world.settle().await;
    serves(&world.proxy, DOMAIN).await;
    assert_eq!(world.certificate(DOMAIN).await, Some(certificate), "no authority was bothered again");
    assert_eq!(count(&world, "certificate_orders WHERE is_granted").await, 1);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_record_that_is_back_before_the_second_look_changes_nothing(db: PgPool) {
    let world = World::new(db).await;
    let (alice, id) = world.customer("alice", "shop").await;
    let text = add(&world, &alice, id, DOMAIN).await;
    world.names.text(&format!("_sayoo.{DOMAIN}"), &text).await;
    world.settle().await;
    world.names.forget_text(&format!("_sayoo.{DOMAIN}")).await;
    world.later(TimeDelta::hours(7));
    world.settle().await;
    world.names.text(&format!("_sayoo.{DOMAIN}"), &text).await;
    for _ in 0..3 {
        world.later(TimeDelta::hours(1));
        world.settle().await;
    }
    assert!(!page(&alice, id).await.contains("is gone"));
    serves(&world.proxy, DOMAIN).await;
    assert_eq!(world.portal.mails_to(&alice.email).await.len(), 0);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn name_servers_that_do_not_answer_take_nobody_s_domain(db: PgPool) {
    let mut world = World::new(db).await;
    let (alice, id) = world.customer("alice", "shop").await;
    let text = add(&world, &alice, id, DOMAIN).await;
    world.names.text(&format!("_sayoo.{DOMAIN}"), &text).await;
    world.settle().await;
    serves(&world.proxy, DOMAIN).await;
    world.names.end();
    for _ in 0..2 {
        world.later(TimeDelta::hours(7));
        world.settle().await;
    }
    assert_eq!(count(&world, "domains WHERE state = 'serving' AND proof_missed_at IS NULL").await, 1);
    serves(&world.proxy, DOMAIN).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_domain_that_was_sold_is_its_new_owner_s_within_minutes_of_the_proof(db: PgPool) {
    let world = World::new(db).await;
    let (alice, id) = world.customer("alice", "shop").await;
    let (bob, other) = world.customer("bob", "mall").await;
    add(&world, &alice, id, DOMAIN).await;
    world.names.alias(DOMAIN, "shop.apps.test").await;
    world.settle().await;
    serves(&world.proxy, DOMAIN).await;

    // Bob bought it, and points it at his instance.
    add(&world, &bob, other, DOMAIN).await;
    world.names.alias(DOMAIN, "mall.apps.test").await;
    world.settle().await;
    assert!(page(&bob, other).await.contains("Another customer has proved this domain"));
    assert!(
        page(&alice, id).await.contains("The record that proves this domain is gone"),
        "the holder is looked at at once"
    );
    world.later(TimeDelta::minutes(6));
    world.settle().await;
    let bob_s = page(&bob, other).await;
    assert!(bob_s.contains("Its certificate is good until"), "{bob_s}");
    assert!(page(&alice, id).await.contains("the domain leads here no longer"));
    let holder = sqlx::query_scalar::<_, uuid::Uuid>("SELECT environment_id FROM domains WHERE state = 'serving'");
    assert_eq!(holder.fetch_one(&world.portal.db).await.unwrap(), other.uuid());

    // What Alice takes away now is hers only.
    let looked = alice.get(&format!("/instances/{id}/domains")).await;
    alice.post(&looked.attribute("form[action$='/remove']", "action"), &[]).await;
    world.settle().await;
    assert_eq!(count(&world, "domains").await, 1);
    assert_eq!(count(&world, "certificates").await, 1);
    serves(&world.proxy, DOMAIN).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn an_instance_that_is_renamed_keeps_the_domains_that_lead_to_its_former_name(db: PgPool) {
    let world = World::new(db).await;
    let (alice, id) = world.customer("alice", "shop").await;
    add(&world, &alice, id, DOMAIN).await;
    world.names.alias(DOMAIN, "shop.apps.test").await;
    world.settle().await;
    serves(&world.proxy, DOMAIN).await;
    let renamed =
        alice.post(&format!("/instances/{id}/rename"), &[("name", "Boutique"), ("subdomain", "boutique")]).await;
    assert_eq!(renamed.location, format!("/instances/{id}"));
    for _ in 0..3 {
        world.later(TimeDelta::hours(7));
        world.settle().await;
    }
    assert_eq!(count(&world, "domains WHERE state = 'serving' AND proof_missed_at IS NULL").await, 1);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn whoever_adds_and_removes_a_domain_all_day_uses_up_nobody_else_s_certificates(db: PgPool) {
    let world = World::new(db).await;
    let (alice, id) = world.customer("alice", "shop").await;
    world.names.alias(DOMAIN, "shop.apps.test").await;
    for _ in 0..3 {
        add(&world, &alice, id, DOMAIN).await;
        world.later(TimeDelta::seconds(20));
        world.settle().await;
        let seen = alice.get(&format!("/instances/{id}/domains")).await;
        if seen.body.contains("Its certificate is good until") {
            alice.post(&seen.attribute("form[action$='/remove']", "action"), &[]).await;
            world.settle().await;
        }
    }
    assert!(page(&alice, id).await.contains("So many certificates were asked for lately"));
    assert_eq!(count(&world, "certificate_orders").await, 2);

    // So with many names of one account; others get theirs.
    let (bob, other) = world.customer("bob", "mall").await;
    sqlx::query("INSERT INTO certificate_orders (hostname, account_id, ordered_at) SELECT 'x' || n, $1, $2 FROM generate_series(1, 28) AS n")
        .bind(alice.account.uuid())
        .bind(world.edge.clock.now())
        .execute(&world.portal.db)
        .await
        .unwrap();
    for (person, id, domain, target) in
        [(&alice, id, "other.customer.test", "shop.apps.test"), (&bob, other, "bob.customer.test", "mall.apps.test")]
    {
        add(&world, person, id, domain).await;
        world.names.alias(domain, target).await;
    }
    world.settle().await;
    assert_eq!(page(&alice, id).await.matches("So many certificates were asked for lately").count(), 2);
    assert!(page(&bob, other).await.contains("Its certificate is good until"));
}

/// Somebody who answers `said` to whoever connects; the number of connections.
async fn stranger(address: std::net::SocketAddr, said: &'static str) -> std::sync::Arc<std::sync::atomic::AtomicUsize> {
    let connections = std::sync::Arc::<std::sync::atomic::AtomicUsize>::default();
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let counted = std::sync::Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream.write_all(said.as_bytes()).await;
        }
    });
    connections
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn nobody_has_us_connect_into_our_own_networks_by_a_domain_that_leads_there(db: PgPool) {
    let world = World::new(db).await;
    let (alice, id) = world.customer("alice", "shop").await;
    let inside = (std::net::Ipv4Addr::new(127, 0, 0, 2), world.edge.http_port).into();
    let connections = stranger(inside, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await;
    world.names.lead(DOMAIN, "127.0.0.2").await;
    let text = add(&world, &alice, id, DOMAIN).await;
    world.names.text(&format!("_sayoo.{DOMAIN}"), &text).await;
    world.settle().await;
    assert!(page(&alice, id).await.contains("leads somewhere else, to 127.0.0.2"));
    assert_eq!(connections.load(std::sync::atomic::Ordering::SeqCst), 0);
}
