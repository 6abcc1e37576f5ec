//! Loops over the rows of groups.

use arrow_buffer::NullBuffer;

use super::Groups;

/// What each group makes of its values, one after the other.
pub(super) fn fold<V: Copy, S: Clone>(
    groups: &Groups,
    values: &[V],
    present: Option<&NullBuffer>,
    init: S,
    step: impl Fn(&mut S, V),
) -> Vec<S> {
    let mut states = vec![init; groups.n_groups()];
    match (groups.ids(), present) {
        (None, None) => {
            let state = &mut states[0];
            values.iter().for_each(|&value| step(state, value));
        }
        (None, Some(present)) => {
            let state = &mut states[0];
            present.valid_indices().for_each(|row| step(state, values[row]));
        }
        // The number of dropped rows is outside of the states.
        (Some(ids), None) => {
            for (&id, &value) in ids.iter().zip(values) {
                if let Some(state) = states.get_mut(id as usize) {
                    step(state, value);
                }
            }
        }
        (Some(ids), Some(present)) => {
            for (row, (&id, &value)) in ids.iter().zip(values).enumerate() {
                if present.is_valid(row)
                    && let Some(state) = states.get_mut(id as usize)
                {
                    step(state, value);
                }
            }
        }
    }
    states
}

/// The same where the state of a row's group and the row's number decide.
pub(super) fn fold_rows<S: Clone>(
    groups: &Groups,
    present: Option<&NullBuffer>,
    init: S,
    mut step: impl FnMut(&mut S, usize),
) -> Vec<S> {
    let mut states = vec![init; groups.n_groups()];
    for row in 0..groups.n_rows() {
        if present.is_some_and(|present| present.is_null(row)) {
            continue;
        }
        let id = groups.ids().map_or(0, |ids| ids[row] as usize);
        if let Some(state) = states.get_mut(id) {
            step(state, row);
        }
    }
    states
}

/// How many rows of each group are present.
pub(super) fn count(groups: &Groups, present: Option<&NullBuffer>) -> Vec<i64> {
    match groups.ids() {
        None => vec![(groups.n_rows() - present.map_or(0, NullBuffer::null_count)) as i64],
        Some(ids) => fold(groups, ids, present, 0, |count, _| *count += 1),
    }
}
