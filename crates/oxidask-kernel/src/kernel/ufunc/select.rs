//! Loops that only move elements: `where`, and the copy behind functions that change nothing.

use super::drive::{Loop, fast_ternary, fast_unary};
use crate::dtype::DType;

/// `where(condition, a, b)`, by the size of an element.
pub(super) fn find_where(dtype: DType) -> Option<Loop> {
    Some(match dtype.itemsize() {
        1 => fast_ternary(|c: u8, a: u8, b: u8| if c != 0 { a } else { b }),
        2 => fast_ternary(|c: u8, a: u16, b: u16| if c != 0 { a } else { b }),
        4 => fast_ternary(|c: u8, a: u32, b: u32| if c != 0 { a } else { b }),
        8 => fast_ternary(|c: u8, a: u64, b: u64| if c != 0 { a } else { b }),
        16 => fast_ternary(|c: u8, a: [u64; 2], b: [u64; 2]| if c != 0 { a } else { b }),
        _ => return None,
    })
}

/// The elements as they are.
pub(super) fn find_copy(dtype: DType) -> Loop {
    match dtype.itemsize() {
        1 => fast_unary(|a: u8| a),
        2 => fast_unary(|a: u16| a),
        4 => fast_unary(|a: u32| a),
        8 => fast_unary(|a: u64| a),
        _ => fast_unary(|a: [u64; 2]| a),
    }
}
