//! The month's end: periods are opened, rated when they are over, billed, and closed. A step that was interrupted is done again.
//!
//! Each account is rated in a transaction of its own (charges and drafts); drafts become final some at a time, so that numbers
//! of one seller follow each other fast. What cannot be right waits for a person, and all others go on.

mod finalising;
mod giving_back;
mod lines;
mod store;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::finalising::Finalised;
use super::discounts::{self, Given};
use super::documents::{self, Whose};
use super::rating::account::{self, Costs, Month};
use super::rating::{Charge, Span};
use super::sellers::{self, Seller};
use super::{lots, profiles, proofs, trials};
use crate::base::chain;
use crate::base::crash;
use crate::base::ids::{AccountId, ChargeId, DocumentId, InstructionId, PeriodId};
use crate::base::money::{Currency, Money};
use crate::db;
use crate::i18n::Texts;
use crate::plans::cost;
use crate::portal::Portal;

/// How long after its end a month is rated: samples that are late by less are in it, later ones are corrected for.
pub const GRACE: TimeDelta = TimeDelta::hours(3);
/// How long after its end a month is looked at again for what came late.
pub const LATE: TimeDelta = TimeDelta::days(35);
/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(20);
/// Environments rated at a time: a part of the file that a month is computed again with.
const RATED_AT_ONCE: usize = 25;
/// How often a month is taken again at once when another transaction was in the way.
const AGAIN: usize = 5;
/// An invoice that is so many times the usual one waits for a person.
const UNUSUAL: i64 = 3;
/// While nothing is usual yet, one that is so many times the plans' base prices waits.
const UNUSUAL_AT_FIRST: i64 = 10;
/// Below this (in the smallest coin) nothing is unusual.
const LITTLE: i64 = 1000;

/// A month of an account.
#[derive(Clone, Debug)]
pub struct Period {
    /// Which one.
    pub id: PeriodId,
    /// Whose.
    pub account: AccountId,
    /// Who sells.
    pub whose: Whose,
    /// From its first instant until the next one's.
    pub span: Span,
}

/// What a look did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Months opened.
    pub opened: u64,
    /// Months rated.
    pub rated: u64,
    /// Documents made final.
    pub finalised: u64,
    /// Months that wait for somebody.
    pub parked: u64,
}

/// Looks again and again until told to stop. Several workers may do this: each month and document is taken by one. The newest
/// numbers are remembered in the file.
pub async fn run(portal: Portal, numbers: PathBuf, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match look_and_remember(&portal, &numbers).await {
            Ok(done) if done != Done::default() => tracing::info!(?done, "billing"),
            Ok(_) => {}
            Err(error) => tracing::error!(error = chain::of_any(&error), "billing failed and will be tried again"),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Does whatever is due now, unless the database knows less than was given out: it was put back, and a person has to say after
/// which number each series goes on (docs/operations.md).
pub async fn look_and_remember(portal: &Portal, numbers: &Path) -> anyhow::Result<Done> {
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let behind = documents::numbers::behind(&mut db, numbers).await?;
    if let Some(series) = behind.first() {
        anyhow::bail!(
            "the database was put back: the newest number of {} that it knows is {}, and {} was given; see \"What to do after the \
             control database was put back\" in docs/operations.md",
            series.prefix,
            series.known,
            series.given
        );
    }
    let done = look(portal).await;
    documents::numbers::remember(&mut db, numbers).await?;
    done
}

/// Does whatever is due now.
pub async fn look(portal: &Portal) -> anyhow::Result<Done> {
    let now = portal.clock.now();
    let mut db = portal.db.acquire().await.context("acquire a connection")?;
    let mut done = Done::default();
    let sellers = sellers::list(&mut db).await?;
    for seller in &sellers {
        done.opened += open_periods(&mut db, seller, now).await?;
    }
    // Months are billed although somebody cannot be told of a trial.
    if let Err(error) = trials::look(&mut db, now).await {
        tracing::error!(error = chain::of_any(&error), "people are not told of their trials");
    }
    // Before anything is made final: what has run out pays nothing.
    if let Err(error) = lots::look(&mut db, now).await {
        tracing::error!(error = chain::of_any(&error), "credit that has run out is not booked out");
    }
    let mut tries = 0;
    loop {
        match rate_next(&mut db, now).await {
            Ok(None) => break,
            Ok(Some(is_parked)) => {
                done.rated += 1;
                done.parked += u64::from(is_parked);
            }
            // Another transaction was in the way: no fault of the month's.
            Err(error) if db::is_transient(&error) && tries < AGAIN => tries += 1,
            Err(error) => return Err(error),
        }
    }
    store::try_again(&mut db, now).await.context("look again at what waited for details")?;
    for seller in &sellers {
        loop {
            let some = finalising::finalise_some(&mut db, seller, now).await?;
            done.finalised += some.finalised;
            done.parked += some.parked;
            if some == Finalised::default() {
                break;
            }
        }
    }
    done.rated += store::close_empty(&mut db, now).await.context("close months without charges")?;
    profiles::forget_mails(&mut db, now).await?;
    Ok(done)
}

/// Opens the months of accounts that have something to be charged for, from the first one's until now, each after the other.
/// Whoever has left has months for as long as something may be corrected: what they bill is corrections only.
async fn open_periods(db: &mut PgConnection, seller: &Seller, now: DateTime<Utc>) -> anyhow::Result<u64> {
    store::begin_trials(db, seller, now).await.context("begin trials")?;
    let mut opened = 0;
    let to_open = store::list_to_open(db, seller, LATE, now).await.context("list accounts without a month")?;
    for store::ToOpen { account, mut from, mut follows, before } in to_open {
        while from <= now && before.is_none_or(|before| from < before) {
            let (first, next) = cost::month(from, seller.zone);
            // One month begins where the one before ended, whatever the rules of clocks are by now.
            let first = if follows { from } else { first };
            let id = PeriodId::new(now);
            store::insert_period(db, id, (account, seller), (first, next), now).await.context("open a month")?;
            follows = true;
            from = next;
            opened += 1;
        }
    }
    Ok(opened)
}

/// Rates the next month that is over and writes its drafts. `None` when there is none; whether it waits for a person.
async fn rate_next(db: &mut PgConnection, now: DateTime<Utc>) -> anyhow::Result<Option<bool>> {
    let mut tx = db.begin().await.context("begin")?;
    let Some(period) = store::lock_due(&mut tx, now - GRACE).await.context("take a month")? else { return Ok(None) };
    let rated = {
        // What fails in here is undone alone: the month is then parked with the reason.
        let mut inner = tx.begin().await.context("begin")?;
        match rate(&mut inner, &period, now).await {
            Ok(()) => {
                inner.commit().await.context("commit")?;
                Ok(())
            }
            Err(error) if db::is_transient(&error) || db::is_away(&error) => return Err(error),
            Err(error) => {
                inner.rollback().await.context("roll back")?;
                Err(error)
            }
        }
    };
    let parked = match rated {
        Ok(()) => None,
        Err(error) => {
            tracing::error!(account = %period.account, error = chain::of_any(&error), "a month cannot be rated");
            Some(json!({ "reason": "failed", "problems": [chain::of_any(&error)] }))
        }
    };
    store::note_rated(&mut tx, period.id, parked.as_ref(), now).await.context("note that a month is rated")?;
    crash::point("billing:rated");
    tx.commit().await.context("commit")?;
    Ok(Some(parked.is_some()))
}

/// Rates a month, and writes its charges, what they follow from, and its drafts.
async fn rate(db: &mut PgConnection, period: &Period, now: DateTime<Utc>) -> anyhow::Result<()> {
    let mut parts = 0;
    let Rating { charges, closed } = charges_of(db, period, Some(&mut parts), now).await?;
    let all: Vec<_> = charges.into_iter().map(|(of, charge)| (ChargeId::new(now), of, charge)).collect();
    store::insert_charges(db, period, &all, now).await.context("insert the charges")?;
    let given = discounts::take(db, period, &closed, &all, now).await.context("take discounts off")?;
    if let Some(proof) = discounts::prove(db, period.account, period.id).await? {
        proofs::keep(db, (period.id, parts + 1), &proof, now).await?;
    }
    draft(db, period, (&all, &given), now).await
}

/// What a month is charged.
pub(super) struct Rating {
    /// Each charge with the month that it speaks of: corrections of the months before it first, then itself.
    pub(super) charges: Vec<(PeriodId, Charge)>,
    /// The months before it that were looked at.
    pub(super) closed: Vec<Period>,
}

/// Returns what a month is charged. Some environments at a time: an account may have thousands, and each of them seven hundred
/// hours of each meter. Where `parts` is given, it counts the parts of the file that the month is computed again with, which are
/// kept; else nothing is written, and hours are added up where they lie.
pub(super) async fn charges_of(
    db: &mut PgConnection,
    period: &Period,
    mut parts: Option<&mut i32>,
    now: DateTime<Utc>,
) -> anyhow::Result<Rating> {
    let before = account::carries_before(db, period.account, period.span).await?;
    let closed = store::list_closed_before(db, period, LATE).await.context("list the months before")?;
    let corrected: Vec<(PeriodId, Month<'_>)> = closed
        .iter()
        .map(|earlier| (earlier.id, month_of(period.account, earlier.whose.currency, earlier.span)))
        .collect();
    let month = month_of(period.account, period.whose.currency, period.span);
    let mut corrections: BTreeMap<PeriodId, Vec<Charge>> = BTreeMap::new();
    let mut charges = Vec::new();
    let environments = account::environments(db, month, &corrected).await?;
    for some in environments.chunks(RATED_AT_ONCE) {
        let month = Month { only: Some(some), ..month };
        let costs = if let Some(part) = parts.as_deref_mut() {
            let proved = account::prove_account(db, month, &corrected, &before, now).await?;
            if !(proved.rated.charges.is_empty() && proved.corrections.is_empty()) {
                *part += 1;
                proofs::keep(db, (period.id, *part), &proved.proof, now).await?;
            }
            Costs { corrections: proved.corrections, rated: proved.rated }
        } else {
            account::charge_account(db, month, &corrected, &before, now).await?
        };
        for (of, rated) in costs.corrections {
            corrections.entry(of).or_default().extend(rated.charges);
        }
        charges.extend(costs.rated.charges);
    }
    let mut all: Vec<(PeriodId, Charge)> = Vec::new();
    for (of, _) in &corrected {
        all.extend(corrections.remove(of).unwrap_or_default().into_iter().map(|charge| (*of, charge)));
    }
    all.extend(charges.into_iter().map(|charge| (period.id, charge)));
    Ok(Rating { charges: all, closed })
}

fn month_of(account: AccountId, currency: Currency, period: Span) -> Month<'static> {
    Month { account, currency, period, only: None }
}

/// Writes the month's invoice, and a credit note for each earlier month that was billed too much.
async fn draft(
    db: &mut PgConnection,
    period: &Period,
    (all, given): (&[(ChargeId, PeriodId, Charge)], &[Given]),
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let profile = profiles::find(db, period.account).await?;
    let words = Texts::new(profile.language);
    let names = store::names(db, all.iter().map(|it| &it.2.item)).await.context("read names")?;
    let billable = all.iter().filter(|(.., charge)| charge.is_billable() && charge.net.minor != 0);
    let mut invoice = Vec::new();
    let mut given_back: BTreeMap<PeriodId, Vec<documents::NewLine>> = BTreeMap::new();
    for (id, of, charge) in billable {
        let line = lines::line(*id, charge, &names, (&words, profile.language))?;
        if charge.net.minor > 0 {
            invoice.push(line);
        } else {
            given_back.entry(*of).or_default().push(lines::given_back(line));
        }
    }
    for ((_, of, is_back), given) in by_month(given) {
        let told = given.iter().map(|it| lines::discount(it, (&words, profile.language)));
        // What is taken off more stands on the invoice that charges more; what is taken off less, on the credit note that gives back.
        if is_back {
            given_back.entry(of).or_default().splice(0..0, told.map(lines::given_back));
        } else {
            invoice.extend(told);
        }
    }
    giving_back::draft(db, period, given_back, now).await?;
    if invoice.is_empty() {
        return Ok(());
    }
    let id = documents::draft_invoice(db, period.whose, period.id, &invoice, now).await?;
    // A coupon that ends makes no month unusual.
    let net: i64 = invoice.iter().filter(|line| line.discount.is_none()).map(|line| line.net.minor).sum();
    if let Some(why) = unusual(db, period, net).await? {
        store::hold(db, id, &why, now).await.context("hold a draft")?;
    }
    Ok(())
}

/// Why an invoice is looked at by a person first: it is much more than the ones before, or, of one of the first, much more than the
/// plans cost without usage. A fault of a meter is found before it is charged.
async fn unusual(db: &mut PgConnection, period: &Period, net: i64) -> anyhow::Result<Option<serde_json::Value>> {
    let told = |minor: i64| format!("{} {}", Money::new(minor, period.whose.currency).exact(), period.whose.currency);
    if let Some(usual) = store::usual_net(db, period).await.context("read earlier invoices")? {
        let problem = format!("{} where {} is usual", told(net), Money::new(usual, period.whose.currency).exact());
        let is_much = net > UNUSUAL.saturating_mul(usual.max(LITTLE));
        return Ok(is_much.then(|| json!({ "reason": "unusual", "problems": [problem], "usual_minor": usual })));
    }
    let base = store::base_prices(db, period).await.context("read base prices")?;
    let problem = format!("{} is one of the first invoices, and the base prices are {}", told(net), told(base));
    let is_much = net > UNUSUAL_AT_FIRST.saturating_mul(base.max(LITTLE));
    Ok(is_much.then(|| json!({ "reason": "unusual", "problems": [problem] })))
}

/// Discounts by the month that they speak of, oldest first, and whether they go with what is given back.
fn by_month(given: &[Given]) -> BTreeMap<(DateTime<Utc>, PeriodId, bool), Vec<&Given>> {
    let mut months: BTreeMap<_, Vec<&Given>> = BTreeMap::new();
    for it in given {
        months.entry((it.span.from, it.of, it.is_back)).or_default().push(it);
    }
    months
}

/// What waits for somebody: a draft, or a month that could not be rated.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The draft.
    pub document: Option<DocumentId>,
    /// The month.
    pub period: Option<PeriodId>,
    /// Whose.
    pub account: AccountId,
    /// The customer's name.
    pub account_name: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// `unusual`: much more than usual. `seller`, `buyer`: details are missing. `credited`: what is to be given back was credited
    /// already. `country`: the customer lives in another one than before. `document`, `failed`: a fault of ours.
    pub reason: String,
    /// What exactly.
    pub problems: Vec<String>,
    /// What the draft says without VAT.
    pub net: Money,
    /// What the account's invoices usually say without VAT, where that is why it waits.
    pub usual: Option<Money>,
}

impl Waiting {
    /// Returns the number that it is released by.
    #[must_use]
    pub fn subject(&self) -> Uuid {
        self.document.map(DocumentId::uuid).or(self.period.map(PeriodId::uuid)).unwrap_or_default()
    }
}

/// Returns what waits for somebody, oldest first.
pub async fn list_waiting(db: &mut PgConnection) -> anyhow::Result<Vec<Waiting>> {
    store::list_waiting(db).await.context("list what waits")
}

/// Lets a draft go on that waited for a person. False when it does not wait.
pub async fn release_draft(db: &mut PgConnection, draft: DocumentId) -> anyhow::Result<bool> {
    store::release_draft(db, draft).await.context("release a draft")
}

/// A credit note that was dropped: it would have given back what was given back before.
#[derive(Clone, Debug)]
pub struct Dropped {
    /// Whose.
    pub account: AccountId,
    /// The number of its invoice.
    pub invoice: String,
    /// What it says, without VAT.
    pub net: Money,
}

/// Ends a draft that waits because its invoice was credited already: it never becomes final, its lines go on saying what became
/// of the charges on them, and the instruction says who wanted that and why. `None` when it does not wait for that.
pub async fn drop_draft(
    db: &mut PgConnection,
    draft: DocumentId,
    by: InstructionId,
) -> anyhow::Result<Option<Dropped>> {
    store::drop_draft(db, draft, by).await.context("drop a draft")
}

/// Lets a month be rated again that could not be. False when it does not wait.
pub async fn release_period(db: &mut PgConnection, period: PeriodId) -> anyhow::Result<bool> {
    store::release_period(db, period).await.context("release a month")
}

/// Returns the open month of an account, if it has one.
pub async fn open_period(
    db: &mut PgConnection,
    account: AccountId,
    now: DateTime<Utc>,
) -> anyhow::Result<Option<Period>> {
    store::open_period(db, account, now).await.context("read the open month")
}

/// Returns the newest month of an account that is closed.
pub async fn last_closed(db: &mut PgConnection, account: AccountId) -> anyhow::Result<Option<Period>> {
    store::last_closed(db, account).await.context("read the last month")
}
