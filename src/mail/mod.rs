//! Mails to people: what they say, and how they leave.

pub mod messages;
pub mod store;
pub mod transport;

/// A mail, ready to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The receiver's address.
    pub to: String,
    /// The subject, one line.
    pub subject: String,
    /// The text for people who read plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}
