//! Rows that recur.

use arrow_array::{ArrayRef, BooleanArray, UInt32Array};
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};
use serde::{Deserialize, Serialize};

use super::ids::{CodeIds, NONE};
use super::pack::{Purpose, pack};
use crate::error::Result;

/// Which of equal rows is no duplicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Keep {
    /// The first one.
    First,
    /// The last one.
    Last,
    /// None of them, if there are several.
    None,
}

/// Whether each row is one of several equal ones and not the one to keep. Missing values are equal.
///
/// # Errors
/// [`FrameError::NoKernel`](crate::error::FrameError::NoKernel) for columns that can't be compared here,
/// [`FrameError::Value`](crate::error::FrameError::Value) without columns.
pub fn duplicated(columns: &[ArrayRef], keep: Keep) -> Result<BooleanArray> {
    let packed = pack(&[columns], Purpose::Equality)?;
    let codes = &packed.tables[0];
    let mut ids = CodeIds::new(packed.largest, codes.len());
    let mut kept = BooleanBufferBuilder::new(codes.len());
    kept.append_n(codes.len(), false);
    match keep {
        Keep::First => {
            ids.insert(codes, |row| kept.set_bit(row as usize, true));
        }
        Keep::Last => {
            let of_rows = ids.insert(codes, |_| {});
            let mut last = vec![NONE; ids.len()];
            for (id, row) in of_rows.into_iter().zip(0..) {
                last[id as usize] = row;
            }
            last.into_iter().for_each(|row| kept.set_bit(row as usize, true));
        }
        Keep::None => {
            let of_rows = ids.insert(codes, |_| {});
            let mut counts = vec![0_u32; ids.len()];
            of_rows.iter().for_each(|&id| counts[id as usize] += 1);
            let is_alone = |row: usize| counts[of_rows[row] as usize] != 1;
            return Ok(BooleanArray::new(BooleanBuffer::collect_bool(codes.len(), is_alone), None));
        }
    }
    Ok(BooleanArray::new(!&kept.finish(), None))
}

/// The position of the first of each set of equal rows, in order.
///
/// # Errors
/// As [`duplicated`].
pub fn unique(columns: &[ArrayRef]) -> Result<UInt32Array> {
    let packed = pack(&[columns], Purpose::Equality)?;
    let codes = &packed.tables[0];
    let mut first_rows = Vec::new();
    CodeIds::new(packed.largest, codes.len()).insert(codes, |row| first_rows.push(row));
    Ok(UInt32Array::from(first_rows))
}

/// Whether each row is among `rows`. Missing values are equal.
///
/// # Errors
/// As [`duplicated`].
pub fn is_in(columns: &[ArrayRef], rows: &[ArrayRef]) -> Result<BooleanArray> {
    let packed = pack(&[columns, rows], Purpose::Equality)?;
    let mut ids = CodeIds::new(packed.largest, packed.tables[1].len());
    ids.insert(&packed.tables[1], |_| {});
    let found = ids.find(&packed.tables[0]);
    Ok(BooleanArray::new(BooleanBuffer::collect_bool(found.len(), |row| found[row] != NONE), None))
}
