//! Random numbers that are the same whatever the chunks.
//!
//! Element `e` of an array (its row-major index in the whole array) depends on the [`Key`], on `e` and
//! on the distribution's parameters at `e` only: no state goes from one element to the next. Words
//! come from a counter-based generator; [`fill_f64`] and its fellows fill runs of neighbours.
//!
//! Where to read next: [`Distribution`] for what there is, `threefry` for the generator, `words` for
//! how elements map to its counters, `continuous` for how words become numbers.
#![expect(unsafe_code, reason = "calls of functions for instruction sets that the machine has")]

mod continuous;
mod distribution;
mod key;
mod math;
mod multiversion;
mod threefry;
mod words;

pub use distribution::{Distribution, Param, Parameter};
pub use key::Key;

/// Fills `out` with the elements `start..` of an array: `params` are the run's, checked before.
///
/// # Panics
/// If the parameters are not as many as the distribution has, or not as long as the run.
pub fn fill_f64(
    distribution: Distribution,
    params: &[Param<'_>],
    key: &Key,
    start: u64,
    out: &mut [f64],
) {
    check_lengths(distribution, params, out.len());
    continuous::fill(distribution, params, &key.generator(), start, out);
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
    check_lengths(distribution, params, out.len());
    let generator = key.generator();
    let mut wide = [0.0; 256];
    for (i, out) in out.chunks_mut(256).enumerate() {
        let (at, n) = (i * 256, out.len());
        let params: smallvec::SmallVec<[_; 4]> = params.iter().map(|p| p.part(at, n)).collect();
        let start = start.wrapping_add(at as u64);
        continuous::fill(distribution, &params, &generator, start, &mut wide[..n]);
        for (out, x) in out.iter_mut().zip(&wide) {
            *out = if distribution == Distribution::Uniform { toward_zero(*x) } else { *x as f32 };
        }
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
            "one for each element"
        );
    }
}

#[cfg(test)]
mod tests;
