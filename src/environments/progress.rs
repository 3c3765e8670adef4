//! The steps of a creation as a list for people, from the events that the worker wrote. Pure.

use chrono::{DateTime, TimeDelta, Utc};

use super::history::Event;

/// A step, in the order in which they happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepName {
    /// Waits for its turn.
    Queued,
    /// The first with this language and these applications: a template is built.
    Template,
    /// The database is copied.
    Database,
    /// The program is started.
    Container,
    /// Company, language and person are put in.
    Settings,
    /// The address is made to lead there.
    Address,
    /// It answers.
    Ready,
}

impl StepName {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Queued, Self::Template, Self::Database, Self::Container, Self::Settings, Self::Address, Self::Ready];

    /// Returns the word used in events and keys.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Template => "template",
            Self::Database => "database",
            Self::Container => "container",
            Self::Settings => "settings",
            Self::Address => "address",
            Self::Ready => "ready",
        }
    }
}

/// How far a step is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepState {
    /// Not begun.
    Waiting,
    /// Begun.
    Running {
        /// When.
        since: DateTime<Utc>,
    },
    /// Ended well.
    Done {
        /// How long it took.
        took: TimeDelta,
    },
    /// Ended badly; the worker tries again.
    Failed {
        /// The key of a sentence.
        reason: String,
    },
}

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which one.
    pub name: StepName,
    /// How far it is.
    pub state: StepState,
    /// How many seconds the worker expects it to take, when it knows.
    pub expected: Option<i64>,
}

/// Returns the steps. Building a template is listed only when it happens.
#[must_use]
pub fn of(events: &[Event]) -> Vec<Step> {
    let mut steps: Vec<Step> = StepName::ALL.into_iter().filter_map(|name| step(name, events)).collect();
    // A step that began proves that the ones before it ended, even when that event is missing.
    let mut next_began: Option<DateTime<Utc>> = None;
    for step in steps.iter_mut().rev() {
        if let Some(began) = next_began {
            match step.state {
                StepState::Running { since } => step.state = StepState::Done { took: began - since },
                StepState::Waiting | StepState::Failed { .. } => {
                    step.state = StepState::Done { took: TimeDelta::zero() }
                }
                StepState::Done { .. } => {}
            }
        }
        let first = events.iter().find(|event| names(event, step.name).is_some());
        next_began = first.map(|event| event.at).or(next_began);
    }
    steps
}

/// Returns what an event says about a step: `started`, `done` or `failed`.
fn names(event: &Event, name: StepName) -> Option<&str> {
    event.kind.strip_prefix("step.")?.strip_prefix(name.code())?.strip_prefix('.')
}

fn step(name: StepName, events: &[Event]) -> Option<Step> {
    let mut state = StepState::Waiting;
    let mut expected = None;
    let mut began = None;
    for event in events {
        match names(event, name) {
            Some("started") => {
                // Said twice, the first time counts; after a failure it begins anew.
                if !matches!(state, StepState::Running { .. }) {
                    began = Some(event.at);
                    state = StepState::Running { since: event.at };
                }
                expected = event.detail["seconds_expected"].as_i64().or(expected);
            }
            Some("done") => state = StepState::Done { took: event.at - began.unwrap_or(event.at) },
            Some("failed") => {
                let reason = event.detail["reason"].as_str().unwrap_or("reason-unknown");
                state = StepState::Failed { reason: reason.to_owned() };
            }
            _ => {}
        }
    }
    (name != StepName::Template || state != StepState::Waiting).then_some(Step { name, state, expected })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn events(kinds: &[(&str, i64)]) -> Vec<Event> {
        let event = |&(kind, second): &(&str, i64)| Event {
            id: second,
            at: DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap(),
            kind: kind.to_owned(),
            actor: String::new(),
            detail: json!({ "reason": "reason-no-room" }),
        };
        kinds.iter().map(event).collect()
    }

    fn state(steps: &[Step], name: StepName) -> Option<&StepState> {
        steps.iter().find(|step| step.name == name).map(|step| &step.state)
    }

    #[test]
    fn nothing_happened_yet_and_all_steps_wait() {
        let steps = of(&[]);
        assert_eq!(steps.len(), 6, "no template is built");
        assert!(steps.iter().all(|step| step.state == StepState::Waiting));
    }

    #[test]
    fn a_step_runs_ends_and_takes_its_time() {
        let steps = of(&events(&[("step.queued.started", 0), ("step.queued.done", 1), ("step.database.started", 1)]));
        assert_eq!(state(&steps, StepName::Queued), Some(&StepState::Done { took: TimeDelta::seconds(1) }));
        assert!(matches!(state(&steps, StepName::Database), Some(StepState::Running { .. })));
        assert_eq!(state(&steps, StepName::Container), Some(&StepState::Waiting));
        assert_eq!(state(&steps, StepName::Template), None);
    }

    #[test]
    fn a_failed_step_says_why_until_it_is_tried_again() {
        let failed = [("step.container.started", 0), ("step.container.failed", 5)];
        let steps = of(&events(&failed));
        assert_eq!(
            state(&steps, StepName::Container),
            Some(&StepState::Failed { reason: "reason-no-room".to_owned() })
        );
        let again = [failed.as_slice(), &[("step.container.started", 9)]].concat();
        assert!(matches!(state(&of(&events(&again)), StepName::Container), Some(StepState::Running { .. })));
    }

    #[test]
    fn how_long_a_step_takes_is_known_only_when_its_event_says_so() {
        let mut said = events(&[("step.template.started", 0)]);
        assert_eq!(of(&said)[1].expected, None);
        said[0].detail = json!({ "seconds_expected": 35 });
        assert_eq!(of(&said)[1].expected, Some(35));
    }

    #[test]
    fn a_step_that_began_ends_the_ones_before_it() {
        let steps = of(&events(&[("step.queued.started", 0), ("step.address.started", 4)]));
        assert_eq!(state(&steps, StepName::Queued), Some(&StepState::Done { took: TimeDelta::seconds(4) }));
        assert_eq!(state(&steps, StepName::Database), Some(&StepState::Done { took: TimeDelta::zero() }));
    }
}
