//! Reductions of lazy arrays: a state of each block, merged in a tree, and finished.
//!
//! The states' layer runs the elementwise program that makes the elements, fused with what makes
//! its inputs where nobody else reads that: see [`crate::plan::lower`].

use std::sync::Arc;

use oxidask_core::layer::{AxisMap, IndexMap};
use oxidask_core::op::Op;

use crate::dtype::{DType, Kind};
use crate::error::{ArrayError, Result};
use crate::kernel::Chunk;
use crate::kernel::program::{Program, Step};
use crate::kernel::reduce::{Finish, Reducer, Reduction};
use crate::ops;
use crate::plan::array::{Array, Build, Name, Node};
use crate::plan::chunks::{AxisChunks, Chunks, Tuple};

/// A reduction as an expression.
pub struct Reduced {
    /// The one array that is reduced.
    pub inputs: Vec<Array>,
    /// Casts of its elements before they are reduced.
    pub casts: Vec<DType>,
    /// How results are made; which axes are reduced.
    pub finish: Finish,
    /// How many blocks are merged at once along each axis.
    pub by: Vec<u32>,
}

/// What a caller says about a reduction.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether reduced axes stay, with extent 1.
    pub keepdims: bool,
    /// The dtype to compute in and of the result.
    pub dtype: Option<DType>,
    /// Taken off the number of elements that a variance is divided by.
    pub ddof: f64,
    /// Whether the square root is taken of a variance.
    pub root: bool,
    /// What else is reduced: an array of one element.
    pub initial: Option<Chunk>,
    /// How many blocks are merged at once along each axis.
    pub by: Vec<u32>,
}

/// The dtype of a result, if the caller says nothing.
fn result_dtype(reducer: Reducer, dtype: DType) -> DType {
    use Reducer as R;
    match (reducer, dtype.kind()) {
        (R::Min | R::Max, _) => dtype,
        (R::Any | R::All, _) => DType::Bool,
        (R::ArgMin | R::ArgMax, _) => DType::I64,
        (R::Sum | R::Prod, Kind::Bool | Kind::Signed) => DType::I64,
        (R::Sum | R::Prod, Kind::Unsigned) => DType::U64,
        (R::Mean | R::Var, Kind::Bool | Kind::Signed | Kind::Unsigned) => DType::F64,
        (R::Var, Kind::Complex) if dtype == DType::C64 => DType::F32,
        (R::Var, Kind::Complex) => DType::F64,
        _ => dtype,
    }
}

impl Array {
    /// Reduces `axes`; none of them may be given twice.
    ///
    /// # Errors
    /// [`ArrayError::NoKernel`] if NumPy must do it, [`ArrayError::Value`] if there is nothing to
    /// take an extreme of, [`ArrayError::Axis`] for axes that aren't there.
    pub fn reduce(
        &self,
        prefix: &str,
        reduction: Reduction,
        axes: &[usize],
        options: &Options,
    ) -> Result<Self> {
        let ndim = self.ndim();
        if let Some(&axis) = axes.iter().find(|&&axis| axis >= ndim) {
            return Err(ArrayError::Axis { axis: axis as i64, ndim });
        }
        let native = self.native_dtype()?;
        let given = options.dtype.filter(|_| !is_fixed(reduction.reducer));
        let dtype = given.unwrap_or(native);
        let refuse = || ArrayError::no_kernel(prefix, dtype);
        let working = reduction.working_dtype(dtype).ok_or_else(refuse)?;
        let mut casts = Vec::new();
        let mut from = native;
        for to in [dtype, working] {
            if from != to {
                crate::kernel::cast::cast_loop(from, to).ok_or_else(refuse)?;
                casts.push(to);
                from = to;
            }
        }
        let result = match (reduction.reducer, given) {
            (Reducer::Var, Some(DType::C64)) => DType::F32,
            (Reducer::Var, Some(DType::C128)) => DType::F64,
            (_, Some(given)) => given,
            (reducer, None) => result_dtype(reducer, native),
        };
        let reduced: Vec<bool> = (0..ndim).map(|axis| axes.contains(&axis)).collect();
        self.check_elements(reduction, &reduced, options)?;
        let chunks = reduced_chunks(self.chunks(), &reduced, options.keepdims);
        let finish = Finish {
            reduction,
            dtype: result,
            ddof: options.ddof,
            root: options.root,
            initial: options.initial.clone(),
            reduced,
            keepdims: options.keepdims,
        };
        let described = (&casts, &finish, &options.by);
        let bytes = postcard::to_allocvec(&described)
            .map_err(|error| ArrayError::Value(error.to_string()))?;
        let name = Name::new(prefix).bytes(&bytes).text(self.name().as_str()).finish();
        let by = (0..ndim).map(|axis| options.by.get(axis).copied().unwrap_or(4).max(2)).collect();
        let build = Build::Reduction(Reduced { inputs: vec![self.clone()], casts, finish, by });
        Ok(Self::new(Node { name, chunks, dtype: Some(result), build }))
    }

    /// Fails where it is known that there is nothing to take an extreme of.
    fn check_elements(
        &self,
        reduction: Reduction,
        reduced: &[bool],
        options: &Options,
    ) -> Result<()> {
        use Reducer as R;
        let shape = self.shape();
        let lacks = shape.iter().zip(reduced).any(|(&n, &reduced)| reduced && n == 0);
        let is_extreme = matches!(reduction.reducer, R::Min | R::Max);
        if is_extreme && options.initial.is_some() {
            return Ok(());
        }
        let Some(error) = reduction.error_of_nothing() else { return Ok(()) };
        if lacks {
            return Err(error);
        }
        let is_arg = matches!(reduction.reducer, R::ArgMin | R::ArgMax);
        if is_arg && !(0..self.ndim()).all(|axis| !reduced[axis] || self.chunks().axis_known(axis))
        {
            return Err(ArrayError::Value(format!(
                "Arg-reductions do not work with arrays of unknown chunksizes, but the shape is {}. \
                 At some point this computation involved boolean indexing: call \
                 x.compute_chunk_sizes() first",
                Tuple(&shape)
            )));
        }
        Ok(())
    }
}

/// Whether a caller's dtype has no meaning.
fn is_fixed(reducer: Reducer) -> bool {
    use Reducer as R;
    matches!(reducer, R::Min | R::Max | R::Any | R::All | R::ArgMin | R::ArgMax)
}

/// Chunks without the reduced axes, or with extent 1 there.
#[must_use]
pub fn reduced_chunks(chunks: &Chunks, reduced: &[bool], keepdims: bool) -> Chunks {
    let axes = chunks.iter().zip(reduced);
    axes.filter(|(_, reduced)| keepdims || !**reduced)
        .map(|(axis, &reduced)| if reduced { AxisChunks::from([1]) } else { axis.clone() })
        .collect()
}

/// The program with the casts of a reduction behind it.
#[must_use]
pub fn with_casts(mut program: Program, casts: &[DType]) -> Program {
    for &to in casts {
        let (arg, from) = (program.result, program.dtype());
        program.steps.push(Step::Cast { arg, from, to });
        program.result = (program.inputs.len() + program.steps.len() - 1) as u32;
    }
    program
}

/// A layer above the states: its suffix, grid, op, and which blocks of the layer below it reads.
pub struct Above {
    /// Appended to the array's name; nothing for the last one.
    pub suffix: String,
    /// Blocks along each axis.
    pub grid: Box<[u32]>,
    /// What each block runs.
    pub op: Arc<dyn Op>,
    /// What each block reads.
    pub map: IndexMap,
}

/// The layers above the states of a grid of blocks: merges, and the result.
#[must_use]
pub fn layers_above(reduced: &Reduced, grid: &[u32], result_grid: &[u32]) -> Vec<Above> {
    let mut layers = Vec::new();
    let mut grid: Box<[u32]> = grid.into();
    let finish = &reduced.finish;
    let is_wide = |grid: &[u32]| {
        (0..grid.len()).any(|axis| finish.reduced[axis] && grid[axis] > reduced.by[axis])
    };
    while is_wide(&grid) {
        let maps = (0..grid.len()).map(|axis| match finish.reduced[axis] {
            true => AxisMap::Tree { axis: axis as u8, by: reduced.by[axis] },
            false => AxisMap::Same(axis as u8),
        });
        let map = IndexMap::Axes(maps.collect());
        for axis in 0..grid.len() {
            if finish.reduced[axis] {
                grid[axis] = grid[axis].div_ceil(reduced.by[axis]);
            }
        }
        let op = ops::op(ops::reduce::Merge { reduction: finish.reduction }, &grid);
        let suffix = format!("combine-{}", layers.len());
        layers.push(Above { suffix, grid: grid.clone(), op, map });
    }
    let mut out = 0;
    let maps = (0..grid.len()).map(|axis| {
        let map = if finish.reduced[axis] { AxisMap::Every } else { AxisMap::Same(out) };
        out += u8::from(finish.keepdims || !finish.reduced[axis]);
        map
    });
    let map = IndexMap::Axes(maps.collect());
    let op = ops::op(ops::reduce::Aggregate { finish: finish.clone() }, result_grid);
    layers.push(Above { suffix: String::new(), grid: result_grid.into(), op, map });
    layers
}
