//! Links to the staff's pages.

use chrono::NaiveDate;

use super::encoded;
use crate::base::ids::{
    AccountId, BankReceiptId, CardRefundId, CouponId, EnvironmentId, HostId, PaymentId, PlanId, PlanVersionId, PushId,
    RolloutId,
};

/// The staff's overview.
#[must_use]
pub fn staff() -> String {
    "/staff".to_owned()
}

/// Staff log in.
#[must_use]
pub fn staff_login() -> String {
    "/staff/login".to_owned()
}

/// Staff log out (POST).
#[must_use]
pub fn staff_log_out() -> String {
    "/staff/logout".to_owned()
}

/// Staff prove the second factor.
#[must_use]
pub fn staff_second_factor() -> String {
    "/staff/second-factor".to_owned()
}

/// Staff set up the second factor.
#[must_use]
pub fn staff_enrol() -> String {
    "/staff/enrol".to_owned()
}

/// The page behind an invitation to join the staff.
#[must_use]
pub fn staff_join(token: &str) -> String {
    format!("/staff/join/{}", encoded(token))
}

/// Customers, for staff.
#[must_use]
pub fn staff_accounts() -> String {
    "/staff/accounts".to_owned()
}

/// One customer, for staff.
#[must_use]
pub fn staff_account(account: AccountId) -> String {
    format!("/staff/accounts/{account}")
}

/// Instances, for staff.
#[must_use]
pub fn staff_instances() -> String {
    "/staff/instances".to_owned()
}

/// One instance, for staff.
#[must_use]
pub fn staff_instance(environment: EnvironmentId) -> String {
    format!("/staff/instances/{environment}")
}

/// Gives an instance a limit of requests of its own, for staff (POST).
#[must_use]
pub fn staff_limit(id: EnvironmentId) -> String {
    format!("/staff/instances/{id}/limit")
}

/// Wants another number of containers for an instance, for staff (POST).
#[must_use]
pub fn staff_containers(id: EnvironmentId) -> String {
    format!("/staff/instances/{id}/containers")
}

/// The rule of an instance, for staff; setting it is a POST to the same address.
#[must_use]
pub fn staff_scaling(id: EnvironmentId) -> String {
    format!("/staff/instances/{id}/scaling")
}

/// Wakes an instance for staff (POST).
#[must_use]
pub fn staff_wake(id: EnvironmentId) -> String {
    format!("/staff/instances/{id}/wake")
}

/// Images and rollouts, for staff.
#[must_use]
pub fn staff_images() -> String {
    "/staff/images".to_owned()
}

/// Begins a rollout (POST).
#[must_use]
pub fn staff_rollouts() -> String {
    "/staff/images/rollouts".to_owned()
}

/// Stops or resumes a rollout (POST).
#[must_use]
pub fn staff_rollout(id: RolloutId, act: &str) -> String {
    format!("/staff/images/rollouts/{id}/{act}")
}

/// The catalogue, for staff.
#[must_use]
pub fn staff_plans() -> String {
    "/staff/plans".to_owned()
}

/// Makes a plan.
#[must_use]
pub fn staff_plan_new() -> String {
    "/staff/plans/new".to_owned()
}

/// Moves a plan in the list (POST).
#[must_use]
pub fn staff_plan_move(plan: PlanId) -> String {
    format!("/staff/plans/{plan}/move")
}

/// A new version of a plan.
#[must_use]
pub fn staff_plan_draft(plan: PlanId) -> String {
    format!("/staff/plans/{plan}/draft")
}

/// What a plan is called, and whether it is offered.
#[must_use]
pub fn staff_plan_words(plan: PlanId) -> String {
    format!("/staff/plans/{plan}/words")
}

/// A version of a plan: whom it would mean something for. Publishes a draft (POST).
#[must_use]
pub fn staff_plan_publish(version: PlanVersionId) -> String {
    format!("/staff/plans/versions/{version}/publish")
}

/// A page of what a version would mean for those who are on the present one.
#[must_use]
pub fn staff_plan_publish_page(version: PlanVersionId, page: i64) -> String {
    format!("/staff/plans/versions/{version}/publish?page={page}#preview")
}

/// Asks what a version would mean for those who are on the present one (POST).
#[must_use]
pub fn staff_plan_preview(version: PlanVersionId) -> String {
    format!("/staff/plans/versions/{version}/preview")
}

/// Withdraws a version that is not sold yet, or a move to it (POST).
#[must_use]
pub fn staff_plan_withdraw(version: PlanVersionId) -> String {
    format!("/staff/plans/versions/{version}/withdraw")
}

/// The work queue.
#[must_use]
pub fn staff_queue() -> String {
    "/staff/queue".to_owned()
}

/// Usage, for staff.
#[must_use]
pub fn staff_usage() -> String {
    "/staff/usage".to_owned()
}

/// Usage of some days, by one customer or one instance only.
#[must_use]
pub fn staff_usage_of(from: &str, to: &str, account: Option<AccountId>, instance: Option<EnvironmentId>) -> String {
    format!("/staff/usage?{}", usage_query(from, to, account, instance))
}

/// The same as a file.
#[must_use]
pub fn staff_usage_file(
    extension: &str,
    from: &str,
    to: &str,
    account: Option<AccountId>,
    instance: Option<EnvironmentId>,
) -> String {
    format!("/staff/usage.{extension}?{}", usage_query(from, to, account, instance))
}

fn usage_query(from: &str, to: &str, account: Option<AccountId>, instance: Option<EnvironmentId>) -> String {
    let account = account.map(|id| format!("&account={id}")).unwrap_or_default();
    let instance = instance.map(|id| format!("&instance={id}")).unwrap_or_default();
    format!("from={}&to={}{account}{instance}", encoded(from), encoded(to))
}

/// What recurs, was billed and is unpaid.
#[must_use]
pub fn staff_revenue() -> String {
    "/staff/revenue".to_owned()
}

/// The same, with the lines of one month.
#[must_use]
pub fn staff_revenue_month(month: NaiveDate) -> String {
    format!("/staff/revenue?month={}", month.format("%Y-%m"))
}

/// Its numbers as a file: `movements` or `billed`.
#[must_use]
pub fn staff_revenue_file(word: &str) -> String {
    format!("/staff/revenue/{word}.csv")
}

/// What machines cost and earned last month.
#[must_use]
pub fn staff_margins() -> String {
    "/staff/revenue/hosts".to_owned()
}

/// The same of one month.
#[must_use]
pub fn staff_margins_of(month: NaiveDate) -> String {
    format!("/staff/revenue/hosts?month={}", month.format("%Y-%m"))
}

/// Says what a machine costs (POST).
#[must_use]
pub fn staff_margin_costs() -> String {
    "/staff/revenue/hosts/costs".to_owned()
}

/// Says what a euro was in a month (POST).
#[must_use]
pub fn staff_margin_rates() -> String {
    "/staff/revenue/hosts/rates".to_owned()
}

/// Files for accountants.
#[must_use]
pub fn staff_exports() -> String {
    "/staff/exports".to_owned()
}

/// One of them.
#[must_use]
pub fn staff_exports_file() -> String {
    "/staff/exports/file".to_owned()
}

/// The audit log.
#[must_use]
pub fn staff_audit() -> String {
    "/staff/audit".to_owned()
}

/// What the nightly self-audit of the books found.
#[must_use]
pub fn staff_self_audit() -> String {
    "/staff/billing/audit".to_owned()
}

/// Hosts.
#[must_use]
pub fn staff_hosts() -> String {
    "/staff/hosts".to_owned()
}

/// Adds a host.
#[must_use]
pub fn staff_host_new() -> String {
    "/staff/hosts/new".to_owned()
}

/// One host.
#[must_use]
pub fn staff_host(host: HostId) -> String {
    format!("/staff/hosts/{host}")
}

/// Closes, opens or removes a host, or ends its emptying (POST).
#[must_use]
pub fn staff_host_act(host: HostId, act: &str) -> String {
    format!("/staff/hosts/{host}/{act}")
}

/// Who would move where if a host were emptied.
#[must_use]
pub fn staff_host_drain(host: HostId) -> String {
    format!("/staff/hosts/{host}/drain")
}

/// Bank transfers, for staff.
#[must_use]
pub fn staff_transfers() -> String {
    "/staff/transfers".to_owned()
}

/// Enters a transfer.
#[must_use]
pub fn staff_transfer_new() -> String {
    "/staff/transfers/new".to_owned()
}

/// Takes a bank's statement in.
#[must_use]
pub fn staff_transfer_import() -> String {
    "/staff/transfers/import".to_owned()
}

/// One transfer.
#[must_use]
pub fn staff_transfer(receipt: BankReceiptId) -> String {
    format!("/staff/transfers/{receipt}")
}

/// Books, refuses or reopens a transfer (POST).
#[must_use]
pub fn staff_transfer_act(receipt: BankReceiptId, act: &str) -> String {
    format!("/staff/transfers/{receipt}/{act}")
}

/// What is carried into the Odoos with our books.
#[must_use]
pub fn staff_books() -> String {
    "/staff/books".to_owned()
}

/// Has something tried again that is not there (POST).
#[must_use]
pub fn staff_books_ask(push: PushId) -> String {
    format!("/staff/books/{push}/ask")
}

/// Who has not paid; giving more time is a POST to the same address.
#[must_use]
pub fn staff_dunning() -> String {
    "/staff/dunning".to_owned()
}

/// Card payments, for staff; `?list=` names another list.
#[must_use]
pub fn staff_payments() -> String {
    "/staff/payments".to_owned()
}

/// One card payment.
#[must_use]
pub fn staff_payment(payment: PaymentId) -> String {
    format!("/staff/payments/{payment}")
}

/// Gives a card payment back (POST).
#[must_use]
pub fn staff_payment_refund(payment: PaymentId) -> String {
    format!("/staff/payments/{payment}/refund")
}

/// Confirms or withdraws a large refund (POST).
#[must_use]
pub fn staff_refund_act(refund: CardRefundId, act: &str) -> String {
    format!("/staff/payments/refunds/{refund}/{act}")
}

/// Has something that Stripe told us looked at again (POST).
#[must_use]
pub fn staff_card_event_retry(event: &str) -> String {
    format!("/staff/payments/events/{}/retry", encoded(event))
}

/// Coupons; making one is a POST to the same address.
#[must_use]
pub fn staff_coupons() -> String {
    "/staff/coupons".to_owned()
}

/// Ends a coupon.
#[must_use]
pub fn staff_coupon_end(coupon: CouponId) -> String {
    format!("/staff/coupons/{coupon}/end")
}
