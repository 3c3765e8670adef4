//! Rows of CostAndUsage, written field by field. Pure.

use std::fmt::Write as _;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::columns::{COST_AND_USAGE, cost_and_usage_1_2, place};
use crate::exports::text::{harmless, push_csv};

/// Which version of FOCUS is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 1.2: one data set.
    V1_2,
    /// 1.4: a bundle of three.
    V1_4,
}

/// What changes from day to day, where a row is written for each.
#[derive(Clone, Copy, Debug)]
pub struct Amounts {
    /// In the unit of prices; `None` for what has no price.
    pub quantity: Option<Decimal>,
    /// In the unit in which it is counted; `None` where nothing is.
    pub consumed: Option<Decimal>,
    /// By the public price.
    pub list: Decimal,
    /// By the customer's.
    pub contracted: Decimal,
    /// What is billed.
    pub billed: Decimal,
}

/// Writes rows. A field keeps what it holds until it is given something else.
#[derive(Debug)]
pub struct Pen {
    cells: Vec<String>,
    order: Vec<usize>,
    names: Vec<&'static str>,
    places: Places,
}

/// Where the fields stand that change with each row.
#[derive(Debug)]
struct Places {
    start: usize,
    end: usize,
    quantity: usize,
    consumed: usize,
    list: usize,
    contracted: usize,
    billed: [usize; 3],
}

impl Pen {
    /// Makes one for a version.
    #[must_use]
    pub fn new(version: Version) -> Self {
        let columns: Vec<(&str, usize)> = match version {
            Version::V1_2 => cost_and_usage_1_2(),
            Version::V1_4 => COST_AND_USAGE.into_iter().zip(0..).collect(),
        };
        let places = Places {
            start: place("ChargePeriodStart"),
            end: place("ChargePeriodEnd"),
            quantity: place("PricingQuantity"),
            consumed: place("ConsumedQuantity"),
            list: place("ListCost"),
            contracted: place("ContractedCost"),
            billed: [place("BilledCost"), place("EffectiveCost"), place("PricingCurrencyEffectiveCost")],
        };
        Self {
            cells: vec![String::new(); COST_AND_USAGE.len()],
            order: columns.iter().map(|(_, at)| *at).collect(),
            names: columns.into_iter().map(|(name, _)| name).collect(),
            places,
        }
    }

    /// Writes the line of names.
    pub fn head(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.names.join(",").as_bytes());
        out.push(b'\n');
    }

    /// Empties every field.
    pub fn clear(&mut self) {
        self.cells.iter_mut().for_each(String::clear);
    }

    /// Fills a field with words of ours.
    pub fn set(&mut self, name: &str, value: &str) {
        self.put(place(name), value);
    }

    /// Fills a field with what people wrote.
    pub fn set_text(&mut self, name: &str, value: &str) {
        self.put(place(name), &harmless(value));
    }

    /// Fills a field with a number.
    pub fn set_number(&mut self, name: &str, value: Decimal) {
        self.number(place(name), Some(value));
    }

    /// Fills a field with an instant.
    pub fn set_instant(&mut self, name: &str, value: DateTime<Utc>) {
        self.instant(place(name), value);
    }

    fn put(&mut self, at: usize, value: &str) {
        let mut field = Vec::with_capacity(value.len());
        push_csv(&mut field, value);
        // What was text stays text between quotes.
        self.cells[at] = String::from_utf8(field).unwrap_or_default();
    }

    fn number(&mut self, at: usize, value: Option<Decimal>) {
        self.cells[at].clear();
        if let Some(value) = value {
            push_number(&mut self.cells[at], value);
        }
    }

    fn instant(&mut self, at: usize, value: DateTime<Utc>) {
        self.cells[at].clear();
        push_instant(&mut self.cells[at], value);
    }

    /// Writes a row of these amounts for [from, until).
    pub fn row(&mut self, out: &mut Vec<u8>, (from, until): (DateTime<Utc>, DateTime<Utc>), amounts: &Amounts) {
        let (from, until) = whole_seconds(from, until);
        self.instant(self.places.start, from);
        self.instant(self.places.end, until);
        self.number(self.places.quantity, amounts.quantity);
        self.number(self.places.consumed, amounts.consumed);
        self.number(self.places.list, Some(amounts.list));
        self.number(self.places.contracted, Some(amounts.contracted));
        self.number(self.places.billed[0], Some(amounts.billed));
        for other in [self.places.billed[1], self.places.billed[2]] {
            let [billed, same] =
                self.cells.get_disjoint_mut([self.places.billed[0], other]).expect("these are different fields");
            same.clone_from(billed);
        }
        for (number, at) in self.order.iter().enumerate() {
            if number > 0 {
                out.push(b',');
            }
            out.extend_from_slice(self.cells[*at].as_bytes());
        }
        out.push(b'\n');
    }
}

/// Instants are written in whole seconds, and no time is empty.
fn whole_seconds(from: DateTime<Utc>, until: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    let from = from.trunc_subsecs(0);
    (from, until.trunc_subsecs(0).max(from + TimeDelta::seconds(1)))
}

/// Writes a number without needless zeros.
pub fn push_number(out: &mut String, value: Decimal) {
    let value = value.normalize();
    // Zero has no sign.
    let value = if value.is_zero() { Decimal::ZERO } else { value };
    // Writing to memory cannot fail.
    let _ = write!(out, "{value}");
}

/// Writes an instant as FOCUS wants it.
pub fn push_instant(out: &mut String, at: DateTime<Utc>) {
    use chrono::{Datelike, Timelike};
    let (date, time) = (at.date_naive(), at.time());
    // Writing to memory cannot fail.
    let _ = write!(
        out,
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        date.year(),
        date.month(),
        date.day(),
        time.hour(),
        time.minute(),
        time.second()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(value: &str) -> String {
        let mut out = String::new();
        push_number(&mut out, value.parse().unwrap());
        out
    }

    #[test]
    fn numbers_are_plain() {
        for (value, written) in
            [("4.1680", "4.168"), ("-0.00", "0"), ("1000000000000", "1000000000000"), ("-0.000001", "-0.000001")]
        {
            assert_eq!(number(value), written);
        }
    }

    #[test]
    fn a_row_has_each_field_once_and_fields_keep_what_they_hold() {
        let mut pen = Pen::new(Version::V1_4);
        pen.set_text("BillingAccountName", "=A, \"B\"");
        let at: DateTime<Utc> = "2026-10-05T00:00:00Z".parse().unwrap();
        let amounts = Amounts {
            quantity: Some(Decimal::new(52_100, 1)),
            consumed: None,
            list: Decimal::new(41_680, 4),
            contracted: Decimal::new(41_680, 4),
            billed: Decimal::new(41_680, 4),
        };
        let mut out = Vec::new();
        pen.head(&mut out);
        pen.row(&mut out, (at, at), &amounts);
        pen.row(&mut out, (at, at + TimeDelta::days(1)), &amounts);
        let mut reader = csv::Reader::from_reader(out.as_slice());
        let names = reader.headers().unwrap().clone();
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let cell = |row: usize, name: &str| rows[row][names.iter().position(|other| other == name).unwrap()].to_owned();
        assert_eq!((names.len(), rows.len()), (65, 2));
        for name in ["BilledCost", "EffectiveCost", "PricingCurrencyEffectiveCost", "ListCost"] {
            assert_eq!(cell(1, name), "4.168");
        }
        assert_eq!(cell(1, "BillingAccountName"), "'=A, \"B\"");
        assert_eq!(
            (cell(0, "ChargePeriodEnd").as_str(), cell(0, "PricingQuantity").as_str()),
            ("2026-10-05T00:00:01Z", "5210")
        );
        assert_eq!(cell(1, "ChargePeriodEnd"), "2026-10-06T00:00:00Z");
    }
}
