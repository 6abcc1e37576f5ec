//! Discrete distributions: each element draws until it accepts.

use super::gamma::StandardGamma;
use super::math::{exp, exp_m1, ln, ln_1p, ln_factorial, pow};
use super::stream::{Sampler, Stream};

/// 1 / k.
const INVERSE: [f64; 128] = {
    let mut table = [0.0; 128];
    let mut k = 1;
    while k < 128 {
        table[k] = 1.0 / k as f64;
        k += 1;
    }
    table
};

/// A count as an integer; what is beyond the integers is the largest one.
#[inline(always)]
fn count(x: f64) -> i64 {
    x as i64
}

/// Parameter: the mean. Small means by inversion; others by W. Hoermann, *The transformed rejection
/// method for generating Poisson random variables*, Insurance: Mathematics and Economics 12, 1993
/// (PTRS).
#[derive(Clone, Copy)]
pub(super) struct Poisson {
    mean: f64,
    /// The probability of 0, or the logarithm of the mean.
    p0_or_ln: f64,
    a: f64,
    b: f64,
    inverse_alpha: f64,
    sure: f64,
}

impl Poisson {
    const SMALL: f64 = 10.0;

    #[inline(always)]
    pub(super) fn of(mean: f64) -> Self {
        let b = 0.931 + 2.53 * mean.sqrt();
        Self {
            mean,
            p0_or_ln: if mean < Self::SMALL { exp(-mean) } else { ln(mean) },
            a: -0.059 + 0.02483 * b,
            b,
            inverse_alpha: 1.1239 + 1.1328 / (b - 3.4),
            sure: 0.9277 - 3.6224 / (b - 2.0),
        }
    }

    #[inline(always)]
    pub(super) fn draw(&self, stream: &mut Stream<'_>) -> f64 {
        if self.mean < Self::SMALL { self.by_inversion(stream) } else { self.by_rejection(stream) }
    }

    #[inline(always)]
    fn by_inversion(&self, stream: &mut Stream<'_>) -> f64 {
        'again: loop {
            let mut u = stream.unit();
            let mut p = self.p0_or_ln;
            let mut k = 0;
            while u >= p {
                u -= p;
                k += 1;
                if k == INVERSE.len() {
                    continue 'again;
                }
                p *= self.mean * INVERSE[k];
            }
            return k as f64;
        }
    }

    #[inline(always)]
    fn by_rejection(&self, stream: &mut Stream<'_>) -> f64 {
        if !self.mean.is_finite() {
            return self.mean;
        }
        loop {
            let u = stream.open_unit() - 0.5;
            let v = stream.open_unit();
            let us = 0.5 - u.abs();
            let k = ((2.0 * self.a / us + self.b) * u + self.mean + 0.43).floor();
            if us >= 0.07 && v <= self.sure {
                return k;
            }
            if k < 0.0 || (us < 0.013 && v > us) {
                continue;
            }
            let height = ln(v * self.inverse_alpha / (self.a / (us * us) + self.b));
            if height <= k * self.p0_or_ln - self.mean - ln_factorial(k) {
                return k;
            }
        }
    }
}

impl Sampler for Poisson {
    type Out = i64;

    #[inline(always)]
    fn new([mean, ..]: [f64; 3]) -> Self {
        Self::of(mean)
    }

    #[inline(always)]
    fn sample(&self, stream: &mut Stream<'_>) -> i64 {
        count(self.draw(stream))
    }
}

/// Parameters: trials, probability. Small means by inversion; others by W. Hoermann, *The generation
/// of binomial random variates*, J. Statist. Comput. Simul. 46, 1993 (BTRS).
#[derive(Clone, Copy)]
pub(super) struct Binomial {
    n: f64,
    /// At most a half; the rest are counted instead if `flipped`.
    p: f64,
    flipped: bool,
    odds: f64,
    /// The probability of 0, or the logarithm of the odds.
    p0_or_ln: f64,
    a: f64,
    b: f64,
    alpha: f64,
    sure: f64,
    mode: f64,
    at_mode: f64,
}

impl Binomial {
    const SMALL: f64 = 10.0;

    #[inline(always)]
    pub(super) fn of(n: f64, p: f64) -> Self {
        let n = n.floor();
        let flipped = p > 0.5;
        let p = if flipped { 1.0 - p } else { p };
        let odds = p / (1.0 - p);
        let spread = (n * p * (1.0 - p)).sqrt();
        let b = 1.15 + 2.53 * spread;
        let mode = ((n + 1.0) * p).floor();
        let small = n * p < Self::SMALL;
        Self {
            n,
            p,
            flipped,
            odds,
            p0_or_ln: if small { exp(n * ln_1p(-p)) } else { ln(odds) },
            a: -0.0873 + 0.0248 * b + 0.01 * p,
            b,
            alpha: (2.83 + 5.1 / b) * spread,
            sure: 0.92 - 4.2 / b,
            mode,
            at_mode: if small { 0.0 } else { ln_factorial(mode) + ln_factorial(n - mode) },
        }
    }

    #[inline(always)]
    pub(super) fn draw(&self, stream: &mut Stream<'_>) -> f64 {
        let small = self.n * self.p < Self::SMALL;
        let k = if small { self.by_inversion(stream) } else { self.by_rejection(stream) };
        if self.flipped { self.n - k } else { k }
    }

    #[inline(always)]
    fn by_inversion(&self, stream: &mut Stream<'_>) -> f64 {
        'again: loop {
            let mut u = stream.unit();
            let mut p = self.p0_or_ln;
            let mut k = 0;
            let mut left = self.n;
            while u >= p {
                u -= p;
                k += 1;
                if k == INVERSE.len() || left <= 0.0 {
                    continue 'again;
                }
                p *= left * self.odds * INVERSE[k];
                left -= 1.0;
            }
            return k as f64;
        }
    }

    #[inline(always)]
    fn by_rejection(&self, stream: &mut Stream<'_>) -> f64 {
        loop {
            let v = stream.open_unit();
            let u = stream.open_unit() - 0.5;
            let us = 0.5 - u.abs();
            let k = ((2.0 * self.a / us + self.b) * u + self.n * self.p + 0.5).floor();
            if us >= 0.07 && v <= self.sure {
                return k;
            }
            if k < 0.0 || k > self.n {
                continue;
            }
            let height = ln(v * self.alpha / (self.a / (us * us) + self.b));
            let ratio = self.at_mode - ln_factorial(k) - ln_factorial(self.n - k);
            if height <= ratio + (k - self.mode) * self.p0_or_ln {
                return k;
            }
        }
    }
}

impl Sampler for Binomial {
    type Out = i64;

    #[inline(always)]
    fn new([n, p, _]: [f64; 3]) -> Self {
        Self::of(n, p)
    }

    #[inline(always)]
    fn sample(&self, stream: &mut Stream<'_>) -> i64 {
        count(self.draw(stream))
    }
}

/// Parameters: successes, probability. A Poisson with a gamma mean.
pub(super) struct NegativeBinomial(StandardGamma, f64);

impl Sampler for NegativeBinomial {
    type Out = i64;

    #[inline(always)]
    fn new([n, p, _]: [f64; 3]) -> Self {
        Self(StandardGamma::of(n), (1.0 - p) / p)
    }

    #[inline(always)]
    fn sample(&self, stream: &mut Stream<'_>) -> i64 {
        let mean = self.0.draw(stream) * self.1;
        count(Poisson::of(mean).draw(stream))
    }
}

/// Parameter: the probability. An exponential, rounded up.
pub(super) struct Geometric(f64);

impl Sampler for Geometric {
    type Out = i64;

    #[inline(always)]
    fn new([p, ..]: [f64; 3]) -> Self {
        Self(-1.0 / ln_1p(-p))
    }

    #[inline(always)]
    fn sample(&self, stream: &mut Stream<'_>) -> i64 {
        count((stream.exponential() * self.0).ceil().max(1.0))
    }
}

/// Parameters: good, bad, how many are taken. Few by taking them one by one; many by E. Stadlober,
/// *Sampling from Poisson, binomial and hypergeometric distributions: ratio of uniforms as a simple
/// and fast alternative*, 1989 (HRUA).
#[derive(Clone, Copy)]
pub(super) struct Hypergeometric {
    good: f64,
    bad: f64,
    taken: f64,
    centre: f64,
    width: f64,
    end: f64,
    at_mode: f64,
}

impl Hypergeometric {
    const FEW: f64 = 12.0;

    #[inline(always)]
    pub(super) fn of(good: f64, bad: f64, taken: f64) -> Self {
        let (good, bad, taken) = (good.floor(), bad.floor(), taken.floor());
        let this = Self { good, bad, taken, centre: 0.0, width: 0.0, end: 0.0, at_mode: 0.0 };
        let (all, few, m) = (good + bad, good.min(bad), this.smaller_half());
        if m < Self::FEW {
            return this;
        }
        let share = few / all;
        let variance = (all - m) * m * share * (1.0 - share) / (all - 1.0);
        let spread = (variance + 0.5).sqrt();
        let centre = m * share + 0.5;
        let mode = ((m + 1.0) * (few + 1.0) / (all + 2.0)).floor();
        Self {
            centre,
            // 2 sqrt(2/e) and 3 - 2 sqrt(3/e)
            width: 1.715_527_769_921_413_5 * spread + 0.898_916_162_058_898_8,
            end: (m.min(few) + 1.0).min((centre + 16.0 * spread).floor()),
            at_mode: this.ln_weight(mode),
            ..this
        }
    }

    /// What is taken or what is left, whichever is less.
    #[inline(always)]
    fn smaller_half(&self) -> f64 {
        self.taken.min(self.good + self.bad - self.taken)
    }

    /// The logarithm of one over the probability of `k` of the rarer kind, but for a constant.
    #[inline(always)]
    fn ln_weight(&self, k: f64) -> f64 {
        let (few, many, m) =
            (self.good.min(self.bad), self.good.max(self.bad), self.smaller_half());
        ln_factorial(k) + ln_factorial(few - k) + ln_factorial(m - k) + ln_factorial(many - m + k)
    }

    #[inline(always)]
    pub(super) fn draw(&self, stream: &mut Stream<'_>) -> f64 {
        let m = self.smaller_half();
        let good = if m < Self::FEW {
            self.one_by_one(stream)
        } else {
            let rare = self.by_ratio(stream);
            if self.good > self.bad { m - rare } else { rare }
        };
        if m < self.taken { self.good - good } else { good }
    }

    #[inline(always)]
    fn one_by_one(&self, stream: &mut Stream<'_>) -> f64 {
        let (mut good, mut all, mut left) = (self.good, self.good + self.bad, self.smaller_half());
        while left > 0.0 && good > 0.0 {
            if stream.unit() * all < good {
                good -= 1.0;
            }
            all -= 1.0;
            left -= 1.0;
        }
        self.good - good
    }

    #[inline(always)]
    fn by_ratio(&self, stream: &mut Stream<'_>) -> f64 {
        loop {
            let x = stream.open_unit();
            let y = stream.unit();
            let k = (self.centre + self.width * (y - 0.5) / x).floor();
            if k < 0.0 || k >= self.end {
                continue;
            }
            let t = self.at_mode - self.ln_weight(k);
            let quickly = x * (4.0 - x) - 3.0 <= t;
            if quickly || (x * (x - t) < 1.0 && 2.0 * ln(x) <= t) {
                return k;
            }
        }
    }
}

impl Sampler for Hypergeometric {
    type Out = i64;

    #[inline(always)]
    fn new([good, bad, taken]: [f64; 3]) -> Self {
        Self::of(good, bad, taken)
    }

    #[inline(always)]
    fn sample(&self, stream: &mut Stream<'_>) -> i64 {
        count(self.draw(stream))
    }
}

/// Parameter: the probability (A. W. Kemp, *Efficient generation of logarithmically distributed
/// pseudo-random variables*, Applied Statistics 30, 1981: algorithm LK).
pub(super) struct LogSeries(f64, f64);

impl Sampler for LogSeries {
    type Out = i64;

    #[inline(always)]
    fn new([p, ..]: [f64; 3]) -> Self {
        Self(p, ln_1p(-p))
    }

    #[inline(always)]
    fn sample(&self, stream: &mut Stream<'_>) -> i64 {
        let v = stream.open_unit();
        if v >= self.0 {
            return 1;
        }
        let q = -exp_m1(self.1 * stream.open_unit());
        if v <= q * q {
            count((1.0 + ln(v) / ln(q)).floor().max(1.0))
        } else if v >= q {
            1
        } else {
            2
        }
    }
}

/// Parameter: the exponent (L. Devroye, *Non-uniform random variate generation*, 1986, chapter X.6).
pub(super) struct Zipf {
    less_one: f64,
    /// 2^(a - 1), less 1 in the second.
    b: [f64; 2],
    smallest: f64,
}

impl Sampler for Zipf {
    type Out = i64;

    #[inline(always)]
    fn new([a, ..]: [f64; 3]) -> Self {
        let less_one = a - 1.0;
        // Uniforms below this one give counts beyond the integers.
        let smallest = pow(i64::MAX as f64, -less_one);
        let b = less_one * std::f64::consts::LN_2;
        Self { less_one, b: [exp(b), exp_m1(b)], smallest }
    }

    #[inline(always)]
    fn sample(&self, stream: &mut Stream<'_>) -> i64 {
        if self.b[0] == f64::INFINITY {
            return 1;
        }
        loop {
            let u = stream.open_unit();
            let u = u * self.smallest + (1.0 - u);
            let v = stream.unit();
            let x = pow(u, -1.0 / self.less_one).floor();
            if !(1.0..i64::MAX as f64).contains(&x) {
                continue;
            }
            let t = exp_m1(self.less_one * ln_1p(1.0 / x));
            // v x (T - 1) / (b - 1) <= T / b with T = 1 + t.
            if v * x * t * self.b[0] <= (1.0 + t) * self.b[1] {
                return count(x);
            }
        }
    }
}
