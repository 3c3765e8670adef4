//! Reads statements as banks give them for spreadsheets: `;`, `,` or tabs, French and English headings, decimal comma or point. Pure.

use super::statement::{self, Line, Problem, Statement, Unreadable, tidy};
use crate::base::money::{Currency, Money};

/// Banks write who they are and which account it is before the headings.
const LINES_BEFORE_HEADINGS: usize = 20;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    ValueDate,
    Date,
    Amount,
    Credit,
    Debit,
    Currency,
    Reference,
    Payer,
    Iban,
    Text,
}

/// Headings, without accents and in lower case.
const HEADINGS: &[(Column, &[&str])] = &[
    (Column::ValueDate, &["date de valeur", "date valeur", "value date", "valeur"]),
    (
        Column::Date,
        &[
            "date",
            "date operation",
            "date d'operation",
            "date de l'operation",
            "date comptable",
            "booking date",
            "transaction date",
        ],
    ),
    (Column::Amount, &["montant", "amount", "montant de l'operation"]),
    (Column::Credit, &["credit", "credits", "montant credit", "credit amount", "paid in"]),
    (Column::Debit, &["debit", "debits", "montant debit", "debit amount", "paid out"]),
    (Column::Currency, &["devise", "currency", "monnaie"]),
    (
        Column::Reference,
        &[
            "reference",
            "ref",
            "reference bancaire",
            "reference banque",
            "bank reference",
            "reference operation",
            "reference de l'operation",
            "transaction id",
            "numero d'operation",
        ],
    ),
    (
        Column::Payer,
        &[
            "payer",
            "donneur d'ordre",
            "emetteur",
            "nom",
            "name",
            "counterparty",
            "contrepartie",
            "tiers",
            "nom du donneur d'ordre",
        ],
    ),
    (
        Column::Iban,
        &[
            "iban",
            "iban donneur d'ordre",
            "counterparty iban",
            "iban contrepartie",
            "compte contrepartie",
            "payer iban",
        ],
    ),
    (
        Column::Text,
        &[
            "libelle",
            "description",
            "remittance",
            "motif",
            "communication",
            "details",
            "label",
            "libelle complementaire",
            "informations",
            "information",
            "message",
        ],
    ),
];

/// Reads a statement; `own` is the currency of lines that do not say theirs.
pub fn read(text: &str, own: Currency) -> Result<Statement, Unreadable> {
    [b';', b',', b'\t']
        .into_iter()
        .find_map(|delimiter| {
            let rows = rows(text, delimiter)?;
            let (place, columns) = headings(&rows)?;
            Some(lines(&rows[place + 1..], &columns, own))
        })
        .unwrap_or(Err(Problem::NoColumns.at(0)))
}

/// Rows with the numbers of their lines.
fn rows(text: &str, delimiter: u8) -> Option<Vec<(usize, Vec<String>)>> {
    let mut reader =
        ::csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.ok()?;
        let place = record.position().map_or(0, |position| usize::try_from(position.line()).unwrap_or(0));
        rows.push((place, record.iter().map(|field| field.trim().to_owned()).collect()));
    }
    Some(rows)
}

/// Finds the row of headings: it names a date and an amount.
fn headings(rows: &[(usize, Vec<String>)]) -> Option<(usize, Vec<Option<Column>>)> {
    rows.iter().take(LINES_BEFORE_HEADINGS).enumerate().find_map(|(place, (_, row))| {
        let columns: Vec<Option<Column>> = row.iter().map(|heading| column(heading)).collect();
        let has = |wanted: &[Column]| columns.iter().flatten().any(|column| wanted.contains(column));
        (has(&[Column::ValueDate, Column::Date]) && has(&[Column::Amount, Column::Credit])).then_some((place, columns))
    })
}

fn column(heading: &str) -> Option<Column> {
    let plain: String = heading
        .to_lowercase()
        .chars()
        .map(|letter| match letter {
            'é' | 'è' | 'ê' | 'ë' => 'e',
            'à' | 'â' => 'a',
            'ô' => 'o',
            'û' | 'ù' => 'u',
            'î' | 'ï' => 'i',
            '’' => '\'',
            '_' | '\u{a0}' => ' ',
            letter => letter,
        })
        .collect();
    // `Montant (EUR)`, `Montant EUR`.
    let plain = plain.split('(').next().unwrap_or_default().trim();
    let plain = plain
        .strip_suffix(" eur")
        .or_else(|| plain.strip_suffix(" mad"))
        .or_else(|| plain.strip_suffix(" euros"))
        .unwrap_or(plain);
    HEADINGS.iter().find(|(_, names)| names.contains(&plain)).map(|(column, _)| *column)
}

fn lines(rows: &[(usize, Vec<String>)], columns: &[Option<Column>], own: Currency) -> Result<Statement, Unreadable> {
    let mut statement = Statement::default();
    for (place, row) in rows {
        let all = |wanted: Column| {
            let texts = columns
                .iter()
                .zip(row)
                .filter(move |(column, _)| **column == Some(wanted))
                .map(|(_, text)| text.as_str());
            texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
        };
        let (amount, credit) = (all(Column::Amount), all(Column::Credit));
        let day =
            [all(Column::ValueDate), all(Column::Date)].into_iter().find(|day| !day.is_empty()).unwrap_or_default();
        if row.iter().all(String::is_empty) {
            continue;
        }
        let text = if credit.is_empty() { &amount } else { &credit };
        if text.is_empty() {
            // A debit, or what a bank writes below its table.
            statement.left_out += 1;
            continue;
        }
        let minor = statement::minor(text).ok_or(Problem::BadAmount.at(*place))?;
        if minor <= 0 {
            statement.left_out += 1;
            continue;
        }
        let value_on = statement::date(&day).ok_or(Problem::BadDate.at(*place))?;
        let currency = all(Column::Currency);
        let currency = if currency.is_empty() { Ok(own) } else { currency.parse::<Currency>() };
        let Ok(currency) = currency else {
            statement.foreign += 1;
            continue;
        };
        statement.lines.push(Line {
            amount: Money::new(minor, currency),
            value_on,
            bank_ref: tidy(&all(Column::Reference), 60),
            payer: tidy(&all(Column::Payer), 140),
            payer_iban: statement::iban(&all(Column::Iban)),
            remittance: tidy(&all(Column::Text), 1000),
        });
    }
    Ok(statement)
}

#[cfg(test)]
mod tests {
    use super::super::statement::{MAX_BYTES, read};
    use super::*;

    fn only(text: &str) -> Line {
        let mut statement = read(text, Currency::Eur).unwrap();
        assert_eq!(statement.lines.len(), 1, "{statement:?}");
        statement.lines.remove(0)
    }

    #[test]
    fn a_french_and_an_english_export_say_the_same() {
        let french = "Banque de l’Exemple\nCompte;FR76\n\nDate opération;Date de valeur;Libellé;Référence;Débit;Crédit;Devise\n\
                      27/11/2026;28/11/2026;VIR FR-2026-000012;B77;;\"1 234,56\";EUR\n28/11/2026;28/11/2026;FRAIS;B78;12,00;;EUR\n";
        let english = "Date,Value date,Description,Bank reference,Amount,Currency\n\
                       2026-11-27,2026-11-28,VIR FR-2026-000012,B77,\"1,234.56\",EUR\n2026-11-28,2026-11-28,FEES,B78,-12.00,EUR\n";
        assert_eq!(only(french), only(english));
        assert_eq!(only(french).amount.minor, 123_456);
        assert_eq!(read(french, Currency::Eur).unwrap().left_out, 1);
    }

    #[test]
    fn the_same_file_makes_the_same_names_and_equal_lines_stay_two() {
        let text = "date;montant;libellé\n28/11/2026;10,00;merci\n28/11/2026;10,00;merci\n";
        let (first, again) = (read(text, Currency::Eur).unwrap(), read(text, Currency::Eur).unwrap());
        assert_eq!(first, again);
        assert_ne!(first.lines[0].bank_ref, first.lines[1].bank_ref);
        let longer = format!("{text}29/11/2026;10,00;merci\n");
        assert_eq!(read(&longer, Currency::Eur).unwrap().lines[..2], first.lines);
    }

    #[test]
    fn nothing_is_guessed() {
        let problem = |text: &str| read(text, Currency::Eur).unwrap_err();
        assert_eq!(problem("a;b\n1;2\n").problem, Problem::NoColumns);
        assert_eq!(problem("date;montant\n28/11/2026;1.234\n"), Problem::BadAmount.at(2));
        assert_eq!(problem("date;montant\n11/28/2026;12,00\n"), Problem::BadDate.at(2));
        assert_eq!(problem(&" ".repeat(MAX_BYTES + 1)).problem, Problem::TooLarge);
        let dollars = read("date;montant;devise\n28/11/2026;12,00;USD\n", Currency::Eur).unwrap();
        assert_eq!((dollars.lines.len(), dollars.foreign), (0, 1));
    }
}
