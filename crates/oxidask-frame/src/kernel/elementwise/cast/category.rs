//! Categories: values by number, and back.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, BooleanArray, DictionaryArray, Int32Array, StringViewArray};
use rustc_hash::FxHashMap;

use super::super::compare::positions;
use super::super::number::{self, Native, with_number};
use super::super::operand::numbers_as;
use super::super::times;
use crate::dtype::DType;
use crate::error::{FrameError, Result};
use crate::kernel::column;

/// The values of a column of categories.
pub(super) fn decoded(array: &ArrayRef) -> Result<ArrayRef> {
    let dictionary = array.as_dictionary::<Int32Type>();
    column::take(dictionary.values(), &positions(dictionary.keys()))
}

/// Values as categories, sorted.
pub(super) fn encoded(array: &ArrayRef, dtype: &DType) -> Result<ArrayRef> {
    let (keys, values) = match dtype {
        DType::Str => words(array),
        DType::Bool | DType::NullableBool => {
            let (keys, values) = numbers::<u8>(array);
            let values: BooleanArray = values.iter().map(|value| Some(*value == 1)).collect();
            (keys, Arc::new(values) as ArrayRef)
        }
        DType::Number(n) | DType::NullableNumber(n) => with_number!(*n, T => {
            let (keys, values) = numbers::<T>(array);
            (keys, number::array::<T>(values.into(), None))
        }),
        DType::Datetime(..) | DType::Timedelta(_) => {
            let (keys, values) = numbers::<i64>(array);
            (keys, times::of_ticks(values.into(), None, dtype))
        }
        DType::Category { .. } => {
            return Err(FrameError::NoKernel("categories of categories".into()));
        }
    };
    Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, values)?))
}

fn numbers<T: Native>(array: &ArrayRef) -> (Int32Array, Vec<T>) {
    let values = numbers_as::<T>(array);
    let known = column::present(array);
    let is_known = |row: usize| known.as_ref().is_none_or(|known| known.is_valid(row));
    // Equal numbers have equal bits but for zeros.
    let bits = |value: T| (value.add(T::ZERO).to_f64().to_bits(), value.to_i64_wrapping());
    let mut codes = FxHashMap::default();
    let mut distinct: Vec<T> = Vec::new();
    let firsts: Vec<Option<i32>> = (0..values.len())
        .map(|row| {
            is_known(row).then(|| {
                *codes.entry(bits(values[row])).or_insert_with(|| {
                    distinct.push(values[row]);
                    distinct.len() as i32 - 1
                })
            })
        })
        .collect();
    let mut order: Vec<usize> = (0..distinct.len()).collect();
    order.sort_by(|a, b| {
        distinct[*a].partial_cmp(&distinct[*b]).unwrap_or(std::cmp::Ordering::Equal)
    });
    let sorted = order.iter().map(|at| distinct[*at]).collect();
    (renumbered(firsts, &order), sorted)
}

fn words(array: &ArrayRef) -> (Int32Array, ArrayRef) {
    let words = array.as_string_view();
    let mut codes: FxHashMap<&str, i32> = FxHashMap::default();
    let mut distinct: Vec<&str> = Vec::new();
    let firsts: Vec<Option<i32>> = words
        .iter()
        .map(|word| {
            word.map(|word| {
                *codes.entry(word).or_insert_with(|| {
                    distinct.push(word);
                    distinct.len() as i32 - 1
                })
            })
        })
        .collect();
    let mut order: Vec<usize> = (0..distinct.len()).collect();
    order.sort_by_key(|at| distinct[*at]);
    let sorted: StringViewArray = order.iter().map(|at| Some(distinct[*at])).collect();
    (renumbered(firsts, &order), Arc::new(sorted))
}

/// Codes in the order of first appearance as codes in sorted order.
fn renumbered(firsts: Vec<Option<i32>>, order: &[usize]) -> Int32Array {
    let mut rank = vec![0; order.len()];
    for (at, first) in order.iter().enumerate() {
        rank[*first] = at as i32;
    }
    firsts.into_iter().map(|code| code.map(|code| rank[code as usize])).collect()
}
