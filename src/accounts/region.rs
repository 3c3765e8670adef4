//! Countries that are offered, with the time zone and the currency that go with them. Pure.

use crate::i18n::Locale;

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

const fn euro(country: &'static str, timezone: &'static str) -> Region {
    Region { country, currency: "EUR", timezone }
}

/// Every country that can be chosen, by its code. Names are texts: `country-MA`.
pub const REGIONS: &[Region] = &[
    euro("AE", "Asia/Dubai"),
    euro("BE", "Europe/Brussels"),
    euro("CA", "America/Toronto"),
    euro("CH", "Europe/Zurich"),
    euro("CI", "Africa/Abidjan"),
    euro("CM", "Africa/Douala"),
    euro("DE", "Europe/Berlin"),
    euro("DZ", "Africa/Algiers"),
    euro("EG", "Africa/Cairo"),
    euro("ES", "Europe/Madrid"),
    euro("FR", "Europe/Paris"),
    euro("GB", "Europe/London"),
    euro("IE", "Europe/Dublin"),
    euro("IT", "Europe/Rome"),
    euro("JO", "Asia/Amman"),
    euro("KW", "Asia/Kuwait"),
    euro("LB", "Asia/Beirut"),
    euro("LU", "Europe/Luxembourg"),
    euro("LY", "Africa/Tripoli"),
    Region { country: "MA", currency: "MAD", timezone: "Africa/Casablanca" },
    euro("MR", "Africa/Nouakchott"),
    euro("NL", "Europe/Amsterdam"),
    euro("PT", "Europe/Lisbon"),
    euro("QA", "Asia/Qatar"),
    euro("SA", "Asia/Riyadh"),
    euro("SN", "Africa/Dakar"),
    euro("TN", "Africa/Tunis"),
    euro("US", "America/New_York"),
];

/// Returns the region of a country that can be chosen.
#[must_use]
pub fn find(country: &str) -> Option<Region> {
    REGIONS.iter().find(|region| region.country == country).copied()
}

/// Guesses the country from what the browser says (`fr-MA, fr;q=0.9`), else from the language. Editable later.
#[must_use]
pub fn guess(accept_language: &str, locale: Locale) -> Region {
    let named = accept_language.split(',').find_map(|part| {
        let tag = part.split(';').next().unwrap_or_default().trim();
        find(&tag.split('-').nth(1)?.to_ascii_uppercase())
    });
    let usual = match locale {
        Locale::Fr => "FR",
        Locale::Ar => "MA",
        Locale::En => "GB",
    };
    // English browsers say en-US wherever they are: it is worth nothing as a guess.
    named.filter(|region| region.country != "US" || locale == Locale::En).or(find(usual)).unwrap_or(REGIONS[0])
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
        for region in REGIONS {
            assert!(region.timezone.parse::<chrono_tz::Tz>().is_ok(), "{region:?}");
        }
    }
}
