//! One finished invoice or credit note: what it says ([`Document`]), and whether it may be issued ([`check()`]).
//!
//! Billing makes it, hashes its JSON and keeps it for ten years; `sayoo-papers` sets it in print. Nothing here asks the time or looks
//! anything up.

mod check;
mod document;
mod money;
mod papers;
mod parties;

pub use check::{Problem, check, clean, is_number};
pub use document::*;
pub use money::money;
pub use papers::{Incomplete, Papers};
