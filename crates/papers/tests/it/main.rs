//! What the papers of a document say, and which documents have none.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod papers;
mod rules;
mod samples;
