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
    /// To the container that serves.
    Serving,
}

/// Where a runtime is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// It has no machine, and no memory set aside.
    None,
    /// It has a machine, and memory set aside on it.
    Placed,
    /// The Swarm has lost its machine, or the one that it was leaving: containers may go on there, out of reach.
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
    /// Its runtime, if it has one.
    pub runtime: Option<RuntimeWorld>,
    /// Where its name leads.
    pub route: Route,
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

/// Decides the next step towards `wanted`.
#[must_use]
pub fn next(wanted: Wanted, world: World) -> Next {
    if world.is_forgotten {
        return Next::Settled;
    }
    match wanted {
        Wanted::Running => towards_running(world),
        Wanted::Stopped => towards_closed(world, Closed::Stopped),
        Wanted::Suspended => towards_closed(world, Closed::Suspended),
        Wanted::Deleted { is_purge_due } => towards_deleted(world, is_purge_due),
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
    match (runtime.container, world.route) {
        (Seen::Unknown, _) => Next::Wait(Awaited::Sight),
        (Seen::Known(Container::Serves), Route::Serving) => Next::Settled,
        (Seen::Known(Container::OldServes), Route::Serving) => Next::Wait(Awaited::Container),
        (Seen::Known(Container::Serves | Container::OldServes), _) => Next::Do(Step::Open),
        (Seen::Known(Container::Crashing), Route::Closed(Closed::Starting)) => Next::Wait(Awaited::CrashingContainer),
        (Seen::Known(_), Route::Closed(Closed::Starting)) => Next::Wait(Awaited::Container),
        (Seen::Known(_), _) => Next::Do(Step::Close(Closed::Starting)),
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
