//! What a text table is, by its beginning: names, how many fields, dtypes.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use super::field::{self, Ends};
use super::options::{Column, CsvOptions, Header, Parse, Plan, TimeForm, Words};
use crate::dtype::{DType, Number, Unit};
use crate::error::{FrameError, Result};
use crate::io::failed;
use crate::schema::{Field, Label, Schema};

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Looks at the first `n_bytes` of a file and says what pandas would make of them.
///
/// # Errors
/// [`FrameError::Io`] if the file can't be read, [`FrameError::Parse`] if it is empty or no UTF-8,
/// [`FrameError::Key`] if a column that the options name isn't there, [`FrameError::NoKernel`] if pandas
/// would make something of it that no native column holds.
pub fn infer(path: &str, options: &CsvOptions, n_bytes: usize) -> Result<Plan> {
    let mut n_bytes = n_bytes.max(1);
    loop {
        if let Some(plan) = infer_of(path, options, n_bytes)? {
            return Ok(plan);
        }
        n_bytes = n_bytes.saturating_mul(2);
    }
}

/// What the first `n_bytes` say; nothing if they hold no row of data, though the file is longer.
fn infer_of(path: &str, options: &CsvOptions, n_bytes: usize) -> Result<Option<Plan>> {
    let (text, is_whole) = beginning(path, n_bytes)?;
    let head = head(&text, path, options)?;
    let cut = |what: &str| {
        FrameError::Value(format!(
            "the {what} of {path} do not end within the sample of {n_bytes} bytes: give a larger sample"
        ))
    };
    if !is_whole && head.skipped >= text.len() {
        return Err(cut("rows to skip"));
    }
    let has_header = options.header != Header::None;
    if !is_whole && has_header && head.end >= text.len() && !text.ends_with(['\n', '\r']) {
        return Err(cut("names of columns"));
    }
    let options = &by_name(options, &head.names);
    let ends = Ends::of(options);
    let mut rows = Rows { text: &text, ends: &ends, at: head.end, options };
    let words = Words::of(options);
    let mut guesses = vec![Guess::default(); head.names.len()];
    let mut n_fields = head.names.len();
    let mut n_rows = 0;
    let mut fields = Vec::new();
    while let Some(is_complete) = rows.next(&mut fields) {
        if !is_complete && !is_whole {
            break;
        }
        if fields.len() > n_fields && n_rows == 0 {
            return Err(FrameError::NoKernel("a table with more fields than names".into()));
        }
        n_rows += 1;
        for (guess, text) in guesses.iter_mut().zip(&fields) {
            guess.see(text, &words);
        }
        for guess in guesses.iter_mut().skip(fields.len()) {
            guess.n_missing += 1;
        }
    }
    if n_rows == 0 && !is_whole {
        return Ok(None);
    }
    n_fields = n_fields.max(1);
    let mut columns = Vec::new();
    let mut schema = Vec::new();
    for name in options.usecols.iter().flatten().chain(options.parse_dates.iter()) {
        if !head.names.contains(name) {
            return Err(FrameError::Key(format!("{name} is not among the columns of {path}")));
        }
    }
    for (at, (label, guess)) in head.names.iter().zip(&guesses).enumerate() {
        if options.usecols.as_ref().is_some_and(|wanted| !wanted.contains(label)) {
            continue;
        }
        let given = options.dtypes.iter().find(|(of, _)| of == label).map(|(_, dtype)| dtype);
        let parse = match given {
            Some(dtype) => parse_of(dtype)?,
            None if options.parse_dates.contains(label) => guess.time(label)?,
            None => guess.parse(label)?,
        };
        columns.push(Column { field: at, parse });
        schema.push(Field { label: label.clone(), dtype: dtype_of(parse) });
    }
    Ok(Some(Plan {
        options: options.clone(),
        schema: Arc::new(Schema::frame(schema)),
        columns,
        n_fields,
    }))
}

/// The options with labels where columns are named by their places.
fn by_name(options: &CsvOptions, names: &[Label]) -> CsvOptions {
    let named = |label: &Label| match label {
        Label::Int(at) if !names.contains(label) => {
            usize::try_from(*at).ok().and_then(|at| names.get(at)).unwrap_or(label).clone()
        }
        label => label.clone(),
    };
    let dtypes = options.dtypes.iter().map(|(label, dtype)| (named(label), dtype.clone()));
    CsvOptions {
        usecols: options.usecols.as_ref().map(|labels| labels.iter().map(named).collect()),
        parse_dates: options.parse_dates.iter().map(named).collect(),
        dtypes: dtypes.collect(),
        ..options.clone()
    }
}

/// What the parser of a column gives.
pub(super) fn dtype_of(parse: Parse) -> DType {
    match parse {
        Parse::Integer(number, false) | Parse::Float(number) => DType::Number(number),
        Parse::Integer(number, true) => DType::NullableNumber(number),
        Parse::Bool(false) => DType::Bool,
        Parse::Bool(true) => DType::NullableBool,
        Parse::Text => DType::Str,
        Parse::Time(_) => DType::Datetime(Unit::Micro, None),
    }
}

fn parse_of(dtype: &DType) -> Result<Parse> {
    Ok(match dtype {
        DType::Number(number) if number.is_float() => Parse::Float(*number),
        DType::Number(number) => Parse::Integer(*number, false),
        DType::NullableNumber(number) if !number.is_float() => Parse::Integer(*number, true),
        DType::Bool => Parse::Bool(false),
        DType::NullableBool => Parse::Bool(true),
        DType::Str => Parse::Text,
        other => return Err(FrameError::no_kernel("a text table's column", other)),
    })
}

/// The beginning of a file as text, and whether that is all of it.
fn beginning(path: &str, n_bytes: usize) -> Result<(String, bool)> {
    let io = |error| failed(path, error);
    let file = File::open(path).map_err(io)?;
    let len = file.metadata().map_err(io)?.len();
    let mut bytes = Vec::new();
    file.take(n_bytes.max(1) as u64).read_to_end(&mut bytes).map_err(io)?;
    let is_whole = bytes.len() as u64 >= len;
    let text = String::from_utf8(bytes).or_else(|error| {
        let valid = error.utf8_error().valid_up_to();
        let mut bytes = error.into_bytes();
        // The end of the sample may cut a letter in two, and nothing else.
        if is_whole || bytes.len() - valid > 3 {
            let line = memchr::memchr_iter(b'\n', &bytes[..valid]).count() as u64 + 1;
            let reason = "the text is not UTF-8: give its encoding".to_owned();
            return Err(FrameError::Parse { path: path.to_owned(), line, reason });
        }
        bytes.truncate(valid);
        String::from_utf8(bytes).map_err(|error| failed(path, error))
    })?;
    Ok((text, is_whole))
}

/// The names of columns, and where data begin.
pub(super) struct Head {
    pub(super) names: Vec<Label>,
    pub(super) end: usize,
    /// Behind the lines that are left out at the beginning.
    skipped: usize,
}

pub(super) fn head(text: &str, path: &str, options: &CsvOptions) -> Result<Head> {
    let ends = Ends::of(options);
    let mut at = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    let skip = Ends::of(&CsvOptions { sep: b'\n', quote: None, ..options.clone() });
    for _ in 0..options.skip_rows {
        at = skip.after_line(text.as_bytes(), skip.next(text.as_bytes(), at));
    }
    let skipped = at;
    let mut rows = Rows { text, ends: &ends, at, options };
    let mut fields = Vec::new();
    let before = match options.header {
        Header::None => 0,
        Header::Line(line) => line,
    };
    for _ in 0..=before {
        if rows.next(&mut fields).is_none() {
            return Err(FrameError::Parse {
                path: path.to_owned(),
                line: 1,
                reason: "No columns to parse from file".to_owned(),
            });
        }
    }
    let n_fields = fields.len();
    let (stored, end) = match options.header {
        Header::None => ((0..n_fields as i64).map(Label::Int).collect(), at),
        Header::Line(_) => (unique(&fields), rows.at),
    };
    match &options.names {
        Some(names) if names.len() != n_fields => {
            Err(FrameError::NoKernel(format!("{} names for {n_fields} columns", names.len())))
        }
        Some(names) => Ok(Head { names: names.clone(), end, skipped }),
        None => Ok(Head { names: stored, end, skipped }),
    }
}

/// Names that differ: pandas numbers those that come again, and calls what has none by its place.
fn unique(fields: &[String]) -> Vec<Label> {
    let mut names: Vec<String> = Vec::new();
    for (at, field) in fields.iter().enumerate() {
        let name = if field.is_empty() { format!("Unnamed: {at}") } else { field.clone() };
        let is_taken = |name: &str| names.iter().any(|known| known == name);
        let mut chosen = name.clone();
        let mut n = 0;
        while is_taken(&chosen) || (n > 0 && fields.contains(&chosen)) {
            n += 1;
            chosen = format!("{name}.{n}");
        }
        names.push(chosen);
    }
    names.into_iter().map(|name| Label::Str(name.into())).collect()
}

/// Lines one by one, slowly: for the beginning of a file.
struct Rows<'a> {
    text: &'a str,
    ends: &'a Ends,
    at: usize,
    options: &'a CsvOptions,
}

impl Rows<'_> {
    /// The fields of the next line; whether it has an end. None behind the last line.
    fn next(&mut self, fields: &mut Vec<String>) -> Option<bool> {
        let bytes = self.text.as_bytes();
        fields.clear();
        while self.options.skip_blank_lines
            && let Some(end) = self.ends.blank(bytes, self.at)
        {
            self.at = self.ends.after_line(bytes, end);
        }
        if self.at >= bytes.len() {
            return None;
        }
        loop {
            let found = self.ends.field(self.text, self.at);
            fields.push(found.text.into_owned());
            if bytes.get(found.end) == Some(&self.ends.sep()) {
                self.at = found.end + 1;
                continue;
            }
            self.at = self.ends.after_line(bytes, found.end);
            return Some(!found.open && found.end < bytes.len());
        }
    }
}

/// What the fields of a column have been so far.
#[derive(Clone)]
struct Guess {
    n_present: usize,
    n_missing: usize,
    integers: Option<(i128, i128)>,
    floats: bool,
    truths: bool,
    times: bool,
    form: Option<TimeForm>,
}

impl Default for Guess {
    fn default() -> Self {
        Self {
            n_present: 0,
            n_missing: 0,
            integers: Some((0, 0)),
            floats: true,
            truths: true,
            times: true,
            form: None,
        }
    }
}

impl Guess {
    fn see(&mut self, text: &str, words: &Words) {
        if words.is_missing(text.as_bytes()) {
            self.n_missing += 1;
            return;
        }
        self.n_present += 1;
        let integer = field::integer(text);
        self.integers = self.integers.zip(integer).map(|((min, max), n)| (min.min(n), max.max(n)));
        self.floats = self.floats && (integer.is_some() || field::float(text).is_some());
        self.truths = self.truths && words.truth(text).is_some();
        let time = if self.times { field::time(text) } else { None };
        self.times = time.is_some_and(|(form, _)| self.form.is_none_or(|known| known == form));
        self.form = time.map(|(form, _)| form);
    }

    fn parse(&self, label: &Label) -> Result<Parse> {
        if self.n_present == 0 {
            return Ok(if self.n_missing == 0 { Parse::Text } else { Parse::Float(Number::F64) });
        }
        if let Some((min, max)) = self.integers {
            let is_signed = max <= i64::MAX.into() && min >= i64::MIN.into();
            let number = if is_signed { Number::I64 } else { Number::U64 };
            if !is_signed && (min < 0 || max > u64::MAX.into()) {
                return Err(FrameError::NoKernel(format!("integers as large as those of {label}")));
            }
            return Ok(match self.n_missing {
                0 => Parse::Integer(number, false),
                _ => Parse::Float(Number::F64),
            });
        }
        Ok(match (self.floats, self.truths) {
            (true, _) => Parse::Float(Number::F64),
            (_, true) if self.n_missing > 0 => {
                return Err(FrameError::NoKernel(format!("truth values and none in {label}")));
            }
            (_, true) => Parse::Bool(false),
            _ => Parse::Text,
        })
    }

    fn time(&self, label: &Label) -> Result<Parse> {
        match self.form.filter(|_| self.times) {
            Some(form) => Ok(Parse::Time(form)),
            None => Err(FrameError::NoKernel(format!("times as those of {label} are written"))),
        }
    }
}
