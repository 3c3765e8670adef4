//! Lines that several staff pages show: customers, instances, hosts, audit entries. Words only, ready for a template.

use crate::audit;
use crate::base::ids::{AccountId, EnvironmentId};
use crate::environments::Status;
use crate::hosts::troubles::TroubleRow;
use crate::hosts::{LeftRow, PlacementRow, left};
use crate::i18n::format::Formats;
use crate::staff::directory::{AccountRow, HostRow, InstanceRow};
use crate::web::layout::Layout;
use crate::web::urls;

/// One instance.
pub struct InstanceLine {
    /// Its page.
    pub url: String,
    /// Its name.
    pub name: String,
    /// Its subdomain.
    pub subdomain: String,
    /// Its customer's page.
    pub account_url: String,
    /// Its customer's name.
    pub account_name: String,
    /// The shape of its state.
    pub badge: &'static str,
    /// Its state in a word.
    pub status: String,
    /// The exact instant.
    pub since_iso: String,
    /// Since when.
    pub since: String,
    /// Plan and version.
    pub plan: String,
    /// The runtime's code.
    pub runtime: String,
}

/// One customer.
pub struct AccountLine {
    /// Its page.
    pub url: String,
    /// Its name.
    pub name: String,
    /// The first owner's e-mail.
    pub owner: String,
    /// How many instances it has.
    pub environments: i64,
    /// ISO 3166.
    pub country: String,
    /// ISO 4217.
    pub currency: String,
    /// The shape of its state.
    pub badge: &'static str,
    /// Its state in a word.
    pub state: String,
    /// The exact instant.
    pub since_iso: String,
    /// Since when.
    pub since: String,
}

/// One host.
pub struct HostLine {
    /// Its page.
    pub url: String,
    /// Zone and pool, in words.
    pub place: String,
    /// Its name.
    pub name: String,
    /// The shape of its state.
    pub badge: &'static str,
    /// Its state in a word.
    pub state: String,
    /// Why it is not in use.
    pub reason: String,
    /// MiB promised.
    pub memory_promised: i64,
    /// MiB that may be promised.
    pub memory_mb: i64,
    /// Both in words.
    pub memory: String,
    /// Thousandths of a core promised.
    pub cpu_promised: i64,
    /// Thousandths of a core that may be promised.
    pub cpu_millis: i64,
    /// Both in words.
    pub cpu: String,
    /// How many live there.
    pub runtimes: String,
    /// How many of them are spare.
    pub spares: String,
    /// When it was last seen.
    pub seen: String,
}

/// One placement and its reason.
pub struct PlacementLine {
    /// The instance's page; empty for a spare.
    pub url: String,
    /// The instance's name, or the runtime's code.
    pub name: String,
    /// The host's name.
    pub host: String,
    /// Why it was placed, in words.
    pub cause: String,
    /// Why there.
    pub explanation: String,
    /// The exact instant.
    pub at_iso: String,
    /// When.
    pub at: String,
    /// How long until it answered.
    pub took: String,
}

/// One entry of the audit log.
pub struct AuditLine {
    /// Its number.
    pub seq: i64,
    /// The exact instant.
    pub at_iso: String,
    /// When.
    pub at: String,
    /// Whose act.
    pub who: String,
    /// Customer, staff or program.
    pub kind: String,
    /// What was done.
    pub action: String,
    /// What else is known.
    pub detail: String,
}

/// The formats of staff pages: instants are in UTC, which all of them share with the log files.
#[must_use]
pub fn formats(layout: &Layout) -> Formats {
    Formats::new(layout.locale, "UTC")
}

/// Returns the shape and the word of a status.
#[must_use]
pub fn status_words(layout: &Layout, status: &str) -> (&'static str, String) {
    let (badge, key) = match status.parse().ok() {
        Some(Status::Running) => ("running", "state-running"),
        Some(Status::Ordered | Status::Preparing) => ("working", "state-being-made"),
        Some(Status::Starting) => ("working", "state-starting"),
        Some(Status::Asleep) => ("sleeping", "state-asleep"),
        Some(Status::Waking) => ("working", "state-waking"),
        Some(Status::Stopping) => ("working", "state-stopping"),
        Some(Status::Deleting) => ("working", "state-deleting"),
        Some(Status::Suspended) => ("warning", "state-suspended"),
        Some(Status::Failing) => ("failed", "state-failing"),
        Some(Status::Deleted) => ("neutral", "state-deleted"),
        Some(Status::Stopped) | None => ("stopped", "state-stopped"),
    };
    (badge, layout.t(key))
}

impl InstanceLine {
    /// Makes a line of a row.
    #[must_use]
    pub fn new(layout: &Layout, row: &InstanceRow) -> Self {
        let since = formats(layout).when(row.status_since, layout.now);
        let (badge, status) = status_words(layout, &row.status);
        Self {
            url: urls::staff_instance(row.id),
            name: row.name.clone(),
            subdomain: row.subdomain.clone().unwrap_or_default(),
            account_url: urls::staff_account(row.account),
            account_name: row.account_name.clone(),
            badge,
            status,
            since_iso: since.iso,
            since: since.words,
            plan: format!("{} {}", row.plan, row.plan_version),
            runtime: row.runtime.clone().unwrap_or_default(),
        }
    }
}

impl AccountLine {
    /// Makes a line of a row.
    #[must_use]
    pub fn new(layout: &Layout, row: &AccountRow) -> Self {
        let since = formats(layout).when(row.created_at, layout.now);
        let (badge, state) = match (row.suspended_because.is_some(), row.state.as_str()) {
            (true, _) => ("warning", layout.t("staff-account-suspended")),
            (false, "active") => ("running", layout.t("staff-account-active")),
            (false, "closing") => ("working", layout.t("staff-account-closing")),
            (false, _) => ("stopped", layout.t("staff-account-closed")),
        };
        Self {
            url: urls::staff_account(row.id),
            name: row.name.clone(),
            owner: row.owner_email.clone().unwrap_or_default(),
            environments: row.environments,
            country: row.country.clone(),
            currency: row.currency.clone(),
            badge,
            state,
            since_iso: since.iso,
            since: since.words,
        }
    }
}

impl HostLine {
    /// Makes a line of a row.
    #[must_use]
    pub fn new(layout: &Layout, row: &HostRow) -> Self {
        let formats = formats(layout);
        let mebibytes = |mb: i64| formats.mebibytes(u32::try_from(mb).unwrap_or(0));
        let (badge, state) = match (row.state.as_str(), row.wanted.as_str()) {
            (_, "gone") => ("working", layout.t("staff-host-leaving")),
            ("joining", _) => ("working", layout.t("staff-host-joining")),
            ("active" | "cordoned", "empty") if row.runtimes > row.spares => {
                ("working", layout.t("staff-host-emptying"))
            }
            ("active" | "cordoned", "empty") => ("stopped", layout.t("staff-host-empty")),
            ("active", _) => ("running", layout.t("staff-host-active")),
            ("cordoned", _) => ("warning", layout.t("staff-host-cordoned")),
            _ => ("failed", layout.t("staff-host-down")),
        };
        let cores = |millis: i64| formats.decimal(rust_decimal::Decimal::new(millis, 3), 1);
        Self {
            url: urls::staff_host(row.id),
            place: [
                (!row.zone.is_empty()).then(|| layout.t1("staff-host-in-zone", "zone", &row.zone)),
                (row.pool != "any").then(|| layout.t(format!("staff-host-pool-{}", row.pool))),
            ]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" · "),
            name: row.name.clone(),
            badge,
            state,
            reason: row.state_reason.clone().unwrap_or_default(),
            memory_promised: row.memory_promised,
            memory_mb: row.memory_mb,
            memory: format!("{} / {}", mebibytes(row.memory_promised), mebibytes(row.memory_mb)),
            cpu_promised: row.cpu_promised,
            cpu_millis: row.cpu_millis,
            cpu: format!("{} / {}", cores(row.cpu_promised), cores(row.cpu_millis)),
            runtimes: layout.t1("staff-host-runtimes", "count", row.runtimes),
            spares: layout.t1("staff-host-spares", "count", row.spares),
            seen: match row.seen_at {
                Some(at) => layout.t1("staff-host-seen", "when", formats.spoken(at, layout.now)),
                None => layout.t("staff-host-never"),
            },
        }
    }
}

/// What is wrong with an instance.
pub struct TroubleLine {
    /// Its page for staff.
    pub url: String,
    /// Its name.
    pub name: String,
    /// What kind of trouble, in words.
    pub what: String,
    /// The words of whoever refused.
    pub explanation: String,
    /// When it was seen last, for machines.
    pub at_iso: String,
    /// When it was seen last.
    pub at: String,
}

impl TroubleLine {
    /// Makes a line of a row.
    #[must_use]
    pub fn new(layout: &Layout, row: &TroubleRow) -> Self {
        let at = formats(layout).when(row.seen_at, layout.now);
        Self {
            url: urls::staff_instance(row.environment),
            name: row.name.clone(),
            what: layout.t(format!("staff-trouble-{}", row.kind)),
            explanation: row.explanation.clone(),
            at_iso: at.iso,
            at: at.words,
        }
    }
}

/// Somebody who is still on a host that is emptied.
pub struct LeftLine {
    /// The instance's page for staff.
    pub url: String,
    /// Its name.
    pub name: String,
    /// The customer's name.
    pub account: String,
    /// Why it is still there, in words.
    pub why: String,
    /// What was said when it could not go.
    pub explanation: String,
}

impl LeftLine {
    /// Makes a line of a row.
    #[must_use]
    pub fn new(layout: &Layout, row: &LeftRow) -> Self {
        let why = left::why(row.standing);
        // What was said explains only these.
        let explains = matches!(why, left::Why::Room | left::Why::Failed | left::Why::Failing);
        Self {
            url: urls::staff_instance(row.environment),
            name: row.name.clone(),
            account: row.account.clone(),
            why: layout.t(format!("staff-left-{}", why.as_str())),
            explanation: row.explanation.clone().filter(|_| explains).unwrap_or_default(),
        }
    }
}

impl PlacementLine {
    /// Makes a line of a row.
    #[must_use]
    pub fn new(layout: &Layout, row: &PlacementRow) -> Self {
        let formats = formats(layout);
        let at = formats.when(row.placed_at, layout.now);
        let seconds = |ms: i64| formats.decimal(rust_decimal::Decimal::new(ms, 3), 1);
        Self {
            url: row.environment.map(urls::staff_instance).unwrap_or_default(),
            name: row.name.clone().unwrap_or_else(|| row.code.clone()),
            host: row.host.clone(),
            cause: layout.t(format!("staff-placement-{}", row.cause)),
            explanation: row.explanation.clone(),
            at_iso: at.iso,
            at: at.words,
            took: row.took_ms.map(|ms| layout.t1("staff-host-seconds", "seconds", seconds(ms))).unwrap_or_default(),
        }
    }
}

impl AuditLine {
    /// Makes a line of an entry.
    #[must_use]
    pub fn new(layout: &Layout, row: &audit::Row) -> Self {
        let at = formats(layout).when(row.at, layout.now);
        Self {
            seq: row.seq,
            at_iso: at.iso,
            at: at.words,
            who: row.actor_name.clone(),
            kind: layout.t(match row.actor_kind.as_str() {
                "user" => "staff-audit-users",
                "staff" => "staff-audit-staff",
                _ => "staff-audit-system",
            }),
            action: row.action.clone(),
            detail: if row.detail == serde_json::json!({}) { String::new() } else { row.detail.to_string() },
        }
    }
}

/// Returns the audit entries of one account or instance, newest first.
pub async fn audit_of(
    db: &mut sqlx::PgConnection,
    layout: &Layout,
    account: Option<AccountId>,
    environment: Option<EnvironmentId>,
) -> anyhow::Result<Vec<AuditLine>> {
    let filter = audit::Filter {
        account: account.map(AccountId::uuid),
        environment: environment.map(EnvironmentId::uuid),
        ..audit::Filter::default()
    };
    Ok(audit::list(db, &filter, None, 20).await?.iter().map(|row| AuditLine::new(layout, row)).collect())
}

/// Cuts a list that was read with one row too many; tells whether there is more.
#[must_use]
pub fn cut<T>(mut rows: Vec<T>, page: i64) -> (Vec<T>, bool) {
    let size = usize::try_from(page).unwrap_or(usize::MAX);
    let has_more = rows.len() > size;
    rows.truncate(size);
    (rows, has_more)
}

/// Who asked, and who agreed if anybody has.
#[must_use]
pub fn people(asked: &str, approved: &str) -> String {
    [asked, approved].into_iter().filter(|name| !name.is_empty()).collect::<Vec<_>>().join(" · ")
}
