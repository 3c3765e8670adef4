//! Decides what to do next about one environment. Pure: no clock, no network, no database.

use crate::reconcile::runtimes::{Database, Parts, Seen, Service};

/// What must become true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// It runs and is reached by its name.
    Running,
    /// It does not run; its data is kept.
    Stopped,
    /// Staff closed it; its data is kept.
    Suspended,
    /// It is being deleted: its data is kept until the purge is due.
    Deleted {
        /// Whether the time in which it can be undone is over.
        is_purge_due: bool,
    },
}

/// The template that the environment is cloned from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// Nobody has asked for it yet.
    Missing,
    /// It is being built.
    Building,
    /// Building it failed; it is tried again later.
    Failed,
    /// It can be cloned.
    Ready,
}

/// The container that would serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// There is none yet.
    Missing,
    /// It does not answer yet.
    Starting,
    /// It ends again and again.
    Crashing,
    /// One of an older specification answers, the new one does not yet.
    OldServes,
    /// It answers.
    Serves,
}

/// A page that stands in for the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// "Starting, one moment".
    Starting,
    /// "Stopped by its owner".
    Stopped,
    /// "Suspended".
    Suspended,
    /// "Waking up": the first request wakes it.
    Asleep,
}

/// Whether an environment that is to run may sleep, does, or is wanted again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// It is to run.
    Awake,
    /// Nobody used it for as long as its plan allows, and nothing in it is due: it may sleep.
    Tired,
    /// It is to sleep; a request from before may still be under way.
    FallingAsleep,
    /// It is to sleep, and nobody is in the middle of anything.
    Asleep,
    /// It is to sleep, and somebody or something wants it.
    Called,
}

/// Where the environment's name leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Nowhere.
    None,
    /// To a page that says why.
    Closed(Closed),
    /// To a container that is not, or no longer, the right one; or an old name still leads somewhere.
    Stale,
    /// To the container that serves, and perhaps to others.
    Serving,
}

/// How far an update is: another image or other limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// It may begin.
    Due,
    /// The new service is on its way; the old one serves.
    Starting {
        /// The new service.
        service: Seen<Service>,
        /// The new container.
        container: Seen<Container>,
        /// Whether it takes longer than any that works.
        is_overdue: bool,
    },
    /// The new one serves; the old one is still there.
    Switched {
        /// Whether nobody is in the middle of anything at the old one.
        is_drained: bool,
    },
    /// Its machine has not the image and cannot get it, or not in time: another machine may.
    WithoutImage,
    /// It is taken back, or its machine is lost; the new service is still there.
    Leaving,
}

/// Whether the image that a runtime is to run has ever served there. It got one while it did not run perhaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// It has, or no other ever did.
    Passed,
    /// It has not, and the one before it has.
    OnTrial {
        /// Whether it takes longer than any that works.
        is_overdue: bool,
    },
}

/// Where a runtime is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// It has no machine, and no memory set aside.
    None,
    /// It has a machine, and memory set aside on it.
    Placed,
    /// The Swarm has lost its machine: containers may go on there, out of reach.
    Lost,
    /// It has another machine; what may go on where it was is still let into the database.
    Unfenced,
}

/// The environment's runtime as it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuntimeWorld {
    /// Where it is.
    pub home: Home,
    /// Whether its service must become another one: a restart was asked for.
    pub is_outdated: bool,
    /// Whether the database was made the customer's own.
    pub is_personalised: bool,
    /// The database.
    pub database: Seen<Database>,
    /// Whether the login role may log in.
    pub has_role: Seen<bool>,
    /// The service.
    pub service: Seen<Service>,
    /// The container that would serve.
    pub container: Seen<Container>,
}

/// Everything that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct World {
    /// Whether everything was given up already, after a deletion.
    pub is_forgotten: bool,
    /// The template it is, or would be, cloned from.
    pub template: Template,
    /// Whether it sleeps.
    pub rest: Rest,
    /// Its update, if one may go on.
    pub update: Option<Move>,
    /// Whether its image has served.
    pub trial: Trial,
    /// Its runtime, if it has one.
    pub runtime: Option<RuntimeWorld>,
    /// Where its name leads.
    pub route: Route,
    /// Whether another container of it serves, so that the public has somewhere to go without this one.
    pub others_serve: bool,
}

/// One idempotent step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Asks for the template.
    OrderTemplate,
    /// Takes a spare, or begins a runtime of its own.
    Begin,
    /// Finds a machine and sets memory aside.
    Place,
    /// Finds another machine, because its own is lost, and makes another password for its database.
    Flee,
    /// Puts the other password in force, and whoever has the old one off the database.
    Rotate,
    /// Gives the service a new generation, because a restart was asked for.
    Renew,
    /// Makes what is missing of the runtime, all at the same time.
    Provide(Parts),
    /// Makes the database the customer's own.
    Personalise,
    /// Leads the name to the container that serves.
    Open,
    /// Leads the name to a page that says why the instance does not answer.
    Close(Closed),
    /// Notes that it is to sleep, and leads the name to the page that wakes it.
    FallAsleep,
    /// Takes the service's containers away.
    PutToRest,
    /// Notes that it is to run again.
    WakeUp,
    /// Sets room aside for an update's new container.
    BeginUpdate,
    /// Makes an update's new service.
    ProvideUpdate,
    /// Leads the name to an update's new container.
    Switch,
    /// Removes the old service.
    RemoveOld,
    /// Gives an update up: its container does not serve.
    GiveUp,
    /// Takes an update back until the environment runs again.
    Withdraw,
    /// Removes the new service of an update that is taken back.
    RemoveNew,
    /// Gives what does not run its new image and limits.
    Adopt,
    /// Takes an image back that was adopted and does not serve: the one that served last is started.
    PutBack,
    /// Leads the name nowhere.
    Unroute,
    /// Removes the service and so its containers.
    RemoveService,
    /// Locks the login role out.
    Fence,
    /// Gives the machine's memory back.
    Release,
    /// Drops the database. The customer's data is gone after this.
    DropDatabase,
    /// Drops the role, frees the name, and lets the runtime rest in peace.
    Forget,
}

/// What it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// The template is being built.
    Template,
    /// The template could not be built; another try comes.
    FailedTemplate,
    /// The container starts.
    Container,
    /// The container ends again and again.
    CrashingContainer,
    /// The database of an environment that was running is not there: a person must look.
    LostDatabase,
    /// Requests from before it fell asleep may still be under way.
    Quiet,
    /// An update's container starts.
    Update,
    /// Requests at the old container of an update may still be under way.
    Drained,
    /// Its further containers are not as wanted yet.
    Replicas,
    /// The look itself failed, so nothing is known.
    Sight,
}

/// The decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Take this step, then look again.
    Do(Step),
    /// Nothing can be done but wait.
    Wait(Awaited),
    /// All is as wanted.
    Settled,
}

impl Trial {
    fn has_failed(self, container: Seen<Container>) -> bool {
        let Self::OnTrial { is_overdue } = self else { return false };
        match container {
            Seen::Known(Container::Crashing) => true,
            Seen::Known(Container::Missing | Container::Starting) => is_overdue,
            Seen::Known(Container::OldServes | Container::Serves) | Seen::Unknown => false,
        }
    }
}

/// Decides the next step towards `wanted`.
#[must_use]
pub fn next(wanted: Wanted, world: World) -> Next {
    if world.is_forgotten {
        return Next::Settled;
    }
    let plain = match wanted {
        Wanted::Running => match (world.rest, world.runtime) {
            (Rest::Called, Some(_)) => Next::Do(Step::WakeUp),
            (Rest::FallingAsleep | Rest::Asleep, Some(runtime)) => towards_asleep(world, runtime),
            (Rest::Tired, _) => match towards_running(world) {
                Next::Settled if world.update.is_none() => Next::Do(Step::FallAsleep),
                next => next,
            },
            _ => towards_running(world),
        },
        Wanted::Stopped => towards_closed(world, Closed::Stopped),
        Wanted::Suspended => towards_closed(world, Closed::Suspended),
        Wanted::Deleted { is_purge_due } => towards_deleted(world, is_purge_due),
    };
    let (Some(update), Some(runtime)) = (world.update, world.runtime) else { return plain };
    let is_up = wanted == Wanted::Running && matches!(world.rest, Rest::Awake | Rest::Tired);
    // What must flee has one service only: the room of the other may be needed, and both have the old password.
    let is_home = matches!(runtime.home, Home::None | Home::Placed);
    with_update(plain, update, is_up && is_home)
}

/// An update goes on when all else is done; what is wrong with the old container does not keep it waiting.
fn with_update(plain: Next, update: Move, is_up: bool) -> Next {
    let is_free = matches!(plain, Next::Settled | Next::Wait(Awaited::Container | Awaited::CrashingContainer));
    match (update, is_up) {
        (Move::Leaving, _) => Next::Do(Step::RemoveNew),
        (Move::Starting { .. }, false) | (Move::WithoutImage, _) => Next::Do(Step::Withdraw),
        (Move::Switched { .. }, false) | (Move::Switched { is_drained: true }, true) => Next::Do(Step::RemoveOld),
        (_, true) if !is_free => plain,
        (Move::Due, true) => Next::Do(Step::BeginUpdate),
        (Move::Switched { is_drained: false }, true) if plain == Next::Settled => Next::Wait(Awaited::Drained),
        (Move::Starting { service, container, is_overdue }, true) => match (service, container) {
            (Seen::Unknown, _) | (_, Seen::Unknown) => Next::Wait(Awaited::Sight),
            (Seen::Known(Service::Current), Seen::Known(Container::Serves)) => Next::Do(Step::Switch),
            (Seen::Known(Service::Current), Seen::Known(Container::Crashing)) => Next::Do(Step::GiveUp),
            _ if is_overdue => Next::Do(Step::GiveUp),
            (Seen::Known(Service::Current), _) => Next::Wait(Awaited::Update),
            (Seen::Known(_), _) => Next::Do(Step::ProvideUpdate),
        },
        (Move::Due, false) if plain == Next::Settled => Next::Do(Step::Adopt),
        (Move::Switched { .. }, true) | (Move::Due, false) => plain,
    }
}

fn towards_running(world: World) -> Next {
    let Some(runtime) = world.runtime else {
        return match world.template {
            Template::Missing => Next::Do(Step::OrderTemplate),
            Template::Building => Next::Wait(Awaited::Template),
            Template::Failed => Next::Wait(Awaited::FailedTemplate),
            Template::Ready => Next::Do(Step::Begin),
        };
    };
    match (runtime.home, runtime.has_role) {
        (Home::None, _) => return Next::Do(Step::Place),
        (Home::Lost, _) => return Next::Do(Step::Flee),
        // Before any container of the new place is admitted.
        (Home::Unfenced, Seen::Unknown) => return Next::Wait(Awaited::Sight),
        (Home::Unfenced, Seen::Known(_)) => return Next::Do(Step::Rotate),
        (Home::Placed, _) => {}
    }
    if runtime.is_outdated {
        return Next::Do(Step::Renew);
    }
    let (Seen::Known(database), Seen::Known(has_role), Seen::Known(service)) =
        (runtime.database, runtime.has_role, runtime.service)
    else {
        return Next::Wait(Awaited::Sight);
    };
    if runtime.is_personalised && database != Database::Ready {
        // A fresh clone in its place would look like an empty instance: never made by itself.
        return Next::Wait(Awaited::LostDatabase);
    }
    let missing =
        Parts { role: !has_role, database: database != Database::Ready, service: service != Service::Current };
    if missing != Parts::NONE {
        return Next::Do(Step::Provide(missing));
    }
    if !runtime.is_personalised {
        return Next::Do(Step::Personalise);
    }
    if world.trial.has_failed(runtime.container) {
        return Next::Do(Step::PutBack);
    }
    match (runtime.container, world.route) {
        (Seen::Unknown, _) => Next::Wait(Awaited::Sight),
        (Seen::Known(Container::Serves), Route::Serving) => Next::Settled,
        (Seen::Known(Container::OldServes), Route::Serving) => Next::Wait(Awaited::Container),
        (Seen::Known(Container::Serves | Container::OldServes), _) => Next::Do(Step::Open),
        (Seen::Known(container), route) if world.others_serve || route == Route::Closed(Closed::Starting) => {
            let is_crashing = container == Container::Crashing;
            Next::Wait(if is_crashing { Awaited::CrashingContainer } else { Awaited::Container })
        }
        (Seen::Known(_), _) => Next::Do(Step::Close(Closed::Starting)),
    }
}

fn towards_asleep(world: World, runtime: RuntimeWorld) -> Next {
    if world.route != Route::Closed(Closed::Asleep) {
        return Next::Do(Step::Close(Closed::Asleep));
    }
    if world.rest == Rest::FallingAsleep {
        return Next::Wait(Awaited::Quiet);
    }
    match runtime.service {
        Seen::Unknown => Next::Wait(Awaited::Sight),
        Seen::Known(Service::Missing | Service::AtRest) if runtime.home != Home::None => Next::Do(Step::Release),
        Seen::Known(Service::Missing | Service::AtRest) => Next::Settled,
        Seen::Known(_) => Next::Do(Step::PutToRest),
    }
}

fn towards_closed(world: World, page: Closed) -> Next {
    if world.route != Route::Closed(page) {
        return Next::Do(Step::Close(page));
    }
    without_service(world).unwrap_or(Next::Settled)
}

fn towards_deleted(world: World, is_purge_due: bool) -> Next {
    if world.route != Route::None {
        return Next::Do(Step::Unroute);
    }
    if let Some(next) = without_service(world) {
        return next;
    }
    let Some(runtime) = world.runtime else {
        return if is_purge_due { Next::Do(Step::Forget) } else { Next::Settled };
    };
    match (runtime.has_role, runtime.database) {
        (Seen::Known(true), _) => Next::Do(Step::Fence),
        (Seen::Known(false), _) if !is_purge_due => Next::Settled,
        (Seen::Unknown, _) | (Seen::Known(false), Seen::Unknown) => Next::Wait(Awaited::Sight),
        (Seen::Known(false), Seen::Known(Database::Missing)) => Next::Do(Step::Forget),
        (Seen::Known(false), Seen::Known(_)) => Next::Do(Step::DropDatabase),
    }
}

/// Returns what is left to do until nothing runs and no machine is taken, or `None`.
fn without_service(world: World) -> Option<Next> {
    let runtime = world.runtime?;
    match runtime.service {
        Seen::Unknown => Some(Next::Wait(Awaited::Sight)),
        Seen::Known(Service::Missing) => (runtime.home != Home::None).then_some(Next::Do(Step::Release)),
        Seen::Known(_) => Some(Next::Do(Step::RemoveService)),
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
