//! Customers' own domains, from the form to the certificate and back.

use chrono::TimeDelta;
use reqwest::StatusCode;
use sqlx::PgPool;

use super::world::World;
use crate::support::portal::{Page, Person};

const DOMAIN: &str = "shop.customer.test";

async fn page(person: &Person, id: sayoo::base::ids::EnvironmentId) -> Page {
    person.get(&format!("/instances/{id}/domains")).await
}

/// Adds the domain and proves it by text. Returns the token's record.
async fn prove(world: &World, person: &Person, id: sayoo::base::ids::EnvironmentId, domain: &str) {
    let added = person.post(&format!("/instances/{id}/domains"), &[("hostname", domain)]).await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.body);
    let token =
        sqlx::query_scalar::<_, String>("SELECT token FROM domains WHERE hostname = $1 AND environment_id = $2")
            .bind(domain)
            .bind(id.uuid())
            .fetch_one(&world.portal.db)
            .await
            .unwrap();
    let value = format!("sayoo-domain={token}");
    assert!(page(person, id).await.body.contains(&value), "the page says what to write");
    world.names.text(&format!("_sayoo.{domain}"), &value).await;
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_domain_is_proved_certified_served_and_removed(db: PgPool) {
    let world = World::new(db).await;
    let (alice, id) = world.customer("alice", "shop").await;
    let added = alice.post(&format!("/instances/{id}/domains"), &[("hostname", "https://Shop.Customer.test/")]).await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.body);
    world.settle().await;
    let waiting = page(&alice, id).await;
    assert!(waiting.body.contains("There is no such record yet"), "{}", waiting.body);
    assert!(waiting.body.contains("_sayoo.shop.customer.test") && waiting.body.contains("shop.apps.test"));
    assert!(world.proxy.get(DOMAIN, "/").await.starts_with("HTTP/1.1 404"), "nobody has proved it");

    let code =
        waiting.body.split("sayoo-domain=").nth(1).unwrap().split(|letter: char| !letter.is_alphanumeric()).next();
    world.names.text(&format!("_sayoo.{DOMAIN}"), &format!("sayoo-domain={}", code.unwrap())).await;
    world.later(TimeDelta::seconds(20));
    world.settle().await;
    let works = page(&alice, id).await;
    assert!(works.body.contains("Its certificate is good until"), "{}", works.body);
    world.proxy.until(|| async { world.proxy.get(DOMAIN, "/").await.starts_with("HTTP/1.1 308") }).await;
    assert_eq!(world.get(DOMAIN, DOMAIN).await, (200, "odoo".to_owned()));
    assert!(world.odoo.seen().last().unwrap().to_lowercase().contains("\r\nhost: shop.customer.test:"));
    assert!(alice.get(&format!("/instances/{id}")).await.body.contains("Domain works: shop.customer.test"));

    let domain = works.attribute("form[action$='/remove']", "action");
    assert_eq!(alice.post(&domain, &[]).await.status, StatusCode::SEE_OTHER);
    world.proxy.until(|| async { world.proxy.get(DOMAIN, "/").await.starts_with("HTTP/1.1 404") }).await;
    world.settle().await;
    world.proxy.until(|| async { world.certificate(DOMAIN).await.is_none() }).await;
    let left = sqlx::query_scalar::<_, i64>(
        "SELECT (SELECT count(*) FROM domains) + (SELECT count(*) FROM certificates) + (SELECT count(*) FROM acme_challenges)",
    );
    assert_eq!(left.fetch_one(&world.portal.db).await.unwrap(), 0);
    assert_eq!(world.portal.audit().await, ["environment.ordered", "domain.added", "domain.removed"]);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn another_name_of_the_instance_s_own_proves_a_domain_and_nobody_else_can_have_it(db: PgPool) {
    let world = World::new(db).await;
    let (alice, id) = world.customer("alice", "shop").await;
    let (mallory, other) = world.customer("mallory", "mall").await;
    for (person, id) in [(&alice, id), (&mallory, other)] {
        person.post(&format!("/instances/{id}/domains"), &[("hostname", DOMAIN)]).await;
    }
    world.names.alias(DOMAIN, "shop.apps.test").await;
    world.settle().await;
    assert!(page(&alice, id).await.body.contains("Its certificate is good until"), "{}", page(&alice, id).await.body);
    assert!(page(&mallory, other).await.body.contains("There is no such record yet"));

    // A certificate of one customer carries no host of another.
    prove(&world, &mallory, other, "mall.customer.test").await;
    world.settle().await;
    world.proxy.until(|| async { world.certificate("mall.customer.test").await.is_some() }).await;
    assert_eq!(world.get("mall.customer.test", "mall.customer.test").await.0, 200);
    assert_eq!(world.get("mall.customer.test", DOMAIN).await.0, 421);
    assert_eq!(world.get(DOMAIN, "mall.customer.test").await.0, 421);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_domain_that_leads_elsewhere_bothers_no_authority_and_its_customer_is_told(db: PgPool) {
    let world = World::new(db).await;
    let (alice, id) = world.customer("alice", "shop").await;
    world.names.lead(DOMAIN, "127.0.0.2").await;
    prove(&world, &alice, id, DOMAIN).await;
    world.settle().await;
    let told = page(&alice, id).await;
    assert!(told.body.contains("leads somewhere else, to 127.0.0.2"), "{}", told.body);
    let accounts = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM acme_accounts");
    assert_eq!(accounts.fetch_one(&world.portal.db).await.unwrap(), 0);
    assert!(world.proxy.get(DOMAIN, "/").await.starts_with("HTTP/1.1 404"));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn while_the_authority_is_away_certificates_stay_and_tries_become_rare(db: PgPool) {
    let mut world = World::new(db).await;
    let (alice, id) = world.customer("alice", "shop").await;
    prove(&world, &alice, id, DOMAIN).await;
    world.settle().await;
    world.proxy.until(|| async { world.certificate(DOMAIN).await.is_some() }).await;
    prove(&world, &alice, id, "late.customer.test").await;
    world.pebble.end();
    world.settle().await;
    assert!(page(&alice, id).await.body.contains("The certificate authority does not answer"));
    let failures = || async {
        sqlx::query_scalar::<_, i32>("SELECT failures FROM domains WHERE hostname = 'late.customer.test'")
            .fetch_one(&world.portal.db)
            .await
            .unwrap()
    };
    assert_eq!(failures().await, 1);
    // Also when somebody asks for another look.
    let look = page(&alice, id).await.attribute("form[action$='/look']", "action");
    alice.post(&look, &[]).await;
    world.later(TimeDelta::minutes(5));
    world.settle().await;
    assert_eq!(failures().await, 1, "it is not asked again after five minutes");
    world.later(TimeDelta::minutes(15));
    world.settle().await;
    assert_eq!(failures().await, 2);
    assert!(world.proxy.get(DOMAIN, "/").await.starts_with("HTTP/1.1 308"), "the other domain still works");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn only_names_of_others_can_be_added_and_only_by_those_who_may(db: PgPool) {
    let world = World::new(db).await;
    let (alice, id) = world.customer("alice", "shop").await;
    let address = format!("/instances/{id}/domains");
    for (typed, said) in [
        ("", "Type the domain"),
        ("localhost", "This is not a domain"),
        ("*.customer.test", "This is not a domain"),
        ("evil.apps.test", "This name is one of ours"),
    ] {
        let answer = alice.post(&address, &[("hostname", typed)]).await;
        assert!(
            answer.status == StatusCode::UNPROCESSABLE_ENTITY && answer.body.contains(said),
            "{typed}: {}",
            answer.body
        );
    }
    for number in 0..10 {
        alice.post(&address, &[("hostname", &format!("d{number}.customer.test"))]).await;
    }
    let again = alice.post(&address, &[("hostname", "d0.customer.test")]).await;
    assert!(again.body.contains("has the domain already"), "{}", again.body);
    assert!(alice.post(&address, &[("hostname", "d10.customer.test")]).await.body.contains("can have ten domains"));

    let (stranger, _) = world.customer("mallory", "mall").await;
    let looked = page(&alice, id).await;
    for button in ["look", "remove"] {
        let action = looked.attribute(&format!("form[action$='/{button}']"), "action");
        assert_eq!(stranger.post(&action, &[]).await.status, StatusCode::NOT_FOUND, "{action}");
    }
    assert_eq!(stranger.get(&address).await.status, StatusCode::NOT_FOUND);
    assert_eq!(page(&alice, id).await.body.matches("/remove").count(), 10);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_proxy_that_starts_without_the_database_has_the_saved_certificates_and_they_rest_sealed(db: PgPool) {
    let world = World::new(db).await;
    let (alice, id) = world.customer("alice", "shop").await;
    prove(&world, &alice, id, DOMAIN).await;
    world.settle().await;
    world.proxy.until(|| async { world.certificate(DOMAIN).await.is_some() }).await;
    let file = world.proxy.settings.tls.as_ref().unwrap().certificates_file.clone();
    world.proxy.until(|| async { file.exists() }).await;
    let kept = std::fs::read_to_string(&file).unwrap();
    assert!(kept.contains("BEGIN CERTIFICATE") && !kept.contains("PRIVATE KEY"));
    let key = sqlx::query_scalar::<_, Vec<u8>>("SELECT key_sealed FROM certificates").fetch_one(&world.portal.db).await;
    assert!(!String::from_utf8_lossy(&key.unwrap()).contains("PRIVATE KEY"));

    let away = sqlx::postgres::PgPoolOptions::new()
        .acquire_timeout(std::time::Duration::from_millis(200))
        .connect_lazy("postgres://nobody@127.0.0.1:1/nothing")
        .unwrap();
    let second = world.proxy.again(away).await;
    let stream = tokio::net::TcpStream::connect(second.tls_address()).await.unwrap();
    drop(stream);
    let mut world = world;
    world.proxy = second;
    assert!(world.certificate(DOMAIN).await.is_some());
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_certificate_is_followed_by_the_next_one_long_before_its_end(db: PgPool) {
    let world = World::new(db).await;
    let (alice, id) = world.customer("alice", "shop").await;
    prove(&world, &alice, id, DOMAIN).await;
    world.settle().await;
    world.proxy.until(|| async { world.certificate(DOMAIN).await.is_some() }).await;
    let first = world.certificate(DOMAIN).await.unwrap();
    world.later(TimeDelta::hours(7));
    world.settle().await;
    assert_eq!(world.certificate(DOMAIN).await.as_ref(), Some(&first));
    // A third of its life is left then, or a little more.
    let renew_at = sqlx::query_scalar::<_, chrono::DateTime<chrono::Utc>>("SELECT renew_at FROM certificates");
    world.later(renew_at.fetch_one(&world.portal.db).await.unwrap() - world.edge.clock.now());
    world.settle().await;
    world.proxy.until(|| async { world.certificate(DOMAIN).await.is_some_and(|next| next != first) }).await;
}
