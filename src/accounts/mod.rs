//! Customers: organisations, the people in them, their roles, passwords and logins.

pub mod policy;
pub mod sessions;
pub mod settings;
pub mod throttle;

mod store;

/// What a person may do in an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Role {
    /// Everything, also closing the account.
    Owner,
    /// Everything about instances.
    Developer,
    /// Everything about money.
    Billing,
    /// Looks and opens.
    Member,
}

impl Role {
    /// All of them, the strongest first.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Developer, Self::Billing, Self::Member];

    /// Returns the word used in the database and in keys of texts.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Developer => "developer",
            Self::Billing => "billing",
            Self::Member => "member",
        }
    }
}

/// Whether an organisation is with us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum AccountState {
    /// It is.
    Active,
    /// Its owner closed it, and may still take that back.
    Closing,
    /// It is gone; only what the law asks for is kept.
    Closed,
}
