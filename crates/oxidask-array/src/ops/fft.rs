//! Fourier transforms of blocks.

use std::borrow::Cow;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::foreign::{Arg, Call};
use crate::kernel::fft::{Norm, Transform, transform};
use crate::ops::{Block, Kernel, chunk, value};

/// One transform along one axis, which the block has whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fft {
    /// Which transform.
    pub transform: Transform,
    /// Points, if not as many as the axis has.
    pub n: Option<usize>,
    /// The axis.
    pub axis: usize,
    /// Which direction is scaled.
    pub norm: Norm,
}

impl Kernel for Fft {
    fn name(&self) -> Cow<'_, str> {
        match self.transform {
            Transform::Fft => "fft",
            Transform::Ifft => "ifft",
            Transform::Rfft => "rfft",
            Transform::Irfft => "irfft",
            Transform::Hfft => "hfft",
            Transform::Ihfft => "ihfft",
        }
        .into()
    }

    fn run(&self, inputs: &mut [Value], _: &Block<'_>) -> Result<Value> {
        Ok(value(transform(&chunk(&inputs[0])?, self.transform, self.n, self.axis, self.norm)?))
    }

    fn call(&self, _: &Block<'_>) -> Result<Call> {
        let norm = match self.norm {
            Norm::Backward => "backward",
            Norm::Ortho => "ortho",
            Norm::Forward => "forward",
        };
        Ok(Call::new(format!("numpy.fft.{}", self.name()), [Arg::Input(0)])
            .with("n", self.n.map_or(Arg::None, |n| Arg::Int(n as i64)))
            .with("axis", Arg::Int(self.axis as i64))
            .with("norm", Arg::Text(norm.into())))
    }
}
