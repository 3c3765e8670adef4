//! Rows as Parquet: what CSV says, with exact types. Row group by row group, so that length does not matter. The only file that
//! names the parquet crate.
//!
//! It reads the CSV that an export writes, so that both can never say different things: an empty field is null, texts are as in CSV.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate};
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{
    ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{Type, TypePtr};

use crate::db::StoreError;

/// Rows that are kept until they are written together. With FOCUS's sixty-five columns that is some ten megabytes.
const GROUP: usize = 20_000;

/// Digits that a decimal may have: as many as fit into sixteen bytes.
const PRECISION: i32 = 38;

/// Decimals of FOCUS's numbers: a quantity has four, a price six, their product ten.
const FOCUS_SCALE: u32 = 12;

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    /// A number with so many decimals, exactly.
    Decimal(u32),
    /// A whole number of ours.
    Whole,
    /// An instant, to the microsecond.
    Instant,
    Day,
}

/// Why rows cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ColumnarError {
    /// A field is not of its column's type, or has no room in it. Nothing is ever rounded.
    #[error("{text:?} does not fit into the column {column}")]
    Misfit {
        /// The column's name.
        column: String,
        /// What stood there.
        text: String,
    },
    /// The export's own lines cannot be read.
    #[error("a line cannot be read")]
    Csv(#[from] csv::Error),
    /// The file cannot be written.
    #[error("a Parquet file cannot be written")]
    Parquet(#[from] ParquetError),
    /// Its memory cannot be written to.
    #[error("a Parquet file cannot be kept in memory")]
    Io(#[from] std::io::Error),
}

impl From<ColumnarError> for StoreError {
    fn from(error: ColumnarError) -> Self {
        sqlx::Error::Decode(Box::new(error)).into()
    }
}

/// Returns what stands in a column of one of our exports.
fn kind(name: &str) -> Kind {
    if name.starts_with(|letter: char| letter.is_ascii_uppercase()) {
        return focus_kind(name);
    }
    if name.ends_with("_covered_seconds") {
        return Kind::Whole;
    }
    match name {
        "revision" | "tier" | "plan_version" | "line" | "position" | "seq" | "active_users_of_day" => Kind::Whole,
        "used_raw"
        | "carry_in_raw"
        | "carry_out_raw"
        | "cpu_us"
        | "memory_byte_seconds"
        | "database_byte_seconds"
        | "egress_bytes"
        | "requests" => Kind::Decimal(0),
        "net" | "vat" | "gross" | "paid" | "line_net" | "vat_rate" | "amount" | "allocated" | "debit" | "credit" => {
            Kind::Decimal(2)
        }
        "quantity" => Kind::Decimal(4),
        "unit_price" => Kind::Decimal(6),
        "period_from" | "period_until" | "of_period_from" | "of_period_until" | "from" | "until" | "booked_at"
        | "hour" => Kind::Instant,
        "issued_on" | "due_on" | "on" | "effective_on" => Kind::Day,
        _ => Kind::Text,
    }
}

/// FOCUS's own rules for names: what ends in these words is a number or an instant.
fn focus_kind(name: &str) -> Kind {
    let ends = |words: &[&str]| words.iter().any(|word| name.ends_with(word));
    if ends(&["Cost", "UnitPrice", "Quantity"]) {
        Kind::Decimal(FOCUS_SCALE)
    } else if ends(&["PeriodStart", "PeriodEnd", "Created", "LastUpdated", "IssueDate", "DueDate"]) {
        Kind::Instant
    } else {
        Kind::Text
    }
}

/// A number as a whole one of its last decimal; `None` when it has more decimals or digits than there is room for.
fn unscaled(text: &str, scale: u32) -> Option<i128> {
    let (is_negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let places = usize::try_from(scale).ok()?;
    let kept = fraction.get(..places.min(fraction.len()))?;
    if whole.is_empty() || fraction[kept.len()..].bytes().any(|digit| digit != b'0') {
        return None;
    }
    let digits = format!("{whole}{kept:0<places$}");
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) || digits.trim_start_matches('0').len() > 38 {
        return None;
    }
    let value: i128 = digits.parse().ok()?;
    Some(if is_negative { -value } else { value })
}

/// What was read of one column and is not written yet.
#[derive(Debug)]
struct Column {
    name: String,
    kind: Kind,
    /// Of each row, whether something stands there.
    levels: Vec<i16>,
    texts: Vec<ByteArray>,
    decimals: Vec<FixedLenByteArray>,
    wholes: Vec<i64>,
    days: Vec<i32>,
}

impl Column {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind(name),
            levels: Vec::new(),
            texts: Vec::new(),
            decimals: Vec::new(),
            wholes: Vec::new(),
            days: Vec::new(),
        }
    }

    fn schema(&self) -> Result<TypePtr, ParquetError> {
        let (physical, logical) = match self.kind {
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Decimal(scale) => {
                let scale = i32::try_from(scale).unwrap_or(0);
                (Physical::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::decimal(scale, PRECISION)))
            }
            Kind::Whole => (Physical::INT64, None),
            Kind::Instant => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
            Kind::Day => (Physical::INT32, Some(LogicalType::Date)),
        };
        let mut builder = Type::primitive_type_builder(&self.name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical);
        if let Kind::Decimal(scale) = self.kind {
            let scale = i32::try_from(scale).unwrap_or(0);
            builder = builder.with_length(16).with_precision(PRECISION).with_scale(scale);
        }
        Ok(Arc::new(builder.build()?))
    }

    fn push(&mut self, text: &str) -> Result<(), ColumnarError> {
        if text.is_empty() {
            self.levels.push(0);
            return Ok(());
        }
        let misfit = || ColumnarError::Misfit { column: self.name.clone(), text: text.to_owned() };
        match self.kind {
            Kind::Text => self.texts.push(text.as_bytes().to_vec().into()),
            Kind::Decimal(scale) => {
                let value = unscaled(text, scale).ok_or_else(misfit)?;
                self.decimals.push(value.to_be_bytes().to_vec().into());
            }
            Kind::Whole => self.wholes.push(text.parse().map_err(|_| misfit())?),
            Kind::Instant => {
                let at = DateTime::parse_from_rfc3339(text).map_err(|_| misfit())?;
                self.wholes.push(at.timestamp_micros());
            }
            Kind::Day => {
                let day: NaiveDate = text.parse().map_err(|_| misfit())?;
                let days = (day - DateTime::UNIX_EPOCH.date_naive()).num_days();
                self.days.push(i32::try_from(days).map_err(|_| misfit())?);
            }
        }
        self.levels.push(1);
        Ok(())
    }

    fn write(&mut self, group: &mut SerializedRowGroupWriter<'_, Vec<u8>>) -> Result<(), ColumnarError> {
        match self.kind {
            Kind::Text => put::<ByteArrayType>(group, &self.texts, &self.levels)?,
            Kind::Decimal(_) => put::<FixedLenByteArrayType>(group, &self.decimals, &self.levels)?,
            Kind::Whole | Kind::Instant => put::<Int64Type>(group, &self.wholes, &self.levels)?,
            Kind::Day => put::<Int32Type>(group, &self.days, &self.levels)?,
        }
        self.levels.clear();
        self.texts.clear();
        self.decimals.clear();
        self.wholes.clear();
        self.days.clear();
        Ok(())
    }
}

fn put<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    values: &[T::T],
    levels: &[i16],
) -> Result<(), ColumnarError> {
    let none = || ParquetError::General("a column too many".to_owned());
    let mut column = group.next_column()?.ok_or_else(none)?;
    column.typed::<T>().write_batch(values, Some(levels), None)?;
    Ok(column.close()?)
}

/// Turns the CSV of an export, part by part, into a Parquet file.
#[derive(Default)]
pub struct Columnar {
    columns: Vec<Column>,
    waiting: usize,
    rows: u64,
    writer: Option<SerializedFileWriter<Vec<u8>>>,
}

impl std::fmt::Debug for Columnar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Columnar").field("rows", &self.rows).finish_non_exhaustive()
    }
}

impl Columnar {
    /// How many rows were read.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Reads whole lines of CSV, the very first of which holds names. Returns what can be written of the file by now; often nothing.
    pub fn feed(&mut self, lines: &[u8]) -> Result<Vec<u8>, ColumnarError> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(false).from_reader(lines);
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record)? {
            if self.writer.is_none() {
                self.begin(&record)?;
                continue;
            }
            for (column, field) in self.columns.iter_mut().zip(&record) {
                column.push(field)?;
            }
            self.rows += 1;
            self.waiting += 1;
            if self.waiting == GROUP {
                self.flush()?;
            }
        }
        self.taken()
    }

    /// Returns the rest of the file. Nothing when not even names were read.
    pub fn finish(&mut self) -> Result<Vec<u8>, ColumnarError> {
        self.flush()?;
        match &mut self.writer {
            None => Ok(Vec::new()),
            Some(writer) => {
                writer.finish()?;
                self.taken()
            }
        }
    }

    fn begin(&mut self, names: &csv::StringRecord) -> Result<(), ColumnarError> {
        self.columns = names.iter().map(Column::new).collect();
        let fields = self.columns.iter().map(Column::schema).collect::<Result<Vec<_>, _>>()?;
        let schema = Type::group_type_builder("rows").with_fields(fields).build()?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(String::from("sayoo"))
            .build();
        self.writer = Some(SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties))?);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ColumnarError> {
        let Some(writer) = self.writer.as_mut().filter(|_| self.waiting > 0) else { return Ok(()) };
        let mut group = writer.next_row_group()?;
        for column in &mut self.columns {
            column.write(&mut group)?;
        }
        group.close()?;
        self.waiting = 0;
        Ok(())
    }

    /// Takes what was written. Places in the file are counted by the writer, not by what is left in the memory.
    fn taken(&mut self) -> Result<Vec<u8>, ColumnarError> {
        let Some(writer) = &mut self.writer else { return Ok(Vec::new()) };
        writer.flush()?;
        Ok(std::mem::take(writer.inner_mut()))
    }
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::RowAccessor;

    use super::*;

    #[test]
    fn numbers_are_exact_or_refused() {
        for (text, scale, value) in [
            ("0", 2, Some(0)),
            ("-12.50", 2, Some(-1_250)),
            ("12.5", 4, Some(125_000)),
            ("12.5000", 2, Some(1_250)),
            ("12.505", 2, None),
            ("1e5", 2, None),
            ("", 0, None),
            ("--1", 0, None),
            ("1.2.3", 4, None),
            ("99999999999999999999999999999999999999", 0, Some(99_999_999_999_999_999_999_999_999_999_999_999_999)),
            ("999999999999999999999999999999999999999", 0, None),
            ("99999999999999999999999999999999999999", 2, None),
        ] {
            assert_eq!(unscaled(text, scale), value, "{text} {scale}");
        }
    }

    fn file(parts: &[&str]) -> bytes::Bytes {
        let mut columnar = Columnar::default();
        let mut out = Vec::new();
        for part in parts {
            out.extend(columnar.feed(part.as_bytes()).unwrap());
        }
        out.extend(columnar.finish().unwrap());
        out.into()
    }

    #[test]
    fn parts_make_one_file_with_types_that_its_reader_knows() {
        let names = "customer,amount,on,from,line\n";
        let rows = "\"Zoé, \"\"x\"\"\",-0.10,2026-03-01,2026-03-01T00:00:00.5Z,7\n,,,,\n";
        let reader = SerializedFileReader::new(file(&[names, rows, rows])).unwrap();
        let meta = reader.metadata().file_metadata();
        assert_eq!((meta.num_rows(), meta.schema_descr().num_columns()), (4, 5));
        let amount = meta.schema_descr().column(1);
        assert_eq!(amount.logical_type_ref(), Some(&LogicalType::decimal(2, 38)));
        let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        assert_eq!(rows[0].get_string(0).unwrap(), "Zoé, \"x\"");
        assert_eq!(rows[2].get_decimal(1).unwrap().data(), (-10_i128).to_be_bytes());
        assert_eq!(rows[0].get_timestamp_micros(3).unwrap(), 1_772_323_200_500_000);
        assert_eq!(rows[0].get_long(4).unwrap(), 7);
        assert!(rows[1].get_string(0).is_err(), "an empty field is null");
        let empty = SerializedFileReader::new(file(&[names])).unwrap();
        assert_eq!(empty.metadata().file_metadata().num_rows(), 0);
    }

    #[test]
    fn many_rows_are_written_in_groups_and_a_misfit_is_refused() {
        let mut columnar = Columnar::default();
        let mut out = columnar.feed(b"quantity\n").unwrap();
        let before = out.len();
        let rows: Vec<String> = (0..50_001).map(|number| format!("{number}.0001")).collect();
        out.extend(columnar.feed((rows.join("\n") + "\n").as_bytes()).unwrap());
        assert!(out.len() > before, "what is whole is written before the end");
        out.extend(columnar.finish().unwrap());
        assert_eq!(columnar.rows(), 50_001);
        let reader = SerializedFileReader::new(bytes::Bytes::from(out)).unwrap();
        assert_eq!(reader.num_row_groups(), 3);
        let misfit = columnar.feed(b"0.00001\n").unwrap_err();
        assert_eq!(misfit.to_string(), "\"0.00001\" does not fit into the column quantity");
    }
}
