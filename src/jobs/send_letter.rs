//! Writes a mail about somebody's account in the person's language, makes the link in it, and sends it.

use anyhow::Context;
use chrono::{DateTime, NaiveDate, Utc};

use super::JobError;
use crate::accounts::letters::{LinkKind, Payer, SendLetter};
use crate::accounts::{links, people};
use crate::base::ids::{AccountId, JobId, PlanVersionId, UserId};
use crate::base::money::Money;
use crate::billing::budgets::rule::Level;
use crate::billing::documents;
use crate::billing::dunning::{self, rule::Step};
use crate::billing::trials;
use crate::environments::plan_moves;
use crate::i18n::format::Formats;
use crate::mail::Attachment;
use crate::mail::messages::{self, Draft};
use crate::mail::transport::{Mailer, SendError};
use crate::plans::{self, Allowance, Meter, Version, words};
use crate::portal::Portal;
use crate::web::urls;

/// A mail names so many instances; of more it says how many.
const NAMED_AT_MOST: usize = 10;

/// What stands in a mail besides its receiver.
struct Content {
    name: &'static str,
    /// Another receiver than the person's present address.
    to: Option<String>,
    values: Vec<(&'static str, String)>,
    /// The path of its link.
    path: Option<String>,
}

pub(super) async fn run(
    portal: &Portal,
    mailer: &Mailer,
    (job, letter): (JobId, &SendLetter),
    now: DateTime<Utc>,
) -> Result<(), JobError> {
    let Some(person) = people::receiver(portal, letter).await? else { return Ok(()) };
    if is_settled(portal, letter).await? {
        return Ok(());
    }
    let formats = Formats::new(person.locale, &person.timezone);
    let content = content(portal, letter, person.id, formats, now).await?;
    let mut values = vec![("name", person.name.clone()), ("email", person.email.clone())];
    values.extend(content.values);
    let mut message = messages::write(&Draft {
        to: content.to.as_deref().unwrap_or(&person.email),
        locale: person.locale,
        name: content.name,
        values: &values,
        link: content.path.map(|path| format!("{}{path}", portal.public.portal_url)),
        company: &portal.public.company,
        portal_url: &portal.public.portal_url,
    })?;
    message.attachments = attachments(portal, letter).await?;
    match mailer.send(job, &message, now).await {
        Ok(()) => Ok(()),
        Err(error @ SendError::Refused(_)) => Err(JobError::GiveUp(error.into())),
        Err(error @ SendError::Failed(_)) => Err(JobError::Retry(error.into())),
    }
}

async fn content(
    portal: &Portal,
    letter: &SendLetter,
    user: Option<UserId>,
    formats: Formats,
    now: DateTime<Utc>,
) -> anyhow::Result<Content> {
    let link = async |kind, new_email: Option<String>, visit: Option<Vec<u8>>| {
        let user = user.context("a link is a person's")?;
        links::make(portal, kind, user, (new_email, visit), now).await
    };
    let plain = |name, path| Content { name, to: None, values: Vec::new(), path };
    Ok(match letter {
        SendLetter::Overdue { number, overdue_minor, currency, step, next, .. } => {
            overdue(formats, number, Money::new(*overdue_minor, *currency), (step.as_str(), next.as_ref()))
        }
        SendLetter::Verify { visit_hash, .. } => {
            let visit = visit_hash.as_deref().and_then(|hash| hex::decode(hash).ok());
            plain("verify", Some(urls::verify(link(LinkKind::VerifyEmail, None, visit).await?.expose())))
        }
        SendLetter::AlreadyHere { .. } => plain("already-here", Some(urls::login())),
        SendLetter::ForgotPassword { .. } => {
            plain("reset", Some(urls::reset(link(LinkKind::ResetPassword, None, None).await?.expose())))
        }
        SendLetter::PasswordChanged { .. } => plain("password-changed", Some(urls::forgot())),
        SendLetter::NewDevice { device, address, at, .. } => Content {
            values: vec![("device", device.clone()), ("address", address.clone()), ("when", formats.date_time(*at))],
            ..plain("new-device", Some(urls::account_sessions()))
        },
        SendLetter::ConfirmEmail { new_email, .. } => Content {
            to: Some(new_email.clone()),
            values: vec![("new", new_email.clone())],
            ..plain(
                "confirm-email",
                Some(urls::confirm_email(link(LinkKind::ChangeEmail, Some(new_email.clone()), None).await?.expose())),
            )
        },
        SendLetter::EmailChanged { old_email, .. } => Content {
            to: Some(old_email.clone()),
            ..plain(
                "email-changed",
                Some(urls::undo_email(link(LinkKind::UndoEmailChange, Some(old_email.clone()), None).await?.expose())),
            )
        },
        SendLetter::BudgetUsed { environment, instance, budget_minor, currency, .. } => Content {
            values: vec![
                ("instance", instance.clone()),
                ("budget", formats.money(Money::new(*budget_minor, *currency))),
            ],
            ..plain("budget-used", Some(urls::instance_scaling(*environment)))
        },
        SendLetter::TrialEnding { account, until, .. } => {
            trial(portal, formats, ("trial-ending", *until), *account).await?
        }
        SendLetter::TrialEnded { account, since, .. } => {
            trial(portal, formats, ("trial-ended", *since), *account).await?
        }
        SendLetter::PlanMoves { account: of, plan_version: to, .. } => new_prices(portal, formats, *of, *to).await?,
        SendLetter::PlanStays { plan_version, .. } => old_prices(portal, formats, *plan_version).await?,
        SendLetter::CreditEnding { left_minor, currency, until: at, .. } => {
            credit(formats, "credit-ending", Money::new(*left_minor, *currency), *at)
        }
        SendLetter::CreditEnded { left_minor, currency, since: at, .. } => {
            credit(formats, "credit-ended", Money::new(*left_minor, *currency), *at)
        }
        SendLetter::BudgetReached { .. } => budget(formats, letter),
        SendLetter::DomainLost { environment, instance, hostname, .. } => Content {
            values: vec![("instance", instance.clone()), ("domain", hostname.clone())],
            ..plain("domain-lost", Some(urls::instance_domains(*environment)))
        },
        SendLetter::DocumentIssued {
            document, is_invoice, number, gross_minor, open_minor, currency, due_on, ..
        } => {
            let name = match (is_invoice, *open_minor > 0) {
                (true, true) => "invoice-due",
                (true, false) => "invoice-settled",
                (false, _) => "credit-note",
            };
            Content {
                values: vec![
                    ("number", number.clone()),
                    ("gross", formats.money(Money::new(*gross_minor, *currency))),
                    ("open", formats.money(Money::new(*open_minor, *currency))),
                    ("due", formats.calendar_day(*due_on)),
                ],
                ..plain(name, Some(urls::billing_invoice(*document)))
            }
        }
        SendLetter::CardRefused { document, number, open_minor, currency, is_asked_for, next, .. } => Content {
            values: card_refused(formats, number, Money::new(*open_minor, *currency), *next),
            ..plain(if *is_asked_for { "card-asks" } else { "card-refused" }, Some(urls::billing_invoice(*document)))
        },
        SendLetter::Closing { closes_at, .. } => Content {
            values: vec![("date", formats.date(*closes_at))],
            ..plain("closing", Some(urls::account_closing()))
        },
    })
}

/// What is charged from an instant on, at the end of a trial.
async fn trial(
    portal: &Portal,
    formats: Formats,
    (name, at): (&'static str, DateTime<Utc>),
    account: AccountId,
) -> anyhow::Result<Content> {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let (currency, begins) = trials::beginning(&mut db, account).await?;
    drop(db);
    let texts = formats.texts();
    let mut lines: Vec<String> = begins
        .iter()
        .take(NAMED_AT_MOST)
        .map(|it| {
            let price = formats.money(it.monthly);
            let plan = it.plan.of(texts.locale).to_owned();
            let values = [("instance", it.instance.clone().into()), ("plan", plan.into()), ("price", price.into())];
            texts.with("trial-line", &values)
        })
        .collect();
    if let Some(more) = begins.len().checked_sub(NAMED_AT_MOST).filter(|more| *more > 0) {
        lines.push(texts.with("trial-more", &[("count", more.into())]));
    }
    let total = begins.iter().map(|it| it.monthly.minor).sum();
    Ok(Content {
        name,
        to: None,
        values: vec![
            ("date", formats.date_time(at)),
            ("lines", lines.join("; ")),
            ("total", formats.money(Money::new(total, currency))),
        ],
        path: Some(urls::billing()),
    })
}

/// What a plan's later version costs, beside what the present one does.
async fn new_prices(
    portal: &Portal,
    formats: Formats,
    account: AccountId,
    version: PlanVersionId,
) -> anyhow::Result<Content> {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let told = plan_moves::told(&mut db, account, version).await?.context("nothing is moved any more")?;
    drop(db);
    let texts = formats.texts();
    let currency = told.monthly_after.currency;
    let said = |allowance: &Allowance| {
        [vec![words::included(formats, allowance)], words::beyond(formats, allowance)].concat().join(", ")
    };
    let unlimited = || texts.text("plan-moves-unlimited");
    let changes = Meter::ALL.into_iter().filter_map(|meter| {
        let of = |version: &Version| {
            version.allowances_in(currency).into_iter().find(|it| it.meter == meter).map_or_else(unlimited, said)
        };
        let (before, after) = (of(&told.before), of(&told.after));
        let values = [
            ("meter", words::name(formats, meter).into()),
            ("before", before.clone().into()),
            ("after", after.clone().into()),
        ];
        (before != after).then(|| texts.with("plan-moves-line", &values))
    });
    let changes: Vec<String> = changes.collect();
    let mut instances: Vec<String> = told.instances.iter().take(NAMED_AT_MOST).cloned().collect();
    if let Some(more) = told.instances.len().checked_sub(NAMED_AT_MOST).filter(|more| *more > 0) {
        instances.push(texts.with("trial-more", &[("count", more.into())]));
    }
    Ok(Content {
        name: "plan-moves",
        to: None,
        values: vec![
            ("date", formats.calendar_day(told.month)),
            ("plan", told.plan.names.of(texts.locale).to_owned()),
            ("before", formats.money(told.monthly_before)),
            ("after", formats.money(told.monthly_after)),
            ("instances", instances.join(", ")),
            ("usage", if changes.is_empty() { texts.text("plan-moves-same-usage") } else { changes.join(" ") }),
        ],
        path: Some(urls::instances()),
    })
}

/// What a saved card did not pay, and when it is tried again.
fn card_refused(
    formats: Formats,
    number: &str,
    open: Money,
    next: Option<DateTime<Utc>>,
) -> Vec<(&'static str, String)> {
    let texts = formats.texts();
    let next = next.map_or_else(
        || texts.text("card-again-never"),
        |at| texts.with("card-again-on", &[("date", formats.date(at).into())]),
    );
    vec![("number", number.to_owned()), ("open", formats.money(open)), ("next", next)]
}

/// What is left of given credit, and when it ends.
fn credit(formats: Formats, name: &'static str, left: Money, at: DateTime<Utc>) -> Content {
    let values = vec![("amount", formats.money(left)), ("date", formats.date_time(at))];
    Content { name, to: None, values, path: Some(urls::billing_credit()) }
}

/// That a later version does not come after all.
async fn old_prices(portal: &Portal, formats: Formats, version: PlanVersionId) -> anyhow::Result<Content> {
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let (plan, _) = plans::version(&mut db, version).await?.context("a version that was told of exists")?;
    Ok(Content {
        name: "plan-stays",
        to: None,
        values: vec![("plan", plan.names.of(formats.texts().locale).to_owned())],
        path: Some(urls::instances()),
    })
}

/// How far the month's cost is, and what follows from it.
fn budget(formats: Formats, letter: &SendLetter) -> Content {
    let mut content =
        Content { name: "budget-level", to: None, values: Vec::new(), path: Some(urls::billing_budget()) };
    if let SendLetter::BudgetReached { level, so_far_minor, forecast_minor, budget_minor, currency, until, .. } = letter
    {
        let level = Level::from_word(level);
        let money = |minor: i64| formats.money(Money::new(minor, *currency));
        content.name = match level {
            Some(Level::Forecast) => "budget-forecast",
            Some(Level::CapAll) => "budget-cap-all",
            Some(Level::Cap) => "budget-cap",
            _ => "budget-level",
        };
        let percent = level.and_then(Level::percent).unwrap_or_default();
        content.values = vec![
            ("percent", formats.number(percent)),
            ("amount", money(*so_far_minor)),
            ("forecast", money(*forecast_minor)),
            ("budget", money(*budget_minor)),
            ("until", formats.date_time(*until)),
        ];
    }
    content
}

/// An invoice goes along with its mail where whoever reads it may have no login.
async fn attachments(portal: &Portal, letter: &SendLetter) -> anyhow::Result<Vec<Attachment>> {
    let SendLetter::DocumentIssued { payer: Payer::Address { account }, document, number, .. } = letter else {
        return Ok(Vec::new());
    };
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    let pdf = documents::file(&mut db, Some(*account), *document, "pdf").await?;
    let attachment = |content| Attachment { name: format!("{number}.pdf"), media_type: "application/pdf", content };
    Ok(pdf.into_iter().map(attachment).collect())
}

/// Whether what a mail would remind of was paid before it was written.
async fn is_settled(portal: &Portal, letter: &SendLetter) -> anyhow::Result<bool> {
    let (document, waits) = match letter {
        SendLetter::Overdue { document, number, .. } => (*document, number.is_empty()),
        SendLetter::CardRefused { document, .. } => (*document, false),
        // It was withdrawn, or nothing of the account's is there any more.
        SendLetter::PlanMoves { account, plan_version, .. } => {
            let mut db = portal.db.acquire().await.context("reach the control database")?;
            return Ok(plan_moves::told(&mut db, *account, *plan_version).await?.is_none());
        }
        _ => return Ok(false),
    };
    let mut db = portal.db.acquire().await.context("reach the control database")?;
    Ok(!dunning::is_open(&mut db, document, waits).await?)
}

/// A reminder: what was done, and what comes when.
fn overdue(formats: Formats, number: &str, open: Money, (step, next): (&str, Option<&(String, NaiveDate)>)) -> Content {
    let texts = formats.texts();
    let said = |word: &str| Step::from_word(word).map(|step| texts.text(step.key())).unwrap_or_default();
    let next = next.map_or_else(
        || texts.text("dunning-nothing-next"),
        |(word, on)| {
            texts.with("dunning-next", &[("date", formats.calendar_day(*on).into()), ("what", said(word).into())])
        },
    );
    let name = match (number.is_empty(), Step::from_word(step).is_some_and(Step::restricts)) {
        (false, false) => "overdue",
        (false, true) => "restricted",
        (true, false) => "details-missing",
        (true, true) => "details-restricted",
    };
    Content {
        name,
        to: None,
        values: vec![
            ("number", number.to_owned()),
            ("amount", formats.money(open)),
            ("done", said(step)),
            ("next", next),
        ],
        path: Some(if number.is_empty() { urls::billing_details() } else { urls::account_billing() }),
    }
}
