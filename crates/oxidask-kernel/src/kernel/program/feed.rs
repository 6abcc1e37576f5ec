//! What a program reads: chunks, or numbers made as they are needed.

use crate::kernel::Chunk;
use crate::kernel::program::Tile;

/// Makes the elements of an input tile by tile, so that they are never in memory as a whole.
pub trait Generator {
    /// Writes the tile's elements, row-major.
    ///
    /// # Safety
    /// `out` must be aligned and valid for writing the tile's elements of the input's dtype.
    unsafe fn fill(&self, tile: &Tile<'_>, out: *mut u8);
}

/// What an input of a program reads.
#[derive(Clone)]
pub enum Feed<'a> {
    /// A chunk.
    Chunk(Chunk),
    /// Elements made tile by tile, under the output's axes.
    Made(&'a dyn Generator),
}

impl Feed<'_> {
    /// The chunk, if it is one.
    #[must_use]
    pub fn chunk(&self) -> Option<&Chunk> {
        match self {
            Self::Chunk(chunk) => Some(chunk),
            Self::Made(_) => None,
        }
    }
}
