//! Who is still on a host that is emptied, and why. Pure.

/// What is known of somebody who is still there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// It is a further container of its environment.
    pub is_replica: bool,
    /// It is the second container of an update.
    pub is_second: bool,
    /// Nobody is sent there any more.
    pub is_going: bool,
    /// Its place elsewhere is made.
    pub is_moving: bool,
    /// Another update of it is under way.
    pub has_update: bool,
    /// Its customer wants it to run.
    pub is_wanted: bool,
    /// It has answered since it was placed.
    pub is_ready: bool,
    /// It is said to be failing.
    pub is_failing: bool,
    /// No machine has room for it.
    pub lacks_room: bool,
    /// It did not come up where it was to move.
    pub has_failed: bool,
}

words! {
    /// Why somebody is still there.
    Why {
        /// It ends what it has begun.
        Going = "going",
        /// It moves now.
        Moving = "moving",
        /// An update goes first.
        Update = "update",
        /// Its customer has stopped it: it ends.
        Stopping = "stopping",
        /// No machine has room for it.
        Room = "room",
        /// It did not come up elsewhere; it is tried again.
        Failed = "failed",
        /// It never answered, here neither.
        Failing = "failing",
        /// It is being started here first.
        Starting = "starting",
        /// Three move at once, and it is not its turn.
        Turn = "turn",
    }
}

/// Says why somebody is still there: what stands nearest in the way.
#[must_use]
pub fn why(of: Standing) -> Why {
    match of {
        Standing { is_going: true, .. } => Why::Going,
        Standing { is_moving: true, lacks_room: false, .. } => Why::Moving,
        Standing { is_second: true, .. } | Standing { has_update: true, is_replica: false, .. } => Why::Update,
        Standing { is_wanted: false, .. } => Why::Stopping,
        Standing { lacks_room: true, .. } => Why::Room,
        Standing { has_failed: true, is_replica: false, .. } => Why::Failed,
        Standing { is_ready: false, is_failing: true, .. } => Why::Failing,
        Standing { is_ready: false, .. } => Why::Starting,
        _ => Why::Turn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_reason_is_said() {
        let settled = Standing { is_wanted: true, is_ready: true, ..Standing::default() };
        assert_eq!(why(settled), Why::Turn);
        assert_eq!(why(Standing { is_moving: true, has_failed: true, ..settled }), Why::Moving);
        assert_eq!(why(Standing { is_moving: true, lacks_room: true, ..settled }), Why::Room);
        assert_eq!(why(Standing { has_failed: true, ..settled }), Why::Failed);
        assert_eq!(
            why(Standing { has_failed: true, is_replica: true, ..settled }),
            Why::Turn,
            "that was the first one"
        );
        assert_eq!(why(Standing { is_ready: false, ..settled }), Why::Starting);
        assert_eq!(why(Standing { is_ready: false, is_failing: true, ..settled }), Why::Failing);
        assert_eq!(why(Standing { has_update: true, is_ready: false, ..settled }), Why::Update);
        assert_eq!(why(Standing { is_wanted: false, lacks_room: true, ..settled }), Why::Stopping);
        assert_eq!(why(Standing { is_going: true, is_second: true, ..settled }), Why::Going);
    }
}
