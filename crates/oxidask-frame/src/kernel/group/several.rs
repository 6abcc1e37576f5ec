//! Several aggregates of one column, whose states share what is the same: the mean, the sum and the count take two
//! arrays, not four, and one look at the values.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array};

use super::agg::{Agg, parts};
use super::finish::finish;
use super::fold::fold;
use super::part::{Input, Part, Wide, check_arrays, check_length};
use super::{Groups, aggregate};
use crate::dtype::DType;
use crate::error::Result;
use crate::kernel::values::{Value, Values, with_values};

/// Aggregates of one column. All steps are as of one aggregate: [`super::partial`], [`super::merge`] and
/// [`super::finish`].
#[derive(Clone, Debug)]
pub struct Aggs {
    aggs: Vec<Agg>,
    dtype: DType,
    parts: Vec<Part>,
    /// Which arrays are the states of each aggregate.
    arrays: Vec<Vec<usize>>,
}

impl Aggs {
    /// Aggregates of a column of a dtype.
    ///
    /// # Errors
    /// As [`super::state_dtypes`], if any of them has no states.
    pub fn new(aggs: &[Agg], dtype: &DType) -> Result<Self> {
        let needed = aggs.iter().map(|agg| parts(agg, dtype)).collect::<Result<Vec<_>>>()?;
        let mut kept: Vec<Part> = Vec::new();
        for &part in needed.iter().flatten() {
            match part {
                Part::Moments(order) => {
                    // Higher moments come with the lower ones, and all of them with the count.
                    let known = kept.iter_mut().find(|part| matches!(part, Part::Moments(_)));
                    match known {
                        Some(Part::Moments(known)) => *known = order.max(*known),
                        _ => kept.push(part),
                    }
                }
                _ if !kept.contains(&part) => kept.push(part),
                _ => {}
            }
        }
        if kept.iter().any(|part| matches!(part, Part::Moments(_))) {
            kept.retain(|part| *part != Part::Count);
        }
        let arrays = needed
            .iter()
            .map(|needed| needed.iter().flat_map(|&part| arrays_of(part, &kept)).collect());
        let arrays = arrays.collect();
        Ok(Self { aggs: aggs.to_vec(), dtype: dtype.clone(), parts: kept, arrays })
    }

    /// The dtype of the column.
    #[must_use]
    pub fn dtype(&self) -> &DType {
        &self.dtype
    }

    /// The dtypes of the arrays of all states.
    #[must_use]
    pub fn state_dtypes(&self) -> Vec<DType> {
        self.parts.iter().flat_map(|part| part.dtypes(&self.dtype)).collect()
    }

    /// The states of each group of rows.
    ///
    /// # Errors
    /// As [`super::partial`].
    pub fn partial(&self, column: &ArrayRef, groups: &Groups) -> Result<Vec<ArrayRef>> {
        check_length(column, groups)?;
        let input = Input::new(column, &self.dtype);
        let sum = self.parts.iter().position(|&part| part == Part::Sum(Wide::Float));
        let count = self.parts.iter().position(|&part| part == Part::Count);
        let mut fused = match (sum, count) {
            (Some(_), Some(_)) if self.dtype.is_float() => Some(sums_and_counts(&input, groups)?),
            _ => None,
        };
        let mut states = Vec::new();
        for part in &self.parts {
            match (part, &mut fused) {
                (Part::Sum(Wide::Float), Some((sums, _))) => states.push(sums.clone()),
                (Part::Count, Some((_, counts))) => states.push(counts.clone()),
                _ => part.partial(&input, groups, &mut states)?,
            }
        }
        Ok(states)
    }

    /// One state for each group of states.
    ///
    /// # Errors
    /// As [`super::merge`].
    pub fn merge(&self, states: &[ArrayRef], groups: &Groups) -> Result<Vec<ArrayRef>> {
        let mut rest = self.checked(states)?;
        let mut merged = Vec::new();
        for part in &self.parts {
            let (these, others) = rest.split_at(part.width());
            these.iter().try_for_each(|state| check_length(state, groups))?;
            part.merge(these, groups, &mut merged)?;
            rest = others;
        }
        Ok(merged)
    }

    /// The answers of each group, an array for each aggregate.
    ///
    /// # Errors
    /// As [`super::finish`].
    pub fn finish(&self, states: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let states = self.checked(states)?;
        let answers = self.aggs.iter().zip(&self.arrays).map(|(agg, arrays)| {
            let states: Vec<ArrayRef> = arrays.iter().map(|&at| states[at].clone()).collect();
            finish(agg, &self.dtype, &states)
        });
        answers.collect()
    }

    fn checked<'a>(&self, states: &'a [ArrayRef]) -> Result<&'a [ArrayRef]> {
        let names = || self.aggs.iter().map(Agg::name).collect::<Vec<_>>().join(", ");
        check_arrays(&self.state_dtypes(), states, names, &self.dtype)
    }
}

/// The answers of several aggregates for groups that are whole, those that have no states among them.
///
/// # Errors
/// As [`aggregate`].
pub fn aggregate_all(
    aggs: &[Agg],
    column: &ArrayRef,
    dtype: &DType,
    groups: &Groups,
) -> Result<Vec<ArrayRef>> {
    let with_states: Vec<Agg> =
        aggs.iter().filter(|agg| !agg.needs_whole_groups()).cloned().collect();
    let shared = Aggs::new(&with_states, dtype)?;
    let mut answers = shared.finish(&shared.partial(column, groups)?)?.into_iter();
    let mut all = Vec::new();
    for agg in aggs {
        match agg.needs_whole_groups() {
            true => all.push(aggregate(agg, column, dtype, groups)?),
            false => all.extend(answers.next()),
        }
    }
    Ok(all)
}

/// Where the arrays of a part are among those of all parts.
fn arrays_of(part: Part, kept: &[Part]) -> Vec<usize> {
    let mut start = 0;
    for &other in kept {
        match (part, other) {
            (Part::Moments(order), Part::Moments(_)) => {
                return (start..=start + usize::from(order)).collect();
            }
            (Part::Count, Part::Moments(_)) => return vec![start],
            _ if part == other => return vec![start],
            _ => start += other.width(),
        }
    }
    Vec::new()
}

fn sums_and_counts(input: &Input<'_>, groups: &Groups) -> Result<(ArrayRef, ArrayRef)> {
    let found = with_values!(Values::of(input.column)?, values => {
        let step = |state: &mut (f64, i64), value| {
            state.0 += Value::float(value);
            state.1 += 1;
        };
        fold(groups, &values, input.nulls.as_ref(), (0.0, 0), step, |state, other| {
            state.0 += other.0;
            state.1 += other.1;
        })
    });
    let sums = Float64Array::from_iter_values(found.iter().map(|state| state.0));
    let counts = Int64Array::from_iter_values(found.iter().map(|state| state.1));
    Ok((Arc::new(sums), Arc::new(counts)))
}
