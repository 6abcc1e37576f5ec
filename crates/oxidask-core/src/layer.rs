//! Layers: many tasks of one kind, described once.
//!
//! A [`MappedLayer`] is a grid of blocks that run one op; which blocks of other layers a block
//! reads is given by an [`IndexMap`] for each input, so a million-block layer takes a few hundred
//! bytes and is expanded only where it runs. Block `c` of a grid is numbered row-major. An
//! [`ExplicitLayer`] holds tasks one by one, in an append-only arena: delayed calls and plain dict
//! graphs are made of these.

use std::ops::Range;
use std::sync::Arc;

use crate::dag::Csr;
use crate::graph::TaskRef;
use crate::key::{Group, Key};
use crate::op::Op;

/// How one axis of an input's grid follows from the block of the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AxisMap {
    /// The same index as the output's on this axis: identity and transposition.
    Same(u8),
    /// Always this index: broadcasting reads 0.
    Fixed(u32),
    /// `start + step * i` of the output's index on `axis`: a slice of blocks.
    Affine {
        /// Axis of the output.
        axis: u8,
        /// Block read for output block 0.
        start: u32,
        /// Distance between successive blocks; negative steps walk backwards.
        step: i32,
    },
    /// The `by` blocks that output block `i` reduces: one level of a tree reduction.
    Tree {
        /// Axis of the output.
        axis: u8,
        /// Blocks per output block; the last may get fewer.
        by: u32,
    },
    /// The block itself with so many neighbours on either side, clipped at the edges.
    Halo {
        /// Axis of the output.
        axis: u8,
        /// Neighbours before.
        before: u32,
        /// Neighbours after.
        after: u32,
    },
    /// The blocks that a concatenation takes from this input: output block `i` reads `i - start`,
    /// or nothing where that lies outside of this input.
    Window {
        /// Axis of the output.
        axis: u8,
        /// First output block that comes from this input.
        start: u32,
    },
    /// A range by table: output block `i` reads the blocks `spans[i].0..spans[i].1`. Rechunking and
    /// slicing, whose blocks lie irregularly.
    Ranges {
        /// Axis of the output.
        axis: u8,
        /// First block and the one after the last, by index of the output.
        spans: Arc<[(u32, u32)]>,
    },
    /// A list by table: output block `i` reads the blocks of row `i`, in that order. Taking rows in
    /// any order.
    Lists {
        /// Axis of the output.
        axis: u8,
        /// Blocks by index of the output.
        rows: Arc<Csr>,
    },
    /// Every block of the axis: contractions and all-to-all exchanges.
    Every,
}

/// Which blocks of an input a block of the output reads, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexMap {
    /// The block of the same number.
    Identity,
    /// Axis by axis: one map for each axis of the input; their product, row-major.
    Axes(Box<[AxisMap]>),
    /// Row `b` lists what block `b` reads.
    Table(Csr),
}

/// Number of blocks of a grid, or `None` if a `u32` can't count them.
#[must_use]
pub fn n_blocks(shape: &[u32]) -> Option<u32> {
    shape.iter().try_fold(1u32, |n, &extent| n.checked_mul(extent))
}

/// The coordinates of row-major block `block`, into `coords`.
pub fn unravel(mut block: u32, shape: &[u32], coords: &mut Vec<u32>) {
    coords.clear();
    coords.resize(shape.len(), 0);
    for (coord, &extent) in coords.iter_mut().zip(shape).rev() {
        *coord = block % extent;
        block /= extent;
    }
}

impl AxisMap {
    /// The range read on an axis of `extent` blocks, by the output block at `out`; `None` if it
    /// leaves the axis, or names an axis that the output hasn't got.
    fn span(&self, out: &[u32], extent: u32) -> Option<Range<u32>> {
        let at = |axis: u8| out.get(axis as usize).copied().map(i64::from);
        let clipped = |from: i64, to: i64| {
            let [from, to] = [from, to].map(|i| i.clamp(0, extent.into()) as u32);
            Some(from..to)
        };
        let exactly = |index: i64| {
            let index = u32::try_from(index).ok().filter(|&index| index < extent)?;
            Some(index..index + 1)
        };
        match *self {
            Self::Ranges { axis, ref spans } => {
                let &(from, to) = spans.get(*out.get(axis as usize)? as usize)?;
                (to <= extent).then_some(from..to.max(from))
            }
            Self::Same(axis) => exactly(at(axis)?),
            Self::Fixed(index) => exactly(index.into()),
            Self::Affine { axis, start, step } => {
                exactly(i64::from(start) + i64::from(step) * at(axis)?)
            }
            Self::Tree { axis, by } => {
                // Saturating: the last group of a coarse tree may reach beyond any index.
                let from = at(axis)?.saturating_mul(by.into());
                clipped(from, from.saturating_add(by.into()))
            }
            Self::Halo { axis, before, after } => {
                let mid = at(axis)?;
                clipped(mid - i64::from(before), mid + i64::from(after) + 1)
            }
            Self::Window { axis, start } => {
                Some(exactly(at(axis)? - i64::from(start)).unwrap_or(0..0))
            }
            Self::Every => Some(0..extent),
            // A list is no range: `reads` answers it.
            Self::Lists { .. } => None,
        }
    }

    /// What the output block at `out` reads on an axis of `extent` blocks; `None` as for `span`.
    fn reads(&self, out: &[u32], extent: u32) -> Option<Reads<'_>> {
        let Self::Lists { axis, rows } = self else {
            return self.span(out, extent).map(Reads::Range);
        };
        let at = out.get(*axis as usize).copied().filter(|&at| (at as usize) < rows.len())?;
        let row = rows.row(at);
        row.iter().all(|&block| block < extent).then_some(Reads::List(row))
    }
}

/// The blocks read on one axis.
#[derive(Clone)]
enum Reads<'a> {
    Range(Range<u32>),
    List(&'a [u32]),
}

impl Iterator for Reads<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        match self {
            Self::Range(range) => range.next(),
            Self::List(list) => list.split_off_first().copied(),
        }
    }
}

impl IndexMap {
    /// Appends to `blocks` what output block `block` (with coordinates `out`) reads of a grid of
    /// `shape`. Returns `false`, with `blocks` as they were, if a block lies outside of the grid or
    /// the map isn't one for such grids.
    #[must_use]
    pub fn read(&self, block: u32, out: &[u32], shape: &[u32], blocks: &mut Vec<u32>) -> bool {
        let before = blocks.len();
        let Some(total) = n_blocks(shape) else { return false };
        match self {
            Self::Identity => blocks.push(block),
            Self::Table(rows) if (block as usize) < rows.len() => {
                blocks.extend_from_slice(rows.row(block));
            }
            Self::Axes(axes) if axes.len() == shape.len() => {
                let mut partial: Vec<u32> = vec![0];
                for (map, &extent) in axes.iter().zip(shape) {
                    let Some(span) = map.reads(out, extent) else { return false };
                    let along = |base: &u32| {
                        let first = base * extent;
                        span.clone().map(move |index| first + index)
                    };
                    partial = partial.iter().flat_map(along).collect();
                }
                blocks.extend(partial);
            }
            Self::Table(_) | Self::Axes(_) => return false,
        }
        let fits = blocks[before..].iter().all(|&b| b < total);
        if !fits {
            blocks.truncate(before);
        }
        fits
    }
}

/// One input of a mapped layer.
#[derive(Debug, Clone)]
pub struct LayerInput {
    /// The layer that is read: an index into the graph's layers.
    pub layer: u32,
    /// Which of its blocks.
    pub map: IndexMap,
}

/// A grid of blocks that run one op.
#[derive(Clone)]
pub struct MappedLayer {
    /// The collection's name: block `(i, j)` has the key `(name, i, j)`.
    pub name: Group,
    /// Blocks along each axis.
    pub shape: Box<[u32]>,
    /// What each block runs; it finds its block in the [`crate::op::TaskContext`].
    pub op: Arc<dyn Op>,
    /// What each block reads.
    pub inputs: Box<[LayerInput]>,
}

/// A task on its own.
pub struct TaskSpec {
    /// Its name.
    pub key: Key,
    /// What it runs.
    pub op: Arc<dyn Op>,
    /// The tasks whose values it takes, in order.
    pub inputs: Vec<TaskRef>,
}

/// Tasks one by one: an append-only arena.
#[derive(Default, Clone)]
pub struct ExplicitLayer {
    keys: Vec<Key>,
    ops: Vec<Arc<dyn Op>>,
    ends: Vec<u32>,
    inputs: Vec<TaskRef>,
}

impl ExplicitLayer {
    /// An empty layer with room for so many tasks.
    #[must_use]
    pub fn with_capacity(tasks: usize) -> Self {
        Self {
            keys: Vec::with_capacity(tasks),
            ops: Vec::with_capacity(tasks),
            ends: Vec::with_capacity(tasks),
            inputs: Vec::with_capacity(tasks),
        }
    }

    /// Appends a task; its block is the number of tasks that were there before. Inputs may name
    /// tasks that are appended later.
    ///
    /// # Panics
    /// If the layer has 2^32 tasks or inputs.
    pub fn push(
        &mut self,
        key: Key,
        op: Arc<dyn Op>,
        inputs: impl IntoIterator<Item = TaskRef>,
    ) -> u32 {
        let block = u32::try_from(self.keys.len()).expect("fewer than 2^32 tasks");
        self.keys.push(key);
        self.ops.push(op);
        self.inputs.extend(inputs);
        self.ends.push(u32::try_from(self.inputs.len()).expect("fewer than 2^32 inputs"));
        block
    }

    /// Number of tasks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are no tasks.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The inputs of task `block`.
    #[must_use]
    pub fn inputs(&self, block: u32) -> &[TaskRef] {
        let block = block as usize;
        let start = if block == 0 { 0 } else { self.ends[block - 1] };
        &self.inputs[start as usize..self.ends[block] as usize]
    }

    /// The keys, by block.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }
}

/// The unit of a graph.
#[derive(Clone)]
pub enum Layer {
    /// Tasks one by one.
    Explicit(ExplicitLayer),
    /// A grid of blocks.
    Mapped(MappedLayer),
}

impl Layer {
    /// Number of tasks; `u32::MAX` for a grid of more, which [`crate::graph::Graph::expand`] refuses.
    #[must_use]
    pub fn n_tasks(&self) -> u32 {
        match self {
            Self::Explicit(layer) => layer.len() as u32,
            Self::Mapped(layer) => n_blocks(&layer.shape).unwrap_or(u32::MAX),
        }
    }

    /// The op of task `block`.
    #[must_use]
    #[inline]
    pub fn op(&self, block: u32) -> &Arc<dyn Op> {
        match self {
            Self::Explicit(layer) => &layer.ops[block as usize],
            Self::Mapped(layer) => &layer.op,
        }
    }

    /// The key of task `block`.
    #[must_use]
    pub fn key(&self, block: u32) -> Key {
        match self {
            Self::Explicit(layer) => layer.keys[block as usize].clone(),
            Self::Mapped(layer) => {
                let mut coords = Vec::new();
                unravel(block, &layer.shape, &mut coords);
                let index: Vec<i64> = coords.into_iter().map(i64::from).collect();
                Key::block(layer.name.clone(), &index)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(map: &IndexMap, block: u32, out: &[u32], shape: &[u32]) -> Option<Vec<u32>> {
        let (mut coords, mut blocks) = (Vec::new(), Vec::new());
        unravel(block, out, &mut coords);
        map.read(block, &coords, shape, &mut blocks).then_some(blocks)
    }

    fn axes<const N: usize>(maps: [AxisMap; N]) -> IndexMap {
        IndexMap::Axes(Box::new(maps))
    }

    #[test]
    fn transposition_swaps_coordinates() {
        let map = axes([AxisMap::Same(1), AxisMap::Same(0)]);
        // Block (1, 2) of a (3, 4) grid reads block (2, 1) of a (4, 3) grid.
        assert_eq!(read(&map, 6, &[3, 4], &[4, 3]), Some(vec![7]));
    }

    #[test]
    fn broadcasting_reads_the_only_block() {
        let map = axes([AxisMap::Fixed(0), AxisMap::Same(1)]);
        assert_eq!(read(&map, 6, &[3, 4], &[1, 4]), Some(vec![2]));
    }

    #[test]
    fn tree_reduction_takes_the_rest_last() {
        let map = axes([AxisMap::Tree { axis: 0, by: 4 }]);
        assert_eq!(read(&map, 0, &[3], &[10]), Some(vec![0, 1, 2, 3]));
        assert_eq!(read(&map, 2, &[3], &[10]), Some(vec![8, 9]));
    }

    #[test]
    fn halo_is_clipped_and_a_product() {
        let halo = AxisMap::Halo { axis: 0, before: 1, after: 1 };
        assert_eq!(read(&axes([halo.clone()]), 0, &[3], &[3]), Some(vec![0, 1]));
        assert_eq!(read(&axes([halo.clone()]), 1, &[3], &[3]), Some(vec![0, 1, 2]));
        let both = axes([halo, AxisMap::Every]);
        assert_eq!(read(&both, 2, &[3], &[3, 2]), Some(vec![2, 3, 4, 5]));
    }

    #[test]
    fn a_window_reads_nothing_outside() {
        let map = axes([AxisMap::Window { axis: 0, start: 2 }]);
        assert_eq!(read(&map, 1, &[5], &[3]), Some(vec![]));
        assert_eq!(read(&map, 4, &[5], &[3]), Some(vec![2]));
    }

    #[test]
    fn slices_walk_backwards_and_refuse_to_leave_the_grid() {
        let map = axes([AxisMap::Affine { axis: 0, start: 4, step: -2 }]);
        assert_eq!(read(&map, 2, &[3], &[5]), Some(vec![0]));
        assert_eq!(read(&map, 3, &[4], &[5]), None);
        assert_eq!(read(&axes([AxisMap::Fixed(7)]), 0, &[1], &[5]), None);
    }

    #[test]
    fn ranges_are_looked_up_and_refuse_to_leave_the_grid() {
        let spans: Arc<[(u32, u32)]> = [(2, 5), (0, 0), (1, 2), (4, 6)].into();
        let map = axes([AxisMap::Ranges { axis: 0, spans }]);
        assert_eq!(read(&map, 0, &[4], &[5]), Some(vec![2, 3, 4]));
        assert_eq!(read(&map, 1, &[4], &[5]), Some(vec![]));
        assert_eq!(read(&map, 2, &[4], &[5]), Some(vec![1]));
        assert_eq!(read(&map, 3, &[4], &[5]), None);
        // An output block that the table does not list.
        assert_eq!(read(&map, 4, &[5], &[5]), None);
    }

    #[test]
    fn lists_keep_their_order_and_refuse_to_leave_the_grid() {
        let mut rows = Csr::default();
        rows.push_row([3, 0]);
        rows.push_row([5]);
        let map = axes([AxisMap::Same(0), AxisMap::Lists { axis: 1, rows: Arc::new(rows) }]);
        assert_eq!(read(&map, 2, &[2, 2], &[2, 5]), Some(vec![8, 5]));
        assert_eq!(read(&map, 1, &[2, 2], &[2, 5]), None);
        assert_eq!(read(&map, 2, &[1, 3], &[2, 5]), None);
    }

    #[test]
    fn maps_that_do_not_fit_their_grids_read_nothing() {
        let huge = [u32::MAX, 2];
        assert_eq!(n_blocks(&huge), None);
        assert_eq!(read(&IndexMap::Identity, 0, &[1], &huge), None);
        // A map for one axis on a grid of two, and one that follows an axis that isn't there.
        assert_eq!(read(&axes([AxisMap::Every]), 0, &[1], &[2, 2]), None);
        assert_eq!(read(&axes([AxisMap::Same(3)]), 0, &[1], &[2]), None);
        let mut table = Csr::default();
        table.push_row([1, 0]);
        assert_eq!(read(&IndexMap::Table(table.clone()), 0, &[2], &[2]), Some(vec![1, 0]));
        assert_eq!(read(&IndexMap::Table(table), 1, &[2], &[2]), None);
    }

    #[test]
    fn extreme_numbers_do_not_wrap() {
        let last = u32::MAX - 1;
        let grid = [u32::MAX];
        let axis = 0;
        let from = |map| read(&axes([map]), last, &grid, &grid);
        assert_eq!(from(AxisMap::Same(0)), Some(vec![last]));
        assert_eq!(from(AxisMap::Tree { axis, by: u32::MAX }), Some(vec![]));
        assert_eq!(
            from(AxisMap::Halo { axis, before: 1, after: u32::MAX }),
            Some(vec![last - 1, last])
        );
        assert_eq!(from(AxisMap::Affine { axis, start: u32::MAX, step: i32::MAX }), None);
        assert_eq!(from(AxisMap::Affine { axis, start: 0, step: i32::MIN }), None);
        assert_eq!(from(AxisMap::Window { axis, start: u32::MAX }), Some(vec![]));
    }
}
