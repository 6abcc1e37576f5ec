//! From one way of cutting an array to another: in one step, or by way of others.
//!
//! In one step, every new block reads all the old ones that it overlaps. From rows to columns that
//! is every block for every block, so where the pieces would be small, an intermediate cut merges
//! blocks first, as far as the limit on their bytes allows, and splits them afterwards. And where
//! the blocks that one task reads are more than a task may hold, they are cut into the pieces
//! that the new blocks need before any of those is put together: then nothing is read twice.

use std::sync::Arc;

use oxidask_core::layer::{AxisMap, IndexMap};

use crate::dtype::DType;
use crate::error::{ArrayError, Result};
use crate::ops::rechunk::{AxisCut, Rechunk};
use crate::plan::array::Array;
use crate::plan::chunks::{AxisChunks, Chunks, UNKNOWN, extent};
use crate::plan::normalize::split;
use crate::plan::room;
use crate::plan::unify::common_axis;

/// What bounds a plan.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most bytes of an intermediate block: the configuration's `array.chunk-size`.
    pub block_bytes: u64,
    /// Most bytes of all that one task reads.
    pub task_bytes: u64,
    /// Edges for each block that are nothing to save: `array.rechunk.threshold`.
    pub threshold: f64,
    /// Pieces from this size on are worth an edge each: less than a pass over the data costs.
    pub piece_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { block_bytes: 128 << 20, task_bytes: 2 << 30, threshold: 4.0, piece_bytes: 8 << 10 }
    }
}

impl Limits {
    /// The defaults, within the memory that tasks may take now.
    #[must_use]
    pub fn current() -> Self {
        let limits = Self::default();
        Self { task_bytes: room::task_bytes(limits.task_bytes), ..limits }
    }
}

/// Intermediate cuts are never more than this.
const MAX_STAGES: usize = 12;

/// The cuts to go through, the last of which is `new`; empty if there is nothing to do.
///
/// # Errors
/// If the shapes differ, or an axis of unknown extents is to be cut anew.
pub fn plan(old: &Chunks, new: &Chunks, itemsize: usize, limits: &Limits) -> Result<Vec<Chunks>> {
    check(old, new)?;
    if old == new {
        return Ok(Vec::new());
    }
    if old.n_elements() == Some(0) || !old.is_known() {
        return Ok(vec![new.clone()]);
    }
    let itemsize = itemsize.max(1) as u128;
    let bytes = old.n_elements().unwrap_or(0).saturating_mul(itemsize);
    let largest = old.max_block_bytes(1).max(new.max_block_bytes(1));
    let room = (u128::from(limits.block_bytes) / itemsize).max(largest);
    let mut stages: Vec<Chunks> = Vec::new();
    let mut current = old.clone();
    while stages.len() < MAX_STAGES {
        let edges = n_edges(&current, new);
        let nothing_to_save = edges as f64 <= budget(&current, new, limits);
        if nothing_to_save || bytes >= edges.saturating_mul(limits.piece_bytes.into()) {
            break;
        }
        let middle = towards(&current, new, room, limits);
        // Only worth its pass over the data if it saves edges.
        let staged = n_edges(&current, &middle) + n_edges(&middle, new);
        if middle == current || middle == *new || staged >= edges {
            break;
        }
        stages.push(middle.clone());
        current = middle;
    }
    if read_by_one(&current, new).saturating_mul(itemsize) > u128::from(limits.task_bytes) {
        let pieces: Chunks = current
            .iter()
            .zip(new.iter())
            .map(|(a, b)| common_axis(&[a, b]))
            .collect::<Result<_>>()?;
        if pieces != current && pieces != *new {
            stages.push(pieces);
        }
    }
    stages.push(new.clone());
    Ok(stages)
}

fn check(old: &Chunks, new: &Chunks) -> Result<()> {
    if old.ndim() != new.ndim() {
        return Err(ArrayError::Value(format!(
            "Provided chunks are not consistent with shape: {} axes for an array of {}",
            new.ndim(),
            old.ndim()
        )));
    }
    for (axis, (from, to)) in old.iter().zip(new.iter()).enumerate() {
        let (n, m) = (extent(from), extent(to));
        if (n == UNKNOWN || m == UNKNOWN) && !matches_known(from, to) {
            return Err(ArrayError::Value(format!(
                "Chunks must be unchanging along dimensions with missing values, but axis {axis} \
                 has chunks {} and should get {}.\n\nA possible solution:\n  \
                 x.compute_chunk_sizes()",
                crate::plan::chunks::Tuple(from),
                crate::plan::chunks::Tuple(to)
            )));
        }
        if n != UNKNOWN && n != m {
            return Err(ArrayError::Value(format!(
                "Provided chunks are not consistent with shape. Got chunks={new}, shape={}",
                crate::plan::chunks::Tuple(&old.shape())
            )));
        }
    }
    Ok(())
}

/// Whether an axis of unknown extents keeps its blocks.
fn matches_known(from: &[usize], to: &[usize]) -> bool {
    from.len() == to.len()
        && from.iter().zip(to).all(|(&a, &b)| a == b || (a == UNKNOWN && b == UNKNOWN))
}

fn budget(old: &Chunks, new: &Chunks, limits: &Limits) -> f64 {
    limits.threshold.max(1.0) * (old.n_blocks() as f64 + new.n_blocks() as f64)
}

/// How many pairs of an old and a new block overlap.
#[must_use]
pub fn n_edges(old: &Chunks, new: &Chunks) -> u128 {
    // Two cuts of an axis overlap in as many pairs as their common cut has blocks.
    let along = |(a, b): (&AxisChunks, &AxisChunks)| {
        common_axis(&[a, b]).map_or(a.len().max(b.len()), |common| common.len()) as u128
    };
    old.iter().zip(new.iter()).map(along).product()
}

/// Most elements of the old blocks that one new block reads.
fn read_by_one(old: &Chunks, new: &Chunks) -> u128 {
    let along = |(a, b): (&AxisChunks, &AxisChunks)| -> u128 {
        let read = |cut: &AxisCut| {
            cut.spans.iter().map(|&(i, j)| extent(&a[i as usize..j as usize]) as u128).max()
        };
        read(&cut_axis(a, b)).unwrap_or(0)
    };
    old.iter().zip(new.iter()).map(along).product()
}

/// A cut on the way from `old` to `new`: merged along the axes that get fewer blocks, as far as a
/// block of `room` elements allows; split along the others only if there is no room for that.
fn towards(old: &Chunks, new: &Chunks, room: u128, limits: &Limits) -> Chunks {
    let merged = merged_within(old, new, room);
    let progress = (0..old.ndim()).any(|axis| merged[axis].len() * 2 <= old[axis].len());
    if progress {
        return merged;
    }
    let missing = full_merge(old, new).max_block_bytes(1).div_ceil(room.max(1)).max(2);
    let mut ratio = usize::try_from(missing).unwrap_or(usize::MAX);
    loop {
        let middle = merged_within(&split_by(old, new, ratio), new, room);
        if ratio <= 2 || n_edges(old, &middle) as f64 <= budget(old, &middle, limits) {
            return middle;
        }
        ratio = (ratio / 2).max(2);
    }
}

/// The cut in which every axis that gets fewer blocks has them.
fn full_merge(old: &Chunks, new: &Chunks) -> Chunks {
    let along = |(a, b): (&AxisChunks, &AxisChunks)| if b.len() < a.len() { b } else { a }.clone();
    old.iter().zip(new.iter()).map(along).collect()
}

fn merged_within(old: &Chunks, new: &Chunks, room: u128) -> Chunks {
    let mut merged = old.clone();
    // The axes that save most edges go first.
    let mut axes: Vec<usize> = (0..old.ndim()).filter(|&a| new[a].len() < old[a].len()).collect();
    axes.sort_by_key(|&axis| std::cmp::Reverse(old[axis].len() / new[axis].len()));
    for axis in axes {
        let whole = merged.clone().with_axis(axis, new[axis].clone());
        if whole.max_block_bytes(1) <= room {
            merged = whole;
            continue;
        }
        let others: u128 = merged
            .largest_block()
            .iter()
            .enumerate()
            .map(|(a, &n)| if a == axis { 1 } else { n.max(1) as u128 })
            .product();
        let most = usize::try_from(room / others.max(1)).unwrap_or(usize::MAX);
        let blocks = merge_axis(&merged[axis], &new[axis], most);
        merged = merged.with_axis(axis, blocks);
    }
    merged
}

/// Neighbours merged up to `most`, not across the boundaries of `new` where they can be kept.
fn merge_axis(old: &[usize], new: &[usize], most: usize) -> AxisChunks {
    let mut ends = new.iter().scan(0, |at, &n| {
        *at += n;
        Some(*at)
    });
    let mut end = ends.next().unwrap_or(0);
    let (mut merged, mut current, mut at) = (Vec::new(), 0, 0);
    for &block in old {
        while end < at {
            end = ends.next().unwrap_or(usize::MAX);
        }
        if current > 0 && (current + block > most || end == at) {
            merged.push(current);
            current = 0;
        }
        current += block;
        at += block;
    }
    merged.push(current);
    merged.into()
}

/// Blocks cut to about `1 / ratio` along the axes that get more blocks, at boundaries of `new`.
fn split_by(old: &Chunks, new: &Chunks, ratio: usize) -> Chunks {
    let mut left = ratio;
    let mut split = old.clone();
    for axis in 0..old.ndim() {
        if new[axis].len() <= old[axis].len() || left <= 1 {
            continue;
        }
        let Ok(pieces) = common_axis(&[&old[axis], &new[axis]]) else { continue };
        let largest = old[axis].iter().copied().max().unwrap_or(1);
        let most = largest.div_ceil(left).max(pieces.iter().copied().max().unwrap_or(1));
        left = left.div_ceil(largest.div_ceil(most).max(1));
        let blocks = merge_axis(&pieces, &old[axis], most);
        split = split.with_axis(axis, blocks);
    }
    split
}

/// How the blocks of one axis are put together from others.
pub(crate) fn cut_axis(old: &[usize], new: &[usize]) -> AxisCut {
    if old.contains(&UNKNOWN) {
        let blocks = 0..u32::try_from(new.len()).unwrap_or(u32::MAX);
        let spans = blocks.map(|i| (i, i + 1)).collect();
        return AxisCut { spans, starts: new.iter().map(|_| 0).collect(), extents: new.into() };
    }
    let mut ends = Vec::with_capacity(old.len());
    let mut total = 0;
    for &n in old {
        total += n;
        ends.push(total);
    }
    let (mut spans, mut starts) = (Vec::with_capacity(new.len()), Vec::with_capacity(new.len()));
    let mut start = 0;
    for &n in new {
        // The first old block that ends behind the start, and the first that reaches the end.
        let first = ends.partition_point(|&end| end <= start).min(old.len() - 1);
        let last = match n {
            0 => first,
            _ => ends.partition_point(|&end| end < start + n).min(old.len() - 1),
        };
        spans.push((first as u32, last as u32 + 1));
        starts.push(start.saturating_sub(ends[first] - old[first]).min(old[first]));
        start += n;
    }
    AxisCut { spans: spans.into(), starts: starts.into(), extents: new.into() }
}

/// The kernel of one stage, and which old blocks a new one reads.
#[must_use]
pub fn stage(old: &Chunks, new: &Chunks) -> (Rechunk, Box<[AxisMap]>) {
    let cuts: Vec<AxisCut> = old.iter().zip(new.iter()).map(|(a, b)| cut_axis(a, b)).collect();
    let map = |(axis, cut): (usize, &AxisCut)| {
        if old[axis] == new[axis] {
            AxisMap::Same(axis as u8)
        } else {
            AxisMap::Ranges { axis: axis as u8, spans: Arc::clone(&cut.spans) }
        }
    };
    let maps = cuts.iter().enumerate().map(map).collect();
    (Rechunk { cuts, owned: false }, maps)
}

/// Blocks of equal extents, as many as there are, or one less where a rest of at most half a block
/// is shared out among the others; `None` if there is no such cut.
#[must_use]
pub fn balanced(blocks: &[usize]) -> Option<AxisChunks> {
    let total = extent(blocks);
    let (least, most) = (blocks.iter().min()?, blocks.iter().max()?);
    if total == UNKNOWN || total == 0 {
        return Some(blocks.into());
    }
    let n = if least * 2 <= *most { blocks.len() - 1 } else { blocks.len() };
    if n <= 1 {
        return Some(blocks.into());
    }
    let candidate = split(total.div_ceil(n), total);
    (candidate.len() == n).then_some(candidate)
}

impl Array {
    /// The same elements in other chunks.
    ///
    /// # Errors
    /// If the chunks are of another shape, or sizes that must be known aren't.
    pub fn rechunked(&self, chunks: Chunks) -> Result<Self> {
        self.rechunked_within(&chunks, &Limits::current())
    }

    /// The same elements in other chunks, by a plan within some limits.
    ///
    /// # Errors
    /// As [`Array::rechunked`].
    pub fn rechunked_within(&self, chunks: &Chunks, limits: &Limits) -> Result<Self> {
        let itemsize = self.dtype().map_or(8, DType::itemsize);
        let mut array = self.clone();
        for cut in plan(self.chunks(), chunks, itemsize, limits)? {
            let (mut kernel, maps) = stage(array.chunks(), &cut);
            let dtype = self.dtype();
            let is_last = cut == *chunks;
            // A view of a block that is cut up would keep all of it in memory.
            kernel.owned = !is_last;
            let prefix = if is_last { "rechunk-merge" } else { "rechunk-split" };
            array = Self::layer(prefix, kernel, vec![(array, IndexMap::Axes(maps))], cut, dtype)?;
        }
        Ok(array)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(axes: &[&[usize]]) -> Chunks {
        axes.iter().copied().collect()
    }

    fn uniform(size: usize, n: usize) -> AxisChunks {
        std::iter::repeat_n(size, n).collect()
    }

    #[test]
    fn what_overlaps_is_read() {
        let cut = cut_axis(&[10, 10, 10, 10, 10], &[25, 5, 20]);
        assert_eq!(&*cut.spans, [(0, 3), (2, 3), (3, 5)]);
        assert_eq!(&*cut.starts, [0, 5, 0]);
        // Empty blocks on either side.
        let cut = cut_axis(&[4, 0, 4], &[0, 6, 0, 2, 0]);
        assert_eq!(&*cut.spans, [(0, 1), (0, 3), (2, 3), (2, 3), (2, 3)]);
        assert_eq!(&*cut.starts, [0, 0, 2, 2, 4]);
    }

    #[test]
    fn large_pieces_go_directly() {
        let rows = chunks(&[&[100; 10], &[1000]]);
        let columns = chunks(&[&[1000], &[100; 10]]);
        assert_eq!(plan(&rows, &columns, 8, &Limits::default()).unwrap(), [columns]);
        assert!(plan(&rows, &rows, 8, &Limits::default()).unwrap().is_empty());
    }

    #[test]
    fn small_pieces_go_by_way_of_larger_blocks() {
        let (c, f) = (uniform(1000, 2), uniform(2, 1000));
        let old = Chunks::new([f.clone(), c.clone()]);
        let new = Chunks::new([c, f]);
        let limits = Limits { block_bytes: 99_999, ..Limits::default() };
        let stages = plan(&old, &new, 1, &limits).unwrap();
        assert_eq!(stages.last(), Some(&new));
        assert!(stages.len() > 1);
        let mut edges = 0;
        let mut previous = &old;
        for stage in &stages {
            assert!(stage.max_block_bytes(1) <= 99_999 && stage.shape() == new.shape());
            edges += n_edges(previous, stage);
            previous = stage;
        }
        assert!(edges * 50 < n_edges(&old, &new), "{edges} of {}", n_edges(&old, &new));
    }

    #[test]
    fn more_than_a_task_may_hold_is_cut_to_pieces_first() {
        let old = chunks(&[&[1000; 10], &[10_000]]);
        let new = chunks(&[&[10_000], &[1000; 10]]);
        let limits = Limits { task_bytes: 100 << 20, ..Limits::default() };
        let stages = plan(&old, &new, 8, &limits).unwrap();
        assert_eq!(stages, [chunks(&[&[1000; 10], &[1000; 10]]), new]);
    }

    #[test]
    fn unknown_extents_stay() {
        let old = chunks(&[&[UNKNOWN, UNKNOWN], &[4]]);
        let new = chunks(&[&[UNKNOWN, UNKNOWN], &[2, 2]]);
        assert_eq!(plan(&old, &new, 8, &Limits::default()).unwrap(), [new]);
        let new = chunks(&[&[5, 5], &[4]]);
        let error = plan(&old, &new, 8, &Limits::default()).unwrap_err().to_string();
        assert!(error.contains("unchanging along dimensions with missing values"), "{error}");
        let error = plan(&chunks(&[&[4]]), &chunks(&[&[5]]), 8, &Limits::default());
        assert!(error.unwrap_err().to_string().contains("not consistent with shape"));
    }

    #[test]
    fn balancing_shares_out_the_rest() {
        assert_eq!(balanced(&[100, 100, 20]).as_deref(), Some(&[110, 110][..]));
        assert_eq!(balanced(&[4, 4, 4, 1]).as_deref(), Some(&[5, 5, 3][..]));
        assert_eq!(balanced(&[100, 100, 80]).as_deref(), Some(&[94, 94, 92][..]));
        assert_eq!(balanced(&[100, 50]).as_deref(), Some(&[100, 50][..]));
        let mut ninths = vec![9; 11];
        ninths.push(1);
        assert_eq!(balanced(&ninths), None);
    }
}
