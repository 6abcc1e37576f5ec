//! The sink that stores a program's value.
#![expect(unsafe_code, reason = "tiles of raw strided memory")]

use crate::error::Result;
use crate::kernel::Strides;
use crate::kernel::plane::{Plane, copy_plane};
use crate::kernel::program::{Sink, Tile};

/// Stores a program's value in memory that nobody else has.
pub(super) struct Store {
    pub(super) start: *mut u8,
    pub(super) strides: Strides,
    pub(super) itemsize: usize,
}

impl Store {
    fn address(&self, tile: &Tile<'_>) -> *mut u8 {
        let moved: isize =
            tile.start.iter().zip(&self.strides).map(|(&i, &s)| i as isize * s).sum();
        self.start.wrapping_offset(moved)
    }
}

impl Sink for Store {
    fn place(&mut self, tile: &Tile<'_>) -> Option<*mut u8> {
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
