//! Counts and places: `searchsorted`, `digitize`, `bincount`, `histogram`, `isin`.

use oxidask_core::layer::{AxisMap, IndexMap};

use crate::dtype::DType;
use crate::error::{ArrayError, Result};
use crate::kernel::Chunk;
use crate::kernel::search::Side;
use crate::ops::contract::AddBlocks;
use crate::ops::search::Search;
use crate::plan::array::{Array, Build, From, Layers, Name, Node, ProtoLayer};
use crate::plan::chunks::{AxisChunks, Chunks, UNKNOWN};
use crate::plan::contract::sum_of_all;
use crate::promote::promote;

impl Array {
    /// In which bin of `bins` each element lies, as `int64`.
    ///
    /// # Errors
    /// [`ArrayError::NoKernel`] if bins and elements have no common native dtype.
    pub fn digitize(&self, bins: &Chunk, right: bool) -> Result<Self> {
        let dtype = promote(self.native_dtype()?, bins.dtype())?;
        let bins = crate::kernel::cast::cast_chunk(bins, dtype)?;
        let x = self.astype(dtype)?;
        let chunks = x.chunks().clone();
        let inputs = vec![(x, IndexMap::Identity)];
        let op = Search::Digitize { bins, right };
        Self::layer("digitize", op, inputs, chunks, Some(DType::I64))
    }

    /// Where each element of `values` goes in this sorted 1-d array, as `int64`.
    ///
    /// # Errors
    /// [`ArrayError::Value`] if this is not 1-d, [`ArrayError::NoKernel`] without a common dtype.
    pub fn searchsorted(&self, values: &Self, side: Side) -> Result<Self> {
        if self.ndim() != 1 {
            return Err(ArrayError::Value("Input array a must be one dimensional".into()));
        }
        let dtype = promote(self.native_dtype()?, values.native_dtype()?)?;
        let (a, v) = (self.astype(dtype)?, values.astype(dtype)?);
        // Each block counts its elements before a value: their sum is the place.
        let grid = v.chunks().grid();
        let blocks = a.chunks().grid()[0];
        let counted: Box<[u32]> = std::iter::once(blocks).chain(grid.iter().copied()).collect();
        let shifted = (1..=grid.len() as u8).map(AxisMap::Same).collect();
        let search = ProtoLayer {
            suffix: "counted".into(),
            op: crate::ops::op(Search::Sorted(side), &counted),
            grid: counted,
            inputs: vec![
                (From::Input(0), IndexMap::Axes([AxisMap::Same(0)].into())),
                (From::Input(1), IndexMap::Axes(shifted)),
            ],
        };
        let sum = sum_of_all(0, &grid);
        let name = Name::new("searchsorted").text(&format!("{side:?}"));
        let name = name.text(a.name().as_str()).text(v.name().as_str()).finish();
        let chunks = v.chunks().clone();
        let build = Build::Layers(Layers { inputs: vec![a, v], layers: vec![search, sum] });
        Ok(Self::new(Node { name, chunks, dtype: Some(DType::I64), build }))
    }

    /// Counts by edges, or sums of `weights`.
    ///
    /// # Errors
    /// [`ArrayError::NoKernel`] for dtypes that NumPy must bin.
    pub fn histogram(&self, edges: Vec<f64>, weights: Option<&Self>) -> Result<Self> {
        let dtype = self.native_dtype()?;
        if matches!(dtype, DType::U64 | DType::F16 | DType::C64 | DType::C128)
            || matches!(dtype, DType::Datetime(_) | DType::Timedelta(_))
        {
            return Err(ArrayError::no_kernel("a histogram", dtype));
        }
        let n = edges.len().saturating_sub(1);
        self.counted(Search::Histogram { edges }, weights, AxisChunks::from([n]))
    }

    /// How often each number occurs in a 1-d array, or the sums of their `weights`.
    ///
    /// # Errors
    /// [`ArrayError::NoKernel`] for dtypes that NumPy must count.
    pub fn bincount(&self, weights: Option<&Self>, minlength: usize) -> Result<Self> {
        let dtype = self.native_dtype()?;
        if !matches!(dtype.kind(), crate::dtype::Kind::Signed | crate::dtype::Kind::Unsigned)
            || dtype == DType::U64
        {
            return Err(ArrayError::no_kernel("counts", dtype));
        }
        let n = if minlength == 0 { UNKNOWN } else { minlength };
        self.counted(Search::Bincount { minlength }, weights, AxisChunks::from([n]))
    }

    /// Counts of every block, summed.
    fn counted(&self, op: Search, weights: Option<&Self>, extents: AxisChunks) -> Result<Self> {
        let weights = weights.map(|weights| weights.astype(DType::F64)).transpose()?;
        let dtype = if weights.is_some() { DType::F64 } else { DType::I64 };
        let grid = self.chunks().grid();
        let mut name = Name::new(match op {
            Search::Bincount { .. } => "bincount",
            _ => "histogram",
        });
        name = name.text(&format!("{op:?}")).text(self.name().as_str());
        let mut inputs = vec![self.clone()];
        let mut reads = vec![(From::Input(0), IndexMap::Identity)];
        if let Some(weights) = weights {
            let weights = weights.rechunked(self.chunks().clone())?;
            name = name.text(weights.name().as_str());
            inputs.push(weights);
            reads.push((From::Input(1), IndexMap::Identity));
        }
        let count = ProtoLayer {
            suffix: "counted".into(),
            op: crate::ops::op(op, &grid),
            grid: grid.clone(),
            inputs: reads,
        };
        let every = grid.iter().map(|_| AxisMap::Every).collect();
        let sum = ProtoLayer {
            suffix: String::new(),
            op: crate::ops::op(AddBlocks { squeeze: true }, &[1]),
            grid: [1].into(),
            inputs: vec![(From::Layer(0), IndexMap::Axes(every))],
        };
        let build = Build::Layers(Layers { inputs, layers: vec![count, sum] });
        let chunks = Chunks::new([extents]);
        Ok(Self::new(Node { name: name.finish(), chunks, dtype: Some(dtype), build }))
    }

    /// Whether each element is among the sorted ones of a chunk.
    ///
    /// # Errors
    /// [`ArrayError::NoKernel`] if the dtypes differ.
    pub fn is_in(&self, among: Chunk, invert: bool) -> Result<Self> {
        if self.native_dtype()? != among.dtype() {
            return Err(ArrayError::no_kernel("membership", among.dtype()));
        }
        let inputs = vec![(self.clone(), IndexMap::Identity)];
        let op = Search::IsIn { among, invert };
        Self::layer("isin", op, inputs, self.chunks().clone(), Some(DType::Bool))
    }
}
