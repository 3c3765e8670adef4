//! The books of every seller as a Beancount file: another program proves that they add up, with a balance for each account and month.
//!
//! Entries and balances are read one after the other. Both stop at the entry that was the newest when the file was begun: numbers
//! of entries are given in the order in which they are committed.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::store::{self, Balance, Line};
use super::text::one_line;
use super::{Filter, StoreError};
use crate::base::ids::SellerId;

/// Rows read at a time.
const PAGE: i64 = 5_000;

/// What is written next.
#[derive(Debug)]
enum Stage {
    Head,
    /// A seller's entries, after one.
    Entries(Vec<Seller>, (i64, i32)),
    /// A seller's balances, after one.
    Balances(Vec<Seller>, store::BalanceKey),
    Over,
}

/// A seller whose books are still to be written: the last one of a list is the next.
#[derive(Debug)]
struct Seller {
    id: SellerId,
    code: String,
    /// Its newest entry when the file was begun.
    last_seq: i64,
}

/// Where the file stands.
#[derive(Debug)]
pub struct Beancount {
    filter: Filter,
    stage: Stage,
}

/// Before every key.
fn first_key() -> store::BalanceKey {
    (Uuid::nil(), Uuid::nil(), String::new(), NaiveDate::MIN.max(NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or_default()))
}

impl Beancount {
    /// Begins the file.
    pub(super) fn new(filter: Filter) -> Self {
        Self { filter, stage: Stage::Head }
    }

    /// Writes the next part.
    pub(super) async fn next(&mut self, db: &mut PgConnection) -> Result<Option<Vec<u8>>, StoreError> {
        let mut out = String::new();
        self.stage = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Over => return Ok(None),
            Stage::Head => {
                let mut sellers = store::list_sellers(db).await?;
                out.push_str("option \"title\" \"Books\"\n");
                for seller in &sellers {
                    out.push_str(&format!("option \"operating_currency\" \"{}\"\n", seller.currency));
                }
                out.push_str(&format!("{} open Equity:Opening\n", self.filter.from));
                sellers.reverse();
                let seller = |row: store::SellerRow| Seller { id: row.id, code: row.code, last_seq: row.last_seq };
                begin(sellers.into_iter().map(seller).collect())
            }
            Stage::Entries(sellers, after) => self.entries(db, sellers, after, &mut out).await?,
            Stage::Balances(sellers, after) => self.balances(db, sellers, after, &mut out).await?,
        };
        Ok(Some(out.into_bytes()))
    }

    async fn entries(
        &self,
        db: &mut PgConnection,
        sellers: Vec<Seller>,
        after: (i64, i32),
        out: &mut String,
    ) -> Result<Stage, StoreError> {
        let Some(Seller { id, code, last_seq }) = sellers.last() else { return Ok(Stage::Over) };
        let lines = store::list_entries(db, (*id, *last_seq), &self.filter, after, PAGE).await?;
        let is_full = i64::try_from(lines.len()).is_ok_and(|lines| lines >= PAGE);
        // An entry is written as a whole: its last sides may be on the next page.
        let whole = if is_full { whole_entries(&lines) } else { &lines[..] };
        for entry in whole.chunk_by(|one, next| one.seq == next.seq) {
            push_entry(out, code, entry);
        }
        Ok(match whole.last() {
            Some(last) if is_full => Stage::Entries(sellers, (last.seq, i32::MAX)),
            _ => Stage::Balances(sellers, first_key()),
        })
    }

    async fn balances(
        &self,
        db: &mut PgConnection,
        mut sellers: Vec<Seller>,
        after: store::BalanceKey,
        out: &mut String,
    ) -> Result<Stage, StoreError> {
        let Some(Seller { id, code, last_seq }) = sellers.last() else { return Ok(Stage::Over) };
        let balances = store::list_balances(db, (*id, *last_seq), &self.filter, &after, PAGE).await?;
        let mut before = (after.0, after.1, after.2.clone());
        for balance in &balances {
            let is_new_account = (before.0, before.1) != (balance.ledger_account, balance.account);
            let is_new = is_new_account || before.2 != balance.currency;
            push_balance(out, (self.filter.from, code), balance, (is_new_account, is_new));
            before = (balance.ledger_account, balance.account, balance.currency.clone());
        }
        Ok(match balances.last() {
            Some(last) if i64::try_from(balances.len()).is_ok_and(|rows| rows >= PAGE) => {
                let key = (last.ledger_account, last.account, last.currency.clone(), last.day);
                Stage::Balances(sellers, key)
            }
            _ => {
                sellers.pop();
                begin(sellers)
            }
        })
    }
}

/// The last seller of these is next.
fn begin(sellers: Vec<Seller>) -> Stage {
    if sellers.is_empty() { Stage::Over } else { Stage::Entries(sellers, (0, i32::MAX)) }
}

/// All but the last entry, unless there is only one.
fn whole_entries(lines: &[Line]) -> &[Line] {
    let last = lines.last().map(|line| line.seq);
    let end = lines.iter().position(|line| Some(line.seq) == last).filter(|end| *end > 0);
    &lines[..end.unwrap_or(lines.len())]
}

/// What an account is called: kind, seller, purpose, customer.
fn name(role: &str, seller: &str, account: Uuid) -> String {
    let (root, leaf) = match role {
        "receivable" => ("Assets", "Receivable"),
        "bank" => ("Assets", "Bank"),
        "card_clearing" => ("Assets", "CardClearing"),
        "vat_withheld" => ("Assets", "VatWithheld"),
        "vat" => ("Liabilities", "Vat"),
        "customer_credit" => ("Liabilities", "CustomerCredit"),
        "revenue" => ("Income", "Revenue"),
        "other_income" => ("Income", "Other"),
        "fees" => ("Expenses", "Fees"),
        "loss" => ("Expenses", "Loss"),
        "gifts" => ("Expenses", "Gifts"),
        _ => ("Expenses", "Exchange"),
    };
    let customer = if account.is_nil() { String::new() } else { format!(":C-{account}") };
    format!("{root}:{seller}:{leaf}{customer}")
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", one_line(text).replace('\\', "\\\\").replace('"', "\\\""))
}

fn money(minor: i64) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", minor.unsigned_abs() / 100, minor.unsigned_abs() % 100)
}

fn push_entry(out: &mut String, seller: &str, sides: &[Line]) {
    let Some(first) = sides.first() else { return };
    let label = format!("{} {}", first.piece, first.label);
    out.push_str(&format!("\n{} * {}\n  seq: \"{}\"\n", first.effective_on, quoted(&label), first.seq));
    for side in sides {
        let account = name(&side.role, seller, side.account.unwrap_or_default());
        out.push_str(&format!("  {account}  {} {}\n", money(side.amount_minor), side.currency));
    }
}

/// An account is opened where it is first spoken of; what stood on it before the first day is an entry of that day.
fn push_balance(
    out: &mut String,
    (from, seller): (NaiveDate, &str),
    balance: &Balance,
    (is_new_account, is_new): (bool, bool),
) {
    let account = name(&balance.role, seller, balance.account);
    let (amount, currency) = (money(balance.minor), &balance.currency);
    if is_new_account {
        out.push_str(&format!("\n{from} open {account}\n"));
    }
    if balance.day > from {
        // Without a tolerance of ours, a coin more or less would do.
        out.push_str(&format!("{} balance {account}  {amount} ~ 0.001 {currency}\n", balance.day));
    } else if is_new && balance.minor != 0 {
        let against = money(balance.minor.saturating_neg());
        out.push_str(&format!(
            "{from} * \"Opening\"\n  {account}  {amount} {currency}\n  Equity:Opening  {against} {currency}\n"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_texts_are_written_as_beancount_reads_them() {
        assert_eq!((money(-5).as_str(), money(123_456).as_str(), money(0).as_str()), ("-0.05", "1234.56", "0.00"));
        assert_eq!(quoted("a \"b\" \\ c\nd"), "\"a \\\"b\\\" \\\\ c d\"");
        let nobody = name("vat", "FR", Uuid::nil());
        assert_eq!(nobody, "Liabilities:FR:Vat");
    }

    #[test]
    fn every_role_of_the_ledger_has_a_name_of_its_own() {
        use crate::billing::ledger::Role;
        let names: std::collections::BTreeSet<String> =
            Role::ALL.iter().map(|role| name(role.word(), "FR", Uuid::nil())).collect();
        assert_eq!(names.len(), Role::ALL.len(), "{names:?}");
    }
}
