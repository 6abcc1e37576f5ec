//! The first rows of an order, without sorting all of them.

use arrow_array::UInt32Array;
use serde::{Deserialize, Serialize};

use super::sort::{Order, SortKey};
use crate::error::{FrameError, Result};

/// Which of equal rows are chosen when there is no room for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Ties {
    /// Those that appear first.
    First,
    /// Those that appear last; they come in this order, too.
    Last,
    /// All, even if there are more rows then.
    All,
}

/// The positions of the first `n` rows in the order of these keys: pandas' `nsmallest`, or `nlargest` if keys descend.
/// Missing values must come last.
///
/// # Errors
/// As [`argsort`](super::sort::argsort), and [`FrameError::NoKernel`] for [`Ties::Last`] by several keys.
pub fn top(keys: &[SortKey], n: usize, ties: Ties) -> Result<UInt32Array> {
    let order = Order::new(keys)?;
    if n >= order.n_rows() {
        return Ok(UInt32Array::from(order.argsort()));
    }
    if n == 0 {
        return Ok(UInt32Array::from(Vec::<u32>::new()));
    }
    if ties == Ties::Last && keys.len() > 1 {
        return Err(FrameError::NoKernel("the last of equal rows by several keys".into()));
    }
    let mut rows = order.candidates(n);
    let last_first = ties == Ties::Last;
    rows.sort_unstable_by(|&left, &right| {
        let by_key = order.compare(left, right);
        // Missing values are in order of appearance whatever is asked for.
        let turned = last_first && order.is_present(left);
        by_key.then(if turned { right.cmp(&left) } else { left.cmp(&right) })
    });
    let mut end = n;
    if ties == Ties::All {
        let least = rows[n - 1];
        end += rows[n..].iter().take_while(|&&row| order.compare(least, row).is_eq()).count();
    }
    rows.truncate(end);
    Ok(UInt32Array::from(rows))
}
