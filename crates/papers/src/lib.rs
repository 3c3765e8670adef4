//! temporary
mod check;
pub mod document;
mod money;
mod parties;
pub use check::{Problem, check, clean, is_number};
pub use document::Document;
pub use money::money;
