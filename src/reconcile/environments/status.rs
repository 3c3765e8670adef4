//! Says how an environment is, in the words that people are shown. Pure.

use serde_json::{Value, json};

use crate::engine;
use crate::reconcile::runtimes::look::Trouble;
use crate::tenant_db;

use super::observe::End;
use super::plan::{Awaited, Container, Next, Rest, Route, Step, Wanted, World};
use crate::reconcile::runtimes::Seen;

/// What people are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The status' word.
    pub status: &'static str,
    /// The key of the sentence that says why, if there is something to say.
    pub reason: Option<&'static str>,
}

impl Told {
    /// Returns the reason as it is kept.
    #[must_use]
    pub fn reason_value(&self) -> Option<Value> {
        self.reason.map(|key| json!({ "key": key }))
    }
}

/// What else decides what is said.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circumstances<'a> {
    /// Whether it has not been as wanted for longer than a healthy one takes.
    pub is_overdue: bool,
    /// What could not be seen.
    pub troubles: &'a [Trouble],
    /// What is said until now.
    pub status: &'a str,
    /// Why it runs in fewer containers than are wanted, if it does.
    pub shortage: Option<&'static str>,
    /// How its last container ended, when that says why.
    pub end: Option<End>,
    /// Why its machine has no image to start it from, if it has none.
    pub absence: Option<&'static str>,
}

/// Decides what to tell; `None` leaves what was said.
#[must_use]
pub fn tell(wanted: Wanted, world: World, next: Next, circumstances: Circumstances<'_>) -> Option<Told> {
    if world.is_forgotten {
        return None;
    }
    let plain = |status| Some(Told { status, reason: None });
    if next == Next::Wait(Awaited::Sight) {
        return unseen(circumstances);
    }
    match wanted {
        Wanted::Deleted { .. } => plain("deleting"),
        Wanted::Suspended => plain("suspended"),
        Wanted::Stopped => plain(if next == Next::Settled { "stopped" } else { "stopping" }),
        // Until all is quiet there is no news: it may be wanted again at any moment.
        Wanted::Running if matches!(world.rest, Rest::FallingAsleep | Rest::Asleep) => {
            if next == Next::Settled {
                plain("asleep")
            } else {
                None
            }
        }
        Wanted::Running => running(world, next, circumstances),
    }
}

/// A failed look is no news: only what was being made gets a reason for its delay.
fn unseen(circumstances: Circumstances<'_>) -> Option<Told> {
    let reason = match circumstances.troubles.first() {
        Some(Trouble::EngineAway) => "reason-engine-away",
        Some(Trouble::DatabaseAway) => "reason-database-away",
        None => return None,
    };
    let status = match circumstances.status {
        "preparing" | "ordered" => "preparing",
        "starting" => "starting",
        "waking" => "waking",
        _ => return None,
    };
    Some(Told { status, reason: Some(reason) })
}

fn running(world: World, next: Next, circumstances: Circumstances<'_>) -> Option<Told> {
    let failing = |reason| Some(Told { status: "failing", reason: Some(reason) });
    match next {
        // An update takes its time; what serves, serves.
        Next::Settled | Next::Wait(Awaited::Drained | Awaited::Update | Awaited::Replicas) => {
            return Some(Told { status: "running", reason: circumstances.shortage });
        }
        Next::Wait(Awaited::FailedTemplate) => return failing("reason-template-failed"),
        Next::Wait(Awaited::LostDatabase) => return failing("reason-database-away"),
        Next::Wait(Awaited::CrashingContainer) if !world.others_serve => {
            let is_full = circumstances.end == Some(End::OutOfMemory);
            return failing(if is_full { "reason-memory-full" } else { "reason-crashing" });
        }
        _ => {}
    }
    let first_serves = world
        .runtime
        .is_some_and(|runtime| matches!(runtime.container, Seen::Known(Container::Serves | Container::OldServes)));
    if world.others_serve || (world.route == Route::Serving && first_serves) {
        // A restart under way: the old container serves until the new one does.
        let reason = (circumstances.is_overdue).then_some("reason-image-unhealthy");
        return Some(Told { status: "running", reason });
    }
    if circumstances.is_overdue && next == Next::Wait(Awaited::Container) {
        return failing(circumstances.absence.unwrap_or(match circumstances.end {
            Some(End::NeverBegun) => "reason-not-started",
            Some(End::OutOfMemory) => "reason-memory-full",
            None => "reason-image-unhealthy",
        }));
    }
    let status = match next {
        Next::Do(Step::OrderTemplate | Step::Begin | Step::Provide(_) | Step::Personalise)
        | Next::Wait(Awaited::Template) => "preparing",
        _ => "starting",
    };
    // What was made once is started, not prepared; and what is failing stays so until it serves again.
    let has_been_made = world.runtime.is_some_and(|runtime| runtime.is_personalised);
    match circumstances.status {
        "failing" => None,
        // The step that wakes it says so itself.
        "asleep" | "waking" => Some(Told { status: "waking", reason: circumstances.absence }),
        _ if has_been_made => Some(Told { status: "starting", reason: circumstances.absence }),
        _ => Some(Told { status, reason: circumstances.absence }),
    }
}

/// Returns the event for the history when the status changes, if that is news to people.
#[must_use]
pub fn event_of(before: &str, after: &str, was_ever_ready: bool) -> Option<&'static str> {
    Some(match (before, after) {
        (same, also) if same == also => return None,
        (_, "suspended") => "suspended",
        // The history has it already: who deleted it, who woke it.
        ("suspended", "deleting") | ("waking", "running") => return None,
        ("suspended", _) => "resumed",
        ("failing", "running") => "recovered",
        (_, "asleep") => "asleep",
        // The end of the creation has its own steps.
        (_, "running") if was_ever_ready => "started",
        (_, "stopped") => "stopped",
        (_, "failing") => "failing",
        (_, "deleted") => "deleted",
        _ => return None,
    })
}

/// Returns the sentence for a failure, when it is one that people can make sense of.
#[must_use]
pub fn reason_of(error: &anyhow::Error) -> Option<&'static str> {
    for cause in error.chain() {
        if let Some(no_room) = cause.downcast_ref::<crate::hosts::NoRoom>() {
            return Some(if no_room.is_for_want_of_image() { "reason-image-lacking" } else { "reason-no-room" });
        }
        if cause.is::<engine::Error>() {
            return Some("reason-engine-away");
        }
        match cause.downcast_ref::<tenant_db::Error>() {
            Some(tenant_db::Error::DiskFull(_)) => return Some("reason-disk-full"),
            Some(_) => return Some("reason-database-away"),
            None => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::environments::plan::{Home, RuntimeWorld, Template, Trial, next};
    use crate::reconcile::runtimes::{Database, Service};

    fn serving() -> World {
        World {
            is_forgotten: false,
            template: Template::Ready,
            rest: Rest::Awake,
            update: None,
            trial: Trial::Passed,
            runtime: Some(RuntimeWorld {
                home: Home::Placed,
                is_outdated: false,
                is_personalised: true,
                database: Seen::Known(Database::Ready),
                has_role: Seen::Known(true),
                service: Seen::Known(Service::Current),
                container: Seen::Known(Container::Serves),
            }),
            route: Route::Serving,
            others_serve: false,
        }
    }

    fn told(
        wanted: Wanted,
        world: World,
        circumstances: Circumstances<'_>,
    ) -> Option<(&'static str, Option<&'static str>)> {
        tell(wanted, world, next(wanted, world), circumstances).map(|told| (told.status, told.reason))
    }

    #[test]
    fn what_serves_is_running_even_while_it_restarts() {
        let mut world = serving();
        assert_eq!(told(Wanted::Running, world, Circumstances::default()), Some(("running", None)));
        world.runtime.as_mut().unwrap().container = Seen::Known(Container::OldServes);
        assert_eq!(told(Wanted::Running, world, Circumstances::default()), Some(("running", None)));
    }

    #[test]
    fn what_serves_from_another_container_is_running_and_a_shortage_is_said() {
        let mut world = World { others_serve: true, route: Route::Stale, ..serving() };
        for container in [Container::Missing, Container::Starting, Container::Crashing] {
            world.runtime.as_mut().unwrap().container = Seen::Known(container);
            assert_eq!(told(Wanted::Running, world, Circumstances::default()), Some(("running", None)));
        }
        let short = Circumstances { shortage: Some("reason-replicas-no-room"), ..Circumstances::default() };
        assert_eq!(told(Wanted::Running, serving(), short), Some(("running", short.shortage)));
    }

    #[test]
    fn a_container_that_never_answers_is_said_to_be_failing() {
        let mut world = serving();
        world.route = Route::Closed(crate::reconcile::environments::plan::Closed::Starting);
        world.runtime.as_mut().unwrap().container = Seen::Known(Container::Starting);
        let on_time = Circumstances { status: "starting", ..Circumstances::default() };
        assert_eq!(told(Wanted::Running, world, on_time), Some(("starting", None)));
        let overdue = Circumstances { is_overdue: true, ..on_time };
        assert_eq!(told(Wanted::Running, world, overdue), Some(("failing", Some("reason-image-unhealthy"))));
        let never_begun = Circumstances { end: Some(End::NeverBegun), ..overdue };
        assert_eq!(told(Wanted::Running, world, never_begun), Some(("failing", Some("reason-not-started"))));
        world.runtime.as_mut().unwrap().container = Seen::Known(Container::Crashing);
        assert_eq!(told(Wanted::Running, world, on_time), Some(("failing", Some("reason-crashing"))));
        let full = Circumstances { end: Some(End::OutOfMemory), ..on_time };
        assert_eq!(told(Wanted::Running, world, full), Some(("failing", Some("reason-memory-full"))));
    }

    #[test]
    fn a_start_that_waits_for_its_image_says_so() {
        let mut world = serving();
        world.route = Route::Closed(crate::reconcile::environments::plan::Closed::Starting);
        world.runtime.as_mut().unwrap().container = Seen::Known(Container::Missing);
        for (status, said) in [("starting", "starting"), ("asleep", "waking"), ("waking", "waking")] {
            let coming = Circumstances { status, absence: Some("reason-image-coming"), ..Circumstances::default() };
            assert_eq!(told(Wanted::Running, world, coming), Some((said, Some("reason-image-coming"))));
        }
        let lacking =
            Circumstances { absence: Some("reason-image-lacking"), is_overdue: true, ..Circumstances::default() };
        assert_eq!(told(Wanted::Running, world, lacking), Some(("failing", Some("reason-image-lacking"))));
    }

    #[test]
    fn a_failed_look_does_not_change_what_is_said_of_a_running_one() {
        let mut world = serving();
        world.runtime.as_mut().unwrap().service = Seen::Unknown;
        let circumstances =
            Circumstances { status: "running", troubles: &[Trouble::EngineAway], ..Circumstances::default() };
        assert_eq!(told(Wanted::Running, world, circumstances), None);
        let preparing = Circumstances { status: "preparing", ..circumstances };
        assert_eq!(told(Wanted::Running, world, preparing), Some(("preparing", Some("reason-engine-away"))));
    }

    #[test]
    fn what_sleeps_says_so_once_all_is_quiet_and_says_that_it_wakes() {
        let mut world = serving();
        world.rest = Rest::FallingAsleep;
        world.route = Route::Closed(crate::reconcile::environments::plan::Closed::Asleep);
        assert_eq!(told(Wanted::Running, world, Circumstances { status: "running", ..Circumstances::default() }), None);
        world.rest = Rest::Asleep;
        let runtime = world.runtime.as_mut().unwrap();
        (runtime.service, runtime.home) = (Seen::Known(Service::AtRest), Home::None);
        assert_eq!(told(Wanted::Running, world, Circumstances::default()), Some(("asleep", None)));
        world.rest = Rest::Awake;
        let asleep = Circumstances { status: "asleep", ..Circumstances::default() };
        assert_eq!(told(Wanted::Running, world, asleep), Some(("waking", None)));
        assert_eq!(event_of("running", "asleep", true), Some("asleep"));
        assert_eq!(event_of("waking", "running", true), None);
        assert_eq!(event_of("suspended", "deleting", true), None, "nobody lifted it");
    }

    #[test]
    fn what_is_stopped_suspended_or_deleted_says_so() {
        for (wanted, status) in [
            (Wanted::Stopped, "stopping"),
            (Wanted::Suspended, "suspended"),
            (Wanted::Deleted { is_purge_due: false }, "deleting"),
        ] {
            assert_eq!(told(wanted, serving(), Circumstances::default()), Some((status, None)));
        }
    }
}
