//! What handlers take from a request, checked before they run.

mod member;
mod posted;
mod visitor;

pub use member::Member;
pub use posted::Posted;
pub use visitor::Visitor;
