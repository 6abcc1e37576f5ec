//! From merged states to results.

use num_complex::Complex64;
use serde::{Deserialize, Serialize};

use crate::dtype::{DType, Kind};
use crate::error::{ArrayError, Result};
use crate::kernel::cast::cast_chunk;
use crate::kernel::reduce::fold::Time;
use crate::kernel::reduce::{Reducer, Reduction, State, arg};
use crate::kernel::{Chunk, Dims};

/// How a merged state becomes a result.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Finish {
    /// What was reduced.
    pub reduction: Reduction,
    /// The result's dtype.
    pub dtype: DType,
    /// Taken off the number of elements that a variance is divided by.
    pub ddof: f64,
    /// Whether the square root is taken of a variance.
    pub root: bool,
    /// What else is reduced with the elements, as an array of one element.
    pub initial: Option<Chunk>,
    /// Which axes are reduced.
    pub reduced: Vec<bool>,
    /// Whether they stay, with extent 1.
    pub keepdims: bool,
}

impl Finish {
    /// The result.
    ///
    /// # Errors
    /// If there was nothing to take an extreme of, or there is not enough memory.
    pub fn finish(&self, state: State) -> Result<Chunk> {
        use Reducer as R;
        let mut state = state;
        if let Some(initial) = &self.initial {
            let initial = cast_chunk(initial, state[0].dtype())?;
            let shape = self.shape(&state[0], true);
            let initial = initial.reshaped(&[])?.broadcast_to(&shape)?;
            state = self.reduction.merge(&[vec![initial], state])?;
        }
        if self.lacks_elements(&state[0])
            && let Some(error) = self.reduction.error_of_nothing()
        {
            return Err(error);
        }
        let result = match self.reduction.reducer {
            R::Sum | R::Prod | R::Any | R::All => state.swap_remove(0),
            R::Min | R::Max => state.swap_remove(0),
            R::ArgMin | R::ArgMax => arg::finish(&state, self.reduction.best())?,
            R::Mean => mean(&state)?,
            R::Var => self.variance(&state)?,
        };
        cast_chunk(&result.reshaped(&self.shape(&result, self.keepdims))?, self.dtype)
    }

    /// Whether some element of the result comes of nothing; a result without elements doesn't.
    fn lacks_elements(&self, state: &Chunk) -> bool {
        let empty = |of: bool| {
            state.shape().iter().zip(&self.reduced).any(|(&n, &reduced)| reduced == of && n == 0)
        };
        empty(true) && !empty(false)
    }

    /// The result's shape.
    fn shape(&self, state: &Chunk, keepdims: bool) -> Dims {
        let axes = state.shape().iter().zip(&self.reduced);
        let kept = axes.filter(|(_, reduced)| keepdims || !**reduced);
        kept.map(|(&n, &reduced)| if reduced { 1 } else { n }).collect()
    }

    fn variance(&self, state: &[Chunk]) -> Result<Chunk> {
        let counts = state[0].elements::<f64>()?;
        let squares = state[2].elements::<f64>()?;
        let value = |(&n, &square): (&f64, &f64)| {
            let divisor = n - self.ddof;
            let variance = if divisor > 0.0 || divisor.is_nan() {
                square / divisor
            } else if self.reduction.skip_nan || n == 0.0 || square == 0.0 || square.is_nan() {
                f64::NAN
            } else {
                f64::INFINITY
            };
            if self.root { variance.sqrt() } else { variance }
        };
        let values: Vec<f64> = counts.iter().zip(squares.iter()).map(value).collect();
        Chunk::from_slice(&values, state[0].shape())
    }
}

impl Reduction {
    /// NumPy's error where there is nothing to reduce; None for what has an identity.
    #[must_use]
    pub fn error_of_nothing(self) -> Option<ArrayError> {
        let name = match (self.reducer, self.skip_nan) {
            (Reducer::ArgMin, _) => {
                return Some(ArrayError::Value(
                    "attempt to get argmin of an empty sequence".into(),
                ));
            }
            (Reducer::ArgMax, _) => {
                return Some(ArrayError::Value(
                    "attempt to get argmax of an empty sequence".into(),
                ));
            }
            (Reducer::Min, true) => "fmin",
            (Reducer::Min, false) => "minimum",
            (Reducer::Max, true) => "fmax",
            (Reducer::Max, false) => "maximum",
            _ => return None,
        };
        Some(ArrayError::Value(format!(
            "zero-size array to reduction operation {name} which has no identity"
        )))
    }
}

fn mean(state: &[Chunk]) -> Result<Chunk> {
    let (sums, shape) = (&state[0], state[0].shape());
    let counts = state[1].elements::<f64>()?;
    let dtype = sums.dtype();
    match dtype.kind() {
        Kind::Complex => {
            let sums = sums.elements::<Complex64>()?;
            let means: Vec<_> =
                sums.iter().zip(counts.iter()).map(|(&s, &n)| complex_mean(s, n)).collect();
            Chunk::from_slice(&means, shape)
        }
        Kind::Timedelta => {
            let sums = sums.elements::<Time>()?;
            let means: Vec<i64> =
                sums.iter().zip(counts.iter()).map(|(&sum, &n)| time_mean(sum, n)).collect();
            Ok(Chunk::from_slice(&means, shape)?.reinterpreted(dtype))
        }
        _ => {
            let sums = sums.elements::<f64>()?;
            let means: Vec<f64> = sums.iter().zip(counts.iter()).map(|(s, n)| s / n).collect();
            Chunk::from_slice(&means, shape)
        }
    }
}

/// NumPy divides by a complex number without an imaginary part, which shows in infinities: the
/// other part becomes NaN.
fn complex_mean(sum: Complex64, n: f64) -> Complex64 {
    if n == 0.0 {
        return sum / n;
    }
    let scale = 1.0 / n;
    Complex64::new((sum.re + sum.im * 0.0) * scale, (sum.im - sum.re * 0.0) * scale)
}

/// NaT for the mean of nothing and of NaT; else as NumPy divides, towards zero.
fn time_mean(sum: Time, n: f64) -> i64 {
    if sum == Time::NAT || n == 0.0 { Time::NAT.0 } else { sum.0 / n as i64 }
}
