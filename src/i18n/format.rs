//! Dates, numbers, money, sizes and durations as a reader of the language writes them.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use icu::calendar::{Date, Gregorian};
use icu::collator::{Collator, CollatorBorrowed};
use icu::datetime::FixedCalendarDateTimeFormatter;
use icu::datetime::fieldsets::{E, MD, T, YM, YMD};
use icu::datetime::input::{DateTime as IcuDateTime, Time};
use icu::decimal::DecimalFormatter;
use icu::decimal::input::Decimal as IcuDecimal;
use rust_decimal::{Decimal, RoundingStrategy};

use super::{Locale, Texts};
use crate::base::money::{Currency, Money};

type Formatter<F> = FixedCalendarDateTimeFormatter<Gregorian, F>;

/// The formatters of one language. Building them costs a millisecond, so each thread keeps its own.
struct Tools {
    long_date: Formatter<YMD>,
    short_date: Formatter<YMD>,
    month: Formatter<YM>,
    day: Formatter<MD>,
    weekday: Formatter<E>,
    time: Formatter<T>,
    number: DecimalFormatter,
    order: CollatorBorrowed<'static>,
}

impl Tools {
    fn new(locale: Locale) -> Self {
        // The day before the month and 24 hours in English; the digits and months of Morocco in Arabic.
        let name = match locale {
            Locale::En => "en-GB",
            Locale::Fr => "fr-FR",
            Locale::Ar => "ar-MA",
        };
        let icu: icu::locale::Locale = name.parse().expect("our language names are valid");
        let built = || -> Result<Self, Box<dyn std::error::Error>> {
            Ok(Self {
                long_date: Formatter::try_new((&icu).into(), YMD::long())?,
                short_date: Formatter::try_new((&icu).into(), YMD::medium())?,
                month: Formatter::try_new((&icu).into(), YM::long())?,
                day: Formatter::try_new((&icu).into(), MD::medium())?,
                weekday: Formatter::try_new((&icu).into(), E::long())?,
                time: Formatter::try_new((&icu).into(), T::hm())?,
                order: Collator::try_new((&icu).into(), icu::collator::options::CollatorOptions::default())?,
                number: DecimalFormatter::try_new(
                    (&icu).into(),
                    icu::decimal::options::DecimalFormatterOptions::default(),
                )?,
            })
        };
        built().expect("the data of our three languages are compiled in")
    }
}

thread_local! {
    static TOOLS: [Tools; 3] = Locale::ALL.map(Tools::new);
}

/// Writes values for one reader: a language and the time zone of the account.
#[derive(Clone, Copy, Debug)]
pub struct Formats {
    locale: Locale,
    zone: Tz,
}

/// An instant in words, with the exact one beside it for `<time datetime>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// RFC 3339 with the zone's offset.
    pub iso: String,
    /// What people read.
    pub words: String,
}

impl Formats {
    /// Writes for readers of `locale` in `zone` (an IANA name; UTC if it is none).
    #[must_use]
    pub fn new(locale: Locale, zone: &str) -> Self {
        Self { locale, zone: zone.parse().unwrap_or(Tz::UTC) }
    }

    /// The zone that instants are written in.
    #[must_use]
    pub fn zone(self) -> Tz {
        self.zone
    }

    fn tools<R>(self, write: impl FnOnce(&Tools) -> R) -> R {
        let index = Locale::ALL.iter().position(|locale| *locale == self.locale).unwrap_or(0);
        TOOLS.with(|tools| write(&tools[index]))
    }

    fn parts(self, at: DateTime<Utc>) -> IcuDateTime<Gregorian> {
        let local = at.with_timezone(&self.zone);
        let small = |value: u32| u8::try_from(value).unwrap_or(1);
        let date = Date::try_new_gregorian(local.year(), small(local.month()), small(local.day()));
        let time = Time::try_new(small(local.hour()), small(local.minute()), small(local.second()), 0);
        IcuDateTime { date: date.expect("a chrono date is a date"), time: time.expect("a chrono time is a time") }
    }

    /// `22 November 2026`.
    #[must_use]
    pub fn date(self, at: DateTime<Utc>) -> String {
        self.tools(|tools| tools.long_date.format(&self.parts(at).date).to_string())
    }

    /// A day of the calendar, whatever the zone: `22 November 2026`.
    #[must_use]
    pub fn calendar_day(self, day: NaiveDate) -> String {
        Self { zone: Tz::UTC, ..self }.date(day.and_time(NaiveTime::MIN).and_utc())
    }

    /// The month of a day, whatever the zone: `November 2026`.
    #[must_use]
    pub fn month(self, day: NaiveDate) -> String {
        let parts = Self { zone: Tz::UTC, ..self }.parts(day.and_time(NaiveTime::MIN).and_utc());
        self.tools(|tools| tools.month.format(&parts.date).to_string())
    }

    /// The texts of the reader's language.
    #[must_use]
    pub fn texts(self) -> Texts {
        Texts::new(self.locale)
    }

    /// `22 Nov`.
    #[must_use]
    pub fn day(self, at: DateTime<Utc>) -> String {
        self.tools(|tools| tools.day.format(&self.parts(at).date).to_string())
    }

    /// `21:04`.
    #[must_use]
    pub fn time(self, at: DateTime<Utc>) -> String {
        self.tools(|tools| tools.time.format(&self.parts(at).time).to_string())
    }

    /// `22 Nov 2026, 21:04`.
    #[must_use]
    pub fn date_time(self, at: DateTime<Utc>) -> String {
        let parts = self.parts(at);
        let date = self.tools(|tools| tools.short_date.format(&parts.date).to_string());
        Texts::new(self.locale).with("units-date-time", &[("date", date.into()), ("time", self.time(at).into())])
    }

    /// How a person says it at `now`: `today at 21:04`, `yesterday at 21:04`, `Tuesday at 21:04`, or the date.
    #[must_use]
    pub fn spoken(self, at: DateTime<Utc>, now: DateTime<Utc>) -> String {
        let days = (now.with_timezone(&self.zone).date_naive() - at.with_timezone(&self.zone).date_naive()).num_days();
        let texts = Texts::new(self.locale);
        let time = || ("time", self.time(at).into());
        match days {
            0 => texts.with("units-today", &[time()]),
            1 => texts.with("units-yesterday", &[time()]),
            -1 => texts.with("units-tomorrow", &[time()]),
            2..=6 => {
                let weekday = self.tools(|tools| tools.weekday.format(&self.parts(at).date).to_string());
                texts.with("units-weekday", &[("day", weekday.into()), time()])
            }
            _ => self.date_time(at),
        }
    }

    /// The same with the exact instant beside it.
    #[must_use]
    pub fn when(self, at: DateTime<Utc>, now: DateTime<Utc>) -> When {
        When { iso: self.iso(at), words: self.spoken(at, now) }
    }

    /// RFC 3339 in the account's zone: `2026-11-22T22:04:05+01:00`.
    #[must_use]
    pub fn iso(self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.zone).to_rfc3339_opts(chrono::SecondsFormat::Secs, false)
    }

    /// A number with at most `places` decimals, the language's separators, and no needless zeros.
    #[must_use]
    pub fn decimal(self, value: Decimal, places: u32) -> String {
        let rounded = value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero).normalize();
        self.write(&rounded.to_string())
    }

    /// A whole number.
    #[must_use]
    pub fn number(self, value: impl Into<i128>) -> String {
        self.write(&value.into().to_string())
    }

    fn write(self, digits: &str) -> String {
        let value: IcuDecimal = digits.parse().unwrap_or_default();
        self.tools(|tools| tools.number.format(&value).to_string())
    }

    /// An amount with its currency: `€12.50`, `12,50 €`.
    #[must_use]
    pub fn money(self, amount: Money) -> String {
        // Both places always, so that columns of a bill line up.

        self.with_currency(&self.write(&amount.exact().to_string()), amount.currency)
    }

    /// A price that may be finer than the smallest coin: `€0.035`.
    #[must_use]
    pub fn price(self, value: Decimal, currency: Currency) -> String {
        let value = value.normalize();
        let shown = if value.scale() < 2 && value.scale() > 0 {
            value.round_dp_with_strategy(2, RoundingStrategy::ToZero)
        } else {
            value
        };
        let mut digits = shown.to_string();
        if shown.scale() == 1 {
            digits.push('0');
        }
        self.with_currency(&self.write(&digits), currency)
    }

    fn with_currency(self, number: &str, currency: Currency) -> String {
        match (self.locale, currency) {
            (Locale::En, Currency::Eur) => format!("€{number}"),
            (Locale::En, Currency::Mad) => format!("MAD\u{a0}{number}"),
            (Locale::Fr | Locale::Ar, Currency::Eur) => format!("{number}\u{a0}€"),
            (Locale::Fr, Currency::Mad) => format!("{number}\u{a0}DH"),
            (Locale::Ar, Currency::Mad) => format!("{number}\u{a0}درهم"),
        }
    }

    /// A size in decimal units (1 GB = 10⁹ bytes): `1.2 GB`.
    #[must_use]
    pub fn bytes(self, bytes: u64) -> String {
        let steps = [
            ("units-tb", 1_000_000_000_000_u64),
            ("units-gb", 1_000_000_000),
            ("units-mb", 1_000_000),
            ("units-kb", 1_000),
        ];
        let (key, unit) = steps.into_iter().find(|(_, unit)| bytes >= *unit).unwrap_or(("units-byte", 1));
        let value = Decimal::from(bytes) / Decimal::from(unit);
        let places = u32::from(unit > 1_000 && value < Decimal::ONE_HUNDRED);
        Texts::new(self.locale).with(key, &[("value", self.decimal(value, places).into())])
    }

    /// A size that is kept in MiB, such as memory of a plan; whole GiB are shown as GB, as plans are sold.
    #[must_use]
    pub fn mebibytes(self, mb: u32) -> String {
        let (key, value) = match mb {
            1024.. => ("units-gb", Decimal::from(mb) / Decimal::from(1024)),
            _ => ("units-mb", Decimal::from(mb)),
        };
        Texts::new(self.locale).with(key, &[("value", self.decimal(value, 1).into())])
    }

    /// A length of time in its one or two largest units: `2 seconds`, `3 minutes`, `5 days`.
    #[must_use]
    pub fn duration(self, length: TimeDelta) -> String {
        let seconds = length.num_seconds().max(0);
        let (key, count) = match seconds {
            0..=119 => ("units-seconds", seconds),
            120..=7199 => ("units-minutes", seconds / 60),
            7200..=172_799 => ("units-hours", seconds / 3600),
            _ => ("units-days", seconds / 86_400),
        };
        Texts::new(self.locale).with(key, &[("count", count.into())])
    }

    /// Sorts things by their names as the language's dictionaries do.
    pub fn sort_by_name<T>(self, things: &mut [T], name: impl Fn(&T) -> &String) {
        self.tools(|tools| things.sort_by(|a, b| tools.order.compare(name(a), name(b))));
    }

    /// A short length of time with tenths, for steps: `0.8 s`.
    #[must_use]
    pub fn stopwatch(self, length: TimeDelta) -> String {
        let millis = length.num_milliseconds().max(0);
        if millis >= 60_000 {
            return self.duration(length);
        }
        let seconds = Decimal::new(millis, 3);
        Texts::new(self.locale).with("units-stopwatch", &[("value", self.decimal(seconds, 1).into())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn an_instant_is_read_in_the_account_s_own_zone_and_language() {
        let moment = at("2026-11-22T23:30:00Z");
        let casablanca = Formats::new(Locale::Fr, "Africa/Casablanca");
        assert_eq!(casablanca.iso(moment), "2026-11-23T00:30:00+01:00");
        assert_eq!(casablanca.date(moment), "23 novembre 2026");
        assert_eq!(casablanca.time(moment), "00:30");
        assert_eq!(Formats::new(Locale::En, "Pacific/Kiritimati").date(moment), "23 November 2026");
        assert!(Formats::new(Locale::Ar, "no zone").date(moment).contains("2026"));
    }

    #[test]
    fn what_is_near_is_said_as_people_say_it() {
        let formats = Formats::new(Locale::En, "Europe/Paris");
        let now = at("2026-11-22T12:00:00Z");
        assert_eq!(formats.spoken(at("2026-11-22T08:05:00Z"), now), "today at 09:05");
        assert_eq!(formats.spoken(at("2026-11-21T08:05:00Z"), now), "yesterday at 09:05");
        assert_eq!(formats.spoken(at("2026-11-18T08:05:00Z"), now), "Wednesday at 09:05");
        assert_eq!(formats.spoken(at("2026-11-01T08:05:00Z"), now), "1 Nov 2026, 09:05");
    }

    #[test]
    fn money_and_numbers_have_the_language_s_separators() {
        let price = Money::new(1_234_550, Currency::Eur);
        assert_eq!(Formats::new(Locale::En, "UTC").money(price), "€12,345.50");
        assert_eq!(Formats::new(Locale::Fr, "UTC").money(price), "12\u{202f}345,50\u{a0}€");
        assert_eq!(Formats::new(Locale::En, "UTC").price("0.0350".parse().unwrap(), Currency::Mad), "MAD\u{a0}0.035");
        assert_eq!(Formats::new(Locale::En, "UTC").price("0.5".parse().unwrap(), Currency::Eur), "€0.50");
    }

    #[test]
    fn sizes_and_lengths_of_time_use_their_largest_fitting_unit() {
        let formats = Formats::new(Locale::En, "UTC");
        assert_eq!(formats.bytes(999), "999 bytes");
        assert_eq!(formats.bytes(1_250_000_000), "1.3 GB");
        assert_eq!(formats.mebibytes(2048), "2 GB");
        assert_eq!(formats.duration(TimeDelta::seconds(1)), "1 second");
        assert_eq!(formats.duration(TimeDelta::days(3)), "3 days");
        assert_eq!(formats.stopwatch(TimeDelta::milliseconds(840)), "0.8 s");
        for count in [0, 1, 2, 3, 11, 100] {
            assert!(!Formats::new(Locale::Ar, "UTC").duration(TimeDelta::seconds(count)).contains("units"));
        }
    }
}
