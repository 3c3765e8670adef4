//! The state of an environment as a sentence for its customer. Pure.

use chrono::{DateTime, Utc};

use super::{Environment, Status, Wanted};

/// A sentence: the key of a text and what is put into it, with the look of the badge beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// `running`, `working`, `sleeping`, `stopped`, `warning`, `failed` or `neutral`, as the badge knows them.
    pub badge: &'static str,
    /// The key of the one word in the badge.
    pub word: &'static str,
    /// The key of the sentence.
    pub key: &'static str,
    /// The instant that it speaks of.
    pub at: DateTime<Utc>,
    /// The key of the reason, if it gives one.
    pub reason_key: Option<String>,
    /// The reason in the words of staff, if it gives one.
    pub reason: Option<String>,
}

/// The reasons of suspensions that `billing::restrictions` makes: keys of sentences.
const OF_MONEY: [&str; 2] = ["reason-unpaid", "reason-budget"];

/// Says how an environment is.
///
/// What was asked for is said at once, before the worker has seen it: a person who clicked *Stop* reads that it stops.
#[must_use]
pub fn of(environment: &Environment) -> Sentence {
    let (badge, word, key) = words(environment.wanted, environment.status, environment.suspension.is_some());
    let at = match environment.wanted {
        Wanted::Deleted { purge_after } if environment.status != Status::Deleted => purge_after,
        _ => environment.suspension.as_ref().map_or(environment.status_since, |suspension| suspension.since),
    };
    // A suspension that nobody wrote a reason for names a sentence.
    let (written_by_us, reason) = match environment.suspension.as_ref().map(|suspension| suspension.reason.clone()) {
        Some(key) if OF_MONEY.contains(&key.as_str()) => (Some(key), None),
        reason => (None, reason),
    };
    Sentence {
        badge,
        word,
        key,
        at,
        reason_key: if written_by_us.is_some() {
            written_by_us
        } else {
            (environment.status == Status::Failing)
                .then(|| environment.status_reason.clone().unwrap_or_else(|| "reason-unknown".to_owned()))
        },
        reason,
    }
}

/// Returns the badge alone, for what is not wholly read.
#[must_use]
pub fn badge(wanted: Wanted, status: Status, is_suspended: bool) -> &'static str {
    words(wanted, status, is_suspended).0
}

/// Badge, word and sentence.
fn words(wanted: Wanted, status: Status, is_suspended: bool) -> (&'static str, &'static str, &'static str) {
    if status == Status::Deleted {
        return ("neutral", "state-deleted", "sentence-deleted");
    }
    if let Wanted::Deleted { .. } = wanted {
        return ("warning", "state-deleting", "sentence-deletion-asked");
    }
    if is_suspended || status == Status::Suspended {
        return ("warning", "state-suspended", "sentence-suspended");
    }
    match (wanted, status) {
        (Wanted::Running, Status::Ordered | Status::Preparing) => {
            ("working", "state-being-made", "sentence-being-made")
        }
        (Wanted::Running, Status::Starting | Status::Stopped | Status::Stopping | Status::Suspended) => {
            ("working", "state-starting", "sentence-starting")
        }
        (Wanted::Running, Status::Running) => ("running", "state-running", "sentence-running"),
        (Wanted::Running, Status::Asleep) => ("sleeping", "state-asleep", "sentence-asleep"),
        (Wanted::Running, Status::Waking) => ("working", "state-waking", "sentence-waking"),
        (_, Status::Failing) => ("failed", "state-failing", "sentence-failing"),
        (_, Status::Stopped | Status::Ordered | Status::Suspended) => ("stopped", "state-stopped", "sentence-stopped"),
        (
            _,
            Status::Running | Status::Starting | Status::Preparing | Status::Stopping | Status::Asleep | Status::Waking,
        ) => ("working", "state-stopping", "sentence-stopping"),
        (_, Status::Deleting | Status::Deleted) => ("working", "state-deleting", "sentence-being-deleted"),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::base::ids::{AccountId, EnvironmentId, PlanVersionId, ProjectId};
    use crate::base::names::Subdomain;
    use crate::environments::{Kind, Suspension};

    /// An environment that runs.
    pub fn running() -> Environment {
        let now = "2026-11-22T21:00:00Z".parse().unwrap();
        Environment {
            id: EnvironmentId::new(now),
            account: AccountId::new(now),
            project: ProjectId::new(now),
            kind: Kind::Production,
            name: "Acme".to_owned(),
            subdomain: Some(Subdomain::parse("acme").unwrap()),
            plan_version: PlanVersionId::new(now),
            wanted: Wanted::Running,
            wanted_generation: 1,
            company: "Acme".to_owned(),
            language: "fr_FR".to_owned(),
            country: "MA".to_owned(),
            apps: vec![],
            admin_email: "a@example.com".to_owned(),
            status: Status::Running,
            status_since: now,
            status_reason: None,
            suspension: None,
            first_ready_at: Some(now),
            created_at: now,
        }
    }

    #[test]
    fn every_status_and_wish_has_a_sentence_and_a_click_shows_at_once() {
        let purge_after = "2026-11-29T21:00:00Z".parse().unwrap();
        for status in Status::ALL {
            for wanted in [Wanted::Running, Wanted::Stopped, Wanted::Deleted { purge_after }] {
                let said = of(&Environment { status, wanted, ..running() });
                assert!(said.key.starts_with("sentence-") && said.word.starts_with("state-"), "{status:?} {wanted:?}");
                let is_undoable = matches!(wanted, Wanted::Deleted { .. }) && status != Status::Deleted;
                assert_eq!(said.key == "sentence-deletion-asked", is_undoable);
            }
        }
        assert_eq!(of(&Environment { wanted: Wanted::Stopped, ..running() }).key, "sentence-stopping");
        assert_eq!(of(&Environment { status: Status::Stopped, ..running() }).key, "sentence-starting");
        assert_eq!(of(&Environment { status: Status::Asleep, ..running() }).badge, "sleeping");
    }

    #[test]
    fn a_suspension_is_said_with_its_reason_before_the_worker_has_seen_it() {
        let suspension = Some(Suspension { reason: "unpaid".to_owned(), since: running().created_at });
        let said = of(&Environment { suspension, ..running() });
        assert_eq!((said.key, said.reason.as_deref()), ("sentence-suspended", Some("unpaid")));
    }
}
