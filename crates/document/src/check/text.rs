//! Characters that have no place in a document: they cannot be written as XML, or they make a name look like another one.

use crate::document::Document;

/// Returns the text as a document may carry it: without control characters (a line break stays) and without the characters that turn
/// the direction of what follows. Whoever makes a document does this with names that people typed, so that the record, the PDF and
/// the XML say the same.
#[must_use]
pub fn clean(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}'], "\n").replace('\t', " ");
    text.chars().filter(|it| !is_harmful(*it)).collect::<String>().trim().to_owned()
}

fn is_harmful(character: char) -> bool {
    let is_control = character.is_control() && character != '\n';
    let is_override = matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    // The byte order mark, and what is no character at all.
    let is_none = character == '\u{FEFF}' || (character as u32) & 0xFFFE == 0xFFFE || is_noncharacter(character);
    is_control || is_override || is_none
}

fn is_noncharacter(character: char) -> bool {
    matches!(character, '\u{FDD0}'..='\u{FDEF}' | '\u{2028}' | '\u{2029}')
}

/// Reports each text of the document that [`clean`] would change, and each that is too long to be set.
pub(super) fn look_at(document: &Document, report: &mut impl FnMut(&'static str, String, String)) {
    let value = serde_json::to_value(document).expect("a document is plain data");
    walk(&value, String::new(), report);
}

fn walk(value: &serde_json::Value, at: String, report: &mut impl FnMut(&'static str, String, String)) {
    match value {
        serde_json::Value::String(text) => {
            if text.chars().any(is_harmful) {
                report("unsafe_text", at.clone(), "a control character, or one that turns the direction".to_owned());
            }
            if text.chars().count() > 2000 {
                report("too_long", at, "more than 2000 characters".to_owned());
            }
        }
        serde_json::Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, format!("{at}[{index}]"), report);
            }
        }
        serde_json::Value::Object(fields) => {
            for (name, field) in fields {
                let at = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                walk(field, at, report);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn what_turns_the_direction_is_taken_out_and_what_people_write_stays() {
        assert_eq!(clean("Sayoo\u{202E}knaB\u{2066}"), "SayooknaB");
        assert_eq!(clean(" a\u{0}b\u{7}\r\nc\td "), "ab\nc d");
        assert_eq!(clean("شركة & <b> 🚀 é"), "شركة & <b> 🚀 é");
    }
}
