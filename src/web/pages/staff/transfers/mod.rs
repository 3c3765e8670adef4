//! `/staff/transfers`: bank transfers that wait for somebody, and what became of the others.

pub mod add;
pub mod import;
pub mod show;

use actix_web::web::{Data, Query};
use anyhow::Context;
use askama::Template;
use chrono::{NaiveDate, NaiveTime};

use super::rows::formats;
use crate::billing::sellers::{self, Seller};
use crate::billing::transfers::{self, Receipt, State, TransferError};
use crate::i18n::format::Formats;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::Staff;
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

#[derive(Template)]
#[template(path = "pages/staff/transfers/list.html")]
struct ListPage {
    layout: Layout,
    add_url: String,
    import_url: String,
    /// Label, address, whether it is this one.
    tabs: Vec<(String, String, bool)>,
    lines: Vec<ReceiptLine>,
    has_more: bool,
    empty_text: String,
}

struct ReceiptLine {
    url: String,
    book_url: String,
    day: String,
    amount: String,
    payer: String,
    bank_ref: String,
    account_url: String,
    account: String,
    numbers: String,
    badge: &'static str,
    state: String,
    /// Whether one click books it.
    is_clear: bool,
}

/// What the address may hold.
#[derive(Debug, Default, serde::Deserialize)]
pub struct ListQuery {
    #[serde(default)]
    state: String,
}

/// Lists transfers of one state.
pub async fn get(portal: Data<Portal>, staff: Staff, query: Query<ListQuery>) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let state = State::from_word(&query.state).unwrap_or(State::Entered);
    let mut receipts = transfers::list(&mut db, state).await?;
    let has_more = receipts.len() > usize::try_from(transfers::PAGE).unwrap_or_default();
    receipts.truncate(usize::try_from(transfers::PAGE).unwrap_or_default());
    let sellers = sellers::list(&mut db).await?;
    let layout = staff.layout.clone();
    let tabs = [State::Entered, State::Booked, State::Refused].map(|tab| {
        let word = tab.word();
        (layout.t(format!("transfers-tab-{word}")), format!("{}?state={word}", urls::staff_transfers()), tab == state)
    });
    answer::page(&ListPage {
        add_url: urls::staff_transfer_new(),
        import_url: urls::staff_transfer_import(),
        tabs: tabs.to_vec(),
        lines: receipts.iter().map(|receipt| line(&staff, &sellers, receipt)).collect(),
        has_more,
        empty_text: layout.t(format!("transfers-none-{}", state.word())),
        layout,
    })
}

fn line(staff: &Staff, sellers: &[Seller], receipt: &Receipt) -> ReceiptLine {
    let layout = &staff.layout;
    let formats = formats(layout);
    let standing = Standing::of(staff, sellers, receipt);
    ReceiptLine {
        url: urls::staff_transfer(receipt.id),
        book_url: urls::staff_transfer_act(receipt.id, "book"),
        day: day(formats, receipt.line.value_on),
        amount: formats.money(receipt.line.amount),
        payer: receipt.line.payer.clone(),
        bank_ref: receipt.line.bank_ref.clone(),
        account_url: receipt.account.map(urls::staff_account).unwrap_or_default(),
        account: receipt.account_name.clone(),
        numbers: receipt.numbers.clone(),
        badge: standing.badge(),
        state: layout.t(standing.key()),
        is_clear: standing == Standing::Ready,
    }
}

/// What a receipt waits for, for this person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Somebody has to say whom it is from.
    Choice,
    /// A click of this person books it.
    Ready,
    /// It is large, and this person entered it.
    Second,
    /// It is in a currency that this bank account is not kept in.
    Currency,
    /// It is in the books.
    Booked,
    /// It is not booked.
    Refused,
}

impl Standing {
    pub(super) fn of(staff: &Staff, sellers: &[Seller], receipt: &Receipt) -> Self {
        let seller = sellers.iter().find(|seller| seller.id == receipt.seller);
        let is_large = seller.is_some_and(|seller| receipt.line.amount.minor > seller.four_eyes.minor);
        let is_own_currency = seller.is_some_and(|seller| receipt.line.amount.currency == seller.currency);
        match receipt.state {
            State::Booked => Self::Booked,
            State::Refused => Self::Refused,
            State::Entered if !is_own_currency => Self::Currency,
            State::Entered if receipt.account.is_none() => Self::Choice,
            State::Entered if is_large && receipt.entered_by == staff.member.id => Self::Second,
            State::Entered => Self::Ready,
        }
    }

    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Choice => "transfers-state-choice",
            Self::Ready => "transfers-state-ready",
            Self::Second => "transfers-state-second",
            Self::Currency => "transfers-state-currency",
            Self::Booked => "transfers-state-booked",
            Self::Refused => "transfers-state-refused",
        }
    }

    pub(super) fn badge(self) -> &'static str {
        match self {
            Self::Choice | Self::Currency => "warning",
            Self::Ready | Self::Second => "neutral",
            Self::Booked => "running",
            Self::Refused => "stopped",
        }
    }
}

/// Writes a day of the bank's calendar.
pub(super) fn day(formats: Formats, date: NaiveDate) -> String {
    formats.date(date.and_time(NaiveTime::MIN).and_utc())
}

/// Says why nothing was done, on a page.
pub(super) fn refused(error: TransferError, layout: &Layout, page: &str) -> Answer {
    let key = match error {
        TransferError::NotFound => return Err(PageError::NotFound),
        TransferError::Failed(cause) => return Err(PageError::Failed(cause)),
        TransferError::Same(same) => {
            let said = sentence_of_same(layout, &same);
            return answer::flash_with(
                urls::staff_transfer(same.id),
                FlashKind::Warning,
                "transfers-same",
                ("said", &said),
            );
        }
        TransferError::Ended => "transfers-ended",
        TransferError::NoAccount => "transfers-no-account",
        TransferError::OtherCurrency => "transfers-other-currency",
        TransferError::NeedsSecond => "transfers-needs-second",
        TransferError::NotYours => "transfers-not-yours",
        TransferError::InBooks => "transfers-in-books",
        TransferError::ReasonNeeded => "transfers-reason-needed",
    };
    answer::flash(page, FlashKind::Warning, key)
}

/// Who entered a transfer first, and when.
fn sentence_of_same(layout: &Layout, same: &Receipt) -> String {
    let when = formats(layout).spoken(same.created_at, layout.now);
    layout.t2("transfers-same-by", "name", same.entered_name.clone(), "when", when)
}
