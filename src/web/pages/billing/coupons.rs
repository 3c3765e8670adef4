//! `/account/billing/coupons`: what was redeemed, and a field for one more.

use actix_web::web::Data;
use anyhow::Context;
use askama::Template;
use serde::Deserialize;

use super::{Tab, formats, may_manage, tabs};
use crate::accounts::policy::Action;
use crate::billing::discounts::{self, RedeemError, Redeemed};
use crate::billing::rating::discounts::Off;
use crate::i18n::format::{Formats, When};
use crate::plans::Translated;
use crate::portal::Portal;
use crate::web::Keys;
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::{Member, Posted};
use crate::web::form::Problems;
use crate::web::layout::{FlashKind, Layout};
use crate::web::urls;

/// What is typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct CouponForm {
    code: String,
}

/// Says what a coupon takes off: its code, and how much.
pub(in crate::web::pages) fn words(layout: &Layout, formats: Formats, code: &str, off: Off) -> String {
    match off {
        Off::Percent(percent) => {
            layout.t2("invoice-line-discount-percent", "code", code, "percent", formats.decimal(percent, 2))
        }
        Off::Amount(amount) => layout.t2("invoice-line-discount-amount", "code", code, "amount", formats.money(amount)),
    }
}

/// Says for which plans a coupon is.
pub(in crate::web::pages) fn plans(layout: &Layout, plans: &[Translated]) -> String {
    if plans.is_empty() {
        return layout.t("coupons-all-plans");
    }
    plans.iter().map(|names| names.of(layout.locale)).collect::<Vec<_>>().join(", ")
}

/// Shows the page.
pub async fn get(portal: Data<Portal>, member: Member) -> Answer {
    member.require(Action::SeeCosts)?;
    answer::page(&CouponsPage::read(&portal, &member, CouponForm::default(), Problems::default()).await?)
}

/// Redeems a coupon, or says why not.
pub async fn post(portal: Data<Portal>, keys: Data<Keys>, member: Member, posted: Posted<CouponForm>) -> Answer {
    member.require(Action::ManageBilling)?;
    let by = member.actor();
    let done = discounts::redeem(&portal, &keys.throttle, (&by, member.user), member.account, &posted.form.code).await;
    let key = match done {
        Ok(()) => return answer::flash(urls::billing_coupons(), FlashKind::Good, "coupons-redeemed"),
        Err(RedeemError::Unknown) => "coupons-unknown",
        Err(RedeemError::UsedUp) => "coupons-used-up",
        Err(RedeemError::Already) => "coupons-already",
        Err(RedeemError::OtherCurrency) => "coupons-other-currency",
        Err(RedeemError::TooMany) => "coupons-too-many",
        Err(RedeemError::Failed(cause)) => return Err(PageError::Failed(cause)),
    };
    let mut problems = Problems::default();
    problems.add("code", member.layout.t(key));
    answer::again(&CouponsPage::read(&portal, &member, posted.form, problems).await?)
}

struct Line {
    words: String,
    plans: String,
    when: When,
    months: String,
}

#[derive(Template)]
#[template(path = "pages/billing/coupons.html")]
struct CouponsPage {
    layout: Layout,
    tabs: Vec<Tab>,
    lines: Vec<Line>,
    typed: CouponForm,
    may_change: bool,
    problems: Problems,
}

impl CouponsPage {
    async fn read(portal: &Portal, member: &Member, typed: CouponForm, problems: Problems) -> Result<Self, PageError> {
        let layout = &member.layout;
        let formats = formats(layout);
        let mut db = portal.db.acquire().await.context("acquire a connection")?;
        let redeemed = discounts::of_account(&mut db, member.account).await?;
        drop(db);
        let line = |it: &Redeemed| Line {
            words: words(layout, formats, &it.code, it.off),
            plans: plans(layout, &it.plans),
            when: formats.when(it.at, layout.now),
            months: layout.t2("coupons-months", "counted", it.counted, "months", it.months),
        };
        Ok(Self {
            tabs: tabs(layout, &urls::billing_coupons()),
            lines: redeemed.iter().map(line).collect(),
            typed,
            may_change: may_manage(member),
            problems,
            layout: layout.clone(),
        })
    }
}
