//! Contractions: `tensordot`, `matmul`, `dot` and two-operand `einsum` of lazy arrays.
//!
//! A block of the result reads a row of blocks of the left operand and a column of blocks of the
//! right one, and sums their products in one task. Where those blocks are more than a task may hold,
//! partial products over groups of them are summed by a tree of tasks.

use oxidask_core::layer::{AxisMap, IndexMap};

use crate::error::{ArrayError, Result};
use crate::kernel::matmul::{Label, matmul_labels};
use crate::ops::contract::{AddBlocks, Contract};
use crate::plan::array::{Array, Build, From, Layers, Name, Node, ProtoLayer};
use crate::plan::chunks::{AxisChunks, Chunks, Tuple};
use crate::plan::room;
use crate::plan::unify::common_axis;
use crate::promote::promote;

/// Most bytes of blocks that one task multiplies, if nothing is known of the memory.
const TASK_BYTES: u64 = 1 << 30;

/// A task sums at least so many partial products.
const LEAST_SUMMED: u32 = 4;

impl Array {
    /// The contraction of two arrays whose axes have these labels: products over equal labels,
    /// summed over those that the result hasn't got.
    ///
    /// # Errors
    /// [`ArrayError::Value`] if axes of one label differ in extent, [`ArrayError::NoKernel`] for
    /// labels that [`crate::kernel::matmul::Contraction`] refuses.
    pub fn contract(&self, other: &Self, a: &[Label], b: &[Label], out: &[Label]) -> Result<Self> {
        // Tells of labels that don't make a contraction.
        crate::kernel::matmul::Contraction::new(a, b, out)?;
        let (x, y) = same_dtype(self, other)?;
        let (x, y) = same_blocks(&x, &y, a, b, out)?;
        let axis_of = |label: &Label| -> AxisChunks {
            let of = |array: &Self, labels: &[Label]| {
                let at = labels.iter().position(|l| l == label)?;
                Some(array.chunks()[at].clone())
            };
            match (of(&x, a), of(&y, b)) {
                // A stack of one is stretched.
                (Some(left), Some(right)) => {
                    if *left == [1] {
                        right
                    } else {
                        left
                    }
                }
                (Some(axis), None) | (None, Some(axis)) => axis,
                (None, None) => AxisChunks::from([1]),
            }
        };
        let chunks: Chunks = out.iter().map(axis_of).collect();
        let plan = Plan { x, y, a, b, out, chunks };
        plan.build()
    }

    /// The matrix product by NumPy's rules.
    ///
    /// # Errors
    /// [`ArrayError::Value`] for 0-d operands, and as [`Array::contract`].
    pub fn matmul(&self, other: &Self) -> Result<Self> {
        if self.ndim() == 0 || other.ndim() == 0 {
            return Err(ArrayError::Value(
                "matmul: Input operand does not have enough dimensions (0-d operands: use '*')"
                    .into(),
            ));
        }
        let (a, b, out) = matmul_labels(self.ndim(), other.ndim());
        self.contract(other, &a, &b, &out)
    }
}

fn same_dtype(x: &Array, y: &Array) -> Result<(Array, Array)> {
    match (x.dtype(), y.dtype()) {
        (Some(a), Some(b)) => {
            let dtype = promote(a, b)?;
            Ok((x.astype(dtype)?, y.astype(dtype)?))
        }
        _ => Ok((x.clone(), y.clone())),
    }
}

/// Both operands with the same blocks along the axes that they share.
fn same_blocks(
    x: &Array,
    y: &Array,
    a: &[Label],
    b: &[Label],
    out: &[Label],
) -> Result<(Array, Array)> {
    let (mut left, mut right) = (x.chunks().clone(), y.chunks().clone());
    for (i, label) in a.iter().enumerate() {
        let Some(j) = b.iter().position(|l| l == label) else { continue };
        let (n, m) = (x.shape()[i], y.shape()[j]);
        if left[i] == right[j] {
            continue;
        }
        if out.contains(label) && (n == 1 || m == 1) {
            // What is stretched is one block.
            if n == 1 {
                left = left.with_axis(i, [1]);
            }
            if m == 1 {
                right = right.with_axis(j, [1]);
            }
            continue;
        }
        if n != m {
            return Err(ArrayError::Value(format!(
                "shape-mismatch for sum: axis {i} of an array of shape {} has to meet axis {j} of \
                 one of shape {}",
                Tuple(&x.shape()),
                Tuple(&y.shape())
            )));
        }
        let common = common_axis(&[&left[i], &right[j]])?;
        left = left.with_axis(i, common.clone());
        right = right.with_axis(j, common);
    }
    Ok((x.rechunked(left)?, y.rechunked(right)?))
}

struct Plan<'a> {
    x: Array,
    y: Array,
    a: &'a [Label],
    b: &'a [Label],
    out: &'a [Label],
    chunks: Chunks,
}

impl Plan<'_> {
    /// What an operand's axes read; `split` is a label whose blocks are read group by group, as
    /// axis 0 of a grid with one more axis in front.
    fn map(&self, array: &Array, labels: &[Label], split: Option<(Label, u32)>) -> IndexMap {
        let shift = u8::from(split.is_some());
        let axes = labels.iter().zip(array.chunks().iter()).map(|(label, axis)| {
            match self.out.iter().position(|l| l == label) {
                Some(at) if axis.len() == self.chunks[at].len() => AxisMap::Same(at as u8 + shift),
                Some(_) => AxisMap::Fixed(0),
                None => match split {
                    Some((split, by)) if split == *label => AxisMap::Tree { axis: 0, by },
                    _ => AxisMap::Every,
                },
            }
        });
        IndexMap::Axes(axes.collect())
    }

    /// Blocks along each summed axis, in the left operand's order.
    fn inner(&self) -> Vec<(Label, u32)> {
        let summed = self.a.iter().zip(self.x.chunks().iter());
        let summed = summed.filter(|(label, _)| !self.out.contains(label));
        summed.map(|(&label, axis)| (label, axis.len() as u32)).collect()
    }

    /// The place of each left block's partner among the right operand's blocks.
    fn partners(&self, inner: &[(Label, u32)]) -> Vec<u32> {
        let right: Vec<Label> = self.b.iter().filter(|l| !self.out.contains(l)).copied().collect();
        if right.iter().eq(inner.iter().map(|(label, _)| label)) {
            return Vec::new();
        }
        let total: u32 = inner.iter().map(|&(_, n)| n).product();
        (0..total)
            .map(|block| {
                let mut rest = block;
                let mut at = vec![(0, 0); inner.len()];
                for (place, &(label, n)) in at.iter_mut().zip(inner).rev() {
                    *place = (label, rest % n);
                    rest /= n;
                }
                right.iter().fold(0, |number, label| {
                    let find = |&(i, _): &(usize, &(Label, u32))| at[i].0 == *label;
                    let found = inner.iter().enumerate().find(find);
                    found.map_or(number, |(i, &(_, n))| number * n + at[i].1)
                })
            })
            .collect()
    }

    fn build(self) -> Result<Array> {
        let inner = self.inner();
        let partners = self.partners(&inner);
        let blocks: u128 = inner.iter().map(|&(_, n)| u128::from(n)).product();
        let itemsize = self.x.dtype().map_or(8, crate::dtype::DType::itemsize);
        let pair =
            self.x.chunks().max_block_bytes(itemsize) + self.y.chunks().max_block_bytes(itemsize);
        // The longest summed axis is split, if the order of blocks leaves that simple.
        let longest = inner.iter().max_by_key(|&&(_, n)| n).copied();
        let room = u128::from(room::task_bytes(TASK_BYTES));
        let fits = blocks.saturating_mul(pair) <= room;
        let split = longest.filter(|&(_, n)| !fits && n > 2 && partners.is_empty());
        let split = split.map(|(label, n)| {
            let others = (blocks / u128::from(n)).max(1) * pair.max(1);
            let by = u32::try_from(room / others).unwrap_or(n).clamp(1, n);
            (label, by, n.div_ceil(by))
        });
        let mut op = Contract {
            a: self.a.to_vec(),
            b: self.b.to_vec(),
            out: self.out.to_vec(),
            partial: false,
            partners,
        };
        let Some((label, by, groups)) = split.filter(|&(_, _, groups)| groups > 1) else {
            let inputs = vec![
                (self.x.clone(), self.map(&self.x, self.a, None)),
                (self.y.clone(), self.map(&self.y, self.b, None)),
            ];
            return Array::layer("contract", op, inputs, self.chunks, self.x.dtype());
        };
        op.partial = true;
        let grid = self.chunks.grid();
        let name = Name::new("contract")
            .text(&format!("{op:?} {by}"))
            .text(self.x.name().as_str())
            .text(self.y.name().as_str())
            .finish();
        let split = Some((label, by));
        let partial_grid = stacked(groups, &grid);
        let mut layers = vec![ProtoLayer {
            suffix: "partial".into(),
            op: crate::ops::op(op, &partial_grid),
            grid: partial_grid,
            inputs: vec![
                (From::Input(0), self.map(&self.x, self.a, split)),
                (From::Input(1), self.map(&self.y, self.b, split)),
            ],
        }];
        let product = self.chunks.max_block_bytes(itemsize).max(1);
        let fan = u32::try_from(room / product).unwrap_or(u32::MAX).max(LEAST_SUMMED);
        add_up(&mut layers, groups, fan, &grid);
        let dtype = self.x.dtype();
        let layers = Layers { inputs: vec![self.x, self.y], layers };
        Ok(Array::new(Node { name, chunks: self.chunks, dtype, build: Build::Layers(layers) }))
    }
}

/// A grid with one more axis in front.
fn stacked(n: u32, grid: &[u32]) -> Box<[u32]> {
    std::iter::once(n).chain(grid.iter().copied()).collect()
}

/// The last layer of an array whose blocks are sums of those that are stacked in another layer.
pub(super) fn sum_of_all(layer: usize, grid: &[u32]) -> ProtoLayer {
    let others = (0..grid.len() as u8).map(AxisMap::Same);
    let axes = std::iter::once(AxisMap::Every).chain(others).collect();
    ProtoLayer {
        suffix: String::new(),
        op: crate::ops::op(AddBlocks { squeeze: true }, grid),
        inputs: vec![(From::Layer(layer), IndexMap::Axes(axes))],
        grid: grid.into(),
    }
}

/// Appends the layers that sum `n` stacked partial products, the last of `layers`, `fan` at a time.
fn add_up(layers: &mut Vec<ProtoLayer>, mut n: u32, fan: u32, grid: &[u32]) {
    loop {
        let is_last = n <= fan;
        if is_last {
            layers.push(sum_of_all(layers.len() - 1, grid));
            return;
        }
        n = n.div_ceil(fan);
        let first = AxisMap::Tree { axis: 0, by: fan };
        let others = (1..=grid.len() as u8).map(AxisMap::Same);
        let grid = stacked(n, grid);
        layers.push(ProtoLayer {
            suffix: format!("sum-{}", layers.len()),
            op: crate::ops::op(AddBlocks { squeeze: false }, &grid),
            inputs: vec![(
                From::Layer(layers.len() - 1),
                IndexMap::Axes(std::iter::once(first).chain(others).collect()),
            )],
            grid,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_products_are_summed_by_a_tree() {
        let layer = |n: u32| ProtoLayer {
            suffix: "partial".into(),
            grid: stacked(n, &[2, 3]),
            op: crate::ops::op(AddBlocks { squeeze: false }, &[n, 2, 3]),
            inputs: Vec::new(),
        };
        let grids = |n: u32| {
            let mut layers = vec![layer(n)];
            add_up(&mut layers, n, 4, &[2, 3]);
            layers.iter().skip(1).map(|layer| layer.grid.to_vec()).collect::<Vec<_>>()
        };
        assert_eq!(grids(4), [vec![2, 3]]);
        assert_eq!(grids(30), [vec![8, 2, 3], vec![2, 2, 3], vec![2, 3]]);
    }
}
