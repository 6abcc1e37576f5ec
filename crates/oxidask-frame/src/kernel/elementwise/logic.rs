//! `&`, `|` and `^` of truth values, with Kleene's logic where one may be unknown; `+` and `*` of them too.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, BooleanArray};
use arrow_buffer::{BooleanBuffer, NullBuffer};

use super::{Binary, Operand};
use crate::dtype::DType;
use crate::error::{FrameError, Result};
use crate::scalar::Scalar;

/// `left op right` of truth values.
pub(super) fn logic(
    op: Binary,
    left: Operand<'_>,
    right: Operand<'_>,
    dtype: &DType,
    n_rows: usize,
) -> Result<ArrayRef> {
    let (a, a_known) = bits(left, n_rows)?;
    let (b, b_known) = bits(right, n_rows)?;
    let values = match op {
        Binary::And | Binary::Mul => &a & &b,
        Binary::Or | Binary::Add => &a | &b,
        Binary::Xor => &a ^ &b,
        _ => return Err(FrameError::no_kernel(op.sign(), dtype)),
    };
    if a_known.is_none() && b_known.is_none() {
        return Ok(Arc::new(BooleanArray::new(values, None)));
    }
    let all = || BooleanBuffer::new_set(n_rows);
    let a_known = a_known.map_or_else(all, |known| known.into_inner());
    let b_known = b_known.map_or_else(all, |known| known.into_inner());
    let both = &a_known & &b_known;
    // What one side decides alone is known whatever the other is.
    let known = match op {
        Binary::And => &both | &(&(&a_known & &!&a) | &(&b_known & &!&b)),
        Binary::Or => &both | &(&(&a_known & &a) | &(&b_known & &b)),
        _ => both,
    };
    let values = match op {
        Binary::And => &(&a & &a_known) & &(&b & &b_known),
        Binary::Or => &(&a & &a_known) | &(&b & &b_known),
        _ => values,
    };
    Ok(Arc::new(BooleanArray::new(values, Some(NullBuffer::new(known)))))
}

/// Truth values and which are known.
fn bits(operand: Operand<'_>, n_rows: usize) -> Result<(BooleanBuffer, Option<NullBuffer>)> {
    match operand {
        Operand::Column(array, DType::Bool | DType::NullableBool) => {
            Ok((array.as_boolean().values().clone(), operand.present(n_rows)))
        }
        Operand::Scalar(Scalar::Bool(true)) => Ok((BooleanBuffer::new_set(n_rows), None)),
        Operand::Scalar(Scalar::Bool(false)) => Ok((BooleanBuffer::new_unset(n_rows), None)),
        Operand::Scalar(Scalar::Missing) => {
            Ok((BooleanBuffer::new_unset(n_rows), operand.present(n_rows)))
        }
        _ => Err(FrameError::NoKernel(format!("logic of {}", operand.kind().name()))),
    }
}
