//! The sink that stores a program's value.
#![expect(unsafe_code, reason = "tiles of raw strided memory")]

use crate::error::Result;
use crate::kernel::Strides;
use crate::kernel::plane::{Plane, copy_plane, settle, stream};
use crate::kernel::program::{Sink, Tile};

/// Stores a program's value in memory that nobody else has.
pub(super) struct Store {
    pub(super) start: *mut u8,
    pub(super) strides: Strides,
    pub(super) itemsize: usize,
    /// Whether nobody reads the memory soon: long rows then are written past the caches.
    pub(super) streams: bool,
}

/// Shorter rows begin and end with parts of cache lines that are too many to be streamed.
const STREAMED: usize = 2048;

impl Store {
    /// Whether a tile's rows are written past the caches.
    fn is_streamed(&self, tile: &Tile<'_>) -> bool {
        let is_dense = self.strides.last() == Some(&(self.itemsize as isize));
        self.streams && is_dense && tile.columns * self.itemsize >= STREAMED
    }

    fn address(&self, tile: &Tile<'_>) -> *mut u8 {
        let moved: isize =
            tile.start.iter().zip(&self.strides).map(|(&i, &s)| i as isize * s).sum();
        self.start.wrapping_offset(moved)
    }
}

impl Sink for Store {
    fn place(&mut self, tile: &Tile<'_>) -> Option<*mut u8> {
        if self.is_streamed(tile) {
            return None;
        }
        let row = (tile.columns * self.itemsize) as isize;
        let dense = tile.columns == 1 || self.strides.last() == Some(&(self.itemsize as isize));
        let together = tile.rows == 1 || self.strides[tile.cross] == row;
        (dense && together).then(|| self.address(tile))
    }

    unsafe fn take(&mut self, tile: &Tile<'_>, elements: *const u8) -> Result<()> {
        let target = self.address(tile);
        if target.cast_const() == elements {
            return Ok(());
        }
        let size = self.itemsize as isize;
        let cross = if tile.rows > 1 { self.strides[tile.cross] } else { 0 };
        let inner = self.strides.last().copied().unwrap_or(size);
        if self.is_streamed(tile) {
            let bytes = tile.columns * self.itemsize;
            for row in 0..tile.rows {
                let to = target.wrapping_offset(row as isize * cross);
                // SAFETY: as below.
                unsafe { stream(elements.add(row * bytes), to, bytes) };
            }
            return Ok(());
        }
        // SAFETY: the tile lies inside of the memory, which nobody else has.
        unsafe {
            copy_plane(
                self.itemsize,
                (tile.rows, tile.columns),
                Plane::new(elements, tile.columns as isize * size, size),
                Plane::new(target, cross, inner),
            );
        }
        Ok(())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if self.streams {
            settle();
        }
    }
}
