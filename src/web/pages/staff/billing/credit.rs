//! Credit that staff give, on the customer's page: what there is, a form, and what waits for a second person.

use actix_web::web::{Data, Path};
use chrono::NaiveDate;
use sqlx::PgConnection;

use crate::base::ids::{AccountId, CreditGrantId};
use crate::base::money::Currency;
use crate::billing::lots::grants::{self, Grant, GrantError, NewGrant, Outcome, State};
use crate::billing::lots::{self, Lot};
use crate::billing::transfers::statement;
use crate::i18n::format::Formats;
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Button, Posted, Staff};
use crate::web::layout::{FlashKind, Layout};
use crate::web::pages::billing::credit::{ends, note, words};
use crate::web::pages::staff::rows::{formats, people};
use crate::web::urls;

/// So many lots and grants are shown.
const SHOWN: i64 = 30;

/// A customer's credit.
pub struct CreditPart {
    /// Each lot.
    pub lots: Vec<LotLine>,
    /// What was asked for.
    pub grants: Vec<GrantLine>,
    /// Where a grant is asked for.
    pub action: String,
    /// The number of the grant to be: the form gives once, however often it is sent.
    pub id: String,
    /// In what the customer pays.
    pub currency: String,
}

/// A lot.
pub struct LotLine {
    /// What it is called.
    pub what: String,
    /// When it came.
    pub since: String,
    /// How much it was.
    pub amount: String,
    /// What is left.
    pub left: String,
    /// When it ends.
    pub ends: String,
    /// What became of it beside what it paid.
    pub note: String,
    /// Address, number and amount of what it paid.
    pub paid: Vec<(String, String, String)>,
}

/// A grant.
pub struct GrantLine {
    /// When it was asked for.
    pub when: String,
    /// How much.
    pub amount: String,
    /// Why.
    pub reason: String,
    /// Who asked and who confirmed.
    pub people: String,
    /// When it ends.
    pub ends: String,
    /// The shape of its state.
    pub badge: &'static str,
    /// Its state, in words.
    pub state: String,
    /// Where it is confirmed; empty: it is not to be confirmed.
    pub confirm_url: String,
    /// Where it is withdrawn; empty: it cannot be.
    pub withdraw_url: String,
}

impl CreditPart {
    /// Reads a customer's.
    pub async fn read(
        db: &mut PgConnection,
        layout: &Layout,
        account: AccountId,
        currency: Currency,
    ) -> anyhow::Result<Self> {
        let formats = formats(layout);
        let lots = lots::list(db, account, currency, SHOWN).await?;
        let grants = grants::list(db, Some(account), SHOWN).await?;
        Ok(Self {
            lots: lots.iter().map(|lot| lot_line(layout, formats, lot)).collect(),
            grants: grants.iter().map(|grant| grant_line(layout, grant)).collect(),
            action: urls::staff_give_credit(account),
            id: CreditGrantId::new(layout.now).to_string(),
            currency: currency.code().to_owned(),
        })
    }
}

fn lot_line(layout: &Layout, formats: Formats, lot: &Lot) -> LotLine {
    LotLine {
        what: words(layout, lot),
        since: formats.calendar_day(lot.since_on),
        amount: formats.money(lot.amount),
        left: formats.money(lot.usable(layout.now)),
        ends: ends(layout, formats, lot),
        note: note(layout, formats, lot),
        paid: lot
            .paid
            .iter()
            .map(|(id, number, amount)| (urls::staff_document(*id), number.clone(), formats.money(*amount)))
            .collect(),
    }
}

/// The shape of a grant's state.
pub(in crate::web::pages::staff) fn badge(state: State) -> &'static str {
    match state {
        State::Waiting => "warning",
        State::Wanted => "working",
        State::Done => "running",
        State::Failed => "failed",
        State::Withdrawn => "stopped",
    }
}

fn grant_line(layout: &Layout, grant: &Grant) -> GrantLine {
    let formats = formats(layout);
    let waits = grant.state == State::Waiting;
    let act = |name| if waits { urls::staff_grant_act(grant.id, name) } else { String::new() };
    GrantLine {
        when: formats.spoken(grant.created_at, layout.now),
        amount: formats.money(grant.amount),
        reason: grant.reason.clone(),
        people: people(&grant.asked_name, &grant.approved_name),
        ends: grant.expires_at.map_or_else(|| layout.t("credit-ends-never"), |at| formats.date_time(at)),
        badge: badge(grant.state),
        state: layout.t(format!("credit-grant-{}", grant.state.word())),
        confirm_url: act("confirm"),
        withdraw_url: act("withdraw"),
    }
}

/// How much is given, why, until when.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct GrantForm {
    grant: String,
    amount: String,
    /// Why: the page has another field called `reason`.
    why: String,
    until: String,
    priority: String,
}

/// Asks for a grant.
pub async fn give(portal: Data<Portal>, staff: Staff, id: Path<AccountId>, posted: Posted<GrantForm>) -> Answer {
    let page = format!("{}#credit", urls::staff_account(*id));
    let form = posted.form;
    let grant = form.grant.parse().map_err(|_| PageError::BadForm)?;
    let until = match form.until.trim() {
        "" => None,
        text => match text.parse::<NaiveDate>() {
            Ok(day) => Some(day),
            Err(_) => return refused(GrantError::BadDay, &page),
        },
    };
    let new = NewGrant {
        id: grant,
        account: *id,
        amount_minor: statement::minor(&form.amount).unwrap_or_default(),
        reason: form.why,
        until,
        priority: form.priority.trim().parse().unwrap_or_default(),
    };
    match grants::ask(&portal, &staff.member, &new).await {
        Ok(Outcome::Wanted) => answer::flash(page, FlashKind::Good, "credit-grant-asked"),
        Ok(Outcome::WaitsForSecond) => answer::flash(page, FlashKind::Good, "credit-grant-second"),
        Err(error) => refused(error, &page),
    }
}

/// Confirms a colleague's large grant.
pub async fn confirm(portal: Data<Portal>, staff: Staff, id: Path<CreditGrantId>, _posted: Posted<Button>) -> Answer {
    match grants::confirm(&portal, &staff.member, *id).await {
        Ok(account) => answer::flash(urls::staff_account(account), FlashKind::Good, "credit-grant-asked"),
        Err(error) => refused(error, &format!("{}?list=credit", urls::staff_payments())),
    }
}

/// Withdraws a large grant.
pub async fn withdraw(portal: Data<Portal>, staff: Staff, id: Path<CreditGrantId>, _posted: Posted<Button>) -> Answer {
    match grants::withdraw(&portal, &staff.member, *id).await {
        Ok(account) => answer::flash(urls::staff_account(account), FlashKind::Good, "credit-grant-gone"),
        Err(error) => refused(error, &format!("{}?list=credit", urls::staff_payments())),
    }
}

/// Says why nothing was done, on a page.
fn refused(error: GrantError, page: &str) -> Answer {
    let key = match error {
        GrantError::NotFound => return Err(PageError::NotFound),
        GrantError::Failed(cause) => return Err(PageError::Failed(cause)),
        GrantError::BadAmount => "credit-grant-bad-amount",
        GrantError::BadDay => "credit-grant-bad-day",
        GrantError::BadPriority => "credit-grant-bad-priority",
        GrantError::ReasonNeeded => "transfers-reason-needed",
        GrantError::NoSeller => "credit-grant-no-seller",
        GrantError::NeedsSecond => "payments-needs-second",
        GrantError::Ended => "payments-ended",
    };
    answer::flash(page, FlashKind::Warning, key)
}
