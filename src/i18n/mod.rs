//! Texts for people in French, English and Arabic, from the Fluent files in `locales/`.

pub mod format;

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

/// A language that the portal speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    /// English.
    #[default]
    En,
    /// French.
    Fr,
    /// Arabic, written from right to left.
    Ar,
}

impl Locale {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::Fr, Self::En, Self::Ar];

    /// Returns the BCP 47 code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fr => "fr",
            Self::Ar => "ar",
        }
    }

    /// Returns the language's name in itself.
    #[must_use]
    pub fn own_name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Fr => "Français",
            Self::Ar => "العربية",
        }
    }

    /// Returns the value of HTML's `dir`.
    #[must_use]
    pub fn dir(self) -> &'static str {
        match self {
            Self::Ar => "rtl",
            Self::En | Self::Fr => "ltr",
        }
    }

    /// Returns the language of a code such as `fr` or `fr-MA`.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let primary = code.split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|locale| primary.eq_ignore_ascii_case(locale.code()))
    }

    /// Chooses by an `Accept-Language` header (RFC 9110, 12.5.4); English when none of ours is asked for.
    #[must_use]
    pub fn from_accept_language(header: &str) -> Self {
        let mut best: (f32, Self) = (0.0, Self::En);
        for part in header.split(',') {
            let mut pieces = part.trim().split(';');
            let Some(locale) = pieces.next().and_then(Self::from_code) else { continue };
            let weight =
                pieces.find_map(|piece| piece.trim().strip_prefix("q=").and_then(|q| q.parse().ok())).unwrap_or(1.0);
            if weight > best.0 {
                best = (weight, locale);
            }
        }
        best.1
    }
}

impl std::fmt::Display for Locale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

mod files {
    //! Made by `build.rs`: the text of every file in `locales/`.
    include!(concat!(env!("OUT_DIR"), "/locales.rs"));
}

static BUNDLES: LazyLock<[FluentBundle<FluentResource>; 3]> = LazyLock::new(|| Locale::ALL.map(bundle));

fn bundle(locale: Locale) -> FluentBundle<FluentResource> {
    let id = locale.code().parse().expect("our codes are valid language identifiers");
    let mut bundle = FluentBundle::new_concurrent(vec![id]);
    // Names and addresses inside Arabic sentences keep their own direction.
    bundle.set_use_isolating(locale == Locale::Ar);
    for (code, file, text) in files::FILES {
        if *code == locale.code() {
            let resource = FluentResource::try_new((*text).to_owned())
                .unwrap_or_else(|(_, errors)| panic!("locales/{code}/{file} cannot be parsed: {errors:?}"));
            if let Err(errors) = bundle.add_resource(resource) {
                panic!("locales/{code}/{file} says something twice: {errors:?}");
            }
        }
    }
    bundle
}

/// The texts of one language. Copied freely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Texts {
    /// Which language.
    pub locale: Locale,
}

impl Texts {
    /// Returns the texts of a language.
    #[must_use]
    pub fn new(locale: Locale) -> Self {
        Self { locale }
    }

    /// Returns a text without values. A key that is missing shows as itself; `tests/tidy.rs` lets none be missing.
    #[must_use]
    pub fn text(&self, key: &str) -> String {
        self.format(key, None)
    }

    /// Returns a text with values: numbers choose plural forms, strings are put in as they are.
    #[must_use]
    pub fn with(&self, key: &str, values: &[(&str, FluentValue<'_>)]) -> String {
        let args: FluentArgs<'_> = values.iter().cloned().collect();
        self.format(key, Some(&args))
    }

    fn format(self, key: &str, args: Option<&FluentArgs<'_>>) -> String {
        let index = Locale::ALL.iter().position(|locale| *locale == self.locale).unwrap_or(0);
        let bundle = &BUNDLES[index];
        let (id, attribute) = key.split_once('.').map_or((key, None), |(id, attribute)| (id, Some(attribute)));
        let Some(message) = bundle.get_message(id) else { return key.to_owned() };
        let pattern = match attribute {
            Some(name) => message.get_attribute(name).map(|attribute| attribute.value()),
            None => message.value(),
        };
        let Some(pattern) = pattern else { return key.to_owned() };
        let mut errors = Vec::new();
        bundle.format_pattern(pattern, args, &mut errors).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_s_first_wish_that_we_speak_is_chosen() {
        assert_eq!(Locale::from_accept_language("de, ar-MA;q=0.8, fr;q=0.9"), Locale::Fr);
        assert_eq!(Locale::from_accept_language("ar,en;q=0.5"), Locale::Ar);
        assert_eq!(Locale::from_accept_language("zz;q=x,,;"), Locale::En);
    }

    #[test]
    fn every_language_has_its_texts() {
        for locale in Locale::ALL {
            assert_ne!(Texts::new(locale).text("common-sign-in"), "common-sign-in");
        }
    }
}
