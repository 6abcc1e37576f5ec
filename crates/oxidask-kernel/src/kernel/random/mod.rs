//! Random numbers that are the same whatever the chunks.
//!
//! Element `e` of an array (its row-major index in the whole array) depends on the [`Key`], on `e` and
//! on the distribution's parameters at `e` only: no state goes from one element to the next. Words
//! come from a counter-based generator; [`fill_f64`] and its fellows fill runs of neighbours.
//!
//! Where to read next: [`Distribution`] for what there is, `ars` for the generator,
//! `continuous` and `normals` for how words become numbers.
#![expect(unsafe_code, reason = "calls of functions for instruction sets that the machine has")]

mod ars;
mod continuous;
mod counts;
mod distribution;
mod gamma;
mod integers;
mod key;
mod math;
mod multiversion;
mod normals;
mod permutation;
mod rows;
mod stream;
mod weighted;

use ars::Ars;
use smallvec::SmallVec;

pub use distribution::{Distribution, Param, Parameter};
pub use integers::{Integer, IntegerRange, fill_integers};
pub use key::Key;
use multiversion::multiversion;
pub use permutation::Permutation;
pub use rows::RowDistribution;
pub use weighted::{fill_weighted, weighted_order};

/// Fills `out` with the elements `start..` of an array: `params` are the run's, checked before.
///
/// # Panics
/// If the parameters are not as many as the distribution has, or not as long as the run, or its
/// numbers are counts (those are integers: [`fill_i64`]).
pub fn fill_f64(
    distribution: Distribution,
    params: &[Param<'_>],
    key: &Key,
    start: u64,
    out: &mut [f64],
) {
    check_lengths(distribution, params, out.len());
    assert!(!distribution.counts(), "{} has counts", distribution.name());
    if distribution.is_of_one_word() {
        continuous::fill(distribution, params, &key.generator(), start, out);
    } else {
        floats(distribution, params, &key.generator(), start, out);
    }
}

/// Like [`fill_f64`] in single precision: uniforms have the 24 bits of their own, others are rounded.
///
/// # Panics
/// As [`fill_f64`].
pub fn fill_f32(
    distribution: Distribution,
    params: &[Param<'_>],
    key: &Key,
    start: u64,
    out: &mut [f32],
) {
    const PIECE: usize = 512;
    check_lengths(distribution, params, out.len());
    let mut wide = [0.0; PIECE];
    for (i, out) in out.chunks_mut(PIECE).enumerate() {
        let (at, n) = (i * PIECE, out.len());
        let params: SmallVec<[_; 4]> = params.iter().map(|p| p.part(at, n)).collect();
        fill_f64(distribution, &params, key, start.wrapping_add(at as u64), &mut wide[..n]);
        for (out, x) in out.iter_mut().zip(&wide) {
            *out = if distribution == Distribution::Uniform { toward_zero(*x) } else { *x as f32 };
        }
    }
}

/// Like [`fill_f64`] for counts.
///
/// # Panics
/// If the parameters are not as many as the distribution has, or not as long as the run, or its
/// numbers are no counts.
pub fn fill_i64(
    distribution: Distribution,
    params: &[Param<'_>],
    key: &Key,
    start: u64,
    out: &mut [i64],
) {
    check_lengths(distribution, params, out.len());
    assert!(distribution.counts(), "{} has no counts", distribution.name());
    whole_numbers(distribution, params, &key.generator(), start, out);
}

multiversion! {
    fn floats(d: Distribution, p: &[Param<'_>], g: &Ars, start: u64, out: &mut [f64]) =>
        floats_body(d, p, g, start, out)
}

#[inline(always)]
fn floats_body(d: Distribution, p: &[Param<'_>], g: &Ars, start: u64, out: &mut [f64]) {
    use Distribution as D;
    match d {
        D::Gamma => stream::fill::<gamma::Gamma>(p, g, start, out),
        D::Beta => stream::fill::<gamma::Beta>(p, g, start, out),
        D::ChiSquare => stream::fill::<gamma::ChiSquare>(p, g, start, out),
        D::NoncentralChiSquare => stream::fill::<gamma::NoncentralChiSquare>(p, g, start, out),
        D::F => stream::fill::<gamma::F>(p, g, start, out),
        D::NoncentralF => stream::fill::<gamma::NoncentralF>(p, g, start, out),
        D::StudentT => stream::fill::<gamma::StudentT>(p, g, start, out),
        D::Wald => stream::fill::<gamma::Wald>(p, g, start, out),
        D::VonMises => stream::fill::<gamma::VonMises>(p, g, start, out),
        _ => {}
    }
}

multiversion! {
    fn whole_numbers(d: Distribution, p: &[Param<'_>], g: &Ars, start: u64, out: &mut [i64]) =>
        whole_numbers_body(d, p, g, start, out)
}

#[inline(always)]
fn whole_numbers_body(d: Distribution, p: &[Param<'_>], g: &Ars, start: u64, out: &mut [i64]) {
    use Distribution as D;
    match d {
        D::Poisson => stream::fill::<counts::Poisson>(p, g, start, out),
        D::Binomial => stream::fill::<counts::Binomial>(p, g, start, out),
        D::NegativeBinomial => stream::fill::<counts::NegativeBinomial>(p, g, start, out),
        D::Geometric => stream::fill::<counts::Geometric>(p, g, start, out),
        D::Hypergeometric => stream::fill::<counts::Hypergeometric>(p, g, start, out),
        D::LogSeries => stream::fill::<counts::LogSeries>(p, g, start, out),
        D::Zipf => stream::fill::<counts::Zipf>(p, g, start, out),
        _ => {}
    }
}

/// The nearest single that is not above: a uniform below 1 must not become 1.
fn toward_zero(x: f64) -> f32 {
    const KEPT: u64 = !((1 << 29) - 1);
    f64::from_bits(x.to_bits() & KEPT) as f32
}

fn check_lengths(distribution: Distribution, params: &[Param<'_>], len: usize) {
    assert_eq!(params.len(), distribution.parameters().len(), "all of its parameters");
    for param in params {
        assert!(
            !matches!(param, Param::Slice(slice) if slice.len() != len),
            "a parameter for each element"
        );
    }
}

#[cfg(test)]
mod tests;
