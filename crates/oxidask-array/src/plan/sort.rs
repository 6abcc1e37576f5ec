//! Sorts: `sort`, `argsort`, `topk`, `argtopk`, `unique`.
//!
//! A 1-d array of many blocks is sorted by buckets (see [`crate::kernel::sort::buckets`]). For its
//! order, and of complex numbers, sorted blocks are cut exactly where the blocks of the result begin
//! (see [`crate::kernel::sort::splitting`]), and the pieces merged. Of other arrays the axis is
//! brought into one block, and cut again afterwards.

use std::sync::Arc;

use oxidask_core::layer::{AxisMap, IndexMap};

use crate::dtype::{DType, Kind};
use crate::error::{ArrayError, Result};
use crate::ops::buckets::{Buckets, ENDS};
use crate::ops::linalg::Linalg;
use crate::ops::sort::{Sort, Unique};
use crate::plan::array::{Array, Build, From, Layers, Name, Node, ProtoLayer};
use crate::plan::chunks::{AxisChunks, Chunks, UNKNOWN, extent};

/// Buckets for each block of a sorted result: those at its ends are sorted for either side.
const BUCKETS: usize = 16;
/// Elements that a bucket should have in a block.
const LEAST_PIECE: usize = 64;
/// Samples for each bucket: its extent is about right then.
const SAMPLES: usize = 32;
/// Elements of a block that is worth a partition.
const LARGE: usize = 1 << 16;

/// Blocks that one step of a tree puts together.
const FAN_IN: u32 = 16;

fn layer(
    suffix: &str,
    op: impl Into<crate::ops::AnyKernel>,
    grid: &[u32],
    inputs: Vec<(From, IndexMap)>,
) -> ProtoLayer {
    ProtoLayer { suffix: suffix.into(), grid: grid.into(), op: crate::ops::op(op, grid), inputs }
}

impl Array {
    /// The lanes along `axis` sorted.
    ///
    /// # Errors
    /// [`ArrayError::Axis`] if there is no such axis.
    pub fn sort(&self, axis: i64) -> Result<Self> {
        self.sorted(axis, false)
    }

    /// The stable order that sorts the lanes along `axis`, as `int64`.
    ///
    /// # Errors
    /// As [`Array::sort`].
    pub fn argsort(&self, axis: i64) -> Result<Self> {
        self.sorted(axis, true)
    }

    fn sorted(&self, axis: i64, places: bool) -> Result<Self> {
        let axis = self.axis(axis)?;
        let (prefix, dtype) =
            if places { ("argsort", Some(DType::I64)) } else { ("sort", self.dtype()) };
        let blocks = &self.chunks()[axis];
        if blocks.len() == 1 {
            let op = if places { Sort::Argsort { axis } } else { Sort::Sort { axis } };
            let inputs = vec![(self.clone(), IndexMap::Identity)];
            return Self::layer(prefix, op, inputs, self.chunks().clone(), dtype);
        }
        self.chunks().require_known(prefix)?;
        if let (1, false, Some(dtype)) = (self.ndim(), places, self.dtype())
            && dtype.kind() != Kind::Complex
        {
            return self.sorted_in_buckets();
        }
        if self.ndim() == 1 && self.dtype().is_some() {
            return self.sorted_by_samples(prefix, places, dtype);
        }
        let whole = self.chunks().clone().with_axis(axis, [extent(blocks)]);
        let sorted = self.rechunked(whole)?.sorted(axis as i64, places)?;
        sorted.rechunked(self.chunks().clone())
    }

    fn sorted_in_buckets(&self) -> Result<Self> {
        let source = self.in_large_blocks()?;
        let blocks = &source.chunks()[0];
        let (n, n_results) = (blocks.len(), self.chunks()[0].len());
        let in_block = blocks.iter().copied().max().unwrap_or(0);
        let n_buckets = (BUCKETS * n_results).min((2 * n_results).max(in_block / LEAST_PIECE));
        let n_buckets = n_buckets.min(in_block / 4 + 1);
        let stride = (extent(blocks) / (n_buckets * SAMPLES)).max(1);
        let (one, grid) = (&[1][..], &[n as u32][..]);
        let (same, every, first) = (
            IndexMap::Identity,
            IndexMap::Axes([AxisMap::Every].into()),
            IndexMap::Axes([AxisMap::Fixed(0)].into()),
        );
        let (input, at) = (From::Input(0), From::Layer);
        let sorted = Buckets::Sorted { bounds: self.chunks().bounds(0) };
        let layers = vec![
            layer("sample", Buckets::Sample { stride }, grid, vec![(input, same.clone())]),
            layer("splitters", Buckets::Splitters { n_buckets }, one, vec![(at(0), every.clone())]),
            layer(
                "split",
                Buckets::Split,
                grid,
                vec![(input, same.clone()), (at(1), first.clone())],
            ),
            layer("ends", Linalg::Item(ENDS), grid, vec![(at(2), same)]),
            layer(
                "starts",
                Buckets::Starts,
                one,
                vec![(at(1), first.clone()), (at(3), every.clone())],
            ),
            layer("", sorted, &[n_results as u32], vec![(at(4), first), (at(2), every)]),
        ];
        let name = Name::new("sort").text(self.name().as_str()).chunks(self.chunks()).finish();
        let build = Build::Layers(Layers { inputs: vec![source], layers });
        let (chunks, dtype) = (self.chunks().clone(), self.dtype());
        Ok(Self::new(Node { name, chunks, dtype, build }))
    }

    /// Neighbouring blocks of a 1-d array put together until they are worth a partition.
    fn in_large_blocks(&self) -> Result<Self> {
        let mut large: Vec<usize> = Vec::new();
        for &n in self.chunks()[0].iter() {
            match large.last_mut() {
                Some(last) if *last < LARGE && n < LARGE => *last += n,
                _ => large.push(n),
            }
        }
        self.rechunked(self.chunks().clone().with_axis(0, large))
    }

    fn sorted_by_samples(&self, prefix: &str, places: bool, dtype: Option<DType>) -> Result<Self> {
        let lengths = self.chunks()[0].to_vec();
        let n = lengths.len();
        let bounds = self.chunks().bounds(0);
        let ranks = bounds[1..n].to_vec();
        // Enough samples that what lies between two of them is less than a block.
        let samples = (4 * n).max(256);
        let strides: Vec<usize> = lengths.iter().map(|len| len.div_ceil(samples).max(1)).collect();
        let (one, grid) = (&[1][..], &[n as u32][..]);
        let (same, every, first) = (
            IndexMap::Identity,
            IndexMap::Axes([AxisMap::Every].into()),
            IndexMap::Axes([AxisMap::Fixed(0)].into()),
        );
        let local = if places { Sort::SortPlaced { bounds } } else { Sort::Sort { axis: 0 } };
        let brackets = Sort::Brackets {
            lengths: lengths.clone(),
            strides: strides.clone(),
            ranks: ranks.clone(),
        };
        let at = |i| From::Layer(i);
        let layers = vec![
            layer("sorted", local, grid, vec![(From::Input(0), same.clone())]),
            layer("sample", Sort::Sample { strides }, grid, vec![(at(0), same.clone())]),
            layer("brackets", brackets, one, vec![(at(1), every.clone())]),
            layer(
                "candidates",
                Sort::Candidates,
                grid,
                vec![(at(0), same.clone()), (at(2), first.clone())],
            ),
            layer("cuts", Sort::Cuts { lengths, ranks }, one, vec![(at(3), every.clone())]),
            layer("cut", Sort::Cut, grid, vec![(at(0), same), (at(4), first)]),
            layer(
                "",
                if places { Sort::MergePlaces } else { Sort::Merge },
                grid,
                vec![(at(5), every)],
            ),
        ];
        let name = Name::new(prefix).text(self.name().as_str()).chunks(self.chunks()).finish();
        let build = Build::Layers(Layers { inputs: vec![self.clone()], layers });
        Ok(Self::new(Node { name, chunks: self.chunks().clone(), dtype, build }))
    }

    /// The `k` largest elements along `axis`, falling, or the `-k` smallest, rising.
    ///
    /// # Errors
    /// As [`Array::sort`].
    pub fn topk(&self, k: i64, axis: i64) -> Result<Self> {
        let axis = self.axis(axis)?;
        let inputs = vec![(self.clone(), IndexMap::Identity)];
        let chunks = self.top_chunks(k, axis, false);
        let mut top = Self::layer("topk", Sort::Topk { k, axis }, inputs, chunks, self.dtype())?;
        while top.chunks()[axis].len() > 1 {
            let chunks = top.top_chunks(k, axis, true);
            let map = top.tree_map(axis);
            let inputs = vec![(top.clone(), map)];
            top = Self::layer("topk", Sort::Topk { k, axis }, inputs, chunks, self.dtype())?;
        }
        Ok(top)
    }

    /// Where the elements of [`Array::topk`] lie, as `int64`.
    ///
    /// # Errors
    /// As [`Array::sort`].
    pub fn argtopk(&self, k: i64, axis: i64) -> Result<Self> {
        let axis = self.axis(axis)?;
        self.chunks().require_known("argtopk")?;
        let bounds = Some(self.chunks().bounds(axis));
        let op = Sort::ArgTopk { k, axis, bounds };
        let chunks = self.top_chunks(k, axis, false);
        let mut top = Self::layer(
            "argtopk-part",
            op,
            vec![(self.clone(), IndexMap::Identity)],
            chunks,
            None,
        )?;
        while top.chunks()[axis].len() > 1 {
            let chunks = top.top_chunks(k, axis, true);
            let op = Sort::ArgTopk { k, axis, bounds: None };
            let map = top.tree_map(axis);
            top = Self::layer("argtopk-part", op, vec![(top.clone(), map)], chunks, None)?;
        }
        top.item("argtopk", 1, top.chunks().clone(), Some(DType::I64))
    }

    fn tree_map(&self, axis: usize) -> IndexMap {
        let along = |a: usize| {
            let axis_map = AxisMap::Tree { axis: a as u8, by: FAN_IN };
            if a == axis { axis_map } else { AxisMap::Same(a as u8) }
        };
        IndexMap::Axes((0..self.ndim()).map(along).collect())
    }

    /// The chunks after a step: of each block, or of each group of blocks.
    fn top_chunks(&self, k: i64, axis: usize, grouped: bool) -> Chunks {
        let k = k.unsigned_abs() as usize;
        let top = |n: usize| if n == UNKNOWN { n } else { n.min(k) };
        let by = if grouped { FAN_IN as usize } else { 1 };
        let groups = self.chunks()[axis].chunks(by);
        let extents: Vec<usize> = groups.map(|group| top(extent(group))).collect();
        self.chunks().clone().with_axis(axis, extents)
    }

    /// Part `index` of each block.
    ///
    /// # Errors
    /// None that a well-formed array has.
    pub fn item(
        &self,
        prefix: &str,
        index: usize,
        chunks: Chunks,
        dtype: Option<DType>,
    ) -> Result<Self> {
        let inputs = vec![(self.clone(), IndexMap::Identity)];
        Self::layer(prefix, Linalg::Item(index), inputs, chunks, dtype)
    }

    /// Of a 1-d array its distinct elements, where each is first, how many there are of each, and
    /// for each element its place among the distinct ones.
    ///
    /// # Errors
    /// [`ArrayError::Value`] if the array is not 1-d, or of unknown extents.
    pub fn unique(&self) -> Result<[Self; 4]> {
        if self.ndim() != 1 {
            return Err(ArrayError::Value(format!("unique of {} axes", self.ndim())));
        }
        let unknown: AxisChunks = Arc::from([UNKNOWN]);
        let bounds = self.chunks().bounds(0);
        let grid_chunks = Chunks::new([vec![UNKNOWN; self.chunks()[0].len()].into()]);
        let inputs = vec![(self.clone(), IndexMap::Identity)];
        let mut found =
            Self::layer("unique-part", Unique::Block { bounds }, inputs, grid_chunks, None)?;
        loop {
            let groups = found.chunks()[0].len().div_ceil(FAN_IN as usize);
            if found.chunks()[0].len() == 1 {
                break;
            }
            let chunks = Chunks::new([vec![UNKNOWN; groups].into()]);
            let map = found.tree_map(0);
            found = Self::layer("unique-part", Unique::Merge, vec![(found, map)], chunks, None)?;
        }
        let chunks = Chunks::new([unknown]);
        let values = found.item("unique", 0, chunks.clone(), self.dtype())?;
        let index = found.item("unique-index", 1, chunks.clone(), Some(DType::I64))?;
        let counts = found.item("unique-counts", 2, chunks, Some(DType::I64))?;
        let inputs = vec![
            (self.clone(), IndexMap::Identity),
            (values.clone(), IndexMap::Axes([AxisMap::Fixed(0)].into())),
        ];
        let chunks = self.chunks().clone();
        let inverse =
            Self::layer("unique-inverse", Unique::Inverse, inputs, chunks, Some(DType::I64))?;
        Ok([values, index, inverse, counts])
    }
}
