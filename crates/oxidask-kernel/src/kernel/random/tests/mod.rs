//! Tests of the distributions: against their distribution functions, and element by element.

mod counts;
mod functions;
mod structures;

use super::*;
use functions::{beta_cdf, gamma_cdf, normal_cdf, poisson_mixture, tabulated};

const KEY: Key = Key([0x5EED, 1]);

fn sample(distribution: Distribution, params: &[f64], n: usize) -> Vec<f64> {
    let params: Vec<_> = params.iter().copied().map(Param::Scalar).collect();
    distribution.check(&params).unwrap();
    let mut out = vec![0.0; n];
    fill_f64(distribution, &params, &KEY, 0, &mut out);
    out
}

/// The Kolmogorov-Smirnov statistic times the root of n: above 2.0 with a probability of 0.0007.
/// It looks at every `step`th point, for slow distribution functions: less may be a few points off.
fn kolmogorov_smirnov(mut sample: Vec<f64>, step: usize, cdf: impl Fn(f64) -> f64) -> f64 {
    sample.sort_by(f64::total_cmp);
    let n = sample.len() as f64;
    let mut largest: f64 = 0.0;
    for (i, &x) in sample.iter().enumerate().step_by(step) {
        let p = cdf(x);
        largest = largest.max((p - i as f64 / n).abs()).max(((i + 1) as f64 / n - p).abs());
    }
    largest * n.sqrt()
}

#[test]
fn continuous_distributions_follow_their_distribution_functions() {
    use Distribution as D;
    use std::f64::consts::{FRAC_PI_2, PI};
    type Cdf = fn(f64) -> f64;
    let cases: &[(D, &[f64], Cdf)] = &[
        (D::Uniform, &[0.0, 1.0], |x| x),
        (D::Uniform, &[-3.0, 5.0], |x| (x + 3.0) / 8.0),
        (D::Normal, &[0.0, 1.0], normal_cdf),
        (D::Normal, &[10.0, 0.1], |x| normal_cdf((x - 10.0) / 0.1)),
        (D::Exponential, &[2.0], |x| -(-x / 2.0).exp_m1()),
        (D::Laplace, &[1.0, 2.0], |x| {
            let z = (x - 1.0) / 2.0;
            if z < 0.0 { z.exp() / 2.0 } else { 1.0 - (-z).exp() / 2.0 }
        }),
        (D::Gumbel, &[1.0, 2.0], |x| (-(-(x - 1.0) / 2.0).exp()).exp()),
        (D::Logistic, &[1.0, 2.0], |x| 1.0 / (1.0 + (-(x - 1.0) / 2.0).exp())),
        (D::Cauchy, &[], |x| (x.atan() + FRAC_PI_2) / PI),
        (D::Rayleigh, &[3.0], |x| -(-x * x / 18.0).exp_m1()),
        (D::Lognormal, &[0.5, 2.0], |x| normal_cdf((x.ln() - 0.5) / 2.0)),
        (D::Weibull, &[1.5], |x| -(-x.powf(1.5)).exp_m1()),
        (D::Pareto, &[3.0], |x| 1.0 - (1.0 + x).powi(-3)),
        (D::Power, &[2.5], |x| x.powf(2.5)),
        (D::Triangular, &[-1.0, 0.0, 3.0], |x| {
            if x < 0.0 { (x + 1.0) * (x + 1.0) / 4.0 } else { 1.0 - (3.0 - x) * (3.0 - x) / 12.0 }
        }),
    ];
    for (distribution, params, cdf) in cases {
        let statistic = kolmogorov_smirnov(sample(*distribution, params, 1_000_000), 1, cdf);
        assert!(statistic < 2.0, "{} {params:?}: {statistic}", distribution.name());
    }
}

#[test]
fn relatives_of_the_gamma_distribution_follow_their_distribution_functions() {
    use Distribution as D;
    use std::f64::consts::PI;
    type Cdf = Box<dyn Fn(f64) -> f64>;
    let von_mises = |kappa: f64| tabulated(move |x| (kappa * (x.cos() - 1.0)).exp(), -PI, PI);
    let wald = |mean: f64, scale: f64, x: f64| {
        let root = (scale / x).sqrt();
        let second = normal_cdf(-root * (x / mean + 1.0));
        normal_cdf(root * (x / mean - 1.0)) + (2.0 * scale / mean).exp() * second
    };
    let cases: Vec<(D, &[f64], Cdf)> = vec![
        (D::Gamma, &[5.0, 2.0], Box::new(|x| gamma_cdf(5.0, x / 2.0))),
        (D::Gamma, &[1.0, 1.0], Box::new(|x| gamma_cdf(1.0, x))),
        (D::Gamma, &[0.3, 1.0], Box::new(|x| gamma_cdf(0.3, x))),
        (D::Gamma, &[80.0, 1.0], Box::new(|x| gamma_cdf(80.0, x))),
        (D::ChiSquare, &[3.0], Box::new(|x| gamma_cdf(1.5, x / 2.0))),
        (D::Beta, &[2.0, 3.5], Box::new(|x| beta_cdf(2.0, 3.5, x))),
        (D::Beta, &[0.5, 0.7], Box::new(|x| beta_cdf(0.5, 0.7, x))),
        (D::F, &[3.0, 7.0], Box::new(|x| beta_cdf(1.5, 3.5, 3.0 * x / (3.0 * x + 7.0)))),
        (
            D::StudentT,
            &[3.5],
            Box::new(|x| {
                let tail = beta_cdf(1.75, 0.5, 3.5 / (3.5 + x * x)) / 2.0;
                if x > 0.0 { 1.0 - tail } else { tail }
            }),
        ),
        (
            D::NoncentralChiSquare,
            &[3.0, 2.0],
            Box::new(|x| poisson_mixture(1.0, |k| gamma_cdf(1.5 + k, x / 2.0))),
        ),
        (
            D::NoncentralChiSquare,
            &[0.7, 3.0],
            Box::new(|x| poisson_mixture(1.5, |k| gamma_cdf(0.35 + k, x / 2.0))),
        ),
        (
            D::NoncentralF,
            &[3.0, 7.0, 2.0],
            Box::new(|x| {
                poisson_mixture(1.0, |k| beta_cdf(1.5 + k, 3.5, 3.0 * x / (3.0 * x + 7.0)))
            }),
        ),
        (D::Wald, &[3.0, 4.0], Box::new(move |x| wald(3.0, 4.0, x))),
        (D::VonMises, &[0.0, 4.0], Box::new(von_mises(4.0))),
        (D::VonMises, &[0.0, 0.0], Box::new(von_mises(0.0))),
        (D::VonMises, &[0.0, 1e-6], Box::new(von_mises(1e-6))),
    ];
    for (distribution, params, cdf) in cases {
        let statistic = kolmogorov_smirnov(sample(distribution, params, 1_000_000), 100, cdf);
        assert!(statistic < 2.0, "{} {params:?}: {statistic}", distribution.name());
    }
}

#[test]
fn words_show_no_serial_correlation() {
    // Neighbours, and the elements that share words or counters.
    for distribution in [Distribution::Uniform, Distribution::Normal] {
        let mut x = sample(distribution, &[0.0, 1.0], 1_000_000);
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        x.iter_mut().for_each(|x| *x -= mean);
        let variance = x.iter().map(|x| x * x).sum::<f64>();
        for lag in [1, 2, 7, 8, 16, 24, 32, 64] {
            let r = x.iter().zip(&x[lag..]).map(|(a, b)| a * b).sum::<f64>() / variance;
            assert!(r.abs() * 1000.0 < 4.5, "{} lag {lag}: {r}", distribution.name());
            let squares = |x: f64| x * x - variance / 1e6;
            let r = x.iter().zip(&x[lag..]).map(|(a, b)| squares(*a) * squares(*b)).sum::<f64>();
            let s = x.iter().map(|x| squares(*x).powi(2)).sum::<f64>();
            assert!((r / s).abs() * 1000.0 < 4.5, "{} squares lag {lag}", distribution.name());
        }
    }
}

#[test]
fn pieces_are_parts_of_the_whole() {
    for (distribution, params) in [
        (Distribution::Normal, vec![1.0, 2.0]),
        (Distribution::Uniform, vec![0.0, 1.0]),
        (Distribution::Weibull, vec![2.0]),
        (Distribution::Gamma, vec![0.7, 2.0]),
        (Distribution::VonMises, vec![0.7, 2.0]),
    ] {
        let whole = sample(distribution, &params, 3000);
        let scalars: Vec<_> = params.iter().copied().map(Param::Scalar).collect();
        let arrays: Vec<_> = params.iter().map(|&x| vec![x; 3000]).collect();
        let mut at = 0;
        for len in [1, 31, 1, 32, 700, 33, 64, 1, 513, 600, 1024] {
            let mut out = vec![0.0; len];
            fill_f64(distribution, &scalars, &KEY, at as u64, &mut out);
            assert_eq!(out, whole[at..at + len]);
            let slices: Vec<_> = arrays.iter().map(|a| Param::Slice(&a[..len])).collect();
            fill_f64(distribution, &slices, &KEY, at as u64, &mut out);
            assert_eq!(out, whole[at..at + len]);
            at += len;
        }
    }
}

#[test]
fn instruction_sets_give_the_same_numbers() {
    use crate::kernel::processor::{FORCED, Level, level};
    let narrower = [Level::Base, Level::Avx2].into_iter().filter(|&lower| lower < level());
    let narrower: Vec<_> = narrower.collect();
    for &distribution in Distribution::ALL {
        let defaults = [1.0, 2.0, 3.0].map(Param::Scalar);
        let params: Vec<_> = match distribution {
            Distribution::Binomial | Distribution::NegativeBinomial => {
                vec![Param::Scalar(90.0), Param::Scalar(0.4)]
            }
            Distribution::Geometric | Distribution::LogSeries => vec![Param::Scalar(0.4)],
            Distribution::Zipf => vec![Param::Scalar(2.0)],
            Distribution::Hypergeometric => [40.0, 30.0, 20.0].map(Param::Scalar).to_vec(),
            _ => defaults[..distribution.parameters().len()].to_vec(),
        };
        distribution.check(&params).unwrap();
        let draw = |level| {
            FORCED.set(level);
            let (mut floats, mut counts) = (vec![0.0; 500], vec![0; 500]);
            if distribution.counts() {
                fill_i64(distribution, &params, &KEY, 3, &mut counts);
            } else {
                fill_f64(distribution, &params, &KEY, 3, &mut floats);
            }
            FORCED.set(None);
            (floats.iter().map(|x| x.to_bits()).collect::<Vec<_>>(), counts)
        };
        let widest = draw(None);
        for &level in &narrower {
            assert_eq!(draw(Some(level)), widest, "{} {level:?}", distribution.name());
        }
    }
}

#[test]
fn singles_stay_below_one() {
    let mut out = vec![0.0; 1 << 16];
    let params = [Param::Scalar(0.0), Param::Scalar(1.0)];
    fill_f32(Distribution::Uniform, &params, &KEY, 7, &mut out);
    assert!(out.iter().all(|x| (0.0..1.0).contains(x)));
    assert_eq!(toward_zero(1.0 - f64::EPSILON), 1.0 - f32::EPSILON / 2.0);
    let (long, short) = (sample(Distribution::Normal, &[0.0, 1.0], 300), &mut [0.0; 293]);
    fill_f32(Distribution::Normal, &params, &KEY, 7, short);
    assert!(long[7..].iter().zip(short).all(|(long, short)| *long as f32 == *short));
}

#[test]
fn bad_parameters_are_named() {
    let refused = |distribution: Distribution, params: &[f64]| {
        let params: Vec<_> = params.iter().copied().map(Param::Scalar).collect();
        distribution.check(&params).unwrap_err().to_string()
    };
    assert_eq!(refused(Distribution::Normal, &[0.0, -1.0]), "scale < 0: normal got -1");
    assert_eq!(refused(Distribution::Pareto, &[0.0]), "a <= 0: pareto got 0");
    let text = refused(Distribution::Triangular, &[1.0, 0.0, 2.0]);
    assert_eq!(text, "left > mode: triangular got (1, 0, 2)");
    let arrays = [Param::Slice(&[0.0, 1.0]), Param::Slice(&[1.0, -1.0])];
    assert!(Distribution::Normal.check(&arrays).is_err());
}

#[test]
fn edges_of_parameters() {
    assert!(sample(Distribution::Normal, &[3.0, 0.0], 99).iter().all(|&x| x == 3.0));
    assert!(sample(Distribution::Exponential, &[0.0], 99).iter().all(|&x| x == 0.0));
    assert!(sample(Distribution::Weibull, &[0.0], 99).iter().all(|&x| x == 0.0));
    assert!(sample(Distribution::Weibull, &[f64::NAN], 99).iter().all(|x| x.is_nan()));
    assert!(sample(Distribution::Normal, &[f64::NAN, 1.0], 99).iter().all(|x| x.is_nan()));
    assert!(sample(Distribution::Uniform, &[1.0, 1.0], 99).iter().all(|&x| x == 1.0));
    assert!(sample(Distribution::Gamma, &[0.0, 1.0], 99).iter().all(|&x| x == 0.0));
    assert!(sample(Distribution::Gamma, &[f64::NAN, 1.0], 9).iter().all(|x| x.is_nan()));
    assert!(sample(Distribution::Beta, &[f64::NAN, 1.0], 9).iter().all(|x| x.is_nan()));
    assert!(sample(Distribution::Beta, &[1e-3, 1e-3], 999).iter().all(|x| (0.0..=1.0).contains(x)));
    assert!(sample(Distribution::NoncentralChiSquare, &[f64::NAN, 1.0], 9)[0].is_nan());
    assert!(
        sample(Distribution::VonMises, &[9.0, 1e9], 99)
            .iter()
            .all(|x| (x - 9.0 + 2.0 * std::f64::consts::PI).abs() < 1e-3)
    );
    assert!(sample(Distribution::Pareto, &[1e-3], 999).iter().all(|&x| x >= 0.0));
}
