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
    /// Files that go along.
    pub attachments: Vec<Attachment>,
}

/// A file that goes along with a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// What it is called.
    pub name: String,
    /// What it is: `application/pdf`.
    pub media_type: &'static str,
    /// What is in it.
    pub content: Vec<u8>,
}
