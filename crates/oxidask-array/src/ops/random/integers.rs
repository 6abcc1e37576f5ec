//! Blocks of random integers.

use std::borrow::Cow;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use super::{block_shape, for_each_run};
use crate::dispatch;
use crate::dtype::{Bool, DType};
use crate::error::{ArrayError, Result};
use crate::foreign::Call;
use crate::kernel::Chunk;
use crate::kernel::random::{IntegerRange, Key, fill_integers};
use crate::ops::source::Bounds;
use crate::ops::{Block, Kernel, chunk, value};

/// A bound of integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IntegerBound {
    /// The same for every element.
    Scalar(i128),
    /// That input of the task: a block that broadcasts to the result's.
    Input(usize),
}

/// Blocks of integers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RandomIntegers {
    /// The lowest.
    pub low: IntegerBound,
    /// The one after the highest, or the highest if `endpoint`.
    pub high: IntegerBound,
    /// Whether `high` is one of them.
    pub endpoint: bool,
    /// The array's seed.
    pub key: Key,
    /// Their dtype.
    pub dtype: DType,
    /// Axis by axis where the blocks start.
    pub bounds: Vec<Bounds>,
}

/// A bound for each element of a block, or one for all.
fn bound(bound: IntegerBound, inputs: &[Value], shape: &[usize]) -> Result<Vec<i128>> {
    let input = match bound {
        IntegerBound::Scalar(bound) => return Ok(vec![bound]),
        IntegerBound::Input(i) => chunk(&inputs[i])?.broadcast_to(shape)?,
    };
    let dtype = input.dtype();
    dispatch!(dtype, T in [i8, i16, i32, i64, u8, u16, u32, u64] => {
        Ok(input.elements::<T>()?.iter().map(|&x| x.into()).collect())
    }, else match dtype {
        DType::F64 => Ok(input.elements::<f64>()?.iter().map(|&x| x as i128).collect()),
        _ => Err(ArrayError::Type(format!("bounds of integers have dtype {dtype}"))),
    })
}

impl Kernel for RandomIntegers {
    fn name(&self) -> Cow<'_, str> {
        "integers".into()
    }

    fn run(&self, inputs: &mut [Value], block: &Block<'_>) -> Result<Value> {
        let shape = block_shape(&self.bounds, block.coords);
        let low = bound(self.low, inputs, &shape)?;
        let high = bound(self.high, inputs, &shape)?;
        let range = |i: usize| {
            let at = |bounds: &[i128]| bounds[if bounds.len() == 1 { 0 } else { i }];
            IntegerRange::new(at(&low), at(&high), self.endpoint, self.dtype)
        };
        let n = shape.iter().product::<usize>();
        let n_ranges = if low.len() == 1 && high.len() == 1 { n.min(1) } else { n };
        let ranges = (0..n_ranges).map(range).collect::<Result<Vec<_>>>()?;
        let mut result = Chunk::new(self.dtype, &shape)?;
        dispatch!(self.dtype, T in [Bool, i8, i16, i32, i64, u8, u16, u32, u64] => {
            let out = result.as_mut_slice::<T>().unwrap_or_default();
            for_each_run(&self.bounds, block.coords, |run| {
                let out = &mut out[run.at..run.at + run.len];
                match ranges.as_slice() {
                    [range] => fill_integers(|_| *range, &self.key, run.element, out),
                    all => fill_integers(|i| all[run.at + i], &self.key, run.element, out),
                }
            });
            Ok(value(result))
        }, else Err(ArrayError::Type(format!("Unsupported dtype {} for integers", self.dtype))))
    }

    fn call(&self, _: &Block<'_>) -> Result<Call> {
        Err(ArrayError::Type("the bounds of integers must be arrays of integers".into()))
    }
}
