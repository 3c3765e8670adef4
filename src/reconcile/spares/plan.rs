//! Decides what to do next about one spare. Pure.

use crate::reconcile::runtimes::{Database, Parts, Seen, Service};

/// Everything that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct World {
    /// Whether it is to be kept; once it is given up it never is again.
    pub is_wanted: bool,
    /// Whether it may be handed out, as it was last written down.
    pub is_ready: bool,
    /// The database.
    pub database: Seen<Database>,
    /// Whether the login role may log in.
    pub has_role: Seen<bool>,
    /// The service.
    pub service: Seen<Service>,
    /// Whether its container answers.
    pub answers: Seen<bool>,
}

/// One idempotent step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Makes what is missing.
    Provide(Parts),
    /// Notes that it may be handed out.
    Offer,
    /// Notes that it must not be handed out now.
    Withdraw,
    /// Removes the service.
    RemoveService,
    /// Drops the database: nobody has ever used it.
    DropDatabase,
    /// Drops the role and ends it.
    Forget,
}

/// The decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Take this step, then look again.
    Do(Step),
    /// Its container starts.
    WaitForContainer,
    /// Nothing could be seen.
    WaitForSight,
    /// All is as wanted.
    Settled,
}

/// Decides the next step.
#[must_use]
pub fn next(world: World) -> Next {
    let (Seen::Known(database), Seen::Known(has_role), Seen::Known(service)) =
        (world.database, world.has_role, world.service)
    else {
        return Next::WaitForSight;
    };
    if !world.is_wanted {
        return Next::Do(match (service, database) {
            (Service::Missing, Database::Missing) => Step::Forget,
            (Service::Missing, _) => Step::DropDatabase,
            _ => Step::RemoveService,
        });
    }
    let missing =
        Parts { role: !has_role, database: database != Database::Ready, service: service != Service::Current };
    match (missing == Parts::NONE, world.answers, world.is_ready) {
        (false, _, true) | (true, Seen::Known(false), true) => Next::Do(Step::Withdraw),
        (false, _, false) => Next::Do(Step::Provide(missing)),
        (true, Seen::Unknown, _) => Next::WaitForSight,
        (true, Seen::Known(false), false) => Next::WaitForContainer,
        (true, Seen::Known(true), false) => Next::Do(Step::Offer),
        (true, Seen::Known(true), true) => Next::Settled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_world() -> Vec<World> {
        let mut all = Vec::new();
        for flags in 0..4_u8 {
            for database in [
                Seen::Unknown,
                Seen::Known(Database::Missing),
                Seen::Known(Database::HalfMade),
                Seen::Known(Database::Ready),
            ] {
                for has_role in [Seen::Unknown, Seen::Known(false), Seen::Known(true)] {
                    for service in [
                        Seen::Unknown,
                        Seen::Known(Service::Missing),
                        Seen::Known(Service::Outdated),
                        Seen::Known(Service::Current),
                    ] {
                        for answers in [Seen::Unknown, Seen::Known(false), Seen::Known(true)] {
                            let (is_wanted, is_ready) = (flags & 1 != 0, flags & 2 != 0);
                            all.push(World { is_wanted, is_ready, database, has_role, service, answers });
                        }
                    }
                }
            }
        }
        all
    }

    #[test]
    fn every_spare_settles_or_is_forgotten_within_six_steps() {
        for start in every_world() {
            let mut world = start;
            for steps in 0.. {
                assert!(steps <= 6, "never settles: {start:?}");
                let Next::Do(step) = next(world) else { break };
                match step {
                    Step::Provide(_) => {
                        world.database = Seen::Known(Database::Ready);
                        world.has_role = Seen::Known(true);
                        world.service = Seen::Known(Service::Current);
                    }
                    Step::Offer => world.is_ready = true,
                    Step::Withdraw => world.is_ready = false,
                    Step::RemoveService => world.service = Seen::Known(Service::Missing),
                    Step::DropDatabase => world.database = Seen::Known(Database::Missing),
                    Step::Forget => break,
                }
            }
        }
    }

    #[test]
    fn nothing_is_removed_of_a_spare_that_is_wanted_or_was_not_seen() {
        for world in every_world() {
            let removes = matches!(next(world), Next::Do(Step::RemoveService | Step::DropDatabase | Step::Forget));
            let is_unseen = world.database == Seen::Unknown || world.service == Seen::Unknown;
            assert!(!(removes && (world.is_wanted || is_unseen)), "{world:?}");
        }
    }

    #[test]
    fn only_a_complete_spare_that_answers_is_offered() {
        for world in every_world() {
            if next(world) == Next::Do(Step::Offer) {
                assert_eq!(world.answers, Seen::Known(true));
                assert_eq!(world.service, Seen::Known(Service::Current));
            }
        }
    }
}
