//! Reductions.

use oxidask_array::kernel::reduce::{Reducer, Reduction};
use oxidask_array::plan::reduce::Options;
use pyo3::prelude::*;

use crate::array::expr::{ArrayExpr, NoKernel, dtype_of, expr, scalar_chunk};

fn reduction(name: &str) -> Option<(Reduction, bool)> {
    use Reducer as R;
    let (skip_nan, plain) = match name.strip_prefix("nan") {
        Some(plain) => (true, plain),
        None => (false, name),
    };
    let reducer = match plain {
        "sum" => R::Sum,
        "prod" => R::Prod,
        "min" => R::Min,
        "max" => R::Max,
        "any" => R::Any,
        "all" => R::All,
        "mean" => R::Mean,
        "var" | "std" => R::Var,
        "argmin" => R::ArgMin,
        "argmax" => R::ArgMax,
        _ => return None,
    };
    Some((Reduction { reducer, skip_nan }, plain == "std"))
}

/// A reduction by NumPy's name over `axes`; `by` says for each axis how many blocks are merged at
/// once. `NoKernel` if NumPy must do it.
#[pyfunction]
#[pyo3(signature = (array, name, axes, keepdims, by, typestr=None, ddof=0.0, initial=None))]
#[expect(clippy::too_many_arguments, reason = "keywords of a Python function")]
pub(crate) fn array_reduce(
    array: &ArrayExpr,
    name: &str,
    axes: Vec<usize>,
    keepdims: bool,
    by: Vec<u32>,
    typestr: Option<&str>,
    ddof: f64,
    initial: Option<&Bound<'_, PyAny>>,
) -> PyResult<ArrayExpr> {
    let refuse = |what: &str| NoKernel::new_err(what.to_owned());
    let (reduction, root) = reduction(name).ok_or_else(|| refuse(name))?;
    let dtype = match typestr {
        Some(text) => Some(dtype_of(Some(text)).ok_or_else(|| refuse(text))?),
        None => None,
    };
    let initial = match initial {
        Some(object) => {
            Some(scalar_chunk(object).ok_or_else(|| refuse("an initial value of this type"))?)
        }
        None => None,
    };
    let options = Options { keepdims, dtype, ddof, root, initial, by };
    expr(array.0.reduce(name, reduction, &axes, &options))
}
