//! What exists on somebody's own machine only is not there in production.

use sayoo::config::{Mail, Mode};
use sayoo::mail::transport::Mailer;
use sayoo::web::routes::{Access, TABLE, Verb};
use sqlx::PgPool;

use crate::support::portal::World;

/// Every page that needs no name of a thing, and those of an instance.
fn pages(instance: &str) -> Vec<String> {
    let looks = TABLE.iter().filter(|route| route.verb == Verb::Get && route.access != Access::Development);
    let plain = looks.filter(|route| !route.path.contains('{')).map(|route| route.path.to_owned());
    let of_instance = ["", "/usage", "/logs", "/domains", "/delete"].map(|part| format!("/instances/{instance}{part}"));
    plain.chain(of_instance).collect()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn caught_mails_and_the_gallery_are_not_there_and_nothing_leads_to_them(db: PgPool) {
    let world = World::in_mode(db, Mode::Production).await;
    let (stranger, alice, staff) = (world.stranger(), world.customer("alice").await, world.staff().await);
    let shop = alice.has_running(&world, "shop").await.to_string();
    let development: Vec<&str> =
        TABLE.iter().filter(|route| route.access == Access::Development).map(|route| route.path).collect();
    assert!(development.contains(&"/dev/mails") && development.contains(&"/dev/gallery"), "{development:?}");
    for path in development {
        for page in [stranger.get(path).await, alice.get(path).await, staff.get(path).await] {
            assert_eq!(page.status, 404, "{path}: {}", page.words());
        }
        assert_eq!(stranger.post_raw(path, &[]).await.status, 404, "{path}");
    }
    let mut shown = 0;
    for path in pages(&shop) {
        for page in [stranger.get(&path).await, alice.get(&path).await, staff.get(&path).await] {
            assert!(!page.body.contains("/dev/"), "{path} leads there: {}", page.body);
            shown += usize::from(page.status == 200);
        }
    }
    assert!(shown > 40, "only {shown} pages were shown");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn on_somebody_s_own_machine_they_are_there_and_the_page_after_a_sign_up_leads_there(db: PgPool) {
    let world = World::new(db).await;
    for path in ["/dev/mails", "/dev/gallery"] {
        assert_eq!(world.stranger().get(path).await.status, 200, "{path}");
    }
    let page = world.stranger().get("/signup/check-mail").await;
    assert!(page.body.contains("href=\"/dev/mails\""), "{}", page.body);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn without_a_mail_server_production_does_not_start(db: PgPool) {
    let world = World::in_mode(db, Mode::Production).await;
    let mail = Mail { from: "Sayoo <portal@example.com>".to_owned(), smtp_url: None };
    let refused = Mailer::new(&mail, &world.portal.public, &world.portal.db).unwrap_err();
    assert!(refused.to_string().contains("smtp_url is missing"), "{refused:?}");
}
