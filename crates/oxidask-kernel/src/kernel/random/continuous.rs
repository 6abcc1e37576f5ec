//! Distributions of which each element needs one word: all the work in vector registers.
//!
//! A piece of elements is filled with the distribution's standard form and then brought to its
//! parameters. Normals come in pairs from two words (elements 16 apart in a group of 32), the others
//! by the inverse of their distribution function.

use super::distribution::{Distribution, Param};
use super::math::{box_muller, exp, exp_m1, ln, open_unit, sin_cos_turns, unit};
use super::multiversion::multiversion;
use super::threefry::Threefry;
use super::words;

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
    generator: &Threefry,
    start: u64,
    out: &mut [f64],
) {
    let mut at = 0;
    while at < out.len() {
        // Pieces end where groups of words end.
        let element = start.wrapping_add(at as u64);
        let n = (PIECE - (element % words::GROUP as u64) as usize).min(out.len() - at);
        let piece = &mut out[at..at + n];
        standard(distribution, generator, element, piece);
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
        at += n;
    }
}

fn is_standard(distribution: Distribution, a: f64, b: f64) -> bool {
    distribution != Distribution::Lognormal && a == 0.0 && b == 1.0
}

multiversion! {
    /// The distribution in its standard form.
    fn standard(d: Distribution, g: &Threefry, start: u64, out: &mut [f64]) =>
        standard_body(d, g, start, out)
}

#[inline(always)]
fn standard_body(distribution: Distribution, g: &Threefry, start: u64, out: &mut [f64]) {
    use Distribution as D;
    match distribution {
        D::Uniform | D::Triangular => words::fill::<Unit>(g, start, out),
        D::Normal | D::Lognormal => words::fill::<Normals>(g, start, out),
        D::Exponential | D::Rayleigh | D::Weibull | D::Pareto | D::Power => {
            words::fill::<Exponential>(g, start, out);
        }
        D::Gumbel => words::fill::<Gumbel>(g, start, out),
        D::Laplace => words::fill::<Laplace>(g, start, out),
        D::Logistic => words::fill::<Logistic>(g, start, out),
        D::Cauchy => words::fill::<Cauchy>(g, start, out),
        _ => {}
    }
}

struct Normals;

impl words::Make for Normals {
    type Out = f64;

    #[inline(always)]
    fn four([a, b, c, d]: [u64; 4]) -> [f64; 4] {
        let (a, c) = box_muller(a, c);
        let (b, d) = box_muller(b, d);
        [a, b, c, d]
    }
}

macro_rules! of_one_word {
    ($($name:ident: $word:ident => $body:expr;)*) => {
        $(struct $name;

        impl $name {
            #[inline(always)]
            fn one($word: u64) -> f64 {
                $body
            }
        }

        impl words::Make for $name {
            type Out = f64;

            #[inline(always)]
            fn four(words: [u64; 4]) -> [f64; 4] {
                [Self::one(words[0]), Self::one(words[1]), Self::one(words[2]), Self::one(words[3])]
            }
        })*
    };
}

of_one_word! {
    Unit: word => unit(word);
    Exponential: word => -ln(open_unit(word));
    Gumbel: word => -ln(-ln(open_unit(word)));
    // The word's lowest bit is not in the unit number: it is the sign.
    Laplace: word => f64::from_bits(ln(open_unit(word)).to_bits() ^ (word << 63));
    Logistic: word => {
        let u = open_unit(word);
        ln(u) - ln(1.0 - u)
    };
    // A direction: within an eighth of a turn of one axis, or of the other.
    Cauchy: word => {
        let (sin, cos) = sin_cos_turns((open_unit(word) - 0.5) * 0.25);
        let (y, x) = if word & 1 != 0 { (cos, sin) } else { (sin, cos) };
        y / x
    };
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
        D::Normal | D::Laplace | D::Gumbel | D::Logistic => {
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
