//! What is asked of rows, so far as minima and maxima of many rows can answer it.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::dtype::Unit;
use crate::scalar::Scalar;

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Compare {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// A condition on one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Test {
    /// The value compares so to this one.
    Compare(Compare, Scalar),
    /// It is one of these.
    IsIn(Vec<Scalar>),
    /// It is missing.
    IsMissing,
    /// It is not missing.
    IsPresent,
}

/// A condition on rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Predicate {
    /// On the value in a column, by its position.
    Column(usize, Test),
    /// All of these.
    All(Vec<Predicate>),
    /// At least one of these.
    Any(Vec<Predicate>),
}

/// What is known of many values without reading them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// None is less than this.
    pub min: Option<Scalar>,
    /// None is greater than this.
    pub max: Option<Scalar>,
    /// Whether minimum and maximum are values that are there: long texts are kept by their beginnings.
    pub is_exact: bool,
    /// How many are missing, NaN among them.
    pub n_missing: Option<u64>,
    /// How many there are, missing or not.
    pub n_rows: u64,
}

impl Statistics {
    /// What is known of these values and those together.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let of = |a: &Self, b: &Self, wanted: Ordering, get: fn(&Self) -> &Option<Scalar>| {
            let all_missing = |s: &Self| s.n_missing == Some(s.n_rows);
            match (get(a), get(b)) {
                (Some(x), Some(y)) => {
                    let order = order(x, y)?;
                    Some(if order == wanted { x.clone() } else { y.clone() })
                }
                (Some(x), None) if all_missing(b) => Some(x.clone()),
                (None, Some(y)) if all_missing(a) => Some(y.clone()),
                _ => None,
            }
        };
        Self {
            min: of(self, other, Ordering::Less, |s| &s.min),
            max: of(self, other, Ordering::Greater, |s| &s.max),
            is_exact: self.is_exact && other.is_exact,
            n_missing: self.n_missing.zip(other.n_missing).map(|(a, b)| a + b),
            n_rows: self.n_rows + other.n_rows,
        }
    }
}

impl Predicate {
    /// Whether a row may meet it among rows of which this is known, column by column. `true` if unsure.
    pub fn may_hold(&self, known: &mut dyn FnMut(usize) -> Statistics) -> bool {
        match self {
            Self::Column(at, test) => test.may_hold(&known(*at)),
            Self::All(parts) => parts.iter().all(|part| part.may_hold(known)),
            Self::Any(parts) => parts.iter().any(|part| part.may_hold(known)),
        }
    }

    /// The columns that it asks for.
    #[must_use]
    pub fn columns(&self) -> Vec<usize> {
        let mut columns = match self {
            Self::Column(at, _) => vec![*at],
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::columns).collect(),
        };
        columns.sort_unstable();
        columns.dedup();
        columns
    }
}

impl Test {
    fn may_hold(&self, known: &Statistics) -> bool {
        if known.n_rows == 0 {
            return false;
        }
        let all_missing = known.n_missing == Some(known.n_rows);
        match self {
            Self::IsMissing => known.n_missing != Some(0),
            Self::IsPresent => !all_missing,
            // A missing value differs from every other, as NaN does.
            Self::Compare(Compare::Ne, value) => {
                let equal = |side: &Option<Scalar>| {
                    side.as_ref().and_then(|side| order(side, value)) == Some(Ordering::Equal)
                };
                let only = known.is_exact && equal(&known.min) && equal(&known.max);
                !(only && known.n_missing == Some(0))
            }
            Self::Compare(compare, value) => !all_missing && may_compare(*compare, value, known),
            Self::IsIn(values) => values.iter().any(|value| match value {
                Scalar::Missing => known.n_missing != Some(0),
                value => !all_missing && may_compare(Compare::Eq, value, known),
            }),
        }
    }
}

fn may_compare(compare: Compare, value: &Scalar, known: &Statistics) -> bool {
    let order_of = |side: &Option<Scalar>| side.as_ref().and_then(|side| order(side, value));
    let (min, max) = (order_of(&known.min), order_of(&known.max));
    let min_is = |wanted: fn(Ordering) -> bool| min.is_none_or(wanted);
    let max_is = |wanted: fn(Ordering) -> bool| max.is_none_or(wanted);
    match compare {
        Compare::Eq => min_is(Ordering::is_le) && max_is(Ordering::is_ge),
        Compare::Ne => true,
        Compare::Lt => min_is(Ordering::is_lt),
        Compare::Le => min_is(Ordering::is_le),
        Compare::Gt => max_is(Ordering::is_gt),
        Compare::Ge => max_is(Ordering::is_ge),
    }
}

/// How two values compare; none if they don't, or not surely.
#[must_use]
pub fn order(left: &Scalar, right: &Scalar) -> Option<Ordering> {
    let integer = |scalar: &Scalar| match scalar {
        Scalar::Bool(value) => Some(i128::from(*value)),
        Scalar::Int(value) => Some(i128::from(*value)),
        Scalar::UInt(value) => Some(i128::from(*value)),
        _ => None,
    };
    let nanos =
        |value: i64, unit: Unit| i128::from(value) * i128::from(1_000_000_000 / unit.per_second());
    match (left, right) {
        (Scalar::Str(a), Scalar::Str(b)) => Some(a.cmp(b)),
        (Scalar::Datetime(a, u, z), Scalar::Datetime(b, v, y)) if z.is_some() == y.is_some() => {
            Some(nanos(*a, *u).cmp(&nanos(*b, *v)))
        }
        (Scalar::Timedelta(a, u), Scalar::Timedelta(b, v)) => {
            Some(nanos(*a, *u).cmp(&nanos(*b, *v)))
        }
        (Scalar::Float(a), Scalar::Float(b)) => a.partial_cmp(b),
        (Scalar::Float(a), b) => float_order(*a, integer(b)?),
        (a, Scalar::Float(b)) => float_order(*b, integer(a)?).map(Ordering::reverse),
        (a, b) => Some(integer(a)?.cmp(&integer(b)?)),
    }
}

/// How a float compares to an integer, if the integer is one that floats can tell from its neighbours.
fn float_order(float: f64, integer: i128) -> Option<Ordering> {
    let is_exact = integer.unsigned_abs() <= 1 << 53;
    if is_exact { float.partial_cmp(&(integer as f64)) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(min: i64, max: i64, n_missing: Option<u64>) -> Statistics {
        Statistics {
            min: Some(Scalar::Int(min)),
            max: Some(Scalar::Int(max)),
            is_exact: true,
            n_missing,
            n_rows: 10,
        }
    }

    fn may(test: Test, known: &Statistics) -> bool {
        Predicate::Column(0, test).may_hold(&mut |_| known.clone())
    }

    #[test]
    fn ranges_rule_values_out() {
        let five = || Scalar::Float(5.5);
        let compare = |c, known: &Statistics| may(Test::Compare(c, five()), known);
        let above = known(6, 9, Some(0));
        let answers =
            [Compare::Eq, Compare::Ne, Compare::Lt, Compare::Le, Compare::Gt, Compare::Ge]
                .map(|c| compare(c, &above));
        assert_eq!(answers, [false, true, false, false, true, true]);
        assert!(compare(Compare::Eq, &known(5, 6, None)));
        assert!(compare(Compare::Eq, &Statistics { n_rows: 1, ..Statistics::default() }));
    }

    #[test]
    fn missing_values_differ_from_all() {
        let ne = |known: &Statistics| may(Test::Compare(Compare::Ne, Scalar::Int(4)), known);
        assert!(!ne(&known(4, 4, Some(0))));
        assert!(ne(&known(4, 4, Some(1))) && ne(&known(4, 4, None)));
        assert!(!may(Test::IsMissing, &known(1, 2, Some(0))));
        assert!(!may(Test::IsPresent, &known(1, 2, Some(10))));
    }
}
