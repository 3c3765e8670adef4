//! An invoice or credit note there: our number, our days, our net amounts, Odoo's taxes on them; and the sums have to be ours.

use anyhow::Context;
use chrono::TimeDelta;
use rust_decimal::Decimal;
use sayoo_document::{Document, Kind, Line, Unit, VatCategory};
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::desk::{Desk, currency, external};
use super::odoo::{self, CallError, Known};
use super::{Outcome, Push, PushError, store};

const FIELDS: [&str; 16] = [
    "id",
    "move_type",
    "name",
    "ref",
    "payment_reference",
    "invoice_origin",
    "partner_id/id",
    "journal_id/.id",
    "currency_id/id",
    "invoice_date",
    "invoice_date_due",
    // Given as nothing: a customer's usual terms would give another day.
    "invoice_payment_term_id/.id",
    "reversed_entry_id/id",
    "invoice_line_ids/name",
    "invoice_line_ids/price_unit",
    "invoice_line_ids/tax_ids/.id",
];
/// How many of the fields are the document's own; the rest are a line's.
const OWN: usize = 13;
/// Until a document is tried whose customer or invoice is not there yet.
const SOON: TimeDelta = TimeDelta::minutes(1);

/// Carries a document.
pub async fn push(db: &mut PgConnection, desk: &mut Desk<'_>, row: &Push) -> Result<Outcome, PushError> {
    let id = row.document.context("a document's row names it")?;
    let kept =
        store::document(db, id).await.context("read a document")?.context("a document to be carried is there")?;
    let document = read(&kept.canonical)?;
    if !store::is_customer_there(db, row.seller, row.account).await.context("look for a customer")? {
        return Ok(waits("its customer is not there yet", None));
    }
    let mut corrected = String::new();
    if let Some(id) = kept.corrects {
        match store::is_document_there(db, id).await.context("look for an invoice")? {
            Some(true) => corrected = external("document", id.uuid()),
            Some(false) => {
                let number = document.corrects.as_ref().map(|it| it.number.as_str()).unwrap_or_default();
                return Ok(waits(&format!("the invoice {number} is not there yet"), None));
            }
            None => {}
        }
    }
    let tables = match prepare(desk, &document).await? {
        Ok(tables) => tables,
        Err(why) => return Ok(Outcome::parked(why, None)),
    };
    let own = own(&external("document", id.uuid()), &document, (&tables, row.account.uuid(), &corrected));
    let (fields, rows) = table(&own, &document, &tables);
    let record = desk.odoo.load("account.move", (&fields, &rows), Known::Kept).await?;

    let sums = sums(desk, record).await?;
    let ours = [document.totals.net, document.totals.vat, document.totals.gross];
    if let Some(why) = differs(ours, &sums) {
        return Ok(Outcome::parked(why, Some(record)));
    }
    match sums["state"].as_str() {
        Some("cancel") => return Ok(Outcome::parked("it was cancelled in Odoo", Some(record))),
        Some("draft") if desk.config.post => {
            desk.odoo.act("account.move", "action_post", &[record]).await?;
            let posted = self::sums(desk, record).await?;
            if let Some(why) = differs(ours, &posted) {
                return Ok(Outcome::parked(why, Some(record)));
            }
            if posted["state"] != "posted" || posted["name"] != document.number.as_str() {
                let (state, name) = (&posted["state"], &posted["name"]);
                return Ok(Outcome::parked(
                    format!("it should be posted as {}: it is {state} as {name}", document.number),
                    Some(record),
                ));
            }
        }
        _ => {}
    }
    Ok(Outcome::there(record))
}

/// Reads a document as it was kept.
pub fn read(canonical: &str) -> anyhow::Result<Document> {
    serde_json::from_str(canonical).context("read a document that was kept")
}

fn waits(why: &str, odoo: Option<i64>) -> Outcome {
    Outcome::Waits { why: why.to_owned(), odoo, pause: SOON }
}

/// The records there that a document names.
struct Tables {
    journal: i64,
    account: Option<i64>,
    /// By category and rate.
    taxes: Vec<((VatCategory, Decimal), i64)>,
    one_line_per_rate: bool,
}

impl Tables {
    fn tax(&self, category: VatCategory, rate: Decimal) -> String {
        let found = self.taxes.iter().find(|(of, _)| *of == (category, rate)).map_or(0, |(_, tax)| *tax);
        if found == 0 { String::new() } else { found.to_string() }
    }
}

async fn prepare(desk: &mut Desk<'_>, document: &Document) -> Result<Result<Tables, String>, CallError> {
    let config = desk.config;
    let journal = match desk.journal(&config.journal).await? {
        Ok(journal) => journal,
        Err(why) => return Ok(Err(why)),
    };
    let account = match &config.revenue_account {
        Some(code) => match desk.account(code).await? {
            Ok(account) => Some(account),
            Err(why) => return Ok(Err(why)),
        },
        None => None,
    };
    let mut taxes = Vec::new();
    for vat in &document.vat {
        match desk.tax(vat.category.code(), vat.rate).await? {
            Ok(tax) => taxes.push(((vat.category, vat.rate), tax)),
            Err(why) => return Ok(Err(why)),
        }
    }
    Ok(Ok(Tables { journal, account, taxes, one_line_per_rate: config.one_line_per_rate }))
}

/// The fields of the document itself, in the order of [`FIELDS`].
fn own(external: &str, document: &Document, (tables, account, corrected): (&Tables, uuid::Uuid, &str)) -> Vec<String> {
    let is_invoice = document.kind == Kind::Invoice;
    let cited = document.corrects.as_ref().map(|it| it.number.clone());
    vec![
        external.to_owned(),
        if is_invoice { "out_invoice" } else { "out_refund" }.to_owned(),
        document.number.clone(),
        // The customer's own reference; of a credit note, what it takes back.
        cited.or_else(|| document.purchase_order.clone()).unwrap_or_default(),
        document.number.clone(),
        format!("sayoo {external}"),
        self::external("account", account),
        tables.journal.to_string(),
        currency(document.currency.code()),
        document.issue_date.to_string(),
        document.due_date.to_string(),
        String::new(),
        corrected.to_owned(),
    ]
}

/// What `load` is given: the document's own fields stand in the first row only.
fn table(own: &[String], document: &Document, tables: &Tables) -> (Vec<&'static str>, Vec<Vec<String>>) {
    let mut fields = FIELDS.to_vec();
    if tables.account.is_some() {
        fields.push("invoice_line_ids/account_id/.id");
    }
    let mut rows = Vec::new();
    for (name, net, tax) in lines(document, tables) {
        let mut row = if rows.is_empty() { own.to_vec() } else { vec![String::new(); OWN] };
        row.extend([name, net.to_string(), tax]);
        row.extend(tables.account.map(|account| account.to_string()));
        rows.push(row);
    }
    (fields, rows)
}

/// The lines there: what they say, without VAT how much, and which tax.
///
/// Each counts one of its net amount: prices there have two decimals, and ours six.
fn lines(document: &Document, tables: &Tables) -> Vec<(String, Decimal, String)> {
    if tables.one_line_per_rate {
        let of_rate = |vat: &sayoo_document::Vat| {
            let texts =
                document.lines.iter().filter(|line| (line.vat_category, line.vat_rate) == (vat.category, vat.rate));
            let names: Vec<String> = texts.map(|line| format!("{} · {}", words(line), line.net)).collect();
            (names.join("\n"), vat.base, tables.tax(vat.category, vat.rate))
        };
        return document.vat.iter().map(of_rate).collect();
    }
    let of_line = |line: &Line| (words(line), line.net, tables.tax(line.vat_category, line.vat_rate));
    document.lines.iter().map(of_line).collect()
}

fn words(line: &Line) -> String {
    let detail = line.detail.as_ref().map(|detail| format!(" · {detail}")).unwrap_or_default();
    let counted = if line.unit == Unit::One || line.quantity == Decimal::ONE {
        String::new()
    } else {
        format!(" · {} × {}", line.quantity, line.unit_price)
    };
    format!("{}{detail}{counted}", line.text)
}

async fn sums(desk: &Desk<'_>, record: i64) -> Result<Value, CallError> {
    let fields = ["state", "name", "amount_untaxed", "amount_tax", "amount_total"];
    let found = desk.odoo.search("account.move", &json!([["id", "=", record]]), &fields).await?;
    found.into_iter().next().ok_or_else(|| CallError::Refused(format!("the record {record} is not to be read")))
}

/// Says what is not as with us.
fn differs(ours: [Decimal; 3], theirs: &Value) -> Option<String> {
    let fields = ["amount_untaxed", "amount_tax", "amount_total"];
    let are_same = ours.iter().zip(fields).all(|(ours, field)| odoo::coins(&theirs[field]) == Some(odoo::minor(*ours)));
    if are_same {
        return None;
    }
    let there = fields.map(|field| theirs[field].to_string()).join(", ");
    let [net, vat, gross] = ours;
    Some(format!("net, VAT and total are {there} in Odoo, and {net}, {vat}, {gross} here"))
}
