//! Odoos that keep the books of our own companies: what is sold and paid here is carried there.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, ensure};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::Mode;

/// The Odoo that keeps the books of one of our companies. The worker's.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Books {
    /// Where that Odoo is.
    pub address: String,
    /// The name of its database.
    pub database: String,
    /// File with the key of a user of that Odoo who may keep invoices.
    pub api_key_file: PathBuf,
    /// The id of the company there, when there are several.
    pub company: Option<i64>,
    /// Code of the journal of invoices and credit notes.
    #[serde(default = "Books::default_journal")]
    pub journal: String,
    /// Code of the journal of transfers.
    #[serde(default = "Books::default_bank_journal")]
    pub bank_journal: String,
    /// Code of the journal of what comes by card; that of transfers without it.
    pub card_journal: Option<String>,
    /// Code of the account that lines are booked on; the journal's own without it.
    pub revenue_account: Option<String>,
    /// Whether what is carried there is posted, or left as a draft for the accountant.
    #[serde(default)]
    pub post: bool,
    /// Whether the lines of one rate become one.
    #[serde(default)]
    pub one_line_per_rate: bool,
    /// What is older stays here.
    pub since: Option<NaiveDate>,
    /// The tax of a category and rate of VAT, by its id there; 0: none. A tax of that rate on sales, if there is only one, without it.
    #[serde(default)]
    pub taxes: BTreeMap<String, i64>,
}

impl Books {
    /// The code that Odoo gives the journal of sales.
    fn default_journal() -> String {
        "INV".to_owned()
    }

    /// The code that Odoo gives the first bank.
    fn default_bank_journal() -> String {
        "BNK1".to_owned()
    }

    /// Returns what is said of the tax of a category (as in UNTDID 5305) and rate in per cent.
    #[must_use]
    pub fn tax(&self, category: &str, rate: Decimal) -> Option<i64> {
        let is_it = |word: &str| read(word).is_some_and(|(of, at)| of.eq_ignore_ascii_case(category) && at == rate);
        self.taxes.iter().find(|(word, _)| is_it(word)).map(|(_, tax)| *tax)
    }

    pub(super) fn validate(&self, seller: &str, mode: Mode) -> anyhow::Result<()> {
        let is_code = (2..=6).contains(&seller.len()) && seller.bytes().all(|byte| byte.is_ascii_lowercase());
        ensure!(is_code, "[books.{seller}] must be named by a company's code in small letters, as books.fr");
        let address = url::Url::parse(&self.address).with_context(|| format!("[books.{seller}] address"))?;
        let is_whole = !self.address.ends_with('/') && address.host_str().is_some();
        ensure!(is_whole, "[books.{seller}] address must be an address without a slash at its end");
        let is_safe = mode == Mode::Development || self.address.starts_with("https://");
        ensure!(is_safe, "[books.{seller}] address must begin with https:// in production");
        for (word, tax) in &self.taxes {
            ensure!(
                read(word).is_some() && *tax >= 0,
                "[books.{seller}.taxes] {word}: a category and a rate, such as S20 or AE, and the id of a tax, are wanted"
            );
        }
        Ok(())
    }
}

/// Reads `S20`, `S5.5` or `AE`.
fn read(word: &str) -> Option<(&str, Decimal)> {
    let letters = word.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(word.len());
    let (category, rate) = word.split_at(letters);
    let rate = if rate.is_empty() { Decimal::ZERO } else { Decimal::from_str(rate).ok()? };
    (["S", "AE", "G", "O", "E", "Z", "K"].iter().any(|known| known.eq_ignore_ascii_case(category)))
        .then_some((category, rate))
}

#[cfg(test)]
impl Books {
    /// Reads one from TOML.
    pub(super) fn of_text(text: &str) -> Self {
        let source = ::config::File::from_str(text, ::config::FileFormat::Toml);
        let built = ::config::Config::builder().add_source(source).build().unwrap();
        built.try_deserialize().unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tax_is_found_by_category_and_rate() {
        let text = "address = 'https://books.example.com'\ndatabase = 'books'\napi_key_file = '/key'\nsince = '2026-01-01'\n[taxes]\nS20 = 7\n'S5.5' = 8\nAE = 0";
        let books = Books::of_text(text);
        for (category, rate, tax) in
            [("S", "20.00", Some(7)), ("S", "5.5", Some(8)), ("AE", "0", Some(0)), ("G", "0", None), ("S", "19", None)]
        {
            assert_eq!(books.tax(category, rate.parse().unwrap()), tax, "{category}{rate}");
        }
        assert!(!books.post);
        assert!(books.validate("fr", Mode::Production).is_ok());
        for word in ["S20%", "sparse", "20", "S20x"] {
            let wrong = Books { taxes: BTreeMap::from([(word.to_owned(), 1)]), ..books.clone() };
            assert!(wrong.validate("fr", Mode::Production).is_err(), "{word}");
        }
        assert!(books.validate("FR", Mode::Production).is_err());
        let clear = Books { address: "http://books.example.com".to_owned(), ..books };
        assert!(clear.validate("fr", Mode::Production).is_err() && clear.validate("fr", Mode::Development).is_ok());
    }
}
