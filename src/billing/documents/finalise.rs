//! Makes a draft final: number, date, VAT, the text that is hashed, and the entry in the ledger, all in one transaction.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use chrono::{DateTime, Days, Utc};
use rust_decimal::Decimal;
use sayoo_document::{self as paper, check};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use super::Kind;
use super::store::{self, Draft, Sealed};
use crate::base::ids::DocumentId;
use crate::base::money::{Currency, Money};
use crate::billing::ledger::{self, Entry, Journal, Posting, Role};
use crate::billing::lots;
use crate::billing::payments;
use crate::billing::profiles::{self, Profile};
use crate::billing::sellers::Seller;
use crate::billing::vat::{self, Customer};
use crate::i18n::{Locale, Texts};

/// Why a draft stays one, and what somebody has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// `seller`: our company's details are missing; `buyer`: the customer's; `credited`, `country`: a person has to look at it
    /// first; `document`: something that cannot be right.
    pub reason: &'static str,
    /// What exactly, for staff.
    pub problems: Vec<String>,
}

/// Makes a draft final, or says what it waits for; nothing is written in that case. `false`: it is no draft any more.
pub async fn finalise(
    db: &mut PgConnection,
    seller: &Seller,
    id: DocumentId,
    now: DateTime<Utc>,
) -> anyhow::Result<Result<bool, Held>> {
    let Some(draft) = store::lock_draft(db, id).await.context("lock a draft")? else { return Ok(Ok(false)) };
    let Some(details) = seller.details.clone() else {
        return Ok(Err(Held { reason: "seller", problems: vec![format!("{}: details are missing", seller.code)] }));
    };
    let profile = profiles::find(db, draft.whose.account).await?;
    if !profile.is_complete() {
        return Ok(Err(Held { reason: "buyer", problems: vec!["the customer's address is missing".to_owned()] }));
    }
    if let Some(held) = doubts(db, &draft, &profile).await? {
        return Ok(Err(held));
    }
    // Money that comes in meanwhile waits: else neither would see the other, and the paper would say other than the books.
    payments::hold(db, draft.whose.account).await?;
    let mail = profiles::owner_mail(db, draft.whose.account).await?;

    let today = now.with_timezone(&seller.zone).date_naive();
    let series = store::lock_series(db, seller, today).await.context("lock a series of numbers")?;
    let issued_on = series.last_on.map_or(today, |last| last.max(today));
    let due_on = match draft.kind {
        Kind::Invoice => issued_on + Days::new(u64::try_from(seller.payment_days).unwrap_or(0)),
        Kind::CreditNote => issued_on,
    };
    let number = format!("{}{:06}", series.prefix, series.last_no + 1);

    let lines = taxed(&draft, seller, &profile);
    let groups = groups(&lines, draft.whose.currency)?;
    let net: i64 = lines.iter().map(|line| line.net_minor).sum();
    let vat: i64 = groups.iter().map(|group| group.amount.minor).sum();
    let credit = lots::usable(db, draft.whose.account, draft.whose.currency, now).await?.minor;
    let paid = match draft.kind {
        Kind::Invoice if credit > 0 => settled(db, &draft, credit, net + vat).await?,
        Kind::Invoice | Kind::CreditNote => 0,
    };
    let words = Texts::new(profile.language);
    let mentions = details.mentions();
    let document = paper::Document {
        schema: paper::SCHEMA,
        kind: match draft.kind {
            Kind::Invoice => paper::Kind::Invoice,
            Kind::CreditNote => paper::Kind::CreditNote,
        },
        number: number.clone(),
        issue_date: issued_on,
        due_date: due_on,
        currency: match draft.whose.currency {
            Currency::Eur => paper::Currency::Eur,
            Currency::Mad => paper::Currency::Mad,
        },
        language: match profile.language {
            Locale::Fr => paper::Language::Fr,
            Locale::En => paper::Language::En,
            Locale::Ar => paper::Language::Ar,
        },
        purchase_order: (!profile.purchase_order.is_empty()).then(|| profile.purchase_order.clone()),
        corrects: draft.corrects.clone().map(|(number, issue_date)| paper::Corrected { number, issue_date }),
        period: paper::Period { from: draft.period.0, until: draft.period.1, zone: seller.zone.name().to_owned() },
        seller: details.seller,
        buyer: profile.on_paper(&mail),
        lines: lines.iter().map(on_paper).collect::<anyhow::Result<_>>()?,
        vat: groups.iter().map(|group| group.on_paper(&seller.country, words)).collect(),
        totals: paper::Totals {
            net: exact(net),
            vat: exact(vat),
            gross: exact(net + vat),
            paid: exact(paid),
            due: exact(net + vat - paid),
        },
        vat_in_seller_currency: None,
        mentions,
    };
    if let Err(problems) = check(&document) {
        let are_all_of = |side: &str| problems.iter().all(|problem| problem.at.starts_with(side));
        let reason = ["buyer", "seller"].into_iter().find(|side| are_all_of(side)).unwrap_or("document");
        let problems = problems.iter().map(ToString::to_string).collect();
        return Ok(Err(Held { reason, problems }));
    }

    let canonical = serde_json::to_string(&document).context("write the document down")?;
    let sha256 = Sha256::new().chain_update(&series.last_sha256).chain_update(canonical.as_bytes()).finalize().to_vec();
    let sealed = Sealed {
        year: series.year,
        no: series.last_no + 1,
        number: &number,
        issued_on,
        due_on,
        canonical: &canonical,
        sha256: &sha256,
        previous_sha256: &series.last_sha256,
        amounts: (net, vat),
    };
    store::write_taxes(db, id, &lines, (&groups, &seller.country)).await.context("write the VAT")?;
    store::seal(db, id, &sealed, now).await.context("make a document final")?;
    if draft.kind == Kind::Invoice && !profile.is_business && vat::is_in_union(&profile.country) {
        store::keep_evidence(db, id, draft.whose.account, &profile.country).await.context("keep where they live")?;
    }
    post(db, &draft, (net, vat), &number, &sealed, now).await?;
    use_credit(db, &draft, credit, now).await?;
    if draft.kind == Kind::Invoice {
        let open = store::left(db, id).await.context("read what is open")?;
        ensure!(open == net + vat - paid, "{open} is open of {number}, whose paper says {}", net + vat - paid);
    }
    Ok(Ok(true))
}

/// What a person has to look at first: a credit note of more than is left of its invoice, and a customer who lives in another
/// country than the invoice before said, because the VAT is another one there. Who was let go on in spite of it goes on.
async fn doubts(db: &mut PgConnection, draft: &Draft, profile: &Profile) -> anyhow::Result<Option<Held>> {
    if draft.kind == Kind::CreditNote {
        let beyond = store::beyond(db, draft.id).await.context("read what was credited before")?;
        let told = |(number, minor)| {
            let more = Money::new(minor, draft.whose.currency);
            format!("{} {} more than {number} billed and was not credited before", more.exact(), more.currency)
        };
        return Ok(beyond.map(|beyond| Held { reason: "credited", problems: vec![told(beyond)] }));
    }
    let before = store::country_before(db, draft.whose).await.context("read the invoice before")?;
    let other = before.filter(|before| *before != profile.country && !draft.is_released);
    Ok(other.map(|before| Held {
        reason: "country",
        problems: vec![format!("{} where the invoice before said {before}", profile.country)],
    }))
}

/// A line with the VAT that it has in the end.
fn taxed(draft: &Draft, seller: &Seller, profile: &Profile) -> Vec<store::Row> {
    let mut lines = draft.lines.clone();
    if draft.kind == Kind::CreditNote {
        // As the invoice had it, whatever the customer is today.
        return lines;
    }
    let customer = Customer {
        country: &profile.country,
        postcode: &profile.postcode,
        is_business: profile.is_business,
        has_checked_number: profile.vat_checked.is_some(),
    };
    let treatment = vat::treat(&seller.country, customer);
    for line in &mut lines {
        treatment.category.code().clone_into(&mut line.vat_category);
        line.vat_rate = treatment.rate;
    }
    lines
}

/// The VAT of all lines of one category and rate.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub category: paper::VatCategory,
    pub rate: Decimal,
    pub base: Money,
    pub amount: Money,
}

impl Group {
    fn on_paper(&self, seller_country: &str, words: Texts) -> paper::Vat {
        let reason = vat::reason(seller_country, self.category);
        paper::Vat {
            category: self.category,
            rate: self.rate,
            base: self.base.exact(),
            amount: self.amount.exact(),
            reason_code: reason.map(|(code, _)| code.to_owned()),
            reason: reason.map(|(_, key)| words.text(key)),
        }
    }
}

/// Adds lines up by category and rate, and rounds the VAT of each group once (EN 16931, BG-23).
fn groups(lines: &[store::Row], currency: Currency) -> anyhow::Result<Vec<Group>> {
    let mut sums: BTreeMap<(paper::VatCategory, Decimal), i64> = BTreeMap::new();
    for line in lines {
        *sums.entry((word(&line.vat_category)?, line.vat_rate)).or_default() += line.net_minor;
    }
    let group = |((category, rate), base)| {
        let base = Money::new(base, currency);
        Group { category, rate, base, amount: Money::rounded(base.exact() * rate / Decimal::ONE_HUNDRED, currency) }
    };
    Ok(sums.into_iter().map(group).collect())
}

/// How much of a new invoice the customer's credit pays at once: what is free, less what older invoices still ask for.
async fn settled(db: &mut PgConnection, draft: &Draft, credit: i64, gross: i64) -> anyhow::Result<i64> {
    let older = payments::open_invoices(db, draft.whose.account).await?;
    let older = older.iter().filter(|invoice| invoice.open.currency == draft.whose.currency);
    let older: i64 = older.map(|invoice| invoice.open.minor).sum();
    Ok((credit - older).clamp(0, gross))
}

/// Uses what is free. Without credit there is nothing to settle with, but what a credit note gives.
async fn use_credit(db: &mut PgConnection, draft: &Draft, credit: i64, now: DateTime<Utc>) -> anyhow::Result<()> {
    if draft.kind == Kind::CreditNote {
        payments::return_grants(db, draft.id, now).await?;
    }
    if credit > 0 || draft.kind == Kind::CreditNote {
        payments::settle(db, draft.whose.account, now).await?;
    }
    Ok(())
}

async fn post(
    db: &mut PgConnection,
    draft: &Draft,
    (net, vat): (i64, i64),
    number: &str,
    sealed: &Sealed<'_>,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let sign = if draft.kind == Kind::Invoice { 1 } else { -1 };
    // What a credit note gives back is the customer's credit until it is allocated.
    let owed = if draft.kind == Kind::Invoice { Role::Receivable } else { Role::CustomerCredit };
    let of = |minor: i64| Money::new(sign * minor, draft.whose.currency);
    let entry = Entry {
        seller: draft.whose.seller,
        journal: Journal::Sales,
        effective_on: sealed.issued_on,
        source: ("document", draft.id.uuid()),
        template: "final",
        label: number.to_owned(),
        postings: vec![
            Posting { role: owed, account: Some(draft.whose.account), amount: of(net + vat) },
            Posting { role: Role::Revenue, account: None, amount: of(-net) },
            Posting { role: Role::Vat, account: None, amount: of(-vat) },
        ],
    };
    if net + vat > 0 {
        ledger::post(db, &entry, now).await?;
    }
    Ok(())
}

fn on_paper(line: &store::Row) -> anyhow::Result<paper::Line> {
    Ok(paper::Line {
        line_no: u32::try_from(line.line_no).context("lines are counted from 1")?,
        kind: word(&line.kind)?,
        text: line.title.clone(),
        detail: (!line.detail.is_empty()).then(|| line.detail.clone()),
        environment_id: line.environment.map(|id| id.to_string()),
        meter: line.meter.clone(),
        quantity: line.quantity.normalize(),
        unit: word(&line.unit)?,
        unit_price: line.unit_price.normalize(),
        net: exact(line.net_minor),
        vat_category: word(&line.vat_category)?,
        vat_rate: line.vat_rate.normalize(),
        period: line.from_at.zip(line.until_at).map(|(from, until)| paper::LinePeriod { from, until }),
    })
}

/// Reads one of papers' words as it is kept.
fn word<T: serde::de::DeserializeOwned>(text: &str) -> anyhow::Result<T> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).with_context(|| format!("{text:?} is kept"))
}

fn exact(minor: i64) -> Decimal {
    Decimal::new(minor, 2)
}
