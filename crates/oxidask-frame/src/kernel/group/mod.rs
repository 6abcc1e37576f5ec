//! Group-by within one partition: which group each row is in, and aggregates that merge across partitions.
//!
//! [`group`] numbers the groups in the order of their first rows. An [`Agg`] is computed in three steps that a
//! plan may spread over partitions: [`partial`] makes states of a group's rows, [`merge`] makes one state of the
//! states of one group (they are rows again: concatenated in the order of partitions, grouped by the keys that
//! came along), [`finish`] makes the answer. Aggregates that need all values of a group at once
//! ([`Agg::needs_whole_groups`]) have no states: [`aggregate`] answers for them and for all others. [`Aggs`] are
//! several aggregates of one column whose states share what they can.
//!
//! The order of groups is a matter of the plan: pandas sorts them by key.

mod agg;
mod extremes;
mod finish;
mod fold;
mod keys;
mod members;
mod moments;
mod pairs;
mod part;
mod rank;
mod several;
mod table;
mod transform;
mod whole;

use std::sync::OnceLock;

use arrow_array::{ArrayRef, UInt32Array};

pub use agg::{Agg, agg_dtype};
pub use finish::finish;
pub use members::Members;
pub use pairs::{PairAgg, pair_finish, pair_merge, pair_partial, pair_state_dtypes};
pub use part::{merge, partial, state_dtypes};
pub use rank::{Holes, Ranking, Ties};
pub use several::{Aggs, aggregate_all};
pub use transform::{Transform, transform, transform_dtype};

use crate::dtype::DType;
use crate::error::{FrameError, Result};

/// The number of a group that no row is in: rows of it were dropped for a missing key.
pub const DROPPED: u32 = u32::MAX;

/// Which group each row is in.
#[derive(Clone, Debug)]
pub struct Groups {
    /// None: all rows are in group 0.
    ids: Option<Vec<u32>>,
    first_rows: Vec<u32>,
    n_groups: usize,
    n_rows: usize,
    /// Counted when first asked for; columns that miss nothing share it.
    sizes: OnceLock<Vec<i64>>,
}

impl Groups {
    /// One group of all rows, of which there may be none.
    #[must_use]
    pub fn whole(n_rows: usize) -> Self {
        let first_rows = vec![0; n_rows.min(1)];
        Self { ids: None, first_rows, n_groups: 1, n_rows, sizes: OnceLock::new() }
    }

    fn new(ids: Vec<u32>, first_rows: Vec<u32>) -> Self {
        let (n_groups, n_rows) = (first_rows.len(), ids.len());
        Self { ids: Some(ids), first_rows, n_groups, n_rows, sizes: OnceLock::new() }
    }

    /// The group of each row, [`DROPPED`] for none. None if all rows are in one group.
    #[must_use]
    pub fn ids(&self) -> Option<&[u32]> {
        self.ids.as_deref()
    }

    /// The first row of each group.
    #[must_use]
    pub fn first_rows(&self) -> &[u32] {
        &self.first_rows
    }

    /// The first rows as positions to take, for the keys of groups.
    #[must_use]
    pub fn positions(&self) -> UInt32Array {
        UInt32Array::from(self.first_rows.clone())
    }

    /// The number of groups.
    #[must_use]
    pub fn n_groups(&self) -> usize {
        self.n_groups
    }

    /// The number of rows, dropped ones too.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }
}

/// Groups rows by keys: equal keys, equal group. All missing values are one key; `-0.0` is `0.0`. Groups are
/// numbered in the order of their first rows.
///
/// With `dropna`, rows that miss a key are in no group.
///
/// # Errors
/// [`FrameError::NoKernel`] for keys of other types than columns have, [`FrameError::Value`] if there is no key,
/// if keys differ in length or have 2³² rows or more.
pub fn group(keys: &[ArrayRef], dropna: bool) -> Result<Groups> {
    let Some((first, others)) = keys.split_first() else {
        return Err(FrameError::Value("no keys to group by".into()));
    };
    if first.len() >= DROPPED as usize {
        return Err(FrameError::Value(format!(
            "{} rows are too many for a partition",
            first.len()
        )));
    }
    let mut groups = keys::group_one(first, dropna)?;
    for key in others {
        if key.len() != first.len() {
            return Err(FrameError::Value(format!(
                "keys of {} and {} rows can't be grouped by together",
                first.len(),
                key.len()
            )));
        }
        groups = keys::combine(&groups, &keys::group_one(key, dropna)?);
    }
    let (ids, first_rows) = groups;
    Ok(Groups::new(ids, first_rows))
}

/// The answers for groups that are whole: one value for each.
///
/// # Errors
/// As [`agg_dtype`].
pub fn aggregate(agg: &Agg, column: &ArrayRef, dtype: &DType, groups: &Groups) -> Result<ArrayRef> {
    if !agg.needs_whole_groups() {
        return finish(agg, dtype, &partial(agg, column, dtype, groups)?);
    }
    part::check_length(column, groups)?;
    match agg {
        Agg::Strict(inner) => {
            let plain = whole::answer(inner, column, dtype, groups)?;
            let holes = whole::with_holes(column, groups);
            finish::with_missing(plain, Some(holes), agg, &agg_dtype(agg, dtype)?)
        }
        plain => whole::answer(plain, column, dtype, groups),
    }
}

/// The answer for a whole column, as an array of one value.
///
/// # Errors
/// As [`agg_dtype`].
pub fn reduce(agg: &Agg, column: &ArrayRef, dtype: &DType) -> Result<ArrayRef> {
    aggregate(agg, column, dtype, &Groups::whole(column.len()))
}
