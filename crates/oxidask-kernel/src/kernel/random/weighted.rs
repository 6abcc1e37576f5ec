//! Choices among numbered things with probabilities.

use super::distribution::{Distribution, Param};
use super::key::Key;
use super::math::{ln, open_unit};
use super::stream::Stream;

/// Fills `out` with the elements `start..`: things that are drawn and put back. `ends` are the
/// probabilities summed up, the last one 1.
pub fn fill_weighted(ends: &[f64], key: &Key, start: u64, out: &mut [i64]) {
    const PIECE: usize = 256;
    let mut units = [0.0; PIECE];
    let last = ends.len().saturating_sub(1);
    for (i, out) in out.chunks_mut(PIECE).enumerate() {
        let units = &mut units[..out.len()];
        let params = [Param::Scalar(0.0), Param::Scalar(1.0)];
        let at = start.wrapping_add((i * PIECE) as u64);
        super::fill_f64(Distribution::Uniform, &params, key, at, units);
        for (out, &u) in out.iter_mut().zip(&*units) {
            *out = ends.partition_point(|&end| end <= u).min(last) as i64;
        }
    }
}

/// All things of a probability above 0 in the order in which they are drawn if none is put back
/// (P. S. Efraimidis, P. G. Spirakis, *Weighted random sampling with a reservoir*, 2006: the one of
/// the earliest exponential clock comes first).
#[must_use]
pub fn weighted_order(weights: &[f64], key: &Key) -> Vec<i64> {
    let generator = key.generator();
    let mut clocks: Vec<(f64, i64)> = weights
        .iter()
        .enumerate()
        .filter(|(_, weight)| **weight > 0.0)
        .map(|(i, weight)| {
            let word = Stream::of(&generator, i as u64).word();
            (-ln(open_unit(word)) / weight, i as i64)
        })
        .collect();
    clocks.sort_by(|a, b| a.0.total_cmp(&b.0));
    clocks.into_iter().map(|(_, i)| i).collect()
}
