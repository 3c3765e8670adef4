//! Pages that exist on somebody's own machine only.

pub mod gallery;
pub mod mails;
