//! Every identifier in the system. Keep the list in alphabetical order.

use chrono::{DateTime, Utc};
use uuid::{NoContext, Timestamp, Uuid};

/// Returns a version 7 UUID made at `at`, so that rows sort by age.
fn uuid_at(at: DateTime<Utc>) -> Uuid {
    let seconds = u64::try_from(at.timestamp()).unwrap_or(0);
    Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, at.timestamp_subsec_nanos()))
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type, serde::Serialize, serde::Deserialize)]
        #[sqlx(transparent)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes a new one, sorted by the time it was made.
            #[must_use]
            pub fn new(at: DateTime<Utc>) -> Self { Self(uuid_at(at)) }

            /// Returns the bare number, for names and keys outside the database.
            #[must_use]
            pub fn uuid(self) -> Uuid { self.0 }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { self.0.fmt(f) }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> { Ok(Self(text.parse()?)) }
        }
    )* };
}

ids! {
    /// A customer: one organisation that pays, with any number of users.
    AccountId
    /// A part of a payment or of a credit note that pays an invoice.
    AllocationId
    /// A try to have an invoice paid by card.
    AttemptId
    /// A transfer as our people or a bank's statement reported it.
    BankReceiptId
    /// What Stripe paid out to our bank.
    CardPayoutId
    /// A card payment that goes back.
    CardRefundId
    /// What a customer asks about cards.
    CardWishId
    /// What a closed period costs, of one thing.
    ChargeId
    /// A promise to take something off.
    CouponId
    /// What was left of given credit when it ran out.
    CreditExpiryId
    /// Credit that our people give to a customer.
    CreditGrantId
    /// A Postgres server that holds databases of environments.
    DatabaseServerId
    /// What a coupon takes off a month.
    DiscountId
    /// An invoice or a credit note.
    DocumentId
    /// A customer's own domain for an environment.
    DomainId
    /// An entry of the ledger.
    EntryId
    /// One Odoo with its own database, address and history: development, test or production.
    EnvironmentId
    /// A machine that runs containers.
    HostId
    /// A version of the program that environments run.
    ImageId
    /// What one of our people wants done in the books.
    InstructionId
    /// Something that happens once, such as a mail.
    JobId
    /// A link that was sent by mail.
    MailTokenId
    /// Numbers that were read together.
    MeterBatchId
    /// One run of one counter, or one gauge.
    MeterEpochId
    /// Money that went back to a customer.
    PaybackId
    /// Money that came in.
    PaymentId
    /// A card that a customer saved.
    PaymentMethodId
    /// A month of an account.
    PeriodId
    /// Something that can be bought.
    PlanId
    /// One immutable version of a plan, with its prices.
    PlanVersionId
    /// A customer's work on one Odoo: its environments belong together.
    ProjectId
    /// A coupon that an account redeemed.
    RedemptionId
    /// Something that is carried into the Odoo with one of our companies' books.
    PushId
    /// A further container of an environment that runs in several.
    ReplicaId
    /// A new image brought to many environments.
    RolloutId
    /// One database, one login role and one service.
    RuntimeId
    /// A database of its own with an invented customer, whose clock our people move.
    SandboxId
    /// A look through the books.
    SelfAuditId
    /// One of our own companies.
    SellerId
    /// A logged-in browser.
    SessionId
    /// One of Sayoo's own people.
    StaffId
    /// A suspension by staff, with its reason.
    SuspensionId
    /// A database that environments are cloned from.
    TemplateId
    /// Another image or other limits for one environment.
    UpdateId
    /// A person who logs in.
    UserId
}
