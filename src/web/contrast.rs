//! Computes the contrast of every pair of colours that meet on a page, in both themes, from `static/css/tokens.css` (WCAG 2.2).

use std::collections::HashMap;

const TOKENS: &str = include_str!("../../static/css/tokens.css");

/// What words are written in, and what may lie under them: 4.5 to 1.
const TEXT: [(&str, &[&str]); 11] = [
    ("text", &["ground", "surface", "sunken", "hover", "accent-soft", "good-soft", "warn-soft", "bad-soft"]),
    ("text-quiet", &["ground", "surface", "sunken", "hover"]),
    ("accent", &["ground", "surface", "sunken", "accent-soft"]),
    ("on-accent", &["accent-fill", "accent-fill-hover"]),
    ("on-bad", &["bad-fill", "bad-fill-hover"]),
    ("good", &["surface", "good-soft"]),
    ("busy", &["surface", "busy-soft"]),
    ("sleep", &["surface", "sleep-soft"]),
    ("warn", &["surface", "warn-soft"]),
    ("bad", &["surface", "ground", "bad-soft"]),
    ("ground", &["text"]),
];

/// Shapes that carry a meaning: 3 to 1.
const SHAPES: [(&str, &[&str]); 4] = [
    ("line-strong", &["surface", "ground"]),
    ("focus", &["surface", "ground", "sunken", "accent-soft"]),
    ("accent-fill", &["surface", "ground"]),
    ("bad-fill", &["surface"]),
];

/// Role → colour in one theme. `theme` is 0 for light, 1 for dark.
fn colours(theme: usize) -> HashMap<&'static str, [f64; 3]> {
    let lines = TOKENS.lines().filter_map(|line| line.trim().strip_prefix("--")?.split_once(": light-dark(#"));
    lines
        .filter_map(|(role, rest)| {
            let both: Vec<&str> = rest.trim_end_matches(");").split(", ").collect();
            let hex = both.get(theme)?.trim_start_matches('#');
            let part =
                |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok().map(|part| f64::from(part) / 255.0);
            Some((role, [part(0)?, part(2)?, part(4)?]))
        })
        .collect()
}

fn luminance(colour: [f64; 3]) -> f64 {
    let [red, green, blue] =
        colour.map(|part| if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn every_pair_of_colours_that_meet_can_be_told_apart_in_both_themes() {
    for (theme, name) in ["light", "dark"].into_iter().enumerate() {
        let colours = colours(theme);
        let pairs = TEXT.iter().map(|pair| (pair, 4.5)).chain(SHAPES.iter().map(|pair| (pair, 3.0)));
        for ((front, grounds), least) in pairs {
            for ground in *grounds {
                let found = contrast(colours[front], colours[ground]);
                assert!(found >= least, "{front} on {ground} is {found:.2} in the {name} theme, not {least}");
            }
        }
    }
}
