//! The file of accounting entries that French law asks for (LPF art. A47 A-1): eighteen columns, tabs, decimal commas.

use anyhow::Context;
use chrono::NaiveDate;
use sqlx::PgConnection;

use super::store::{self, Line};
use super::text::one_line;
use super::{Filter, StoreError};
use crate::base::ids::SellerId;

/// Sides of entries read at a time.
const PAGE: i64 = 5_000;

/// The columns, in the order of the law.
pub const COLUMNS: [&str; 18] = [
    "JournalCode",
    "JournalLib",
    "EcritureNum",
    "EcritureDate",
    "CompteNum",
    "CompteLib",
    "CompAuxNum",
    "CompAuxLib",
    "PieceRef",
    "PieceDate",
    "EcritureLib",
    "Debit",
    "Credit",
    "EcritureLet",
    "DateLet",
    "ValidDate",
    "Montantdevise",
    "Idevise",
];

/// A seller at home in France.
#[derive(Clone, Debug)]
pub struct Seller {
    /// Which.
    pub id: SellerId,
    siren: String,
}

impl Seller {
    /// Finds the one seller of France.
    pub async fn find(db: &mut PgConnection) -> anyhow::Result<Self> {
        Self::look(db).await?.map_err(|why| anyhow::anyhow!(why))
    }

    /// The same; or why there is no such file, which is no failure.
    pub async fn look(db: &mut PgConnection) -> anyhow::Result<Result<Self, String>> {
        let sellers = store::list_sellers(db).await.context("read the sellers")?;
        let Some(seller) = sellers.into_iter().find(|seller| seller.country == "FR") else {
            return Ok(Err("no seller is at home in France: the FEC is for French books".to_owned()));
        };
        let is_siren = seller.siren.len() == 9 && seller.siren.bytes().all(|byte| byte.is_ascii_digit());
        if !is_siren {
            let why = format!("the seller {} has no SIREN of nine digits: its file needs it for its name", seller.code);
            return Ok(Err(why));
        }
        if seller.currency != "EUR" {
            return Ok(Err(format!("the books of {} are not in euro", seller.code)));
        }
        Ok(Ok(Self { id: seller.id, siren: seller.siren }))
    }

    /// Returns the name that the law gives the file: SIREN, `FEC`, the last day of the year.
    #[must_use]
    pub fn file_name(&self, filter: &Filter) -> String {
        let last = filter.to.pred_opt().unwrap_or(filter.to);
        format!("{}FEC{}.txt", self.siren, compact(last))
    }
}

/// Where the file stands.
#[derive(Debug)]
pub struct Fec {
    seller: SellerId,
    filter: Filter,
    after: (i64, i32),
    /// The number of the last entry in this file, and in the books.
    numbered: (i64, i64),
    is_begun: bool,
    is_over: bool,
}

impl Fec {
    /// Begins the file.
    pub(super) fn new(seller: &Seller, filter: Filter) -> Self {
        Self { seller: seller.id, filter, after: (0, i32::MAX), numbered: (0, 0), is_begun: false, is_over: false }
    }

    /// Writes the next page.
    pub(super) async fn next(&mut self, db: &mut PgConnection) -> Result<Option<Vec<u8>>, StoreError> {
        if self.is_over {
            return Ok(None);
        }
        // Each entry is whole by itself: one that comes in meanwhile is one more at the end.
        let lines = store::list_entries(db, (self.seller, i64::MAX), &self.filter, self.after, PAGE).await?;
        let mut out = String::new();
        if !self.is_begun {
            self.is_begun = true;
            out.push_str(&COLUMNS.join("\t"));
            out.push_str("\r\n");
        }
        for line in &lines {
            // Numbers in the file have no hole, though an entry of another year may stand between two in the books.
            if line.seq != self.numbered.1 {
                self.numbered = (self.numbered.0 + 1, line.seq);
            }
            out.push_str(&fields(line, self.numbered.0).join("\t"));
            out.push_str("\r\n");
        }
        if let Some(last) = lines.last() {
            self.after = (last.seq, last.position);
        }
        self.is_over = i64::try_from(lines.len()).unwrap_or(0) < PAGE;
        Ok(Some(out.into_bytes()))
    }
}

fn fields(line: &Line, number: i64) -> [String; 18] {
    let (code, name) = match line.journal.as_str() {
        "sales" => ("VE", "Ventes"),
        "bank" => ("BQ", "Banque"),
        "card" => ("CB", "Cartes bancaires"),
        _ => ("OD", "Opérations diverses"),
    };
    let day = compact(line.effective_on);
    let (customer, customer_name) = match line.account {
        Some(account) => (account.simple().to_string(), one_line(&line.customer)),
        None => (String::new(), String::new()),
    };
    let label = one_line(&line.label);
    let piece = one_line(&line.piece);
    [
        code.to_owned(),
        name.to_owned(),
        number.to_string(),
        day.clone(),
        line.code.clone(),
        one_line(&line.name),
        customer,
        customer_name,
        if piece.is_empty() { line.seq.to_string() } else { piece },
        day,
        if label.is_empty() { name.to_owned() } else { label },
        amount(line.amount_minor.max(0)),
        amount(line.amount_minor.min(0).saturating_neg()),
        String::new(),
        String::new(),
        compact(line.booked_at.date_naive()),
        String::new(),
        String::new(),
    ]
}

fn compact(day: NaiveDate) -> String {
    day.format("%Y%m%d").to_string()
}

/// Coins with a decimal comma.
fn amount(minor: i64) -> String {
    format!("{},{:02}", minor / 100, minor % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(amount_minor: i64) -> Line {
        Line {
            seq: 7,
            position: 1,
            effective_on: "2026-11-01".parse().unwrap(),
            booked_at: "2026-11-02T03:04:05Z".parse().unwrap(),
            journal: "sales".to_owned(),
            label: "Facture\tFR-2026-000001\r\n|x".to_owned(),
            piece: "FR-2026-000001".to_owned(),
            role: "receivable".to_owned(),
            code: "411".to_owned(),
            name: "Clients".to_owned(),
            account: None,
            customer: String::new(),
            amount_minor,
            currency: "EUR".to_owned(),
        }
    }

    #[test]
    fn a_line_has_eighteen_fields_and_no_text_makes_more() {
        let written = fields(&line(1_234_505), 3).join("\t");
        assert_eq!(written.split('\t').count(), 18);
        assert!(written.contains("VE\tVentes\t3\t20261101\t411\tClients\t\t\tFR-2026-000001\t20261101"), "{written}");
        assert!(written.contains("Facture FR-2026-000001 x\t12345,05\t0,00\t\t\t20261102\t\t"), "{written}");
        assert!(fields(&line(-5), 3).join("\t").contains("\t0,00\t0,05\t"));
    }
}
