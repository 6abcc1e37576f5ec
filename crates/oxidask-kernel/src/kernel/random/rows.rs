//! Distributions of which each element is a row of numbers.

use serde::{Deserialize, Serialize};

use super::counts::{Binomial, Hypergeometric};
use super::gamma::dirichlet;
use super::key::Key;
use super::stream::Stream;
use crate::error::{ArrayError, Result};

/// A distribution of rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum RowDistribution {
    /// How often each outcome comes in `n` trials.
    Multinomial {
        /// Trials.
        n: u64,
        /// Probabilities of the outcomes; the last one has what the others leave.
        pvals: Vec<f64>,
    },
    /// Shares that sum to 1.
    Dirichlet {
        /// Concentrations.
        alpha: Vec<f64>,
    },
    /// How many of each colour are among those taken.
    MultivariateHypergeometric {
        /// How many there are of each colour.
        colors: Vec<u64>,
        /// How many are taken.
        nsample: u64,
    },
}

impl RowDistribution {
    /// NumPy's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Multinomial { .. } => "multinomial",
            Self::Dirichlet { .. } => "dirichlet",
            Self::MultivariateHypergeometric { .. } => "multivariate_hypergeometric",
        }
    }

    /// Numbers of a row.
    #[must_use]
    pub fn width(&self) -> usize {
        match self {
            Self::Multinomial { pvals, .. } => pvals.len(),
            Self::Dirichlet { alpha } => alpha.len(),
            Self::MultivariateHypergeometric { colors, .. } => colors.len(),
        }
    }

    /// Checks the parameters.
    ///
    /// # Errors
    /// With NumPy's words and the offending value.
    pub fn check(&self) -> Result<()> {
        let wrong = |text: String| Err(ArrayError::Value(text));
        match self {
            Self::Multinomial { pvals, .. } => {
                if let Some(p) = pvals.iter().find(|p| !(0.0..=1.0).contains(*p)) {
                    return wrong(format!("pvals < 0, pvals > 1 or pvals contains NaNs: {p}"));
                }
                let sum: f64 = pvals.iter().rev().skip(1).sum();
                if sum > 1.0 + 1e-12 {
                    return wrong(format!("sum(pvals[:-1]) > 1.0: it is {sum}"));
                }
            }
            Self::Dirichlet { alpha } => {
                if let Some(a) = alpha.iter().find(|a| a.is_nan() || **a < 0.0) {
                    return wrong(format!("alpha < 0: {a}"));
                }
            }
            Self::MultivariateHypergeometric { colors, nsample } => {
                let all: u128 = colors.iter().map(|&n| u128::from(n)).sum();
                if u128::from(*nsample) > all {
                    return wrong(format!("nsample > sum(colors): {nsample} of {all}"));
                }
                if all >= 1_000_000_000 {
                    return wrong(format!(
                        "When method is 'marginals', sum(colors) must be less than 1000000000: \
                         it is {all}"
                    ));
                }
            }
        }
        Ok(())
    }

    /// Fills one row of counts after the other, the first of them row `start` of the array.
    ///
    /// # Panics
    /// If its rows are no counts.
    pub fn fill_i64(&self, key: &Key, start: u64, out: &mut [i64]) {
        let generator = key.generator();
        let rows = out.chunks_exact_mut(self.width().max(1));
        for (row, out) in rows.enumerate() {
            let mut stream = Stream::of(&generator, start.wrapping_add(row as u64));
            match self {
                Self::Multinomial { n, pvals } => multinomial(*n, pvals, &mut stream, out),
                Self::MultivariateHypergeometric { colors, nsample } => {
                    marginals(colors, *nsample, &mut stream, out);
                }
                Self::Dirichlet { .. } => panic!("rows of counts"),
            }
        }
    }

    /// Fills one row of floats after the other, the first of them row `start` of the array.
    ///
    /// # Panics
    /// If its rows are counts.
    pub fn fill_f64(&self, key: &Key, start: u64, out: &mut [f64]) {
        let Self::Dirichlet { alpha } = self else { panic!("rows of floats") };
        let generator = key.generator();
        for (row, out) in out.chunks_exact_mut(alpha.len().max(1)).enumerate() {
            let mut stream = Stream::of(&generator, start.wrapping_add(row as u64));
            dirichlet(alpha, &mut stream, out);
        }
    }
}

/// A binomial of what the outcomes before have left, for each outcome.
fn multinomial(n: u64, pvals: &[f64], stream: &mut Stream<'_>, out: &mut [i64]) {
    let (mut trials, mut rest) = (n as f64, 1.0);
    out.fill(0);
    let Some(last) = out.len().checked_sub(1) else { return };
    for (out, &p) in out[..last].iter_mut().zip(pvals) {
        if trials == 0.0 {
            return;
        }
        let share = if rest > 0.0 { (p / rest).min(1.0) } else { 0.0 };
        let count = Binomial::of(trials, share).draw(stream);
        *out = count as i64;
        trials -= count;
        rest -= p;
    }
    out[last] = trials as i64;
}

/// A hypergeometric of this colour against those behind it, for each colour.
fn marginals(colors: &[u64], nsample: u64, stream: &mut Stream<'_>, out: &mut [i64]) {
    let mut left = nsample as f64;
    let mut behind: f64 = colors.iter().map(|&n| n as f64).sum();
    for (out, &n) in out.iter_mut().zip(colors) {
        behind -= n as f64;
        let count = Hypergeometric::of(n as f64, behind, left).draw(stream);
        *out = count as i64;
        left -= count;
    }
}
