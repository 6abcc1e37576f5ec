//! Distributions of which each element needs one word: all the work in vector registers.
//!
//! A piece of elements is filled with the distribution's standard form and then brought to its
//! parameters. Normals come from `normals`, the others by the inverse of their distribution function.

use super::ars::Ars;
use super::distribution::{Distribution, Param};
use super::math::{exp, exp_m1, ln, open_unit, sin_cos_turns, unit};
use super::multiversion::multiversion;
use super::normals;

/// Elements of a piece: what stays in the first cache.
const PIECE: usize = 512;

impl Distribution {
    /// Whether its elements are made here.
    pub(super) fn is_of_one_word(self) -> bool {
        use Distribution as D;
        matches!(
            self,
            D::Uniform
                | D::Normal
                | D::Exponential
                | D::Laplace
                | D::Gumbel
                | D::Logistic
                | D::Cauchy
                | D::Rayleigh
                | D::Lognormal
                | D::Weibull
                | D::Pareto
                | D::Power
                | D::Triangular
        )
    }
}

/// Fills `out` with the elements from `start` on.
pub(super) fn fill(
    distribution: Distribution,
    params: &[Param<'_>],
    generator: &Ars,
    start: u64,
    out: &mut [f64],
) {
    if let (Distribution::Normal, &[Param::Scalar(loc), Param::Scalar(scale)]) =
        (distribution, params)
    {
        return normals::fill(generator, start, [loc, scale], out);
    }
    let mut words = [0; PIECE];
    for (i, piece) in out.chunks_mut(PIECE).enumerate() {
        let at = i * PIECE;
        let element = start.wrapping_add(at as u64);
        if matches!(distribution, Distribution::Normal | Distribution::Lognormal) {
            normals::fill(generator, element, [0.0, 1.0], piece);
        } else {
            let words = &mut words[..piece.len()];
            generator.words(element, words);
            standard(distribution, words, piece);
        }
        match *params {
            [] => {}
            [Param::Scalar(a)] => transform(distribution, [a; 3], piece),
            [Param::Scalar(a), Param::Scalar(b)] => {
                if !is_standard(distribution, a, b) {
                    transform(distribution, [a, b, 0.0], piece);
                }
            }
            [Param::Scalar(a), Param::Scalar(b), Param::Scalar(c)] => {
                transform(distribution, [a, b, c], piece);
            }
            _ => transform_each(distribution, params, at, piece),
        }
    }
}

fn is_standard(distribution: Distribution, a: f64, b: f64) -> bool {
    distribution != Distribution::Lognormal && a == 0.0 && b == 1.0
}

multiversion! {
    /// The distribution in its standard form, of words.
    fn standard(d: Distribution, words: &[u64], out: &mut [f64]) => standard_body(d, words, out)
}

#[inline(always)]
fn standard_body(distribution: Distribution, words: &[u64], out: &mut [f64]) {
    use Distribution as D;
    macro_rules! each {
        (|$word:ident| $body:expr) => {
            for (out, &$word) in out.iter_mut().zip(words) {
                *out = $body;
            }
        };
    }
    match distribution {
        D::Uniform | D::Triangular => each!(|word| unit(word)),
        D::Exponential | D::Rayleigh | D::Weibull | D::Pareto | D::Power => {
            each!(|word| -ln(open_unit(word)));
        }
        D::Gumbel => each!(|word| -ln(-ln(open_unit(word)))),
        // The word's lowest bit is not in the unit number: it is the sign.
        D::Laplace => {
            each!(|word| f64::from_bits(ln(open_unit(word)).to_bits() ^ (word << 63)));
        }
        D::Logistic => each!(|word| {
            let u = open_unit(word);
            ln(u) - ln(1.0 - u)
        }),
        // A direction: within an eighth of a turn of one axis, or of the other.
        D::Cauchy => each!(|word| {
            let (sin, cos) = sin_cos_turns((open_unit(word) - 0.5) * 0.25);
            let (y, x) = if word & 1 != 0 { (cos, sin) } else { (sin, cos) };
            y / x
        }),
        _ => {}
    }
}

multiversion! {
    /// The standard form brought to parameters that are the same for all elements.
    fn transform(d: Distribution, p: [f64; 3], out: &mut [f64]) => transform_body(d, &Same(p), out)
}

multiversion! {
    /// The standard form brought to parameters of which each element has its own.
    fn transform_each(d: Distribution, p: &[Param<'_>], at: usize, out: &mut [f64]) =>
        transform_body(d, &Each(p, at), out)
}

/// Parameters of the elements of a piece.
trait Parameters {
    fn at(&self, i: usize) -> [f64; 3];
}

struct Same([f64; 3]);

impl Parameters for Same {
    #[inline(always)]
    fn at(&self, _: usize) -> [f64; 3] {
        self.0
    }
}

/// Those of a run, and where in the run the piece starts.
struct Each<'a>(&'a [Param<'a>], usize);

impl Parameters for Each<'_> {
    #[inline(always)]
    fn at(&self, i: usize) -> [f64; 3] {
        let mut all = [0.0; 3];
        for (to, param) in all.iter_mut().zip(self.0) {
            *to = param.at(self.1 + i);
        }
        all
    }
}

#[inline(always)]
fn transform_body<P: Parameters>(distribution: Distribution, params: &P, out: &mut [f64]) {
    use Distribution as D;
    macro_rules! each {
        (|$x:ident, $p:pat_param| $body:expr) => {
            for (i, out) in out.iter_mut().enumerate() {
                let ($x, $p) = (*out, params.at(i));
                *out = $body;
            }
        };
    }
    match distribution {
        D::Uniform => each!(|u, [low, high, _]| low + (high - low) * u),
        D::Normal => each!(|x, [loc, scale, _]| x.mul_add(scale, loc)),
        D::Laplace | D::Gumbel | D::Logistic => {
            each!(|x, [loc, scale, _]| loc + scale * x);
        }
        D::Exponential => each!(|x, [scale, ..]| scale * x),
        D::Rayleigh => each!(|x, [scale, ..]| scale * (2.0 * x).sqrt()),
        D::Lognormal => each!(|x, [mean, sigma, _]| exp(mean + sigma * x)),
        D::Weibull => each!(|x, [a, ..]| if a == 0.0 { 0.0 } else { exp(ln(x) / a) }),
        D::Pareto => each!(|x, [a, ..]| exp_m1(x / a)),
        D::Power => each!(|x, [a, ..]| exp(-x / a)),
        D::Triangular => each!(|u, [left, mode, right]| {
            let (base, before) = (right - left, mode - left);
            let rising = left + (u * before * base).sqrt();
            let falling = right - ((1.0 - u) * (base - before) * base).sqrt();
            if u * base <= before { rising } else { falling }
        }),
        _ => {}
    }
}
