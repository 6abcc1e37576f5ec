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
        let mut files = Vec::new();
        for path in paths {
            let summary = format!("{}/_metadata", path.trim_end_matches('/'));
            if Path::new(&summary).is_file() {
                files.extend(summarised(path.trim_end_matches('/'), &summary)?);
                continue;
            }
            for found in paths::find(std::slice::from_ref(path))? {
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
                let mut known =
                    |column| self.of_group(file, at, &self.layout.columns[column], column);
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
fn footer(path: &str) -> Result<ParquetMetaData> {
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

/// Numbers rows as pandas does: by a file's own word if that fits, else 0, 1, 2 ... over all files.
fn count_labels(files: &mut [File]) -> Result<()> {
    let range = |file: &File| -> Result<Option<(i64, i64, i64)>> {
        let pandas = PandasMeta::of(&file.metadata, &file.path)?;
        Ok(match pandas.levels[..] {
            [Level::Range { start, stop, step, .. }] => {
                let n_rows = i64::try_from(file.n_rows()).unwrap_or(i64::MAX);
                (start.checked_add(step * n_rows) == Some(stop)).then_some((start, stop, step))
            }
            _ => None,
        })
    };
    let ranges: Option<Vec<_>> = files.iter().map(range).collect::<Result<_>>()?;
    let follow = |pair: &[(i64, i64, i64)]| pair[0].1 == pair[1].0 && pair[0].2 == pair[1].2;
    let ranges = ranges.filter(|ranges| ranges.windows(2).all(follow));
    let mut next = 0;
    for (at, file) in files.iter_mut().enumerate() {
        file.labels = match &ranges {
            Some(ranges) => (ranges[at].0, ranges[at].2),
            None => (next, 1),
        };
        next += i64::try_from(file.n_rows()).unwrap_or(i64::MAX);
    }
    Ok(())
}
