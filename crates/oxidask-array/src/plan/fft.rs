//! Fourier transforms along an axis that lies in one block.

use std::sync::Arc;

use oxidask_core::layer::IndexMap;

use crate::error::{ArrayError, Result};
use crate::kernel::fft::{Norm, Transform};
use crate::ops::fft::Fft;
use crate::plan::array::Array;
use crate::plan::chunks::{AxisChunks, UNKNOWN};

impl Array {
    /// A transform of `n` points (as many as the axis has, if none are given) along `axis`.
    ///
    /// # Errors
    /// [`ArrayError::Value`] if the axis is cut to several blocks or no points are left,
    /// [`ArrayError::Type`] for dtypes without a transform.
    pub fn fft(&self, transform: Transform, n: Option<i64>, axis: i64, norm: Norm) -> Result<Self> {
        let axis = self.axis(axis)?;
        let blocks = &self.chunks()[axis];
        if blocks.len() != 1 || blocks[0] == UNKNOWN {
            return Err(ArrayError::Value(format!(
                "Can only apply an FFT along an axis of one block, but axis {axis} has chunks \
                 {}. Rechunk it first: x.rechunk({{{axis}: -1}})",
                crate::plan::chunks::Tuple(blocks)
            )));
        }
        let n = n.unwrap_or_else(|| transform.default_n(blocks[0]) as i64);
        let points = usize::try_from(n).ok().filter(|&n| n > 0).ok_or_else(|| {
            ArrayError::Value(format!("Invalid number of FFT data points ({n}) specified."))
        })?;
        let dtype = self.dtype().map(|dtype| transform.dtype(dtype)).transpose()?;
        let extents: AxisChunks = Arc::from([transform.extent(points)]);
        let chunks = self.chunks().clone().with_axis(axis, extents);
        let inputs = vec![(self.clone(), IndexMap::Identity)];
        Self::layer("fft", Fft { transform, n: Some(points), axis, norm }, inputs, chunks, dtype)
    }
}
