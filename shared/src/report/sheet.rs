//! A table, and how it is written.

use crate::time::{Day, Timestamp, UtcOffset};
use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

/// What Excel needs to take a CSV file for UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// A report's table.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    /// The names of the columns, each once.
    pub columns: Vec<String>,
    /// As many cells each as there are columns.
    pub rows: Vec<Vec<Cell>>,
    /// The playbook's; for times.
    pub offset: UtcOffset,
}

/// What stands in a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// A name, a text of a fan.
    Text(String),
    /// A number of something.
    Count(i64),
    /// Money: in CSV decimal yuan, in JSON whole cents.
    Cents(i64),
    /// A part of a whole: in CSV a percentage, in JSON a number from 0 to 1. Nothing where the whole is nothing.
    Share(i64, i64),
    /// A moment: in CSV as the playbook's clock shows it, in JSON RFC 3339 with the offset.
    Time(Timestamp),
    /// A date.
    Day(Day),
}

impl Cell {
    /// Numbers of one kind together; what is no number, or of another kind than the first, adds nothing.
    pub fn sum<'a>(cells: impl IntoIterator<Item = &'a Self>) -> Self {
        let add = |sum: Self, cell: &Self| match (sum, cell) {
            (Self::Empty, Self::Count(_) | Self::Cents(_) | Self::Share(..)) => cell.clone(),
            (Self::Count(sum), Self::Count(more)) => Self::Count(sum.saturating_add(*more)),
            (Self::Cents(sum), Self::Cents(more)) => Self::Cents(sum.saturating_add(*more)),
            (Self::Share(part, whole), Self::Share(more, of)) => {
                Self::Share(part.saturating_add(*more), whole.saturating_add(*of))
            }
            (sum, _) => sum,
        };
        cells.into_iter().fold(Self::Empty, add)
    }

    /// As a number, for charts and for order: a share from 0 to 1, a time in seconds, a date in days.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Empty | Self::Text(_) | Self::Share(_, 0) => None,
            Self::Count(number) | Self::Cents(number) => Some(*number as f64),
            Self::Share(part, whole) => Some(*part as f64 / *whole as f64),
            Self::Time(at) => Some(at.0 as f64),
            Self::Day(day) => Some(day.0 as f64),
        }
    }

    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The cell in a CSV file, before quoting.
    fn plain(&self, offset: UtcOffset) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => guarded(text),
            Self::Count(count) => count.to_string(),
            Self::Cents(cents) => yuan(*cents),
            Self::Share(_, 0) => String::new(),
            Self::Share(part, whole) => format!("{:.1}%", *part as f64 * 100.0 / *whole as f64),
            Self::Time(at) => {
                let local = offset.local(*at);
                format!("{} {:02}:{:02}", date(local.day), local.minute / 60, local.minute % 60)
            }
            Self::Day(day) => date(*day),
        }
    }
}

/// Columns of a terminal: a Chinese character takes two, the mask of a digit one.
fn width(text: &str) -> usize {
    text.chars().map(|c| if c.is_ascii() || c == '•' { 1 } else { 2 }).sum()
}

pub(super) fn date(day: Day) -> String {
    day.date().map(|date| date.to_string()).unwrap_or_default()
}

/// Decimal yuan.
pub(super) fn yuan(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.unsigned_abs() / 100, cents.unsigned_abs() % 100)
}

/// A text that a spreadsheet would take for a formula gets an apostrophe: fans write what they like.
fn guarded(text: &str) -> String {
    let risky = text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
        || text.starts_with(['\t', '\r', '\n']);
    if risky { format!("'{text}") } else { text.to_owned() }
}

/// A field of a CSV file (RFC 4180).
fn field(text: &str) -> String {
    if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// What the last rows of a report say that was made without damaged records.
const WITHOUT: (&str, &str) = ("without ", ", which is damaged");

/// Such a row.
pub(super) fn without(key: &str, columns: usize) -> Vec<Cell> {
    let mut cells = vec![Cell::Text(format!("{}{key}{}", WITHOUT.0, WITHOUT.1))];
    cells.resize(columns, Cell::Empty);
    cells
}

impl Sheet {
    pub(super) fn new(columns: &[&str], offset: UtcOffset) -> Self {
        Self { columns: columns.iter().map(|name| (*name).to_owned()).collect(), rows: Vec::new(), offset }
    }

    /// The key of the damaged record that a row stands for, if the row says that and nothing else.
    pub fn missing(row: &[Cell]) -> Option<&str> {
        match row.split_first() {
            Some((Cell::Text(text), rest)) if rest.iter().all(|cell| *cell == Cell::Empty) => {
                text.strip_prefix(WITHOUT.0)?.strip_suffix(WITHOUT.1)
            }
            _ => None,
        }
    }

    /// Where a column stands.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// The cells of a column, row by row.
    pub fn cells(&self, name: &str) -> impl Iterator<Item = &Cell> {
        let column = self.column(name).unwrap_or(usize::MAX);
        self.rows.iter().filter_map(move |row| row.get(column))
    }

    /// CSV that Excel opens: a byte order mark, commas, CRLF, texts that look like formulas disarmed.
    pub fn csv(&self) -> String {
        let mut out = String::from(BYTE_ORDER_MARK);
        let mut line = |cells: Vec<String>| {
            out.push_str(&cells.iter().map(|cell| field(cell)).collect::<Vec<_>>().join(","));
            out.push_str("\r\n");
        };
        line(self.columns.clone());
        for row in &self.rows {
            line(row.iter().map(|cell| cell.plain(self.offset)).collect());
        }
        out
    }

    /// JSON: `{"columns": […], "rows": [{…}, …]}`.
    pub fn json(&self) -> String {
        // Names are texts and every number is finite, so this cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// A table for a terminal, its columns wide enough.
    pub fn text(&self) -> String {
        let rows: Vec<Vec<String>> = std::iter::once(self.columns.clone())
            .chain(self.rows.iter().map(|row| row.iter().map(|cell| cell.plain(self.offset)).collect()))
            .collect();
        let wide =
            |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.columns.len()).map(wide).collect();
        let mut out = String::new();
        for row in &rows {
            for (cell, wide) in row.iter().zip(&widths) {
                out.push_str(cell);
                out.extend(std::iter::repeat_n(' ', wide - width(cell).min(*wide) + 2));
            }
            out.truncate(out.trim_end_matches(' ').len());
            out.push('\n');
        }
        out
    }
}

impl Serialize for Sheet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows: Vec<Row<'_>> = self.rows.iter().map(|row| Row { sheet: self, row }).collect();
        let mut sheet = serializer.serialize_struct("Sheet", 2)?;
        sheet.serialize_field("columns", &self.columns)?;
        sheet.serialize_field("rows", &rows)?;
        sheet.end()
    }
}

/// A row that knows its columns' names.
struct Row<'a> {
    sheet: &'a Sheet,
    row: &'a [Cell],
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_map(Some(self.row.len()))?;
        for (name, cell) in self.sheet.columns.iter().zip(self.row) {
            match cell {
                Cell::Empty => row.serialize_entry(name, &None::<i64>),
                Cell::Text(text) => row.serialize_entry(name, text),
                Cell::Count(number) | Cell::Cents(number) => row.serialize_entry(name, number),
                Cell::Share(_, 0) => row.serialize_entry(name, &None::<i64>),
                Cell::Share(part, whole) => {
                    let share = *part as f64 / *whole as f64;
                    row.serialize_entry(name, &((share * 10_000.0).round() / 10_000.0))
                }
                Cell::Time(at) => row.serialize_entry(name, &rfc3339(*at, self.sheet.offset)),
                Cell::Day(day) => row.serialize_entry(name, &date(*day)),
            }?;
        }
        row.end()
    }
}

fn rfc3339(at: Timestamp, offset: UtcOffset) -> String {
    let local = offset.local(at);
    let hours = i8::from(offset);
    let sign = if hours < 0 { '-' } else { '+' };
    let (hour, minute) = (local.minute / 60, local.minute % 60);
    format!("{}T{hour:02}:{minute:02}:{:02}{sign}{:02}:00", date(local.day), at.0 % 60, hours.unsigned_abs())
}
