//! Which VAT a customer pays. Pure.
//!
//! The table of shared rules: France sells to France at 20 %, to businesses of the Union whose number was checked with the
//! tax owed by them, to others of the Union at their own country's rate (one-stop shop), and beyond the Union without VAT.
//! Morocco sells at home at 20 % (CGI art. 89) and abroad as an export of services (art. 92-I-1°). In Guadeloupe, Martinique and
//! Réunion, which are France by address, the French rate is 8.5 % (code général des impôts, art. 296).

use rust_decimal::Decimal;
use sayoo_document::VatCategory;

/// What is known of a customer, as far as VAT goes.
#[derive(Clone, Copy, Debug)]
pub struct Customer<'a> {
    /// ISO 3166 code.
    pub country: &'a str,
    /// As on the address; tells parts of France that have a rate of their own.
    pub postcode: &'a str,
    /// Whether they buy as a business.
    pub is_business: bool,
    /// Whether they have a VAT number that was found to be right.
    pub has_checked_number: bool,
}

/// How a sale is taxed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Treatment {
    /// The category.
    pub category: VatCategory,
    /// In per cent; 0 unless it is taxed.
    pub rate: Decimal,
}

/// Standard rates of the countries of the Union other than France, in tenths of a per cent, as of November 2026.
const UNION: [(&str, i64); 26] = [
    ("AT", 200),
    ("BE", 210),
    ("BG", 200),
    ("CY", 190),
    ("CZ", 210),
    ("DE", 190),
    ("DK", 250),
    ("EE", 240),
    ("ES", 210),
    ("FI", 255),
    ("GR", 240),
    ("HR", 250),
    ("HU", 270),
    ("IE", 230),
    ("IT", 220),
    ("LT", 210),
    ("LU", 170),
    ("LV", 210),
    ("MT", 180),
    ("NL", 210),
    ("PL", 230),
    ("PT", 230),
    ("RO", 210),
    ("SE", 250),
    ("SI", 220),
    ("SK", 230),
];

/// Whether a country belongs to the Union, as far as VAT goes.
#[must_use]
pub fn is_in_union(country: &str) -> bool {
    ["FR", "MC"].contains(&country) || UNION.iter().any(|(it, _)| *it == country)
}

/// Whether a French address is in Guadeloupe (971), Martinique (972) or Réunion (974). Saint-Barthélemy and Saint-Martin have
/// postcodes of Guadeloupe and are not part of it any more.
fn is_overseas(postcode: &str) -> bool {
    let digits: String = postcode.chars().filter(char::is_ascii_digit).collect();
    let is_one = digits.len() == 5 && ["971", "972", "974"].iter().any(|department| digits.starts_with(department));
    is_one && !["97133", "97150"].contains(&digits.as_str())
}

/// Returns how a sale to a customer is taxed.
#[must_use]
pub fn treat(seller_country: &str, customer: Customer<'_>) -> Treatment {
    let in_union = UNION.iter().find(|(country, _)| *country == customer.country);
    match (seller_country, in_union) {
        ("FR", _) if customer.country == "FR" && is_overseas(customer.postcode) => taxed(Decimal::new(85, 1)),
        (seller, _) if seller == customer.country => taxed(Decimal::from(20)),
        // Monaco is France as far as VAT goes.
        ("FR", _) if customer.country == "MC" => taxed(Decimal::from(20)),
        ("FR", Some(_)) if customer.is_business && customer.has_checked_number => free(VatCategory::Ae),
        ("FR", Some((_, tenths))) => taxed(Decimal::new(*tenths, 1)),
        _ => free(VatCategory::G),
    }
}

fn taxed(rate: Decimal) -> Treatment {
    Treatment { category: VatCategory::S, rate }
}

fn free(category: VatCategory) -> Treatment {
    Treatment { category, rate: Decimal::ZERO }
}

/// Returns why a seller charges no VAT in a category: a code of the list VATEX, and the key of the same in words.
#[must_use]
pub fn reason(seller_country: &str, category: VatCategory) -> Option<(&'static str, &'static str)> {
    match category {
        VatCategory::Ae => Some(("VATEX-EU-AE", "vat-reason-reverse-charge")),
        VatCategory::G if seller_country == "FR" => Some(("VATEX-EU-G", "vat-reason-outside-union")),
        VatCategory::G => Some(("VATEX-EU-G", "vat-reason-export")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(seller: &str, country: &str, is_business: bool, has_checked_number: bool) -> (VatCategory, Decimal) {
        let treatment = treat(seller, Customer { country, postcode: "69003", is_business, has_checked_number });
        assert_eq!(treatment.rate.is_zero(), reason(seller, treatment.category).is_some(), "no VAT has its reason");
        (treatment.category, treatment.rate)
    }

    #[test]
    fn every_row_of_the_table_has_its_answer() {
        let rate = |tenths| Decimal::new(tenths, 1);
        assert_eq!(of("FR", "FR", true, true), (VatCategory::S, rate(200)), "at home a number changes nothing");
        assert_eq!(of("FR", "DE", true, true), (VatCategory::Ae, rate(0)));
        assert_eq!(of("FR", "DE", true, false), (VatCategory::S, rate(190)), "a number that nobody checked");
        assert_eq!(of("FR", "FI", false, false), (VatCategory::S, rate(255)));
        assert_eq!(of("FR", "DE", false, true), (VatCategory::S, rate(190)), "a consumer");
        assert_eq!(of("FR", "MA", true, false), (VatCategory::G, rate(0)));
        assert_eq!(of("FR", "MC", true, false), (VatCategory::S, rate(200)));
        assert_eq!(of("MA", "MA", true, false), (VatCategory::S, rate(200)));
        assert_eq!(of("MA", "FR", true, true), (VatCategory::G, rate(0)));
    }
    #[test]
    fn three_departments_overseas_have_a_rate_of_their_own_and_nobody_else_does() {
        let rate = |seller, country, postcode, is_business| {
            treat(seller, Customer { country, postcode, is_business, has_checked_number: is_business }).rate
        };
        for (postcode, tenths) in [
            ("97110", 85),
            ("97 200", 85),
            ("97400", 85),
            ("97133", 200),
            ("97150", 200),
            ("97300", 200),
            ("69003", 200),
            ("9741", 200),
            ("", 200),
        ] {
            for is_business in [true, false] {
                assert_eq!(rate("FR", "FR", postcode, is_business), Decimal::new(tenths, 1), "{postcode}");
            }
        }
        // Elsewhere such a postcode says nothing.
        assert_eq!(rate("FR", "DE", "97400", false), Decimal::new(190, 1));
        assert_eq!(rate("MA", "MA", "97400", true), Decimal::from(20));
        assert_eq!(rate("MA", "FR", "97400", true), Decimal::ZERO);
    }
}
