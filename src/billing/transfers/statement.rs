//! Lines of a bank's statement, whatever file they came in: what is read, what is left out, and what cannot be read. Pure.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sha2::{Digest, Sha256};

use crate::base::money::{Currency, Money};

/// A larger file is no statement of a month of ours.
pub const MAX_BYTES: usize = 2 * 1024 * 1024;

/// More lines are better imported in parts: each is looked at by somebody.
pub const MAX_LINES: usize = 2_000;

/// A hundred thousand millions: more is a mistake.
const MOST_MINOR: i64 = 10_000_000_000_000;

/// Money that came in, as the bank says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How much, above zero.
    pub amount: Money,
    /// Since when we have it.
    pub value_on: NaiveDate,
    /// What the bank calls it; made of everything else where it gives no name.
    pub bank_ref: String,
    /// Who paid.
    pub payer: String,
    /// From which account, where it is said.
    pub payer_iban: String,
    /// What the payer wrote.
    pub remittance: String,
}

/// What a file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statement {
    /// Whose account it is of, where it says so.
    pub iban: String,
    /// Money that came in.
    pub lines: Vec<Line>,
    /// How many lines are no money that came in for good: debits, reversals, entries that are not booked yet.
    pub left_out: usize,
    /// How many are in a currency that we do not sell in.
    pub foreign: usize,
}

/// Why a file cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the statement cannot be read: {problem:?} at {place}")]
pub struct Unreadable {
    /// What is wrong.
    pub problem: Problem,
    /// In which line of the file, or which entry; 0 where it is about the whole.
    pub place: usize,
}

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// More than [`MAX_BYTES`] or [`MAX_LINES`].
    TooLarge,
    /// It is neither CAMT.053 nor CSV.
    UnknownKind,
    /// Broken XML, or XML that declares entities.
    BadXml,
    /// Statements of several accounts in one file.
    SeveralAccounts,
    /// No line names the columns that are needed.
    NoColumns,
    /// A date that is none of ours.
    BadDate,
    /// An amount that could mean two things, or is none.
    BadAmount,
}

impl Problem {
    /// Returns the key of the sentence.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::TooLarge => "transfers-file-too-large",
            Self::UnknownKind => "transfers-file-unknown",
            Self::BadXml => "transfers-file-bad-xml",
            Self::SeveralAccounts => "transfers-file-several-accounts",
            Self::NoColumns => "transfers-file-no-columns",
            Self::BadDate => "transfers-file-bad-date",
            Self::BadAmount => "transfers-file-bad-amount",
        }
    }

    /// Says where.
    #[must_use]
    pub fn at(self, place: usize) -> Unreadable {
        Unreadable { problem: self, place }
    }
}

/// Reads a file of either kind.
pub fn read(text: &str, own: Currency) -> Result<Statement, Unreadable> {
    if text.len() > MAX_BYTES {
        return Err(Problem::TooLarge.at(0));
    }
    let mut statement =
        if is_xml(text) { super::camt::read(begun(text))? } else { super::csv::read(begun(text), own)? };
    if statement.lines.len() > MAX_LINES {
        return Err(Problem::TooLarge.at(0));
    }
    name_each(&mut statement.lines);
    Ok(statement)
}

/// Whether a file is XML.
#[must_use]
pub fn is_xml(text: &str) -> bool {
    begun(text).starts_with('<')
}

fn begun(text: &str) -> &str {
    text.trim_start_matches('\u{feff}').trim_start()
}

/// Turns what was sent into text: UTF-8, or what French banks still write.
#[must_use]
pub fn decode(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| encoding_rs::WINDOWS_1252.decode(bytes).0.into_owned(), str::to_owned)
}

/// Gives a name to each line that the bank gave none, and tells those apart that are called the same. The same file, or a
/// later one with the same days in it, makes the same names.
fn name_each(lines: &mut [Line]) {
    let mut seen: BTreeMap<(String, NaiveDate, i64), u32> = BTreeMap::new();
    for line in lines {
        if line.bank_ref.is_empty() {
            let said = format!("{}|{}|{}", line.payer, line.payer_iban, line.remittance);
            line.bank_ref = format!("~{}", &hex::encode(Sha256::digest(said))[..16]);
        }
        let count = seen.entry((line.bank_ref.clone(), line.value_on, line.amount.minor)).or_default();
        *count += 1;
        if *count > 1 {
            line.bank_ref = format!("{}/{count}", line.bank_ref);
        }
    }
}

/// Takes out of a text what is no text: control characters, and those that turn the direction of what follows.
#[must_use]
pub fn tidy(text: &str, longest: usize) -> String {
    let is_turning =
        |letter: char| matches!(letter, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let words: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .filter(|letter| !is_turning(*letter))
        .collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(longest).collect()
}

/// Reads an IBAN as banks write it; empty when it is none.
#[must_use]
pub fn iban(text: &str) -> String {
    let plain: String = text.chars().filter(|letter| !letter.is_whitespace()).collect::<String>().to_uppercase();
    let is_one = (8..=40).contains(&plain.len())
        && plain.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && plain.bytes().take(2).all(|byte| byte.is_ascii_uppercase());
    if is_one { plain } else { String::new() }
}

/// Reads a date as banks write it: `2026-11-28`, `28/11/2026`, `28.11.2026`, `28-11-2026`.
#[must_use]
pub fn date(text: &str) -> Option<NaiveDate> {
    let text = text.trim();
    let day = text.get(..10)?;
    // A time of day may follow.
    if text.len() > 10 && !text[10..].starts_with(['T', ' ', '+', 'Z']) {
        return None;
    }
    ["%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y"]
        .iter()
        .find_map(|format| NaiveDate::parse_from_str(day, format).ok())
        .filter(|date| {
            use chrono::Datelike;
            (2000..2200).contains(&date.year())
        })
}

/// Reads an amount with a decimal comma or point, in the smallest coin. `None` for what could mean two things.
#[must_use]
pub fn minor(text: &str) -> Option<i64> {
    let plain: String = text
        .chars()
        .filter(|letter| !letter.is_whitespace() && !matches!(letter, '\u{a0}' | '\u{202f}' | '\'' | '’' | '€'))
        .collect();
    let (is_negative, digits) = match plain.strip_prefix('-').or_else(|| plain.strip_suffix('-')) {
        Some(digits) => (true, digits.to_owned()),
        None => (false, plain.strip_prefix('+').unwrap_or(&plain).to_owned()),
    };
    if digits.is_empty() || !digits.chars().all(|letter| letter.is_ascii_digit() || matches!(letter, ',' | '.')) {
        return None;
    }
    let point = digits.rfind([',', '.']);
    let (whole, fraction) = match point {
        None => (digits.as_str(), ""),
        Some(at) => {
            let (mark, after) = (&digits[at..=at], &digits[at + 1..]);
            let is_alone = digits.matches(mark).count() == 1;
            let has_other = digits[..at].contains([',', '.']);
            match after.len() {
                1 | 2 | 4.. if is_alone => (&digits[..at], after),
                // `1.234.567`: thousands.
                3 if !is_alone => (digits.as_str(), ""),
                // `1,234.500`: the last one of two kinds begins the fraction. `1.234` alone could be either.
                3 if is_alone && has_other => (&digits[..at], after),
                _ => return None,
            }
        }
    };
    let groups: Vec<&str> = whole.split([',', '.']).collect();
    let is_grouped =
        groups.len() == 1 || (groups[1..].iter().all(|group| group.len() == 3) && (1..=3).contains(&groups[0].len()));
    if !is_grouped || fraction.len() > 6 {
        return None;
    }
    let exact: Decimal =
        format!("{}.{}", groups.concat(), if fraction.is_empty() { "0" } else { fraction }).parse().ok()?;
    let cents = exact.checked_mul(Decimal::ONE_HUNDRED)?;
    if !cents.fract().is_zero() {
        return None;
    }
    let minor = i64::try_from(cents.trunc()).ok().filter(|minor| *minor <= MOST_MINOR)?;
    Some(if is_negative { -minor } else { minor })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_with_comma_and_point_and_never_guessed() {
        for (text, read) in [
            ("1234,56", Some(123_456)),
            ("1 234,56 €", Some(123_456)),
            ("1\u{202f}234,5", Some(123_450)),
            ("1,234.56", Some(123_456)),
            ("1.234,56", Some(123_456)),
            ("1.234.567", Some(123_456_700)),
            ("-12,00", Some(-1200)),
            ("12.00-", Some(-1200)),
            ("0.01", Some(1)),
            ("100", Some(10_000)),
            ("12.3400", Some(1234)),
            // Twelve hundred, or one and a fraction?
            ("1.234", None),
            ("1,234", None),
            ("12.345", None),
            ("0.001", None),
            ("12.3456", None),
            ("1,23,456.00", None),
            ("", None),
            ("NaN", None),
            ("1e9", None),
            ("=1+1", None),
            ("99999999999999999999999999999999", None),
        ] {
            assert_eq!(minor(text), read, "{text}");
        }
    }

    #[test]
    fn dates_are_days_of_this_time_in_four_ways_of_writing() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 28);
        for text in ["2026-11-28", "28/11/2026", "28.11.2026", "28-11-2026", "2026-11-28T10:00:00Z", " 28/11/2026 "] {
            assert_eq!(date(text), day, "{text}");
        }
        for text in ["11/28/2026", "28/11/26", "0026-11-28", "2026-02-30", "tomorrow", "", "2026-11-28x", "é"] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn what_turns_a_line_around_is_taken_out_of_it() {
        assert_eq!(tidy("a\u{202e}b\n\t c\u{0}", 140), "ab c");
        assert_eq!(tidy(&"é".repeat(300), 140).chars().count(), 140);
        assert_eq!(iban(" fr76 3000 6000 0112 3456 7890 189"), "FR7630006000011234567890189");
        assert_eq!(iban("=cmd"), "");
    }
}
