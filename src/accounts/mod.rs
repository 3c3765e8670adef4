//! Customers: organisations, the people in them, their roles, passwords and logins.

pub mod closing;
pub mod device;
pub mod email_change;
pub mod letters;
pub mod links;
pub mod login;
pub mod password;
pub mod people;
pub mod policy;
pub mod recovery;
pub mod region;
pub mod sessions;
pub mod settings;
pub mod signup;
pub mod throttle;
pub mod words;

mod store;

use chrono::{DateTime, Utc};

/// Deletes tries, links and logins that are long over. For the worker, now and then.
pub async fn forget_old(portal: &crate::portal::Portal, before: DateTime<Utc>) -> anyhow::Result<()> {
    let mut db = store::connection(&portal.db).await?;
    Ok(store::delete_old(&mut db, before, portal.clock.now() - sessions::RESUME).await?)
}

/// Where a request comes from, as far as logins care.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The network address.
    pub address: String,
    /// What the browser calls itself.
    pub user_agent: String,
    /// The cookie that says who logged in on this device before.
    pub devices: String,
    /// What the browser's forms are bound to.
    pub visit: String,
}

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
