//! Names as they may stand in files: no spreadsheet runs them, no reader is shown them in another order. Pure.

use std::borrow::Cow;

/// Whether a character changes the order in which others are shown, or nothing but the reader's mind.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200E}' | '\u{200F}' | '\u{061C}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}' | '\0')
}

/// Returns the text without what would show it in another order.
#[must_use]
pub fn plain(text: &str) -> Cow<'_, str> {
    if text.contains(is_invisible) { Cow::Owned(text.replace(is_invisible, "")) } else { Cow::Borrowed(text) }
}

/// Returns the text so that a spreadsheet shows it and runs nothing.
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    let text = plain(text);
    // Spreadsheets skip spaces before a formula; some read the wide forms as the usual ones.
    let first = text.trim_start_matches([' ', '\u{A0}', '\u{3000}']).chars().next();
    let is_formula = first.is_some_and(|first| "=+-@|%\t\r\n＝＋－＠".contains(first));
    if is_formula { Cow::Owned(format!("'{text}")) } else { text }
}

/// Returns the text on one line, with nothing in it that divides fields.
#[must_use]
pub fn one_line(text: &str) -> String {
    let words = plain(text).replace(|letter: char| letter.is_control() || letter == '|', " ");
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Writes a field of a CSV file.
pub fn push_csv(out: &mut Vec<u8>, field: &str) {
    if !field.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\r' | b'\n')) {
        out.extend_from_slice(field.as_bytes());
        return;
    }
    out.push(b'"');
    out.extend_from_slice(field.replace('"', "\"\"").as_bytes());
    out.push(b'"');
}

/// Writes a text of a JSON file. What would be shown in another order is written by its number: it is read back as it was.
pub fn push_json(out: &mut Vec<u8>, text: &str) {
    // A text always becomes JSON.
    let quoted = serde_json::to_string(text).unwrap_or_default();
    for letter in quoted.chars() {
        if is_invisible(letter) {
            out.extend_from_slice(format!("\\u{:04x}", u32::from(letter)).as_bytes());
        } else {
            out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_never_becomes_a_formula_nor_runs_backwards() {
        for bad in ["=1", "+1", "-1", "@x", "\tx", "\rx", "\n=x", " =1", "\u{202E}=1", "＝1", "|calc", "%x"] {
            assert!(harmless(bad).starts_with('\''), "{bad:?}");
        }
        for good in ["Zoé & Söhne", "عليّ وشركاه", "A-1", "", "1+1", "x=\u{1F600}"] {
            assert_eq!(harmless(good), good);
        }
        assert_eq!(harmless("evil\u{202E}fdp.exe\u{202C}"), "evilfdp.exe");
        assert_eq!(one_line("a\tb|c\r\nd\u{2067}"), "a b c d");
    }

    #[test]
    fn fields_read_back_as_they_were() {
        let text = "a \"b\", c\r\nd\u{202E}é";
        let mut csv = Vec::new();
        push_csv(&mut csv, text);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv.as_slice());
        assert_eq!(&reader.records().next().unwrap().unwrap()[0], text);
        let mut json = Vec::new();
        push_json(&mut json, text);
        assert!(String::from_utf8_lossy(&json).contains("\\u202e"));
        assert_eq!(serde_json::from_slice::<String>(&json).unwrap(), text);
    }
}
