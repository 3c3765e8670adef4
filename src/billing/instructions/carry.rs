//! Carries an instruction out. For the worker, which alone may.

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::{Connection, PgConnection};

use super::store::{self, Asked};
use super::{Kept, Refusal, Waits};
use crate::audit::{self, Actor, Entry};
use crate::base::ids::{AccountId, DocumentId, InstructionId};
use crate::base::money::Money;
use crate::billing::documents::credit::{self, CreditError, CreditRefusal};
use crate::billing::run;
use crate::billing::sellers::{self, ChangeError, Terms};
use crate::i18n::{Locale, Texts};
use crate::portal::Portal;

/// What was done.
struct Done {
    /// The name in the audit log.
    action: &'static str,
    /// Whose it is, if it is a customer's.
    account: Option<AccountId>,
    /// The credit note that was made.
    made: Option<DocumentId>,
    detail: serde_json::Value,
}

/// Carries an instruction out, or writes down why not. One that has ended stays as it is.
pub async fn carry_out(portal: &Portal, id: InstructionId) -> anyhow::Result<()> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await.context("begin")?;
    let Some(asked) = store::lock_asked(&mut tx, id).await.context("take an instruction")? else { return Ok(()) };
    let outcome = {
        // What is refused half-way is undone alone.
        let mut inner = tx.begin().await.context("begin")?;
        let outcome = act(&mut inner, &asked, now).await?;
        match &outcome {
            Ok(_) => inner.commit().await.context("commit")?,
            Err(_) => inner.rollback().await.context("roll back")?,
        }
        outcome
    };
    let mut detail = json!({ "instruction": id, "reason": asked.reason });
    let (action, account, made, refusal) = match outcome {
        Ok(done) => {
            detail["what"] = done.detail;
            (done.action, done.account, done.made, None)
        }
        Err(refusal) => {
            let why = json!({ "key": refusal.key, "problems": refusal.problems });
            detail["refusal"] = why.clone();
            ("billing.refused", None, None, Some(why))
        }
    };
    store::end(&mut tx, id, (refusal.as_ref(), made), now).await.context("end an instruction")?;
    let entry = Entry::new(action).detail(detail);
    let entry = if let Some(account) = account { entry.account(account) } else { entry };
    audit::record(&mut tx, &Actor::staff(asked.by, &asked.by_name), entry, now).await?;
    tx.commit().await.context("commit")
}

async fn act(db: &mut PgConnection, asked: &Asked, now: DateTime<Utc>) -> anyhow::Result<Result<Done, Refusal>> {
    let subject = &asked.subject;
    match (asked.kind.as_str(), subject.document, subject.period, subject.seller) {
        ("release", Some(draft), ..) => {
            let account = store::account_of(db, Waits::Draft(draft)).await.context("find whose it is")?;
            let is_done = run::release_draft(db, draft).await?;
            Ok(waited(is_done, "billing.released", account, subject.uuid()))
        }
        ("release", _, Some(period), _) => {
            let account = store::account_of(db, Waits::Month(period)).await.context("find whose it is")?;
            let is_done = run::release_period(db, period).await?;
            Ok(waited(is_done, "billing.released", account, subject.uuid()))
        }
        ("keep", draft, period, _) => {
            let waits = draft.map(Waits::Draft).or(period.map(Waits::Month)).context("something is kept")?;
            let account = store::account_of(db, waits).await.context("find whose it is")?;
            let is_waiting = store::is_waiting(db, waits).await.context("look whether it waits")?;
            Ok(waited(is_waiting, "billing.kept", account, subject.uuid()))
        }
        ("drop", Some(draft), ..) => {
            let Some(dropped) = run::drop_draft(db, draft, asked.id).await? else {
                return Ok(Err(Refusal::new("instruction-not-waiting")));
            };
            let detail = json!({
                "id": draft, "invoice": dropped.invoice, "net_minor": dropped.net.minor, "currency": dropped.net.currency.code(),
            });
            Ok(Ok(Done { action: "billing.dropped", account: Some(dropped.account), made: None, detail }))
        }
        ("credit", Some(invoice), ..) => give_back(db, asked, invoice, now).await,
        ("seller", .., Some(seller)) => {
            let kept: Kept = serde_json::from_value(asked.wanted.clone()).context("read what is wanted")?;
            let terms = kept.terms.context("a company's terms are wanted")?;
            let Some(found) = sellers::find(db, seller).await? else {
                return Ok(Err(Refusal::new("instruction-not-waiting")));
            };
            let new = Terms {
                details: terms.details,
                payment_days: terms.payment_days,
                trial_days: terms.trial_days,
                // Only down: whoever writes into our table must not lift what holds one person alone.
                four_eyes: Money::new(terms.four_eyes_minor.min(found.four_eyes.minor), found.currency),
            };
            match sellers::change(db, seller, &new).await {
                Ok(()) => {}
                Err(ChangeError::NotFound) => return Ok(Err(Refusal::new("instruction-not-waiting"))),
                Err(ChangeError::Refused(problems)) => {
                    let words = Texts::new(Locale::En);
                    let problems = problems.iter().map(|(field, it)| format!("{field}: {}", it.text(words))).collect();
                    return Ok(Err(Refusal { key: "instruction-wrong-details", problems }));
                }
                Err(ChangeError::Failed(cause)) => return Err(cause),
            }
            let detail = json!({
                "seller": found.code, "from": found.details, "to": new.details,
                "terms": {
                    "from": [i64::from(found.payment_days), i64::from(found.trial_days), found.four_eyes.minor],
                    "to": [i64::from(new.payment_days), i64::from(new.trial_days), new.four_eyes.minor],
                },
            });
            Ok(Ok(Done { action: "billing.seller-changed", account: None, made: None, detail }))
        }
        (kind, ..) => anyhow::bail!("an instruction of kind {kind} has no such subject"),
    }
}

fn waited(is_done: bool, action: &'static str, account: Option<AccountId>, id: uuid::Uuid) -> Result<Done, Refusal> {
    if !is_done {
        return Err(Refusal::new("instruction-not-waiting"));
    }
    Ok(Done { action, account, made: None, detail: json!({ "id": id }) })
}

async fn give_back(
    db: &mut PgConnection,
    asked: &Asked,
    invoice: DocumentId,
    now: DateTime<Utc>,
) -> anyhow::Result<Result<Done, Refusal>> {
    let kept: Kept = serde_json::from_value(asked.wanted.clone()).context("read what is wanted")?;
    let Some(left) = credit::creditable(db, invoice).await? else { return Ok(Err(CreditRefusal::NoInvoice.into())) };
    let lines = match kept.lines {
        None => left.everything(),
        Some(lines) => {
            lines.into_iter().map(|(line_no, minor)| (line_no, Money::new(minor, left.whose.currency))).collect()
        }
    };
    let made = match credit::credit(db, invoice, &lines, &asked.reason, now).await {
        Ok(made) => made,
        Err(CreditError::Refused(refusal)) => return Ok(Err(refusal.into())),
        Err(CreditError::Failed(cause)) => return Err(cause),
    };
    let net: i64 = lines.iter().map(|(_, net)| net.minor).sum();
    let detail = json!({ "invoice": invoice, "credit_note": made, "net_minor": net });
    Ok(Ok(Done { action: "billing.credited", account: Some(left.whose.account), made: Some(made), detail }))
}
