//! How a text table is laid out, and what is made of its fields.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::dtype::{DType, Number};
use crate::schema::{Label, Schema};

/// What stands for a missing value unless one says otherwise: pandas' list.
const MISSING: [&str; 19] = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
];

/// Where the names of columns are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Header {
    /// Nowhere: columns are numbered, unless they are named by hand.
    None,
    /// In this line that is not blank, from 0; what is before it is left out.
    Line(usize),
}

/// How a text table is laid out: `pandas.read_csv`'s arguments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CsvOptions {
    /// What parts fields.
    pub sep: u8,
    /// What goes around fields that hold separators or line ends.
    pub quote: Option<u8>,
    /// Where the names of columns are.
    pub header: Header,
    /// Names by hand, instead of the file's.
    pub names: Option<Vec<Label>>,
    /// The columns to read; all if none are named.
    pub usecols: Option<Vec<Label>>,
    /// Dtypes that are not to be inferred.
    pub dtypes: Vec<(Label, DType)>,
    /// Columns of times.
    pub parse_dates: Vec<Label>,
    /// Further words for missing values.
    pub na_values: Vec<String>,
    /// Whether pandas' own words for missing values count.
    pub keep_default_na: bool,
    /// Further words for true.
    pub true_values: Vec<String>,
    /// Further words for false.
    pub false_values: Vec<String>,
    /// How many lines at the beginning are left out.
    pub skip_rows: usize,
    /// Whether blank lines are left out; else they are rows of missing values.
    pub skip_blank_lines: bool,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self {
            sep: b',',
            quote: Some(b'"'),
            header: Header::Line(0),
            names: None,
            usecols: None,
            dtypes: Vec::new(),
            parse_dates: Vec::new(),
            na_values: Vec::new(),
            keep_default_na: true,
            true_values: Vec::new(),
            false_values: Vec::new(),
            skip_rows: 0,
            skip_blank_lines: true,
        }
    }
}

/// How the times of a column are written, all alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TimeForm {
    /// What stands between date and time; none if there is no time.
    pub between: Option<u8>,
    /// Whether seconds are written.
    pub seconds: bool,
    /// Whether a fraction of a second is.
    pub fraction: bool,
}

/// What is made of the fields of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Parse {
    /// Integers; whether some may be missing.
    Integer(Number, bool),
    /// Floating point numbers.
    Float(Number),
    /// Truth values; whether some may be missing.
    Bool(bool),
    /// Text.
    Text,
    /// Times in microseconds.
    Time(TimeForm),
}

/// A column of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Column {
    /// Which field of a line it is.
    pub field: usize,
    /// What is made of it.
    pub parse: Parse,
}

/// What is read of files of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// How they are laid out.
    pub options: CsvOptions,
    /// What frames come of them.
    pub schema: Arc<Schema>,
    /// The columns, as in the schema.
    pub columns: Vec<Column>,
    /// How many fields a line has.
    pub n_fields: usize,
}

/// Words that mean something in every column.
pub(super) struct Words {
    missing: rustc_hash::FxHashSet<Box<[u8]>>,
    longest: usize,
    starts: [bool; 256],
    trues: Vec<String>,
    falses: Vec<String>,
}

impl Words {
    pub(super) fn of(options: &CsvOptions) -> Self {
        let defaults = options.keep_default_na.then_some(MISSING).into_iter().flatten();
        let all = defaults.chain(options.na_values.iter().map(String::as_str));
        let missing: rustc_hash::FxHashSet<Box<[u8]>> =
            all.map(|word| word.as_bytes().into()).collect();
        let mut starts = [false; 256];
        missing.iter().filter_map(|word| word.first()).for_each(|&b| starts[usize::from(b)] = true);
        Self {
            longest: missing.iter().map(|word| word.len()).max().unwrap_or(0),
            starts,
            trues: options.true_values.clone(),
            falses: options.false_values.clone(),
            missing,
        }
    }

    /// Whether a field says that its value is missing.
    pub(super) fn is_missing(&self, field: &[u8]) -> bool {
        match field.first() {
            Some(&first) => {
                self.starts[usize::from(first)]
                    && field.len() <= self.longest
                    && self.missing.contains(field)
            }
            None => self.missing.contains(field),
        }
    }

    /// The truth value that a field is, if it is one.
    pub(super) fn truth(&self, field: &str) -> Option<bool> {
        match field {
            "True" | "TRUE" | "true" => Some(true),
            "False" | "FALSE" | "false" => Some(false),
            _ if self.trues.iter().any(|word| word == field) => Some(true),
            _ if self.falses.iter().any(|word| word == field) => Some(false),
            _ => None,
        }
    }
}
