//! `/staff/payments/{payment}`: one card payment, and what of it goes back.

use actix_web::web::{Data, Path};
use anyhow::Context;
use askama::Template;

use crate::base::ids::{CardRefundId, PaymentId};
use crate::billing::transfers::statement;
use crate::payments::refunds::{self, Outcome, Refund, RefundError, State};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Button, Posted, Staff};
use crate::web::layout::{FlashKind, Layout};
use crate::web::pages::staff::rows::{formats, people};
use crate::web::urls;

/// How many refunds of one payment are shown.
const SHOWN: i64 = 50;

#[derive(Template)]
#[template(path = "pages/staff/payments/show.html")]
struct ShowPage {
    layout: Layout,
    list_url: String,
    refund_url: String,
    external_ref: String,
    amount: String,
    free: String,
    refundable: String,
    /// The same as it is typed.
    most: String,
    account: String,
    account_url: String,
    booked: String,
    can_refund: bool,
    refunds: Vec<RefundLine>,
}

struct RefundLine {
    when: String,
    amount: String,
    reason: String,
    people: String,
    badge: &'static str,
    state: String,
    failure: String,
    confirm_url: String,
    withdraw_url: String,
}

/// The shape of a refund's state.
pub(super) fn badge(state: State) -> &'static str {
    match state {
        State::Waiting => "warning",
        State::Wanted | State::Unknown | State::Pending => "working",
        State::Done => "running",
        State::Failed => "failed",
        State::Withdrawn => "stopped",
    }
}

/// Shows it.
pub async fn get(portal: Data<Portal>, staff: Staff, id: Path<PaymentId>) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let payment = refunds::payment(&mut db, *id).await?.ok_or(PageError::NotFound)?;
    let listed = refunds::list(&mut db, Some(*id), SHOWN).await?;
    drop(db);
    let layout = &staff.layout;
    let formats = formats(layout);
    let is_under_way = listed
        .iter()
        .any(|refund| matches!(refund.state, State::Waiting | State::Wanted | State::Unknown | State::Pending));
    answer::page(&ShowPage {
        list_url: urls::staff_payments(),
        refund_url: urls::staff_payment_refund(payment.id),
        external_ref: payment.external_ref.clone(),
        amount: formats.money(payment.amount),
        free: formats.money(payment.free),
        refundable: formats.money(payment.refundable),
        most: payment.refundable.exact().to_string(),
        account: payment.account_name.clone(),
        account_url: urls::staff_account(payment.account),
        booked: formats.spoken(payment.created_at, layout.now),
        can_refund: payment.refundable.minor > 0 && !is_under_way,
        refunds: listed.iter().map(|refund| line(&staff, refund)).collect(),
        layout: staff.layout.clone(),
    })
}

fn line(staff: &Staff, refund: &Refund) -> RefundLine {
    let layout = &staff.layout;
    let formats = formats(layout);
    let waits = refund.state == State::Waiting;
    let can_confirm = waits && refund.asked_by != staff.member.id;
    RefundLine {
        when: formats.spoken(refund.created_at, layout.now),
        amount: formats.money(refund.amount),
        reason: refund.reason.clone(),
        people: people(&refund.asked_name, &refund.approved_name),
        badge: badge(refund.state),
        state: layout.t(format!("payments-refund-{}", refund.state.word())),
        failure: match refund.failure.as_str() {
            "not_free" => layout.t("payments-failure-not-free"),
            "never_arrived" => layout.t("payments-failure-never-arrived"),
            said => said.to_owned(),
        },
        confirm_url: if can_confirm { urls::staff_refund_act(refund.id, "confirm") } else { String::new() },
        withdraw_url: if waits { urls::staff_refund_act(refund.id, "withdraw") } else { String::new() },
    }
}

/// How much goes back, and why.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct RefundForm {
    amount: String,
    reason: String,
}

/// Asks for a refund.
pub async fn refund(portal: Data<Portal>, staff: Staff, id: Path<PaymentId>, posted: Posted<RefundForm>) -> Answer {
    let page = urls::staff_payment(*id);
    let amount = statement::minor(&posted.form.amount).unwrap_or_default();
    match refunds::ask(&portal, &staff.member, *id, amount, &posted.form.reason).await {
        Ok(Outcome::Wanted) => answer::flash(page, FlashKind::Good, "payments-refund-asked"),
        Ok(Outcome::WaitsForSecond) => answer::flash(page, FlashKind::Good, "payments-refund-second"),
        Err(error) => refused(error, &page),
    }
}

/// Confirms a colleague's large refund.
pub async fn confirm(portal: Data<Portal>, staff: Staff, id: Path<CardRefundId>, _posted: Posted<Button>) -> Answer {
    match refunds::confirm(&portal, &staff.member, *id).await {
        Ok(payment) => answer::flash(urls::staff_payment(payment), FlashKind::Good, "payments-refund-asked"),
        Err(error) => refused(error, &format!("{}?list=refunds", urls::staff_payments())),
    }
}

/// Withdraws a large refund.
pub async fn withdraw(portal: Data<Portal>, staff: Staff, id: Path<CardRefundId>, _posted: Posted<Button>) -> Answer {
    match refunds::withdraw(&portal, &staff.member, *id).await {
        Ok(payment) => answer::flash(urls::staff_payment(payment), FlashKind::Good, "payments-refund-gone"),
        Err(error) => refused(error, &format!("{}?list=refunds", urls::staff_payments())),
    }
}

/// Says why nothing was done, on a page.
fn refused(error: RefundError, page: &str) -> Answer {
    let key = match error {
        RefundError::NotFound => return Err(PageError::NotFound),
        RefundError::Failed(cause) => return Err(PageError::Failed(cause)),
        RefundError::TooMuch => "payments-too-much",
        RefundError::UnderWay => "payments-under-way",
        RefundError::ReasonNeeded => "transfers-reason-needed",
        RefundError::NeedsSecond => "payments-needs-second",
        RefundError::Ended => "payments-ended",
    };
    answer::flash(page, FlashKind::Warning, key)
}
