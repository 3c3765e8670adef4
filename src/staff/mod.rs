//! Sayoo's own people: how they join, log in with a second factor, and what they may look for.
//!
//! Staff are never users: another table, another cookie, another login policy (quality-bars: idle 30 minutes, 12 hours at most,
//! second factor always).

pub mod directory;
pub mod images;
pub mod invitations;
pub mod limits;
pub mod login;
pub mod scaling;
pub mod second_factor;
mod store;
pub mod suspensions;
pub mod waking;
pub mod work_queue;

use chrono::TimeDelta;

use crate::base::ids::StaffId;
use crate::i18n::Locale;

/// A session that nobody used for so long is over.
pub const IDLE_LIMIT: TimeDelta = TimeDelta::minutes(30);

/// A session is over after this time, used or not.
pub const ABSOLUTE_LIMIT: TimeDelta = TimeDelta::hours(12);

/// One of Sayoo's own people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaffMember {
    /// Who it is.
    pub id: StaffId,
    /// As it was typed when they joined.
    pub email: String,
    /// What colleagues and the audit log call them.
    pub name: String,
    /// The language of their pages.
    pub locale: Locale,
}

/// How far a staff session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The password was right; the second factor has yet to be set up.
    MustEnrol,
    /// The password was right; the code is still to be given.
    MustProve,
    /// Logged in.
    Complete,
}
