//! Tiles: how a program's output is cut into parts that fit the cache.

use smallvec::SmallVec;

use crate::error::Result;
use crate::kernel::Dims;
use crate::kernel::program::Feed;

/// A tile of the output: extents 1 but along `cross` and the last axis.
pub struct Tile<'a> {
    /// Coordinates of its first element.
    pub start: &'a [usize],
    /// The axis of its rows (equal to the last axis where there is one row).
    pub cross: usize,
    /// Rows.
    pub rows: usize,
    /// Elements of a row, along the last axis.
    pub columns: usize,
}

/// Where tiles of a program's values go.
pub trait Sink {
    /// Memory for the tile's `rows * columns` elements in row-major order, if the sink wants it
    /// written straight to its place.
    fn place(&mut self, tile: &Tile<'_>) -> Option<*mut u8>;

    /// Takes the tile's elements: contiguous, row-major. They lie at [`Sink::place`]'s address if
    /// that gave one.
    ///
    /// # Safety
    /// `elements` must be valid for the tile's elements of the program's dtype.
    ///
    /// # Errors
    /// Whatever the sink finds wrong.
    unsafe fn take(&mut self, tile: &Tile<'_>, elements: *const u8) -> Result<()>;
}

/// Elements of a tile.
const TILE: usize = 2048;
/// Elements of a tile of a program that computes nothing, and reads its input where it lies.
const VIEW_TILE: usize = 32 << 10;
/// Columns, and most rows, of a tile whose inputs are dense along another axis than the last.
const CROSS: usize = 32;
/// Least rows of such a tile: two cache lines of the widest common elements.
const LEAST_ROWS: usize = 16;
/// Bytes of such a tile's registers. Its inputs come line by line from far apart, and must find room
/// in the first cache beside them.
const CROSS_BYTES: usize = 24 << 10;

/// How a shape is cut into tiles.
pub(super) struct TilePlan {
    shape: Dims,
    cross: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
    is_crossed: bool,
}

impl TilePlan {
    /// `is_view`: nothing is computed. `bytes`: what an element takes in all registers.
    pub(super) fn new(views: &[Feed<'_>], shape: &[usize], is_view: bool, bytes: usize) -> Self {
        let last = shape.len().saturating_sub(1);
        let width = shape.last().copied().unwrap_or(1);
        let strided = || views.iter().filter_map(Feed::chunk);
        // An input that is dense along another axis: tiles span some rows of that one.
        let transposed = strided().find_map(|view| {
            let inner = view.strides().last()?.unsigned_abs();
            (0..last)
                .filter(|&axis| shape[axis] > 1 && view.strides()[axis] != 0)
                .min_by_key(|&axis| view.strides()[axis].unsigned_abs())
                .filter(|&axis| width > 1 && view.strides()[axis].unsigned_abs() < inner)
        });
        if let Some(axis) = transposed {
            let fits = CROSS * CROSS * bytes <= CROSS_BYTES;
            let rows = shape[axis].min(if fits { CROSS } else { LEAST_ROWS });
            let columns = width.min(CROSS);
            return Self { shape: shape.into(), cross: axis, rows, columns, is_crossed: true };
        }
        // Rows of a view that have gaps between them would be copied to make a tile.
        let has_gaps = last > 0
            && strided().any(|view| {
                let row = width as isize * view.dtype().itemsize() as isize;
                view.strides()[last - 1] != row
            });
        let is_view = is_view && views.iter().all(|view| view.chunk().is_some());
        let most = if is_view { VIEW_TILE } else { TILE };
        let most_together = if is_view && has_gaps { TILE / 8 } else { most };
        let columns = width.min(most);
        let shape = Dims::from(shape);
        let mut plan = Self { shape, cross: last, rows: 1, columns, is_crossed: false };
        if last > 0 && width * 2 <= most_together {
            plan.cross = last - 1;
            plan.rows = plan.shape[last - 1].min(most / width.max(1));
        }
        plan
    }

    /// The coordinates of the first tile.
    pub(super) fn first(&self) -> Dims {
        SmallVec::from_elem(0, self.shape.len())
    }

    /// Whether tiles are narrow, because some input is dense along another axis than the last.
    pub(super) fn is_crossed(&self) -> bool {
        self.is_crossed
    }

    /// The tile at `start`.
    pub(super) fn tile<'a>(&self, start: &'a [usize]) -> Tile<'a> {
        let last = start.len().wrapping_sub(1);
        let extent = |axis: usize, most: usize| match self.shape.get(axis) {
            Some(extent) => most.min(extent - start[axis]),
            None => 1,
        };
        let columns = extent(last, self.columns);
        let rows = if self.cross == last { 1 } else { extent(self.cross, self.rows) };
        Tile { start, cross: self.cross, rows, columns }
    }

    /// The next tile's start, if there is one.
    pub(super) fn after(&self, mut start: Dims) -> Option<Dims> {
        self.advance(&mut start).then_some(start)
    }

    /// Moves `start` to the next tile; `false` behind the last one.
    pub(super) fn advance(&self, start: &mut SmallVec<[usize; 4]>) -> bool {
        for axis in (0..self.shape.len()).rev() {
            let step = if axis + 1 == self.shape.len() {
                self.columns
            } else if axis == self.cross {
                self.rows
            } else {
                1
            };
            start[axis] += step;
            if start[axis] < self.shape[axis] {
                return true;
            }
            start[axis] = 0;
        }
        false
    }
}
