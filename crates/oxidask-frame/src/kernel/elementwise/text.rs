//! `+` and `*` of text.

use std::sync::Arc;

use arrow_array::builder::StringViewBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StringViewArray};

use super::Binary;
use super::operand::Operand;
use crate::dtype::DType;
use crate::error::{FrameError, Result};
use crate::kernel::column;
use crate::scalar::Scalar;

/// `left op right` of text.
pub(super) fn binary(
    op: Binary,
    left: Operand<'_>,
    right: Operand<'_>,
    n_rows: usize,
) -> Result<ArrayRef> {
    if left.is_missing() || right.is_missing() {
        return Ok(column::all_missing(&DType::Str.arrow(), n_rows));
    }
    let mut built = StringViewBuilder::with_capacity(n_rows);
    match (op, Text::of(left), Text::of(right)) {
        (Binary::Add, Some(a), Some(b)) => {
            let mut joined = String::new();
            for row in 0..n_rows {
                let (Some(a), Some(b)) = (a.at(row), b.at(row)) else {
                    built.append_null();
                    continue;
                };
                joined.clear();
                joined.push_str(a);
                joined.push_str(b);
                built.append_value(&joined);
            }
        }
        (Binary::Mul, Some(text), None) => repeated(&mut built, &text, right, n_rows),
        (Binary::Mul, None, Some(text)) => repeated(&mut built, &text, left, n_rows),
        _ => return Err(FrameError::no_kernel(op.sign(), &DType::Str)),
    }
    Ok(Arc::new(built.finish()))
}

fn repeated(built: &mut StringViewBuilder, text: &Text<'_>, times: Operand<'_>, n_rows: usize) {
    let known = times.present(n_rows);
    let times = times.numbers::<i64>();
    for row in 0..n_rows {
        match text.at(row) {
            Some(text) if known.as_ref().is_none_or(|known| known.is_valid(row)) => {
                built.append_value(text.repeat(usize::try_from(times.at(row)).unwrap_or(0)));
            }
            _ => built.append_null(),
        }
    }
}

enum Text<'a> {
    Many(&'a StringViewArray),
    One(&'a str),
}

impl<'a> Text<'a> {
    fn of(operand: Operand<'a>) -> Option<Self> {
        match operand {
            Operand::Column(array, DType::Str) => Some(Self::Many(array.as_string_view())),
            Operand::Scalar(Scalar::Str(text)) => Some(Self::One(text)),
            _ => None,
        }
    }

    fn at(&self, row: usize) -> Option<&'a str> {
        match self {
            Self::Many(array) => array.is_valid(row).then(|| array.value(row)),
            Self::One(text) => Some(text),
        }
    }
}
