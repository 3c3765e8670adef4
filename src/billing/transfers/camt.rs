//! Reads statements in CAMT.053 (ISO 20022), versions 02 to 13: only credits that are booked. Pure.
//!
//! A file that declares anything (a document type, entities) is refused as a whole, so nothing in it is expanded or fetched.

use quick_xml::Reader;
use quick_xml::events::Event;

use super::statement::{self, Line, Problem, Statement, Unreadable, tidy};
use crate::base::money::{Currency, Money};

/// Statements are some twelve deep.
const MAX_DEPTH: usize = 40;

/// So that tiny elements do not fill the memory.
const MAX_ELEMENTS: usize = 300_000;

#[derive(Default)]
struct Element {
    name: String,
    currency: String,
    text: String,
    children: Vec<Element>,
}

impl Element {
    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    fn at(&self, path: &[&str]) -> Option<&Element> {
        path.iter().try_fold(self, |element, name| element.children.iter().find(|child| child.name == *name))
    }

    fn text_at(&self, path: &[&str]) -> &str {
        self.at(path).map(|element| element.text.trim()).unwrap_or_default()
    }

    /// The first of these that says something.
    fn first_of(&self, paths: &[&[&str]]) -> &str {
        paths
            .iter()
            .map(|path| self.text_at(path))
            .find(|text| !text.is_empty() && *text != "NOTPROVIDED")
            .unwrap_or_default()
    }
}

/// Reads a statement.
pub fn read(text: &str) -> Result<Statement, Unreadable> {
    let root = tree(text)?;
    let message = root.at(&["Document", "BkToCstmrStmt"]).ok_or(Problem::UnknownKind.at(0))?;
    let mut statement = Statement::default();
    for of_account in message.all("Stmt") {
        let iban = statement::iban(of_account.text_at(&["Acct", "Id", "IBAN"]));
        if !statement.iban.is_empty() && statement.iban != iban {
            return Err(Problem::SeveralAccounts.at(0));
        }
        statement.iban = iban;
        for (place, entry) in (1..).zip(of_account.all("Ntry")) {
            read_entry(&mut statement, entry, place)?;
        }
    }
    Ok(statement)
}

fn read_entry(statement: &mut Statement, entry: &Element, place: usize) -> Result<(), Unreadable> {
    let status = entry.first_of(&[&["Sts", "Cd"], &["Sts"]]);
    let is_reversal = entry.text_at(&["RvslInd"]) == "true";
    if entry.text_at(&["CdtDbtInd"]) != "CRDT" || is_reversal || status != "BOOK" {
        statement.left_out += 1;
        return Ok(());
    }
    let minor = entry.at(&["Amt"]).and_then(minor).ok_or(Problem::BadAmount.at(place))?;
    let Some(currency) = entry.at(&["Amt"]).and_then(currency) else {
        statement.foreign += 1;
        return Ok(());
    };
    let total = Money::new(minor, currency);
    let day = entry.first_of(&[&["ValDt", "Dt"], &["ValDt", "DtTm"], &["BookgDt", "Dt"], &["BookgDt", "DtTm"]]);
    let value_on = statement::date(day).ok_or(Problem::BadDate.at(place))?;
    let own_ref = entry.text_at(&["AcctSvcrRef"]);
    let parts: Vec<&Element> = entry.all("NtryDtls").flat_map(|details| details.all("TxDtls")).collect();
    let amounts: Option<Vec<i64>> = parts.iter().map(|part| part_amount(part, total.currency)).collect();
    let line = |part: &Element, minor: i64, bank_ref: String| Line {
        amount: Money::new(minor, total.currency),
        value_on,
        bank_ref,
        payer: tidy(
            part.first_of(&[
                &["RltdPties", "Dbtr", "Pty", "Nm"],
                &["RltdPties", "Dbtr", "Nm"],
                &["RltdPties", "UltmtDbtr", "Nm"],
            ]),
            140,
        ),
        payer_iban: statement::iban(part.text_at(&["RltdPties", "DbtrAcct", "Id", "IBAN"])),
        remittance: remittance(entry, part),
    };
    match amounts {
        // One entry for several transfers: each is a line of its own.
        Some(amounts) if parts.len() > 1 && amounts.iter().sum::<i64>() == total.minor => {
            for (number, (part, minor)) in (1..).zip(parts.iter().zip(amounts)) {
                let part_ref = part.first_of(&[&["Refs", "AcctSvcrRef"], &["Refs", "TxId"], &["Refs", "UETR"]]);
                let bank_ref = match (part_ref, own_ref) {
                    ("", "") => String::new(),
                    ("", own) => format!("{}/{number}", tidy(own, 60)),
                    (part, _) => tidy(part, 60),
                };
                statement.lines.push(line(part, minor, bank_ref));
            }
        }
        _ => {
            let nothing = Element::default();
            let part = parts.first().copied().unwrap_or(&nothing);
            let part_ref = part.first_of(&[&["Refs", "AcctSvcrRef"], &["Refs", "TxId"], &["Refs", "UETR"]]);
            let bank_ref = tidy(if own_ref.is_empty() { part_ref } else { own_ref }, 60);
            statement.lines.push(line(part, total.minor, bank_ref));
        }
    }
    Ok(())
}

fn currency(amount: &Element) -> Option<Currency> {
    amount.currency.parse().ok()
}

/// Returns an amount above zero, in the smallest coin.
fn minor(amount: &Element) -> Option<i64> {
    // ISO 20022 has a decimal point and no thousands: what would be ambiguous elsewhere is not here.
    let text = amount.text.trim();
    if text.contains(',') {
        return None;
    }
    statement::minor(&match text.split_once('.') {
        Some((whole, fraction)) => format!("{whole}.{fraction:0<4}"),
        None => text.to_owned(),
    })
    .filter(|minor| *minor > 0)
}

fn part_amount(part: &Element, wanted: Currency) -> Option<i64> {
    let amount = part.at(&["Amt"]).or_else(|| part.at(&["AmtDtls", "TxAmt", "Amt"]))?;
    minor(amount).filter(|_| currency(amount) == Some(wanted))
}

fn remittance(entry: &Element, part: &Element) -> String {
    let mut words: Vec<&str> = Vec::new();
    if let Some(information) = part.at(&["RmtInf"]) {
        words.extend(information.all("Ustrd").map(|text| text.text.trim()));
        for structured in information.all("Strd") {
            words.push(structured.text_at(&["CdtrRefInf", "Ref"]));
            words.extend(structured.all("RfrdDocInf").map(|document| document.text_at(&["Nb"])));
            words.extend(structured.all("AddtlRmtInf").map(|text| text.text.trim()));
        }
    }
    words.push(part.first_of(&[&["Refs", "EndToEndId"]]));
    if words.iter().all(|word| word.is_empty()) {
        words.push(part.text_at(&["AddtlTxInf"]));
        words.push(entry.text_at(&["AddtlNtryInf"]));
    }
    tidy(&words.join(" "), 1000)
}

/// Reads the elements, without namespaces: versions differ in them only.
fn tree(text: &str) -> Result<Element, Unreadable> {
    let bad = Problem::BadXml.at(0);
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = vec![Element::default()];
    let mut count = 0;
    loop {
        match reader.read_event().map_err(|_| bad)? {
            Event::Start(tag) => {
                count += 1;
                if open.len() > MAX_DEPTH || count > MAX_ELEMENTS {
                    return Err(Problem::TooLarge.at(0));
                }
                open.push(begun(&tag).ok_or(bad)?);
            }
            Event::Empty(tag) => {
                count += 1;
                if count > MAX_ELEMENTS {
                    return Err(Problem::TooLarge.at(0));
                }
                let element = begun(&tag).ok_or(bad)?;
                open.last_mut().ok_or(bad)?.children.push(element);
            }
            Event::End(_) => {
                let done = open.pop().ok_or(bad)?;
                open.last_mut().ok_or(bad)?.children.push(done);
            }
            Event::Text(words) => open.last_mut().ok_or(bad)?.text.push_str(&words.xml10_content()),
            Event::CData(words) => open.last_mut().ok_or(bad)?.text.push_str(&words.xml10_content()),
            Event::GeneralRef(reference) => {
                let letter = match reference.resolve_char_ref().map_err(|_| bad)? {
                    Some(letter) => letter,
                    None => match &*reference.xml10_content() {
                        "amp" => '&',
                        "lt" => '<',
                        "gt" => '>',
                        "quot" => '"',
                        "apos" => '\'',
                        // Only a declaration could say what it is.
                        _ => return Err(bad),
                    },
                };
                open.last_mut().ok_or(bad)?.text.push(letter);
            }
            Event::DocType(_) => return Err(bad),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => break,
        }
    }
    match (open.pop(), open.is_empty()) {
        (Some(root), true) => Ok(root),
        _ => Err(bad),
    }
}

fn begun(tag: &quick_xml::events::BytesStart<'_>) -> Option<Element> {
    let name = tag.local_name().into_inner().to_owned();
    let mut currency = String::new();
    for attribute in tag.attributes() {
        let attribute = attribute.ok()?;
        if attribute.key.local_name().into_inner() == "Ccy" {
            attribute.value.trim().clone_into(&mut currency);
        }
    }
    Some(Element { name, currency, ..Element::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(version: &str, entries: &str) -> String {
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"><BkToCstmrStmt>
               <Stmt><Acct><Id><IBAN>FR7630006000011234567890189</IBAN></Id></Acct>{entries}</Stmt></BkToCstmrStmt></Document>"#
        )
    }

    fn entry(sides: &str, amount: &str, details: &str) -> String {
        format!(
            r#"<Ntry><Amt Ccy="EUR">{amount}</Amt>{sides}<ValDt><Dt>2026-11-27</Dt></ValDt><AcctSvcrRef>B1</AcctSvcrRef>{details}</Ntry>"#
        )
    }

    const OLD: &str = "<CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>";
    const NEW: &str = "<CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>";

    #[test]
    fn version_2_and_version_8_say_the_same() {
        let old = "<NtryDtls><TxDtls><RltdPties><Dbtr><Nm>Durand &amp; Fils</Nm></Dbtr><DbtrAcct><Id><IBAN>FR1420041010050500013M02606</IBAN></Id></DbtrAcct></RltdPties><RmtInf><Ustrd>FACTURE</Ustrd><Ustrd>FR-2026-000012</Ustrd></RmtInf></TxDtls></NtryDtls>";
        let new = old
            .replace("<Dbtr><Nm>Durand &amp; Fils</Nm></Dbtr>", "<Dbtr><Pty><Nm>Durand &#38; Fils</Nm></Pty></Dbtr>");
        let first = read(&statement("02", &entry(OLD, "120.00", old))).unwrap();
        assert_eq!(first, read(&statement("08", &entry(NEW, "120", &new))).unwrap());
        let line = &first.lines[0];
        assert_eq!(
            (line.amount.minor, line.payer.as_str(), line.payer_iban.as_str()),
            (12_000, "Durand & Fils", "FR1420041010050500013M02606")
        );
        assert_eq!((line.remittance.as_str(), line.bank_ref.as_str()), ("FACTURE FR-2026-000012", "B1"));
    }

    #[test]
    fn only_credits_that_are_booked_are_read_and_a_collected_one_is_taken_apart() {
        let parts = "<NtryDtls><TxDtls><Refs><TxId>T1</TxId></Refs><AmtDtls><TxAmt><Amt Ccy=\"EUR\">1.00</Amt></TxAmt></AmtDtls></TxDtls><TxDtls><AmtDtls><TxAmt><Amt Ccy=\"EUR\">2.00</Amt></TxAmt></AmtDtls></TxDtls></NtryDtls>";
        let entries = [
            entry(&OLD.replace("CRDT", "DBIT"), "5.00", ""),
            entry(&OLD.replace("BOOK", "PDNG"), "5.00", ""),
            entry(&format!("{OLD}<RvslInd>true</RvslInd>"), "5.00", ""),
            entry(OLD, "5.00", "").replace("EUR", "USD"),
            entry(OLD, "3.00", parts),
        ];
        let read = read(&statement("02", &entries.concat())).unwrap();
        assert_eq!((read.left_out, read.foreign), (3, 1));
        let lines: Vec<(i64, &str)> =
            read.lines.iter().map(|line| (line.amount.minor, line.bank_ref.as_str())).collect();
        assert_eq!(lines, [(100, "T1"), (200, "B1/2")]);
    }

    #[test]
    fn what_declares_anything_or_is_broken_is_refused() {
        let good = statement("02", &entry(OLD, "1.00", ""));
        let bomb =
            good.replace("<Document", "<!DOCTYPE d [<!ENTITY a \"aaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]><Document");
        let outside = good.replace("<Document", "<!DOCTYPE d SYSTEM \"file:///etc/passwd\"><Document");
        let unknown = good.replace("B1", "&b;");
        for text in [bomb.as_str(), &outside, &unknown, &good[..good.len() - 20], "<a></b>", "<a", "<a>"] {
            assert_eq!(read(text).unwrap_err().problem, Problem::BadXml, "{text}");
        }
        assert_eq!(read(&"<a>".repeat(100)).unwrap_err().problem, Problem::TooLarge);
        assert_eq!(read("<a/>").unwrap_err().problem, Problem::UnknownKind);
        for amount in ["-1.00", "1,00", "0", "", "1.001", "1e3"] {
            assert_eq!(
                read(&statement("02", &entry(OLD, amount, ""))).unwrap_err().problem,
                Problem::BadAmount,
                "{amount}"
            );
        }
    }
}
