//! The mails that accounts cause. Only who and why is kept: links are made when the mail is written, so that no secret rests in the queue.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::base::ids::{AccountId, DocumentId, EnvironmentId, PlanVersionId, UserId};
use crate::base::money::Currency;
use crate::queue::Job;

/// Whom a letter about money is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Payer {
    /// A member who looks after bills.
    Member(UserId),
    /// Whoever reads an account's address for invoices, or the one that is kept of a closed account.
    Address {
        /// The account.
        account: AccountId,
    },
}

/// A mail about somebody's account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "letter", rename_all = "snake_case")]
pub enum SendLetter {
    /// Prove the e-mail address. The link logs in the browser of `visit_hash` only.
    Verify {
        /// The person.
        user: UserId,
        /// SHA-256 of the visit that signed up, in hexadecimal.
        visit_hash: Option<String>,
    },
    /// Somebody signed up with an address that has an account.
    AlreadyHere {
        /// The person.
        user: UserId,
    },
    /// Somebody asked for a new password. Whether there is such a person is found out when the mail is written.
    ForgotPassword {
        /// The address, as it is compared.
        email_key: String,
    },
    /// The password was changed.
    PasswordChanged {
        /// The person.
        user: UserId,
    },
    /// A login from a device that is new.
    NewDevice {
        /// The person.
        user: UserId,
        /// What the browser calls itself.
        device: String,
        /// The network address.
        address: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// Confirm a new e-mail address; sent to it.
    ConfirmEmail {
        /// The person.
        user: UserId,
        /// The new address.
        new_email: String,
    },
    /// The e-mail address was changed; sent to the old one, with a way back.
    EmailChanged {
        /// The person.
        user: UserId,
        /// The old address.
        old_email: String,
    },
    /// A rule adds no more containers to an instance: its budget for the month is used up. Sent to whoever pays.
    BudgetUsed {
        /// The person.
        user: UserId,
        /// The instance.
        environment: EnvironmentId,
        /// What it is called.
        instance: String,
        /// What the rule may add to a month's cost, in the currency's smallest coin.
        budget_minor: i64,
        /// Of which currency.
        currency: Currency,
    },
    /// A month's cost has reached a part of the account's budget, or will. Sent to whoever pays.
    BudgetReached {
        /// The person.
        user: UserId,
        /// What was reached: a word of `billing::budgets`.
        level: String,
        /// What the month has cost so far, in the currency's smallest coin.
        so_far_minor: i64,
        /// What it will cost by the estimate.
        forecast_minor: i64,
        /// What it may cost.
        budget_minor: i64,
        /// Of which currency.
        currency: Currency,
        /// When the next month begins.
        until: DateTime<Utc>,
    },
    /// The trial ends soon. What is charged from then on is looked up when the mail is written. Sent to whoever pays.
    TrialEnding {
        /// The person.
        user: UserId,
        /// Whose trial.
        account: AccountId,
        /// When it ends.
        until: DateTime<Utc>,
    },
    /// The trial has ended. Sent to whoever pays.
    TrialEnded {
        /// The person.
        user: UserId,
        /// Whose trial.
        account: AccountId,
        /// When it ended.
        since: DateTime<Utc>,
    },
    /// A plan's later version is coming for instances that are on an earlier one. What it says of prices is looked up when the
    /// mail is written. Sent to whoever pays.
    PlanMoves {
        /// The person.
        user: UserId,
        /// Whose instances.
        account: AccountId,
        /// The version that comes.
        plan_version: PlanVersionId,
    },
    /// A later version that was told of does not come after all. Sent to whoever pays.
    PlanStays {
        /// The person.
        user: UserId,
        /// The version that does not come.
        plan_version: PlanVersionId,
    },
    /// Credit that was given ends soon. Sent to whoever pays.
    CreditEnding {
        /// The person.
        user: UserId,
        /// What is left of it, in the currency's smallest coin.
        left_minor: i64,
        /// Of which currency.
        currency: Currency,
        /// When it ends.
        until: DateTime<Utc>,
    },
    /// Credit that was given has ended before all of it was used. Sent to whoever pays.
    CreditEnded {
        /// The person.
        user: UserId,
        /// What was left of it, in the currency's smallest coin.
        left_minor: i64,
        /// Of which currency.
        currency: Currency,
        /// When it ended.
        since: DateTime<Utc>,
    },
    /// Nothing proves a domain any more, so it leads nowhere. Sent to whoever can add domains.
    DomainLost {
        /// The person.
        user: UserId,
        /// The instance.
        environment: EnvironmentId,
        /// What it is called.
        instance: String,
        /// The domain.
        hostname: String,
    },
    /// An invoice is overdue, and something was done about it or will be. Sent to whoever pays, unless it is paid by then.
    Overdue {
        /// Whom it is for.
        #[serde(alias = "user")]
        payer: Payer,
        /// The invoice.
        document: DocumentId,
        /// Its number; empty: it has none, because the customer's postal address is missing.
        number: String,
        /// What is open on everything that is overdue, in the currency's smallest coin.
        overdue_minor: i64,
        /// Of which currency.
        currency: Currency,
        /// What was done now: a word of `billing::dunning`.
        step: String,
        /// What is restricted next, and when.
        next: Option<(String, NaiveDate)>,
    },
    /// An invoice or a credit note was issued. Sent to whoever pays.
    DocumentIssued {
        /// Whom it is for.
        #[serde(alias = "user")]
        payer: Payer,
        /// The document.
        document: DocumentId,
        /// An invoice; else a credit note.
        is_invoice: bool,
        /// Its number.
        number: String,
        /// What it says, in the currency's smallest coin.
        gross_minor: i64,
        /// What is still to be paid.
        open_minor: i64,
        /// Of which currency.
        currency: Currency,
        /// Until when it is to be paid.
        due_on: NaiveDate,
    },
    /// A saved card did not pay an invoice. Sent to whoever pays, unless it is paid by then.
    CardRefused {
        /// The person.
        user: UserId,
        /// The invoice.
        document: DocumentId,
        /// Its number.
        number: String,
        /// What is open on it, in the currency's smallest coin.
        open_minor: i64,
        /// Of which currency.
        currency: Currency,
        /// The card's bank wants its owner to confirm the payment.
        is_asked_for: bool,
        /// When the card is charged again by itself.
        next: Option<DateTime<Utc>>,
    },
    /// The account is being closed; sent to its owners.
    Closing {
        /// The person.
        user: UserId,
        /// When it cannot be taken back any more.
        closes_at: DateTime<Utc>,
    },
}

impl SendLetter {
    /// Returns whom it is for, when it is about money.
    #[must_use]
    pub fn payer(&self) -> Option<Payer> {
        match self {
            Self::Overdue { payer, .. } | Self::DocumentIssued { payer, .. } => Some(*payer),
            _ => None,
        }
    }
}

impl Job for SendLetter {
    const KIND: &'static str = "send_letter";
}

/// Closes an account for good when the time to take it back is over.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct CloseAccount {
    /// The account.
    pub account: AccountId,
}

impl Job for CloseAccount {
    const KIND: &'static str = "close_account";
}

/// What a link that was sent by mail is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// Proves the e-mail address.
    VerifyEmail,
    /// Lets a person choose a new password.
    ResetPassword,
    /// Confirms a new e-mail address.
    ChangeEmail,
    /// Takes a change of the e-mail address back.
    UndoEmailChange,
}

impl LinkKind {
    /// Returns the word in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
            Self::ChangeEmail => "change_email",
            Self::UndoEmailChange => "undo_email_change",
        }
    }

    /// Returns how long a link works.
    #[must_use]
    pub fn lasts(self) -> TimeDelta {
        match self {
            Self::VerifyEmail | Self::ChangeEmail => TimeDelta::hours(24),
            Self::ResetPassword => TimeDelta::hours(1),
            Self::UndoEmailChange => TimeDelta::days(7),
        }
    }
}
