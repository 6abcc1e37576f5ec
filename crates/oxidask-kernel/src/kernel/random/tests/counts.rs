//! Discrete distributions against their probabilities.

use super::super::math::ln_factorial;
use super::functions::ln_gamma;
use super::*;

fn sample_counts(distribution: Distribution, params: &[f64], n: usize) -> Vec<i64> {
    let params: Vec<_> = params.iter().copied().map(Param::Scalar).collect();
    distribution.check(&params).unwrap();
    let mut out = vec![0; n];
    fill_i64(distribution, &params, &KEY, 0, &mut out);
    out
}

/// Pearson's statistic of a sample, in standard deviations; rare counts are pooled with the one
/// before them.
pub(super) fn pearson(sample: &[i64], probability: impl Fn(i64) -> f64) -> f64 {
    let n = sample.len() as f64;
    let largest = sample.iter().copied().max().unwrap_or(0);
    let mut seen = vec![0.0; largest as usize + 1];
    for &k in sample {
        assert!(k >= 0, "{k}");
        seen[k as usize] += 1.0;
    }
    let (mut statistic, mut bins, mut left) = (0.0, 0.0, 1.0);
    let (mut expected, mut found, mut found_left) = (0.0, 0.0, n);
    for (k, &count) in seen.iter().enumerate() {
        expected += probability(k as i64) * n;
        found += count;
        // The last bin takes all the rest.
        if expected > 20.0 && left * n - expected > 20.0 {
            statistic += (found - expected) * (found - expected) / expected;
            (bins, left, found_left) = (bins + 1.0, left - expected / n, found_left - found);
            (expected, found) = (0.0, 0.0);
        }
    }
    let rest = left * n;
    statistic += (found_left - rest) * (found_left - rest) / rest;
    assert!(bins > 0.0, "more than one bin");
    (statistic - bins) / (2.0_f64 * bins).sqrt()
}

fn ln_choose(n: f64, k: f64) -> f64 {
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

fn poisson(mean: f64) -> impl Fn(i64) -> f64 {
    move |k| (k as f64 * mean.ln() - mean - ln_factorial(k as f64)).exp()
}

fn binomial(n: f64, p: f64) -> impl Fn(i64) -> f64 {
    move |k| {
        let k = k as f64;
        if k > n {
            return 0.0;
        }
        (ln_choose(n, k) + k * p.ln() + (n - k) * (1.0 - p).ln()).exp()
    }
}

fn hypergeometric(good: f64, bad: f64, taken: f64) -> impl Fn(i64) -> f64 {
    move |k| {
        let k = k as f64;
        if k > good || k > taken || taken - k > bad {
            return 0.0;
        }
        (ln_choose(good, k) + ln_choose(bad, taken - k) - ln_choose(good + bad, taken)).exp()
    }
}

fn agrees(distribution: Distribution, params: &[f64], probability: impl Fn(i64) -> f64) {
    let z = pearson(&sample_counts(distribution, params, 1_000_000), probability);
    assert!(z.abs() < 5.0, "{} {params:?}: {z} standard deviations", distribution.name());
}

#[test]
fn counts_follow_their_probabilities() {
    use Distribution as D;
    for mean in [0.01, 1.0, 9.9, 10.0, 35.5, 1000.0] {
        agrees(D::Poisson, &[mean], poisson(mean));
    }
    for (n, p) in [(1.0, 0.3), (10.0, 0.5), (40.0, 0.9), (50.0, 0.2), (1000.0, 0.37), (1e5, 1e-4)] {
        agrees(D::Binomial, &[n, p], binomial(n, p));
    }
    for p in [0.001, 0.3, 0.9] {
        agrees(D::Geometric, &[p], move |k| {
            if k == 0 { 0.0 } else { ((k - 1) as f64 * (-p).ln_1p()).exp() * p }
        });
    }
    for (n, p) in [(0.5, 0.3), (5.0, 0.5), (40.0, 0.2)] {
        agrees(D::NegativeBinomial, &[n, p], move |k| {
            let k = k as f64;
            let choose = ln_gamma(n + k) - ln_gamma(n) - ln_factorial(k);
            (choose + n * p.ln() + k * (1.0 - p).ln()).exp()
        });
    }
    for (good, bad, taken) in
        [(5.0, 7.0, 4.0), (20.0, 30.0, 45.0), (200.0, 100.0, 50.0), (100.0, 900.0, 700.0)]
    {
        agrees(D::Hypergeometric, &[good, bad, taken], hypergeometric(good, bad, taken));
    }
    for p in [0.1, 0.7, 0.99] {
        agrees(D::LogSeries, &[p], move |k| {
            let norm = -1.0 / (-p).ln_1p();
            if k == 0 { 0.0 } else { norm * p.powi(k as i32) / k as f64 }
        });
    }
}

#[test]
fn zipf_follows_its_probabilities() {
    for a in [1.7, 2.0, 4.0] {
        // The zeta function by its sum and the integral of the rest.
        let from = 1e5_f64;
        let rest = from.powf(1.0 - a) / (a - 1.0) + from.powf(-a) / 2.0;
        let zeta = (1..100_000).map(|k| f64::from(k).powf(-a)).sum::<f64>() + rest;
        let mut sample = sample_counts(Distribution::Zipf, &[a], 1_000_000);
        // Large ones are one bin.
        sample.iter_mut().for_each(|k| *k = (*k).min(3000));
        let z = pearson(&sample, |k| if k == 0 { 0.0 } else { (k as f64).powf(-a) / zeta });
        assert!(z.abs() < 5.0, "zipf {a}: {z}");
    }
}

#[test]
fn edges_of_counts() {
    use Distribution as D;
    let all = |distribution, params: &[f64], k| {
        assert!(sample_counts(distribution, params, 200).iter().all(|&x| x == k), "{params:?}");
    };
    all(D::Binomial, &[0.0, 0.5], 0);
    all(D::Binomial, &[5.0, 0.0], 0);
    all(D::Binomial, &[5.0, 1.0], 5);
    all(D::Binomial, &[1e6, 1.0], 1_000_000);
    all(D::Poisson, &[0.0], 0);
    all(D::Geometric, &[1.0], 1);
    all(D::NegativeBinomial, &[3.0, 1.0], 0);
    all(D::LogSeries, &[0.0], 1);
    all(D::Zipf, &[2000.0], 1);
    all(D::Hypergeometric, &[5.0, 7.0, 0.0], 0);
    all(D::Hypergeometric, &[5.0, 7.0, 12.0], 5);
    all(D::Hypergeometric, &[50.0, 70.0, 120.0], 50);
    all(D::Hypergeometric, &[50.0, 0.0, 30.0], 30);
    all(D::Hypergeometric, &[0.0, 50.0, 30.0], 0);
    assert!(
        sample_counts(D::Poisson, &[1e18], 99)
            .iter()
            .all(|&k| (k - 10_i64.pow(18)).abs() < 10_i64.pow(10))
    );
    assert!(sample_counts(D::Zipf, &[1.0001], 99).iter().all(|&k| k > 0));
    assert!(sample_counts(D::Geometric, &[1e-18], 99).iter().all(|&k| k > 0));
}

#[test]
fn bad_counts_are_named() {
    use Distribution as D;
    let refused = |distribution: Distribution, params: &[f64]| {
        let params: Vec<_> = params.iter().copied().map(Param::Scalar).collect();
        distribution.check(&params).unwrap_err().to_string()
    };
    assert_eq!(refused(D::Binomial, &[5.0, 1.5]), "p < 0, p > 1 or p is NaN: binomial got 1.5");
    assert_eq!(refused(D::Poisson, &[-1.0]), "lam < 0 or lam is NaN: poisson got -1");
    assert!(refused(D::Poisson, &[1e19]).starts_with("lam value too large"));
    assert!(refused(D::Zipf, &[1.0]).starts_with("a <= 1 or a is NaN"));
    assert!(refused(D::Hypergeometric, &[1.0, 1.0, 3.0]).starts_with("ngood + nbad < nsample"));
    for distribution in [D::Binomial, D::NegativeBinomial] {
        refused(distribution, &[f64::NAN, 0.5]);
        refused(distribution, &[2.0, f64::NAN]);
    }
}
