//! Sleep of what nobody uses: when it may begin, when it ends, and the two steps that write it down.
//!
//! A request, a websocket or an upload counts as use, and so does whatever runs in the database at the moment. What is
//! due in Odoo keeps it awake when it is near, and wakes it when it is not.

pub mod store;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use crate::reconcile::environments::observe::Sight;
use crate::reconcile::environments::plan::{Closed, Rest};
use crate::reconcile::environments::status::Told;
use crate::reconcile::environments::store::Environment;
use crate::reconcile::environments::{act, store as environments};
use crate::reconcile::lease::Lease;
use crate::reconcile::runtimes::{Runtime, Seen, Service, provide};
use crate::reconcile::{Site, crash, runtimes};

/// What is due within this time keeps an environment awake: going to sleep for less is not worth it.
const SOON: TimeDelta = TimeDelta::minutes(5);
/// It is woken this long before something is due: it takes some seconds to start, and then a minute until Odoo first looks
/// at what is due, so that what is due is done within a minute.
const EARLY: TimeDelta = TimeDelta::seconds(55);
/// How long it stays awake for what was due; a visitor's request keeps it awake as any other does.
const STAYS_FOR_DUTY: TimeDelta = TimeDelta::minutes(3);
/// How long after the name was led away a request from before may still come to light: proxies tell every ten seconds
/// what they are in the middle of.
const QUIET_AFTER: TimeDelta = TimeDelta::seconds(12);
/// How often one that sleeps is looked at all the same.
const LOOK_EVERY: TimeDelta = TimeDelta::minutes(10);

/// What is known about the use of an environment.
#[derive(Clone, Debug, Default)]
pub struct Use {
    /// When a proxy last had something to tell of it.
    pub active_at: Option<DateTime<Utc>>,
    /// When somebody last asked for it to be woken, if that has not been done yet.
    pub asked_at: Option<DateTime<Utc>>,
    /// Who that was.
    pub asked_by: Option<String>,
}

/// Whether it sleeps, why it is woken, and when that should be asked again.
#[derive(Clone, Debug)]
pub struct Ease {
    /// For the planner.
    pub rest: Rest,
    /// What wakes it: `request`, `person`, `schedule` or `change`.
    pub cause: &'static str,
    /// When something in its database is due.
    pub next_at: Option<DateTime<Utc>>,
    /// When this may be different by itself.
    pub look_at: Option<DateTime<Utc>>,
}

impl Ease {
    /// Awake, and nothing more to say.
    pub const AWAKE: Self = Self { rest: Rest::Awake, cause: "", next_at: None, look_at: None };

    fn awake_until(look_at: DateTime<Utc>) -> Self {
        Self { look_at: Some(look_at), ..Self::AWAKE }
    }

    fn called(cause: &'static str) -> Self {
        Self { rest: Rest::Called, cause, ..Self::AWAKE }
    }
}

/// Looks whether an environment may sleep, sleeps, or is wanted.
pub async fn look(site: &Site, environment: &Environment, runtime: &Runtime) -> anyhow::Result<Ease> {
    let now = site.clock.now();
    let after = environment.sleep_after();
    if runtime.asleep_since.is_none() && (after.is_none() || environment.status != "running") {
        return Ok(Ease::AWAKE);
    }
    let mut db = site.db.acquire().await?;
    let used = store::find_use(&mut db, environment.id).await?;
    drop(db);
    if let Some(since) = runtime.asleep_since {
        let is_changed = after.is_none() || runtime.restarts_done < environment.restarts;
        return Ok(while_asleep(&used, runtime, since, now, is_changed));
    }
    let Some(after) = after else { return Ok(Ease::AWAKE) };
    let tired_at = tired_at(&used, runtime, environment.status_since, after);
    if now < tired_at {
        return Ok(Ease::awake_until(tired_at));
    }
    let password = provide::password(site, runtime.id).await?;
    let schedule = match site.tenants.schedule(&runtime.database()?, &runtime.role()?, &password).await {
        Ok(schedule) => schedule,
        // What is not known keeps it awake.
        Err(error) => {
            tracing::debug!(environment = %environment.id, %error, "cannot see what is due; it stays awake");
            return Ok(Ease::AWAKE);
        }
    };
    if schedule.is_at_work || schedule.next_at.is_some_and(|at| at <= now + SOON) {
        return Ok(Ease::AWAKE);
    }
    Ok(Ease { rest: Rest::Tired, next_at: schedule.next_at, ..Ease::AWAKE })
}

/// Returns when an environment has not been used for long enough.
fn tired_at(used: &Use, runtime: &Runtime, running_since: DateTime<Utc>, after: TimeDelta) -> DateTime<Utc> {
    let began = runtime.awake_until.unwrap_or(running_since + after);
    [used.active_at, used.asked_at].into_iter().flatten().map(|at| at + after).fold(began, DateTime::max)
}

fn while_asleep(used: &Use, runtime: &Runtime, since: DateTime<Utc>, now: DateTime<Utc>, is_changed: bool) -> Ease {
    let duty_at = runtime.wakes_at.map(|at| at - EARLY);
    if used.asked_at.is_some() {
        let is_person = used.asked_by.as_deref() == Some("person");
        return Ease::called(if is_person { "person" } else { "request" });
    }
    if used.active_at.is_some_and(|at| at > since) && now - since < LOOK_EVERY {
        // A request was under way when it fell asleep. Late news are of before: a proxy that could not tell.
        return Ease::called("request");
    }
    if is_changed {
        return Ease::called("change");
    }
    if duty_at.is_some_and(|at| at <= now) {
        return Ease::called("schedule");
    }
    let quiet_at = since + QUIET_AFTER;
    let (rest, look_at) =
        if now < quiet_at { (Rest::FallingAsleep, quiet_at) } else { (Rest::Asleep, now + LOOK_EVERY) };
    Ease { rest, look_at: Some(duty_at.map_or(look_at, |at| at.min(look_at))), ..Ease::AWAKE }
}

/// Notes that it is to sleep, and leads its name to the page that wakes it.
pub async fn fall_asleep(site: &Site, lease: &Lease, sight: &Sight, runtime: &Runtime) -> anyhow::Result<()> {
    let now = site.clock.now();
    crash::point("sleep:before");
    let mut tx = lease.begin(&site.db).await?;
    store::set_asleep(&mut tx, runtime.id, sight.ease.next_at, now).await?;
    // A wish from long ago: it kept it awake as a request would have.
    store::delete_wish(&mut tx, sight.environment.id).await?;
    act::set_closed(site, &mut tx, &sight.environment, Closed::Asleep).await?;
    tx.commit().await?;
    crash::point("sleep:after");
    Ok(())
}

/// Takes its containers away, under a new generation: a worker that was held up cannot do it later.
pub async fn put_to_rest(site: &Site, lease: &Lease, runtime: &Runtime) -> anyhow::Result<()> {
    let mut tx = lease.begin(&site.db).await?;
    runtimes::store::bump(&mut tx, runtime.id).await?;
    let renewed = runtimes::store::find(&mut tx, runtime.id).await?;
    tx.commit().await?;
    match renewed {
        Some(renewed) => provide::put_to_rest(site, &renewed).await,
        None => Ok(()),
    }
}

/// Notes that it is to run again. Whoever asked for it is answered once it serves.
pub async fn wake_up(site: &Site, lease: &Lease, sight: &Sight, runtime: &Runtime) -> anyhow::Result<()> {
    let environment = &sight.environment;
    let now = site.clock.now();
    let stays = match (sight.ease.cause, environment.sleep_after()) {
        ("schedule", _) | (_, None) => STAYS_FOR_DUTY,
        (_, Some(after)) => after,
    };
    let serves_still = sight.world.runtime.is_some_and(|world| world.service == Seen::Known(Service::Current));
    crash::point("wake:before");
    let mut tx = lease.begin(&site.db).await?;
    store::set_awake(&mut tx, runtime.id, now + stays).await?;
    if !serves_still {
        runtimes::store::bump(&mut tx, runtime.id).await?;
    }
    store::delete_wish(&mut tx, environment.id).await?;
    act::set_closed(site, &mut tx, environment, Closed::Starting).await?;
    if environment.status == "asleep" {
        environments::add_event(&mut tx, environment.id, "woken", &json!({ "by": sight.ease.cause }), now).await?;
        act::say(site, &mut tx, environment, &Told { status: "waking", reason: None }).await?;
    }
    crash::point("wake:middle");
    tx.commit().await?;
    crash::point("wake:after");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::RuntimeId;
    use crate::reconcile::runtimes::State;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap()
    }

    fn runtime() -> Runtime {
        Runtime {
            id: RuntimeId::new(at(0)),
            code: "a".repeat(20),
            image: "sha256:00".to_owned(),
            supply: None,
            template_database: "t".to_owned(),
            modules: Vec::new(),
            cpu_millis: 500,
            memory_mb: 512,
            host: None,
            node: None,
            is_lost: false,
            is_rotating: false,
            login_generation: 1,
            service_generation: 1,
            service_slot: 0,
            replica: None,
            restarts_done: 0,
            personalised_at: None,
            known_as: None,
            asleep_since: None,
            wakes_at: None,
            awake_until: None,
            state: State::Ready,
            created_at: at(0),
            on_trial_since: None,
        }
    }

    const AFTER: TimeDelta = TimeDelta::minutes(30);

    #[test]
    fn the_last_use_counts_whichever_it_was() {
        let mut runtime = runtime();
        assert_eq!(tired_at(&Use::default(), &runtime, at(0), AFTER), at(30), "since it runs");
        let used = Use { active_at: Some(at(10)), ..Use::default() };
        assert_eq!(tired_at(&used, &runtime, at(0), AFTER), at(40));
        let asked = Use { asked_at: Some(at(20)), ..used.clone() };
        assert_eq!(tired_at(&asked, &runtime, at(0), AFTER), at(50));
        // Woken by a duty: a few minutes, whatever time it has run since.
        runtime.awake_until = Some(at(103));
        assert_eq!(tired_at(&used, &runtime, at(100), AFTER), at(103));
        let visited = Use { active_at: Some(at(101)), ..Use::default() };
        assert_eq!(tired_at(&visited, &runtime, at(100), AFTER), at(131));
    }

    #[test]
    fn it_sleeps_until_a_request_a_person_a_change_or_a_duty() {
        let mut runtime = runtime();
        let quiet = |runtime: &Runtime, used: &Use, now| while_asleep(used, runtime, at(0), now, false);
        let unused = Use { active_at: Some(at(-30)), ..Use::default() };
        assert_eq!(quiet(&runtime, &unused, at(0)).rest, Rest::FallingAsleep);
        assert_eq!(quiet(&runtime, &unused, at(1)).rest, Rest::Asleep);

        let asked = Use { asked_at: Some(at(1)), asked_by: Some("person".to_owned()), ..unused.clone() };
        assert_eq!(quiet(&runtime, &asked, at(1)).cause, "person");
        let late = Use { active_at: Some(at(0) + TimeDelta::seconds(3)), ..Use::default() };
        assert_eq!(quiet(&runtime, &late, at(0)).rest, Rest::Called, "a request was under way");
        assert_eq!(while_asleep(&unused, &runtime, at(0), at(9), true).cause, "change");

        runtime.wakes_at = Some(at(60));
        let asleep = quiet(&runtime, &unused, at(55));
        assert_eq!((asleep.rest, asleep.look_at), (Rest::Asleep, Some(at(60) - EARLY)));
        assert_eq!(quiet(&runtime, &unused, at(60)).cause, "schedule");
    }
}
