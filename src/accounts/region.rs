//! Where an organisation is: its country, with the time zone and the currency that go with it. Pure.

use crate::i18n::Locale;
use crate::odoo::regions;

/// Where an organisation is, what it pays in, and how it reads the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// ISO 3166 code.
    pub country: &'static str,
    /// The currency that it is charged in: one that is sold.
    pub currency: &'static str,
    /// IANA time zone.
    pub timezone: &'static str,
}

/// The currencies that are sold in.
pub const CURRENCIES: [&str; 2] = ["EUR", "MAD"];

/// Returns the region of a country that can be chosen.
#[must_use]
pub fn find(country: &str) -> Option<Region> {
    let found = regions::COUNTRIES.iter().find(|known| known.code == country)?;
    let currency = if found.currency == "MAD" { "MAD" } else { "EUR" };
    Some(Region { country: found.code, currency, timezone: found.timezone })
}

/// Guesses the country from what the browser says (`fr-MA, fr;q=0.9`), else from the language. Editable later.
#[must_use]
pub fn guess(accept_language: &str, locale: Locale) -> Region {
    let named = accept_language.split(',').find_map(|part| {
        let tag = part.split(';').next().unwrap_or_default().trim();
        // Browsers in English say en-US wherever they are: it is worth nothing as a guess.
        find(&tag.split('-').nth(1)?.to_ascii_uppercase()).filter(|_| tag != "en-US")
    });
    let usual = match locale {
        Locale::Fr => "FR",
        Locale::Ar => "MA",
        Locale::En => "GB",
    };
    named.or(find(usual)).unwrap_or(Region { country: "FR", currency: "EUR", timezone: "Europe/Paris" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_s_country_comes_first_then_the_language_s() {
        assert_eq!(guess("fr-MA,fr;q=0.9", Locale::Fr).country, "MA");
        assert_eq!(guess("fr,en-US;q=0.5", Locale::Fr).country, "FR");
        assert_eq!(guess("ar", Locale::Ar).currency, "MAD");
        assert_eq!(guess("", Locale::En).currency, "EUR");
    }

    #[test]
    fn every_time_zone_exists() {
        for country in regions::COUNTRIES {
            assert!(country.timezone.parse::<chrono_tz::Tz>().is_ok(), "{country:?}");
        }
    }
}
