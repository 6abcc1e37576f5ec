//! Loops over the rows of groups.

use arrow_buffer::NullBuffer;

use super::Groups;
use crate::kernel::values::Value;

/// Independent states that a group of all rows is computed with, so that additions needn't wait for one another.
const N_LANES: usize = 8;

/// What each group makes of its values, one after the other; nulls and NaN are skipped. `join` adds a state of later
/// rows to one.
pub(super) fn fold<V: Value, S: Copy>(
    groups: &Groups,
    values: &[V],
    nulls: Option<&NullBuffer>,
    init: S,
    step: impl Fn(&mut S, V),
    join: impl Fn(&mut S, S),
) -> Vec<S> {
    if groups.ids().is_some() || nulls.is_some() {
        return fold_from(groups, values, nulls, vec![init; groups.n_groups()], step);
    }
    let mut lanes = [init; N_LANES];
    let chunks = values.chunks_exact(N_LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            if !value.is_nan() {
                step(lane, value);
            }
        }
    }
    let rest = rest.iter().filter(|value| !value.is_nan());
    let mut state = init;
    lanes.into_iter().for_each(|lane| join(&mut state, lane));
    rest.for_each(|&value| step(&mut state, value));
    vec![state]
}

/// The same from given states on.
pub(super) fn fold_from<V: Value, S>(
    groups: &Groups,
    values: &[V],
    nulls: Option<&NullBuffer>,
    mut states: Vec<S>,
    step: impl Fn(&mut S, V),
) -> Vec<S> {
    let step = |state: &mut S, value: V| {
        if !value.is_nan() {
            step(state, value);
        }
    };
    match (groups.ids(), nulls) {
        (None, None) => values.iter().for_each(|&value| step(&mut states[0], value)),
        (None, Some(nulls)) => {
            nulls.valid_indices().for_each(|row| step(&mut states[0], values[row]));
        }
        // The number of dropped rows is outside of the states.
        (Some(ids), None) => {
            for (&id, &value) in ids.iter().zip(values) {
                if let Some(state) = states.get_mut(id as usize) {
                    step(state, value);
                }
            }
        }
        (Some(ids), Some(nulls)) => {
            for (row, (&id, &value)) in ids.iter().zip(values).enumerate() {
                if nulls.is_valid(row)
                    && let Some(state) = states.get_mut(id as usize)
                {
                    step(state, value);
                }
            }
        }
    }
    states
}

/// What each group makes of its rows that are present, one after the other.
pub(super) fn fold_rows<S: Clone>(
    groups: &Groups,
    present: Option<&NullBuffer>,
    init: S,
    mut step: impl FnMut(&mut S, usize),
) -> Vec<S> {
    let mut states = vec![init; groups.n_groups()];
    let is_there = |row: usize| present.is_none_or(|present| present.is_valid(row));
    match groups.ids() {
        None => {
            let rows = (0..groups.n_rows()).filter(|&row| is_there(row));
            rows.for_each(|row| step(&mut states[0], row));
        }
        Some(ids) => {
            for (row, &id) in ids.iter().enumerate() {
                if is_there(row)
                    && let Some(state) = states.get_mut(id as usize)
                {
                    step(state, row);
                }
            }
        }
    }
    states
}

/// How many rows of each group are present.
pub(super) fn count(groups: &Groups, present: Option<&NullBuffer>) -> Vec<i64> {
    match present {
        None => groups.sizes().to_vec(),
        Some(present) => fold_rows(groups, Some(present), 0, |count, _| *count += 1),
    }
}
