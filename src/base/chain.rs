//! Prints an error together with everything that caused it.

use std::error::Error;
use std::fmt::Write;

/// Returns the error's text followed by the text of each of its causes, separated by `: `.
///
/// Texts of our errors never repeat their source, so nothing is said twice.
#[must_use]
pub fn of(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        // Writing to a String cannot fail.
        let _ = write!(text, ": {cause}");
        next = cause.source();
    }
    text
}

/// Returns the same for an `anyhow::Error`.
#[must_use]
pub fn of_any(error: &anyhow::Error) -> String {
    of(error.as_ref())
}
