//! Active users: who had a session, each once, and what is not known is not zero.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use sayoo::metering::usage;
use sayoo::reconcile::Site;
use sayoo::reconcile::driver::Driver;
use sayoo::reconcile::users::Users;
use sayoo::tenant_db::Activity;
use sqlx::PgPool;

use super::world::{Instance, World, start};
use crate::support::simulated;

impl World {
    /// Makes an instance whose database answers.
    async fn answering(&self, name: &str, head_start: i64) -> Instance {
        let instance = self.instance(name, head_start).await;
        let sealed = self.site().key.seal(&format!("runtime_secrets/{}", instance.runtime), b"secret");
        for sql in [
            "INSERT INTO runtime_secrets (runtime_id, password_sealed) VALUES ($1, $2)",
            "UPDATE runtimes SET personalised_at = claimed_at WHERE id = $1 AND $2::bytea IS NOT NULL",
        ] {
            sqlx::query(sql).bind(instance.runtime.uuid()).bind(&sealed).execute(&self.db).await.unwrap();
        }
        instance
    }

    fn site(&self) -> Arc<Site> {
        simulated::site(&self.db, self.clock.clone(), &self.engine, &self.tenants, "sayoo")
    }

    fn uses(&self, instance: &Instance, user: i64, at: DateTime<Utc>) {
        self.tenants.use_by(&instance.database, Activity { user, at });
    }

    /// Lets hours pass, with what the worker does about users in each.
    async fn hours_of_users(&self, hours: i64) {
        let site = self.site();
        for _ in 0..hours {
            self.advance(3600);
            Driver::new(Users::new(Arc::clone(&site)), self.db.clone(), self.clock.clone()).settle().await.unwrap();
        }
    }

    async fn users(&self, instance: &Instance, period: (DateTime<Utc>, DateTime<Utc>)) -> Option<i64> {
        let mut db = self.db.acquire().await.unwrap();
        let all = usage::active_users(&mut db, instance.account, &[instance.environment], period).await.unwrap();
        assert!(all.iter().all(|(environment, _)| *environment == instance.environment));
        all.first().map(|(_, users)| *users)
    }
}

fn days(days: i64) -> (DateTime<Utc>, DateTime<Utc>) {
    (start(), start() + TimeDelta::days(days))
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn whoever_comes_on_three_days_and_from_two_devices_counts_once(db: PgPool) {
    let world = World::new(db);
    let (shop, other) = (world.answering("alice", 0).await, world.answering("bob", 0).await);
    assert_eq!(world.users(&shop, days(30)).await, None, "nobody has asked yet: that is not zero");
    world.hours_of_users(1).await;
    assert_eq!(world.users(&shop, days(30)).await, Some(0));
    for day in 0..3 {
        for hour in [2, 3, 9] {
            world.uses(&shop, 7, start() + TimeDelta::days(day) + TimeDelta::hours(hour));
        }
    }
    world.uses(&shop, 8, start() + TimeDelta::hours(30));
    // Odoo itself.
    world.uses(&shop, 1, start() + TimeDelta::hours(5));
    world.hours_of_users(72).await;
    assert_eq!(world.users(&shop, days(30)).await, Some(2));
    assert_eq!(world.users(&shop, days(1)).await, Some(1));
    assert_eq!(world.users(&other, days(30)).await, Some(0));
    // Asked again from the beginning, the same answers change nothing.
    let before: i64 = sqlx::query_scalar("SELECT count(*) FROM user_days").fetch_one(&world.db).await.unwrap();
    sqlx::query("UPDATE user_looks SET read_until = NULL").execute(&world.db).await.unwrap();
    world.hours_of_users(1).await;
    let after: i64 = sqlx::query_scalar("SELECT count(*) FROM user_days").fetch_one(&world.db).await.unwrap();
    assert_eq!((before, after), (4, 4));
    let mut db = world.db.acquire().await.unwrap();
    let foreign = usage::active_users(&mut db, other.account, &[shop.environment], days(30)).await.unwrap();
    assert_eq!(foreign, []);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn the_same_people_in_a_copy_are_the_copy_s_and_nobody_can_tell_that_they_are_the_same(db: PgPool) {
    let world = World::new(db);
    let (production, test) = (world.answering("alice", 0).await, world.answering("test", 0).await);
    for user in 2..6 {
        world.uses(&production, user, start() + TimeDelta::hours(1));
    }
    world.hours_of_users(3).await;
    let before = world.users(&production, days(30)).await;
    // The production's people as they are in a copy of its database, one of whom uses it.
    world.uses(&test, 2, start() + TimeDelta::hours(4));
    world.hours_of_users(3).await;
    assert_eq!((before, world.users(&production, days(30)).await), (Some(4), Some(4)));
    assert_eq!(world.users(&test, days(30)).await, Some(1));
    let hashes: i64 =
        sqlx::query_scalar("SELECT count(DISTINCT user_hash) FROM user_days").fetch_one(&world.db).await.unwrap();
    assert_eq!(hashes, 5);
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_database_that_does_not_answer_is_asked_later_for_all_that_it_did_not_say(db: PgPool) {
    let world = World::new(db);
    let shop = world.answering("alice", 0).await;
    world.uses(&shop, 2, start() + TimeDelta::minutes(30));
    world.hours_of_users(1).await;
    world.tenants.set_away(true);
    world.uses(&shop, 3, start() + TimeDelta::hours(2));
    world.hours_of_users(30).await;
    assert_eq!(world.users(&shop, days(30)).await, Some(1));
    let day = (start() + TimeDelta::hours(2), start() + TimeDelta::hours(26));
    assert_eq!(world.users(&shop, day).await, None, "of this day nothing is known");
    world.tenants.set_away(false);
    world.hours_of_users(1).await;
    assert_eq!(world.users(&shop, days(30)).await, Some(2));
    assert_eq!(world.users(&shop, day).await, Some(1));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn who_tried_a_spare_before_it_was_claimed_is_not_its_customer_s_user(db: PgPool) {
    let world = World::new(db);
    let shop = world.answering("alice", 7200).await;
    world.uses(&shop, 2, start() + TimeDelta::hours(1));
    world.hours_of_users(2).await;
    assert_eq!(world.users(&shop, days(30)).await, Some(0));
}

#[sqlx::test(migrator = "sayoo::db::MIGRATOR")]
async fn a_month_that_begins_within_a_day_takes_only_who_came_after_its_beginning(db: PgPool) {
    let world = World::new(db);
    let shop = world.answering("alice", 0).await;
    // Midnight in Paris.
    let boundary = start() + TimeDelta::hours(13);
    world.uses(&shop, 2, boundary - TimeDelta::hours(2));
    world.uses(&shop, 3, boundary + TimeDelta::minutes(10));
    world.uses(&shop, 4, boundary - TimeDelta::hours(1));
    world.uses(&shop, 4, boundary + TimeDelta::minutes(20));
    world.hours_of_users(24).await;
    assert_eq!(world.users(&shop, (start(), boundary)).await, Some(2));
    assert_eq!(world.users(&shop, (boundary, boundary + TimeDelta::days(30))).await, Some(2));
    assert_eq!(world.users(&shop, days(30)).await, Some(3));
}
