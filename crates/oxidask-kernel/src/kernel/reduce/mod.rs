//! Reductions: many elements to one.
//!
//! A block is reduced to a *state*: a few chunks whose reduced axes have extent 1. States of several
//! blocks are merged, in any grouping, and the last merge is finished to the result. The program
//! that makes the elements runs tile by tile into the reduction ([`Sink`]), so that they are never
//! in memory as a whole.
//!
//! `fold` has the functions of one element, `folder` and `moments` the loops, `arg` the places of
//! extremes, `finish` what becomes of states.
#![expect(unsafe_code, reason = "tiles of raw memory, loops for several processors")]

mod arg;
mod finish;
mod fold;
mod folder;
mod moments;

use num_complex::{Complex32, Complex64};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

pub use arg::Place;
pub use finish::Finish;

use crate::dispatch;
use crate::dtype::{DType, Kind};
use crate::error::{ArrayError, Result};
use crate::kernel::chunk::{contiguous_strides, n_elements};
use crate::kernel::program::{Feed, Program, Register, Sink, Tile};
use crate::kernel::{Chunk, Dims};
use fold::{Extreme, Product, Sum, Time, Truth, Valid};
use folder::{Accumulate, Folder, Spot};
use moments::Moments;

/// What elements are reduced to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "NumPy's reductions by name")]
pub enum Reducer {
    Sum,
    Prod,
    Min,
    Max,
    Any,
    All,
    Mean,
    Var,
    ArgMin,
    ArgMax,
}

/// A reduction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reduction {
    /// To what.
    pub reducer: Reducer,
    /// Whether NaN and NaT are left out.
    pub skip_nan: bool,
}

/// A state: chunks whose reduced axes have extent 1.
pub type State = Vec<Chunk>;

impl Reduction {
    /// The dtype that elements must have to be reduced; `None` if NumPy must do it.
    #[must_use]
    pub fn working_dtype(self, dtype: DType) -> Option<DType> {
        use Reducer as R;
        let is_time = matches!(dtype.kind(), Kind::Datetime | Kind::Timedelta);
        Some(match (self.reducer, dtype.kind()) {
            (R::Min | R::Max | R::ArgMin | R::ArgMax, _) => dtype,
            (R::Any | R::All, _) if is_time => return None,
            (R::Any | R::All, _) => DType::Bool,
            (R::Sum | R::Mean, Kind::Timedelta) => dtype,
            _ if is_time => return None,
            (R::Var, Kind::Complex) => DType::C128,
            (R::Var, _) => DType::F64,
            (R::Mean, Kind::Bool | Kind::Signed | Kind::Unsigned) => DType::F64,
            (_, Kind::Bool | Kind::Signed) => DType::I64,
            (_, Kind::Unsigned) => DType::U64,
            _ if dtype == DType::F16 => DType::F32,
            _ => dtype,
        })
    }

    fn best(self) -> arg::Best {
        arg::Best { max: self.reducer == Reducer::ArgMax, skip_nan: self.skip_nan }
    }

    /// Whether elements are needed to have a result.
    fn needs_elements(self) -> bool {
        matches!(self.reducer, Reducer::Min | Reducer::Max | Reducer::ArgMin | Reducer::ArgMax)
    }

    /// The state of a block: the values of a program of [`Reduction::working_dtype`], over the axes
    /// that are `reduced`. `place` is needed for places of extremes only.
    ///
    /// # Errors
    /// As [`Program::run`]; [`ArrayError::NoKernel`] for other dtypes.
    pub fn partial(
        self,
        program: &Program,
        feeds: &[Feed<'_>],
        known: &[Option<usize>],
        reduced: &[bool],
        place: &Place<'_>,
    ) -> Result<State> {
        self.partial_of(program, &[program.result], feeds, known, reduced, place)
    }

    /// As [`Reduction::partial`], for the values of several registers of one dtype, which all are
    /// elements of the block. Places of extremes are found in the program's own result only.
    ///
    /// # Errors
    /// As [`Reduction::partial`].
    pub fn partial_of(
        self,
        program: &Program,
        results: &[Register],
        feeds: &[Feed<'_>],
        known: &[Option<usize>],
        reduced: &[bool],
        place: &Place<'_>,
    ) -> Result<State> {
        if matches!(self.reducer, Reducer::ArgMin | Reducer::ArgMax) {
            let chunk = program.evaluate(feeds, known)?;
            let axis = match reduced.iter().filter(|&&reduced| reduced).count() {
                n if n == reduced.len() && n != 1 => None,
                _ => reduced.iter().position(|&reduced| reduced),
            };
            return arg::partial(&chunk, axis, place, self.best());
        }
        let (views, shape) = program.aligned(feeds, known)?;
        let kept = |extent: usize| if self.needs_elements() { extent.min(1) } else { 1 };
        let state_shape: Dims = shape
            .iter()
            .zip(reduced)
            .map(|(&extent, &reduced)| if reduced { kept(extent) } else { extent })
            .collect();
        let dtype = program.dtype();
        let accumulators = self.accumulators(dtype, n_elements(&state_shape))?;
        let (order, views) = dense_order(&views, &shape);
        let strides = contiguous_strides(&state_shape, 1);
        let steps: SmallVec<[usize; 4]> = order
            .iter()
            .map(|&axis| if reduced[axis] { 0 } else { strides[axis] as usize })
            .collect();
        let shape_run: Dims = order.iter().map(|&axis| shape[axis]).collect();
        let along = order.last().is_none_or(|&axis| reduced[axis]);
        let mut sink = Reduce { accumulators, steps, along };
        program.run(&views, &shape_run, results, &mut sink)?;
        let mut state = Vec::new();
        for accumulator in sink.accumulators {
            state.extend(accumulator.state(&state_shape)?);
        }
        if dtype.kind() == Kind::Timedelta || dtype.kind() == Kind::Datetime {
            state[0] = state[0].clone().reinterpreted(dtype);
        }
        if self.reducer == Reducer::Mean && !self.skip_nan {
            let n = shape.iter().zip(reduced).filter(|(_, r)| **r).map(|(n, _)| n);
            let n = (n.product::<usize>() * results.len()) as f64;
            state.push(Chunk::scalar(n)?.broadcast_to(&state_shape)?);
        }
        Ok(state)
    }

    fn accumulators(self, dtype: DType, n: usize) -> Result<Vec<Box<dyn Accumulate>>> {
        use Reducer as R;
        let skip = self.skip_nan;
        let refuse = || ArrayError::no_kernel("a reduction", dtype);
        let is_time = matches!(dtype.kind(), Kind::Datetime | Kind::Timedelta);
        macro_rules! folder {
            ($fold:ident, $ty:ty $(, $flag:literal)?) => {
                if skip {
                    Box::new(Folder::<$fold<$ty $(, $flag)?, true>>::new(n)) as Box<dyn Accumulate>
                } else {
                    Box::new(Folder::<$fold<$ty $(, $flag)?, false>>::new(n))
                }
            };
        }
        let only: Box<dyn Accumulate> = match self.reducer {
            R::Sum | R::Mean if is_time => folder!(Sum, Time),
            R::Min if is_time => folder!(Extreme, Time, false),
            R::Max if is_time => folder!(Extreme, Time, true),
            R::Sum | R::Mean => {
                dispatch!(dtype, T in [i64, u64, f32, f64, Complex32, Complex64] => folder!(Sum, T), else return Err(refuse()))
            }
            R::Prod => {
                dispatch!(dtype, T in [i64, u64, f32, f64, Complex32, Complex64] => folder!(Product, T), else return Err(refuse()))
            }
            R::Min => dispatch!(dtype, T => folder!(Extreme, T, false)),
            R::Max => dispatch!(dtype, T => folder!(Extreme, T, true)),
            R::Any if dtype == DType::Bool => Box::new(Folder::<Truth<true>>::new(n)),
            R::All if dtype == DType::Bool => Box::new(Folder::<Truth<false>>::new(n)),
            R::Var => match (dtype, skip) {
                (DType::F64, false) => {
                    Box::new(Moments::<f64, false>::new(n)) as Box<dyn Accumulate>
                }
                (DType::F64, true) => Box::new(Moments::<f64, true>::new(n)),
                (DType::C128, false) => Box::new(Moments::<Complex64, false>::new(n)),
                (DType::C128, true) => Box::new(Moments::<Complex64, true>::new(n)),
                _ => return Err(refuse()),
            },
            _ => return Err(refuse()),
        };
        let mut all = vec![only];
        if self.reducer == R::Mean && skip {
            all.push(if is_time {
                Box::new(Folder::<Valid<Time>>::new(n))
            } else {
                dispatch!(dtype, T in [i64, u64, f32, f64, Complex32, Complex64] => Box::new(Folder::<Valid<T>>::new(n)), else return Err(refuse()))
            });
        }
        Ok(all)
    }

    /// The states of several blocks as one.
    ///
    /// # Errors
    /// If there is not enough memory, or states are not of one reduction.
    pub fn merge(self, states: &[State]) -> Result<State> {
        use Reducer as R;
        if let [only] = states {
            return Ok(only.clone());
        }
        if states.is_empty() || states.iter().any(|state| state.len() != states[0].len()) {
            return Err(ArrayError::Value("states of different reductions".into()));
        }
        let dtype = states[0][0].dtype();
        let is_time = matches!(dtype.kind(), Kind::Datetime | Kind::Timedelta);
        let of = |which: usize| -> Vec<Chunk> { states.iter().map(|s| s[which].clone()).collect() };
        let refuse = || ArrayError::no_kernel("merging states", dtype);
        macro_rules! extreme {
            ($ty:ty, $max:literal) => {
                if self.skip_nan {
                    folder::merge::<Extreme<$ty, $max, true>>(&of(0))?
                } else {
                    folder::merge::<Extreme<$ty, $max, false>>(&of(0))?
                }
            };
        }
        Ok(match self.reducer {
            R::Sum | R::Mean => {
                let sum = if is_time {
                    folder::merge::<Sum<Time, false>>(&of(0))?
                } else {
                    dispatch!(dtype, T in [i64, u64, f64, Complex64] => folder::merge::<Sum<T, false>>(&of(0))?, else return Err(refuse()))
                };
                match self.reducer {
                    R::Sum => vec![sum],
                    _ => vec![sum, folder::merge::<Sum<f64, false>>(&of(1))?],
                }
            }
            R::Prod => vec![
                dispatch!(dtype, T in [i64, u64, f64, Complex64] => folder::merge::<Product<T, false>>(&of(0))?, else return Err(refuse())),
            ],
            R::Min if is_time => vec![extreme!(Time, false)],
            R::Max if is_time => vec![extreme!(Time, true)],
            R::Min => vec![dispatch!(dtype, T => extreme!(T, false))],
            R::Max => vec![dispatch!(dtype, T => extreme!(T, true))],
            R::Any => vec![folder::merge::<Truth<true>>(&of(0))?],
            R::All => vec![folder::merge::<Truth<false>>(&of(0))?],
            R::Var if states[0][1].dtype() == DType::F64 => Moments::<f64, false>::merge(states)?,
            R::Var => Moments::<Complex64, false>::merge(states)?,
            R::ArgMin | R::ArgMax => arg::merge(states, self.best())?,
        })
    }
}

/// The axes in the order in which the first whole input lies in memory, and the feeds with their
/// axes so: what is reduced need not be read in row-major order.
fn dense_order<'a>(views: &[Feed<'a>], shape: &[usize]) -> (SmallVec<[usize; 4]>, Vec<Feed<'a>>) {
    let mut order: SmallVec<[usize; 4]> = (0..shape.len()).collect();
    let is_whole =
        |chunk: &Chunk| chunk.strides().iter().zip(shape).all(|(&s, &n)| s != 0 || n == 1);
    let all_chunks = views.iter().all(|view| view.chunk().is_some());
    if all_chunks && let Some(chunk) = views.iter().filter_map(Feed::chunk).find(|c| is_whole(c)) {
        let distance = |axis: usize| match shape[axis] {
            1 => None,
            _ => Some(chunk.strides()[axis].unsigned_abs()),
        };
        let known: SmallVec<[usize; 4]> = order.iter().filter_map(|&axis| distance(axis)).collect();
        if !known.is_sorted_by(|a, b| a >= b) {
            order.sort_by_key(|&axis| std::cmp::Reverse(distance(axis).unwrap_or(usize::MAX)));
        }
    }
    let views = views.iter().map(|view| match view {
        Feed::Chunk(chunk) => Feed::Chunk(chunk.permuted(&order)),
        Feed::Made(made) => Feed::Made(*made),
    });
    let views = views.collect();
    (order, views)
}

/// The sink that reduces tiles.
struct Reduce {
    accumulators: Vec<Box<dyn Accumulate>>,
    /// From an element to its neighbour along each axis, counted in values of the state.
    steps: SmallVec<[usize; 4]>,
    /// Whether the last axis is reduced.
    along: bool,
}

impl Sink for Reduce {
    fn place(&mut self, _: &Tile<'_>) -> Option<*mut u8> {
        None
    }

    unsafe fn take(&mut self, tile: &Tile<'_>, elements: *const u8) -> Result<()> {
        let at = tile.start.iter().zip(&self.steps).map(|(i, step)| i * step).sum();
        let row_step = if tile.rows > 1 { self.steps[tile.cross] } else { 0 };
        let spot = Spot { at, row_step, along: self.along, rows: tile.rows, columns: tile.columns };
        for accumulator in &mut self.accumulators {
            // SAFETY: the elements are of the dtype that the accumulators were made for.
            unsafe { accumulator.take(&spot, elements) };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
