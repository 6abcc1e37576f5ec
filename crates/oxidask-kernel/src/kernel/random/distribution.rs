//! The distributions by name, their parameters and what those must be.

use serde::{Deserialize, Serialize};

use crate::error::{ArrayError, Result};

macro_rules! distributions {
    ($($variant:ident $name:literal $kind:ident [$($p:ident $default:tt $rule:ident),*];)*) => {
        /// A distribution of single numbers; its parameters come as [`Param`]s, in the order of
        /// [`Distribution::parameters`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[expect(missing_docs, reason = "NumPy's distributions by name")]
        pub enum Distribution {
            $($variant,)*
        }

        impl Distribution {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// NumPy's name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The parameters, in order.
            #[must_use]
            pub fn parameters(self) -> &'static [Parameter] {
                match self {
                    $(Self::$variant => const { &[$(Parameter {
                        name: stringify!($p),
                        default: distributions!(@default $default),
                        rule: Rule::$rule,
                    },)*] },)*
                }
            }

            /// Whether its numbers are counts, of dtype `int64`.
            #[must_use]
            pub fn counts(self) -> bool {
                match self {
                    $(Self::$variant => distributions!(@counts $kind),)*
                }
            }
        }
    };
    (@default _) => { None };
    (@default $x:literal) => { Some($x) };
    (@counts float) => { false };
    (@counts count) => { true };
}

distributions! {
    Uniform "uniform" float [low 0.0 Any, high 1.0 Any];
    Normal "normal" float [loc 0.0 Any, scale 1.0 NotNegative];
    Exponential "exponential" float [scale 1.0 NotNegative];
    Laplace "laplace" float [loc 0.0 Any, scale 1.0 NotNegative];
    Gumbel "gumbel" float [loc 0.0 Any, scale 1.0 NotNegative];
    Logistic "logistic" float [loc 0.0 Any, scale 1.0 NotNegative];
    Cauchy "standard_cauchy" float [];
    Rayleigh "rayleigh" float [scale 1.0 NotNegative];
    Lognormal "lognormal" float [mean 0.0 Any, sigma 1.0 NotNegative];
    Weibull "weibull" float [a _ NotNegative];
    Pareto "pareto" float [a _ Positive];
    Power "power" float [a _ Positive];
    Triangular "triangular" float [left _ Any, mode _ Any, right _ Any];
    Gamma "gamma" float [shape _ NotNegative, scale 1.0 NotNegative];
    Beta "beta" float [a _ Positive, b _ Positive];
    ChiSquare "chisquare" float [df _ Positive];
    NoncentralChiSquare "noncentral_chisquare" float [df _ Positive, nonc _ NotNegative];
    F "f" float [dfnum _ Positive, dfden _ Positive];
    NoncentralF "noncentral_f" float [dfnum _ Positive, dfden _ Positive, nonc _ NotNegative];
    StudentT "standard_t" float [df _ Positive];
    Wald "wald" float [mean _ Positive, scale _ Positive];
    VonMises "vonmises" float [mu _ Any, kappa _ NotNegative];
    Poisson "poisson" count [lam 1.0 Mean];
    Binomial "binomial" count [n _ Count, p _ Probability];
    NegativeBinomial "negative_binomial" count [n _ PositiveNumber, p _ PositiveProbability];
    Geometric "geometric" count [p _ PositiveProbability];
    Hypergeometric "hypergeometric" count [ngood _ Count, nbad _ Count, nsample _ Count];
    LogSeries "logseries" count [p _ ProbabilityBelowOne];
    Zipf "zipf" count [a _ AboveOne];
}

/// A parameter of a run of elements.
#[derive(Clone, Copy, Debug)]
pub enum Param<'a> {
    /// The same for all of them.
    Scalar(f64),
    /// One for each of them.
    Slice(&'a [f64]),
}

impl<'a> Param<'a> {
    /// The parameter of element `i` of the run.
    #[inline(always)]
    #[must_use]
    pub fn at(&self, i: usize) -> f64 {
        match self {
            Self::Scalar(x) => *x,
            Self::Slice(slice) => slice[i],
        }
    }

    /// The parameter of a part of the run.
    #[must_use]
    pub fn part(&self, start: usize, len: usize) -> Self {
        match self {
            Self::Scalar(x) => Self::Scalar(*x),
            Self::Slice(slice) => Self::Slice(&slice[start..start + len]),
        }
    }

    fn values(&'a self) -> &'a [f64] {
        match self {
            Self::Scalar(x) => std::slice::from_ref(x),
            Self::Slice(slice) => slice,
        }
    }
}

/// What a parameter must be. Where nothing is said of NaN, it gives NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    Any,
    /// At least 0, and no negative zero, as NumPy has it.
    NotNegative,
    Positive,
    /// Above 0 and no NaN.
    PositiveNumber,
    /// At least 0 and no NaN.
    Count,
    /// The mean of counts that are to be integers.
    Mean,
    Probability,
    PositiveProbability,
    ProbabilityBelowOne,
    AboveOne,
}

impl Rule {
    /// What is wrong with `x`, in NumPy's words with `{}` for the parameter's name.
    fn broken_by(self, x: f64) -> Option<&'static str> {
        // Comparisons are false for NaN.
        let (holds, words) = match self {
            Self::Any => return None,
            Self::NotNegative => (x.is_nan() || x.is_sign_positive(), "{} < 0"),
            Self::Positive => (x.is_nan() || x > 0.0, "{} <= 0"),
            Self::PositiveNumber => (x > 0.0, "{} <= 0 or {} is NaN"),
            Self::Count => (x >= 0.0, "{} < 0 or {} is NaN"),
            // As far above the mean as its counts ever lie must be an integer still.
            Self::Mean if x > i64::MAX as f64 - 10.0 * (i64::MAX as f64).sqrt() => {
                (false, "{} value too large")
            }
            Self::Mean => (x >= 0.0, "{} < 0 or {} is NaN"),
            Self::Probability => ((0.0..=1.0).contains(&x), "{} < 0, {} > 1 or {} is NaN"),
            Self::PositiveProbability => (x > 0.0 && x <= 1.0, "{} <= 0, {} > 1 or {} is NaN"),
            Self::ProbabilityBelowOne => ((0.0..1.0).contains(&x), "{} < 0, {} >= 1 or {} is NaN"),
            Self::AboveOne => (x > 1.0, "{} <= 1 or {} is NaN"),
        };
        (!holds).then_some(words)
    }
}

/// A parameter of a distribution.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// NumPy's name of it.
    pub name: &'static str,
    /// What it is if not given.
    pub default: Option<f64>,
    rule: Rule,
}

impl Distribution {
    /// The distribution of this name of NumPy's.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|distribution| distribution.name() == name)
    }

    /// Checks parameters, which may be of different lengths if all but one are scalars.
    ///
    /// # Errors
    /// With NumPy's words and the offending value, if a parameter is out of its range.
    ///
    /// # Panics
    /// If the parameters are not as many as the distribution has.
    pub fn check(self, params: &[Param<'_>]) -> Result<()> {
        assert_eq!(params.len(), self.parameters().len(), "all parameters of {}", self.name());
        for (which, param) in params.iter().enumerate() {
            self.check_one(which, param)?;
        }
        let len = params.iter().map(|param| param.values().len()).max().unwrap_or(0);
        (0..len).try_for_each(|i| self.check_together(params, i))
    }

    /// Checks one parameter alone.
    ///
    /// # Errors
    /// As [`Distribution::check`].
    ///
    /// # Panics
    /// If the distribution hasn't so many parameters.
    pub fn check_one(self, which: usize, param: &Param<'_>) -> Result<()> {
        let spec = &self.parameters()[which];
        for &x in param.values() {
            if let Some(words) = spec.rule.broken_by(x) {
                let wrong = words.replace("{}", spec.name);
                return Err(ArrayError::Value(format!("{wrong}: {} got {x}", self.name())));
            }
        }
        Ok(())
    }

    /// Checks the parameters that are known, and all together if they all are.
    ///
    /// # Errors
    /// As [`Distribution::check`], and if they are not as many as the distribution has.
    pub fn check_known(self, params: &[Option<f64>]) -> Result<()> {
        let (n, wanted) = (params.len(), self.parameters().len());
        if n != wanted {
            return Err(ArrayError::Type(format!(
                "{} takes {wanted} parameters, got {n}",
                self.name()
            )));
        }
        let known: Option<Vec<Param<'_>>> = params.iter().map(|p| p.map(Param::Scalar)).collect();
        if let Some(params) = known {
            return self.check(&params);
        }
        for (which, x) in params.iter().enumerate() {
            if let Some(x) = x {
                self.check_one(which, &Param::Scalar(*x))?;
            }
        }
        Ok(())
    }

    /// Checks the parameters of element `i` against each other.
    fn check_together(self, params: &[Param<'_>], i: usize) -> Result<()> {
        /// Beyond it the logarithms of factorials are too coarse.
        const MOST: f64 = 1e9;
        let at = |which: usize| params[which].at(i);
        let wrong = match self {
            Self::Triangular if at(0) > at(1) => "left > mode",
            Self::Triangular if at(1) > at(2) => "mode > right",
            Self::Triangular if at(0) == at(2) => "left == right",
            Self::Uniform if !(at(1) - at(0)).is_finite() => {
                "high - low range exceeds valid bounds"
            }
            Self::Hypergeometric if at(0) + at(1) < at(2) => "ngood + nbad < nsample",
            Self::Hypergeometric if at(0).max(at(1)) >= MOST => {
                "both ngood and nbad must be less than 1000000000"
            }
            _ => return Ok(()),
        };
        let given: Vec<_> = params.iter().map(|param| param.at(i).to_string()).collect();
        Err(ArrayError::Value(format!("{wrong}: {} got ({})", self.name(), given.join(", "))))
    }
}
