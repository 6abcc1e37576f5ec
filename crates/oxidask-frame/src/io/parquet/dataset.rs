//! A table in files: what their footers say, and how they fall into parts.

use std::path::Path;
use std::sync::Arc;

use parquet::file::metadata::{
    ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader, ParquetStatisticsPolicy,
    RowGroupMetaData,
};

use super::layout::{self, Folder, Layout, Part, Source};
use super::open_file::{OpenFile, damaged};
use super::pandas::{Level, PandasMeta};
use super::{read, statistics};
use crate::error::{FrameError, Result};
use crate::io::paths::{self, Found};
use crate::io::predicate::{Predicate, Statistics};
use crate::scalar::Scalar;
use crate::schema::{Field, Label};

/// A file of a table, by its footer.
#[derive(Clone, Debug)]
pub struct File {
    /// Where it is.
    pub path: Arc<str>,
    /// Its footer, or that of a file `_metadata` that stands for several.
    metadata: Arc<ParquetMetaData>,
    /// Which row groups of `metadata` are its own, in order.
    groups: Vec<usize>,
    /// Which value of each of [`Layout::folders`].
    folders: Vec<Option<u32>>,
    /// The first label, and from one to the next, if the index is counted.
    labels: (i64, i64),
}

/// How files fall into parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// A part for each file.
    Files,
    /// A part for each row group.
    RowGroups,
    /// Parts of about as many bytes without compression: row groups of one file together, never split.
    Bytes(u64),
}

/// A table in files.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Its files, in order.
    pub files: Vec<File>,
    /// How they become frames.
    pub layout: Arc<Layout>,
}

impl File {
    /// How many row groups it has.
    #[must_use]
    pub fn n_row_groups(&self) -> usize {
        self.groups.len()
    }

    /// How many rows.
    #[must_use]
    pub fn n_rows(&self) -> u64 {
        self.row_groups().map(|group| count(group.num_rows())).sum()
    }

    fn row_groups(&self) -> impl Iterator<Item = &RowGroupMetaData> {
        self.groups.iter().map(|&at| self.metadata.row_group(at))
    }

    fn row_group(&self, at: usize) -> &RowGroupMetaData {
        self.metadata.row_group(self.groups[at])
    }
}

impl Dataset {
    /// What files, folders and globs hold. Of footers and folders' names only; `columns` chooses columns.
    ///
    /// # Errors
    /// [`FrameError::Io`] if a file can't be read, [`FrameError::Value`] if one is no Parquet or if there
    /// is none, [`FrameError::Key`] if a chosen column isn't there, [`FrameError::NoKernel`] if a column
    /// has values that no native column can have.
    pub fn open(paths: &[String], columns: Option<&[String]>) -> Result<Self> {
        Self::open_ending(paths, columns, None)
    }

    /// As [`Self::open`]; of the files below folders only those whose names end so.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_ending(
        paths: &[String],
        columns: Option<&[String]>,
        endings: Option<&[String]>,
    ) -> Result<Self> {
        let mut files = Vec::new();
        for path in paths {
            let summary = format!("{}/_metadata", path.trim_end_matches('/'));
            if Path::new(&summary).is_file() {
                let told = summarised(path.trim_end_matches('/'), &summary)?;
                let tells = !told.is_empty();
                files.extend(told);
                if tells {
                    continue;
                }
            }
            let mut found = paths::find(std::slice::from_ref(path))?;
            if Path::new(path).is_dir()
                && let Some(endings) = endings
            {
                let fits = |found: &Found| endings.iter().any(|end| found.path.ends_with(&**end));
                found.retain(fits);
            }
            for found in found {
                let metadata = footer(&found.path)?;
                let groups = (0..metadata.num_row_groups()).collect();
                files.push((found, Arc::new(metadata), groups));
            }
        }
        Self::of(files, columns).map_err(|error| match error {
            FrameError::Value(reason) if reason.is_empty() => {
                FrameError::Value(format!("no Parquet file in {}", paths.join(", ")))
            }
            error => error,
        })
    }

    fn of(found: Vec<Listed>, columns: Option<&[String]>) -> Result<Self> {
        let folders = folders(found.iter().map(|(found, ..)| found));
        let file = |(found, metadata, groups): Listed| File {
            folders: folders.iter().map(|folder| folder_code(folder, &found)).collect(),
            path: found.path.into(),
            metadata,
            groups,
            labels: (0, 1),
        };
        let mut files: Vec<File> = found.into_iter().map(file).collect();
        let Some(first) = files.first() else { return Err(FrameError::Value(String::new())) };
        let mut n_nulls = |name: &str| nulls(&files, name);
        let layout = layout::layout(&first.metadata, &first.path, columns, folders, &mut n_nulls)?;
        if layout.levels.is_empty() {
            count_labels(&mut files)?;
        }
        Ok(Self { files, layout: Arc::new(layout) })
    }

    /// The parts to read, without those in which no row can meet the predicate.
    #[must_use]
    pub fn parts(&self, grouping: Grouping, predicate: Option<&Predicate>) -> Vec<Part> {
        let mut parts = Vec::new();
        for file in &self.files {
            let mut n_before = 0;
            let mut last: Option<(usize, Part)> = None;
            for (at, group) in file.row_groups().enumerate() {
                let n_rows = count(group.num_rows());
                let n_bytes = count(group.total_byte_size());
                let (start, step) = file.labels;
                let first = start + step * i64::try_from(n_before).unwrap_or(i64::MAX);
                n_before += n_rows;
                let mut known = |column| self.of_group(file, at, self.source(column), column);
                if predicate.is_some_and(|predicate| !predicate.may_hold(&mut known)) {
                    continue;
                }
                if let Some((next, part)) = &mut last {
                    let fits = match grouping {
                        Grouping::Files => true,
                        Grouping::RowGroups => false,
                        Grouping::Bytes(most) => part.n_bytes + n_bytes <= most,
                    };
                    // Labels of a part are counted without a gap.
                    if fits && (*next == at || !self.layout.levels.is_empty()) {
                        part.row_groups.push(at);
                        part.n_rows += n_rows;
                        part.n_bytes += n_bytes;
                        *next = at + 1;
                        continue;
                    }
                }
                let part = Part {
                    path: file.path.clone(),
                    row_groups: vec![at],
                    n_rows,
                    n_bytes,
                    labels: (first, step),
                    folders: file.folders.clone(),
                };
                parts.extend(last.replace((at + 1, part)).map(|(_, part)| part));
            }
            parts.extend(last.map(|(_, part)| part));
        }
        parts
    }

    /// A part without rows: for when no row group may hold what is asked for.
    #[must_use]
    pub fn no_rows(&self) -> Option<Part> {
        let file = self.files.first()?;
        Some(Part {
            path: file.path.clone(),
            row_groups: Vec::new(),
            n_rows: 0,
            n_bytes: 0,
            labels: file.labels,
            folders: file.folders.clone(),
        })
    }

    /// Where a column is, by its position; stored levels of the index stand behind the columns.
    fn source(&self, at: usize) -> &Source {
        match at.checked_sub(self.layout.columns.len()) {
            Some(level) => &self.layout.levels[level],
            None => &self.layout.columns[at],
        }
    }

    /// The position of a column, or of a stored level of the index, for conditions on rows.
    #[must_use]
    pub fn position(&self, label: &Label) -> Option<usize> {
        let of = |fields: &[Field]| fields.iter().position(|field| field.label == *label);
        let schema = &self.layout.schema;
        let level = || match self.layout.levels.len() {
            0 => None,
            _ => of(&schema.index.levels).map(|level| schema.columns.len() + level),
        };
        of(&schema.columns).or_else(level)
    }

    /// What footers say of a column in a part.
    #[must_use]
    pub fn statistics(&self, part: &Part, column: usize) -> Statistics {
        self.over(part, &self.layout.columns[column], column)
    }

    /// What footers say of a stored level of the index in a part.
    #[must_use]
    pub fn level_statistics(&self, part: &Part, level: usize) -> Statistics {
        self.over(part, &self.layout.levels[level], self.layout.columns.len() + level)
    }

    /// Bytes without compression of some columns in a part.
    #[must_use]
    pub fn n_bytes(&self, part: &Part, columns: &[usize]) -> u64 {
        let Some(file) = self.file(part) else { return 0 };
        let of_column =
            |group: &RowGroupMetaData, column: &usize| match &self.layout.columns[*column] {
                Source::Stored(name) => statistics::chunk(group, name)
                    .map_or(0, |chunk| count(chunk.uncompressed_size())),
                Source::Folder(_) => count(group.num_rows()) * 4,
            };
        let groups = part.row_groups.iter().map(|&at| file.row_group(at));
        groups.map(|group| columns.iter().map(|column| of_column(group, column)).sum::<u64>()).sum()
    }

    fn file(&self, part: &Part) -> Option<&File> {
        self.files.iter().find(|file| file.path == part.path)
    }

    fn over(&self, part: &Part, source: &Source, at: usize) -> Statistics {
        let Some(file) = self.file(part) else { return Statistics::default() };
        let groups = part.row_groups.iter();
        let each = groups.map(|&group| self.of_group(file, group, source, at));
        each.reduce(|all, next| all.union(&next)).unwrap_or_default()
    }

    fn of_group(&self, file: &File, group: usize, source: &Source, at: usize) -> Statistics {
        let group = file.row_group(group);
        let schema = &self.layout.schema;
        match source {
            Source::Stored(name) => {
                let n_columns = schema.columns.len();
                let field = match at.checked_sub(n_columns) {
                    Some(level) => &schema.index.levels[level],
                    None => &schema.columns[at],
                };
                statistics::known(group, name, &field.dtype)
            }
            Source::Folder(at) => {
                let n_rows = count(group.num_rows());
                let value = file.folders[*at];
                let value =
                    value.map(|code| self.layout.folders[*at].values[code as usize].clone());
                let n_missing = Some(if value.is_some() { 0 } else { n_rows });
                Statistics { min: value.clone(), max: value, is_exact: true, n_missing, n_rows }
            }
        }
    }
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// A file, the footer that tells of it, and which row groups in that are its own.
type Listed = (Found, Arc<ParquetMetaData>, Vec<usize>);

/// The footer of a file, without what planning never asks for.
pub(super) fn footer(path: &str) -> Result<ParquetMetaData> {
    let file = OpenFile::open(path)?;
    let options = ParquetMetaDataOptions::new()
        .with_size_stats_policy(ParquetStatisticsPolicy::SkipAll)
        .with_encoding_stats_policy(ParquetStatisticsPolicy::SkipAll);
    let reader = ParquetMetaDataReader::new().with_metadata_options(Some(options));
    reader.parse_and_finish(&file).map_err(|error| damaged(path, &error))
}

/// The files that `_metadata` in a folder tells of, with their row groups in it.
fn summarised(folder: &str, path: &str) -> Result<Vec<Listed>> {
    let metadata = Arc::new(footer(path)?);
    let mut files: Vec<Listed> = Vec::new();
    let mut places = rustc_hash::FxHashMap::default();
    for (at, group) in metadata.row_groups().iter().enumerate() {
        let Some(name) = group.columns().first().and_then(|column| column.file_path()) else {
            return Err(FrameError::Value(format!("{path} tells of a row group in no file")));
        };
        let place = *places.entry(name.to_owned()).or_insert_with(|| {
            files.push((paths::at(folder, name), metadata.clone(), Vec::new()));
            files.len() - 1
        });
        files[place].2.push(at);
    }
    files.sort_by(|(left, ..), (right, ..)| paths::natural_order(&left.path, &right.path));
    if matches!(PandasMeta::of(&metadata, path)?.levels[..], [Level::Range { .. }]) {
        // Of counted labels `_metadata` has the word of one file: each file has its own.
        for (found, metadata, groups) in &mut files {
            *metadata = Arc::new(footer(&found.path)?);
            *groups = (0..metadata.num_row_groups()).collect();
        }
    }
    Ok(files)
}

/// The columns that folders' names give, with all their values in order.
fn folders<'a>(found: impl Iterator<Item = &'a Found>) -> Vec<Folder> {
    let mut keys: Vec<(String, Vec<String>)> = Vec::new();
    for (key, value) in found.flat_map(|found| &found.folders) {
        let at = keys.iter().position(|(known, _)| known == key).unwrap_or_else(|| {
            keys.push((key.clone(), Vec::new()));
            keys.len() - 1
        });
        let values = &mut keys[at].1;
        if values.last() != Some(value) && value != NO_VALUE {
            values.push(value.clone());
        }
    }
    let folder = |(key, mut values): (String, Vec<String>)| {
        values.sort_unstable();
        values.dedup();
        let numbers: Option<Vec<i32>> = values.iter().map(|value| value.parse().ok()).collect();
        let values = match numbers {
            Some(mut numbers) => {
                numbers.sort_unstable();
                numbers.dedup();
                numbers.into_iter().map(|number| Scalar::Int(number.into())).collect()
            }
            None => values.iter().map(|value| Scalar::Str(value.as_str().into())).collect(),
        };
        Folder { key: key.into(), values }
    };
    keys.into_iter().map(folder).collect()
}

/// What Hive calls a folder of rows without a value.
const NO_VALUE: &str = "__HIVE_DEFAULT_PARTITION__";

fn folder_code(folder: &Folder, found: &Found) -> Option<u32> {
    let (_, value) = found.folders.iter().find(|(key, _)| **key == *folder.key)?;
    let is_value = |known: &Scalar| match known {
        Scalar::Int(number) => value.parse() == Ok(*number),
        Scalar::Str(text) => **text == **value,
        _ => false,
    };
    folder.values.iter().position(is_value).and_then(|at| u32::try_from(at).ok())
}

/// How many nulls a stored column has in all files: read from the data where a footer does not say.
fn nulls(files: &[File], name: &str) -> Result<u64> {
    let mut all = 0;
    for file in files {
        for (at, group) in file.row_groups().enumerate() {
            all += match statistics::n_nulls(group, name) {
                Some(n_nulls) => n_nulls,
                None if statistics::chunk(group, name).is_none() => 0,
                None => read::count_nulls(&file.path, at, name)?,
            };
        }
    }
    Ok(all)
}

/// Numbers the rows of each file: by its own word if that fits its rows, else 0, 1, 2 ...
fn count_labels(files: &mut [File]) -> Result<()> {
    for file in files.iter_mut() {
        let pandas = PandasMeta::of(&file.metadata, &file.path)?;
        let n_rows = i64::try_from(file.n_rows()).unwrap_or(i64::MAX);
        file.labels = match pandas.levels[..] {
            [Level::Range { start, stop, step, .. }]
                if start.checked_add(step * n_rows) == Some(stop) =>
            {
                (start, step)
            }
            _ => (0, 1),
        };
    }
    Ok(())
}
