//! Writes mails in the receiver's language. Pure.

use askama::Template;
use fluent_bundle::FluentValue;

use super::Message;
use crate::i18n::{Locale, Texts};

/// What a mail says: texts by key (`mail-<name>-subject`, `-text`, `-action`, `-note`), values, and at most one link.
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    /// The receiver's address.
    pub to: &'a str,
    /// The receiver's language.
    pub locale: Locale,
    /// The mail's name in the keys of its texts.
    pub name: &'a str,
    /// What is put into the texts.
    pub values: &'a [(&'a str, String)],
    /// Where its one button leads.
    pub link: Option<String>,
    /// The company that sends it.
    pub company: &'a str,
    /// The portal's address.
    pub portal_url: &'a str,
}

#[derive(Template)]
#[template(path = "emails/letter.html")]
struct LetterHtml {
    layout: MailLayout,
    subject: String,
    text: Vec<String>,
    action: Option<(String, String)>,
    note: String,
    foot: String,
}

/// What the layout of mails asks for.
struct MailLayout {
    lang: &'static str,
    dir: &'static str,
}

/// Writes the mail.
pub fn write(draft: &Draft<'_>) -> anyhow::Result<Message> {
    let texts = Texts::new(draft.locale);
    let mut values: Vec<(&str, FluentValue<'_>)> =
        draft.values.iter().map(|(name, value)| (*name, one_line(value).into())).collect();
    values.push(("company", draft.company.into()));
    let say = |part: &str| texts.with(&format!("mail-{}-{part}", draft.name), &values);
    let subject = one_line(&say("subject"));
    let paragraphs: Vec<String> = say("text").split("\n\n").map(|part| part.replace('\n', " ")).collect();
    let action = draft.link.as_ref().map(|link| (say("action"), link.clone()));
    let foot = texts.with("mail-foot", &[("company", draft.company.into()), ("address", draft.portal_url.into())]);
    let note = say("note");

    let mut text = paragraphs.join("\n\n");
    if let Some((label, link)) = &action {
        text.push_str(&format!("\n\n{label}:\n{link}"));
    }
    text.push_str(&format!("\n\n{note}\n\n-- \n{foot}\n"));
    let layout = MailLayout { lang: draft.locale.code(), dir: draft.locale.dir() };
    let html = LetterHtml { layout, subject: subject.clone(), text: paragraphs, action, note, foot }.render()?;
    Ok(Message { to: draft.to.to_owned(), subject, text, html, attachments: Vec::new() })
}

/// Control characters in a name must not begin a new header line, nor a new line at all.
fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_begin_a_header_or_a_tag() {
        let values = [("name", "Eve\r\nBcc: all@example.com <b>".to_owned())];
        let draft = Draft {
            to: "eve@example.com",
            locale: Locale::Fr,
            name: "verify",
            values: &values,
            link: Some("https://portal.example.com/verify/x".to_owned()),
            company: "Sayoo",
            portal_url: "https://portal.example.com",
        };
        let message = write(&draft).unwrap();
        assert!(!message.subject.contains('\n'));
        assert!(!message.html.contains("<b>"), "{}", message.html);
        assert!(message.text.contains("https://portal.example.com/verify/x"));
        assert!(!message.text.contains("mail-"), "a text is missing: {}", message.text);
    }
}
