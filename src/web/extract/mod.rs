//! What handlers take from a request, checked before they run.

mod member;
mod posted;
mod staff;
mod uploaded;
mod visitor;

pub use member::Member;
pub use posted::{Button, Posted, Sent};
pub use staff::{Staff, staff_token};
pub use uploaded::Uploaded;
pub use visitor::Visitor;
