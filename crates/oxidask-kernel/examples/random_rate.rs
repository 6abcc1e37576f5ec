//! Nanoseconds for each random number on one core: whole runs, and runs of one element.

#![expect(clippy::print_stdout, reason = "an example that prints")]

use std::hint::black_box;
use std::time::Instant;

use oxidask_kernel::kernel::random::{Distribution as D, Key, Param, fill_f64, fill_i64};

fn rate(distribution: D, params: &[Param<'_>], len: usize) -> f64 {
    let (mut floats, mut counts) = (vec![0.0; len], vec![0; len]);
    let n = (1 << 22) / len.max(64);
    let start = Instant::now();
    for i in 0..n {
        let from = (i * len) as u64;
        if distribution.counts() {
            fill_i64(distribution, params, &Key([1, 2]), from, black_box(&mut counts));
        } else {
            fill_f64(distribution, params, &Key([1, 2]), from, black_box(&mut floats));
        }
    }
    start.elapsed().as_secs_f64() * 1e9 / (n * len) as f64
}

fn main() {
    let s = Param::Scalar;
    let all: &[(D, &[Param<'_>])] = &[
        (D::Uniform, &[s(0.0), s(1.0)]),
        (D::Uniform, &[s(2.0), s(3.0)]),
        (D::Normal, &[s(0.0), s(1.0)]),
        (D::Normal, &[s(10.0), s(0.1)]),
        (D::Exponential, &[s(2.0)]),
        (D::Laplace, &[s(0.0), s(1.0)]),
        (D::Gumbel, &[s(0.0), s(1.0)]),
        (D::Logistic, &[s(0.0), s(1.0)]),
        (D::Cauchy, &[]),
        (D::Rayleigh, &[s(1.0)]),
        (D::Lognormal, &[s(0.0), s(1.0)]),
        (D::Weibull, &[s(2.0)]),
        (D::Pareto, &[s(3.0)]),
        (D::Power, &[s(3.0)]),
        (D::Triangular, &[s(0.0), s(1.0), s(3.0)]),
        (D::Gamma, &[s(5.0), s(1.0)]),
        (D::Gamma, &[s(0.5), s(1.0)]),
        (D::Beta, &[s(2.0), s(3.0)]),
        (D::Beta, &[s(0.5), s(0.5)]),
        (D::ChiSquare, &[s(3.0)]),
        (D::NoncentralChiSquare, &[s(3.0), s(2.0)]),
        (D::F, &[s(3.0), s(4.0)]),
        (D::NoncentralF, &[s(3.0), s(4.0), s(2.0)]),
        (D::StudentT, &[s(3.0)]),
        (D::Wald, &[s(3.0), s(4.0)]),
        (D::VonMises, &[s(0.0), s(4.0)]),
        (D::Poisson, &[s(1.0)]),
        (D::Poisson, &[s(9.0)]),
        (D::Poisson, &[s(100.0)]),
        (D::Binomial, &[s(10.0), s(0.5)]),
        (D::Binomial, &[s(1000.0), s(0.3)]),
        (D::NegativeBinomial, &[s(5.0), s(0.5)]),
        (D::Geometric, &[s(0.3)]),
        (D::Hypergeometric, &[s(20.0), s(30.0), s(10.0)]),
        (D::Hypergeometric, &[s(200.0), s(300.0), s(100.0)]),
        (D::LogSeries, &[s(0.7)]),
        (D::Zipf, &[s(2.0)]),
    ];
    for (distribution, params) in all {
        let (long, short) = (rate(*distribution, params, 4096), rate(*distribution, params, 1));
        println!("{:<24} {long:>8.2} ns   alone {short:>8.1} ns", distribution.name());
    }
}
