//! A hash of rows that is the same in every process, on every machine and for every way to hold a value.
//!
//! Shuffles send equal rows to the same partition by it, so whatever compares equal as a key must hash alike:
//! integers of any width, floats that are whole numbers, times of any unit, text however it is stored, categories
//! and their values. Missing values hash alike, too. Tables in memory may use it but need not: it is
//! part of what workers agree on, and changing it means a new version of the wire protocol.

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef};
use arrow_data::MAX_INLINE_VIEW_LEN;
use arrow_schema::DataType;
use xxhash_rust::xxh3::xxh3_64;

use super::code::{Class, SIGN, Visit, class, float_of, visit};
use super::column::present;
use crate::error::{FrameError, Result};

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
const FACTOR: u64 = 0xd6e8_feb8_6659_fd93;
/// What a missing value hashes to.
const MISSING: u64 = 0x5851_f42d_4c95_7f2d;

/// Spreads a number over all 64 bits.
#[inline]
#[must_use]
pub fn mix(value: u64) -> u64 {
    let product = u128::from(value ^ SEED) * u128::from(FACTOR);
    (product as u64) ^ ((product >> 64) as u64)
}

/// The hash of a piece of text.
#[inline]
#[must_use]
pub fn text(bytes: &[u8]) -> u64 {
    if bytes.len() > MAX_INLINE_VIEW_LEN as usize {
        return xxh3_64(bytes);
    }
    let mut view = [0_u8; 16];
    view[..4].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
    view[4..4 + bytes.len()].copy_from_slice(bytes);
    short_text(u128::from_le_bytes(view))
}

/// The hash of text that lies within its view: [`text`] of its bytes.
#[inline]
pub(super) fn short_text(view: u128) -> u64 {
    mix(mix(view as u64) ^ (view >> 64) as u64)
}

/// A hash for each row of these columns, of which there must be at least one.
///
/// # Errors
/// [`FrameError::NoKernel`] for columns of types without a kernel, [`FrameError::Value`] without columns.
pub fn hash_rows(columns: &[ArrayRef]) -> Result<Vec<u64>> {
    let Some((first, others)) = columns.split_first() else {
        return Err(FrameError::Value("rows without columns can't be hashed".into()));
    };
    let mut hashes = hash_column(first)?;
    for column in others {
        let next = hash_column(column)?;
        for (hash, next) in hashes.iter_mut().zip(next) {
            *hash = mix(hash.rotate_left(29) ^ next);
        }
    }
    Ok(hashes)
}

fn hash_column(column: &ArrayRef) -> Result<Vec<u64>> {
    match column.data_type() {
        DataType::Dictionary(key, _) if **key == DataType::Int32 => {
            let dictionary = column.as_dictionary::<Int32Type>();
            let of_values = hash_column(dictionary.values())?;
            let keys = dictionary.keys();
            let hash = |key: Option<i32>| key.map_or(MISSING, |key| of_values[key as usize]);
            Ok(keys.iter().map(hash).collect())
        }
        DataType::Utf8View => Ok(hash_text(column)),
        _ => {
            let mut hashes = match class(column.data_type())? {
                Class::Float => visit(column, Floats)?,
                Class::Time(unit) | Class::Duration(unit) => {
                    let factor = 1_000_000_000 / unit.per_second() as u64;
                    visit(column, Whole { origin: SIGN, factor })?
                }
                Class::UInt => visit(column, Whole { origin: 0, factor: 1 })?,
                _ => visit(column, Whole { origin: SIGN, factor: 1 })?,
            };
            if let Some(present) = present(column) {
                for (at, hash) in hashes.iter_mut().enumerate() {
                    if present.is_null(at) {
                        *hash = MISSING;
                    }
                }
            }
            Ok(hashes)
        }
    }
}

fn hash_text(column: &ArrayRef) -> Vec<u64> {
    let text_column = column.as_string_view();
    let hash = |(at, view): (usize, &u128)| {
        if text_column.is_null(at) {
            MISSING
        } else if *view as u32 <= MAX_INLINE_VIEW_LEN {
            short_text(*view)
        } else {
            xxh3_64(text_column.value(at).as_bytes())
        }
    };
    text_column.views().iter().enumerate().map(hash).collect()
}

/// Hashes whole numbers, times a factor so that times of different units agree.
struct Whole {
    /// The code of 0.
    origin: u64,
    factor: u64,
}

impl Visit for Whole {
    type Out = Vec<u64>;

    fn visit<T: Copy>(self, values: &[T], code: impl Fn(T) -> u64 + Copy) -> Vec<u64> {
        let Self { origin, factor } = self;
        values.iter().map(|&value| mix((code(value) ^ origin).wrapping_mul(factor))).collect()
    }
}

/// Hashes floating point numbers, whole ones as integers.
struct Floats;

impl Visit for Floats {
    type Out = Vec<u64>;

    fn visit<T: Copy>(self, values: &[T], code: impl Fn(T) -> u64 + Copy) -> Vec<u64> {
        let hash = |&value: &T| {
            let value = float_of(code(value));
            let whole = value as i64;
            if whole as f64 == value { mix(whole as u64) } else { mix(value.to_bits()) }
        };
        values.iter().map(hash).collect()
    }
}
