//! The files of Zarr arrays, through the crate `zarrs`.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use zarrs::array::{Array, ArrayBytes, ArrayMetadata, ArraySubset, CodecOptions};
use zarrs::filesystem::FilesystemStore;
use zarrs::storage::ReadableStorageTraits;
use zarrs::storage::store::MemoryStore;

use super::zarr::{Creation, Layout, Place};
use crate::dtype::DType;
use crate::error::{ArrayError, Result};
use crate::kernel::Chunk;

type Opened = Array<FilesystemStore>;

/// An error of a file, with its path.
fn io_error(place: &dyn std::fmt::Display, error: impl std::fmt::Display) -> ArrayError {
    ArrayError::Io { path: place.to_string(), reason: error.to_string() }
}

fn node_path(place: &Place) -> String {
    format!("/{}", place.component.trim_matches('/'))
}

fn opened(place: &Place) -> Result<Opened> {
    let store = FilesystemStore::new(&place.root).map_err(|error| io_error(place, error))?;
    Array::open(Arc::new(store), &node_path(place)).map_err(|error| io_error(place, error))
}

/// One task works on one thread: the scheduler runs others beside it.
fn options() -> CodecOptions {
    CodecOptions::default().with_concurrent_target(1).with_store_empty_chunks(true)
}

fn subset(start: &[usize], end: &[usize]) -> ArraySubset {
    start.iter().zip(end).map(|(&start, &end)| start as u64..end as u64).collect::<Vec<_>>().into()
}

pub(super) fn open(place: &Place) -> Result<Layout> {
    let unknown = |error: ArrayError| ArrayError::NoKernel(error.to_string());
    let array = opened(place).map_err(unknown)?;
    let metadata = serde_json::to_value(array.metadata())
        .map_err(|error| ArrayError::NoKernel(format!("{place}: {error}")))?;
    let dtype =
        dtype_of(&metadata).ok_or_else(|| ArrayError::NoKernel(format!("the dtype of {place}")))?;
    let first = vec![0; array.dimensionality()];
    let units = array.chunk_shape_usize(&first).map_err(|error| io_error(place, error));
    let units = units.map_err(unknown)?;
    let chunks = inner_chunks(&metadata).unwrap_or_else(|| units.clone());
    let shape = array.shape().iter().map(|&extent| extent as usize).collect();
    Ok(Layout { dtype, shape, units, chunks })
}

/// The dtype of an array's metadata, if it has a native form.
fn dtype_of(metadata: &Json) -> Option<DType> {
    if let Some(typestr) = metadata.get("dtype") {
        // Elements come in the machine's order, whatever the file's.
        return typestr.as_str()?.replacen('>', "<", 1).parse().ok();
    }
    let typestr = match metadata.get("data_type")?.as_str()? {
        "bool" => "|b1",
        "int8" => "|i1",
        "int16" => "<i2",
        "int32" => "<i4",
        "int64" => "<i8",
        "uint8" => "|u1",
        "uint16" => "<u2",
        "uint32" => "<u4",
        "uint64" => "<u8",
        "float16" => "<f2",
        "float32" => "<f4",
        "float64" => "<f8",
        "complex64" => "<c8",
        "complex128" => "<c16",
        _ => return None,
    };
    typestr.parse().ok()
}

/// The name of a dtype in metadata of a format; `None` if it has none that all readers know.
fn dtype_name(dtype: DType, format: u8) -> Option<String> {
    let typestr = dtype.typestr();
    if typestr.contains(['M', 'm']) {
        return None;
    }
    if format == 2 {
        return Some(typestr);
    }
    let (kind, bytes) = (typestr.as_bytes().get(1)?, typestr.get(2..)?.parse::<u32>().ok()?);
    Some(match kind {
        b'b' => "bool".into(),
        b'i' => format!("int{}", bytes * 8),
        b'u' => format!("uint{}", bytes * 8),
        b'f' => format!("float{}", bytes * 8),
        b'c' => format!("complex{}", bytes * 8),
        _ => return None,
    })
}

/// The chunks inside of shards.
fn inner_chunks(metadata: &Json) -> Option<Vec<usize>> {
    let codecs = metadata.get("codecs")?.as_array()?;
    let sharding = codecs.iter().find(|codec| codec["name"] == "sharding_indexed")?;
    serde_json::from_value(sharding["configuration"]["chunk_shape"].clone()).ok()
}

fn metadata_of(layout: &Layout, format: u8) -> Option<Json> {
    let name = dtype_name(layout.dtype, format)?;
    let zero = match name.trim_start_matches(['<', '|']).as_bytes()[0] {
        b'b' => json!(false),
        b'c' if format == 3 => json!([0.0, 0.0]),
        b'c' => Json::Null,
        b'f' => json!(0.0),
        _ => json!(0),
    };
    if format == 2 {
        return Some(json!({
            "zarr_format": 2,
            "shape": layout.shape,
            "chunks": layout.units,
            "dtype": name,
            "compressor": {"id": "zstd", "level": 1},
            "fill_value": zero,
            "order": "C",
            "filters": null,
        }));
    }
    let bytes = if layout.dtype.itemsize() == 1 {
        json!({"name": "bytes"})
    } else {
        json!({"name": "bytes", "configuration": {"endian": "little"}})
    };
    let zstd = json!({"name": "zstd", "configuration": {"level": 1, "checksum": false}});
    Some(json!({
        "zarr_format": 3,
        "node_type": "array",
        "shape": layout.shape,
        "data_type": name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": layout.units}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": zero,
        "codecs": [bytes, zstd],
        "attributes": {},
    }))
}

pub(super) fn create(place: &Place, layout: &Layout, creation: Creation) -> Result<()> {
    let format = group_format(place)?.unwrap_or(creation.format);
    let metadata = metadata_of(layout, format)
        .ok_or_else(|| ArrayError::NoKernel(format!("{} in Zarr", layout.dtype)))?;
    let target = place.root.join(&place.component);
    if node_kind(&target).is_some() {
        if !creation.overwrite {
            return Err(io_error(
                place,
                "there is a Zarr array or group already: overwrite=True \
                replaces it",
            ));
        }
        std::fs::remove_dir_all(&target).map_err(|error| io_error(place, error))?;
    }
    std::fs::create_dir_all(&target).map_err(|error| io_error(place, error))?;
    create_groups(place, format)?;
    let name = if format == 2 { ".zarray" } else { "zarr.json" };
    // Read back before anyone relies on it.
    let parsed: ArrayMetadata = serde_json::from_value(metadata.clone())
        .map_err(|error| ArrayError::NoKernel(format!("{place}: {error}")))?;
    let store = FilesystemStore::new(&place.root).map_err(|error| io_error(place, error))?;
    Array::new_with_metadata(Arc::new(store), &node_path(place), parsed)
        .map_err(|error| ArrayError::NoKernel(format!("{place}: {error}")))?;
    write_atomically(&target.join(name), &pretty(&metadata)?)
}

fn pretty(json: &Json) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(json).map_err(|error| ArrayError::Value(error.to_string()))
}

/// The kind of node that a folder is.
fn node_kind(folder: &Path) -> Option<&'static str> {
    let kinds = ["zarr.json", ".zarray", ".zgroup"];
    kinds.into_iter().find(|name| folder.join(name).exists())
}

/// The format of the groups above an array, if there are any.
fn group_format(place: &Place) -> Result<Option<u8>> {
    for folder in parents(place) {
        match node_kind(&folder) {
            Some("zarr.json") => return Ok(Some(3)),
            Some(".zgroup") => return Ok(Some(2)),
            Some(_) => return Err(io_error(&folder.display(), "an array can't hold another one")),
            None => {}
        }
    }
    Ok(None)
}

fn parents(place: &Place) -> Vec<std::path::PathBuf> {
    let parts: Vec<&str> = place.component.split('/').filter(|part| !part.is_empty()).collect();
    let above = parts.len().saturating_sub(1);
    let mut folders = Vec::new();
    if !parts.is_empty() {
        folders.push(place.root.clone());
    }
    for part in &parts[..above] {
        let next = folders.last().map_or_else(|| place.root.join(part), |last| last.join(part));
        folders.push(next);
    }
    folders
}

fn create_groups(place: &Place, format: u8) -> Result<()> {
    for folder in parents(place) {
        if node_kind(&folder).is_some() {
            continue;
        }
        std::fs::create_dir_all(&folder).map_err(|error| io_error(&folder.display(), error))?;
        let (name, group) = if format == 2 {
            (".zgroup", json!({"zarr_format": 2}))
        } else {
            ("zarr.json", json!({"zarr_format": 3, "node_type": "group", "attributes": {}}))
        };
        write_atomically(&folder.join(name), &pretty(&group)?)?;
    }
    Ok(())
}

/// Writes a file under another name first.
fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |error: std::io::Error| io_error(&path.display(), error);
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut file = tempfile::Builder::new().prefix(".part-").tempfile_in(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

pub(super) fn read(place: &Place, dtype: DType, start: &[usize], end: &[usize]) -> Result<Chunk> {
    let shape: Vec<usize> = start.iter().zip(end).map(|(start, end)| end - start).collect();
    if shape.contains(&0) {
        return Chunk::new(dtype, &shape);
    }
    let array = opened(place)?;
    let bytes = array
        .retrieve_array_subset_opt::<ArrayBytes<'static>>(&subset(start, end), &options())
        .map_err(|error| io_error(place, format!("can't read or decode a chunk: {error}")))?;
    let bytes = bytes.into_fixed().map_err(|error| io_error(place, error))?;
    Chunk::from_bytes(dtype, &shape, bytes.into_owned())
}

/// The units that a region touches, by their places in the grid.
fn units(array: &Opened, region: &ArraySubset) -> Vec<Vec<u64>> {
    match array.chunks_in_array_subset(region) {
        Ok(Some(chunks)) => chunks.indices().into_iter().map(|indices| indices.to_vec()).collect(),
        _ => Vec::new(),
    }
}

pub(super) fn is_written(place: &Place, start: &[usize], end: &[usize]) -> Result<bool> {
    let array = opened(place)?;
    let store = array.storage();
    let missing = |unit: &Vec<u64>| !store.key_to_fspath(&array.chunk_key(unit)).exists();
    Ok(!units(&array, &subset(start, end)).iter().any(missing))
}

pub(super) fn write(place: &Place, chunk: &Chunk, start: &[usize]) -> Result<()> {
    if chunk.is_empty() {
        return Ok(());
    }
    let array = opened(place)?;
    let end: Vec<usize> = start.iter().zip(chunk.shape()).map(|(at, extent)| at + extent).collect();
    let region = subset(start, &end);
    let whole = chunk.to_contiguous()?;
    let bytes = whole.bytes().unwrap_or_default();
    // Encoded in memory, then renamed into place: nobody ever sees half a chunk.
    let memory = Arc::new(MemoryStore::new());
    array
        .with_storage(Arc::clone(&memory))
        .store_array_subset_opt(&region, ArrayBytes::new_flen(bytes), &options())
        .map_err(|error| io_error(place, error))?;
    for unit in units(&array, &region) {
        let key = array.chunk_key(&unit);
        let encoded = memory.get(&key).map_err(|error| io_error(place, error))?;
        if let Some(encoded) = encoded {
            write_atomically(&array.storage().key_to_fspath(&key), &encoded)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(shape: &[usize], from: i32) -> Chunk {
        let n: usize = shape.iter().product();
        let elements: Vec<i32> = (from..from + n as i32).collect();
        Chunk::from_slice(&elements, shape).unwrap()
    }

    #[test]
    fn what_was_written_is_read_back_and_known_to_be_there() {
        for format in [2, 3] {
            let folder = tempfile::tempdir().unwrap();
            let place = Place { root: folder.path().into(), component: "a/b".into() };
            let layout = Layout {
                dtype: DType::I32,
                shape: vec![5, 4],
                units: vec![2, 4],
                chunks: vec![2, 4],
            };
            let creation = Creation { format, overwrite: false };
            create(&place, &layout, creation).unwrap();
            assert_eq!(open(&place).unwrap(), layout);
            assert!(matches!(create(&place, &layout, creation), Err(ArrayError::Io { .. })));
            assert!(!is_written(&place, &[4, 0], &[5, 4]).unwrap());
            write(&place, &chunk(&[1, 4], 7), &[4, 0]).unwrap();
            assert!(is_written(&place, &[4, 0], &[5, 4]).unwrap());
            assert!(!is_written(&place, &[0, 0], &[5, 4]).unwrap());
            let read = read(&place, DType::I32, &[3, 1], &[5, 3]).unwrap();
            assert_eq!(read.as_slice::<i32>().unwrap(), [0, 0, 8, 9]);
        }
    }

    #[test]
    fn what_is_no_array_is_for_other_readers() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place { root: folder.path().into(), component: String::new() };
        assert!(matches!(open(&place), Err(ArrayError::NoKernel(_))));
    }
}
