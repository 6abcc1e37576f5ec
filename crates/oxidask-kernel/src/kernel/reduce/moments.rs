//! Means and variances in one pass: tiles by two passes in the cache, joined as Chan, Golub and
//! LeVeque do it ("Algorithms for computing the sample variance", 1983). Sums of squares never
//! cancel.

use num_complex::Complex64;

use crate::dtype::Element;
use crate::error::Result;
use crate::kernel::Chunk;
use crate::kernel::reduce::fold::{Number, Sum, Wide};
use crate::kernel::reduce::folder::{Accumulate, Spot, by_level, chunk_of, run};

/// Numbers that have a variance.
pub(super) trait Varied: Element + Number + Wide<Acc = Self> {
    fn minus(self, other: Self) -> Self;
    fn scaled(self, factor: f64) -> Self;
    /// The real part of `self * conj(other)`.
    fn dot(self, other: Self) -> f64;
}

impl Varied for f64 {
    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        self - other
    }
    #[inline(always)]
    fn scaled(self, factor: f64) -> Self {
        self * factor
    }
    #[inline(always)]
    fn dot(self, other: Self) -> f64 {
        self * other
    }
}

impl Varied for Complex64 {
    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        self - other
    }
    #[inline(always)]
    fn scaled(self, factor: f64) -> Self {
        Self::new(self.re * factor, self.im * factor)
    }
    #[inline(always)]
    fn dot(self, other: Self) -> f64 {
        self.re * other.re + self.im * other.im
    }
}

/// Counts, means and sums of squared distances from them.
pub(super) struct Moments<T, const SKIP: bool> {
    counts: Vec<f64>,
    means: Vec<T>,
    squares: Vec<f64>,
}

by_level! {
    /// The sum of squared distances of a run from a mean, NaN left out if `SKIP`.
    fn distances<T: Run>(run: (&[T::In], T::In)) -> f64 = T::distances
}
by_level! {
    /// Joins a row, the `n`-th, to the moments of each column.
    fn row<T: Run>(means: &mut [T::In], squares: &mut [f64], xs: &[T::In], n: f64) = row_body::<T>
}

/// A type with its way of NaN.
pub(super) trait Run {
    type In: Varied;
    fn distances(run: (&[Self::In], Self::In)) -> f64;
}

struct Way<T, const SKIP: bool>(std::marker::PhantomData<T>);

impl<T: Varied, const SKIP: bool> Run for Way<T, SKIP> {
    type In = T;

    #[inline(always)]
    fn distances((xs, mean): (&[T], T)) -> f64 {
        const LANES: usize = 16;
        let distance = |x: T| {
            let d = x.minus(mean);
            if SKIP && x.is_nan() { 0.0 } else { d.dot(d) }
        };
        let mut lanes = [0.0; LANES];
        let (groups, rest) = xs.as_chunks::<LANES>();
        for group in groups {
            for i in 0..LANES {
                lanes[i] += distance(group[i]);
            }
        }
        for (lane, &x) in lanes.iter_mut().zip(rest) {
            *lane += distance(x);
        }
        let mut width = LANES;
        while width > 1 {
            width /= 2;
            for i in 0..width {
                lanes[i] += lanes[i + width];
            }
        }
        lanes[0]
    }
}

#[inline(always)]
fn row_body<T: Run>(means: &mut [T::In], squares: &mut [f64], xs: &[T::In], n: f64) {
    let share = 1.0 / n;
    for ((mean, square), &x) in means.iter_mut().zip(squares).zip(xs) {
        let before = x.minus(*mean);
        *mean = mean.plus(before.scaled(share));
        *square += before.dot(x.minus(*mean));
    }
}

/// Elements of a run whose moments are taken at once.
const PIECE: usize = 2048;

impl<T: Varied, const SKIP: bool> Moments<T, SKIP> {
    /// Of so many values.
    pub(super) fn new(n: usize) -> Self {
        Self { counts: vec![0.0; n], means: vec![T::ZERO; n], squares: vec![0.0; n] }
    }

    fn along(&mut self, at: usize, xs: &[T]) {
        for piece in xs.chunks(PIECE) {
            let total = run::<Sum<T, SKIP>>(piece);
            let n = if SKIP {
                piece.iter().filter(|x| !x.is_nan()).count() as f64
            } else {
                piece.len() as f64
            };
            if n > 0.0 {
                let mean = total.scaled(1.0 / n);
                let squares = distances::<Way<T, SKIP>>((piece, mean));
                self.join(at, (n, mean, squares));
            }
        }
    }

    fn join(&mut self, at: usize, (n, mean, squares): (f64, T, f64)) {
        let known = self.counts[at];
        if known == 0.0 {
            (self.counts[at], self.means[at], self.squares[at]) = (n, mean, squares);
            return;
        }
        let sum = known + n;
        let apart = mean.minus(self.means[at]);
        self.counts[at] = sum;
        self.means[at] = self.means[at].plus(apart.scaled(n / sum));
        self.squares[at] += squares + apart.dot(apart) * (known * n / sum);
    }

    /// Joins the states of several blocks.
    pub(super) fn merge(states: &[Vec<Chunk>]) -> Result<Vec<Chunk>> {
        let shape = states[0][0].shape();
        let mut merged = Self::new(states[0][0].len());
        for state in states {
            let counts = state[0].elements::<f64>()?;
            let means = state[1].elements::<T>()?;
            let squares = state[2].elements::<f64>()?;
            for at in 0..merged.counts.len().min(counts.len()) {
                if counts[at] > 0.0 {
                    merged.join(at, (counts[at], means[at], squares[at]));
                }
            }
        }
        Box::new(merged).state(shape)
    }
}

impl<T: Varied, const SKIP: bool> Accumulate for Moments<T, SKIP> {
    unsafe fn take(&mut self, spot: &Spot, elements: *const u8) {
        let n = spot.rows * spot.columns;
        // SAFETY: the caller's promise.
        let xs = unsafe { std::slice::from_raw_parts(elements.cast::<T>(), n) };
        if spot.along && spot.row_step == 0 {
            return self.along(spot.at, xs);
        }
        for (number, xs) in xs.chunks_exact(spot.columns).enumerate() {
            let at = spot.at + number * spot.row_step;
            let range = at..at + spot.columns;
            if spot.along {
                self.along(at, xs);
            } else if SKIP {
                for (at, &x) in range.zip(xs) {
                    if !x.is_nan() {
                        // 0, but for infinities: those are at no distance from a mean.
                        let apart = x.minus(x);
                        self.join(at, (1.0, x, apart.dot(apart)));
                    }
                }
            } else {
                // Every column of a row has seen as many rows.
                let n = self.counts[at] + 1.0;
                self.counts[range.clone()].fill(n);
                let (means, squares) = (&mut self.means[range.clone()], &mut self.squares[range]);
                row::<Way<T, SKIP>>(means, squares, xs, n);
            }
        }
    }

    fn state(self: Box<Self>, shape: &[usize]) -> Result<Vec<Chunk>> {
        Ok(vec![
            chunk_of(self.counts, shape)?,
            chunk_of(self.means, shape)?,
            chunk_of(self.squares, shape)?,
        ])
    }
}
