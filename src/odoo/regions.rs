//! Languages and countries that customers may choose for their Odoo.

/// A language that Odoo's image speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Language {
    /// Odoo's code: `fr_FR`.
    pub code: &'static str,
    /// Its name in itself.
    pub own_name: &'static str,
}

/// A country, with what an Odoo there begins with. Customers may choose differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Country {
    /// ISO 3166 code: `MA`.
    pub code: &'static str,
    /// The key of its name in `locales/*/odoo.ftl`.
    pub name: &'static str,
    /// ISO 4217 code of its currency.
    pub currency: &'static str,
    /// The time zone most of its people live in, as IANA names it.
    pub timezone: &'static str,
    /// The language most of its companies keep their books in, of those in [`LANGUAGES`].
    pub language: &'static str,
}

const fn language(code: &'static str, own_name: &'static str) -> Language {
    Language { code, own_name }
}

const fn country(
    code: &'static str,
    name: &'static str,
    currency: &'static str,
    timezone: &'static str,
    language: &'static str,
) -> Country {
    Country { code, name, currency, timezone, language }
}

/// All languages, the portal's own first. `docker/odoo/debian-base` keeps the translations of exactly these.
pub const LANGUAGES: &[Language] = &[
    language("fr_FR", "Français"),
    language("en_US", "English"),
    language("ar_001", "العربية"),
    language("fr_BE", "Français (Belgique)"),
    language("fr_CA", "Français (Canada)"),
    language("fr_CH", "Français (Suisse)"),
    language("de_DE", "Deutsch"),
    language("es_ES", "Español"),
    language("it_IT", "Italiano"),
    language("nl_NL", "Nederlands"),
    language("pl_PL", "Polski"),
    language("pt_PT", "Português"),
    language("pt_BR", "Português (Brasil)"),
    language("tr_TR", "Türkçe"),
];

/// All countries, by code: pages sort them by their name in the reader's language.
pub const COUNTRIES: &[Country] = &[
    country("AE", "odoo-country-ae", "AED", "Asia/Dubai", "ar_001"),
    country("AT", "odoo-country-at", "EUR", "Europe/Vienna", "de_DE"),
    country("BE", "odoo-country-be", "EUR", "Europe/Brussels", "fr_BE"),
    country("BF", "odoo-country-bf", "XOF", "Africa/Ouagadougou", "fr_FR"),
    country("BH", "odoo-country-bh", "BHD", "Asia/Bahrain", "ar_001"),
    country("BJ", "odoo-country-bj", "XOF", "Africa/Porto-Novo", "fr_FR"),
    country("BR", "odoo-country-br", "BRL", "America/Sao_Paulo", "pt_BR"),
    country("CA", "odoo-country-ca", "CAD", "America/Toronto", "fr_CA"),
    country("CD", "odoo-country-cd", "CDF", "Africa/Kinshasa", "fr_FR"),
    country("CG", "odoo-country-cg", "XAF", "Africa/Brazzaville", "fr_FR"),
    country("CH", "odoo-country-ch", "CHF", "Europe/Zurich", "fr_CH"),
    country("CI", "odoo-country-ci", "XOF", "Africa/Abidjan", "fr_FR"),
    country("CM", "odoo-country-cm", "XAF", "Africa/Douala", "fr_FR"),
    country("DE", "odoo-country-de", "EUR", "Europe/Berlin", "de_DE"),
    country("DZ", "odoo-country-dz", "DZD", "Africa/Algiers", "fr_FR"),
    country("EG", "odoo-country-eg", "EGP", "Africa/Cairo", "ar_001"),
    country("ES", "odoo-country-es", "EUR", "Europe/Madrid", "es_ES"),
    country("FR", "odoo-country-fr", "EUR", "Europe/Paris", "fr_FR"),
    country("GA", "odoo-country-ga", "XAF", "Africa/Libreville", "fr_FR"),
    country("GB", "odoo-country-gb", "GBP", "Europe/London", "en_US"),
    country("GN", "odoo-country-gn", "GNF", "Africa/Conakry", "fr_FR"),
    country("IE", "odoo-country-ie", "EUR", "Europe/Dublin", "en_US"),
    country("IQ", "odoo-country-iq", "IQD", "Asia/Baghdad", "ar_001"),
    country("IT", "odoo-country-it", "EUR", "Europe/Rome", "it_IT"),
    country("JO", "odoo-country-jo", "JOD", "Asia/Amman", "ar_001"),
    country("KW", "odoo-country-kw", "KWD", "Asia/Kuwait", "ar_001"),
    country("LB", "odoo-country-lb", "LBP", "Asia/Beirut", "ar_001"),
    country("LU", "odoo-country-lu", "EUR", "Europe/Luxembourg", "fr_FR"),
    country("LY", "odoo-country-ly", "LYD", "Africa/Tripoli", "ar_001"),
    country("MA", "odoo-country-ma", "MAD", "Africa/Casablanca", "fr_FR"),
    country("MG", "odoo-country-mg", "MGA", "Indian/Antananarivo", "fr_FR"),
    country("ML", "odoo-country-ml", "XOF", "Africa/Bamako", "fr_FR"),
    country("MR", "odoo-country-mr", "MRU", "Africa/Nouakchott", "ar_001"),
    country("NE", "odoo-country-ne", "XOF", "Africa/Niamey", "fr_FR"),
    country("NL", "odoo-country-nl", "EUR", "Europe/Amsterdam", "nl_NL"),
    country("OM", "odoo-country-om", "OMR", "Asia/Muscat", "ar_001"),
    country("PL", "odoo-country-pl", "PLN", "Europe/Warsaw", "pl_PL"),
    country("PT", "odoo-country-pt", "EUR", "Europe/Lisbon", "pt_PT"),
    country("QA", "odoo-country-qa", "QAR", "Asia/Qatar", "ar_001"),
    country("SA", "odoo-country-sa", "SAR", "Asia/Riyadh", "ar_001"),
    country("SN", "odoo-country-sn", "XOF", "Africa/Dakar", "fr_FR"),
    country("TG", "odoo-country-tg", "XOF", "Africa/Lome", "fr_FR"),
    country("TN", "odoo-country-tn", "TND", "Africa/Tunis", "fr_FR"),
    country("TR", "odoo-country-tr", "TRY", "Europe/Istanbul", "tr_TR"),
    country("US", "odoo-country-us", "USD", "America/New_York", "en_US"),
];

/// Returns a language by Odoo's code.
#[must_use]
pub fn find_language(code: &str) -> Option<Language> {
    LANGUAGES.iter().copied().find(|language| language.code == code)
}

/// Returns a country by its ISO code.
#[must_use]
pub fn find_country(code: &str) -> Option<Country> {
    COUNTRIES.iter().copied().find(|country| country.code == code)
}

/// Returns the currencies of all countries, sorted: what a company's books may be kept in.
#[must_use]
pub fn currencies() -> Vec<&'static str> {
    let mut all: Vec<&str> = COUNTRIES.iter().map(|country| country.currency).collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_begins_with_a_language_and_a_time_zone_that_exist() {
        for country in COUNTRIES {
            assert!(find_language(country.language).is_some(), "{}", country.code);
            assert!(country.timezone.parse::<chrono_tz::Tz>().is_ok(), "{}", country.code);
            assert_eq!(country.name, format!("odoo-country-{}", country.code.to_lowercase()));
        }
        assert!(COUNTRIES.is_sorted_by_key(|country| country.code));
    }

    #[test]
    fn currencies_are_listed_once() {
        assert!(currencies().contains(&"MAD"));
        assert!(currencies().windows(2).all(|pair| pair[0] < pair[1]));
    }
}
