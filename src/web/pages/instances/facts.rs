//! Words about plans and instances that several pages show.

use std::time::Duration;

use chrono::TimeDelta;

use crate::environments::sentence::Sentence;
use crate::i18n::format::Formats;
use crate::plans::Version;
use crate::web::layout::Layout;
use crate::web::pages::pricing;

/// Returns what a plan gives, one line each.
pub fn of_plan(layout: &Layout, formats: Formats, version: &Version) -> Vec<String> {
    pricing::features(layout, formats, &version.resources)
}

/// Returns the state of an instance as a whole sentence.
pub fn of_state(layout: &Layout, formats: Formats, said: &Sentence, usual_seconds: Option<f64>) -> String {
    let when = formats.spoken(said.at, layout.now);
    let reason =
        said.reason.clone().or_else(|| said.reason_key.as_ref().map(|key| reason(layout, key))).unwrap_or_default();
    let usual = usual_words(formats, usual_seconds);
    layout.texts.with(
        with_usual(said.key, usual.is_some()),
        &[
            ("when", when.into()),
            ("reason", reason.into()),
            ("usual", usual.unwrap_or_default().into()),
            ("company", layout.public.company.clone().into()),
        ],
    )
}

/// Returns the key of a sentence: that of the one with the usual time, when that is known and the sentence has one.
fn with_usual(key: &'static str, is_known: bool) -> &'static str {
    match key {
        "sentence-being-made" if is_known => "sentence-being-made-usual",
        _ => key,
    }
}

/// Returns how long a creation usually takes, in words; nothing while none was made here.
pub fn usual_words(formats: Formats, usual_seconds: Option<f64>) -> Option<String> {
    let time = Duration::try_from_secs_f64(usual_seconds?.max(1.0).ceil()).ok()?;
    Some(formats.duration(TimeDelta::from_std(time).ok()?))
}

/// Returns the sentence of a reason that the worker gave; a reason that nobody has translated is said in general.
pub fn reason(layout: &Layout, key: &str) -> String {
    let text = layout.t(key);
    if text == key { layout.t("reason-unknown") } else { text }
}

/// Returns a key with its dots as hyphens, as keys of texts are written.
pub fn key(prefix: &str, kind: &str) -> String {
    format!("{prefix}{}", kind.replace('.', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Locale;

    #[test]
    fn the_usual_time_is_said_once_it_was_measured_and_never_guessed() {
        let formats = Formats::new(Locale::En, "UTC");
        assert_eq!(usual_words(formats, None), None);
        assert_eq!(usual_words(formats, Some(0.2)).unwrap(), formats.duration(TimeDelta::seconds(1)));
        assert_eq!(usual_words(formats, Some(2.3)).unwrap(), formats.duration(TimeDelta::seconds(3)));
        for never in [f64::NAN, f64::INFINITY] {
            usual_words(formats, Some(never));
        }
    }

    #[test]
    fn only_the_sentence_of_a_creation_has_a_usual_time() {
        assert_eq!(with_usual("sentence-being-made", true), "sentence-being-made-usual");
        assert_eq!(with_usual("sentence-being-made", false), "sentence-being-made");
        assert_eq!(with_usual("sentence-running", true), "sentence-running");
    }
}
