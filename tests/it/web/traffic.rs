//! What staff see of an instance's requests, and the limit that they give it.

use chrono::TimeDelta;
use reqwest::StatusCode;
use sayoo::base::ids::EnvironmentId;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::portal::World;

async fn limits(world: &World) -> Vec<(Uuid, i32)> {
    let rows = sqlx::query!("SELECT environment_id, requests_per_second FROM traffic_limits");
    rows.fetch_all(&world.db)
        .await
        .unwrap()
        .into_iter()
        .map(|row| (row.environment_id, row.requests_per_second))
        .collect()
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn staff_give_an_instance_a_limit_of_its_own_and_take_it_away_again(db: PgPool) {
    let world = World::new(db).await;
    let id = world.customer("alice").await.has_running(&world, "shop").await;
    let staff = world.staff().await;
    let (page, form) = (format!("/staff/instances/{id}"), format!("/staff/instances/{id}/limit"));
    assert_eq!(staff.get(&page).await.attribute("#f-requests_per_second", "value"), "");

    for typed in ["50", " 1000 "] {
        assert_eq!(staff.post(&form, &[("requests_per_second", typed)]).await.location, page);
    }
    assert_eq!(limits(&world).await, [(id.uuid(), 1000)]);
    assert_eq!(staff.get(&page).await.attribute("#f-requests_per_second", "value"), "1000");

    let slip = staff.post(&form, &[("requests_per_second", "1.5 <b>")]).await;
    assert_eq!(slip.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", slip.body);
    assert_eq!(slip.attribute("#f-requests_per_second", "value"), "1.5 <b>", "nothing typed is lost");
    assert!(slip.text("#h-requests_per_second").contains("whole number"));
    assert_eq!(limits(&world).await, [(id.uuid(), 1000)]);

    assert_eq!(staff.post(&form, &[("requests_per_second", "")]).await.location, page);
    assert_eq!(limits(&world).await, []);
    assert_eq!(world.audit().await[1..], ["environment.limit-set"; 3]);
    let nobody = format!("/staff/instances/{}/limit", EnvironmentId::new(world.portal.clock.now()));
    assert_eq!(staff.post(&nobody, &[("requests_per_second", "5")]).await.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn who_is_not_staff_sets_no_limit(db: PgPool) {
    let world = World::new(db).await;
    let alice = world.customer("alice").await;
    let id = alice.has_running(&world, "shop").await;
    let answer = alice.post(&format!("/staff/instances/{id}/limit"), &[("requests_per_second", "5")]).await;
    assert_eq!(answer.location, "/staff/login");
    assert_eq!(limits(&world).await, []);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_page_counts_what_every_process_turned_away_in_the_last_day(db: PgPool) {
    let world = World::new(db).await;
    let id = world.customer("alice").await.has_running(&world, "shop").await;
    let staff = world.staff().await;
    let (first, second) = (Uuid::new_v4(), Uuid::new_v4());
    // The first process counted 100 before the day began.
    for (process, hours_ago, limited, busy) in [
        (first, 30, 100, 0),
        (first, 20, 150, 7),
        (first, 2, 160, 7),
        (second, 1, 5, 1),
        (Uuid::new_v4(), 50, 9_000, 9_000),
    ] {
        sqlx::query!(
            "INSERT INTO traffic_refusals (environment_id, proxy_epoch, observed_at, limited, busy) VALUES ($1, $2, $3, $4, $5)",
            id.uuid(),
            process,
            world.portal.clock.now() - TimeDelta::hours(hours_ago),
            limited,
            busy
        )
        .execute(&world.db)
        .await
        .unwrap();
    }
    let shown = staff.get(&format!("/staff/instances/{id}")).await.text("#requests dd");
    assert_eq!(shown.split_whitespace().collect::<Vec<_>>(), ["65", "8"]);
}
