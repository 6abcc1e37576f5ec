//! Nanoseconds for each random number on one core: whole runs, and runs of one element.

#![expect(clippy::print_stdout, reason = "an example that prints")]

use std::hint::black_box;
use std::time::Instant;

use oxidask_array::kernel::random::{Distribution as D, Key, Param, fill_f64};

fn rate(distribution: D, params: &[Param<'_>], len: usize) -> f64 {
    let mut out = vec![0.0; len];
    let n = (1 << 24) / len.max(64);
    let start = Instant::now();
    for i in 0..n {
        fill_f64(distribution, params, &Key([1, 2]), (i * len) as u64, black_box(&mut out));
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
    ];
    for (distribution, params) in all {
        let (long, short) = (rate(*distribution, params, 4096), rate(*distribution, params, 1));
        println!("{:<24} {long:>8.2} ns   alone {short:>8.1} ns", distribution.name());
    }
}
