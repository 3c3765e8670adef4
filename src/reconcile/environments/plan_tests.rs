//! Tries the planner on every world there is.

use super::*;

const WANTED: [Wanted; 5] = [
    Wanted::Running,
    Wanted::Stopped,
    Wanted::Suspended,
    Wanted::Deleted { is_purge_due: false },
    Wanted::Deleted { is_purge_due: true },
];
const TEMPLATES: [Template; 4] = [Template::Missing, Template::Building, Template::Failed, Template::Ready];
const DATABASES: [Seen<Database>; 4] =
    [Seen::Unknown, Seen::Known(Database::Missing), Seen::Known(Database::HalfMade), Seen::Known(Database::Ready)];
const ROLES: [Seen<bool>; 3] = [Seen::Unknown, Seen::Known(false), Seen::Known(true)];
const SERVICES: [Seen<Service>; 4] =
    [Seen::Unknown, Seen::Known(Service::Missing), Seen::Known(Service::Outdated), Seen::Known(Service::Current)];
const CONTAINERS: [Seen<Container>; 6] = [
    Seen::Unknown,
    Seen::Known(Container::Missing),
    Seen::Known(Container::Starting),
    Seen::Known(Container::Crashing),
    Seen::Known(Container::OldServes),
    Seen::Known(Container::Serves),
];
const ROUTES: [Route; 6] = [
    Route::None,
    Route::Closed(Closed::Starting),
    Route::Closed(Closed::Stopped),
    Route::Closed(Closed::Suspended),
    Route::Stale,
    Route::Serving,
];

const HOMES: [Home; 4] = [Home::None, Home::Placed, Home::Lost, Home::Unfenced];

fn every_runtime() -> Vec<Option<RuntimeWorld>> {
    let mut all = vec![None];
    for flags in 0..16_u8 {
        for database in DATABASES {
            for has_role in ROLES {
                for service in SERVICES {
                    for container in CONTAINERS {
                        all.push(Some(RuntimeWorld {
                            home: HOMES[usize::from(flags & 3)],
                            is_outdated: flags & 4 != 0,
                            is_personalised: flags & 8 != 0,
                            database,
                            has_role,
                            service,
                            container,
                        }));
                    }
                }
            }
        }
    }
    all
}

fn every_world() -> Vec<World> {
    let mut all = Vec::new();
    for runtime in every_runtime() {
        for template in TEMPLATES {
            for route in ROUTES {
                for is_forgotten in [false, true] {
                    all.push(World { is_forgotten, template, runtime, route });
                }
            }
        }
    }
    all
}

/// What the world is like after a step, when the step works.
fn after(step: Step, mut world: World) -> World {
    let fresh = RuntimeWorld {
        home: Home::Placed,
        is_outdated: false,
        is_personalised: false,
        database: Seen::Known(Database::Missing),
        has_role: Seen::Known(false),
        service: Seen::Known(Service::Missing),
        container: Seen::Known(Container::Missing),
    };
    match step {
        Step::OrderTemplate => world.template = Template::Ready,
        Step::Begin => {
            world.runtime = Some(fresh);
            world.route = Route::Closed(Closed::Starting);
        }
        Step::Open => world.route = Route::Serving,
        Step::Close(page) => world.route = Route::Closed(page),
        Step::Unroute => world.route = Route::None,
        Step::Forget => world.is_forgotten = true,
        _ => {
            let runtime = world.runtime.as_mut().expect("only a runtime's step is left");
            match step {
                Step::Place | Step::Rotate => runtime.home = Home::Placed,
                Step::Flee => {
                    runtime.home = Home::Unfenced;
                    runtime.service = Seen::Known(Service::Outdated);
                    runtime.container = Seen::Known(Container::Missing);
                }
                Step::Renew => {
                    runtime.is_outdated = false;
                    runtime.service = Seen::Known(Service::Outdated);
                }
                Step::Provide(parts) => {
                    runtime.has_role = Seen::Known(true);
                    runtime.database = Seen::Known(Database::Ready);
                    if parts.service {
                        runtime.service = Seen::Known(Service::Current);
                        runtime.container = Seen::Known(Container::Starting);
                    }
                }
                Step::Personalise => runtime.is_personalised = true,
                Step::RemoveService => {
                    runtime.service = Seen::Known(Service::Missing);
                    runtime.container = Seen::Known(Container::Missing);
                }
                Step::Fence => runtime.has_role = Seen::Known(false),
                Step::Release => runtime.home = Home::None,
                Step::DropDatabase => runtime.database = Seen::Known(Database::Missing),
                _ => unreachable!("handled above"),
            }
        }
    }
    world
}

#[test]
fn every_world_settles_or_waits_within_twelve_steps() {
    for wanted in WANTED {
        for start in every_world() {
            let mut world = start;
            let mut steps = 0;
            while let Next::Do(step) = next(wanted, world) {
                world = after(step, world);
                steps += 1;
                assert!(steps <= 12, "{wanted:?} never settles from {start:?}");
            }
        }
    }
}

#[test]
fn data_is_dropped_only_when_deletion_is_wanted_and_the_purge_is_due() {
    for wanted in WANTED {
        for world in every_world() {
            if matches!(next(wanted, world), Next::Do(Step::DropDatabase | Step::Forget)) {
                assert_eq!(wanted, Wanted::Deleted { is_purge_due: true }, "data lost in {world:?}");
            }
        }
    }
}

#[test]
fn a_failed_look_makes_nothing_and_removes_nothing() {
    for wanted in WANTED {
        for mut world in every_world() {
            let Some(runtime) = &mut world.runtime else { continue };
            runtime.database = Seen::Unknown;
            runtime.has_role = Seen::Unknown;
            runtime.service = Seen::Unknown;
            runtime.container = Seen::Unknown;
            if let Next::Do(step) = next(wanted, world) {
                let touches_only_rows =
                    matches!(step, Step::Place | Step::Flee | Step::Renew | Step::Close(_) | Step::Unroute);
                assert!(touches_only_rows, "{step:?} without having seen anything: {world:?}");
                if let Step::Close(page) = step {
                    assert!(wanted != Wanted::Running, "closed to {page:?} without having seen anything");
                }
            }
        }
    }
}

#[test]
fn a_database_that_a_customer_used_is_never_replaced_by_a_fresh_one() {
    for wanted in WANTED {
        for world in every_world() {
            if world.runtime.is_some_and(|runtime| runtime.is_personalised)
                && let Next::Do(Step::Provide(parts)) = next(wanted, world)
            {
                assert!(!parts.database, "replaced in {world:?}");
            }
        }
    }
}

#[test]
fn a_name_leads_to_an_instance_only_when_it_serves_and_is_personalised() {
    for wanted in WANTED {
        for world in every_world() {
            if next(wanted, world) == Next::Do(Step::Open) {
                let runtime = world.runtime.unwrap();
                assert!(runtime.is_personalised);
                assert!(matches!(runtime.container, Seen::Known(Container::Serves | Container::OldServes)));
                assert_eq!(wanted, Wanted::Running);
            }
        }
    }
}

#[test]
fn what_is_wanted_to_run_ends_up_serving_once_its_container_answers() {
    for mut world in every_world() {
        world.is_forgotten = false;
        world.template = Template::Ready;
        for _ in 0..20 {
            match next(Wanted::Running, world) {
                Next::Do(step) => world = after(step, world),
                Next::Wait(Awaited::Container | Awaited::CrashingContainer) => {
                    world.runtime.as_mut().unwrap().container = Seen::Known(Container::Serves);
                }
                Next::Wait(Awaited::Sight | Awaited::LostDatabase) => break,
                Next::Wait(other) => panic!("waits for {other:?}"),
                Next::Settled => {
                    assert_eq!(world.route, Route::Serving);
                    break;
                }
            }
        }
    }
}

#[test]
fn nothing_is_started_elsewhere_before_a_lost_machine_is_off_the_database() {
    for world in every_world() {
        let Some(runtime) = world.runtime.filter(|_| !world.is_forgotten) else { continue };
        let next = next(Wanted::Running, world);
        match runtime.home {
            Home::Lost => assert_eq!(next, Next::Do(Step::Flee), "{world:?}"),
            Home::Unfenced => {
                assert!(matches!(next, Next::Do(Step::Rotate) | Next::Wait(Awaited::Sight)), "{next:?} in {world:?}");
            }
            Home::None | Home::Placed => assert!(!matches!(next, Next::Do(Step::Flee | Step::Rotate))),
        }
    }
}
