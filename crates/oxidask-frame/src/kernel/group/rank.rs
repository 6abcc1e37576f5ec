//! Places of values among those of their group.

use std::cmp::Ordering;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use serde::{Deserialize, Serialize};

use super::Groups;
use super::finish::numbers;
use crate::dtype::DType;
use crate::error::Result;
use crate::kernel::column;
use crate::kernel::values::{Values, with_values};

/// The place that equal values get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ties {
    /// The mean of their places.
    Average,
    /// The first of their places.
    Min,
    /// The last of their places.
    Max,
    /// Each its own, in the order of rows.
    First,
    /// One, and the next value gets the next one.
    Dense,
}

/// Where missing values go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Holes {
    /// They have no place.
    Keep,
    /// Before all values.
    Top,
    /// After all values.
    Bottom,
}

/// How values are ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranking {
    /// Places of equal values.
    pub ties: Ties,
    /// Whether small values come first.
    pub ascending: bool,
    /// Places of missing values.
    pub holes: Holes,
    /// Whether places are divided by their number.
    pub pct: bool,
}

/// The place of each row.
pub(super) fn ranks(
    column: &ArrayRef,
    groups: &Groups,
    ranking: &Ranking,
    result: &DType,
) -> Result<ArrayRef> {
    let found = match column.data_type() {
        DataType::Utf8View => {
            let texts = column.as_string_view();
            places(column, groups, ranking, |a, b| texts.value(a).cmp(texts.value(b)))
        }
        _ => with_values!(Values::of(column)?, values => {
            // NaN, which has no order, is missing.
            places(column, groups, ranking, |a, b| {
                values[a].partial_cmp(&values[b]).unwrap_or(Ordering::Equal)
            })
        }),
    };
    numbers(found.into_iter(), result)
}

fn places(
    column: &ArrayRef,
    groups: &Groups,
    ranking: &Ranking,
    order: impl Fn(usize, usize) -> Ordering,
) -> Vec<Option<f64>> {
    let present = column::present(column);
    let is_there = |row: u32| present.as_ref().is_none_or(|present| present.is_valid(row as usize));
    let mut found = vec![None; groups.n_rows()];
    let members = groups.members();
    for rows in members.groups() {
        let (mut sorted, missing): (Vec<u32>, Vec<u32>) =
            rows.iter().partition(|&&row| is_there(row));
        sorted.sort_by(|&a, &b| {
            let order = order(a as usize, b as usize);
            if ranking.ascending { order } else { order.reverse() }
        });
        let values = sorted.chunk_by(|&a, &b| order(a as usize, b as usize).is_eq());
        let holes = (!missing.is_empty()).then_some(&missing[..]);
        match ranking.holes {
            Holes::Keep => number(values, ranking, sorted.len(), &mut found),
            Holes::Top => number(holes.into_iter().chain(values), ranking, rows.len(), &mut found),
            Holes::Bottom => number(values.chain(holes), ranking, rows.len(), &mut found),
        }
    }
    found
}

/// Numbers the runs of equal values of one group.
fn number<'a>(
    runs: impl Iterator<Item = &'a [u32]>,
    ranking: &Ranking,
    n_rows: usize,
    found: &mut [Option<f64>],
) {
    let runs: Vec<&[u32]> = runs.collect();
    let n_places = if ranking.ties == Ties::Dense { runs.len() } else { n_rows };
    let scale = if ranking.pct { n_places as f64 } else { 1.0 };
    let mut before = 0;
    for (at, run) in runs.into_iter().enumerate() {
        for (nth, &row) in run.iter().enumerate() {
            let place = match ranking.ties {
                Ties::Average => before as f64 + (run.len() + 1) as f64 / 2.0,
                Ties::Min => (before + 1) as f64,
                Ties::Max => (before + run.len()) as f64,
                Ties::First => (before + nth + 1) as f64,
                Ties::Dense => (at + 1) as f64,
            };
            found[row as usize] = Some(place / scale);
        }
        before += run.len();
    }
}
