//! Central moments of groups, in two passes over the rows: means first, then powers of differences from them.
//! States merge by the formulas of Chan, Golub and LeVeque (1979) and, for third and fourth powers, Pébay (2008).

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array};
use arrow_buffer::NullBuffer;

use super::Groups;
use super::fold::{fold, fold_from, fold_rows};
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
    counts: Vec<i64>,
    order: u8,
    nulls: Option<&NullBuffer>,
    groups: &Groups,
) -> Vec<ArrayRef> {
    let sums = with_values!(values, values => {
        fold(groups, values, nulls, 0.0, |sum, v| *sum += v.float(), |sum, other| *sum += other)
    });
    let means = counts.iter().zip(sums).map(|(&n, sum)| if n > 0 { sum / n as f64 } else { 0.0 });
    let means: Vec<f64> = means.collect();
    let powers = with_values!(values, values => match order {
        2 => powers(groups, values, nulls, &means, |powers, d| powers[0] += d * d),
        3 => powers(groups, values, nulls, &means, |powers, d| {
            powers[0] += d * d;
            powers[1] += d * d * d;
        }),
        _ => powers(groups, values, nulls, &means, |powers, d| {
            let square = d * d;
            powers[0] += square;
            powers[1] += square * d;
            powers[2] += square * square;
        }),
    });
    let states = counts.into_iter().zip(means).zip(powers);
    arrays(states.map(|((n, mean), powers)| Moments { n, mean, powers }).collect(), order)
}

/// The second pass. What it adds up to NaN is but of infinities.
fn powers<V: Value>(
    groups: &Groups,
    values: &[V],
    nulls: Option<&NullBuffer>,
    means: &[f64],
    add: impl Fn(&mut [f64; 3], f64),
) -> Vec<[f64; 3]> {
    let join = |powers: &mut [f64; 3], other: [f64; 3]| {
        powers.iter_mut().zip(other).for_each(|(power, other)| *power += other);
    };
    if groups.ids().is_none() {
        let mean = means[0];
        return fold(
            groups,
            values,
            nulls,
            [0.0; 3],
            |p, value| add(p, value.float() - mean),
            join,
        );
    }
    let init = means.iter().map(|&mean| (mean, [0.0; 3])).collect();
    let states = fold_from(groups, values, nulls, init, |(mean, powers), value| {
        add(powers, value.float() - *mean);
    });
    states.into_iter().map(|(_, powers)| powers).collect()
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
