//! Joins: which rows of two tables belong together, in pandas' order.

use arrow_array::{Array, ArrayRef, UInt32Array};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use serde::{Deserialize, Serialize};

use super::equal::{NONE, match_rows};
use super::pack::{Packed, Purpose, pack};
use super::sort;
use crate::error::{FrameError, Result};

/// Which rows without a partner stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum How {
    /// None.
    Inner,
    /// The left ones.
    Left,
    /// The right ones.
    Right,
    /// All.
    Outer,
    /// Left rows that have a partner, once each.
    LeftSemi,
    /// Left rows that have none.
    LeftAnti,
    /// Every left row with every right row, whatever the keys.
    Cross,
}

/// Positions of the left rows and of their right partners, null where there is none.
pub type Joined = (UInt32Array, UInt32Array);

/// Joins by equal keys; missing keys are equal to one another. The order is that of pandas: of left rows and, for each,
/// of its partners; of right rows for [`How::Right`]; of keys if `sort`, and always for [`How::Outer`],
/// with missing ones last (but first among categories and times).
///
/// # Errors
/// [`FrameError::NoKernel`] for keys that can't be compared here; [`FrameError::Value`] for too many rows.
pub fn join(left: &[ArrayRef], right: &[ArrayRef], how: How, sort: bool) -> Result<Joined> {
    let n_rows = |keys: &[ArrayRef]| keys.first().map_or(0, |key| key.len());
    if how == How::Cross {
        return cross(n_rows(left), n_rows(right));
    }
    if how == How::Right {
        let (right, left) = join(right, left, How::Left, sort)?;
        return Ok((left, right));
    }
    let sort = sort || how == How::Outer;
    let purpose = if sort { Purpose::Order } else { Purpose::Equality };
    let packed = pack(&[left, right], purpose)?;
    let matches = Matches::new(&packed);
    let (left, right) = match how {
        How::LeftSemi => (matches.left_rows(true), Vec::new()),
        How::LeftAnti => (matches.left_rows(false), Vec::new()),
        _ => matches.pairs(how)?,
    };
    let (left, right) = if sort { by_key(&packed, left, right) } else { (left, right) };
    let n_rows = left.len();
    let right = if right.is_empty() && n_rows > 0 { vec![NONE; n_rows] } else { right };
    let full_right = how == How::Inner;
    Ok((positions(left, how != How::Outer), positions(right, full_right)))
}

/// Every row of one table with every row of another.
///
/// # Errors
/// [`FrameError::Value`] for too many rows.
pub fn cross(n_left: usize, n_right: usize) -> Result<Joined> {
    check_size(n_left.saturating_mul(n_right))?;
    let left = (0..n_left as u32).flat_map(|row| std::iter::repeat_n(row, n_right)).collect();
    let right = (0..n_left).flat_map(|_| 0..n_right as u32).collect::<Vec<u32>>();
    Ok((positions(left, true), positions(right, true)))
}

fn check_size(n_rows: usize) -> Result<()> {
    if n_rows < NONE as usize {
        return Ok(());
    }
    Err(FrameError::Value(format!(
        "a join of partitions to {n_rows} rows: no partition can have more than {}; \
         use more partitions",
        NONE - 1
    )))
}

/// Positions with [`NONE`] as null.
pub(super) fn positions(rows: Vec<u32>, is_full: bool) -> UInt32Array {
    if is_full {
        return UInt32Array::from(rows);
    }
    let here = NullBuffer::new(BooleanBuffer::collect_bool(rows.len(), |at| rows[at] != NONE));
    let nulls = (here.null_count() > 0).then_some(here);
    UInt32Array::new(rows.into(), nulls)
}

/// Rows with their partners.
struct Matches {
    /// For each left row, the number of its key.
    left_ids: Vec<u32>,
    /// For each right row, the number of its key.
    right_ids: Vec<u32>,
    partners: Partners,
}

/// The right rows of each number.
enum Partners {
    /// One for each, of that number itself.
    Alone,
    /// Where those of each number start among `rows`, and behind the last number where they end.
    Several { starts: Vec<u32>, rows: Vec<u32> },
}

impl Matches {
    fn new(packed: &Packed) -> Self {
        let (left, right) = (&packed.tables[0], &packed.tables[1]);
        if right.len() <= left.len() {
            let (right_ids, left_ids) = match_rows(right, left, packed.largest);
            let is_unique = right_ids.iter().zip(0..).all(|(id, row)| *id == row);
            let partners =
                if is_unique { Partners::Alone } else { Partners::new(&right_ids, right.len()) };
            return Self { left_ids, right_ids, partners };
        }
        let (left_ids, right_ids) = match_rows(left, right, packed.largest);
        let partners = Partners::new(&right_ids, left.len());
        Self { left_ids, right_ids, partners }
    }

    /// The left rows that have a partner, or those that have none.
    fn left_rows(&self, matched: bool) -> Vec<u32> {
        let ids = self.left_ids.iter().zip(0..);
        let chosen = ids.filter(|(id, _)| (self.partners.count(**id) > 0) == matched);
        chosen.map(|(_, row)| row).collect()
    }

    fn pairs(&self, how: How) -> Result<(Vec<u32>, Vec<u32>)> {
        let keeps_left = how != How::Inner;
        let (mut left, mut right) = match &self.partners {
            Partners::Alone => self.unique_pairs(keeps_left),
            Partners::Several { starts, rows } => self.all_pairs(starts, rows, keeps_left)?,
        };
        if how == How::Outer {
            let n_ids = self.left_ids.len().max(self.right_ids.len());
            let mut has_left = vec![false; n_ids];
            let known = self.left_ids.iter().filter(|id| **id != NONE);
            known.for_each(|&id| has_left[id as usize] = true);
            let is_alone = |id: u32| id == NONE || !has_left[id as usize];
            let alone = self.right_ids.iter().zip(0..).filter(|(id, _)| is_alone(**id));
            right.extend(alone.map(|(_, row)| row));
            left.resize(right.len(), NONE);
            check_size(left.len())?;
        }
        Ok((left, right))
    }

    /// If no right key recurs and right rows are numbers of keys.
    fn unique_pairs(&self, keeps_left: bool) -> (Vec<u32>, Vec<u32>) {
        if keeps_left {
            return ((0..self.left_ids.len() as u32).collect(), self.left_ids.clone());
        }
        let n_rows = self.left_ids.len();
        let (mut left, mut right) = (vec![0; n_rows], vec![0; n_rows]);
        let mut end = 0;
        for (&id, row) in self.left_ids.iter().zip(0_u32..) {
            left[end] = row;
            right[end] = id;
            end += usize::from(id != NONE);
        }
        left.truncate(end);
        right.truncate(end);
        (left, right)
    }

    fn all_pairs(
        &self,
        starts: &[u32],
        rows: &[u32],
        keeps_left: bool,
    ) -> Result<(Vec<u32>, Vec<u32>)> {
        let least = usize::from(keeps_left);
        let counts = self.left_ids.iter().map(|&id| self.partners.count(id).max(least));
        let n_rows = counts.sum();
        check_size(n_rows)?;
        let (mut left, mut right) = (Vec::with_capacity(n_rows), Vec::with_capacity(n_rows));
        for (&id, row) in self.left_ids.iter().zip(0_u32..) {
            let partners = match id {
                NONE => &[],
                id => &rows[starts[id as usize] as usize..starts[id as usize + 1] as usize],
            };
            match partners {
                [] if keeps_left => {
                    left.push(row);
                    right.push(NONE);
                }
                [one] => {
                    left.push(row);
                    right.push(*one);
                }
                several => {
                    left.resize(left.len() + several.len(), row);
                    right.extend_from_slice(several);
                }
            }
        }
        Ok((left, right))
    }
}

impl Partners {
    /// Right rows by their number, of which none is `n_ids` or above.
    fn new(right_ids: &[u32], n_ids: usize) -> Self {
        let mut starts = vec![0_u32; n_ids + 1];
        let known = || right_ids.iter().zip(0_u32..).filter(|(id, _)| **id != NONE);
        known().for_each(|(id, _)| starts[*id as usize + 1] += 1);
        let mut total = 0;
        for start in &mut starts {
            total += *start;
            *start = total;
        }
        let mut next = starts.clone();
        let mut rows = vec![0; total as usize];
        for (id, row) in known() {
            let at = &mut next[*id as usize];
            rows[*at as usize] = row;
            *at += 1;
        }
        Self::Several { starts, rows }
    }

    /// How many right rows have a number.
    fn count(&self, id: u32) -> usize {
        match self {
            _ if id == NONE => 0,
            Self::Alone => 1,
            Self::Several { starts, .. } => {
                (starts[id as usize + 1] - starts[id as usize]) as usize
            }
        }
    }
}

/// Pairs in the order of their keys; those with the same key keep theirs.
fn by_key(packed: &Packed, left: Vec<u32>, right: Vec<u32>) -> (Vec<u32>, Vec<u32>) {
    let (left_codes, right_codes) = (&packed.tables[0], &packed.tables[1]);
    let code = |at: usize| match left[at] {
        NONE => right_codes[right[at] as usize],
        row => left_codes[row as usize],
    };
    let codes: Vec<u64> = (0..left.len()).map(code).collect();
    let order = sort::argsort_codes(codes, packed.largest);
    let take = |rows: &[u32]| order.iter().map(|&at| rows[at as usize]).collect();
    (take(&left), if right.is_empty() { right } else { take(&right) })
}
