//! The files `_metadata` and `_common_metadata` of a folder: what the footers of its files say, in one place.
//!
//! Who reads a folder of thousands of files then reads one footer. `_metadata` holds all row groups, each with the path
//! of its file; `_common_metadata` holds the columns alone.

use std::io::Write as _;
use std::path::Path;

use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, ParquetMetaData, ParquetMetaDataWriter, RowGroupMetaData,
};

use parquet::schema::types::ColumnDescPtr;

use super::dataset::footer;
use super::open_file::damaged;
use crate::error::{FrameError, Result};
use crate::io::failed;

/// Writes `_metadata` and `_common_metadata` into a folder, of files by their paths in it.
///
/// # Errors
/// [`FrameError::Io`] if a file can't be read or written, [`FrameError::Value`] if one is no whole Parquet file, or has
/// other columns than the first.
pub fn summarise(folder: &str, files: &[String]) -> Result<()> {
    let mut common: Option<FileMetaData> = None;
    let mut groups = Vec::new();
    for name in files {
        let path = Path::new(folder).join(name).to_string_lossy().into_owned();
        let metadata = footer(&path)?;
        let of_file = metadata.file_metadata();
        let known = common.get_or_insert_with(|| of_file.clone());
        if !has_same_columns(known, of_file) {
            return Err(FrameError::Value(format!(
                "{path} has other columns than {}: one _metadata can't tell of both; write with a schema, or \
                 with write_metadata_file=False",
                files[0]
            )));
        }
        for group in metadata.row_groups() {
            groups.push(placed(group, name).map_err(|error| damaged(&path, &error))?);
        }
    }
    let Some(common) = common else { return Ok(()) };
    let n_rows = groups.iter().map(RowGroupMetaData::num_rows).sum();
    write(folder, "_common_metadata", &ParquetMetaData::new(counted(&common, 0), Vec::new()))?;
    write(folder, "_metadata", &ParquetMetaData::new(counted(&common, n_rows), groups))
}

fn has_same_columns(left: &FileMetaData, right: &FileMetaData) -> bool {
    let (left, right) = (left.schema_descr().columns(), right.schema_descr().columns());
    let same = |(a, b): (&ColumnDescPtr, &ColumnDescPtr)| {
        a.path() == b.path() && a.physical_type() == b.physical_type()
    };
    left.len() == right.len() && left.iter().zip(right).all(same)
}

/// A row group that says which file it is in.
fn placed(group: &RowGroupMetaData, name: &str) -> parquet::errors::Result<RowGroupMetaData> {
    let place = |column: &ColumnChunkMetaData| {
        column.clone().into_builder().set_file_path(name.to_owned()).build()
    };
    let columns = group.columns().iter().map(place).collect::<Result<_, _>>()?;
    group.clone().into_builder().set_column_metadata(columns).build()
}

fn counted(common: &FileMetaData, n_rows: i64) -> FileMetaData {
    FileMetaData::new(
        common.version(),
        n_rows,
        common.created_by().map(str::to_owned),
        common.key_value_metadata().cloned(),
        common.schema_descr_ptr(),
        common.column_orders().cloned(),
    )
}

/// Writes a file that is a footer only, complete or not at all.
fn write(folder: &str, name: &str, metadata: &ParquetMetaData) -> Result<()> {
    let path = Path::new(folder).join(name);
    let io = |error: &dyn std::fmt::Display| failed(&path.to_string_lossy(), error);
    let mut bytes = b"PAR1".to_vec();
    let mut footer = Vec::new();
    ParquetMetaDataWriter::new(&mut footer, metadata)
        .with_preserve_page_index_locations(false)
        .finish()
        .map_err(|error| io(&error))?;
    bytes.append(&mut footer);
    let mut builder = tempfile::Builder::new();
    builder.prefix(".").suffix(".parquet.part");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder).map_err(|error| io(&error))?;
    file.write_all(&bytes).map_err(|error| io(&error))?;
    file.persist(&path).map_err(|error| io(&error.error))?;
    Ok(())
}
