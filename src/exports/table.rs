//! Rows as CSV or as one JSON array, part by part (Parquet is made of the CSV: columnar.rs). Every cell is a text: spreadsheets and JavaScript would round numbers. Pure.

use super::text::{harmless, push_csv, push_json};

/// What an export is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values with a line of names, for spreadsheets.
    Csv,
    /// One array of objects.
    Json,
    /// Columns with types, packed: for programs that read much.
    Parquet,
}

impl Format {
    /// Returns the media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Json => "application/json",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// Returns the end of the file's name.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Parquet => "parquet",
        }
    }
}

/// A column: its name, and whether people write what stands in it.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    is_text: bool,
}

/// A column of ids, words of ours, instants and numbers.
#[must_use]
pub const fn exact(name: &'static str) -> Column {
    Column { name, is_text: false }
}

/// A column that people write into: neutralised in CSV.
#[must_use]
pub const fn text(name: &'static str) -> Column {
    Column { name, is_text: true }
}

/// A row: one cell for each column, in their order.
pub type Row = Vec<Option<String>>;

/// Writes a table.
#[derive(Debug)]
pub struct Table {
    columns: &'static [Column],
    format: Format,
    is_begun: bool,
}

impl Table {
    /// Begins one.
    #[must_use]
    pub fn new(columns: &'static [Column], format: Format) -> Self {
        Self { columns, format, is_begun: false }
    }

    /// Writes the next rows, with the beginning before the first and the end after the last.
    pub fn part<'a>(&mut self, rows: impl IntoIterator<Item = &'a Row>, is_last: bool) -> Vec<u8> {
        let mut out = Vec::new();
        match self.format {
            // Parquet is made of the CSV.
            Format::Csv | Format::Parquet => self.csv(rows, &mut out),
            Format::Json => self.json(rows, is_last, &mut out),
        }
        out
    }

    fn csv<'a>(&mut self, rows: impl IntoIterator<Item = &'a Row>, out: &mut Vec<u8>) {
        if !self.is_begun {
            self.is_begun = true;
            let names: Vec<&str> = self.columns.iter().map(|column| column.name).collect();
            out.extend_from_slice(names.join(",").as_bytes());
            out.push(b'\n');
        }
        for row in rows {
            for (number, (column, cell)) in self.columns.iter().zip(row).enumerate() {
                if number > 0 {
                    out.push(b',');
                }
                let cell = cell.as_deref().unwrap_or_default();
                if column.is_text { push_csv(out, &harmless(cell)) } else { push_csv(out, cell) }
            }
            out.push(b'\n');
        }
    }

    fn json<'a>(&mut self, rows: impl IntoIterator<Item = &'a Row>, is_last: bool, out: &mut Vec<u8>) {
        for row in rows {
            out.extend_from_slice(if self.is_begun { b",\n" } else { b"[\n" });
            self.is_begun = true;
            for (number, (column, cell)) in self.columns.iter().zip(row).enumerate() {
                out.push(if number > 0 { b',' } else { b'{' });
                push_json(out, column.name);
                out.push(b':');
                match cell {
                    Some(cell) => push_json(out, cell),
                    None => out.extend_from_slice(b"null"),
                }
            }
            out.push(b'}');
        }
        if is_last {
            out.extend_from_slice(if self.is_begun { b"\n]\n" } else { b"[\n]\n" });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[text("name"), exact("amount")];

    fn row(name: &str, amount: Option<&str>) -> Row {
        vec![Some(name.to_owned()), amount.map(str::to_owned)]
    }

    #[test]
    fn parts_make_one_file_in_which_numbers_stay_exact() {
        let rows = [row("=cmd", Some("-0.10")), row("b, c", None)];
        let mut csv = Table::new(COLUMNS, Format::Csv);
        let whole = [csv.part(&rows[..1], false), csv.part(&rows[1..], true)].concat();
        assert_eq!(String::from_utf8(whole).unwrap(), "name,amount\n'=cmd,-0.10\n\"b, c\",\n");
        let mut json = Table::new(COLUMNS, Format::Json);
        let whole = [json.part(&rows[..1], false), json.part(&rows[1..], true)].concat();
        let read: Vec<serde_json::Value> = serde_json::from_slice(&whole).unwrap();
        assert_eq!(read[0], serde_json::json!({"name": "=cmd", "amount": "-0.10"}));
        assert!(read[1]["amount"].is_null());
        assert_eq!(Table::new(COLUMNS, Format::Json).part([], true), b"[\n]\n");
        assert_eq!(Table::new(COLUMNS, Format::Csv).part([], true), b"name,amount\n");
    }
}
