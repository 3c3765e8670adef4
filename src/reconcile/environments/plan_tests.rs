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
const SERVICES: [Seen<Service>; 5] = [
    Seen::Unknown,
    Seen::Known(Service::Missing),
    Seen::Known(Service::AtRest),
    Seen::Known(Service::Outdated),
    Seen::Known(Service::Current),
];
const RESTS: [Rest; 5] = [Rest::Awake, Rest::Tired, Rest::FallingAsleep, Rest::Asleep, Rest::Called];
const CONTAINERS: [Seen<Container>; 6] = [
    Seen::Unknown,
    Seen::Known(Container::Missing),
    Seen::Known(Container::Starting),
    Seen::Known(Container::Crashing),
    Seen::Known(Container::OldServes),
    Seen::Known(Container::Serves),
];
const ROUTES: [Route; 7] = [
    Route::None,
    Route::Closed(Closed::Starting),
    Route::Closed(Closed::Stopped),
    Route::Closed(Closed::Suspended),
    Route::Closed(Closed::Asleep),
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
        // With a runtime the template makes no difference, and without one nothing sleeps.
        let templates = if runtime.is_some() { &TEMPLATES[3..] } else { &TEMPLATES };
        let rests = if runtime.is_some() { &RESTS[..] } else { &RESTS[..1] };
        for template in templates.iter().copied() {
            for route in ROUTES {
                for rest in rests.iter().copied() {
                    for is_forgotten in [false, true] {
                        all.push(World {
                            is_forgotten,
                            template,
                            rest,
                            update: None,
                            trial: Trial::Passed,
                            runtime,
                            route,
                            others_serve: false,
                        });
                    }
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
        Step::BeginUpdate => {
            let (service, container) = (Seen::Known(Service::Missing), Seen::Known(Container::Missing));
            world.update = Some(Move::Starting { service, container, is_overdue: false });
        }
        Step::ProvideUpdate => {
            let (service, container) = (Seen::Known(Service::Current), Seen::Known(Container::Starting));
            world.update = Some(Move::Starting { service, container, is_overdue: false });
        }
        Step::Switch => {
            world.update = Some(Move::Switched { is_drained: false });
            world.route = Route::Serving;
            world.runtime.as_mut().unwrap().container = Seen::Known(Container::Serves);
        }
        Step::GiveUp | Step::Withdraw => world.update = Some(Move::Leaving),
        // Whether for good or for now makes no difference to the planner's next step.
        Step::RemoveOld | Step::RemoveNew | Step::Adopt => world.update = None,
        Step::FallAsleep => {
            world.rest = Rest::FallingAsleep;
            world.route = Route::Closed(Closed::Asleep);
        }
        Step::WakeUp => {
            world.rest = Rest::Awake;
            world.route = Route::Closed(Closed::Starting);
        }
        Step::Unroute => world.route = Route::None,
        Step::Forget => {
            world.is_forgotten = true;
            world.update = None;
        }
        _ => {
            let runtime = world.runtime.as_mut().expect("only a runtime's step is left");
            match step {
                Step::Place | Step::Rotate => runtime.home = Home::Placed,
                Step::Flee => {
                    world.route = Route::Closed(Closed::Starting);
                    runtime.home = Home::Unfenced;
                    runtime.service = Seen::Known(Service::Outdated);
                    runtime.container = Seen::Known(Container::Missing);
                }
                Step::PutBack => {
                    world.trial = Trial::Passed;
                    runtime.service = Seen::Known(Service::Outdated);
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
                Step::PutToRest => {
                    runtime.service = Seen::Known(Service::AtRest);
                    runtime.container = Seen::Known(Container::Missing);
                }
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
fn only_an_image_that_never_served_is_taken_back_and_only_when_it_fails() {
    for trial in [Trial::Passed, Trial::OnTrial { is_overdue: false }, Trial::OnTrial { is_overdue: true }] {
        for wanted in WANTED {
            for world in every_world().into_iter().map(|world| World { trial, ..world }) {
                if next(wanted, world) == Next::Do(Step::PutBack) {
                    let container = world.runtime.unwrap().container;
                    let is_late = trial == Trial::OnTrial { is_overdue: true };
                    let is_late = is_late && matches!(container, Seen::Known(Container::Missing | Container::Starting));
                    assert!(is_late || container == Seen::Known(Container::Crashing), "{world:?}");
                    assert!(wanted == Wanted::Running && trial != Trial::Passed, "{world:?}");
                } else if trial != Trial::Passed && wanted == Wanted::Running {
                    assert_ne!(next(wanted, world), Next::Wait(Awaited::CrashingContainer), "{world:?}");
                }
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
                let touches_only_rows = matches!(
                    step,
                    Step::Place | Step::Flee | Step::Renew | Step::Close(_) | Step::Unroute | Step::WakeUp
                );
                assert!(touches_only_rows, "{step:?} without having seen anything: {world:?}");
                if let Step::Close(page) = step {
                    assert!(
                        wanted != Wanted::Running || page == Closed::Asleep,
                        "closed to {page:?} without having seen anything"
                    );
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
        if !matches!(world.rest, Rest::Awake | Rest::Called) {
            continue;
        }
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
fn only_what_is_wanted_running_sleeps_and_never_before_all_is_quiet() {
    for wanted in WANTED {
        for world in every_world() {
            match next(wanted, world) {
                Next::Do(Step::PutToRest) => assert_eq!((wanted, world.rest), (Wanted::Running, Rest::Asleep)),
                Next::Do(Step::FallAsleep) => {
                    assert_eq!((wanted, world.rest, world.route), (Wanted::Running, Rest::Tired, Route::Serving));
                }
                Next::Do(Step::WakeUp) => assert_eq!((wanted, world.rest), (Wanted::Running, Rest::Called)),
                _ => {}
            }
        }
    }
}

#[test]
fn what_sleeps_ends_up_without_containers_and_without_a_machine() {
    for mut world in every_world().into_iter().filter(|world| world.rest == Rest::Asleep && !world.is_forgotten) {
        while let Next::Do(step) = next(Wanted::Running, world) {
            world = after(step, world);
        }
        if next(Wanted::Running, world) == Next::Settled {
            let runtime = world.runtime.unwrap();
            assert_eq!(runtime.home, Home::None);
            assert!(matches!(runtime.service, Seen::Known(Service::Missing | Service::AtRest)));
            assert_eq!(world.route, Route::Closed(Closed::Asleep));
        }
    }
}

/// Every way in which an update can stand.
fn every_update() -> Vec<Move> {
    let switched = [false, true].map(|is_drained| Move::Switched { is_drained });
    let mut all = [vec![Move::Due, Move::Leaving, Move::WithoutImage], switched.to_vec()].concat();
    for service in SERVICES {
        for container in CONTAINERS {
            for is_overdue in [false, true] {
                all.push(Move::Starting { service, container, is_overdue });
            }
        }
    }
    all
}

/// Worlds with an update. What the update does not look at is left out: there would be millions.
fn every_updated_world() -> Vec<World> {
    let rests = [Rest::Awake, Rest::Tired, Rest::Asleep, Rest::Called];
    let worlds = every_world().into_iter().filter(|world| {
        world.runtime.is_some_and(|runtime| {
            runtime.database == Seen::Known(Database::Ready) && runtime.has_role == Seen::Known(true)
        }) && rests.contains(&world.rest)
            && !world.is_forgotten
    });
    let updates = every_update();
    worlds.flat_map(|world| updates.clone().into_iter().map(move |it| World { update: Some(it), ..world })).collect()
}

#[test]
fn an_update_never_leads_the_public_to_what_does_not_serve_nor_ends_what_does() {
    for world in every_updated_world() {
        for wanted in WANTED {
            match next(wanted, world) {
                Next::Do(Step::Switch) => {
                    let serves =
                        |it| matches!(it, Some(Move::Starting { container: Seen::Known(Container::Serves), .. }));
                    assert!(serves(world.update) && wanted == Wanted::Running, "{world:?}");
                }
                Next::Do(Step::RemoveOld) if wanted == Wanted::Running && world.rest != Rest::Asleep => {
                    let is_drained = world.update == Some(Move::Switched { is_drained: true });
                    let is_at_home = matches!(world.runtime.unwrap().home, Home::None | Home::Placed);
                    assert!(is_drained || world.rest == Rest::Called || !is_at_home, "{world:?}");
                }
                Next::Do(Step::FallAsleep) => panic!("falls asleep in the middle of an update: {world:?}"),
                _ => {}
            }
        }
    }
}

#[test]
fn every_update_ends() {
    for start in every_updated_world() {
        for wanted in WANTED {
            let mut world = start;
            let mut steps = 0;
            loop {
                match next(wanted, world) {
                    Next::Do(Step::WakeUp) if steps > 20 => panic!("{wanted:?} never settles from {start:?}"),
                    Next::Do(step) => world = after(step, world),
                    Next::Wait(Awaited::Update) => {
                        let (service, container) = (Seen::Known(Service::Current), Seen::Known(Container::Serves));
                        world.update = Some(Move::Starting { service, container, is_overdue: false });
                    }
                    Next::Wait(Awaited::Drained) => world.update = Some(Move::Switched { is_drained: true }),
                    Next::Wait(Awaited::Container | Awaited::CrashingContainer) => {
                        world.runtime.as_mut().unwrap().container = Seen::Known(Container::Serves);
                    }
                    _ => break,
                }
                steps += 1;
                assert!(steps < 40, "{wanted:?} never settles from {start:?}: {world:?}");
            }
            if next(wanted, world) == Next::Settled {
                assert_eq!(world.update, None, "{wanted:?} from {start:?}");
            }
        }
    }
}

#[test]
fn nothing_is_started_elsewhere_before_a_lost_machine_is_off_the_database() {
    for world in every_world() {
        let Some(runtime) = world.runtime.filter(|_| !world.is_forgotten) else { continue };
        let is_up = matches!(world.rest, Rest::Awake | Rest::Tired);
        let next = next(Wanted::Running, world);
        match runtime.home {
            Home::Lost if is_up => assert_eq!(next, Next::Do(Step::Flee), "{world:?}"),
            Home::Unfenced if is_up => {
                assert!(matches!(next, Next::Do(Step::Rotate) | Next::Wait(Awaited::Sight)), "{next:?} in {world:?}");
            }
            _ => assert!(!matches!(next, Next::Do(Step::Flee | Step::Rotate)), "{next:?} in {world:?}"),
        }
    }
    for world in every_world().into_iter().chain(every_updated_world()) {
        if !world.runtime.is_some_and(|runtime| matches!(runtime.home, Home::Lost | Home::Unfenced)) {
            continue;
        }
        for wanted in WANTED {
            let next = next(wanted, world);
            let starts = matches!(
                next,
                Next::Do(
                    Step::Provide(_)
                        | Step::Personalise
                        | Step::Open
                        | Step::BeginUpdate
                        | Step::ProvideUpdate
                        | Step::Switch
                )
            );
            assert!(!starts, "{next:?} for {wanted:?} in {world:?}");
        }
    }
}

#[test]
fn what_flees_has_one_service_only() {
    for world in every_updated_world() {
        if matches!(next(Wanted::Running, world), Next::Do(Step::Flee | Step::Rotate)) {
            assert_eq!(world.update, Some(Move::Due), "{world:?}");
        }
    }
}

#[test]
fn while_another_container_serves_the_public_is_not_told_that_it_starts() {
    for world in every_world().into_iter().chain(every_updated_world()) {
        let with_others = World { others_serve: true, ..world };
        for wanted in WANTED {
            let next = next(wanted, with_others);
            assert_ne!(next, Next::Do(Step::Close(Closed::Starting)), "{with_others:?}");
            if next != super::next(wanted, world) {
                let waits = matches!(next, Next::Wait(Awaited::Container | Awaited::CrashingContainer));
                assert!(waits || world.update.is_some(), "{next:?} in {with_others:?}");
            }
        }
    }
}
