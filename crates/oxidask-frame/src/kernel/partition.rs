//! Which partition rows belong to: by hash, or by ranges of an order.

use arrow_array::{Array, ArrayRef, UInt32Array};

use super::hash::hash_rows;
use super::sort::{Order, SortKey, argsort};
use super::{column, distinct};
use crate::error::{FrameError, Result};

/// The positions of rows that go to each of `n` partitions by the hash of their keys, in order.
///
/// # Errors
/// As [`hash_rows`]; [`FrameError::Value`] for no partitions.
pub fn hash_partition(keys: &[ArrayRef], n: usize) -> Result<Vec<UInt32Array>> {
    if n == 0 {
        return Err(FrameError::Value("rows can't go to 0 partitions".into()));
    }
    let hashes = hash_rows(keys)?;
    let parts = hashes.into_iter().map(|hash| partition_of(hash, n)).collect();
    Ok(scatter(parts, n))
}

/// The partition of a hash among `n`.
#[must_use]
pub fn partition_of(hash: u64, n: usize) -> u32 {
    ((u128::from(hash) * n as u128) >> 64) as u32
}

/// The positions of rows that go to each partition of an order, in order of rows. `splits` has an array for each key;
/// its row `i` is the least of partition `i + 1`.
///
/// # Errors
/// [`FrameError::NoKernel`] for keys that can't be sorted here, [`FrameError::Value`] if splits
/// are of other types than keys.
pub fn range_partition(keys: &[SortKey], splits: &[ArrayRef]) -> Result<Vec<UInt32Array>> {
    if keys.len() != splits.len() || keys.is_empty() {
        return Err(FrameError::Value("splits need an array for each key".into()));
    }
    let n_rows = keys[0].column.len();
    let n_splits = splits[0].len();
    let both = |(key, splits): (&SortKey, &ArrayRef)| {
        if key.column.data_type() != splits.data_type() {
            let (keys, splits) = (key.column.data_type(), splits.data_type());
            return Err(FrameError::Value(format!("splits of {splits} for keys of {keys}")));
        }
        let column = column::concat([&key.column, splits].into_iter())?;
        Ok(SortKey { column, ..key.clone() })
    };
    let both = keys.iter().zip(splits).map(both).collect::<Result<Vec<_>>>()?;
    let order = Order::new(&both)?;
    let part = |row| order.rank_among(n_rows..n_rows + n_splits, row) as u32;
    Ok(scatter((0..n_rows).map(part).collect(), n_splits + 1))
}

/// Splits that cut rows like this sample into `n` ranges of about as many rows; fewer if few keys differ.
///
/// # Errors
/// As [`argsort`].
pub fn quantile_splits(sample: &[SortKey], n: usize) -> Result<Vec<ArrayRef>> {
    let order = argsort(sample)?;
    let n_rows = order.len();
    let at = |part: usize| order.value((part * n_rows / n).min(n_rows - 1));
    let n_cuts = if n_rows == 0 { 1 } else { n.max(1) };
    let positions = UInt32Array::from_iter_values((1..n_cuts).map(at));
    let columns = |positions: &UInt32Array, columns: &[ArrayRef]| {
        columns.iter().map(|column| column::take(column, positions)).collect::<Result<Vec<_>>>()
    };
    let all: Vec<ArrayRef> = sample.iter().map(|key| key.column.clone()).collect();
    let splits = columns(&positions, &all)?;
    columns(&distinct::unique(&splits)?, &splits)
}

/// The positions of each partition's rows.
fn scatter(parts: Vec<u32>, n: usize) -> Vec<UInt32Array> {
    let mut counts = vec![0_usize; n];
    parts.iter().for_each(|&part| counts[part as usize] += 1);
    let mut rows: Vec<Vec<u32>> = counts.into_iter().map(Vec::with_capacity).collect();
    for (part, row) in parts.into_iter().zip(0..) {
        rows[part as usize].push(row);
    }
    rows.into_iter().map(UInt32Array::from).collect()
}
