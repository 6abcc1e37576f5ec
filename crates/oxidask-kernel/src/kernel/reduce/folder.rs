//! Folds over tiles: along rows in lanes, and across rows side by side.

use crate::dtype::Element;
use crate::error::Result;
use crate::kernel::Chunk;
use crate::kernel::reduce::fold::Fold;

/// Where a tile's elements go: indices of accumulated values.
pub(super) struct Spot {
    /// Of the first element.
    pub(super) at: usize,
    /// From a row to the next; 0 if rows are reduced.
    pub(super) row_step: usize,
    /// Whether a row is reduced to one value, or has one for each element.
    pub(super) along: bool,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

/// Something that takes tiles and gives states.
pub(super) trait Accumulate {
    /// Takes a tile.
    ///
    /// # Safety
    /// `elements` must be valid for `rows * columns` elements of the accumulator's type.
    unsafe fn take(&mut self, spot: &Spot, elements: *const u8);

    /// What has accumulated, as chunks of `shape`.
    ///
    /// # Errors
    /// If there is not enough memory.
    fn state(self: Box<Self>, shape: &[usize]) -> Result<Vec<Chunk>>;
}

/// Calls a generic function compiled for what the processor can do: calls in the body must be
/// `#[inline(always)]`.
macro_rules! by_level {
    ($(#[$meta:meta])* fn $name:ident<$F:ident: $bound:path>($($arg:ident: $ty:ty),*) $(-> $ret:ty)? = $body:path) => {
        $(#[$meta])*
        pub(super) fn $name<$F: $bound>($($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2")]
                fn avx512<$F: $bound>($($arg: $ty),*) $(-> $ret)? {
                    $body($($arg),*)
                }
                #[target_feature(enable = "avx2,fma,bmi2")]
                fn avx2<$F: $bound>($($arg: $ty),*) $(-> $ret)? {
                    $body($($arg),*)
                }
                match $crate::kernel::processor::level() {
                    // SAFETY: the processor has been seen to have these features.
                    $crate::kernel::processor::Level::Avx512 => return unsafe { avx512::<$F>($($arg),*) },
                    // SAFETY: the processor has been seen to have these features.
                    $crate::kernel::processor::Level::Avx2 => return unsafe { avx2::<$F>($($arg),*) },
                    $crate::kernel::processor::Level::Base => {}
                }
            }
            $body($($arg),*)
        }
    };
}
pub(super) use by_level;

by_level! {
    /// A run of neighbours as one value.
    fn run<F: Fold>(xs: &[F::In]) -> F::Acc = run_body::<F>
}
by_level! {
    /// Joins each element to the value beside it.
    fn rows<F: Fold>(values: &mut [F::Acc], xs: &[F::In]) = rows_body::<F>
}
by_level! {
    /// Joins each value to the one beside it.
    fn join<F: Fold>(values: &mut [F::Acc], others: &[F::Acc]) = join_body::<F>
}

#[inline(always)]
fn run_body<F: Fold>(xs: &[F::In]) -> F::Acc {
    if size_of::<F::Acc>() > 8 { run_lanes::<F, 8>(xs) } else { run_lanes::<F, 32>(xs) }
}

#[inline(always)]
fn run_lanes<F: Fold, const LANES: usize>(xs: &[F::In]) -> F::Acc {
    let mut lanes = [F::identity(); LANES];
    let (groups, rest) = xs.as_chunks::<LANES>();
    for group in groups {
        for i in 0..LANES {
            lanes[i] = F::join(lanes[i], F::lift(group[i]));
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane = F::join(*lane, F::lift(x));
    }
    let mut width = LANES;
    while width > 1 {
        width /= 2;
        for i in 0..width {
            lanes[i] = F::join(lanes[i], lanes[i + width]);
        }
    }
    lanes[0]
}

#[inline(always)]
fn rows_body<F: Fold>(values: &mut [F::Acc], xs: &[F::In]) {
    for (value, &x) in values.iter_mut().zip(xs) {
        *value = F::join(*value, F::lift(x));
    }
}

#[inline(always)]
fn join_body<F: Fold>(values: &mut [F::Acc], others: &[F::Acc]) {
    for (value, &other) in values.iter_mut().zip(others) {
        *value = F::join(*value, other);
    }
}

/// Elements that are folded in lanes before their value joins the others.
const PIECE: usize = 1024;

/// Folds tiles to values.
pub(super) struct Folder<F: Fold> {
    values: Vec<F::Acc>,
    /// What sums lost by rounding; empty until something is summed along rows.
    lost: Vec<F::Acc>,
}

impl<F: Fold> Folder<F> {
    /// Of so many values.
    pub(super) fn new(n: usize) -> Self {
        Self { values: vec![F::identity(); n], lost: Vec::new() }
    }

    fn along(&mut self, at: usize, xs: &[F::In]) {
        for piece in xs.chunks(PIECE) {
            let value = run::<F>(piece);
            if F::COMPENSATED {
                let (sum, lost) = F::join_exactly(self.values[at], value);
                self.values[at] = sum;
                self.lost[at] = F::join(self.lost[at], lost);
            } else {
                self.values[at] = F::join(self.values[at], value);
            }
        }
    }
}

impl<F: Fold> Accumulate for Folder<F> {
    unsafe fn take(&mut self, spot: &Spot, elements: *const u8) {
        let n = spot.rows * spot.columns;
        // SAFETY: the caller's promise.
        let xs = unsafe { std::slice::from_raw_parts(elements.cast::<F::In>(), n) };
        if spot.along && F::COMPENSATED && self.lost.is_empty() {
            self.lost = vec![F::identity(); self.values.len()];
        }
        if spot.along && spot.row_step == 0 {
            return self.along(spot.at, xs);
        }
        for (row, xs) in xs.chunks_exact(spot.columns).enumerate() {
            let at = spot.at + row * spot.row_step;
            if spot.along {
                self.along(at, xs);
            } else {
                rows::<F>(&mut self.values[at..at + spot.columns], xs);
            }
        }
    }

    fn state(mut self: Box<Self>, shape: &[usize]) -> Result<Vec<Chunk>> {
        for (value, &lost) in self.values.iter_mut().zip(&self.lost) {
            *value = F::join(*value, lost);
        }
        Ok(vec![chunk_of(self.values, shape)?])
    }
}

/// A chunk of values.
pub(super) fn chunk_of<T: Element>(values: Vec<T>, shape: &[usize]) -> Result<Chunk> {
    Chunk::from_slice(&values, shape)
}

/// Joins states of one value each: those of blocks that had nothing to reduce are left out.
pub(super) fn merge<F: Fold>(states: &[Chunk]) -> Result<Chunk> {
    let Some(first) = states.iter().find(|state| !state.is_empty()).or(states.first()) else {
        return Err(crate::error::ArrayError::Value("nothing to reduce".into()));
    };
    let mut values = first.elements::<F::Acc>()?.into_owned();
    let mut is_first = true;
    for state in states.iter().filter(|state| !state.is_empty()) {
        if !std::mem::take(&mut is_first) {
            join::<F>(&mut values, &state.elements::<F::Acc>()?);
        }
    }
    let merged = chunk_of(values, first.shape())?;
    Ok(merged.reinterpreted(first.dtype()))
}
