//! Aggregates that need all values of a group at once: order statistics, counts of different values, positions.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, Int64Array};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;

use super::agg::{Agg, agg_dtype};
use super::extremes::best_rows;
use super::finish::{numbers, times};
use super::fold::fold_rows;
use super::{DROPPED, Groups, keys};
use crate::dtype::DType;
use crate::error::{FrameError, Result};
use crate::kernel::column;
use crate::kernel::values::{Value, Values, with_values};

/// The answers for whole groups.
pub(super) fn answer(
    agg: &Agg,
    column: &ArrayRef,
    dtype: &DType,
    groups: &Groups,
) -> Result<ArrayRef> {
    let result = agg_dtype(agg, dtype)?;
    match agg {
        Agg::NUnique { dropna } => {
            Ok(Arc::new(Int64Array::from(different(column, *dropna, groups)?)))
        }
        Agg::Median => quantiles(column, &result, groups, 0.5),
        Agg::Quantile(share) => quantiles(column, &result, groups, *share),
        Agg::IdxMin => positions(column, groups, true),
        Agg::IdxMax => positions(column, groups, false),
        other => Err(FrameError::NoKernel(format!("{} of whole groups", other.name()))),
    }
}

/// How many different values each group has.
fn different(column: &ArrayRef, dropna: bool, groups: &Groups) -> Result<Vec<i64>> {
    let values = keys::group_one(column, dropna)?;
    if groups.ids().is_none() {
        return Ok(vec![values.1.len() as i64]);
    }
    let (numbers, firsts) = values;
    let there = numbers.iter().map(|&number| number != DROPPED).collect();
    let there = NullBuffer::new(there);
    let there = (there.null_count() > 0).then_some(&there);
    let (edges, numbers) = gathered(&numbers, there, groups, |number| number);
    // Which group has seen a value last: a value that another one has seen is new.
    let mut seen = vec![DROPPED; firsts.len()];
    let counts = edges.windows(2).zip(0_u32..).map(|(edge, group)| {
        let is_new =
            |number: &&u32| std::mem::replace(&mut seen[**number as usize], group) != group;
        numbers[edge[0]..edge[1]].iter().filter(is_new).count() as i64
    });
    Ok(counts.collect())
}

/// Values of groups side by side: those of group `g` lie at `edges[g]..edges[g + 1]`. Missing ones are left out.
fn gathered<V: Value, T: Copy + Default>(
    values: &[V],
    nulls: Option<&NullBuffer>,
    groups: &Groups,
    map: impl Fn(V) -> T,
) -> (Vec<usize>, Vec<T>) {
    let is_there =
        |row: usize| !values[row].is_nan() && nulls.is_none_or(|nulls| nulls.is_valid(row));
    let Some(ids) = groups.ids() else {
        let kept: Vec<T> =
            (0..values.len()).filter(|&row| is_there(row)).map(|row| map(values[row])).collect();
        return (vec![0, kept.len()], kept);
    };
    let mut edges = vec![0; groups.n_groups() + 1];
    for (row, &id) in ids.iter().enumerate() {
        if id != DROPPED && is_there(row) {
            edges[id as usize + 1] += 1;
        }
    }
    for group in 0..groups.n_groups() {
        edges[group + 1] += edges[group];
    }
    let mut next = edges.clone();
    let mut kept = vec![T::default(); edges[groups.n_groups()]];
    for (row, &id) in ids.iter().enumerate() {
        if id != DROPPED && is_there(row) {
            kept[next[id as usize]] = map(values[row]);
            next[id as usize] += 1;
        }
    }
    (edges, kept)
}

fn quantiles(column: &ArrayRef, result: &DType, groups: &Groups, share: f64) -> Result<ArrayRef> {
    if !(0.0..=1.0).contains(&share) {
        return Err(FrameError::Value(format!(
            "'q' must be between 0 and 1. Got '{share}' instead"
        )));
    }
    let nulls = column.logical_nulls();
    let values = Values::of(column)?;
    if let (DType::Datetime(..) | DType::Timedelta(_), Values::I64(values)) = (result, &values) {
        let (edges, mut kept) = gathered(values, nulls.as_ref(), groups, |value| value);
        let answers = edges.windows(2).map(|edge| {
            let (lower, upper, part) = around(&mut kept[edge[0]..edge[1]], share, i64::cmp)?;
            Some(time_between(lower, upper, part))
        });
        return times(answers.collect(), result);
    }
    let (edges, mut kept) = with_values!(&values, values => {
        gathered(values, nulls.as_ref(), groups, |value| value.float())
    });
    let answers = edges.windows(2).map(|edge| {
        let (lower, upper, part) = around(&mut kept[edge[0]..edge[1]], share, f64::total_cmp)?;
        // Infinities of one sign have no difference.
        Some(if part == 0.0 || lower == upper { lower } else { lower + (upper - lower) * part })
    });
    numbers(answers, result)
}

/// The two values around a share of all, and how far it is from the first to the second. None of no values.
fn around<T: Copy>(
    values: &mut [T],
    share: f64,
    order: impl Fn(&T, &T) -> std::cmp::Ordering,
) -> Option<(T, T, f64)> {
    let last = values.len().checked_sub(1)?;
    let place = share * last as f64;
    let (at, part) = (place as usize, place.fract());
    let (_, &mut lower, above) = values.select_nth_unstable_by(at, &order);
    let upper = match part > 0.0 {
        true => above.iter().copied().min_by(&order).unwrap_or(lower),
        false => lower,
    };
    Some((lower, upper, part))
}

/// A time between two others, cut to whole units towards 1970.
fn time_between(lower: i64, upper: i64, part: f64) -> i64 {
    let step = upper.abs_diff(lower) as f64 * part;
    let floor = lower.saturating_add_unsigned(step.floor() as u64);
    if floor < 0 && step.fract() > 0.0 { floor + 1 } else { floor }
}

/// The rows of the first least or greatest values.
fn positions(column: &ArrayRef, groups: &Groups, least: bool) -> Result<ArrayRef> {
    let present = column::present(column);
    let present = present.as_ref();
    let rows = match column.data_type() {
        DataType::Utf8View => {
            let texts = column.as_string_view();
            best_rows(groups, present, |row, best| {
                let (row, best) = (texts.value(row), texts.value(best));
                if least { row < best } else { row > best }
            })
        }
        DataType::Dictionary(..) => {
            let codes = column.as_dictionary::<Int32Type>().keys().values();
            best_rows(groups, present, |row, best| {
                if least { codes[row] < codes[best] } else { codes[row] > codes[best] }
            })
        }
        _ => with_values!(Values::of(column)?, values => {
            best_rows(groups, present, |row, best| {
                if least { values[row] < values[best] } else { values[row] > values[best] }
            })
        }),
    };
    Ok(Arc::new(rows.iter().map(|row| row.map(i64::from)).collect::<Int64Array>()))
}

/// Which groups have a row whose value is missing.
pub(super) fn with_holes(column: &ArrayRef, groups: &Groups) -> Vec<bool> {
    match column::present(column) {
        None => vec![false; groups.n_groups()],
        Some(present) => {
            fold_rows(groups, None, false, |holes, row| *holes |= present.is_null(row))
        }
    }
}
