//! What every page has around its own content: texts, person, theme, form token, message.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use fluent_bundle::FluentValue;

use crate::accounts::Role;
use crate::config::{Mode, Public};
use crate::i18n::{Locale, Texts};

/// Everything that layouts and components need. Each page struct has one.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The texts of the page's language.
    pub texts: Texts,
    /// The page's language.
    pub locale: Locale,
    /// Its code, for `lang`.
    pub lang: String,
    /// The writing direction: `ltr` or `rtl`.
    pub dir: &'static str,
    /// Light, dark, or as the system says.
    pub theme: Theme,
    /// The token that each form must carry.
    pub csrf: String,
    /// The path of this page, with its query.
    pub path: String,
    /// Who is logged in.
    pub person: Option<Person>,
    /// A message from the page before.
    pub flash: Option<Flash>,
    /// What an organisation has to know on every page until it is done.
    pub banner: Option<Banner>,
    /// Addresses and the company's name.
    pub public: Arc<Public>,
    /// What people quote when something went wrong.
    pub request_id: String,
    /// When the request came.
    pub now: DateTime<Utc>,
    /// The ways to the main pages.
    pub nav: Vec<NavItem>,
}

/// What stands above every page of a customer until it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Banner {
    /// What it says.
    pub text: String,
    /// What can be done.
    pub label: String,
    /// Where.
    pub href: String,
}

/// A way to a main page.
#[derive(Clone, Debug)]
pub struct NavItem {
    /// Where it leads.
    pub href: String,
    /// The name of its icon.
    pub icon: &'static str,
    /// What it says.
    pub label: String,
    /// Whether this page is there.
    pub current: bool,
    /// Whether it is left out of the bar on a phone.
    pub side_only: bool,
    /// What it and those after it have in common.
    pub heading: Option<String>,
}

/// Who is logged in, as pages show it.
#[derive(Clone, Debug)]
pub struct Person {
    /// The person's name.
    pub name: String,
    /// The person's e-mail address.
    pub email: String,
    /// The organisation's name.
    pub account_name: String,
    /// What the person may do in it.
    pub role: Role,
    /// The organisation's time zone.
    pub timezone: String,
    /// Whether the e-mail address was proved.
    pub is_verified: bool,
    /// What stands below the name: the organisation.
    pub place: String,
    /// The person's organisations, when there are several.
    pub accounts: Vec<AccountChoice>,
    /// The person's own pages.
    pub links: Vec<NavItem>,
    /// Where logging out is asked for.
    pub leave: String,
}

/// An organisation that the person can change to.
#[derive(Clone, Debug)]
pub struct AccountChoice {
    /// Its name.
    pub name: String,
    /// Where the change is asked for.
    pub switch: String,
    /// Whether it is the present one.
    pub current: bool,
}

impl Person {
    /// Returns the first letter of the name.
    #[must_use]
    pub fn initial(&self) -> String {
        self.name.chars().next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default()
    }
}

/// A message from the page before, shown once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flash {
    /// How it looks.
    pub kind: FlashKind,
    /// What it says, translated.
    pub text: String,
}

impl PartialEq<&str> for FlashKind {
    fn eq(&self, word: &&str) -> bool {
        self.word() == *word
    }
}

/// How a message looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlashKind {
    /// Something is so.
    Info,
    /// Something was done.
    Good,
    /// Something deserves attention.
    Warning,
    /// Something was not done.
    Bad,
}

impl FlashKind {
    /// Returns the word used in CSS.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
        }
    }

    /// Returns the kind of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Info, Self::Good, Self::Warning, Self::Bad].into_iter().find(|kind| kind.word() == word)
    }
}

impl std::fmt::Display for FlashKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

/// The look that a person chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// Returns the word used in cookies and HTML; nothing for the system's wish.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Returns the theme of a word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "auto" {
            return Some(Self::System);
        }
        [Self::System, Self::Light, Self::Dark].into_iter().find(|theme| theme.name() == name)
    }
}

impl PartialEq<&str> for Theme {
    fn eq(&self, name: &&str) -> bool {
        self.name() == *name
    }
}

impl std::fmt::Display for Theme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Layout {
    /// Returns a text.
    #[must_use]
    pub fn t(&self, key: impl AsRef<str>) -> String {
        self.texts.text(key.as_ref())
    }

    /// Returns a text with one value in it.
    #[must_use]
    pub fn t1(&self, key: impl AsRef<str>, name: impl AsRef<str>, value: impl TextValue) -> String {
        self.texts.with(key.as_ref(), &[(name.as_ref(), value.as_value())])
    }

    /// Returns a text with two values in it.
    #[must_use]
    pub fn t2(
        &self,
        key: impl AsRef<str>,
        first: impl AsRef<str>,
        first_value: impl TextValue,
        second: impl AsRef<str>,
        second_value: impl TextValue,
    ) -> String {
        let values = [(first.as_ref(), first_value.as_value()), (second.as_ref(), second_value.as_value())];
        self.texts.with(key.as_ref(), &values)
    }

    /// Returns the writing direction: `ltr` or `rtl`.
    #[must_use]
    pub fn dir(&self) -> &'static str {
        self.locale.dir()
    }

    /// Returns the address of one of our own files.
    #[must_use]
    pub fn asset(&self, name: &str) -> &'static str {
        super::assets::url(name)
    }

    /// Whether this is somebody's own machine.
    #[must_use]
    pub fn is_development(&self) -> bool {
        self.public.mode == Mode::Development
    }

    /// The languages that can be chosen: code, own name, whether it is this page's.
    #[must_use]
    pub fn languages(&self) -> [(&'static str, &'static str, bool); 3] {
        Locale::ALL.map(|locale| (locale.code(), locale.own_name(), locale == self.locale))
    }
}

/// Something that can be put into a text: numbers choose plural forms, strings stay as they are.
pub trait TextValue {
    /// Returns it as the translation library takes it.
    fn as_value(&self) -> FluentValue<'_>;
}

impl TextValue for str {
    fn as_value(&self) -> FluentValue<'_> {
        FluentValue::from(self)
    }
}

impl TextValue for String {
    fn as_value(&self) -> FluentValue<'_> {
        FluentValue::from(self.as_str())
    }
}

impl<T: TextValue + ?Sized> TextValue for &T {
    fn as_value(&self) -> FluentValue<'_> {
        (**self).as_value()
    }
}

macro_rules! number_values {
    ($($number:ty)*) => { $(
        impl TextValue for $number {
            fn as_value(&self) -> FluentValue<'_> {
                FluentValue::from(*self)
            }
        }
    )* };
}
number_values!(i16 i32 i64 u16 u32 u64 usize);
