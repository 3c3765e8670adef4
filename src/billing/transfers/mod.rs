//! Bank transfers: what staff or a bank's statement report, what it is meant for, and how it gets into the books.
//!
//! Nothing is booked without a person's act, nothing twice, and nothing large by one person alone: the database refuses it.

pub mod camt;
pub mod csv;
pub mod importing;
pub mod matching;
pub mod statement;
mod store;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use self::matching::{Answer, Facts, Invoice};
use self::statement::Line;
use self::store::{Reported, Which};
use super::payments::{self, Method, Received};
use super::sellers::{self, Seller};
use crate::audit::{self, Actor};
use crate::base::ids::{AccountId, BankReceiptId, DocumentId, SellerId, StaffId};
use crate::base::money::{Currency, Money};
use crate::portal::Portal;
use crate::staff::StaffMember;

/// How many receipts of one state a page shows.
pub const PAGE: i64 = 200;

/// Two reports of the same amount within so many days may be the same money, when a person and a statement made them, or statements of
/// two formats: banks differ about days, people and formats about references.
const TWIN_DAYS: i64 = 4;

/// Who reported a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// One of our people.
    Staff,
    /// A statement in CAMT.053.
    Camt,
    /// A statement in CSV.
    Csv,
}

impl Source {
    /// Returns the word kept in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Staff => "staff",
            Self::Camt => "camt",
            Self::Csv => "csv",
        }
    }

    /// Returns the source of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Staff, Self::Camt, Self::Csv].into_iter().find(|source| source.word() == word)
    }
}

/// How far a receipt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits for somebody.
    Entered,
    /// It is in the books.
    Booked,
    /// It is not booked, for a reason.
    Refused,
}

impl State {
    /// Returns the word kept in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Entered => "entered",
            Self::Booked => "booked",
            Self::Refused => "refused",
        }
    }

    /// Returns the state of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Entered, Self::Booked, Self::Refused].into_iter().find(|state| state.word() == word)
    }
}

/// What a receipt pays of an invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Pays {
    /// Which invoice.
    pub document: DocumentId,
    /// How much of it, as it was open then. Whatever is not open any more becomes the customer's credit.
    pub amount_minor: i64,
}

/// A transfer as it was reported, and what became of it.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// Which one.
    pub id: BankReceiptId,
    /// Whose bank account it came to.
    pub seller: SellerId,
    /// Who paid, as far as it is known.
    pub account: Option<AccountId>,
    /// Their name, or empty.
    pub account_name: String,
    /// What the bank says.
    pub line: Line,
    /// Who reported it.
    pub source: Source,
    /// What it pays, as proposed or chosen.
    pub pays: Vec<Pays>,
    /// The numbers of those invoices, as people read them.
    pub numbers: String,
    /// How far it is.
    pub state: State,
    /// Who entered it.
    pub entered_by: StaffId,
    /// Their name.
    pub entered_name: String,
    /// Who booked or refused it.
    pub ended_name: String,
    /// Why it was refused.
    pub refusal: String,
    /// When it was entered.
    pub created_at: DateTime<Utc>,
    /// When it was booked or refused.
    pub ended_at: Option<DateTime<Utc>>,
}

/// Whom a transfer is from and what it pays, as a person chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Who paid.
    pub account: AccountId,
    /// Which invoices, in the order in which they are paid.
    pub documents: Vec<DocumentId>,
}

/// What became of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the books.
    Booked(BankReceiptId),
    /// It is large: another person confirms it.
    WaitsForSecond(BankReceiptId),
    /// Somebody has to say whom it is from.
    WaitsForChoice(BankReceiptId),
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// There is no such receipt, seller or account.
    #[error("it does not exist")]
    NotFound,
    /// The same receipt was entered before.
    #[error("the same receipt was entered before")]
    Same(Box<Receipt>),
    /// It is booked or refused already.
    #[error("it is done with already")]
    Ended,
    /// Nobody said whom it is from.
    #[error("nobody said whom it is from")]
    NoAccount,
    /// The money is in another currency than the seller's, or than the customer pays in.
    #[error("it is in another currency")]
    OtherCurrency,
    /// It is large, and this is the person who entered it.
    #[error("another person has to confirm it")]
    NeedsSecond,
    /// It is large, and this person did not enter it: only who entered it says what it is for.
    #[error("only the first person chooses")]
    NotYours,
    /// The books have the same money already.
    #[error("the same money is in the books")]
    InBooks,
    /// A refusal needs a reason of 3 to 1,000 characters.
    #[error("a reason of 3 to 1,000 characters is needed")]
    ReasonNeeded,
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// Receipts in a state, the newest first, one more than a page shows.
pub async fn list(db: &mut PgConnection, state: State) -> anyhow::Result<Vec<Receipt>> {
    store::list(db, Which::In(state, PAGE + 1)).await.context("list the transfers")
}

/// One receipt.
pub async fn find(db: &mut PgConnection, id: BankReceiptId) -> anyhow::Result<Option<Receipt>> {
    Ok(store::list(db, Which::Id(id)).await.context("read a transfer")?.pop())
}

/// A customer's open invoices that a receipt of this seller can pay.
pub async fn open_invoices(
    db: &mut PgConnection,
    seller: SellerId,
    account: AccountId,
) -> anyhow::Result<Vec<Invoice>> {
    let mut all = store::invoices(db, seller, None).await.context("list the open invoices")?;
    all.retain(|invoice| invoice.account == account);
    Ok(all)
}

/// A customer's name and currency.
pub async fn account(db: &mut PgConnection, id: AccountId) -> anyhow::Result<Option<(String, Currency)>> {
    store::account(db, id).await.context("read the customer")
}

/// What each line may be meant for.
pub async fn answers(
    db: &mut PgConnection,
    seller: &Seller,
    lines: &[&Line],
    source: Source,
) -> anyhow::Result<Vec<Answer>> {
    let numbers: Vec<Vec<String>> =
        lines.iter().map(|line| matching::numbers_in(&line.remittance, &seller.code)).collect();
    let all_numbers = numbers.concat();
    let named =
        store::invoices(db, seller.id, Some(all_numbers.as_slice())).await.context("find the named invoices")?;
    let open = store::invoices(db, seller.id, None).await.context("list the open invoices")?;
    let ibans: Vec<String> = lines.iter().map(|line| line.payer_iban.clone()).collect();
    let names: Vec<String> = lines.iter().map(|line| plain(&line.payer)).collect();
    let payers = store::payers(db, &ibans, &names).await.context("find the payers")?;
    let reported = reported(db, seller, lines).await?;
    let answer = |(line, numbers): (&&Line, &Vec<String>)| {
        let named: Vec<Invoice> = named.iter().filter(|invoice| numbers.contains(&invoice.number)).cloned().collect();
        let name = plain(&line.payer);
        let mut known: Vec<AccountId> = payers
            .iter()
            .filter(|(key, _)| !key.is_empty() && (*key == line.payer_iban || *key == name))
            .map(|(_, account)| *account)
            .collect();
        known.sort_unstable();
        known.dedup();
        let facts = Facts {
            amount: line.amount.minor,
            named: &named,
            open: &open,
            known: &known,
            is_own_currency: line.amount.currency == seller.currency,
            has_twin: false,
        };
        let answer = matching::find(&facts);
        match &answer.proposal {
            Some((account, _)) if is_twin(&reported, line, *account, source) => {
                matching::find(&Facts { has_twin: true, ..facts })
            }
            _ => answer,
        }
    };
    Ok(lines.iter().zip(&numbers).map(answer).collect())
}

/// What was reported about the days of these lines.
async fn reported(db: &mut PgConnection, seller: &Seller, lines: &[&Line]) -> anyhow::Result<Vec<Reported>> {
    let days = TimeDelta::days(TWIN_DAYS);
    let first = lines.iter().map(|line| line.value_on).min().unwrap_or_default();
    let last = lines.iter().map(|line| line.value_on).max().unwrap_or_default();
    store::receipts_between(db, seller.id, (first - days, last + days)).await.context("find the same money")
}

/// Whether two sources (a person, statements of one format or the other) seem to report the same money of a customer, under two
/// references. One source names the same money in the same way each time.
fn is_twin(reported: &[Reported], line: &Line, account: AccountId, source: Source) -> bool {
    reported.iter().any(|other| {
        other.source != source
            && other.account.is_none_or(|theirs| theirs == account)
            && other.amount_minor == line.amount.minor
            && (other.value_on - line.value_on).abs() <= TimeDelta::days(TWIN_DAYS)
    })
}

/// A name without what people write differently.
fn plain(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).collect::<String>().to_uppercase()
}

/// Enters a transfer. A small one whose customer is known, because `account` says so or only one answer is possible, is
/// booked at once.
pub async fn enter(
    portal: &Portal,
    by: &StaffMember,
    seller: SellerId,
    line: &Line,
    account: Option<AccountId>,
) -> Result<Outcome, TransferError> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let seller = seller_of(&mut tx, seller).await?;
    let answer = answers(&mut tx, &seller, &[line], Source::Staff).await?.pop();
    let proposal = answer.and_then(|answer| answer.proposal);
    let (account, pays) = match (account, proposal) {
        (Some(account), Some((proposed, pays))) if account == proposed => (Some(account), as_pays(pays)),
        (Some(account), _) => {
            let open = open_invoices(&mut tx, seller.id, account).await?;
            (Some(account), as_pays(matching::pay(open.iter(), line.amount.minor)))
        }
        (None, Some((account, pays))) => (Some(account), as_pays(pays)),
        (None, None) => (None, Vec::new()),
    };
    if let Some(account) = account {
        let (_, currency) = self::account(&mut tx, account).await?.ok_or(TransferError::NotFound)?;
        if currency != line.amount.currency || line.amount.currency != seller.currency {
            return Err(TransferError::OtherCurrency);
        }
    }
    let id = BankReceiptId::new(now);
    let is_new = store::insert(&mut tx, (id, seller.id, line), (Source::Staff, by.id), (account, &pays), now).await;
    if !is_new.context("insert a transfer")? {
        let same = store::list(&mut tx, Which::Same(seller.id, line)).await.context("read the same transfer")?.pop();
        return Err(same.map_or(TransferError::NotFound, |same| TransferError::Same(Box::new(same))));
    }
    record(&mut tx, by, ("transfer.entered", id, account), said(&seller, line), now).await?;
    let reported = reported(&mut tx, &seller, &[line]).await?;
    let outcome = if account.is_none_or(|account| is_twin(&reported, line, account, Source::Staff)) {
        Outcome::WaitsForChoice(id)
    } else if line.amount.minor > seller.four_eyes.minor {
        Outcome::WaitsForSecond(id)
    } else {
        let receipt = find(&mut tx, id).await?.ok_or(TransferError::NotFound)?;
        book_now(&mut tx, by, &seller, &receipt, now).await?;
        Outcome::Booked(id)
    };
    tx.commit().await.context("commit")?;
    Ok(outcome)
}

/// Books a receipt, with what is proposed or with a person's choice. A large one waits for another person first.
pub async fn book(
    portal: &Portal,
    by: &StaffMember,
    id: BankReceiptId,
    choice: Option<Choice>,
) -> Result<Outcome, TransferError> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let (seller, mut receipt) = hold(&mut tx, id, State::Entered).await?;
    if receipt.line.amount.currency != seller.currency {
        return Err(TransferError::OtherCurrency);
    }
    let is_large = receipt.line.amount.minor > seller.four_eyes.minor;
    if let Some(choice) = choice {
        let (_, currency) = account(&mut tx, choice.account).await?.ok_or(TransferError::NotFound)?;
        if currency != receipt.line.amount.currency {
            return Err(TransferError::OtherCurrency);
        }
        let open = open_invoices(&mut tx, seller.id, choice.account).await?;
        let chosen = choice.documents.iter().filter_map(|id| open.iter().find(|invoice| invoice.id == *id));
        let pays = as_pays(matching::pay(chosen, receipt.line.amount.minor));
        if receipt.account != Some(choice.account) || receipt.pays != pays {
            if is_large && by.id != receipt.entered_by {
                return Err(TransferError::NotYours);
            }
            store::choose(&mut tx, id, choice.account, &pays).await.context("write the choice down")?;
            let detail = serde_json::json!({ "pays": pays });
            record(&mut tx, by, ("transfer.chosen", id, Some(choice.account)), detail, now).await?;
            receipt = find(&mut tx, id).await?.ok_or(TransferError::NotFound)?;
            if is_large {
                tx.commit().await.context("commit")?;
                return Ok(Outcome::WaitsForSecond(id));
            }
        }
    }
    if is_large && by.id == receipt.entered_by {
        return Err(TransferError::NeedsSecond);
    }
    book_now(&mut tx, by, &seller, &receipt, now).await?;
    tx.commit().await.context("commit")?;
    Ok(Outcome::Booked(id))
}

/// Says that a receipt is not booked, and why.
pub async fn refuse(portal: &Portal, by: &StaffMember, id: BankReceiptId, reason: &str) -> Result<(), TransferError> {
    let reason = statement::tidy(reason, 1000);
    if reason.chars().count() < 3 {
        return Err(TransferError::ReasonNeeded);
    }
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let (_, receipt) = hold(&mut tx, id, State::Entered).await?;
    store::refuse(&mut tx, id, (by.id, &reason), now).await.context("refuse a transfer")?;
    let detail = serde_json::json!({ "reason": reason });
    record(&mut tx, by, ("transfer.refused", id, receipt.account), detail, now).await?;
    tx.commit().await.context("commit")?;
    Ok(())
}

/// Takes a refused receipt up again: a refusal may have been a mistake, and the same money cannot be entered twice.
pub async fn reopen(portal: &Portal, by: &StaffMember, id: BankReceiptId) -> Result<(), TransferError> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let (_, receipt) = hold(&mut tx, id, State::Refused).await?;
    store::reopen(&mut tx, id, by.id).await.context("take a transfer up again")?;
    record(&mut tx, by, ("transfer.reopened", id, receipt.account), serde_json::json!({}), now).await?;
    tx.commit().await.context("commit")?;
    Ok(())
}

async fn seller_of(db: &mut PgConnection, id: SellerId) -> Result<Seller, TransferError> {
    sellers::find(db, id).await?.ok_or(TransferError::NotFound)
}

/// Holds a receipt that is in this state until the end of the transaction.
async fn hold(db: &mut PgConnection, id: BankReceiptId, state: State) -> Result<(Seller, Receipt), TransferError> {
    if !store::lock(db, id).await.context("lock a transfer")? {
        return Err(TransferError::NotFound);
    }
    let receipt = find(db, id).await?.ok_or(TransferError::NotFound)?;
    if receipt.state != state {
        return Err(TransferError::Ended);
    }
    let seller = seller_of(db, receipt.seller).await?;
    Ok((seller, receipt))
}

/// Books the money as the customer's credit, pays the chosen invoices from it, then others that are open, and leaves the rest.
async fn book_now(
    db: &mut PgConnection,
    by: &StaffMember,
    seller: &Seller,
    receipt: &Receipt,
    now: DateTime<Utc>,
) -> Result<(), TransferError> {
    let account = receipt.account.ok_or(TransferError::NoAccount)?;
    let line = &receipt.line;
    let external_ref = format!("{}|{}|{}|{}", seller.code, line.bank_ref, line.value_on, line.amount.minor);
    let received = Received {
        account,
        method: Method::Transfer,
        amount: line.amount,
        received_on: line.value_on,
        external_ref: &external_ref,
    };
    let payment = payments::receive(db, &received, now).await?.ok_or(TransferError::InBooks)?;
    let mut rest = line.amount.minor;
    for pays in &receipt.pays {
        let most = Money::new(rest.min(pays.amount_minor), line.amount.currency);
        rest -= payments::allocate(db, payment, pays.document, most, now).await?.minor;
    }
    // What the chosen invoices do not take pays the others at once.
    payments::settle(db, account, now).await?;
    let second = (by.id != receipt.entered_by).then_some(by.id);
    store::book(db, receipt.id, payment, (by.id, second), now).await.context("book a transfer")?;
    let detail = serde_json::json!({ "payment": payment, "beyond_minor": rest, "pays": receipt.pays });
    record(db, by, ("transfer.booked", receipt.id, Some(account)), detail, now).await?;
    Ok(())
}

fn as_pays(parts: Vec<(DocumentId, i64)>) -> Vec<Pays> {
    parts.into_iter().map(|(document, amount_minor)| Pays { document, amount_minor }).collect()
}

fn said(seller: &Seller, line: &Line) -> serde_json::Value {
    serde_json::json!({
        "seller": seller.code,
        "amount_minor": line.amount.minor,
        "currency": line.amount.currency.code(),
        "value_on": line.value_on,
        "bank_ref": line.bank_ref,
    })
}

async fn record(
    db: &mut PgConnection,
    by: &StaffMember,
    (action, id, account): (&'static str, BankReceiptId, Option<AccountId>),
    mut detail: serde_json::Value,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    detail["receipt"] = serde_json::json!(id);
    let mut entry = audit::Entry::new(action).detail(detail);
    if let Some(account) = account {
        entry = entry.account(account);
    }
    audit::record(db, &Actor::staff(by.id, &by.name), entry, now).await
}
