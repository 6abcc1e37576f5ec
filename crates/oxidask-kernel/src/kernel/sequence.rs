//! Blocks of numbers that follow from their positions: ranges, evenly spaced numbers, diagonals.

use serde::{Deserialize, Serialize};

use crate::dispatch;
use crate::dtype::{Bool, DType};
use crate::error::Result;
use crate::kernel::Chunk;
use crate::kernel::cast::cast_chunk;

/// Numbers by their position.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Numbers {
    /// Integers, and what counts as such (datetimes); they wrap around.
    Int {
        /// The number at position 0.
        start: i64,
        /// The distance of neighbours.
        step: i64,
    },
    /// Floating point numbers, computed in double precision, or single for half and single ones.
    Float {
        /// The number at position 0.
        start: f64,
        /// The distance of neighbours.
        step: f64,
        /// The number at a last position: rounding must not miss it.
        last: Option<(u64, f64)>,
        /// Whether numbers are rounded down before they become integers.
        floors: bool,
    },
}

/// The numbers at positions from `first` on.
///
/// # Errors
/// [`ArrayError::NoKernel`](crate::error::ArrayError::NoKernel) for dtypes that can't hold them, or
/// if there is not enough memory.
pub fn numbers(numbers: Numbers, first: usize, len: usize, dtype: DType) -> Result<Chunk> {
    let positions = first..first + len;
    match numbers {
        Numbers::Int { start, step } => {
            let at = |i: usize| start.wrapping_add((i as i64).wrapping_mul(step));
            let chunk = Chunk::from_slice(&positions.map(at).collect::<Vec<i64>>(), &[len])?;
            if dtype.unit().is_some() {
                return Ok(chunk.reinterpreted(dtype));
            }
            cast_chunk(&chunk, dtype)
        }
        Numbers::Float { start, step, last, floors } => {
            if matches!(dtype, DType::F16 | DType::F32) && last.is_none() {
                let (start, step) = (start as f32, step as f32);
                let all: Vec<f32> = positions.map(|i| start + i as f32 * step).collect();
                return cast_chunk(&Chunk::from_slice(&all, &[len])?, dtype);
            }
            let mut all: Vec<f64> = positions.map(|i| i as f64 * step + start).collect();
            if let Some((position, number)) = last
                && let Some(at) = (position as usize).checked_sub(first)
                && let Some(element) = all.get_mut(at)
            {
                *element = number;
            }
            if floors {
                all.iter_mut().for_each(|x| *x = x.floor());
            }
            cast_chunk(&Chunk::from_slice(&all, &[len])?, dtype)
        }
    }
}

/// Which elements of a matrix are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Band {
    /// Those on a diagonal.
    On,
    /// Those on a diagonal and below.
    Below,
}

/// A block of a matrix of ones on, or below, the diagonal `k` places above the main one.
///
/// # Errors
/// If there is not enough memory.
pub fn band(
    band: Band,
    k: i64,
    rows: (usize, usize),
    columns: (usize, usize),
    dtype: DType,
) -> Result<Chunk> {
    let shape = [rows.1 - rows.0, columns.1 - columns.0];
    let one = cast_chunk(&Chunk::scalar(Bool(1))?, dtype)?;
    let mut chunk = Chunk::zeros(dtype, &shape)?;
    dispatch!(dtype, T => {
        let one = one.elements::<T>()?[0];
        if let Some(out) = chunk.as_mut_slice::<T>() && shape[1] > 0 {
            for (i, row) in out.chunks_exact_mut(shape[1]).enumerate() {
                let diagonal = (rows.0 + i) as i64 + k - columns.0 as i64;
                match band {
                    Band::On => {
                        if let Some(x) = usize::try_from(diagonal).ok().and_then(|j| row.get_mut(j)) {
                            *x = one;
                        }
                    }
                    Band::Below => {
                        let end = (diagonal + 1).clamp(0, shape[1] as i64) as usize;
                        row[..end].fill(one);
                    }
                }
            }
        }
    });
    Ok(chunk)
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::*;

    #[test]
    fn blocks_of_a_range_continue_it() {
        let range = Numbers::Int { start: 5, step: -2 };
        let chunk = numbers(range, 3, 3, DType::I32).unwrap();
        assert_eq!(chunk.as_slice::<i32>().unwrap(), [-1, -3, -5]);
    }

    #[test]
    fn the_last_number_is_exact() {
        let spaced = Numbers::Float { start: 0.0, step: 0.1, last: Some((3, 0.3)), floors: false };
        let chunk = numbers(spaced, 2, 2, DType::F64).unwrap();
        assert_eq!(chunk.as_slice::<f64>().unwrap(), [0.2, 0.3]);
    }

    #[test]
    fn diagonals_cross_blocks() {
        let block = band(Band::On, 1, (2, 4), (3, 6), DType::U8).unwrap();
        assert_eq!(block.as_slice::<u8>().unwrap(), [1, 0, 0, 0, 1, 0]);
        let below = band(Band::Below, 0, (2, 4), (1, 4), DType::U8).unwrap();
        assert_eq!(below.as_slice::<u8>().unwrap(), [1, 1, 0, 1, 1, 1]);
        assert_eq!(
            band(Band::Below, -9, (0, 1), (0, 2), DType::U8).unwrap().as_slice(),
            Some(&[0u8, 0][..])
        );
    }

    #[test]
    fn half_precision_is_computed_in_single() {
        let range = Numbers::Float { start: 0.0, step: 1.0, last: None, floors: false };
        let chunk = numbers(range, 1, 1, DType::F16).unwrap();
        assert_eq!(chunk.as_slice::<f16>().unwrap(), [f16::ONE]);
    }
}
