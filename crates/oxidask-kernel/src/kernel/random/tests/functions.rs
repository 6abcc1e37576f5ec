//! Distribution functions to test against, from their textbook series.

use super::super::math::ln_factorial;

/// The logarithm of the gamma function, by its recurrence up to where Stirling's series holds.
pub(super) fn ln_gamma(x: f64) -> f64 {
    if x < 30.0 { ln_gamma(x + 1.0) - x.ln() } else { ln_factorial(x - 1.0) }
}

/// The regularised lower incomplete gamma function, by its series: all terms are positive.
pub(super) fn gamma_cdf(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let mut term = (a * x.ln() - x - ln_gamma(a + 1.0)).exp();
    let mut sum = term;
    let mut k = 1.0;
    while term > sum * 1e-12 || k < x {
        term *= x / (a + k);
        sum += term;
        k += 1.0;
        if term == 0.0 {
            break;
        }
    }
    sum.min(1.0)
}

/// The regularised incomplete beta function, by its hypergeometric series on the shorter side.
pub(super) fn beta_cdf(a: f64, b: f64, x: f64) -> f64 {
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_cdf_left(b, a, 1.0 - x);
    }
    beta_cdf_left(a, b, x)
}

fn beta_cdf_left(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let ln_beta = ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
    let mut term = (a * x.ln() + b * (1.0 - x).ln() - ln_beta).exp() / a;
    let mut sum = term;
    let mut k = 0.0;
    while term > sum * 1e-12 {
        term *= x * (a + b + k) / (a + 1.0 + k);
        sum += term;
        k += 1.0;
    }
    sum
}

/// A mixture of distribution functions with Poisson weights.
pub(super) fn poisson_mixture(mean: f64, cdf: impl Fn(f64) -> f64) -> f64 {
    let mut weight = (-mean).exp();
    let mut sum = 0.0;
    for k in 0..60 {
        sum += weight * cdf(f64::from(k));
        weight *= mean / f64::from(k + 1);
    }
    sum
}

/// The normal distribution function, by its series and its continued fraction.
pub(super) fn normal_cdf(x: f64) -> f64 {
    let z = x.abs();
    let density = (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt();
    let tail = if z > 4.0 {
        density / (1..60).rev().fold(z, |sum, k| z + f64::from(k) / sum)
    } else {
        let mut term = z;
        let mut sum = z;
        for k in 1..100 {
            term *= z * z / f64::from(2 * k + 1);
            sum += term;
        }
        0.5 - density * sum
    };
    if x > 0.0 { 1.0 - tail } else { tail }
}

/// The distribution function of a density on an interval, tabulated by Simpson's rule.
pub(super) fn tabulated(density: impl Fn(f64) -> f64, from: f64, to: f64) -> impl Fn(f64) -> f64 {
    const N: usize = 20_000;
    let step = (to - from) / N as f64;
    let mut table = vec![0.0];
    for i in 0..N {
        let x = from + step * i as f64;
        let part = density(x) + 4.0 * density(x + step / 2.0) + density(x + step);
        table.push(table[i] + part * step / 6.0);
    }
    move |x| {
        let at = ((x - from) / step).clamp(0.0, N as f64 - 1e-9);
        let i = at as usize;
        (table[i] + (at - i as f64) * (table[i + 1] - table[i])) / table[N]
    }
}
