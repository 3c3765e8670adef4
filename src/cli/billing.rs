//! `sayoo billing …`: our companies' details, what waits for somebody, and credit notes.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, ensure};
use chrono::TimeDelta;
use clap::Subcommand;
use rust_decimal::Decimal;
use serde_json::json;
use sqlx::{Connection, PgConnection};

use crate::audit::{self, Actor};
use crate::base::clock::Clock;
use crate::base::ids::{DocumentId, PeriodId};
use crate::base::money::Money;
use crate::billing::sellers::checks::Problem;
use crate::billing::sellers::{self, ChangeError, Details, Seller, Terms};
use crate::billing::{documents, run as months, self_audit};
use crate::books::{self, Books};
use crate::config::Config;
use crate::db;
use crate::i18n::{Locale, Texts};
use crate::portal::Portal;

/// Who is written down as having done it.
const BY: &str = "sayoo billing";

/// What to do about billing.
#[derive(Debug, Subcommand)]
pub enum Billing {
    /// Prints our companies and what stands on their documents, as JSON that `seller` takes.
    Sellers,
    /// Changes what stands on a company's future documents. Invoices wait until this was done once.
    Seller {
        /// The company: FR or MA.
        code: String,
        /// A file with its details, as `sellers` prints them (docs/operations.md has an example).
        #[arg(long)]
        details: Option<PathBuf>,
        /// Days until an invoice is due.
        #[arg(long, value_parser = clap::value_parser!(i32).range(0..=60))]
        payment_days: Option<i32>,
        /// Days that a new customer pays nothing for.
        #[arg(long, value_parser = clap::value_parser!(i32).range(0..=90))]
        trial_days: Option<i32>,
        /// Transfers above this amount need two of our people.
        #[arg(long)]
        four_eyes: Option<Decimal>,
    },
    /// Prints the drafts and months that wait for somebody, and why.
    Waiting,
    /// Lets a draft or a month go on that waits.
    Release {
        /// What `waiting` prints.
        id: uuid::Uuid,
    },
    /// Has a series of numbers go on after one that was given before the database was put back, and that it does not know.
    GoOn {
        /// What the numbers begin with: `FR-2026-`.
        series: String,
        /// The newest one that was given.
        #[arg(long)]
        after: i64,
        /// Why, for accountants.
        #[arg(long)]
        reason: String,
    },
    /// Looks through the books now, prints each rule with what is wrong, and ends with 1 if anything is.
    Audit {
        /// What was measured in so many days before now is derived again; documents and books are looked at from the beginning.
        #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(i64).range(1..=36500))]
        days: i64,
    },
    /// Carries what is not there yet into the Odoos that keep our books, now, also what waits for a person.
    Push,
    /// Gives a part of a line of an invoice back by a credit note, which becomes final within a minute.
    Credit {
        /// The invoice's number.
        number: String,
        /// Which line.
        #[arg(long)]
        line: i32,
        /// How much of it, without VAT.
        #[arg(long)]
        net: Decimal,
        /// Why, for our own people.
        #[arg(long)]
        reason: String,
    },
}

/// Does it.
pub async fn run(config: &Config, command: Billing) -> anyhow::Result<()> {
    let pool = db::pool(&config.database.owner_url, 2)?;
    let mut db = pool.acquire().await.context("reach the control database")?;
    match command {
        Billing::Sellers => list(&mut db).await,
        Billing::Seller { code, details, payment_days, trial_days, four_eyes } => {
            let all = sellers::list(&mut db).await?;
            let seller = all.into_iter().find(|seller| seller.code == code);
            let seller =
                seller.with_context(|| format!("there is no company {code}; `sayoo billing sellers` prints them"))?;
            let given = match details {
                Some(path) => Some(read(&path)?),
                None => seller.details.clone(),
            };
            let terms = Terms {
                details: given.context("the company has no details yet: give a file with --details")?,
                payment_days: payment_days.unwrap_or(seller.payment_days),
                trial_days: trial_days.unwrap_or(seller.trial_days),
                four_eyes: match four_eyes {
                    Some(amount) => coins(amount, seller.four_eyes.currency)?,
                    None => seller.four_eyes,
                },
            };
            change(&mut db, &seller, &terms).await
        }
        Billing::Waiting => waiting(&mut db).await,
        Billing::Release { id } => {
            let (draft, period): (DocumentId, PeriodId) = (id.to_string().parse()?, id.to_string().parse()?);
            let is_done =
                months::release_draft(&mut db, draft).await? || months::release_period(&mut db, period).await?;
            ensure!(is_done, "nothing waits under {id}; `sayoo billing waiting` prints what does");
            note(&mut db, "billing.released", json!({ "id": id })).await?;
            println!("it goes on within a minute");
            Ok(())
        }
        Billing::GoOn { series, after, reason } => {
            let mut tx = db.begin().await.context("begin")?;
            documents::numbers::go_on_after(&mut tx, &series, after, &reason, Clock::System.now()).await?;
            let detail = json!({ "series": series, "after": after, "reason": reason });
            let entry = audit::Entry::new("billing.numbers-skipped").detail(detail);
            audit::record(&mut tx, &Actor::system().from_address(BY), entry, Clock::System.now()).await?;
            tx.commit().await.context("commit")?;
            println!("the next document is {series}{:06}", after + 1);
            Ok(())
        }
        Billing::Audit { days } => audit_books(&mut db, TimeDelta::days(days)).await,
        Billing::Push => push(config, &pool).await,
        Billing::Credit { number, line, net, reason } => {
            ensure!(reason.trim().chars().count() >= 3, "say why, in three letters at least");
            let found = documents::list_all(&mut db, &number, 10).await?;
            let found = found.into_iter().find(|document| document.number == number);
            let invoice = found.with_context(|| format!("there is no final document {number}"))?;
            ensure!(invoice.kind == documents::Kind::Invoice, "{number} is a credit note");
            let net = coins(net, invoice.gross.currency)?;
            let mut tx = db.begin().await.context("begin")?;
            documents::credit(&mut tx, invoice.id, &[(line, net)], &reason, Clock::System.now()).await?;
            let detail = json!({ "number": number, "line": line, "net_minor": net.minor, "reason": reason });
            let entry = audit::Entry::new("billing.credited").account(invoice.account).detail(detail);
            audit::record(&mut tx, &Actor::system().from_address(BY), entry, Clock::System.now()).await?;
            tx.commit().await.context("commit")?;
            println!("the credit note becomes final within a minute");
            Ok(())
        }
    }
}

async fn push(config: &Config, pool: &sqlx::PgPool) -> anyhow::Result<()> {
    ensure!(!config.books.is_empty(), "no [books] are configured (docs/books.md)");
    let public = Arc::new(config.public.clone());
    let portal = Portal { db: pool.clone(), clock: Clock::System, public };
    let done = Books::new(portal, &config.books)?.look_at_all().await?;
    println!("{} carried", done.carried);
    for waiting in books::list_waiting(&mut *pool.acquire().await?, Clock::System.now()).await? {
        let who = if waiting.is_parked { "waits for somebody" } else { "will be tried again" };
        println!(
            "{}  {} {}  {}  {who}: {}",
            waiting.seller, waiting.kind, waiting.name, waiting.account_name, waiting.problem
        );
    }
    Ok(())
}

fn coins(amount: Decimal, currency: crate::base::money::Currency) -> anyhow::Result<Money> {
    let money = Money::rounded(amount, currency);
    ensure!(money.exact() == amount && money.minor > 0, "{amount} is no amount of {currency} above zero");
    Ok(money)
}

fn read(path: &std::path::Path) -> anyhow::Result<Details> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    serde_json::from_str(&text)
        .with_context(|| format!("{} does not say what has to stand on documents", path.display()))
}

async fn list(db: &mut PgConnection) -> anyhow::Result<()> {
    for seller in sellers::list(db).await? {
        println!(
            "{} ({}, {}): due after {} days, {} days of trial, two people above {} {}",
            seller.code,
            seller.country,
            seller.currency,
            seller.payment_days,
            seller.trial_days,
            seller.four_eyes.exact(),
            seller.currency
        );
        match &seller.details {
            Some(details) => println!("{}", serde_json::to_string_pretty(details)?),
            None => println!("  nothing stands on its documents yet: its invoices wait for it"),
        }
    }
    Ok(())
}

async fn change(db: &mut PgConnection, seller: &Seller, terms: &Terms) -> anyhow::Result<()> {
    let mut tx = db.begin().await.context("begin")?;
    match sellers::change(&mut tx, seller.id, terms).await {
        Ok(()) => {}
        Err(ChangeError::Refused(problems)) => {
            let words = Texts::new(Locale::En);
            let line = |(field, problem): &(&str, Problem)| format!("  {field}: {}", problem.text(words));
            let lines: Vec<String> = problems.iter().map(line).collect();
            anyhow::bail!("nothing was changed, for this cannot be right:\n{}", lines.join("\n"));
        }
        Err(error) => return Err(error.into()),
    }
    let detail = json!({
        "seller": seller.code, "from": seller.details, "to": terms.details,
        "terms": {
            "from": [i64::from(seller.payment_days), i64::from(seller.trial_days), seller.four_eyes.minor],
            "to": [i64::from(terms.payment_days), i64::from(terms.trial_days), terms.four_eyes.minor],
        },
    });
    let entry = audit::Entry::new("billing.seller-changed").detail(detail);
    audit::record(&mut tx, &Actor::system().from_address(BY), entry, Clock::System.now()).await?;
    tx.commit().await.context("commit")?;
    println!("it stands on documents from now on");
    Ok(())
}

async fn waiting(db: &mut PgConnection) -> anyhow::Result<()> {
    let all = months::list_waiting(db).await?;
    if all.is_empty() {
        println!("nothing waits");
    }
    for waiting in all {
        let id = waiting.subject();
        println!(
            "{id}  {}  {} {}  {}",
            waiting.account_name,
            waiting.net.exact(),
            waiting.net.currency,
            waiting.reason
        );
        for problem in waiting.problems {
            println!("    {problem}");
        }
    }
    Ok(())
}

async fn audit_books(db: &mut PgConnection, measured_for: TimeDelta) -> anyhow::Result<()> {
    let now = Clock::System.now();
    let report = self_audit::audit(db, now - measured_for, now).await?;
    for outcome in &report.outcomes {
        let word = if outcome.wrong == 0 { "right" } else { "WRONG" };
        let (code, rules, looked_at, wrong) = (&outcome.code, outcome.rules, outcome.looked_at, outcome.wrong);
        let seconds = outcome.took.as_seconds_f64();
        println!("{word}  {code:<12} {rules:<10} {looked_at:>12} looked at {wrong:>8} wrong {seconds:>8.1} s");
        for example in &outcome.examples {
            println!("       {example}");
        }
    }
    ensure!(report.wrong() == 0, "the books are wrong in {} rows", report.wrong());
    println!("the books are right");
    Ok(())
}

async fn note(db: &mut PgConnection, what: &'static str, detail: serde_json::Value) -> anyhow::Result<()> {
    let mut tx = db.begin().await.context("begin")?;
    audit::record(
        &mut tx,
        &Actor::system().from_address(BY),
        audit::Entry::new(what).detail(detail),
        Clock::System.now(),
    )
    .await?;
    tx.commit().await.context("commit")
}
