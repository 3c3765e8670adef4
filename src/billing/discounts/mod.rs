//! Coupons: made by our people, redeemed by customers, taken off their months before VAT.
//!
//! `rating::discounts` says how much; this folder says of which months, and keeps what was taken.

mod coupons;
mod store;

use anyhow::Context;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::rating::account::{self, Month};
use super::rating::discounts::{self as pure, Grant, Nets, Off};
use super::rating::proof::{DiscountedMonth, DiscountsProof};
use super::rating::{Charge, Rated, Span};
use super::run::Period;
use crate::base::ids::{AccountId, ChargeId, DiscountId, PeriodId, RedemptionId};
use crate::base::money::{Currency, Money};

pub use coupons::{Coupon, CouponError, NewCoupon, RedeemError, Redeemed, end, list, make, of_account, redeem};

/// A coupon that counts in a month, with what pages and papers call it.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    code: String,
    grant: Grant,
}

/// What a coupon takes off a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What was typed.
    pub code: String,
    /// How much it takes off.
    pub off: Off,
    /// How much that is; above zero.
    pub amount: Money,
}

/// What a month costs, before VAT and after discounts.
#[derive(Clone, Debug)]
pub struct Cost {
    /// What was rated so far.
    pub rated: Rated,
    /// What is taken off it.
    pub taken: Vec<Taken>,
    /// What it comes to so far.
    pub so_far: Money,
    /// What it will come to when everything goes on as it does: an estimate.
    pub forecast: Money,
}

/// Returns what an open month costs so far and will cost: what its invoice says before VAT when it is over.
pub async fn cost(db: &mut PgConnection, month: Month<'_>, now: DateTime<Utc>) -> anyhow::Result<Cost> {
    let (rated, forecast) = account::forecast_account(db, month, now).await?;
    let counted = store::counted(db, month.account, month.period).await.context("list the coupons of a month")?;
    let taken_now = taken(&counted, &rated, month.currency)?;
    let taken_then = taken(&counted, &forecast, month.currency)?;
    let so_far = after(&rated, &taken_now, month.currency)?;
    let forecast = after(&forecast, &taken_then, month.currency)?;
    Ok(Cost { rated, taken: taken_now, so_far, forecast })
}

fn taken(counted: &[Counted], rated: &Rated, currency: Currency) -> anyhow::Result<Vec<Taken>> {
    let grants: Vec<Grant> = counted.iter().map(|it| it.grant.clone()).collect();
    let off = pure::discounts(&pure::nets(rated.charges.iter())?, &grants, currency)?;
    let of = |it: &Counted| {
        let minor = off.get(&it.grant.redemption).copied().unwrap_or_default();
        (minor > 0).then(|| Taken { code: it.code.clone(), off: it.grant.off, amount: Money::new(minor, currency) })
    };
    Ok(counted.iter().filter_map(of).collect())
}

fn after(rated: &Rated, taken: &[Taken], currency: Currency) -> anyhow::Result<Money> {
    let off: i64 = taken.iter().map(|it| it.amount.minor).sum();
    Ok(Money::new(rated.net(currency)?.minor.saturating_sub(off), currency))
}

/// A discount that is kept, and stands on a paper.
#[derive(Clone, Debug)]
pub struct Given {
    /// Which one.
    pub id: DiscountId,
    /// The month that it speaks of.
    pub of: PeriodId,
    /// That month.
    pub span: Span,
    /// Because of what.
    pub redemption: RedemptionId,
    /// 0 when it is first taken off.
    pub revision: i32,
    /// What was typed.
    pub code: String,
    /// How much it takes off.
    pub off: Off,
    /// Above zero: taken off. Below: taken off before, and too much, as is known now.
    pub amount: Money,
    /// Whether it goes with charges that are given back, on their credit note; else it stands on the invoice.
    pub is_back: bool,
}

/// Finds what is taken off with the `charges` of a month, and keeps it, in the transaction that writes the charges.
pub async fn take(
    db: &mut PgConnection,
    period: &Period,
    closed: &[Period],
    charges: &[(ChargeId, PeriodId, Charge)],
    now: DateTime<Utc>,
) -> anyhow::Result<Vec<Given>> {
    let all = given(db, period, closed, charges, now).await?;
    store::insert_given(db, period, &all, now).await.context("keep discounts")?;
    Ok(all)
}

/// Finds what is taken off with the `charges` of a month: of the month itself, and of `closed` months that are corrected with it.
/// Writes nothing.
pub async fn given(
    db: &mut PgConnection,
    period: &Period,
    closed: &[Period],
    charges: &[(ChargeId, PeriodId, Charge)],
    now: DateTime<Utc>,
) -> anyhow::Result<Vec<Given>> {
    let mut all = Vec::new();
    for month in closed.iter().chain([period]) {
        let steps = steps(month.id, charges)?;
        if steps.is_empty() {
            continue;
        }
        let counted = store::counted(db, month.account, month.span).await.context("list the coupons of a month")?;
        if counted.is_empty() {
            continue;
        }
        let mut nets = store::charged_before(db, month.id, period.span.from).await.context("read what was charged")?;
        let mut taken = store::taken_before(db, month.id, period.span.from).await.context("read what was taken off")?;
        let grants: Vec<Grant> = counted.iter().map(|it| it.grant.clone()).collect();
        for (is_back, new) in steps {
            nets = together(nets, &new);
            let off = pure::discounts(&nets, &grants, month.whose.currency)?;
            let changes = pure::changes(&off, &taken.iter().map(|(id, (minor, _))| (*id, *minor)).collect());
            for it in &counted {
                let redemption = it.grant.redemption;
                let Some(minor) = changes.get(&redemption).copied() else { continue };
                let (sum, revision) = taken.get(&redemption).map_or((0, 0), |(sum, last)| (*sum, *last + 1));
                taken.insert(redemption, (sum + minor, revision));
                all.push(Given {
                    id: DiscountId::new(now),
                    of: month.id,
                    span: month.span,
                    redemption,
                    revision,
                    code: it.code.clone(),
                    off: it.grant.off,
                    amount: Money::new(minor, month.whose.currency),
                    is_back,
                });
            }
        }
    }
    Ok(all)
}

/// What is charged of a month by the paper that it stands on: what is given back first (true), then the rest, each discounted for
/// itself. A side without charges is left out.
fn steps(of: PeriodId, charges: &[(ChargeId, PeriodId, Charge)]) -> anyhow::Result<Vec<(bool, Nets)>> {
    let mut steps = Vec::new();
    for is_back in [true, false] {
        let side = charges.iter().filter(|(_, month, charge)| *month == of && (charge.net.minor < 0) == is_back);
        let nets = pure::nets(side.map(|(.., charge)| charge))?;
        if !nets.is_empty() {
            steps.push((is_back, nets));
        }
    }
    Ok(steps)
}

fn together(mut one: Nets, other: &Nets) -> Nets {
    for (version, net) in other {
        *one.entry(*version).or_default() += net;
    }
    one
}

/// Returns the line of the file with which a closed month is computed again that speaks of discounts; `None` when no coupon
/// counted in what was billed with it. All that it is made of is never changed: it may be made at any time.
pub async fn prove(
    db: &mut PgConnection,
    account: AccountId,
    period: PeriodId,
) -> anyhow::Result<Option<DiscountsProof>> {
    let mut months = Vec::new();
    for (of, span, billed_from) in store::months_of(db, account, period).await.context("list what was billed")? {
        let counted = store::counted(db, account, span).await.context("list the coupons of a month")?;
        if counted.is_empty() {
            continue;
        }
        let before = store::taken_before(db, of, billed_from).await.context("read what was taken off")?;
        months.push(DiscountedMonth::new(
            span,
            counted.into_iter().map(|it| it.grant).collect(),
            store::charged_before(db, of, billed_from).await.context("read what was charged")?,
            &before.into_iter().map(|(id, (minor, _))| (id, minor)).collect(),
            &store::given(db, period, of).await.context("read what was taken off")?,
        ));
    }
    Ok((!months.is_empty()).then(|| DiscountsProof::new(months)))
}
