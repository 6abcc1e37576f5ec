//! Running sums, products, maxima and minima along an axis, started by a carry.

use half::f16;
use num_complex::Complex;
use serde::{Deserialize, Serialize};

use crate::dispatch;
use crate::dtype::{Bool, DType, Element};
use crate::error::{ArrayError, Result};
use crate::kernel::{Chunk, copy, lanes};

/// What runs along the axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scan {
    /// Sums.
    Sum,
    /// Products.
    Product,
    /// Sums where NaN counts as 0.
    NanSum,
    /// Products where NaN counts as 1.
    NanProduct,
    /// Maxima; NaN stays.
    Max,
    /// Minima; NaN stays.
    Min,
}

/// Elements that scan.
pub trait Scannable: Element {
    /// Joins a running value with the next element.
    fn join(scan: Scan, so_far: Self, next: Self) -> Self;

    /// What starts a scan without changing it; the extreme values for maxima and minima.
    fn start(scan: Scan) -> Self;
}

macro_rules! integers {
    ($($ty:ty),*) => {$(
        impl Scannable for $ty {
            fn join(scan: Scan, so_far: Self, next: Self) -> Self {
                match scan {
                    Scan::Sum | Scan::NanSum => so_far.wrapping_add(next),
                    Scan::Product | Scan::NanProduct => so_far.wrapping_mul(next),
                    Scan::Max => so_far.max(next),
                    Scan::Min => so_far.min(next),
                }
            }

            fn start(scan: Scan) -> Self {
                match scan {
                    Scan::Sum | Scan::NanSum => 0,
                    Scan::Product | Scan::NanProduct => 1,
                    Scan::Max => <$ty>::MIN,
                    Scan::Min => <$ty>::MAX,
                }
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, u8, u16, u32, u64);

macro_rules! floats {
    ($($ty:ty: $zero:expr, $one:expr, $infinity:expr);*) => {$(
        impl Scannable for $ty {
            fn join(scan: Scan, so_far: Self, next: Self) -> Self {
                match scan {
                    Scan::Sum => so_far + next,
                    Scan::Product => so_far * next,
                    Scan::NanSum => if next.is_nan() { so_far } else { so_far + next },
                    Scan::NanProduct => if next.is_nan() { so_far } else { so_far * next },
                    // Written so that a NaN on either side comes out.
                    Scan::Max => if so_far.is_nan() || so_far >= next { so_far } else { next },
                    Scan::Min => if so_far.is_nan() || so_far <= next { so_far } else { next },
                }
            }

            fn start(scan: Scan) -> Self {
                match scan {
                    Scan::Sum | Scan::NanSum => $zero,
                    Scan::Product | Scan::NanProduct => $one,
                    Scan::Max => -$infinity,
                    Scan::Min => $infinity,
                }
            }
        }
    )*};
}

floats!(f16: f16::ZERO, f16::ONE, f16::INFINITY; f32: 0.0, 1.0, f32::INFINITY; f64: 0.0, 1.0, f64::INFINITY);

macro_rules! complex {
    ($($ty:ty),*) => {$(
        impl Scannable for Complex<$ty> {
            fn join(scan: Scan, so_far: Self, next: Self) -> Self {
                match scan {
                    Scan::Sum => so_far + next,
                    Scan::Product => so_far * next,
                    Scan::NanSum if next.is_nan() => so_far,
                    Scan::NanSum => so_far + next,
                    Scan::NanProduct if next.is_nan() => so_far,
                    Scan::NanProduct => so_far * next,
                    Scan::Max | Scan::Min => {
                        use crate::kernel::sort::order::Sortable;
                        if so_far.is_nan() || next.is_nan() {
                            return if so_far.is_nan() { so_far } else { next };
                        }
                        let larger = so_far.key() >= next.key();
                        if larger == (scan == Scan::Max) { so_far } else { next }
                    }
                }
            }

            fn start(scan: Scan) -> Self {
                match scan {
                    Scan::Sum | Scan::NanSum => Self::ZERO,
                    Scan::Product | Scan::NanProduct => Self::ONE,
                    Scan::Max => Self::new(<$ty>::NEG_INFINITY, <$ty>::NEG_INFINITY),
                    Scan::Min => Self::new(<$ty>::INFINITY, <$ty>::INFINITY),
                }
            }
        }
    )*};
}

complex!(f32, f64);

impl Scannable for Bool {
    fn join(scan: Scan, so_far: Self, next: Self) -> Self {
        match scan {
            Scan::Sum | Scan::NanSum | Scan::Max => Self(so_far.0 | next.0),
            Scan::Product | Scan::NanProduct | Scan::Min => Self(so_far.0 & next.0),
        }
    }

    fn start(scan: Scan) -> Self {
        Self(u8::from(matches!(scan, Scan::Product | Scan::NanProduct | Scan::Min)))
    }
}

/// The scan along `axis`, in the chunk's own dtype. `carry` is what comes before: a chunk of the
/// same shape but for the axis, whose extent is 1.
///
/// # Errors
/// [`ArrayError::NoKernel`] for times, [`ArrayError::Value`] if the carry doesn't fit, or if there
/// is not enough memory.
pub fn scan(chunk: &Chunk, scan: Scan, axis: usize, carry: Option<&Chunk>) -> Result<Chunk> {
    if axis >= chunk.ndim() {
        return Err(ArrayError::Axis { axis: axis as i64, ndim: chunk.ndim() });
    }
    if matches!(chunk.dtype(), DType::Datetime(_) | DType::Timedelta(_)) {
        return Err(ArrayError::no_kernel("a scan", chunk.dtype()));
    }
    // Constants in the loops: the compiler makes one loop of each kind.
    match scan {
        Scan::Sum => dispatch!(chunk.dtype(), T => run::<T, 0>(chunk, axis, carry)),
        Scan::Product => dispatch!(chunk.dtype(), T => run::<T, 1>(chunk, axis, carry)),
        Scan::NanSum => dispatch!(chunk.dtype(), T => run::<T, 2>(chunk, axis, carry)),
        Scan::NanProduct => dispatch!(chunk.dtype(), T => run::<T, 3>(chunk, axis, carry)),
        Scan::Max => dispatch!(chunk.dtype(), T => run::<T, 4>(chunk, axis, carry)),
        Scan::Min => dispatch!(chunk.dtype(), T => run::<T, 5>(chunk, axis, carry)),
    }
}

/// What scans of this dtype start from, in this shape.
///
/// # Errors
/// [`ArrayError::NoKernel`] for times, or if there is not enough memory.
pub fn start(dtype: DType, shape: &[usize], scan: Scan) -> Result<Chunk> {
    if matches!(dtype, DType::Datetime(_) | DType::Timedelta(_)) {
        return Err(ArrayError::no_kernel("a scan", dtype));
    }
    dispatch!(dtype, T => Chunk::scalar(T::start(scan))?.broadcast_to(shape))
}

const SCANS: [Scan; 6] =
    [Scan::Sum, Scan::Product, Scan::NanSum, Scan::NanProduct, Scan::Max, Scan::Min];

fn run<T: Scannable, const SCAN: usize>(
    chunk: &Chunk,
    axis: usize,
    carry: Option<&Chunk>,
) -> Result<Chunk> {
    let scan = const { SCANS[SCAN] };
    let carry = match carry {
        Some(carry) => {
            let mut shape = crate::kernel::Dims::from(chunk.shape());
            shape[axis] = 1;
            if carry.shape() != &shape[..] || carry.dtype() != chunk.dtype() {
                return Err(ArrayError::Value(format!("{carry:?} carried into {chunk:?}")));
            }
            Some(
                carry.permuted(&lanes::axis_last(chunk.ndim(), axis)).elements::<T>()?.into_owned(),
            )
        }
        None => None,
    };
    let last = axis + 1 == chunk.ndim() || chunk.shape()[axis + 1..].iter().all(|&n| n == 1);
    if last {
        return along_lanes::<T, SCAN>(chunk, axis, carry.as_deref());
    }
    // Whole rows are joined at once: the axis steps, everything behind it is dense.
    let mut out = copy::contiguous_copy(chunk)?;
    let row: usize = chunk.shape()[axis + 1..].iter().product();
    let n = chunk.shape()[axis];
    let Some(slice) = out.as_mut_slice::<T>().filter(|slice| !slice.is_empty()) else {
        return Ok(out);
    };
    for (outer, block) in slice.chunks_exact_mut(row * n).enumerate() {
        let start = carry.as_ref().map(|carry| &carry[outer * row..(outer + 1) * row]);
        let (first, mut rest) = block.split_at_mut(row);
        for (i, x) in first.iter_mut().enumerate() {
            let before = start.map_or_else(|| T::start(scan), |start| start[i]);
            *x = T::join(scan, before, *x);
        }
        let mut above: &mut [T] = first;
        while !rest.is_empty() {
            let (below, after) = rest.split_at_mut(row);
            for (x, y) in below.iter_mut().zip(above.iter()) {
                *x = T::join(scan, *y, *x);
            }
            (above, rest) = (below, after);
        }
    }
    Ok(out)
}

fn along_lanes<T: Scannable, const SCAN: usize>(
    chunk: &Chunk,
    axis: usize,
    carry: Option<&[T]>,
) -> Result<Chunk> {
    let scan = const { SCANS[SCAN] };
    let mut lane_at = 0;
    lanes::map::<T, T>(chunk, axis, chunk.shape()[axis], chunk.dtype(), |from, to| {
        let mut so_far = carry.map_or_else(|| T::start(scan), |carry| carry[lane_at]);
        lane_at += 1;
        for (x, y) in from.iter().zip(to) {
            so_far = T::join(scan, so_far, *x);
            *y = so_far;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_run_along_every_axis_with_a_carry() {
        let chunk = Chunk::from_slice(&[1, 2, 3, 4, 5, 6], &[2, 3]).unwrap();
        let down = scan(&chunk, Scan::Sum, 0, None).unwrap();
        assert_eq!(&*down.elements::<i32>().unwrap(), [1, 2, 3, 5, 7, 9]);
        let carry = Chunk::from_slice(&[10, 20, 30], &[1, 3]).unwrap();
        let down = scan(&chunk, Scan::Sum, 0, Some(&carry)).unwrap();
        assert_eq!(&*down.elements::<i32>().unwrap(), [11, 22, 33, 15, 27, 39]);
        let carry = Chunk::from_slice(&[10, 20], &[2, 1]).unwrap();
        let along = scan(&chunk, Scan::Sum, 1, Some(&carry)).unwrap();
        assert_eq!(&*along.elements::<i32>().unwrap(), [11, 13, 16, 24, 29, 35]);
        assert!(scan(&chunk, Scan::Sum, 2, None).is_err());
    }

    #[test]
    fn nan_is_skipped_or_stays() {
        let chunk = Chunk::from_slice(&[2.0, f64::NAN, 3.0], &[3]).unwrap();
        let run = |kind| scan(&chunk, kind, 0, None).unwrap().elements::<f64>().unwrap().to_vec();
        assert_eq!(run(Scan::NanProduct), [2.0, 2.0, 6.0]);
        assert_eq!(run(Scan::NanSum), [2.0, 2.0, 5.0]);
        let max = run(Scan::Max);
        assert!(max[0] == 2.0 && max[1].is_nan() && max[2].is_nan());
    }

    #[test]
    fn empty_chunks_scan() {
        let chunk = Chunk::from_slice::<f64>(&[], &[0, 3]).unwrap();
        assert_eq!(scan(&chunk, Scan::Sum, 0, None).unwrap().shape(), [0, 3]);
        assert_eq!(scan(&chunk, Scan::Sum, 1, None).unwrap().shape(), [0, 3]);
    }
}
