//! The finished document as it is hashed and kept for ten years: everything that its papers say, and nothing that is looked up later.
//!
//! Its JSON is the record. Fields are never renamed or given another meaning; a new shape gets a new `schema`.
//!
//! Amounts have a sign as EN 16931 wants it: an invoice and a credit note both state **positive** totals, and the kind says which way
//! the money goes. A line that takes something off (a discount, a correction in the customer's favour) has a negative quantity in an
//! invoice, and a positive one in a credit note.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use rust_decimal::serde::{str as text, str_option as maybe_text};
use serde::{Deserialize, Serialize};

pub use crate::parties::{Address, Bank, Buyer, Capital, FrenchSeller, MoroccanSeller, Seller, SellerIdentifiers};

/// The only shape there is so far.
pub const SCHEMA: u16 = 1;

/// One finished invoice or credit note.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The version of this shape: [`SCHEMA`].
    pub schema: u16,
    /// What it is.
    pub kind: Kind,
    /// Its number, as it is written everywhere: at most 35 of `A-Z a-z 0-9 + - _ /`.
    pub number: String,
    /// The day it was issued, in the seller's time zone.
    pub issue_date: NaiveDate,
    /// The day by which it is to be paid.
    pub due_date: NaiveDate,
    /// The currency of every amount that does not name its own.
    pub currency: Currency,
    /// The language of its PDF and of the sentences in its XML.
    pub language: Language,
    /// The customer's own order number.
    pub purchase_order: Option<String>,
    /// The invoice that a credit note takes back, in whole or in part; none on an invoice.
    pub corrects: Option<Corrected>,
    /// The time that is billed.
    pub period: Period,
    /// Who sells, as they were on the day of issue.
    pub seller: Seller,
    /// Who buys, as they were on the day of issue.
    pub buyer: Buyer,
    /// What is billed, in the order shown.
    pub lines: Vec<Line>,
    /// The VAT, once for each category and rate that the lines use.
    pub vat: Vec<Vat>,
    /// The sums.
    pub totals: Totals,
    /// The VAT in the seller's own currency, when the document is in another one.
    pub vat_in_seller_currency: Option<VatInSellerCurrency>,
    /// What the seller must or wants to say besides, as keys and values; the sentences are in the papers.
    pub mentions: Mentions,
}

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The customer owes.
    Invoice,
    /// The seller gives back.
    CreditNote,
}

/// A currency that we bill in. Both have two decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Currency {
    /// Euro.
    Eur,
    /// Moroccan dirham.
    Mad,
}

impl Currency {
    /// Its ISO 4217 code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Eur => "EUR",
            Self::Mad => "MAD",
        }
    }
}

/// A language that papers are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// French.
    Fr,
    /// English.
    En,
    /// Arabic, from right to left, with the digits and months of Morocco.
    Ar,
}

/// The invoice that a credit note cites.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Corrected {
    /// Its number.
    pub number: String,
    /// The day it was issued.
    pub issue_date: NaiveDate,
}

/// A stretch of time, `from` included and `until` not, and the zone in which its days are counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// Its first instant.
    pub from: DateTime<Utc>,
    /// The first instant that no longer belongs to it.
    pub until: DateTime<Utc>,
    /// The name of the seller's time zone, as in `Europe/Paris`.
    pub zone: String,
}

/// The time that a line is about, in the zone of the document's period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinePeriod {
    /// Its first instant.
    pub from: DateTime<Utc>,
    /// The first instant that no longer belongs to it.
    pub until: DateTime<Utc>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// 1, 2, 3 and so on.
    pub line_no: u32,
    /// What sort of line.
    pub kind: LineKind,
    /// What is sold.
    pub text: String,
    /// One more line: which instance, which days.
    pub detail: Option<String>,
    /// The environment that it is about.
    pub environment_id: Option<String>,
    /// The meter that counted.
    pub meter: Option<String>,
    /// How much, with at most four decimals.
    #[serde(with = "text")]
    pub quantity: Decimal,
    /// Of what.
    pub unit: Unit,
    /// The price of one, above zero, with at most six decimals, without VAT.
    #[serde(with = "text")]
    pub unit_price: Decimal,
    /// Quantity times price, rounded once.
    #[serde(with = "text")]
    pub net: Decimal,
    /// The category of VAT.
    pub vat_category: VatCategory,
    /// The rate in per cent; zero in every category but `S`.
    #[serde(with = "text")]
    pub vat_rate: Decimal,
    /// When it was used.
    pub period: Option<LinePeriod>,
}

/// What sort of line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// A plan's fixed price.
    BaseFee,
    /// What was measured.
    Usage,
    /// What is taken off.
    Discount,
    /// Something of an earlier period, set right.
    Correction,
}

/// What a quantity counts. The papers show its own name; the XML gives the nearest code of UN/ECE Recommendation 20.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Things.
    One,
    /// Months, or parts of them.
    Month,
    /// Days.
    Day,
    /// Hours.
    Hour,
    /// One core of a processor for an hour.
    CoreHour,
    /// A gigabyte for an hour.
    GigabyteHour,
    /// A gigabyte for a month.
    GigabyteMonth,
    /// Gigabytes sent.
    Gigabyte,
    /// Requests.
    Request,
    /// Thousands of requests.
    ThousandRequests,
    /// People.
    User,
}

impl Unit {
    /// Its code in UN/ECE Recommendation 20. Hours of a core or of a gigabyte have none of their own; they are hours.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::One | Self::Request => "C62",
            Self::Month | Self::GigabyteMonth => "MON",
            Self::Day => "DAY",
            Self::Hour | Self::CoreHour | Self::GigabyteHour => "HUR",
            Self::Gigabyte => "E34",
            Self::ThousandRequests => "MIL",
            Self::User => "IE",
        }
    }
}

/// A category of VAT, as in UNTDID 5305.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum VatCategory {
    /// Taxed.
    S,
    /// The buyer owes the tax.
    Ae,
    /// Export.
    G,
    /// Outside the scope of VAT.
    O,
    /// Exempt.
    E,
    /// Taxed at zero.
    Z,
    /// Supply within the Union.
    K,
}

impl VatCategory {
    /// Its code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::S => "S",
            Self::Ae => "AE",
            Self::G => "G",
            Self::O => "O",
            Self::E => "E",
            Self::Z => "Z",
            Self::K => "K",
        }
    }
}

/// The VAT of all lines of one category and rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vat {
    /// The category.
    pub category: VatCategory,
    /// The rate in per cent.
    #[serde(with = "text")]
    pub rate: Decimal,
    /// The sum of the lines' nets.
    #[serde(with = "text")]
    pub base: Decimal,
    /// Base times rate, rounded once.
    #[serde(with = "text")]
    pub amount: Decimal,
    /// Why no VAT is charged, as a `VATEX-…` code.
    pub reason_code: Option<String>,
    /// The same in words, in the document's language.
    pub reason: Option<String>,
}

/// The sums.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Without VAT.
    #[serde(with = "text")]
    pub net: Decimal,
    /// The VAT.
    #[serde(with = "text")]
    pub vat: Decimal,
    /// With VAT.
    #[serde(with = "text")]
    pub gross: Decimal,
    /// What was settled before issue (credit, a payment in advance).
    #[serde(with = "text")]
    pub paid: Decimal,
    /// What is left.
    #[serde(with = "text")]
    pub due: Decimal,
}

/// The VAT in the currency that the seller declares it in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VatInSellerCurrency {
    /// That currency.
    pub currency: Currency,
    /// The document's VAT in it.
    #[serde(with = "text")]
    pub amount: Decimal,
    /// How much of it one unit of the document's currency is worth.
    #[serde(with = "text")]
    pub rate: Decimal,
    /// Who published the rate.
    pub source: String,
    /// For which day.
    pub date: NaiveDate,
}

/// What the seller says besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mentions {
    /// How it is paid.
    pub payment: PaymentMeans,
    /// The interest on what is paid late.
    pub late_penalties: Option<LatePenalties>,
    /// What a late payer owes for the recovery (40 € in France), in EUR.
    #[serde(with = "maybe_text")]
    pub recovery_fee: Option<Decimal>,
    /// A discount in per cent for those who pay early; none means that there is none, and that is said.
    #[serde(with = "maybe_text")]
    pub early_payment_discount: Option<Decimal>,
    /// The category of what is sold.
    pub operation: Operation,
    /// Whether the seller chose to owe VAT when it bills (*TVA sur les débits*).
    pub vat_on_debits: bool,
    /// One more sentence of the seller's own, shown as it is.
    pub remark: Option<String>,
}

/// How a document is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentMeans {
    /// The customer makes a transfer to the seller's bank.
    Transfer,
    /// The card on file is charged.
    Card,
    /// From the customer's credit with us.
    Credit,
}

/// The interest on what is paid late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum LatePenalties {
    /// The European Central Bank's rate and ten points.
    EcbPlusTen,
    /// Three times the legal rate.
    ThreeTimesLegal,
    /// So many per cent in a year.
    Percent {
        /// How many.
        #[serde(with = "text")]
        rate: Decimal,
    },
}

/// The category of what is sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Services.
    Services,
    /// Goods.
    Goods,
    /// Both.
    Mixed,
}
