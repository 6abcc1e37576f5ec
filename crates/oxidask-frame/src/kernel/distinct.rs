//! Rows that recur.

use arrow_array::{ArrayRef, BooleanArray, UInt32Array};
use arrow_buffer::BooleanBuffer;
use serde::{Deserialize, Serialize};

use super::equal::{NONE, first_rows, match_rows};
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
    let firsts = first_rows(codes, packed.largest);
    let is_duplicate = match keep {
        Keep::First => BooleanBuffer::collect_bool(codes.len(), |row| firsts[row] != row as u32),
        Keep::Last => {
            let mut lasts = vec![NONE; codes.len()];
            for (row, first) in (0..).zip(&firsts) {
                lasts[*first as usize] = row;
            }
            let is_last = |row: usize| lasts[firsts[row] as usize] == row as u32;
            BooleanBuffer::collect_bool(codes.len(), |row| !is_last(row))
        }
        Keep::None => {
            let mut recurs = vec![false; codes.len()];
            for (row, first) in (0..).zip(&firsts) {
                recurs[*first as usize] |= *first != row;
            }
            BooleanBuffer::collect_bool(codes.len(), |row| recurs[firsts[row] as usize])
        }
    };
    Ok(BooleanArray::new(is_duplicate, None))
}

/// The position of the first of each set of equal rows, in order.
///
/// # Errors
/// As [`duplicated`].
pub fn unique(columns: &[ArrayRef]) -> Result<UInt32Array> {
    let packed = pack(&[columns], Purpose::Equality)?;
    let codes = &packed.tables[0];
    let firsts = first_rows(codes, packed.largest);
    let rows = firsts.into_iter().zip(0..).filter(|(first, row)| first == row);
    Ok(UInt32Array::from_iter_values(rows.map(|(_, row)| row)))
}

/// Whether each row is among `rows`. Missing values are equal.
///
/// # Errors
/// As [`duplicated`].
pub fn is_in(columns: &[ArrayRef], rows: &[ArrayRef]) -> Result<BooleanArray> {
    let packed = pack(&[columns, rows], Purpose::Equality)?;
    let (_, found) = match_rows(&packed.tables[1], &packed.tables[0], packed.largest);
    Ok(BooleanArray::new(BooleanBuffer::collect_bool(found.len(), |row| found[row] != NONE), None))
}
