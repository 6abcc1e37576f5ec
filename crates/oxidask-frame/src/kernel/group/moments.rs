//! Central moments of groups, in two passes over the rows: means first, then powers of differences from them.
//! States merge by the formulas of Chan, Golub and LeVeque (1979) and, for third and fourth powers, Pébay (2008).

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array};
use arrow_buffer::NullBuffer;

use super::Groups;
use super::fold::{count, fold, fold_rows};
use super::part::{floats, ints};
use crate::kernel::values::{Value, Values, with_values};

/// What is known of a set of numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Moments {
    pub(super) n: i64,
    pub(super) mean: f64,
    /// Sums of second, third and fourth powers of differences from the mean.
    pub(super) powers: [f64; 3],
}

impl Moments {
    /// What is known of both sets together.
    fn join(&mut self, other: &Self) {
        if other.n == 0 {
            return;
        }
        if self.n == 0 {
            *self = *other;
            return;
        }
        let (a, b) = (self.n as f64, other.n as f64);
        let n = a + b;
        let delta = other.mean - self.mean;
        let step = delta / n;
        let [s2, s3, s4] = self.powers;
        let [o2, o3, o4] = other.powers;
        let second = delta * step * a * b;
        self.powers = [
            s2 + o2 + second,
            s3 + o3 + second * step * (a - b) + 3.0 * step * (a * o2 - b * s2),
            s4 + o4
                + second * step * step * (a * a - a * b + b * b)
                + 6.0 * step * step * (a * a * o2 + b * b * s2)
                + 4.0 * step * (a * o3 - b * s3),
        ];
        self.mean += step * b;
        self.n += other.n;
    }
}

/// The states of each group: counts, means, and as many sums of powers as asked for.
pub(super) fn partial(
    values: &Values,
    order: u8,
    present: Option<&NullBuffer>,
    groups: &Groups,
) -> Vec<ArrayRef> {
    let counts = count(groups, present);
    let sums = with_values!(values, values => {
        fold(groups, values, present, 0.0, |sum, value| *sum += value.float())
    });
    let means = counts.iter().zip(sums).map(|(&n, sum)| if n > 0 { sum / n as f64 } else { 0.0 });
    let init: Vec<_> = means.map(|mean| (mean, [0.0; 3])).collect();
    let powers = with_values!(values, values => {
        match order {
            2 => powers(groups, values, present, init, |powers, d| powers[0] += d * d),
            3 => powers(groups, values, present, init, |powers, d| {
                powers[0] += d * d;
                powers[1] += d * d * d;
            }),
            _ => powers(groups, values, present, init, |powers, d| {
                let square = d * d;
                powers[0] += square;
                powers[1] += square * d;
                powers[2] += square * square;
            }),
        }
    });
    let states = counts.into_iter().zip(powers);
    arrays(states.map(|(n, (mean, powers))| Moments { n, mean, powers }).collect(), order)
}

/// The second pass.
fn powers<V: Value>(
    groups: &Groups,
    values: &[V],
    present: Option<&NullBuffer>,
    mut states: Vec<(f64, [f64; 3])>,
    add: impl Fn(&mut [f64; 3], f64),
) -> Vec<(f64, [f64; 3])> {
    for (row, &value) in values.iter().enumerate() {
        if present.is_some_and(|present| present.is_null(row)) {
            continue;
        }
        let id = groups.ids().map_or(0, |ids| ids[row] as usize);
        if let Some((mean, powers)) = states.get_mut(id) {
            add(powers, value.float() - *mean);
        }
    }
    states
}

/// One state for each group of states.
pub(super) fn merge(states: &[ArrayRef], order: u8, groups: &Groups) -> Vec<ArrayRef> {
    let parts = read(states);
    let merged = fold_rows(groups, None, Moments::default(), |state, row| state.join(&parts[row]));
    arrays(merged, order)
}

/// The moments that states hold.
pub(super) fn read(states: &[ArrayRef]) -> Vec<Moments> {
    let power = |at: usize, row: usize| states.get(at).map_or(0.0, |state| floats(state)[row]);
    let counts = ints(&states[0]).iter().zip(floats(&states[1]));
    counts
        .enumerate()
        .map(|(row, (&n, &mean))| Moments {
            n,
            mean,
            powers: [power(2, row), power(3, row), power(4, row)],
        })
        .collect()
}

fn arrays(moments: Vec<Moments>, order: u8) -> Vec<ArrayRef> {
    let counts = Int64Array::from_iter_values(moments.iter().map(|moments| moments.n));
    let means = Float64Array::from_iter_values(moments.iter().map(|moments| moments.mean));
    let mut arrays: Vec<ArrayRef> = vec![Arc::new(counts), Arc::new(means)];
    for power in 0..usize::from(order) - 1 {
        let sums = moments.iter().map(|moments| moments.powers[power]);
        arrays.push(Arc::new(Float64Array::from_iter_values(sums)));
    }
    arrays
}
