//! Reshaping by blocks: what must be cut anew first, and what every block becomes.
//!
//! The axes fall into groups whose extents have equal products: `(4, 5, 6)` to `(20, 2, 3)` is
//! `(4, 5) -> 20` and `6 -> (2, 3)`. Within a group the elements are one run in row-major order,
//! and if every block of it is a piece of that run, reshaping a block is reshaping a piece: no
//! element leaves its block, and blocks keep their number. A block is such a piece if the axes
//! before some axis are cut to single elements and those after it aren't cut at all.

use std::sync::Arc;

use oxidask_core::layer::IndexMap;
use smallvec::SmallVec;

use crate::error::{ArrayError, Result};
use crate::kernel::Dims;
use crate::ops::reshape::Reshape;
use crate::plan::array::Array;
use crate::plan::chunks::{AxisChunks, Chunks, Tuple, UNKNOWN, extent};

/// One step: the input cut so, gives blocks so.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The chunks that the input must have.
    pub before: Chunks,
    /// The chunks that its blocks then become, block by block in row-major order.
    pub after: Chunks,
}

/// How to choose the input's cut.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Where axes are merged: join the blocks of the last ones, rather than cutting the first ones.
    pub merge_chunks: bool,
    /// Most elements of a block; as many as the largest has now, if nothing is said.
    pub max_elements: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self { merge_chunks: true, max_elements: None }
    }
}

/// The shape that a user means: one extent may be -1.
///
/// # Errors
/// NumPy's: if the sizes differ, or more than one is -1.
pub fn target_shape(shape: &[usize], wanted: &[i64]) -> Result<Dims> {
    let free = wanted.iter().filter(|&&n| n < 0).count();
    if free > 1 {
        return Err(ArrayError::Value("can only specify one unknown dimension".into()));
    }
    if shape.contains(&UNKNOWN) {
        return unknown_shape(shape, wanted);
    }
    let size = |ns: &mut dyn Iterator<Item = u128>| ns.product::<u128>();
    let total = size(&mut shape.iter().map(|&n| n as u128));
    let known = size(&mut wanted.iter().filter(|&&n| n >= 0).map(|&n| n as u128));
    let refuse = || {
        ArrayError::Value(format!(
            "total size of new array must be unchanged: cannot reshape array of size {total} and \
             shape {} into shape {wanted:?}",
            Tuple(shape)
        ))
    };
    let missing = match known {
        0 if total == 0 && free == 1 => return Err(refuse()),
        0 => 0,
        _ => total / known,
    };
    let extent = |&n: &i64| if n < 0 { missing as usize } else { n as usize };
    let target: Dims = wanted.iter().map(extent).collect();
    if size(&mut target.iter().map(|&n| n as u128)) == total { Ok(target) } else { Err(refuse()) }
}

/// With unknown extents only -1 can stand for all of them.
fn unknown_shape(shape: &[usize], wanted: &[i64]) -> Result<Dims> {
    let known = |ns: &mut dyn Iterator<Item = usize>| ns.product::<usize>();
    let left = known(&mut shape.iter().copied().filter(|&n| n != UNKNOWN));
    let right = known(&mut wanted.iter().filter(|&&n| n >= 0).map(|&n| n as usize));
    let n_unknown = shape.iter().filter(|&&n| n == UNKNOWN).count();
    if n_unknown == 1 && wanted.iter().any(|&n| n < 0) && right > 0 && left.is_multiple_of(right) {
        return Ok(wanted.iter().map(|&n| usize::try_from(n).unwrap_or(UNKNOWN)).collect());
    }
    Err(ArrayError::Value(format!(
        "Array chunk size or shape is unknown. shape: {}, to be reshaped to {wanted:?}\n\nPossible \
         solution with x.compute_chunk_sizes()",
        Tuple(shape)
    )))
}

/// The steps from chunks of one shape to `target`.
///
/// # Errors
/// If an extent that must be known isn't.
pub fn plan(chunks: &Chunks, target: &[usize], options: Options) -> Result<Vec<Step>> {
    let shape = chunks.shape();
    if shape.as_slice() == target {
        return Ok(Vec::new());
    }
    if shape.contains(&UNKNOWN) {
        return unknown_plan(chunks, target).map(|step| vec![step]);
    }
    if shape.contains(&0) {
        let step = Step { before: Chunks::single(&shape), after: Chunks::single(target) };
        return Ok(vec![step]);
    }
    let groups = groups(&shape, target);
    let largest = chunks.largest_block();
    let mut steps = vec![Axes::default()];
    for (from, to) in groups {
        let inputs: Vec<&AxisChunks> = chunks[from.clone()].iter().collect();
        let here: usize = largest[from.clone()].iter().product();
        let elsewhere = largest.iter().product::<usize>() / here.max(1);
        let most = options.max_elements.map_or(here, |n| (n / elsewhere.max(1)).max(1));
        let group = Group { shape: &shape[from], target: &target[to], inputs, most };
        group.plan(options.merge_chunks, &mut steps);
    }
    Ok(steps.into_iter().map(Axes::step).collect())
}

/// The axes of a step in the making.
#[derive(Default, Clone)]
struct Axes {
    before: Vec<AxisChunks>,
    after: Vec<AxisChunks>,
}

impl Axes {
    fn step(self) -> Step {
        Step { before: Chunks::new(self.before), after: Chunks::new(self.after) }
    }
}

type Span = std::ops::Range<usize>;

/// The smallest groups of neighbouring axes with equal products; axes of 1 at the end are a group
/// with nothing on the other side.
fn groups(shape: &[usize], target: &[usize]) -> Vec<(Span, Span)> {
    let mut groups = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < shape.len() && j < target.len() {
        let (from, to) = (i, j);
        let (mut left, mut right) = (shape[i] as u128, target[j] as u128);
        (i, j) = (i + 1, j + 1);
        while left != right {
            if left < right {
                left *= shape[i] as u128;
                i += 1;
            } else {
                right *= target[j] as u128;
                j += 1;
            }
        }
        groups.push((from..i, to..j));
    }
    if i < shape.len() || j < target.len() {
        groups.push((i..shape.len(), j..target.len()));
    }
    groups
}

struct Group<'a> {
    shape: &'a [usize],
    target: &'a [usize],
    inputs: Vec<&'a AxisChunks>,
    /// Most elements of a block along these axes.
    most: usize,
}

impl Group<'_> {
    /// Adds this group's axes to the steps; a group that merges and splits needs two, between which
    /// its elements are one axis.
    fn plan(&self, merge_chunks: bool, steps: &mut Vec<Axes>) {
        let kept = || self.inputs.iter().map(|&blocks| blocks.clone()).collect::<Vec<_>>();
        let one = |n: usize| vec![Arc::from([1usize]) as AxisChunks; n];
        let last = steps.len() - 1;
        match (self.shape.len(), self.target.len()) {
            (n, 0) => steps[last].before.extend(one(n)),
            (0, n) => steps[last].after.extend(one(n)),
            (1, 1) => {
                for step in steps {
                    step.before.extend(kept());
                    step.after.extend(kept());
                }
                return;
            }
            (_, 1) => {
                let merged = self.merge(merge_chunks);
                steps[last].before.extend(merged.before);
                steps[last].after.extend(merged.after);
            }
            (1, _) => {
                let split = split_run(self.inputs[0], self.target, self.most);
                steps[last].before.extend(split.before);
                steps[last].after.extend(split.after);
            }
            _ => return self.merge_and_split(merge_chunks, steps),
        }
        // A group that is done in the last step stands still in the step before it.
        if last == 1 {
            let before: Vec<_> =
                steps[1].before[steps[1].before.len() - self.shape.len()..].to_vec();
            steps[0].before.extend(before.clone());
            steps[0].after.extend(before);
        }
    }

    fn merge_and_split(&self, merge_chunks: bool, steps: &mut Vec<Axes>) {
        if steps.len() == 1 {
            // What was planned so far happens in the last step.
            let still = steps[0].before.clone();
            steps.insert(0, Axes { before: still.clone(), after: still });
        }
        let merged = self.merge(merge_chunks);
        let split = split_run(&merged.after[0], self.target, self.most);
        steps[0].before.extend(merged.before);
        steps[0].after.extend(merged.after);
        steps[1].before.extend(split.before);
        steps[1].after.extend(split.after);
    }

    /// Several axes become one.
    fn merge(&self, merge_chunks: bool) -> Axes {
        let before: Vec<AxisChunks> = if merge_chunks && is_run(&self.inputs) {
            self.inputs.iter().map(|&blocks| blocks.clone()).collect()
        } else if merge_chunks {
            self.as_runs()
        } else {
            let last = self.inputs.len() - 1;
            let ones = |n: &usize| std::iter::repeat_n(1, *n).collect();
            let leading = self.shape[..last].iter().map(ones);
            leading.chain(std::iter::once(self.inputs[last].clone())).collect()
        };
        Axes { after: vec![run_blocks(&before)], before }
    }

    /// The axes cut so that every block is a run of at most `most` elements, or one row of the last
    /// axis if that is cut already.
    fn as_runs(&self) -> Vec<AxisChunks> {
        let mut room = self.most;
        let mut axes: Vec<AxisChunks> = Vec::new();
        for (axis, &n) in self.shape.iter().enumerate().rev() {
            if room >= n {
                axes.push(Arc::from([n]));
                room /= n.max(1);
            } else {
                axes.push(cut_to(self.inputs[axis], room.max(1)));
                room = 1;
            }
        }
        axes.reverse();
        axes
    }
}

/// Whether the blocks over these axes are runs of elements in row-major order.
fn is_run(axes: &[&AxisChunks]) -> bool {
    let cut = axes.iter().position(|blocks| blocks.iter().any(|&n| n != 1)).unwrap_or(axes.len());
    axes.iter().skip(cut + 1).all(|blocks| blocks.len() == 1)
}

/// The extents of the runs that blocks over several axes are, in row-major order.
fn run_blocks(axes: &[AxisChunks]) -> AxisChunks {
    let product = |a: usize, b: usize| if a == UNKNOWN || b == UNKNOWN { UNKNOWN } else { a * b };
    let mut runs: Vec<usize> = vec![1];
    for blocks in axes {
        runs = runs.iter().flat_map(|&r| blocks.iter().map(move |&n| product(r, n))).collect();
    }
    runs.into()
}

/// Blocks of at most `most`: larger ones are cut evenly, smaller neighbours are joined.
fn cut_to(blocks: &[usize], most: usize) -> AxisChunks {
    let mut cut: Vec<usize> = Vec::new();
    let mut joined = 0;
    for &n in blocks {
        if joined > 0 && joined + n > most {
            cut.push(std::mem::take(&mut joined));
        }
        if n > most {
            cut.extend(even(n, n.div_ceil(most)));
        } else {
            joined += n;
        }
    }
    cut.extend((joined > 0).then_some(joined));
    cut.into()
}

/// `n` blocks as equal as can be, the smaller ones first.
fn even(extent: usize, n: usize) -> impl Iterator<Item = usize> {
    let (size, larger) = (extent / n, extent % n);
    (0..n).map(move |i| size + usize::from(i >= n - larger))
}

/// One axis becomes several: blocks of at most `most` elements where one row of the last axes allows
/// that.
fn split_run(blocks: &AxisChunks, target: &[usize], most: usize) -> Axes {
    let rows = |axis: usize| target[axis + 1..].iter().product::<usize>();
    let whole = |axis: usize| target[axis + 1..].iter().map(|&n| Arc::from([n]) as AxisChunks);
    let ones = |axis: usize| target[..axis].iter().map(|&n| std::iter::repeat_n(1, n).collect());
    // The blocks as they are, if they end where rows do.
    for axis in 0..target.len() {
        let row = rows(axis);
        if target[..axis].iter().all(|&n| n == 1) && blocks.iter().all(|n| n % row == 0) {
            let cut = blocks.iter().map(|n| n / row).collect();
            let after = ones(axis).chain(std::iter::once(cut)).chain(whole(axis)).collect();
            return Axes { before: vec![blocks.clone()], after };
        }
    }
    let axis = (0..target.len()).find(|&axis| rows(axis) <= most).unwrap_or(target.len() - 1);
    let row = rows(axis);
    let n_blocks = (target[axis] * row).div_ceil(most.max(1)).clamp(1, target[axis]);
    let cut: AxisChunks = even(target[axis], n_blocks).collect();
    let n_leading: usize = target[..axis].iter().product();
    let run: Vec<usize> = cut.iter().map(|n| n * row).collect();
    let before: AxisChunks = run.repeat(n_leading).into();
    let after = ones(axis).chain(std::iter::once(cut)).chain(whole(axis)).collect();
    Axes { before: vec![before], after }
}

/// Reshaping with unknown extents: of blocks as they are, which must be runs.
fn unknown_plan(chunks: &Chunks, target: &[usize]) -> Result<Step> {
    let axes: Vec<&AxisChunks> = chunks.iter().collect();
    let Some(place) = target.iter().position(|&n| n == UNKNOWN) else {
        return Err(ArrayError::Value(format!("cannot reshape {chunks} into {target:?}")));
    };
    let others_whole = target[..place].iter().all(|&n| n == 1);
    if !is_run(&axes) || !others_whole || chunks[1..].iter().any(|axis| axis.len() > 1) {
        chunks.require_known("this reshape")?;
    }
    let n = chunks.first().map_or(1, |blocks| blocks.len());
    let axis = |(i, &n_target): (usize, &usize)| -> AxisChunks {
        if i == place { std::iter::repeat_n(UNKNOWN, n).collect() } else { Arc::from([n_target]) }
    };
    let after = target.iter().enumerate().map(axis).collect();
    Ok(Step { before: chunks.clone(), after })
}

/// The chunks of reshaping every block on its own, which moves elements: fewer axes, or the chunks
/// that a user gives for more.
///
/// # Errors
/// If sizes differ, extents are unknown, or `given` isn't what such a reshape needs.
pub fn blockwise(chunks: &Chunks, target: &[usize], given: Option<&Chunks>) -> Result<Chunks> {
    let shape = chunks.shape();
    if shape.contains(&UNKNOWN) {
        return Err(ArrayError::Value(format!(
            "Array chunk size or shape is unknown. shape: {}\n\nPossible solution with \
             x.compute_chunk_sizes()",
            Tuple(&shape)
        )));
    }
    let wanted: Vec<i64> = target.iter().map(|&n| n as i64).collect();
    target_shape(&shape, &wanted)?;
    if shape.as_slice() == target {
        return Ok(chunks.clone());
    }
    let groups = groups(&shape, target);
    if target.len() > shape.len() {
        let Some(given) = given else {
            return Err(ArrayError::Type("Need to specify chunks if expanding dimensions.".into()));
        };
        let fits = given.shape().as_slice() == target;
        let back = if fits { blockwise(given, &shape, None)? } else { given.clone() };
        return match fits && back == *chunks {
            true => Ok(given.clone()),
            false => Err(mismatched(chunks, &back)),
        };
    }
    if given.is_some() {
        return Err(ArrayError::Value(
            "Setting chunks is not allowed when reducing the number of dimensions.".into(),
        ));
    }
    let mut after: SmallVec<[AxisChunks; 4]> = SmallVec::new();
    for (from, to) in groups {
        match to.len() {
            0 => {}
            1 => after.push(run_blocks(&chunks[from])),
            _ => {
                return Err(ArrayError::Unsupported(
                    "reshape_blockwise not implemented for expanding dimensions without reducing \
                     dimensions; use reshape"
                        .into(),
                ));
            }
        }
    }
    Ok(Chunks::new(after))
}

fn mismatched(chunks: &Chunks, back: &Chunks) -> ArrayError {
    let differing: Vec<String> = chunks
        .iter()
        .zip(back.iter())
        .filter(|(a, b)| a != b)
        .map(|(a, b)| format!("{} and {} ({} elements)", Tuple(a), Tuple(b), extent(a)))
        .collect();
    ArrayError::Value(format!(
        "Chunk sizes do not match for the following chunks: {}",
        differing.join("; ")
    ))
}

impl Array {
    /// The elements in row-major order under another shape; one extent may be -1.
    ///
    /// # Errors
    /// If the sizes differ, or an extent that must be known isn't.
    pub fn reshape(&self, wanted: &[i64], options: Options) -> Result<Self> {
        let target = target_shape(&self.shape(), wanted)?;
        let mut array = self.clone();
        for step in plan(self.chunks(), &target, options)? {
            array = array.rechunked(step.before)?.with_blocks_reshaped(step.after)?;
        }
        Ok(array)
    }

    /// Every block reshaped on its own, which moves elements: see [`blockwise`].
    ///
    /// # Errors
    /// As [`blockwise`].
    pub fn reshape_blockwise(&self, target: &[usize], given: Option<&Chunks>) -> Result<Self> {
        self.with_blocks_reshaped(blockwise(self.chunks(), target, given)?)
    }

    fn with_blocks_reshaped(&self, chunks: Chunks) -> Result<Self> {
        if chunks == *self.chunks() {
            return Ok(self.clone());
        }
        let kernel = Reshape { chunks: chunks.clone() };
        let inputs = vec![(self.clone(), IndexMap::Identity)];
        Self::layer("reshape", kernel, inputs, chunks, self.dtype())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chunks(axes: &[&[usize]]) -> Chunks {
        axes.iter().copied().collect()
    }

    fn single_step(from: &[&[usize]], target: &[usize]) -> (String, String) {
        let steps = plan(&chunks(from), target, Options::default()).unwrap();
        assert_eq!(steps.len(), 1);
        (steps[0].before.to_string(), steps[0].after.to_string())
    }

    #[test]
    fn blocks_that_are_runs_stay() {
        let (before, after) = single_step(&[&[1, 1], &[1, 2], &[2, 2]], &[6, 4]);
        assert_eq!((&*before, &*after), ("((1, 1), (1, 2), (2, 2))", "((1, 2, 1, 2), (2, 2))"));
        let (_, after) = single_step(&[&[1, 1], &[1, 1, 1], &[2, 2]], &[24]);
        assert_eq!(after, "((2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2),)");
        let (_, after) = single_step(&[&[2, 2], &[2, 2]], &[4, 1, 4]);
        assert_eq!(after, "((2, 2), (1,), (2, 2))");
        let (_, after) = single_step(&[&[16, 48]], &[4, 4, 4]);
        assert_eq!(after, "((1, 3), (4,), (4,))");
    }

    #[test]
    fn blocks_that_are_none_become_runs_of_the_same_size() {
        let (before, after) = single_step(&[&[1, 1], &[1, 2], &[2, 2]], &[24]);
        assert_eq!((&*before, &*after), ("((1, 1), (1, 1, 1), (4,))", "((4, 4, 4, 4, 4, 4),)"));
        let (_, after) = single_step(&[&[10, 10], &[10, 10], &[5]], &[400, 5]);
        assert_eq!(after, "((100, 100, 100, 100), (5,))");
        let (_, after) = single_step(&[&[2, 2], &[1; 4]], &[16]);
        assert_eq!(after, "((2, 2, 2, 2, 2, 2, 2, 2),)");
        let twenties: Vec<usize> = std::iter::repeat_n(20, 19).chain([19, 1]).collect();
        let (_, after) = single_step(&[&[5, 5], &twenties], &[10, 2, 25, 8]);
        assert_eq!(after, "((5, 5), (1, 1), (2, 2, 2, 2, 2, 3, 3, 3, 3, 3), (8,))");
    }

    #[test]
    fn cutting_instead_of_merging() {
        let options = Options { merge_chunks: false, max_elements: None };
        let steps = plan(&chunks(&[&[2], &[1, 2], &[2, 2]]), &[6, 4], options).unwrap();
        assert_eq!(steps[0].after.to_string(), "((1, 2, 1, 2), (2, 2))");
        let steps = plan(&chunks(&[&[2], &[2], &[1, 2]]), &[4, 3], options).unwrap();
        assert_eq!(steps[0].after.to_string(), "((2, 2), (1, 2))");
    }

    #[test]
    fn target_shapes_are_checked() {
        assert_eq!(target_shape(&[2, 12], &[-1, 3, 4]).unwrap().as_slice(), [2, 3, 4]);
        assert!(target_shape(&[5], &[100]).is_err());
        assert!(target_shape(&[4], &[-1, -1]).unwrap_err().to_string().contains("one unknown"));
        assert_eq!(target_shape(&[UNKNOWN, 4], &[-1]).unwrap().as_slice(), [UNKNOWN]);
        assert!(target_shape(&[UNKNOWN, 4], &[8, 3]).is_err());
        let ravelled = plan(&chunks(&[&[UNKNOWN, UNKNOWN], &[4]]), &[UNKNOWN], Options::default());
        assert_eq!(ravelled.unwrap()[0].after.to_string(), "((nan, nan),)");
    }

    #[test]
    fn every_block_on_its_own() {
        let c = chunks(&[&[3, 3], &[2, 1], &[2, 1]]);
        let fewer = blockwise(&c, &[18, 3], None).unwrap();
        assert_eq!(fewer.to_string(), "((6, 3, 6, 3), (2, 1))");
        assert_eq!(blockwise(&fewer, &[6, 3, 3], Some(&c)).unwrap(), c);
        assert!(matches!(blockwise(&c, &[2, 3, 3, 3], None), Err(ArrayError::Type(_))));
        assert!(matches!(blockwise(&c, &[3, 2, 9], None), Err(ArrayError::Unsupported(_))));
        let other = chunks(&[&[3, 3], &[3], &[3]]);
        let error = blockwise(&fewer, &[6, 3, 3], Some(&other)).unwrap_err().to_string();
        assert!(error.starts_with("Chunk sizes do not match for the following chunks"), "{error}");
    }

    /// Numbers of the elements of a block, in its row-major order.
    fn block_elements(chunks: &Chunks, coords: &[usize]) -> Vec<usize> {
        let shape = chunks.shape();
        let mut numbers = vec![0];
        for axis in 0..chunks.ndim() {
            let bounds = chunks.bounds(axis);
            let range = bounds[coords[axis]]..bounds[coords[axis] + 1];
            let n = shape[axis];
            numbers =
                numbers.iter().flat_map(|base| range.clone().map(move |i| base * n + i)).collect();
        }
        numbers
    }

    fn all_blocks(chunks: &Chunks) -> Vec<Vec<usize>> {
        let grid = chunks.grid();
        let n: u32 = grid.iter().product();
        let mut coords = Vec::new();
        (0..n)
            .map(|block| {
                oxidask_core::layer::unravel(block, &grid, &mut coords);
                let coords: Vec<usize> = coords.iter().map(|&c| c as usize).collect();
                block_elements(chunks, &coords)
            })
            .collect()
    }

    fn cut(extent: usize, seeds: &[usize]) -> AxisChunks {
        let mut ends: Vec<usize> = seeds.iter().map(|s| s % extent).filter(|&s| s > 0).collect();
        ends.push(extent);
        ends.sort_unstable();
        ends.dedup();
        let mut start = 0;
        ends.into_iter().map(|end| end - std::mem::replace(&mut start, end)).collect()
    }

    proptest! {
        #[test]
        fn every_step_keeps_the_elements_of_a_block(
            factors in prop::collection::vec(1usize..5, 1..5),
            from in prop::collection::vec(0usize..3, 1..5),
            to in prop::collection::vec(0usize..3, 1..5),
            seeds in prop::collection::vec(0usize..100, 3),
            merge_chunks in any::<bool>(),
        ) {
            // Two groupings of the same factors.
            let grouped = |counts: &[usize]| -> Vec<usize> {
                let mut shape = Vec::new();
                let mut left = factors.iter();
                for &n in counts {
                    shape.push(left.by_ref().take(n).product());
                }
                shape.push(left.product());
                shape
            };
            let (shape, target) = (grouped(&from), grouped(&to));
            let start: Chunks = shape.iter().map(|&n| cut(n, &seeds)).collect();
            let options = Options { merge_chunks, max_elements: None };
            let steps = plan(&start, &target, options).unwrap();
            let mut previous = shape.clone();
            for step in &steps {
                prop_assert_eq!(step.before.shape().to_vec(), previous);
                prop_assert_eq!(all_blocks(&step.before), all_blocks(&step.after));
                previous = step.after.shape().to_vec();
            }
            prop_assert_eq!(previous, target);
        }
    }
}
