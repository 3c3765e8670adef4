//! Decides what to do next about one domain. Pure: no clock, no network, no database.

use crate::domains::State;
use crate::reconcile::runtimes::Seen;

/// The certificate for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// There is none, or it has expired.
    Missing,
    /// It is good, and it is time to get the next one.
    Due,
    /// It is good for long.
    Good,
}

/// Since when looks that were answered find no proof any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// The last look found it.
    Never,
    /// Not long: a name server that is being changed may say nonsense for a moment.
    Lately,
    /// Long enough to believe it.
    LongAgo,
}

/// Everything that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct World {
    /// Whether the customer and the environment still want it.
    pub is_wanted: bool,
    /// How far it has come.
    pub state: State,
    /// Whether the DNS proves it. Looked for in every state: who sold a domain, or let it expire, holds it no more.
    pub proof: Seen<bool>,
    /// Whether looks before this one missed the proof.
    pub missed: Missed,
    /// The certificate.
    pub certificate: Certificate,
    /// Whether we can get certificates at all. Where we cannot, somebody before the proxy has them.
    pub has_authority: bool,
    /// Whether the pause after the last failure is over.
    pub may_try: bool,
}

/// One idempotent step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Takes everything away.
    Forget,
    /// Notes that it is proved.
    Accept,
    /// Gets a certificate.
    Certify,
    /// Lets it lead to the environment.
    Serve,
    /// Notes that the proof is not there.
    Miss,
    /// Notes that it is there again.
    Find,
    /// Lets it lead nowhere, and wait for a proof as in the beginning.
    Lose,
}

/// What it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// The customer writes the record.
    Proof,
    /// The look itself failed, so nothing is known.
    Sight,
    /// The pause after a failure ends.
    Pause,
    /// A second look, some time after the one that missed the proof.
    SecondLook,
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

/// Decides the next step.
#[must_use]
pub fn next(world: World) -> Next {
    if !world.is_wanted {
        return Next::Do(Step::Forget);
    }
    let wants_certificate = world.has_authority
        && match world.certificate {
            Certificate::Missing => true,
            // First it serves with the one that it has.
            Certificate::Due => world.state == State::Serving,
            Certificate::Good => false,
        };
    match world.state {
        State::Waiting => match world.proof {
            Seen::Known(true) => Next::Do(Step::Accept),
            Seen::Known(false) => Next::Wait(Awaited::Proof),
            Seen::Unknown => Next::Wait(Awaited::Sight),
        },
        _ if world.proof == Seen::Known(false) => match world.missed {
            Missed::Never => Next::Do(Step::Miss),
            Missed::Lately => Next::Wait(Awaited::SecondLook),
            Missed::LongAgo => Next::Do(Step::Lose),
        },
        _ if world.proof == Seen::Known(true) && world.missed != Missed::Never => Next::Do(Step::Find),
        _ if wants_certificate && world.may_try => Next::Do(Step::Certify),
        _ if wants_certificate => Next::Wait(Awaited::Pause),
        State::Proven => Next::Do(Step::Serve),
        State::Serving => Next::Settled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_world() -> Vec<World> {
        let mut worlds = Vec::new();
        for state in [State::Waiting, State::Proven, State::Serving] {
            for proof in [Seen::Unknown, Seen::Known(false), Seen::Known(true)] {
                for missed in [Missed::Never, Missed::Lately, Missed::LongAgo] {
                    for certificate in [Certificate::Missing, Certificate::Due, Certificate::Good] {
                        for bits in 0..8 {
                            let (is_wanted, has_authority, may_try) = (bits & 1 > 0, bits & 2 > 0, bits & 4 > 0);
                            worlds.push(World { is_wanted, state, proof, missed, certificate, has_authority, may_try });
                        }
                    }
                }
            }
        }
        worlds
    }

    fn after(step: Step, world: World) -> World {
        match step {
            Step::Forget => world,
            Step::Accept => World { state: State::Proven, missed: Missed::Never, ..world },
            Step::Certify => World { certificate: Certificate::Good, ..world },
            Step::Serve => World { state: State::Serving, ..world },
            Step::Miss => World { missed: Missed::Lately, ..world },
            Step::Find => World { missed: Missed::Never, ..world },
            Step::Lose => World { state: State::Waiting, missed: Missed::Never, ..world },
        }
    }

    #[test]
    fn every_world_settles_or_waits_within_four_steps() {
        for start in every_world() {
            let mut world = start;
            let mut steps = 0;
            while let Next::Do(step) = next(world) {
                steps += 1;
                assert!(steps <= 4, "{start:?}");
                if step == Step::Forget {
                    break;
                }
                world = after(step, world);
            }
        }
    }

    #[test]
    fn nothing_is_done_for_a_name_that_is_not_proved() {
        for world in every_world().into_iter().filter(|world| world.is_wanted && world.state == State::Waiting) {
            match next(world) {
                Next::Do(step) => assert!(step == Step::Accept && world.proof == Seen::Known(true), "{world:?}"),
                Next::Wait(_) => {}
                Next::Settled => panic!("{world:?} is not settled"),
            }
        }
    }

    #[test]
    fn where_we_get_certificates_no_name_serves_without_one() {
        for world in every_world().into_iter().filter(|world| world.is_wanted && world.has_authority) {
            if world.certificate == Certificate::Missing {
                assert_ne!(next(world), Next::Do(Step::Serve), "{world:?}");
                assert_ne!(next(world), Next::Settled, "{world:?}");
            }
        }
    }

    #[test]
    fn a_failed_try_is_not_repeated_before_its_pause_is_over() {
        for world in every_world().into_iter().filter(|world| !world.may_try) {
            assert_ne!(next(world), Next::Do(Step::Certify), "{world:?}");
        }
    }

    #[test]
    fn a_domain_is_lost_by_two_answers_that_find_no_proof_and_by_nothing_else() {
        for world in every_world() {
            let is_lost = next(world) == Next::Do(Step::Lose);
            let is_held = world.is_wanted && world.state != State::Waiting;
            assert_eq!(
                is_lost,
                is_held && world.proof == Seen::Known(false) && world.missed == Missed::LongAgo,
                "{world:?}"
            );
        }
    }

    #[test]
    fn nobody_gets_a_certificate_while_the_proof_is_missed() {
        for world in every_world().into_iter().filter(|world| world.proof == Seen::Known(false)) {
            assert!(!matches!(next(world), Next::Do(Step::Certify | Step::Serve)), "{world:?}");
        }
    }
}
