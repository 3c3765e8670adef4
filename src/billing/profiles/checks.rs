//! What a billing profile must not say; each refusal explains itself. Pure.

use super::Profile;
use crate::accounts::words::{self, WordsProblem};
use crate::base::names::{EmailAddress, EmailError};

/// How long the name and the street may be.
pub const MAX_TEXT: usize = 400;

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Empty, too long, or with a character that is none.
    Words(WordsProblem),
    /// It holds a character that turns the writing around: what is read would not be what is written.
    Turned,
    /// No address of a mailbox.
    Email(EmailError),
    /// Not nine digits, or its last digit does not fit the others.
    Siren,
    /// A business in France without one: its invoices cannot be made.
    NoSiren,
    /// Not fifteen digits.
    Ice,
    /// Only companies of another country have this number.
    OtherCountry,
    /// The country's numbers look otherwise.
    VatShape,
    /// The French number's key does not fit, or it is another company's.
    VatKey,
}

impl Problem {
    /// Returns the key of the sentence that says so.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Words(problem) => problem.key(),
            Self::Turned => "billing-bad-turned",
            Self::Email(EmailError::Empty) => "words-empty",
            Self::Email(EmailError::Invalid) => "email-invalid",
            Self::Email(EmailError::TooLong) => "words-too-long",
            Self::Siren => "billing-bad-siren",
            Self::NoSiren => "billing-bad-no-siren",
            Self::Ice => "billing-bad-ice",
            Self::OtherCountry => "billing-bad-other-country",
            Self::VatShape => "billing-bad-vat-shape",
            Self::VatKey => "billing-bad-vat-key",
        }
    }
}

/// Brings what was typed into the form that is kept: trimmed, numbers without spaces, and nothing of a business in a person's.
#[must_use]
pub fn tidied(typed: Profile) -> Profile {
    let compact = |text: &str| -> String {
        text.chars()
            .filter(|letter| !letter.is_whitespace() && !".-".contains(*letter))
            .collect::<String>()
            .to_uppercase()
    };
    let street: Vec<&str> = typed.street.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let of_business = |text: &str| if typed.is_business { compact(text) } else { String::new() };
    Profile {
        legal_name: typed.legal_name.trim().to_owned(),
        street: street.join("\n"),
        postcode: typed.postcode.trim().to_owned(),
        city: typed.city.trim().to_owned(),
        vat_number: of_business(&typed.vat_number),
        siren: of_business(&typed.siren),
        ice: of_business(&typed.ice),
        email: typed.email.trim().to_owned(),
        purchase_order: typed.purchase_order.trim().to_owned(),
        ..typed
    }
}

/// Returns what is wrong with a tidied profile, by field.
#[must_use]
pub fn problems(profile: &Profile) -> Vec<(&'static str, Problem)> {
    let mut found = Vec::new();
    let mut text = |field, text: &str, max, is_needed| {
        if !text.is_empty() || is_needed {
            found.extend(line(text, max).err().map(|problem| (field, problem)));
        }
    };
    text("legal_name", &profile.legal_name, MAX_TEXT, true);
    // Some lines, each of which is one.
    text("street", &profile.street.replace('\n', " "), MAX_TEXT, true);
    text("postcode", &profile.postcode, 20, false);
    text("city", &profile.city, 200, true);
    text("purchase_order", &profile.purchase_order, 100, false);
    if !profile.email.is_empty() {
        found.extend(EmailAddress::parse(&profile.email).err().map(|problem| ("email", Problem::Email(problem))));
    }
    let is_from = |country: &str| profile.country == country;
    let mut number = |field, problem: Option<Problem>| found.extend(problem.map(|problem| (field, problem)));
    number(
        "siren",
        match (profile.siren.as_str(), is_from("FR")) {
            ("", true) if profile.is_business => Some(Problem::NoSiren),
            ("", _) => None,
            (_, false) => Some(Problem::OtherCountry),
            (siren, true) => (!is_siren(siren)).then_some(Problem::Siren),
        },
    );
    number(
        "ice",
        match (profile.ice.as_str(), is_from("MA")) {
            ("", _) => None,
            (_, false) => Some(Problem::OtherCountry),
            (ice, true) => (!is_digits(ice, 15)).then_some(Problem::Ice),
        },
    );
    if !profile.vat_number.is_empty() {
        number("vat_number", vat_number(profile));
    }
    found
}

/// One line that is read as it is written.
pub(in crate::billing) fn line(text: &str, max: usize) -> Result<(), Problem> {
    words::one_line(text, max).map_err(Problem::Words)?;
    let turns = |letter: char| matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if text.chars().any(turns) {
        return Err(Problem::Turned);
    }
    // XML has no place for these two.
    if text.contains(['\u{fffe}', '\u{ffff}']) {
        return Err(Problem::Words(WordsProblem::Control));
    }
    Ok(())
}

/// Whether it is so many digits.
pub(in crate::billing) fn is_digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Nine digits that fit each other.
pub(in crate::billing) fn is_siren(text: &str) -> bool {
    is_digits(text, 9) && is_luhn(text)
}

/// Whether digits, of which every second is doubled from the end, have a cross sum that is a multiple of ten (Luhn).
pub(in crate::billing) fn is_luhn(text: &str) -> bool {
    let digit = |(place, byte): (usize, u8)| {
        let digit = u32::from(byte - b'0') * if place % 2 == 0 { 1 } else { 2 };
        if digit > 9 { digit - 9 } else { digit }
    };
    text.bytes().rev().enumerate().map(digit).sum::<u32>() % 10 == 0
}

/// The countries of the Union with the shapes of their VAT numbers behind the two letters: `9` is a digit, `A` a letter, `*`
/// either, all else itself.
const SHAPES: [(&str, &str, &[&str]); 27] = [
    ("AT", "AT", &["U99999999"]),
    ("BE", "BE", &["9999999999"]),
    ("BG", "BG", &["999999999", "9999999999"]),
    ("CY", "CY", &["99999999A"]),
    ("CZ", "CZ", &["99999999", "999999999", "9999999999"]),
    ("DE", "DE", &["999999999"]),
    ("DK", "DK", &["99999999"]),
    ("EE", "EE", &["999999999"]),
    ("ES", "ES", &["*9999999*"]),
    ("FI", "FI", &["99999999"]),
    ("FR", "FR", &["**999999999"]),
    ("GR", "EL", &["999999999"]),
    ("HR", "HR", &["99999999999"]),
    ("HU", "HU", &["99999999"]),
    ("IE", "IE", &["9*99999A", "9999999AA"]),
    ("IT", "IT", &["99999999999"]),
    ("LT", "LT", &["999999999", "999999999999"]),
    ("LU", "LU", &["99999999"]),
    ("LV", "LV", &["99999999999"]),
    ("MT", "MT", &["99999999"]),
    ("NL", "NL", &["*********B99"]),
    ("PL", "PL", &["9999999999"]),
    ("PT", "PT", &["999999999"]),
    ("RO", "RO", &["99", "999", "9999", "99999", "999999", "9999999", "99999999", "999999999", "9999999999"]),
    ("SE", "SE", &["999999999999"]),
    ("SI", "SI", &["99999999"]),
    ("SK", "SK", &["9999999999"]),
];

fn vat_number(profile: &Profile) -> Option<Problem> {
    let number = profile.vat_number.as_str();
    // Monaco's companies have French numbers.
    let country = if profile.country == "MC" { "FR" } else { profile.country.as_str() };
    let fits = |shape: &str, text: &str| {
        shape.len() == text.len()
            && shape.bytes().zip(text.bytes()).all(|(shape, byte)| match shape {
                b'9' => byte.is_ascii_digit(),
                b'A' => byte.is_ascii_uppercase(),
                b'*' => byte.is_ascii_digit() || byte.is_ascii_uppercase(),
                _ => shape == byte,
            })
    };
    let is_right = match SHAPES.iter().find(|(code, ..)| *code == country) {
        Some((_, prefix, shapes)) => {
            number.strip_prefix(prefix).is_some_and(|rest| shapes.iter().any(|shape| fits(shape, rest)))
        }
        // Elsewhere only what every paper can say: two letters and more.
        None => (4..=20).contains(&number.len()) && fits(&format!("AA{}", "*".repeat(number.len() - 2)), number),
    };
    if !is_right {
        return Some(Problem::VatShape);
    }
    if country == "FR" {
        let siren = number.get(4..)?;
        let is_own = profile.siren.is_empty() || profile.siren == siren;
        return (!is_own || !has_french_key(number)).then_some(Problem::VatKey);
    }
    None
}

/// Whether the key of a French VAT number fits the SIREN behind it. Newer keys hold letters, and have no rule that can be checked.
pub(in crate::billing) fn has_french_key(number: &str) -> bool {
    let (Some(key), Some(siren)) = (number.get(2..4), number.get(4..)) else { return false };
    key.parse::<u64>().is_ok_and(|key| siren.parse::<u64>().is_ok_and(|siren| (12 + 3 * (siren % 97)) % 97 == key))
        || key.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// Whether a country's numbers are those of the Union: a number of its own makes the customer owe the tax.
#[must_use]
pub fn is_of_union(country: &str) -> bool {
    SHAPES.iter().any(|(code, ..)| *code == country)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Locale;

    fn profile(country: &str) -> Profile {
        Profile {
            is_business: true,
            legal_name: "Boulangerie Zoé".to_owned(),
            street: "1 rue de la Paix".to_owned(),
            postcode: "75001".to_owned(),
            city: "Paris".to_owned(),
            country: country.to_owned(),
            vat_number: String::new(),
            vat_checked: None,
            siren: if country == "FR" { "732829320".to_owned() } else { String::new() },
            ice: String::new(),
            email: String::new(),
            purchase_order: String::new(),
            language: Locale::Fr,
        }
    }

    fn found(profile: Profile) -> Vec<(&'static str, Problem)> {
        problems(&tidied(profile))
    }

    #[test]
    fn a_french_company_has_a_siren_whose_last_digit_fits() {
        assert_eq!(found(profile("FR")), []);
        let with = |siren: &str| found(Profile { siren: siren.to_owned(), ..profile("FR") });
        assert_eq!(with(" 732 829 320 "), [], "as people write it");
        assert_eq!(with("732829321"), [("siren", Problem::Siren)]);
        assert_eq!(with("7328293"), [("siren", Problem::Siren)]);
        assert_eq!(with(""), [("siren", Problem::NoSiren)]);
        let person = Profile { is_business: false, siren: "nonsense".to_owned(), ..profile("FR") };
        assert_eq!(found(person), [], "a person has none");
        assert_eq!(
            found(Profile { siren: "732829320".to_owned(), ..profile("DE") }),
            [("siren", Problem::OtherCountry)]
        );
    }

    #[test]
    fn an_ice_has_fifteen_digits() {
        let with = |ice: &str| found(Profile { ice: ice.to_owned(), ..profile("MA") });
        assert_eq!(with("001 234 567 000 092"), []);
        assert_eq!(with("00123456700009"), [("ice", Problem::Ice)]);
        assert_eq!(with("00123456700009x"), [("ice", Problem::Ice)]);
        assert_eq!(with(""), []);
    }

    #[test]
    fn a_vat_number_has_the_shape_of_its_country() {
        let with = |country: &str, number: &str| {
            found(Profile { vat_number: number.to_owned(), ..profile(country) }).first().map(|(_, problem)| *problem)
        };
        for (country, right) in [
            ("FR", "FR 44 732 829 320"),
            ("DE", "de123456789"),
            ("GR", "EL123456789"),
            ("AT", "ATU12345678"),
            ("ES", "ESX1234567X"),
            ("NL", "NL123456789B01"),
            ("IE", "IE1234567WA"),
            ("CH", "CHE123456789"),
        ] {
            assert_eq!(with(country, right), None, "{country}: {right}");
        }
        for (country, wrong, why) in [
            ("FR", "FR45732829320", Problem::VatKey),
            ("FR", "FR40303265045", Problem::VatKey),
            ("DE", "FR44732829320", Problem::VatShape),
            ("GR", "GR123456789", Problem::VatShape),
            ("NL", "NL123456789A01", Problem::VatShape),
            ("CH", "123", Problem::VatShape),
            ("CH", "é1", Problem::VatShape),
        ] {
            assert_eq!(with(country, wrong), Some(why), "{country}: {wrong}");
        }
    }

    #[test]
    fn a_name_is_read_as_it_is_written() {
        let with = |name: &str| found(Profile { legal_name: name.to_owned(), ..profile("MA") });
        assert_eq!(with("شركة الأطلس <b>\"'"), []);
        assert_eq!(with(&"é".repeat(400)), []);
        assert_eq!(with(&"é".repeat(401)), [("legal_name", Problem::Words(WordsProblem::TooLong))]);
        assert_eq!(with("Acme\u{7}"), [("legal_name", Problem::Words(WordsProblem::Control))]);
        assert_eq!(with("Acme\u{202e}emcA"), [("legal_name", Problem::Turned)]);
        assert_eq!(with("  "), [("legal_name", Problem::Words(WordsProblem::Empty))]);
        let lines = Profile { street: "1 rue A\r\n\r\nBâtiment B".to_owned(), ..profile("MA") };
        assert_eq!(tidied(lines.clone()).street, "1 rue A\nBâtiment B");
        assert_eq!(found(lines), []);
    }
}
