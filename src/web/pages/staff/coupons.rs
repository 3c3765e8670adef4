//! `/staff/coupons`: every coupon, how often it was redeemed, a new one, and the end of one.

use actix_web::web::{Data, Path};
use anyhow::Context;
use askama::Template;
use chrono::{DateTime, Days, NaiveTime, Utc};
use rust_decimal::Decimal;

use super::rows::formats;
use crate::base::ids::{CouponId, PlanId};
use crate::base::money::{Currency, Money};
use crate::billing::discounts::{self, Coupon, CouponError, NewCoupon};
use crate::billing::rating::discounts::Off;
use crate::billing::transfers::statement;
use crate::plans::{self, Plan};
use crate::portal::Portal;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Button, Posted, Staff};
use crate::web::form::Problems;
use crate::web::layout::{FlashKind, Layout};
use crate::web::pages::billing::coupons::{plans as plan_words, words};
use crate::web::urls;

/// What the form holds.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(default)]
pub struct NewForm {
    code: String,
    /// `percent`, `EUR` or `MAD`.
    of: String,
    value: String,
    from: String,
    /// The last day.
    until: String,
    most: String,
    months: String,
    /// The plan that it is for; empty: all.
    plan: String,
}

impl Default for NewForm {
    fn default() -> Self {
        let text = str::to_owned;
        Self {
            code: String::new(),
            of: text("percent"),
            value: String::new(),
            from: String::new(),
            until: String::new(),
            most: text("1"),
            months: text("1"),
            plan: String::new(),
        }
    }
}

impl NewForm {
    /// Reads the fields; what is wrong with them becomes problems.
    fn parsed(&self, layout: &Layout, problems: &mut Problems) -> NewCoupon {
        let value = statement::minor(&self.value).filter(|minor| (1..=100_000_000_000).contains(minor));
        let value = value.map(|minor| Decimal::new(minor, 2).normalize());
        if value.is_none() {
            problems.add("value", layout.t("coupons-bad-value"));
        }
        let value = value.unwrap_or_default();
        let off = self
            .of
            .parse::<Currency>()
            .map_or(Off::Percent(value), |currency| Off::Amount(Money::rounded(value, currency)));
        let mut day = |field: &'static str, text: &str| -> DateTime<Utc> {
            statement::date(text).map_or_else(
                || {
                    problems.add(field, layout.t("coupons-bad-day"));
                    layout.now
                },
                |day| day.and_time(NaiveTime::MIN).and_utc(),
            )
        };
        // An empty day is today: a coupon can be redeemed from the moment on which it is made.
        let from = if self.from.trim().is_empty() { layout.now } else { day("from", &self.from) };
        let until = day("until", &self.until) + Days::new(1);
        let mut whole = |field: &'static str, text: &str| {
            text.trim().parse().unwrap_or_else(|_| {
                problems.add(field, layout.t("coupons-bad-number"));
                1
            })
        };
        let (most, months) = (whole("most", &self.most), whole("months", &self.months));
        let plan = if self.plan.is_empty() { None } else { self.plan.parse::<PlanId>().ok() };
        if !self.plan.is_empty() && plan.is_none() {
            problems.add("plan", layout.t("coupons-bad-plan"));
        }
        NewCoupon { code: self.code.clone(), off, from, until, most, months, plans: plan.into_iter().collect() }
    }
}

/// Lists them.
pub async fn get(portal: Data<Portal>, staff: Staff) -> Answer {
    answer::page(&page(&portal, staff.layout, NewForm::default(), Problems::default()).await?)
}

/// Makes one.
pub async fn post(portal: Data<Portal>, staff: Staff, posted: Posted<NewForm>) -> Answer {
    let (form, layout, mut problems) = (posted.form, staff.layout.clone(), Problems::default());
    let new = form.parsed(&layout, &mut problems);
    if problems.is_empty() {
        let (field, key) = match discounts::make(&portal, &staff.member, &new).await {
            Ok(_) => return answer::flash(urls::staff_coupons(), FlashKind::Good, "coupons-made"),
            Err(CouponError::BadCode) => ("code", "coupons-bad-code"),
            Err(CouponError::Taken) => ("code", "coupons-taken"),
            Err(CouponError::BadOff) => ("value", "coupons-bad-value"),
            Err(CouponError::BadTime) => ("until", "coupons-bad-time"),
            Err(CouponError::BadMost) => ("most", "coupons-bad-most"),
            Err(CouponError::BadMonths) => ("months", "coupons-bad-months"),
            Err(CouponError::NoPlan) => ("plan", "coupons-bad-plan"),
            Err(CouponError::Failed(cause)) => return Err(PageError::Failed(cause)),
        };
        problems.add(field, layout.t(key));
    }
    answer::again(&page(&portal, layout, form, problems).await?)
}

/// Lets nobody redeem one any more.
pub async fn end(portal: Data<Portal>, staff: Staff, coupon: Path<String>, _: Posted<Button>) -> Answer {
    let coupon: CouponId = coupon.parse().map_err(|_| PageError::NotFound)?;
    if discounts::end(&portal, &staff.member, coupon).await? {
        answer::flash(urls::staff_coupons(), FlashKind::Good, "coupons-ended")
    } else {
        Err(PageError::NotFound)
    }
}

struct Line {
    words: String,
    plans: String,
    time: String,
    redeemed: String,
    months: String,
    badge: &'static str,
    state: String,
    end_url: Option<String>,
}

struct PlanChoice {
    id: String,
    name: String,
    is_chosen: bool,
}

#[derive(Template)]
#[template(path = "pages/staff/coupons.html")]
struct CouponsPage {
    layout: Layout,
    lines: Vec<Line>,
    plans: Vec<PlanChoice>,
    units: Vec<(String, String, bool)>,
    form: NewForm,
    problems: Problems,
}

async fn page(portal: &Portal, layout: Layout, form: NewForm, problems: Problems) -> Result<CouponsPage, PageError> {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let coupons = discounts::list(&mut db).await?;
    let everything = plans::catalogue::everything(&mut db).await?;
    drop(db);
    let choice = |plan: &Plan| PlanChoice {
        id: plan.id.to_string(),
        name: plan.names.of(layout.locale).to_owned(),
        is_chosen: plan.id.to_string() == form.plan,
    };
    let unit = |code: &str, name: String| (code.to_owned(), name, code == form.of);
    Ok(CouponsPage {
        lines: coupons.iter().map(|coupon| line(&layout, coupon)).collect(),
        plans: everything.iter().map(|(plan, _)| choice(plan)).collect(),
        units: [unit("percent", layout.t("coupons-of-percent"))]
            .into_iter()
            .chain(Currency::ALL.map(|currency| unit(currency.code(), currency.code().to_owned())))
            .collect(),
        form,
        problems,
        layout,
    })
}

fn line(layout: &Layout, coupon: &Coupon) -> Line {
    let formats = formats(layout);
    let is_over = coupon.until <= layout.now;
    let (badge, state) = match coupon.ended_at {
        Some(at) => ("neutral", layout.t1("coupons-state-ended", "date", formats.date(at))),
        None if is_over => ("neutral", layout.t("coupons-state-over")),
        None if coupon.redeemed >= coupon.most.into() => ("neutral", layout.t("coupons-used-up")),
        None if layout.now < coupon.from => ("working", layout.t("coupons-state-coming")),
        None => ("running", layout.t("coupons-state-valid")),
    };
    Line {
        words: words(layout, formats, &coupon.code, coupon.off),
        plans: plan_words(layout, &coupon.plans),
        time: layout.t2(
            "billing-days",
            "from",
            formats.date(coupon.from),
            "until",
            formats.date(coupon.until - chrono::TimeDelta::microseconds(1)),
        ),
        redeemed: layout.t2("coupons-of", "count", coupon.redeemed, "most", coupon.most),
        months: formats.number(coupon.months),
        badge,
        state,
        end_url: (coupon.ended_at.is_none() && !is_over).then(|| urls::staff_coupon_end(coupon.id)),
    }
}
