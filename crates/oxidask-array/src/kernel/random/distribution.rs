//! The distributions by name, their parameters and what those must be.

use serde::{Deserialize, Serialize};

use crate::error::{ArrayError, Result};

/// A distribution of single numbers; its parameters come as [`Param`]s, in the order of
/// [`Distribution::parameters`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "NumPy's distributions by name")]
pub enum Distribution {
    Uniform,
    Normal,
    Exponential,
    Laplace,
    Gumbel,
    Logistic,
    Cauchy,
    Rayleigh,
    Lognormal,
    Weibull,
    Pareto,
    Power,
    Triangular,
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

/// What a parameter must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    Any,
    /// At least 0, and no negative zero, as NumPy has it; NaN gives NaN.
    NotNegative,
    /// Above 0; NaN gives NaN.
    Positive,
}

impl Rule {
    /// What is wrong, in NumPy's words after the parameter's name.
    fn broken_by(self, x: f64) -> Option<&'static str> {
        match self {
            Self::NotNegative if x.is_sign_negative() && !x.is_nan() => Some("< 0"),
            Self::Positive if x <= 0.0 => Some("<= 0"),
            _ => None,
        }
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

const fn parameter(name: &'static str, default: Option<f64>, rule: Rule) -> Parameter {
    Parameter { name, default, rule }
}

const LOCATION_SCALE: &[Parameter] =
    &[parameter("loc", Some(0.0), Rule::Any), parameter("scale", Some(1.0), Rule::NotNegative)];
const SCALE: &[Parameter] = &[parameter("scale", Some(1.0), Rule::NotNegative)];

impl Distribution {
    /// The parameters, in order.
    #[must_use]
    pub fn parameters(self) -> &'static [Parameter] {
        match self {
            Self::Uniform => {
                const {
                    &[
                        parameter("low", Some(0.0), Rule::Any),
                        parameter("high", Some(1.0), Rule::Any),
                    ]
                }
            }
            Self::Normal | Self::Laplace | Self::Gumbel | Self::Logistic => LOCATION_SCALE,
            Self::Exponential | Self::Rayleigh => SCALE,
            Self::Cauchy => &[],
            Self::Lognormal => {
                const {
                    &[
                        parameter("mean", Some(0.0), Rule::Any),
                        parameter("sigma", Some(1.0), Rule::NotNegative),
                    ]
                }
            }
            Self::Weibull => const { &[parameter("a", None, Rule::NotNegative)] },
            Self::Pareto | Self::Power => const { &[parameter("a", None, Rule::Positive)] },
            Self::Triangular => {
                const {
                    &[
                        parameter("left", None, Rule::Any),
                        parameter("mode", None, Rule::Any),
                        parameter("right", None, Rule::Any),
                    ]
                }
            }
        }
    }

    /// NumPy's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Normal => "normal",
            Self::Exponential => "exponential",
            Self::Laplace => "laplace",
            Self::Gumbel => "gumbel",
            Self::Logistic => "logistic",
            Self::Cauchy => "standard_cauchy",
            Self::Rayleigh => "rayleigh",
            Self::Lognormal => "lognormal",
            Self::Weibull => "weibull",
            Self::Pareto => "pareto",
            Self::Power => "power",
            Self::Triangular => "triangular",
        }
    }

    /// Checks parameters, which may be of different lengths if all but one are scalars.
    ///
    /// # Errors
    /// With NumPy's words and the offending value, if a parameter is out of its range.
    ///
    /// # Panics
    /// If the parameters are not as many as the distribution has.
    pub fn check(self, params: &[Param<'_>]) -> Result<()> {
        let specs = self.parameters();
        assert_eq!(params.len(), specs.len(), "all parameters of {}", self.name());
        for (spec, param) in specs.iter().zip(params) {
            for &x in param.values() {
                if let Some(wrong) = spec.rule.broken_by(x) {
                    return Err(ArrayError::Value(format!(
                        "{} {wrong}: {} got {x}",
                        spec.name,
                        self.name()
                    )));
                }
            }
        }
        let len = params.iter().map(|param| param.values().len()).max().unwrap_or(0);
        (0..len).try_for_each(|i| self.check_together(params, i))
    }

    /// Checks the parameters of element `i` against each other.
    fn check_together(self, params: &[Param<'_>], i: usize) -> Result<()> {
        let at = |which: usize| params[which].at(i);
        let wrong = match self {
            Self::Triangular if at(0) > at(1) => "left > mode",
            Self::Triangular if at(1) > at(2) => "mode > right",
            Self::Triangular if at(0) == at(2) => "left == right",
            Self::Uniform if !(at(1) - at(0)).is_finite() => {
                "high - low range exceeds valid bounds"
            }
            _ => return Ok(()),
        };
        let given: Vec<_> = params.iter().map(|param| param.at(i).to_string()).collect();
        Err(ArrayError::Value(format!("{wrong}: {} got ({})", self.name(), given.join(", "))))
    }
}
