//! Money that came in, what it paid, and what went back: in the books. How it moves is for `payments` and staff.
//!
//! What comes in is the customer's credit first; allocating it to an invoice takes it from there. So what customers owe in
//! the ledger is what is open on their invoices, and their credit there is what is free of payments and credit notes.
//!
//! What is left of each payment and credit note is a lot, which the database keeps (`lots`).
//!
//! All of it within the caller's transaction: the database demands a row and its entry at the same commit.

mod store;

use anyhow::Context;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sqlx::PgConnection;

use super::ledger::{self, Entry, Journal, Posting, Role};
use crate::base::ids::{AccountId, AllocationId, DocumentId, PaybackId, PaymentId};
use crate::base::money::Money;

/// How money came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// By card.
    Card,
    /// By bank transfer.
    Transfer,
    /// VAT that a customer paid to the state in our name.
    Withholding,
    /// Credit that we gave: a grant of `lots` that is to be booked, and names it.
    Gift,
}

impl Method {
    /// Returns the word kept in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Transfer => "transfer",
            Self::Withholding => "withholding",
            Self::Gift => "gift",
        }
    }

    fn debit(self) -> Role {
        match self {
            Self::Card => Role::CardClearing,
            Self::Transfer => Role::Bank,
            Self::Withholding => Role::VatWithheld,
            Self::Gift => Role::Gifts,
        }
    }

    fn journal(self) -> Journal {
        match self {
            Self::Card => Journal::Card,
            Self::Transfer => Journal::Bank,
            Self::Withholding | Self::Gift => Journal::Misc,
        }
    }
}

/// Money that came in.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// From whom.
    pub account: AccountId,
    /// How.
    pub method: Method,
    /// How much, above zero, in the account's currency.
    pub amount: Money,
    /// When, by the bank's calendar.
    pub received_on: NaiveDate,
    /// What the bank or the card's company calls it: the same money is booked once.
    pub external_ref: &'a str,
}

/// Why money goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payback {
    /// We gave it back.
    Refund,
    /// The customer's bank took it back.
    Dispute,
}

impl Payback {
    /// Returns the word kept in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Refund => "refund",
            Self::Dispute => "dispute",
        }
    }
}

/// An invoice that is not paid in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenInvoice {
    /// Which one.
    pub id: DocumentId,
    /// Its number.
    pub number: String,
    /// When it was issued.
    pub issued_on: NaiveDate,
    /// Until when it is to be paid.
    pub due_on: NaiveDate,
    /// What it says.
    pub gross: Money,
    /// What is still to be paid.
    pub open: Money,
}

/// Holds a customer's credit until the end of the transaction: money that comes in and an invoice that becomes final wait for each
/// other.
pub async fn hold(db: &mut PgConnection, account: AccountId) -> anyhow::Result<()> {
    store::lock_account(db, account).await.context("hold a customer's credit")
}

/// Books money that came in, as the customer's credit. `None` when the same money was booked before.
pub async fn receive(
    db: &mut PgConnection,
    received: &Received<'_>,
    now: DateTime<Utc>,
) -> anyhow::Result<Option<PaymentId>> {
    let seller = store::seller_of(db, received.account, received.amount.currency).await.context("find the seller")?;
    let seller = seller.context("nobody sells in this currency")?;
    hold(db, received.account).await?;
    let id = PaymentId::new(now);
    if !store::insert_payment(db, id, seller, received, now).await.context("insert a payment")? {
        return Ok(None);
    }
    let minus = Money::new(-received.amount.minor, received.amount.currency);
    let entry = Entry {
        seller,
        journal: received.method.journal(),
        effective_on: received.received_on,
        source: ("payment", id.uuid()),
        template: "received",
        label: received.external_ref.to_owned(),
        postings: vec![
            Posting { role: received.method.debit(), account: None, amount: received.amount },
            Posting { role: Role::CustomerCredit, account: Some(received.account), amount: minus },
        ],
    };
    ledger::post(db, &entry, now).await?;
    Ok(Some(id))
}

/// Where the money of an allocation comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Money that came in.
    Payment(PaymentId),
    /// What we took back of an invoice.
    CreditNote(DocumentId),
}

/// Pays an invoice from a payment's free part, with at most `most`. Returns how much it was.
pub async fn allocate(
    db: &mut PgConnection,
    payment: PaymentId,
    document: DocumentId,
    most: Money,
    now: DateTime<Utc>,
) -> anyhow::Result<Money> {
    allocate_from(db, Source::Payment(payment), document, most, now).await
}

/// Pays an invoice from what is free of a payment or credit note, with at most `most`. Returns how much it was.
pub async fn allocate_from(
    db: &mut PgConnection,
    source: Source,
    document: DocumentId,
    most: Money,
    now: DateTime<Utc>,
) -> anyhow::Result<Money> {
    let standing = store::lock_standing(db, source, document).await.context("read what is free and what is open")?;
    let Some(standing) = standing.filter(|standing| standing.currency == most.currency) else {
        return Ok(Money::new(0, most.currency));
    };
    let amount = Money::new(most.minor.min(standing.free).min(standing.open).max(0), most.currency);
    if amount.minor > 0 {
        move_credit(db, &standing, source, document, amount, now).await?;
    }
    Ok(amount)
}

/// Moves `amount` from a customer's credit to an invoice (or back, below zero).
async fn move_credit(
    db: &mut PgConnection,
    standing: &store::Standing,
    source: Source,
    document: DocumentId,
    amount: Money,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let id = AllocationId::new(now);
    store::insert_allocation(db, id, (standing.account, source, document), amount.minor, now)
        .await
        .context("insert an allocation")?;
    let account = Some(standing.account);
    let minus = Money::new(-amount.minor, amount.currency);
    let entry = Entry {
        seller: standing.seller,
        journal: Journal::Misc,
        effective_on: now.date_naive(),
        source: ("allocation", id.uuid()),
        template: "allocated",
        label: standing.number.clone(),
        postings: vec![
            Posting { role: Role::CustomerCredit, account, amount },
            Posting { role: Role::Receivable, account, amount: minus },
        ],
    };
    ledger::post(db, &entry, now).await?;
    Ok(())
}

/// Pays the account's open invoices, oldest first, from everything that is free and has not run out, in the order of `lots`.
pub async fn settle(db: &mut PgConnection, account: AccountId, now: DateTime<Utc>) -> anyhow::Result<()> {
    let free = store::list_free(db, account, now).await.context("list what is free")?;
    settle_from(db, account, &free, now).await
}

/// The same after a refund: what the payment pays no more, the credit notes that it went back for pay first. Were it something
/// that was given, the note would be free again, and what was given would have become money.
pub async fn settle_refunded(db: &mut PgConnection, account: AccountId, now: DateTime<Utc>) -> anyhow::Result<()> {
    let mut notes = store::list_free(db, account, now).await.context("list what is free")?;
    notes.retain(|source| matches!(source, Source::CreditNote(_)));
    settle_from(db, account, &notes, now).await?;
    settle(db, account, now).await
}

async fn settle_from(
    db: &mut PgConnection,
    account: AccountId,
    free: &[Source],
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    if free.is_empty() {
        return Ok(());
    }
    for invoice in open_invoices(db, account).await? {
        let mut open = invoice.open;
        for source in free {
            if open.minor > 0 {
                open.minor -= allocate_from(db, *source, invoice.id, open, now).await?.minor;
            }
        }
    }
    Ok(())
}

/// How long what comes back to a grant can be used at least: else what was given back would be gone the next day.
pub const RETURNED_LASTS: TimeDelta = TimeDelta::days(30);

/// Uses a new credit note where it belongs before anything else: it pays what is open on its own invoice; and what grants paid of
/// that invoice beyond what is left of it goes back to them. So money that was paid comes back first, what was given last, and
/// nothing that was given becomes money.
pub async fn return_grants(db: &mut PgConnection, note: DocumentId, now: DateTime<Utc>) -> anyhow::Result<()> {
    let Some(cited) = store::lock_cited(db, note).await.context("lock the invoice of a credit note")? else {
        return Ok(());
    };
    let source = Source::CreditNote(note);
    let all = Money::new(i64::MAX, cited.currency);
    allocate_from(db, source, cited.invoice, all, now).await?;
    let mut beyond = cited.granted - cited.left;
    for (grant, allocated) in store::list_granted(db, cited.invoice).await.context("list what grants paid")? {
        let Some(standing) = store::lock_standing(db, source, cited.invoice).await.context("read what is free")? else {
            break;
        };
        let back = beyond.min(allocated).min(standing.free);
        if back <= 0 {
            break;
        }
        let amount = Money::new(back, cited.currency);
        let minus = Money::new(-back, cited.currency);
        move_credit(db, &standing, Source::Payment(grant), cited.invoice, minus, now).await?;
        move_credit(db, &standing, source, cited.invoice, amount, now).await?;
        store::give_time(db, grant, now + RETURNED_LASTS).await.context("give a grant more time")?;
        beyond -= back;
    }
    Ok(())
}

/// Books money that went back. What the payment paid is taken back, newest first, as far as needed: those invoices are open
/// again. False when it was booked before. Fails when more goes back than came in.
pub async fn pay_back(
    db: &mut PgConnection,
    payment: PaymentId,
    kind: Payback,
    amount: Money,
    external_ref: &str,
    now: DateTime<Utc>,
) -> anyhow::Result<bool> {
    let locked =
        store::lock_payment(db, payment).await.context("lock a payment")?.context("there is no such payment")?;
    if store::is_paid_back(db, external_ref).await.context("look for the same payback")? {
        return Ok(false);
    }
    let mut missing = amount.minor - locked.free;
    for (document, allocated) in store::list_allocated(db, payment).await.context("list what it paid")? {
        let back = missing.min(allocated);
        if back > 0 {
            let source = Source::Payment(payment);
            let standing = store::lock_standing(db, source, document).await.context("lock an invoice")?;
            let standing = standing.context("a paid invoice is there")?;
            move_credit(db, &standing, source, document, Money::new(-back, amount.currency), now).await?;
            missing -= back;
        }
    }
    let id = PaybackId::new(now);
    store::insert_payback(db, id, (locked.account, payment), kind.word(), (amount.minor, external_ref), now)
        .await
        .context("insert a payback")?;
    let (clearing, journal) =
        if locked.method == "card" { (Role::CardClearing, Journal::Card) } else { (Role::Bank, Journal::Bank) };
    let minus = Money::new(-amount.minor, amount.currency);
    let entry = Entry {
        seller: locked.seller,
        journal,
        effective_on: now.date_naive(),
        source: ("payback", id.uuid()),
        template: "paid",
        label: external_ref.to_owned(),
        postings: vec![
            Posting { role: Role::CustomerCredit, account: Some(locked.account), amount },
            Posting { role: clearing, account: None, amount: minus },
        ],
    };
    ledger::post(db, &entry, now).await?;
    Ok(true)
}

/// Books money that had gone back and did not arrive: it came in again, and pays what is open. Nothing happens when it had not
/// gone back by the books, or came in again before.
pub async fn take_back(
    db: &mut PgConnection,
    payment: PaymentId,
    amount: Money,
    external_ref: &str,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    if !store::is_paid_back(db, external_ref).await.context("look for the payback")? {
        return Ok(());
    }
    let locked =
        store::lock_payment(db, payment).await.context("lock a payment")?.context("there is no such payment")?;
    let method = if locked.method == "card" { Method::Card } else { Method::Transfer };
    let external_ref = format!("{external_ref}-returned");
    let received = Received {
        account: locked.account,
        method,
        amount,
        received_on: now.date_naive(),
        external_ref: &external_ref,
    };
    if receive(db, &received, now).await?.is_some() {
        settle(db, locked.account, now).await?;
    }
    Ok(())
}

/// Returns an account's invoices that are not paid in full, oldest first.
pub async fn open_invoices(db: &mut PgConnection, account: AccountId) -> anyhow::Result<Vec<OpenInvoice>> {
    store::open_invoices(db, account).await.context("list the open invoices")
}
