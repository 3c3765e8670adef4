//! `/staff/accounts`: customers, and everything about one of them.

use actix_web::web::{Data, Path, Query};
use anyhow::Context;
use askama::Template;

use super::billing::account::BillingPart;
use super::rows::{AccountLine, AuditLine, InstanceLine, audit_of, cut, formats};
use crate::base::ids::AccountId;
use crate::billing::restrictions::Cause;
use crate::portal::Portal;
use crate::staff::directory::{self, InstanceFilter, MemberRow, SuspensionRow};
use crate::web::answer::{self, Answer};
use crate::web::error::PageError;
use crate::web::extract::Staff;
use crate::web::layout::Layout;
use crate::web::urls;

#[derive(Template)]
#[template(path = "pages/staff/accounts.html")]
struct AccountsPage {
    layout: Layout,
    text: String,
    lines: Vec<AccountLine>,
    newer: String,
    older: String,
}

/// What the address may hold.
#[derive(Debug, Default, serde::Deserialize)]
pub struct ListQuery {
    /// Part of a name or e-mail.
    #[serde(default)]
    pub q: String,
    /// Only this status, where the list has one.
    #[serde(default)]
    pub status: String,
    /// Which part of the list, from 0.
    #[serde(default)]
    pub page: u32,
}

/// Lists customers.
pub async fn list(portal: Data<Portal>, staff: Staff, query: Query<ListQuery>) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let rows = directory::accounts(&mut db, &query.q, i64::from(query.page)).await?;
    let (rows, has_more) = cut(rows, directory::PAGE);
    let layout = staff.layout;
    let (newer, older) = neighbours(&urls::staff_accounts(), &query, has_more);
    answer::page(&AccountsPage {
        text: query.q.clone(),
        lines: rows.iter().map(|row| AccountLine::new(&layout, row)).collect(),
        newer,
        older,
        layout,
    })
}

/// Returns the addresses of the parts before and after; empty where there is none.
#[must_use]
pub fn neighbours(path: &str, query: &ListQuery, has_more: bool) -> (String, String) {
    let address =
        |page: u32| format!("{path}?q={}&status={}&page={page}", urls::encoded(&query.q), urls::encoded(&query.status));
    let newer = query.page.checked_sub(1).map(address).unwrap_or_default();
    let older = if has_more { address(query.page + 1) } else { String::new() };
    (newer, older)
}

#[derive(Template)]
#[template(path = "pages/staff/account.html")]
struct AccountPage {
    layout: Layout,
    line: AccountLine,
    id: String,
    usage_url: String,
    billing: BillingPart,
    action: String,
    because: String,
    problem: Option<String>,
    instances: Vec<InstanceLine>,
    members: Vec<MemberLine>,
    suspensions: Vec<SuspensionLine>,
    audit: Vec<AuditLine>,
}

struct MemberLine {
    name: String,
    email: String,
    is_verified: bool,
    role: String,
    seen: String,
}

struct SuspensionLine {
    at_iso: String,
    at: String,
    what: String,
    reason: String,
    by: String,
    end: String,
}

/// Shows one customer.
pub async fn get(portal: Data<Portal>, staff: Staff, id: Path<AccountId>) -> Answer {
    show(&portal, staff.layout, *id, None).await
}

/// Shows one customer, with what was wrong in the suspension form.
pub async fn show(portal: &Portal, layout: Layout, id: AccountId, problem: Option<String>) -> Answer {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let row = directory::account(&mut db, id).await?.ok_or(PageError::NotFound)?;
    let of_account = InstanceFilter { account: Some(id), ..InstanceFilter::default() };
    let instances = directory::instances(&mut db, &of_account, 0).await?;
    let members = directory::members(&mut db, id).await?;
    let suspensions = directory::suspensions(&mut db, id).await?;
    let billing = BillingPart::read(&mut db, &layout, id).await?;
    let is_again = problem.is_some();
    let page = AccountPage {
        line: AccountLine::new(&layout, &row),
        id: id.to_string(),
        usage_url: urls::staff_usage_of("", "", Some(id), None),
        billing,
        action: urls::staff_account(id),
        because: row.suspended_because.clone().unwrap_or_default(),
        problem,
        instances: instances.iter().map(|row| InstanceLine::new(&layout, row)).collect(),
        members: members.iter().map(|row| member_line(&layout, row)).collect(),
        suspensions: suspensions.iter().map(|row| suspension_line(&layout, row)).collect(),
        audit: audit_of(&mut db, &layout, Some(id), None).await?,
        layout,
    };
    if is_again { answer::again(&page) } else { answer::page(&page) }
}

fn member_line(layout: &Layout, row: &MemberRow) -> MemberLine {
    MemberLine {
        name: row.name.clone(),
        email: row.email.clone(),
        is_verified: row.verified_at.is_some(),
        role: layout.t(format!("role-{}", row.role)),
        seen: match row.seen_at {
            Some(at) => formats(layout).spoken(at, layout.now),
            None => layout.t("staff-account-never"),
        },
    }
}

fn suspension_line(layout: &Layout, row: &SuspensionRow) -> SuspensionLine {
    let at = formats(layout).when(row.at, layout.now);
    SuspensionLine {
        at_iso: at.iso,
        at: at.words,
        what: row.environment_name.clone().unwrap_or_else(|| layout.t("staff-whole-account")),
        reason: Cause::of_reason(&row.reason).map_or_else(|| row.reason.clone(), |cause| layout.t(cause.reason())),
        by: row.by.clone(),
        end: match (row.lifted_at, &row.lifted_reason) {
            (None, _) => layout.t("staff-suspension-in-force"),
            (Some(_), reason) => {
                let reason = reason.clone().unwrap_or_default();
                let cause = Cause::of_reason(&reason);
                cause.map_or_else(
                    || layout.t1("staff-suspension-lifted", "reason", &reason),
                    |cause| layout.t(cause.ended()),
                )
            }
        },
    }
}
