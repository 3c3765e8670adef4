//! Names that people give to themselves and their organisations. Pure.

/// Why a text is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordsProblem {
    /// Nothing was given.
    #[error("the text is empty")]
    Empty,
    /// More characters than there is room for.
    #[error("the text is too long")]
    TooLong,
    /// A character that is none: a line break, NUL.
    #[error("the text holds a control character")]
    Control,
}

impl WordsProblem {
    /// Returns the key of the sentence that says so.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Empty => "words-empty",
            Self::TooLong => "words-too-long",
            Self::Control => "words-control",
        }
    }
}

/// Parses one line of text. Everything else is allowed: pages and mails escape what they show.
pub fn one_line(typed: &str, max: usize) -> Result<String, WordsProblem> {
    let text = typed.trim();
    if text.is_empty() {
        return Err(WordsProblem::Empty);
    }
    if text.chars().count() > max {
        return Err(WordsProblem::TooLong);
    }
    if text.chars().any(char::is_control) {
        return Err(WordsProblem::Control);
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_anything() {
        assert_eq!(one_line(" Zoé <b>'; DROP TABLE users ", 100).as_deref(), Ok("Zoé <b>'; DROP TABLE users"));
        assert_eq!(one_line(" ", 100), Err(WordsProblem::Empty));
        assert_eq!(one_line("a\r\nBcc: b", 100), Err(WordsProblem::Control));
        assert_eq!(one_line(&"é".repeat(101), 100), Err(WordsProblem::TooLong));
        assert_eq!(one_line("شركة الأطلس", 100).as_deref(), Ok("شركة الأطلس"));
    }
}
