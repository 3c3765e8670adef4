//! What our people promise and what customers redeem.

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde_json::json;
use sqlx::PgConnection;

use super::store;
use crate::accounts::throttle::{self, Limit};
use crate::audit::{self, Actor};
use crate::base::ids::{AccountId, CouponId, PlanId, UserId};
use crate::billing::rating::discounts::Off;
use crate::plans::Translated;
use crate::portal::Portal;
use crate::staff::StaffMember;

/// A coupon, as our people see it.
#[derive(Clone, Debug)]
pub struct Coupon {
    /// Which one.
    pub id: CouponId,
    /// What customers type.
    pub code: String,
    /// How much it takes off a month.
    pub off: Off,
    /// Since when it can be redeemed.
    pub from: DateTime<Utc>,
    /// Until when.
    pub until: DateTime<Utc>,
    /// By how many accounts at most.
    pub most: i32,
    /// By how many it was.
    pub redeemed: i64,
    /// For how many months of each.
    pub months: i32,
    /// The names of the plans that it is for; none: all.
    pub plans: Vec<Translated>,
    /// Since when nobody redeems it any more.
    pub ended_at: Option<DateTime<Utc>>,
}

/// A coupon to be made.
#[derive(Clone, Debug)]
pub struct NewCoupon {
    /// What customers type; written in capital letters.
    pub code: String,
    /// How much it takes off a month.
    pub off: Off,
    /// Since when it can be redeemed.
    pub from: DateTime<Utc>,
    /// Until when.
    pub until: DateTime<Utc>,
    /// By how many accounts at most.
    pub most: i32,
    /// For how many months of each.
    pub months: i32,
    /// The plans that it is for; none: all.
    pub plans: Vec<PlanId>,
}

/// Why a coupon is not made.
#[derive(Debug, thiserror::Error)]
pub enum CouponError {
    /// 4 to 32 letters, digits and hyphens, with none of those at its ends.
    #[error("a code has 4 to 32 letters, digits and hyphens")]
    BadCode,
    /// There is one.
    #[error("there is a coupon with that code")]
    Taken,
    /// More than 0 and at most 100 per cent with two decimals; or an amount above zero.
    #[error("a percentage is above 0 and at most 100, an amount above 0")]
    BadOff,
    /// It ends before it begins, or after more than ten years.
    #[error("a coupon ends after it begins, within ten years")]
    BadTime,
    /// 1 to 1,000,000 accounts.
    #[error("a coupon is for 1 to 1,000,000 accounts")]
    BadMost,
    /// 1 to 120 months.
    #[error("a coupon is for 1 to 120 months")]
    BadMonths,
    /// There is no such plan.
    #[error("there is no such plan")]
    NoPlan,
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// Why a coupon is not redeemed.
#[derive(Debug, thiserror::Error)]
pub enum RedeemError {
    /// There is none with that code that can be redeemed now: whoever guesses learns no more.
    #[error("there is no such coupon")]
    Unknown,
    /// As many accounts as were promised have redeemed it.
    #[error("the coupon is used up")]
    UsedUp,
    /// This account has.
    #[error("the account has redeemed the coupon")]
    Already,
    /// It is an amount in a currency that the account does not pay in.
    #[error("the coupon is in another currency")]
    OtherCurrency,
    /// So many wrong codes were tried that no more are looked at for a while.
    #[error("too many codes were tried")]
    TooMany,
    /// Something we must look at.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// A coupon that an account has redeemed.
#[derive(Clone, Debug)]
pub struct Redeemed {
    /// What was typed.
    pub code: String,
    /// How much it takes off a month.
    pub off: Off,
    /// When.
    pub at: DateTime<Utc>,
    /// For how many months.
    pub months: i32,
    /// In how many it has counted, the one of now included.
    pub counted: i64,
    /// The names of the plans that it is for; none: all.
    pub plans: Vec<Translated>,
}

/// Returns a code as it is kept; `None` when it is none.
fn tidied(code: &str) -> Option<String> {
    let code = code.trim().to_ascii_uppercase();
    let is_inner = |letter: u8| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == b'-';
    let is_code =
        (4..=32).contains(&code.len()) && code.bytes().all(is_inner) && !code.starts_with('-') && !code.ends_with('-');
    is_code.then_some(code)
}

fn check(new: &NewCoupon) -> Result<(), CouponError> {
    let is_off = match new.off {
        Off::Percent(percent) => {
            percent > Decimal::ZERO && percent <= Decimal::ONE_HUNDRED && percent.normalize().scale() <= 2
        }
        Off::Amount(amount) => (1..=100_000_000_000).contains(&amount.minor),
    };
    if !is_off {
        return Err(CouponError::BadOff);
    }
    if new.until <= new.from || new.until - new.from > TimeDelta::days(3660) {
        return Err(CouponError::BadTime);
    }
    if !(1..=1_000_000).contains(&new.most) {
        return Err(CouponError::BadMost);
    }
    if !(1..=120).contains(&new.months) {
        return Err(CouponError::BadMonths);
    }
    Ok(())
}

/// Makes a coupon. What it promises is never changed; it can be ended.
pub async fn make(portal: &Portal, by: &StaffMember, new: &NewCoupon) -> Result<CouponId, CouponError> {
    let code = tidied(&new.code).ok_or(CouponError::BadCode)?;
    check(new)?;
    let now = portal.clock.now();
    let id = CouponId::new(now);
    let mut tx = portal.db.begin().await.context("begin")?;
    if !store::insert_coupon(&mut tx, id, (&code, new), by.id, now).await.context("insert a coupon")? {
        return Err(CouponError::Taken);
    }
    if store::insert_plans(&mut tx, id, &new.plans).await.context("say for which plans a coupon is")? != new.plans.len()
    {
        return Err(CouponError::NoPlan);
    }
    let off = match new.off {
        Off::Percent(percent) => json!({ "percent": percent }),
        Off::Amount(amount) => json!({ "amount": amount.exact(), "currency": amount.currency }),
    };
    let detail = json!({
        "code": code, "off": off, "from": new.from, "until": new.until, "most": new.most, "months": new.months,
        "plans": new.plans,
    });
    let entry = audit::Entry::new("coupon.made").detail(detail);
    audit::record(&mut tx, &Actor::staff(by.id, &by.name), entry, now).await?;
    tx.commit().await.context("commit")?;
    Ok(id)
}

/// Lets nobody redeem a coupon any more; what was redeemed counts on. False when it was ended before, or there is none.
pub async fn end(portal: &Portal, by: &StaffMember, coupon: CouponId) -> anyhow::Result<bool> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let Some(code) = store::end(&mut tx, coupon, now).await.context("end a coupon")? else { return Ok(false) };
    let entry = audit::Entry::new("coupon.ended").detail(json!({ "code": code }));
    audit::record(&mut tx, &Actor::staff(by.id, &by.name), entry, now).await?;
    tx.commit().await.context("commit")?;
    Ok(true)
}

/// Returns every coupon, newest first.
pub async fn list(db: &mut PgConnection) -> anyhow::Result<Vec<Coupon>> {
    store::list(db).await.context("list coupons")
}

/// Returns what an account has redeemed, oldest first.
pub async fn of_account(db: &mut PgConnection, account: AccountId) -> anyhow::Result<Vec<Redeemed>> {
    store::of_account(db, account).await.context("list what an account has redeemed")
}

/// Redeems a coupon for an account: it counts from the month of now, or in which the trial ends.
pub async fn redeem(
    portal: &Portal,
    key: &throttle::Key,
    (by, user): (&Actor, UserId),
    account: AccountId,
    code: &str,
) -> Result<(), RedeemError> {
    let now = portal.clock.now();
    if throttle::count(portal, key, Limit::CouponByAccount, &[&account.to_string()]).await?.is_some() {
        return Err(RedeemError::TooMany);
    }
    let mut tx = portal.db.begin().await.context("begin")?;
    let found = match tidied(code) {
        Some(code) => store::lock_by_code(&mut tx, &code).await.context("lock a coupon")?,
        None => None,
    };
    let is_open = |it: &store::Offered| it.ended_at.is_none() && it.from <= now && now < it.until;
    let Some(offered) = found.filter(is_open) else { return Err(RedeemError::Unknown) };
    let currency = store::currency_of(&mut tx, account).await.context("read the account's currency")?;
    if offered.currency.is_some_and(|of| of != currency) {
        return Err(RedeemError::OtherCurrency);
    }
    // The coupon is locked: whoever redeems it at the same time waits here and is counted after.
    let (redeemed, is_ours) = store::redeemed(&mut tx, offered.id, account).await.context("count redemptions")?;
    if is_ours {
        return Err(RedeemError::Already);
    }
    if redeemed >= offered.most.into() {
        return Err(RedeemError::UsedUp);
    }
    store::insert_redemption(&mut tx, (offered.id, account), user, now).await.context("redeem a coupon")?;
    let entry = audit::Entry::new("coupon.redeemed").account(account).detail(json!({ "code": offered.code }));
    audit::record(&mut tx, by, entry, now).await?;
    tx.commit().await.context("commit")?;
    Ok(())
}
