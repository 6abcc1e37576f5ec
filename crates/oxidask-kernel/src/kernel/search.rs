//! Places in sorted arrays, counts by bin, membership.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::dispatch_sortable;
use crate::dtype::{Bool, DType};
use crate::error::{ArrayError, Result};
use crate::kernel::Chunk;
use crate::kernel::sort::order::Sortable;

/// On which side of equal elements a new one goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Side {
    /// Before them.
    Left,
    /// After them.
    Right,
}

/// Where each element of `values` would go in the sorted 1-d `sorted`, as `int64`.
///
/// # Errors
/// [`ArrayError::NoKernel`] if dtypes differ.
pub fn searchsorted(sorted: &Chunk, values: &Chunk, side: Side) -> Result<Chunk> {
    if sorted.dtype() != values.dtype() {
        return Err(ArrayError::no_kernel("a search in another dtype", values.dtype()));
    }
    dispatch_sortable!(sorted.dtype(), T => {
        let keys: Vec<_> = sorted.elements::<T>()?.iter().map(|x| x.key()).collect();
        let place = |x: &T| {
            let key = x.key();
            (match side {
                Side::Left => keys.partition_point(|other| *other < key),
                Side::Right => keys.partition_point(|other| *other <= key),
            }) as i64
        };
        let places: Vec<i64> = values.elements::<T>()?.iter().map(place).collect();
        Chunk::from_slice(&places, values.shape())
    })
}

/// In which bin of the monotonic `bins` each element lies, as `int64`: `bins[i - 1] <= x < bins[i]`,
/// or with the ends the other way round if `right`. Bins may fall.
///
/// # Errors
/// [`ArrayError::Value`] if the bins are not monotonic, [`ArrayError::NoKernel`] if dtypes differ.
pub fn digitize(values: &Chunk, bins: &Chunk, right: bool) -> Result<Chunk> {
    let side = if right { Side::Left } else { Side::Right };
    let n = bins.len();
    let direction = dispatch_sortable!(bins.dtype(), T => {
        let keys: Vec<_> = bins.elements::<T>()?.iter().map(|x| x.key()).collect();
        if keys.is_sorted() {
            Some(Ordering::Less)
        } else {
            keys.is_sorted_by(|a, b| a >= b).then_some(Ordering::Greater)
        }
    });
    match direction {
        Some(Ordering::Less) => searchsorted(bins, values, side),
        Some(_) => {
            let rising = bins.sliced(0, n - 1, -1, n);
            let mut places = searchsorted(&rising, values, side)?;
            if let Some(slice) = places.as_mut_slice::<i64>() {
                slice.iter_mut().for_each(|place| *place = n as i64 - *place);
            }
            Ok(places)
        }
        None => {
            Err(ArrayError::Value("bins must be monotonically increasing or decreasing".into()))
        }
    }
}

/// How often each number from 0 on occurs in a 1-d chunk of non-negative integers, or the sums of
/// their `f64` weights; at least `minlength` bins.
///
/// # Errors
/// [`ArrayError::Value`] for negative numbers, [`ArrayError::NoKernel`] for other dtypes.
pub fn bincount(values: &Chunk, weights: Option<&Chunk>, minlength: usize) -> Result<Chunk> {
    let indices = integers(values)?;
    if let Some(least) = indices.iter().min().filter(|&&x| x < 0) {
        return Err(ArrayError::Value(format!(
            "'list' argument must have no negative elements, but has {least}"
        )));
    }
    let most = indices.iter().max().map_or(0, |&most| most as usize + 1);
    let n = most.max(minlength);
    match weights {
        None => {
            let mut counts = vec![0i64; n];
            indices.iter().for_each(|&i| counts[i as usize] += 1);
            Chunk::from_slice(&counts, &[n])
        }
        Some(weights) => {
            if weights.shape() != values.shape() {
                return Err(ArrayError::Value(
                    "The weights and list don't have the same length.".into(),
                ));
            }
            if weights.dtype() != DType::F64 {
                return Err(ArrayError::no_kernel("weights", weights.dtype()));
            }
            let mut sums = vec![0f64; n];
            for (&i, &weight) in indices.iter().zip(weights.elements::<f64>()?.iter()) {
                sums[i as usize] += weight;
            }
            Chunk::from_slice(&sums, &[n])
        }
    }
}

fn integers(values: &Chunk) -> Result<Vec<i64>> {
    crate::dispatch!(values.dtype(), T in [i8, i16, i32, u8, u16, u32] => {
        Ok(values.elements::<T>()?.iter().map(|&x| i64::from(x)).collect())
    }, else match values.dtype() {
        DType::I64 => Ok(values.elements::<i64>()?.into_owned()),
        DType::Bool => Ok(values.elements::<Bool>()?.iter().map(|x| i64::from(x.0)).collect()),
        other => Err(ArrayError::no_kernel("counts", other)),
    })
}

/// The real numbers of a chunk as `f64`, if nothing is lost that bins would see.
fn reals(values: &Chunk) -> Result<std::borrow::Cow<'_, [f64]>> {
    match values.dtype() {
        DType::F64 => values.elements::<f64>(),
        DType::F32 => {
            Ok(values.elements::<f32>()?.iter().map(|&x| f64::from(x)).collect::<Vec<_>>().into())
        }
        _ => Ok(integers(values)?.into_iter().map(|x| x as f64).collect::<Vec<_>>().into()),
    }
}

/// Counts of a histogram, or sums of `f64` weights, by `f64` edges: the last bin holds its right
/// edge, what lies outside and NaN count nowhere. Equally wide bins are found by arithmetic.
///
/// # Errors
/// [`ArrayError::NoKernel`] for dtypes that `f64` can't hold, [`ArrayError::Value`] if weights have
/// another shape.
pub fn histogram(values: &Chunk, edges: &[f64], weights: Option<&Chunk>) -> Result<Chunk> {
    let n = edges.len().saturating_sub(1);
    let x = reals(values)?;
    let finder = Bins::new(edges);
    let Some(weights) = weights else {
        // Neighbours often fall into one bin: counting in turns keeps them from waiting on it.
        let mut counts = vec![[0i64; 2]; n + 1];
        for (i, &x) in x.iter().enumerate() {
            counts[finder.find(x)][i % 2] += 1;
        }
        let counts: Vec<i64> = counts[..n].iter().map(|both| both[0] + both[1]).collect();
        return Chunk::from_slice(&counts, &[n]);
    };
    if weights.shape() != values.shape() {
        return Err(ArrayError::Value("weights should have the same shape as a.".into()));
    }
    if weights.dtype() != DType::F64 {
        return Err(ArrayError::no_kernel("weights", weights.dtype()));
    }
    let mut sums = vec![0f64; n + 1];
    for (&x, &weight) in x.iter().zip(weights.elements::<f64>()?.iter()) {
        sums[finder.find(x)] += weight;
    }
    Chunk::from_slice(&sums[..n], &[n])
}

struct Bins<'a> {
    edges: &'a [f64],
    /// Bins by unit, if all are about equally wide: where to look first.
    per_unit: Option<f64>,
}

impl<'a> Bins<'a> {
    fn new(edges: &'a [f64]) -> Self {
        let n = edges.len().saturating_sub(1);
        let per_unit = (n > 0).then(|| n as f64 / (edges[n] - edges[0])).filter(|per_unit| {
            let width = 1.0 / per_unit;
            per_unit.is_finite()
                && edges.windows(2).all(|pair| (pair[1] - pair[0] - width).abs() < 1e-3 * width)
        });
        Self { edges, per_unit }
    }

    /// The bin of a number, or one past the last for those that have none.
    fn find(&self, x: f64) -> usize {
        let n = self.edges.len().saturating_sub(1);
        if n == 0 || !(x >= self.edges[0] && x <= self.edges[n]) {
            return n;
        }
        match self.per_unit {
            Some(per_unit) => {
                // Rounding may miss by one: the edges have the last word.
                let guess = (((x - self.edges[0]) * per_unit) as usize).min(n - 1);
                if x < self.edges[guess] {
                    guess - 1
                } else {
                    guess + usize::from(x >= self.edges[guess + 1] && guess + 1 < n)
                }
            }
            None => self.edges.partition_point(|&edge| edge <= x).min(n) - 1,
        }
    }
}

/// Whether each element is among the sorted 1-d `sorted`. NaN is nowhere.
///
/// # Errors
/// As [`searchsorted`].
pub fn isin(values: &Chunk, sorted: &Chunk, invert: bool) -> Result<Chunk> {
    if sorted.dtype() != values.dtype() {
        return Err(ArrayError::no_kernel("a search in another dtype", values.dtype()));
    }
    dispatch_sortable!(sorted.dtype(), T => {
        let keys: Vec<_> = sorted.elements::<T>()?.iter().map(|x| x.key()).collect();
        let has = |x: &T| !x.is_nan() && keys.binary_search(&x.key()).is_ok();
        let found: Vec<Bool> =
            values.elements::<T>()?.iter().map(|x| Bool(u8::from(has(x) != invert))).collect();
        Chunk::from_slice(&found, values.shape())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ints(chunk: Result<Chunk>) -> Vec<i64> {
        chunk.unwrap().elements::<i64>().unwrap().to_vec()
    }

    #[test]
    fn places_by_side_and_nan_at_the_end() {
        let sorted = Chunk::from_slice(&[1.0, 2.0, 2.0, 3.0], &[4]).unwrap();
        let x = Chunk::from_slice(&[0.0, 2.0, 9.0, f64::NAN], &[4]).unwrap();
        assert_eq!(ints(searchsorted(&sorted, &x, Side::Left)), [0, 1, 4, 4]);
        assert_eq!(ints(searchsorted(&sorted, &x, Side::Right)), [0, 3, 4, 4]);
    }

    #[test]
    fn bins_may_fall() {
        let x = Chunk::from_slice(&[0.5, 1.0, 2.5], &[3]).unwrap();
        let falling = Chunk::from_slice(&[2.0, 1.0, 0.0], &[3]).unwrap();
        assert_eq!(ints(digitize(&x, &falling, false)), [2, 1, 0]);
        assert_eq!(ints(digitize(&x, &falling, true)), [2, 2, 0]);
        let mixed = Chunk::from_slice(&[2.0, 3.0, 0.0], &[3]).unwrap();
        assert!(matches!(digitize(&x, &mixed, false), Err(ArrayError::Value(_))));
    }

    #[test]
    fn counts_and_weights() {
        let x = Chunk::from_slice(&[1u8, 3, 1], &[3]).unwrap();
        assert_eq!(ints(bincount(&x, None, 6)), [0, 2, 0, 1, 0, 0]);
        let weights = Chunk::from_slice(&[0.5, 1.0, 0.25], &[3]).unwrap();
        let sums = bincount(&x, Some(&weights), 0).unwrap();
        assert_eq!(&*sums.elements::<f64>().unwrap(), [0.0, 0.75, 0.0, 1.0]);
        let negative = Chunk::from_slice(&[-1i64], &[1]).unwrap();
        assert!(matches!(bincount(&negative, None, 0), Err(ArrayError::Value(_))));
    }

    #[test]
    fn the_last_bin_holds_its_edge_and_outsiders_count_nowhere() {
        let x = [-1.0, 0.0, 1.0, 1.5, 2.0, 3.0, 3.1, f64::NAN];
        let x = Chunk::from_slice(&x, &[8]).unwrap();
        assert_eq!(ints(histogram(&x, &[0.0, 1.0, 2.0, 3.0], None)), [1, 2, 2]);
        assert_eq!(ints(histogram(&x, &[0.0, 1.0, 3.0], None)), [1, 4]);
        let odd: Vec<f64> = (0..=10).map(|i| f64::from(i) * 0.1).collect();
        let x = Chunk::from_slice(&odd, &[11]).unwrap();
        assert_eq!(ints(histogram(&x, &odd, None)), [1, 1, 1, 1, 1, 1, 1, 1, 1, 2]);
    }

    #[test]
    fn membership() {
        let x = Chunk::from_slice(&[1.0, f64::NAN, 3.0], &[3]).unwrap();
        let sorted = Chunk::from_slice(&[1.0, 2.0, f64::NAN], &[3]).unwrap();
        let found = isin(&x, &sorted, false).unwrap();
        assert_eq!(&*found.elements::<Bool>().unwrap(), [Bool(1), Bool(0), Bool(0)]);
    }
}
