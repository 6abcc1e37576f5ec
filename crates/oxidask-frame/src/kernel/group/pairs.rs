//! How two columns vary together within groups: covariance and correlation, with states that merge (Pébay 2008).
//!
//! Rows in which either column misses a value are left out, as pandas does for each pair of columns.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Float64Array, Int64Array};
use serde::{Deserialize, Serialize};

use super::Groups;
use super::agg::Class;
use super::finish::numbers;
use super::fold::{fold_from, fold_rows};
use super::part::{check_arrays, check_length, floats, ints};
use crate::dtype::DType;
use crate::error::{FrameError, Result};
use crate::kernel::column;
use crate::kernel::values::{Value, Values, with_values};

/// An aggregate of two columns. Its answers are of `float64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PairAgg {
    /// The covariance.
    Cov {
        /// What is taken from the number of pairs to divide by.
        ddof: u32,
    },
    /// Pearson's correlation.
    Corr,
}

/// What is known of a set of pairs.
#[derive(Clone, Copy, Debug, Default)]
struct Pairs {
    n: i64,
    means: [f64; 2],
    /// Sums of squares of differences from the means, and of their products.
    squares: [f64; 2],
    products: f64,
}

/// The dtypes of the arrays that hold states: count, two means, two sums of squares, sum of products.
#[must_use]
pub fn pair_state_dtypes() -> Vec<DType> {
    std::iter::once(DType::I64).chain((0..5).map(|_| DType::F64)).collect()
}

/// The states of each group of rows of two columns.
///
/// # Errors
/// [`FrameError::Type`] if a column isn't of numbers, [`FrameError::Value`] if one isn't as long as the groups'
/// keys.
pub fn pair_partial(
    columns: [&ArrayRef; 2],
    dtypes: [&DType; 2],
    groups: &Groups,
) -> Result<Vec<ArrayRef>> {
    for (column, dtype) in columns.iter().zip(dtypes) {
        check_length(column, groups)?;
        if !Class::of(dtype).is_number() {
            return Err(FrameError::Type(format!(
                "dtype '{dtype}' does not support covariance and correlation"
            )));
        }
    }
    let [x, y] = [as_floats(columns[0], columns[1])?, as_floats(columns[1], columns[0])?];
    let init = vec![(0_i64, 0.0); groups.n_groups()];
    let mean = |values: &[f64]| {
        let sums = fold_from(groups, values, None, init.clone(), |state, value| {
            state.0 += 1;
            state.1 += value;
        });
        sums.into_iter().map(|(n, sum)| if n > 0 { (n, sum / n as f64) } else { (n, 0.0) })
    };
    let means = mean(&x).zip(mean(&y));
    let init: Vec<Pairs> =
        means.map(|((n, x), (_, y))| Pairs { n, means: [x, y], ..Pairs::default() }).collect();
    let mut states = init;
    for (row, (&x, &y)) in x.iter().zip(&y).enumerate() {
        if let Some(state) = states.get_mut(groups.id(row) as usize)
            && !x.is_nan()
        {
            let (dx, dy) = (x - state.means[0], y - state.means[1]);
            state.squares[0] += dx * dx;
            state.squares[1] += dy * dy;
            state.products += dx * dy;
        }
    }
    Ok(arrays(&states))
}

/// One state for each group of states.
///
/// # Errors
/// [`FrameError::Value`] if these are no states, or not as many as the groups' keys.
pub fn pair_merge(states: &[ArrayRef], groups: &Groups) -> Result<Vec<ArrayRef>> {
    let parts = read(states)?;
    check_length(&states[0], groups)?;
    let merged = fold_rows(groups, None, Pairs::default(), |state, row| state.join(&parts[row]));
    Ok(arrays(&merged))
}

/// The answer of each group, NaN where there are fewer than `min_periods` pairs.
///
/// # Errors
/// [`FrameError::Value`] if these are no states.
pub fn pair_finish(agg: PairAgg, states: &[ArrayRef], min_periods: u32) -> Result<ArrayRef> {
    let states = read(states)?;
    let answers = states.iter().map(|state| {
        let enough = state.n >= i64::from(min_periods);
        let answer = match agg {
            PairAgg::Cov { ddof } => {
                let n = state.n - i64::from(ddof);
                (n > 0).then(|| state.products / n as f64)
            }
            PairAgg::Corr => {
                let scale = state.squares[0].sqrt() * state.squares[1].sqrt();
                // A column that doesn't vary has no correlation; rounding takes none beyond 1.
                (scale > 0.0).then(|| (state.products / scale).clamp(-1.0, 1.0))
            }
        };
        answer.filter(|_| enough)
    });
    numbers(answers, &DType::F64)
}

impl Pairs {
    /// What is known of both sets together.
    fn join(&mut self, other: &Self) {
        if other.n == 0 {
            return;
        }
        let (a, b) = (self.n as f64, other.n as f64);
        let n = a + b;
        let delta = [0, 1].map(|at| other.means[at] - self.means[at]);
        for (at, delta) in delta.into_iter().enumerate() {
            self.squares[at] += other.squares[at] + delta * delta * a * b / n;
            self.means[at] += delta * b / n;
        }
        self.products += other.products + delta[0] * delta[1] * a * b / n;
        self.n += other.n;
    }
}

/// The values of a column, NaN where it or its partner misses one.
fn as_floats(column: &ArrayRef, partner: &ArrayRef) -> Result<Vec<f64>> {
    let mut values: Vec<f64> = with_values!(Values::of(column)?, values => {
        values.iter().map(|value| value.float()).collect()
    });
    for missing in [column::present(column), column::present(partner)].into_iter().flatten() {
        for (row, is_there) in missing.iter().enumerate() {
            if !is_there {
                values[row] = f64::NAN;
            }
        }
    }
    Ok(values)
}

fn arrays(states: &[Pairs]) -> Vec<ArrayRef> {
    let floats = |of: fn(&Pairs) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(states.iter().map(of)))
    };
    vec![
        Arc::new(Int64Array::from_iter_values(states.iter().map(|state| state.n))),
        floats(|state| state.means[0]),
        floats(|state| state.means[1]),
        floats(|state| state.squares[0]),
        floats(|state| state.squares[1]),
        floats(|state| state.products),
    ]
}

fn read(states: &[ArrayRef]) -> Result<Vec<Pairs>> {
    let name = || "covariance and correlation".into();
    let states = check_arrays(&pair_state_dtypes(), states, name, &DType::F64)?;
    let n = ints(&states[0]);
    let [x, y, xx, yy, xy] = [1, 2, 3, 4, 5].map(|at| floats(&states[at]));
    let read = |row: usize| Pairs {
        n: n[row],
        means: [x[row], y[row]],
        squares: [xx[row], yy[row]],
        products: xy[row],
    };
    Ok((0..states[0].len()).map(read).collect())
}
