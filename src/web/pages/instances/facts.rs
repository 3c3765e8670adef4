//! Words about plans and instances that several pages show.

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
        said.key,
        &[
            ("when", when.into()),
            ("reason", reason.into()),
            ("usual", usual.into()),
            ("company", layout.public.company.clone().into()),
        ],
    )
}

/// Returns how long a creation usually takes, in words.
pub fn usual_words(formats: Formats, usual_seconds: Option<f64>) -> String {
    /// Said while there is nothing to go by.
    const GUESS: f64 = 5.0;
    let seconds = usual_seconds.unwrap_or(GUESS).max(1.0).ceil();
    // Creations take seconds to minutes: far from the limits of either type.
    formats.duration(chrono::TimeDelta::milliseconds(format!("{:.0}", seconds * 1000.0).parse().unwrap_or(5_000)))
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
