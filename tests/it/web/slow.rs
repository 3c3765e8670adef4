//! A control database that answers, but slowly: pages take their time, and nothing is done by halves or twice.

use std::time::Duration;

use sqlx::PgPool;

use crate::support::gate::Gate;
use crate::support::portal::{PASSWORD, World};

/// How long each message to the database waits.
const SLOW: Duration = Duration::from_millis(300);

/// How many people, organisations and memberships there are.
async fn customers(world: &World) -> (i64, i64, i64) {
    let row = sqlx::query_as(
        "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM accounts), (SELECT count(*) FROM members)",
    );
    row.fetch_one(&world.db).await.unwrap()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn signing_up_and_ordering_work_slowly_and_a_second_press_does_nothing_twice(db: PgPool) {
    let gate = Gate::before(&db.connect_options()).await;
    let world = World::behind(db, &gate).await;
    gate.slow(SLOW);
    let zoe = world.stranger();
    zoe.get("/signup").await.assert_says(200, "Create");
    // Whoever waits so long presses again.
    let (one, other) =
        tokio::join!(zoe.sign_up("Zoe", "zoe@example.com", PASSWORD), zoe.sign_up("Zoe", "zoe@example.com", PASSWORD));
    one.assert_redirect("/signup/check-mail");
    other.assert_redirect("/signup/check-mail");
    assert_eq!(customers(&world).await, (1, 1, 1));

    let mails = world.mails_to("zoe@example.com").await;
    let proves = |text: &str| text.lines().find_map(|line| line.strip_prefix(&world.url)).map(str::to_owned);
    let link = mails.iter().filter_map(|mail| proves(&mail.text_body)).find(|link| link.starts_with("/verify/"));
    zoe.post(&link.unwrap(), &[]).await.assert_redirect("/instances");
    zoe.get("/account").await.assert_says(200, "Your organisation");

    let typed = "plan=production&name=Shop&subdomain=slow-shop&company=Acme&language=fr_FR&country=FR";
    let last = zoe.get(&format!("/instances/new/apps?{typed}")).await;
    last.assert_says(200, "slow-shop");
    let (token, key) = (last.attribute("input[name=csrf]", "value"), last.attribute("input[name=key]", "value"));
    let mut fields: Vec<(&str, &str)> = typed.split('&').filter_map(|field| field.split_once('=')).collect();
    fields.extend([("csrf", token.as_str()), ("key", key.as_str())]);
    let (one, other) = tokio::join!(zoe.post_raw("/instances/new", &fields), zoe.post_raw("/instances/new", &fields));
    assert_eq!(one.instance(), other.instance());
    let ordered: (i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM environments), (SELECT count(*) FROM projects), (SELECT count(*) FROM subdomains)",
    )
    .fetch_one(&world.db)
    .await
    .unwrap();
    assert_eq!(ordered, (1, 1, 1));
    zoe.get(&one.location).await.assert_says(200, "Your Odoo is being made.");
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn whoever_gives_up_waiting_leaves_nothing_half_done(db: PgPool) {
    let gate = Gate::before(&db.connect_options()).await;
    let world = World::behind(db, &gate).await;
    gate.slow(SLOW);
    let zoe = world.stranger();
    let fields = |token: String| {
        [("csrf", token), ("name", "Zoe".into()), ("email", "zoe@example.com".into()), ("company", "Acme".into())]
            .into_iter()
            .chain([("password", PASSWORD.to_owned())])
            .collect::<Vec<(&str, String)>>()
    };
    // Wherever in the work the connection of the browser breaks.
    for patience in [2, 5, 9] {
        let token = zoe.token().await;
        let request = zoe.client.post(format!("{}/signup", world.url)).form(&fields(token)).timeout(SLOW * patience);
        drop(request.send().await);
        let (people, organisations, members) = customers(&world).await;
        assert!(people == organisations && people == members && people <= 1);
    }
    zoe.sign_up("Zoe", "zoe@example.com", PASSWORD).await.assert_redirect("/signup/check-mail");
    assert_eq!(customers(&world).await, (1, 1, 1));
    assert!(!world.mails_to("zoe@example.com").await.is_empty());
}
