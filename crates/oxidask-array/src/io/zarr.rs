//! Zarr arrays on local paths: what they are, and kernels that read and write their blocks.
//!
//! Blocks are read from any region. They are written chunk by chunk, each under another name first,
//! so that a chunk's file is whole if it is there: the caller sees to it that blocks end where
//! chunks (or shards) end.

use std::borrow::Cow;
use std::path::PathBuf;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use crate::dtype::DType;
use crate::error::{ArrayError, Result};
use crate::foreign::Call;
use crate::kernel::Chunk;
use crate::ops::slice::RegionAxis;
use crate::ops::source::{Bounds, region};
use crate::ops::{Block, Kernel, chunk, value};

/// Where a Zarr array is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The folder of the hierarchy.
    pub root: PathBuf,
    /// The array's path in it: empty for the root itself.
    pub component: String,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.root.join(&self.component).display())
    }
}

/// What a Zarr array is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The dtype of its elements.
    pub dtype: DType,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The shape of what is written at once: chunks, or shards of smaller ones.
    pub units: Vec<usize>,
    /// The shape of the smallest parts that are read.
    pub chunks: Vec<usize>,
}

/// How to make a Zarr array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Creation {
    /// The version of the format: 2 or 3.
    pub format: u8,
    /// Whether an array that is there may be deleted.
    pub overwrite: bool,
}

/// Looks at an array.
///
/// # Errors
/// [`ArrayError::NoKernel`] if it isn't there, or is one that only other readers know.
pub fn open(place: &Place) -> Result<Layout> {
    imp::open(place)
}

/// Makes an array, and the groups above it.
///
/// # Errors
/// [`ArrayError::NoKernel`] if the dtype has no native form; [`ArrayError::Io`] if there is an array
/// already, or the files can't be written.
pub fn create(place: &Place, layout: &Layout, creation: Creation) -> Result<()> {
    imp::create(place, layout, creation)
}

/// Whether all that lies in a region was written: the file of each of its units is there.
///
/// # Errors
/// As [`open`].
pub fn is_written(place: &Place, start: &[usize], end: &[usize]) -> Result<bool> {
    imp::is_written(place, start, end)
}

/// Reads a region.
///
/// # Errors
/// [`ArrayError::Io`] if the files can't be read.
pub fn read(place: &Place, dtype: DType, start: &[usize], end: &[usize]) -> Result<Chunk> {
    imp::read(place, dtype, start, end)
}

/// Reads blocks of a Zarr array.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadZarr {
    /// Where it is.
    pub place: Place,
    /// The dtype of its elements.
    pub dtype: DType,
    /// Axis by axis where the blocks start.
    pub bounds: Vec<Bounds>,
}

impl Kernel for ReadZarr {
    fn name(&self) -> Cow<'_, str> {
        "from_zarr".into()
    }

    fn run(&self, _: &mut [Value], block: &Block<'_>) -> Result<Value> {
        let (start, end) = region(&self.bounds, block.coords);
        imp::read(&self.place, self.dtype, &start, &end).map(value)
    }

    fn call(&self, _: &Block<'_>) -> Result<Call> {
        Err(ArrayError::Unsupported(format!("{} can't be read", self.place)))
    }
}

/// What a block takes of what was read for it, by axis.
fn stepped(read: &Chunk, ranges: &[(usize, usize, isize)]) -> Chunk {
    let mut part = read.clone();
    for (axis, &(start, end, step)) in ranges.iter().enumerate().rev() {
        part = match step {
            0 => part.at(axis, 0),
            1 => part,
            _ => {
                let extent = end - start;
                let first = if step > 0 { 0 } else { extent - 1 };
                part.sliced(axis, first, step, extent.div_ceil(step.unsigned_abs()))
            }
        };
    }
    part
}

/// Reads parts of a Zarr array: what slices of [`ReadZarr`] become.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadRegion {
    /// Where it is.
    pub place: Place,
    /// The dtype of its elements.
    pub dtype: DType,
    /// Axis by axis what is read.
    pub axes: Vec<RegionAxis>,
}

impl Kernel for ReadRegion {
    fn name(&self) -> Cow<'_, str> {
        "from_zarr".into()
    }

    fn run(&self, _: &mut [Value], block: &Block<'_>) -> Result<Value> {
        let ranges = self.axes.iter().map(|axis| axis.range(block.coords));
        let ranges: Vec<(usize, usize, isize)> = ranges.collect();
        let start: Vec<usize> = ranges.iter().map(|range| range.0).collect();
        let end: Vec<usize> = ranges.iter().map(|range| range.1).collect();
        let read = imp::read(&self.place, self.dtype, &start, &end)?;
        let part = stepped(&read, &ranges);
        // Few of many elements don't keep the others in memory.
        Ok(value(if part.len() * 2 <= read.len() { part.to_contiguous()? } else { part }))
    }

    fn call(&self, _: &Block<'_>) -> Result<Call> {
        Err(ArrayError::Unsupported(format!("{} can't be read", self.place)))
    }
}

/// Writes blocks to a Zarr array; gives empty chunks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WriteZarr {
    /// Where it is.
    pub place: Place,
    /// The dtype of its elements.
    pub dtype: DType,
    /// Axis by axis where the blocks start.
    pub bounds: Vec<Bounds>,
}

impl Kernel for WriteZarr {
    fn name(&self) -> Cow<'_, str> {
        "to_zarr".into()
    }

    fn run(&self, inputs: &mut [Value], block: &Block<'_>) -> Result<Value> {
        let (start, end) = region(&self.bounds, block.coords);
        let chunk = native(chunk(&inputs[0]), &self.place)?;
        let extents: Vec<usize> = start.iter().zip(&end).map(|(start, end)| end - start).collect();
        if chunk.dtype() != self.dtype || chunk.shape() != extents.as_slice() {
            return Err(ArrayError::Value(format!(
                "a block of {:?} {} where {} expects {extents:?} {}",
                chunk.shape(),
                chunk.dtype(),
                self.place,
                self.dtype
            )));
        }
        imp::write(&self.place, &chunk, &start)?;
        Chunk::new(self.dtype, &vec![0; extents.len()]).map(value)
    }

    fn call(&self, _: &Block<'_>) -> Result<Call> {
        Err(ArrayError::Unsupported(format!(
            "{} takes blocks of {} only: use store() with a zarr.Array",
            self.place, self.dtype
        )))
    }
}

/// A block that must be native.
fn native(chunk: Result<Chunk>, place: &Place) -> Result<Chunk> {
    chunk.map_err(|error| match error {
        ArrayError::NoKernel(what) => {
            ArrayError::Type(format!("a block is a {what}, which can't be written to {place}"))
        }
        error => error,
    })
}

#[cfg(feature = "zarr")]
use super::zarr_files as imp;

#[cfg(not(feature = "zarr"))]
mod imp {
    use super::{Creation, Layout, Place};
    use crate::dtype::DType;
    use crate::error::{ArrayError, Result};
    use crate::kernel::Chunk;

    fn missing<T>() -> Result<T> {
        Err(ArrayError::NoKernel("Zarr arrays: this build is without the feature zarr".into()))
    }

    pub(super) fn open(_: &Place) -> Result<Layout> {
        missing()
    }

    pub(super) fn create(_: &Place, _: &Layout, _: Creation) -> Result<()> {
        missing()
    }

    pub(super) fn is_written(_: &Place, _: &[usize], _: &[usize]) -> Result<bool> {
        missing()
    }

    pub(super) fn read(_: &Place, _: DType, _: &[usize], _: &[usize]) -> Result<Chunk> {
        missing()
    }

    pub(super) fn write(_: &Place, _: &Chunk, _: &[usize]) -> Result<()> {
        missing()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::slice::Cut;

    #[test]
    fn what_was_read_is_stepped_through() {
        let cut = |start, step, len| RegionAxis::Along(0, [Cut { start, step, len }].into());
        let axes = [RegionAxis::At(7), cut(9, -3, 3), cut(2, 1, 2), cut(4, 2, 0)];
        let ranges: Vec<_> = axes.iter().map(|axis| axis.range(&[0])).collect();
        assert_eq!(ranges, [(7, 8, 0), (3, 10, -3), (2, 4, 1), (4, 4, 1)]);
        let values: Vec<i64> = (0..14).collect();
        let read = Chunk::from_slice(&values, &[1, 7, 2]).unwrap();
        let part = stepped(&read, &ranges[..3]).to_contiguous().unwrap();
        assert_eq!(part.shape(), [3, 2]);
        assert_eq!(part.as_slice::<i64>().unwrap(), [12, 13, 6, 7, 0, 1]);
    }
}
