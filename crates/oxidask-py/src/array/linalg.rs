//! Contractions, decompositions, transforms, scans, sorts and searches.

use oxidask_array::error::ArrayError;
use oxidask_array::kernel::cumulative::Scan;
use oxidask_array::kernel::fft::{Norm, Transform};
use oxidask_array::kernel::matmul::Label;
use oxidask_array::kernel::search::Side;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::array::expr::{ArrayExpr, IntoPython, NoKernel, expr};
use crate::array::memory::to_chunk;

fn exprs<const N: usize>(
    arrays: Result<[oxidask_array::plan::array::Array; N], ArrayError>,
) -> PyResult<Vec<ArrayExpr>> {
    Ok(arrays.py()?.into_iter().map(ArrayExpr).collect())
}

fn unknown(what: &str, name: &str) -> PyErr {
    PyValueError::new_err(format!("no {what} of the name {name}"))
}

/// The contraction of two arrays whose axes are labelled by numbers.
#[pyfunction]
pub(crate) fn array_contract(
    a: &ArrayExpr,
    b: &ArrayExpr,
    a_labels: Vec<Label>,
    b_labels: Vec<Label>,
    out: Vec<Label>,
) -> PyResult<ArrayExpr> {
    expr(a.0.contract(&b.0, &a_labels, &b_labels, &out))
}

/// The matrix product of two arrays.
#[pyfunction]
pub(crate) fn array_matmul(a: &ArrayExpr, b: &ArrayExpr) -> PyResult<ArrayExpr> {
    expr(a.0.matmul(&b.0))
}

/// Decompositions of one matrix, by name: a list of results.
#[pyfunction]
#[pyo3(signature = (name, a, lower=true))]
pub(crate) fn array_linalg(name: &str, a: &ArrayExpr, lower: bool) -> PyResult<Vec<ArrayExpr>> {
    let a = &a.0;
    let one = |array: Result<_, ArrayError>| exprs(array.map(|array| [array]));
    match name {
        "tsqr" => exprs(a.tsqr().map(|(q, r)| [q, r])),
        "sfqr" => exprs(a.sfqr().map(|(q, r)| [q, r])),
        "svd" => exprs(a.svd()),
        "lu" => exprs(a.lu()),
        "cholesky" => one(a.cholesky()),
        "inv" => one(a.inv()),
        "det" => one(a.det()),
        "slogdet" => exprs(a.slogdet()),
        "eigh" => exprs(a.eigh(lower)),
        _ => Err(unknown("decomposition", name)),
    }
}

/// Solutions of `a @ x = b`.
#[pyfunction]
#[pyo3(signature = (a, b, lower=None, unit=false))]
pub(crate) fn array_solve(
    a: &ArrayExpr,
    b: &ArrayExpr,
    lower: Option<bool>,
    unit: bool,
) -> PyResult<ArrayExpr> {
    expr(match lower {
        None => a.0.solve(&b.0),
        Some(lower) => a.0.solve_triangular(&b.0, lower, unit),
    })
}

/// A Fourier transform along an axis.
#[pyfunction]
pub(crate) fn array_fft(
    a: &ArrayExpr,
    kind: &str,
    n: Option<i64>,
    axis: i64,
    norm: &str,
) -> PyResult<ArrayExpr> {
    let transform = match kind {
        "fft" => Transform::Fft,
        "ifft" => Transform::Ifft,
        "rfft" => Transform::Rfft,
        "irfft" => Transform::Irfft,
        "hfft" => Transform::Hfft,
        "ihfft" => Transform::Ihfft,
        _ => return Err(unknown("transform", kind)),
    };
    let norm = match norm {
        "backward" => Norm::Backward,
        "ortho" => Norm::Ortho,
        "forward" => Norm::Forward,
        _ => {
            return Err(PyValueError::new_err(format!(
                "Invalid norm value {norm}; should be \"backward\", \"ortho\" or \"forward\"."
            )));
        }
    };
    expr(a.0.fft(transform, n, axis, norm))
}

/// A running sum, product, maximum or minimum along an axis.
#[pyfunction]
pub(crate) fn array_cumulate(a: &ArrayExpr, kind: &str, axis: i64) -> PyResult<ArrayExpr> {
    let scan = match kind {
        "cumsum" => Scan::Sum,
        "cumprod" => Scan::Product,
        "nancumsum" => Scan::NanSum,
        "nancumprod" => Scan::NanProduct,
        "cummax" => Scan::Max,
        "cummin" => Scan::Min,
        _ => return Err(unknown("scan", kind)),
    };
    expr(a.0.cumulate(scan, axis))
}

/// The lanes along an axis sorted, or the order that sorts them.
#[pyfunction]
pub(crate) fn array_sort(a: &ArrayExpr, axis: i64, places: bool) -> PyResult<ArrayExpr> {
    expr(if places { a.0.argsort(axis) } else { a.0.sort(axis) })
}

/// The largest or smallest elements along an axis, or where they are.
#[pyfunction]
pub(crate) fn array_topk(a: &ArrayExpr, k: i64, axis: i64, places: bool) -> PyResult<ArrayExpr> {
    expr(if places { a.0.argtopk(k, axis) } else { a.0.topk(k, axis) })
}

/// Distinct elements, first places, inverse and counts of a 1-d array.
#[pyfunction]
pub(crate) fn array_unique(a: &ArrayExpr) -> PyResult<Vec<ArrayExpr>> {
    exprs(a.0.unique())
}

fn side(name: &str) -> PyResult<Side> {
    match name {
        "left" => Ok(Side::Left),
        "right" => Ok(Side::Right),
        _ => Err(PyValueError::new_err(format!("side must be 'left' or 'right' (got '{name}')"))),
    }
}

/// Where values go in a sorted array.
#[pyfunction]
#[pyo3(name = "array_searchsorted")]
pub(crate) fn array_searchsorted(a: &ArrayExpr, v: &ArrayExpr, place: &str) -> PyResult<ArrayExpr> {
    expr(a.0.searchsorted(&v.0, side(place)?))
}

/// In which bins elements lie.
#[pyfunction]
pub(crate) fn array_digitize(
    a: &ArrayExpr,
    bins: &Bound<'_, PyAny>,
    right: bool,
) -> PyResult<ArrayExpr> {
    let bins = to_chunk(bins).ok_or_else(|| NoKernel::new_err("bins without a native dtype"))?;
    expr(a.0.digitize(&bins, right))
}

/// Counts by edges.
#[pyfunction]
pub(crate) fn array_histogram(
    a: &ArrayExpr,
    edges: Vec<f64>,
    weights: Option<&ArrayExpr>,
) -> PyResult<ArrayExpr> {
    expr(a.0.histogram(edges, weights.map(|weights| &weights.0)))
}

/// Counts of numbers.
#[pyfunction]
pub(crate) fn array_bincount(
    a: &ArrayExpr,
    weights: Option<&ArrayExpr>,
    minlength: usize,
) -> PyResult<ArrayExpr> {
    expr(a.0.bincount(weights.map(|weights| &weights.0), minlength))
}

/// Whether elements are among the sorted ones.
#[pyfunction]
pub(crate) fn array_isin(
    a: &ArrayExpr,
    among: &Bound<'_, PyAny>,
    invert: bool,
) -> PyResult<ArrayExpr> {
    let among = to_chunk(among).ok_or_else(|| NoKernel::new_err("elements without a kernel"))?;
    expr(a.0.is_in(among, invert))
}
