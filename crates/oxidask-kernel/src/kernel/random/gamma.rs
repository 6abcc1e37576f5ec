//! The gamma distribution and its relatives: each element draws until it accepts.

use super::counts::Poisson;
use super::math::{exp, ln};
use super::stream::{Sampler, Stream};

/// Gamma of scale 1 (G. Marsaglia, W. W. Tsang, *A simple method for generating gamma variables*,
/// ACM TOMS 26, 2000).
#[derive(Clone, Copy)]
pub(super) struct StandardGamma {
    shape: f64,
    d: f64,
    c: f64,
}

impl StandardGamma {
    #[inline(always)]
    pub(super) fn of(shape: f64) -> Self {
        // Below 1: of one more, then times a power of a uniform.
        let d = if shape < 1.0 { shape + 1.0 } else { shape } - 1.0 / 3.0;
        Self { shape, d, c: 1.0 / (9.0 * d).sqrt() }
    }

    /// Of the shape, or of one more if that is below 1.
    #[inline(always)]
    fn large(&self, stream: &mut Stream<'_>) -> f64 {
        if self.d.is_nan() {
            return f64::NAN;
        }
        loop {
            let x = stream.normal();
            let v = 1.0 + self.c * x;
            let u = stream.open_unit();
            if v <= 0.0 {
                continue;
            }
            let v = v * v * v;
            let x2 = x * x;
            if u < 1.0 - 0.0331 * x2 * x2 || ln(u) < 0.5 * x2 + self.d * (1.0 - v + ln(v)) {
                return self.d * v;
            }
        }
    }

    #[inline(always)]
    pub(super) fn draw(&self, stream: &mut Stream<'_>) -> f64 {
        let large = self.large(stream);
        if self.shape >= 1.0 {
            large
        } else if self.shape == 0.0 {
            0.0
        } else {
            large * exp(-stream.exponential() / self.shape)
        }
    }

    /// The logarithm of a draw, where the draw itself might be too small for a float.
    #[inline(always)]
    fn draw_ln(&self, stream: &mut Stream<'_>) -> f64 {
        let large = ln(self.large(stream));
        if self.shape >= 1.0 { large } else { large - stream.exponential() / self.shape }
    }
}

#[inline(always)]
fn chi_square(df: f64) -> StandardGamma {
    StandardGamma::of(df / 2.0)
}

/// Parameters: shape, scale.
pub(super) struct Gamma(StandardGamma, f64);

impl Sampler for Gamma {
    type Out = f64;

    #[inline(always)]
    fn new([shape, scale, _]: [f64; 3]) -> Self {
        Self(StandardGamma::of(shape), scale)
    }

    #[inline(always)]
    fn sample(&self, stream: &mut Stream<'_>) -> f64 {
        self.0.draw(stream) * self.1
    }
}

/// Parameter: degrees of freedom.
pub(super) struct ChiSquare(StandardGamma);

impl Sampler for ChiSquare {
    type Out = f64;

    #[inline(always)]
    fn new([df, ..]: [f64; 3]) -> Self {
        Self(chi_square(df))
    }

    #[inline(always)]
    fn sample(&self, stream: &mut Stream<'_>) -> f64 {
        2.0 * self.0.draw(stream)
    }
}

/// Parameters: a, b. The share of one gamma in the sum of two.
pub(super) struct Beta(StandardGamma, StandardGamma);

impl Sampler for Beta {
    type Out = f64;

    #[inline(always)]
    fn new([a, b, _]: [f64; 3]) -> Self {
        Self(StandardGamma::of(a), StandardGamma::of(b))
    }

    #[inline(always)]
    fn sample(&self, stream: &mut Stream<'_>) -> f64 {
        if self.0.shape >= 1.0 && self.1.shape >= 1.0 {
            let (a, b) = (self.0.draw(stream), self.1.draw(stream));
            a / (a + b)
        } else {
            // Small shapes give gammas below the smallest float: their ratio lives in logarithms.
            let (a, b) = (self.0.draw_ln(stream), self.1.draw_ln(stream));
            1.0 / (1.0 + exp(b - a))
        }
    }
}

/// Parameters: degrees of freedom, non-centrality.
pub(super) struct NoncentralChiSquare {
    df: f64,
    nonc: f64,
    /// Of one degree less, if there is more than one.
    less: StandardGamma,
}

impl Sampler for NoncentralChiSquare {
    type Out = f64;

    #[inline(always)]
    fn new([df, nonc, _]: [f64; 3]) -> Self {
        let less = if nonc == 0.0 || df.is_nan() { df } else { (df - 1.0).max(0.0) };
        Self { df, nonc, less: chi_square(less) }
    }

    #[inline(always)]
    fn sample(&self, stream: &mut Stream<'_>) -> f64 {
        if self.nonc.is_nan() {
            f64::NAN
        } else if self.nonc == 0.0 {
            2.0 * self.less.draw(stream)
        } else if self.df > 1.0 {
            let shifted = stream.normal() + self.nonc.sqrt();
            2.0 * self.less.draw(stream) + shifted * shifted
        } else {
            // A Poisson mixture of central ones.
            let more = Poisson::of(self.nonc / 2.0).draw(stream);
            2.0 * chi_square(self.df + 2.0 * more).draw(stream)
        }
    }
}

/// Parameters: degrees of freedom above and below.
pub(super) struct F(f64, StandardGamma, StandardGamma);

impl Sampler for F {
    type Out = f64;

    #[inline(always)]
    fn new([above, below, _]: [f64; 3]) -> Self {
        Self(below / above, chi_square(above), chi_square(below))
    }

    #[inline(always)]
    fn sample(&self, stream: &mut Stream<'_>) -> f64 {
        self.0 * self.1.draw(stream) / self.2.draw(stream)
    }
}

/// Parameters: degrees of freedom above and below, non-centrality.
pub(super) struct NoncentralF(f64, NoncentralChiSquare, StandardGamma);

impl Sampler for NoncentralF {
    type Out = f64;

    #[inline(always)]
    fn new([above, below, nonc]: [f64; 3]) -> Self {
        let upper = NoncentralChiSquare::new([above, nonc, 0.0]);
        Self(below / above, upper, chi_square(below))
    }

    #[inline(always)]
    fn sample(&self, stream: &mut Stream<'_>) -> f64 {
        self.0 * self.1.sample(stream) / (2.0 * self.2.draw(stream))
    }
}

/// Parameter: degrees of freedom.
pub(super) struct StudentT(f64, StandardGamma);

impl Sampler for StudentT {
    type Out = f64;

    #[inline(always)]
    fn new([df, ..]: [f64; 3]) -> Self {
        Self(df / 2.0, chi_square(df))
    }

    #[inline(always)]
    fn sample(&self, stream: &mut Stream<'_>) -> f64 {
        let x = stream.normal();
        if self.0 == f64::INFINITY { x } else { x * (self.0 / self.1.draw(stream)).sqrt() }
    }
}

/// Parameters: mean, scale (J. R. Michael, W. R. Schucany, R. W. Haas, *Generating random variates
/// using transformations with multiple roots*, The American Statistician 30, 1976).
pub(super) struct Wald(f64, f64);

impl Sampler for Wald {
    type Out = f64;

    #[inline(always)]
    fn new([mean, scale, _]: [f64; 3]) -> Self {
        Self(mean, mean / (2.0 * scale))
    }

    #[inline(always)]
    fn sample(&self, stream: &mut Stream<'_>) -> f64 {
        let z = stream.normal();
        let t = z * z * self.1;
        // The smaller root over the mean, without the difference of two large numbers; the larger
        // one is its inverse.
        let small = 1.0 / (1.0 + t + (t * (t + 2.0)).sqrt());
        let x = if stream.unit() <= 1.0 / (1.0 + small) { small } else { 1.0 / small };
        x * self.0
    }
}

/// Parameters: mu, kappa (D. J. Best, N. I. Fisher, *Efficient simulation of the von Mises
/// distribution*, Applied Statistics 28, 1979).
pub(super) struct VonMises {
    mu: f64,
    kappa: f64,
    s: f64,
}

impl Sampler for VonMises {
    type Out = f64;

    #[inline(always)]
    fn new([mu, kappa, _]: [f64; 3]) -> Self {
        let s = if kappa < 1e-5 {
            // The limit: the formula below is a difference of equal numbers here.
            1.0 / kappa + kappa
        } else {
            let r = 1.0 + (1.0 + 4.0 * kappa * kappa).sqrt();
            let rho = (r - (2.0 * r).sqrt()) / (2.0 * kappa);
            (1.0 + rho * rho) / (2.0 * rho)
        };
        Self { mu, kappa, s }
    }

    #[inline(always)]
    fn sample(&self, stream: &mut Stream<'_>) -> f64 {
        use std::f64::consts::PI;
        if self.kappa.is_nan() || self.mu.is_nan() {
            return f64::NAN;
        }
        let angle = if self.kappa < 1e-8 {
            PI * (2.0 * stream.unit() - 1.0)
        } else if self.kappa > 1e6 {
            stream.normal() / self.kappa.sqrt()
        } else {
            loop {
                let z = (PI * stream.unit()).cos();
                let w = (1.0 + self.s * z) / (self.s + z);
                let y = self.kappa * (self.s - w);
                let v = stream.open_unit();
                if y * (2.0 - y) - v >= 0.0 || ln(y / v) + 1.0 - y >= 0.0 {
                    break w.clamp(-1.0, 1.0).acos().copysign(stream.unit() - 0.5);
                }
            }
        };
        let turned = (angle + self.mu) % (2.0 * PI);
        if turned > PI {
            turned - 2.0 * PI
        } else if turned < -PI {
            turned + 2.0 * PI
        } else {
            turned
        }
    }
}

/// A row of shares that sum to 1, of these concentrations.
pub(super) fn dirichlet(alpha: &[f64], stream: &mut Stream<'_>, out: &mut [f64]) {
    let mut largest = f64::NEG_INFINITY;
    for (x, &alpha) in out.iter_mut().zip(alpha) {
        *x = if alpha > 0.0 { StandardGamma::of(alpha).draw_ln(stream) } else { f64::NEG_INFINITY };
        largest = largest.max(*x);
    }
    let mut sum = 0.0;
    for x in out.iter_mut() {
        *x = exp(*x - largest);
        sum += *x;
    }
    for x in out {
        *x /= sum;
    }
}
