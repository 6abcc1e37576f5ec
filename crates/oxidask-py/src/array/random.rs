//! Random arrays.

use oxidask_array::dtype::DType;
use oxidask_array::kernel::random::{Distribution, Key, Param, RowDistribution};
use oxidask_array::ops::random::Draw;
use oxidask_array::plan::array::Array;
use oxidask_array::plan::random::{Argument, Seeded, check_parameters};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::array::expr::{ArrayExpr, IntoPython, NoKernel, PyChunks, dtype_of, expr};
use crate::array::memory::to_chunk;

/// What all random arrays need: the first part of the name, the seed, the dtype and the chunks.
pub(crate) struct PySeeded(Seeded);

impl<'a, 'py> FromPyObject<'a, 'py> for PySeeded {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let (prefix, key, typestr, chunks): (String, [u64; 2], String, PyChunks) =
            object.extract()?;
        let dtype: Option<DType> = dtype_of(Some(&typestr));
        let dtype = dtype.ok_or_else(|| {
            PyTypeError::new_err(format!("Unsupported dtype {typestr:?} for {prefix}"))
        })?;
        Ok(Self(Seeded { prefix, key: Key(key), dtype, chunks: chunks.0 }))
    }
}

fn argument<'py, T>(object: &Bound<'py, PyAny>) -> PyResult<Argument<T>>
where
    for<'a> T: FromPyObject<'a, 'py, Error = PyErr>,
{
    if let Ok(array) = object.cast::<ArrayExpr>() {
        return Ok(Argument::Array(array.get().0.clone()));
    }
    object.extract().map(Argument::Scalar)
}

fn distribution(name: &str) -> PyResult<Distribution> {
    Distribution::from_name(name)
        .ok_or_else(|| PyValueError::new_err(format!("there is no distribution {name:?}")))
}

/// The seed of the array number `stream` of a generator.
#[pyfunction]
pub(crate) fn random_key(key: [u64; 2], stream: u64) -> [u64; 2] {
    Key(key).derive(stream).0
}

/// Checks an array of numbers for a parameter of a distribution.
#[pyfunction]
pub(crate) fn random_check(name: &str, which: usize, values: &Bound<'_, PyAny>) -> PyResult<()> {
    let distribution = distribution(name)?;
    let Some(chunk) = to_chunk(values) else {
        return Err(NoKernel::new_err("an array without native chunks"));
    };
    let values = chunk.elements::<f64>().py()?;
    let mut params = vec![None; which];
    params.push(Some(Param::Slice(&values)));
    check_parameters(distribution, &params).py()
}

/// Numbers of a distribution; the parameters are numbers or expressions, in its order.
#[pyfunction]
pub(crate) fn array_random(
    seeded: PySeeded,
    name: &str,
    params: Vec<Bound<'_, PyAny>>,
) -> PyResult<ArrayExpr> {
    let arguments = params.iter().map(argument::<f64>).collect::<PyResult<Vec<_>>>()?;
    expr(Array::random(&seeded.0, distribution(name)?, &arguments))
}

/// Integers from `low` up to `high`, which is one of them if `endpoint`.
#[pyfunction]
pub(crate) fn array_random_integers(
    seeded: PySeeded,
    low: &Bound<'_, PyAny>,
    high: &Bound<'_, PyAny>,
    endpoint: bool,
) -> PyResult<ArrayExpr> {
    let (low, high) = (argument::<i128>(low)?, argument::<i128>(high)?);
    expr(Array::random_integers(&seeded.0, &low, &high, endpoint))
}

/// Rows: `multinomial` of `n` trials with probabilities, `dirichlet` with concentrations,
/// `multivariate_hypergeometric` of `n` taken from so many of each colour.
#[pyfunction]
pub(crate) fn array_random_rows(
    seeded: PySeeded,
    name: &str,
    n: u64,
    values: Vec<f64>,
) -> PyResult<ArrayExpr> {
    let rows = match name {
        "multinomial" => RowDistribution::Multinomial { n, pvals: values },
        "dirichlet" => RowDistribution::Dirichlet { alpha: values },
        "multivariate_hypergeometric" => RowDistribution::MultivariateHypergeometric {
            colors: values.iter().map(|&n| n as u64).collect(),
            nsample: n,
        },
        _ => return Err(PyValueError::new_err(format!("there are no rows {name:?}"))),
    };
    expr(Array::random_rows(&seeded.0, rows))
}

/// Indices below `n` of what is chosen: with weights, and with all put back or none.
#[pyfunction]
pub(crate) fn array_random_indices(
    seeded: PySeeded,
    n: u64,
    replace: bool,
    weights: Option<Vec<f64>>,
) -> PyResult<ArrayExpr> {
    let draw = match (weights, replace) {
        (None, false) => Draw::Permuted { n },
        (None, true) => {
            let high = Argument::Scalar(n.into());
            return expr(Array::random_integers(&seeded.0, &Argument::Scalar(0), &high, false));
        }
        (Some(weights), false) => Draw::WeightedOnce { weights: weights.into() },
        (Some(weights), true) => {
            let total: f64 = weights.iter().sum();
            let mut sum = 0.0;
            let ends = weights.iter().map(|weight| {
                sum += weight;
                sum / total
            });
            Draw::Weighted { ends: ends.collect() }
        }
    };
    expr(Array::random_indices(&seeded.0, draw))
}

/// The elements of a one-dimensional array at the positions that an array has.
#[pyfunction]
pub(crate) fn array_pick(
    prefix: &str,
    positions: &ArrayExpr,
    source: &ArrayExpr,
) -> PyResult<ArrayExpr> {
    expr(positions.0.picked_from(prefix, &source.0))
}
